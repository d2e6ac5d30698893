#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

/* Per thread, so that a test's failure does not hit another thread's work. */
static _Thread_local size_t fail_in;

static bool must_fail(void)
{
    return __builtin_expect(fail_in != 0, 0) && --fail_in == 0;
}

/* Zero bytes are asked as one, so that NULL always means failure. */
static size_t at_least_one(size_t len)
{
    return len ? len : 1;
}

void *mem_alloc(size_t len)
{
    return must_fail() ? NULL : malloc(at_least_one(len));
}

void *mem_alloc_zero(size_t len)
{
    return must_fail() ? NULL : calloc(1, at_least_one(len));
}

void *mem_realloc(void *ptr, size_t len)
{
    return must_fail() ? NULL : realloc(ptr, at_least_one(len));
}

void mem_free(void *ptr)
{
    free(ptr);
}

static void *check_memory(void *ptr, size_t len)
{
    if (ptr == NULL) {
        fprintf(stderr, "out of memory: cannot allocate %zu bytes\n", len);
        abort();
    }
    return ptr;
}

void *mem_must_alloc(size_t len)
{
    return check_memory(malloc(at_least_one(len)), len);
}

void *mem_must_alloc_zero(size_t len)
{
    return check_memory(calloc(1, at_least_one(len)), len);
}

char *mem_copy(struct slice s)
{
    if (s.len == SIZE_MAX) return NULL;
    char *copy = mem_alloc(s.len + 1);
    if (copy == NULL) return NULL;
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

void mem_fail_after(size_t n)
{
    fail_in = n;
}

bool mem_fail_pending(void)
{
    return fail_in != 0;
}

size_t mem_fail_left(void)
{
    return fail_in;
}
