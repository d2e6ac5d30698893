#include "crypto/crypto_memory.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/mem_part.h"

/* Straight to the allocator: a test's failing allocation (mem_fail_after) is one of ours. */
static void *allocate(size_t len, const char *file, int line)
{
    void *ptr = len ? malloc(len) : NULL;
    mem_part_add(MEM_TLS, ptr);
    return ptr;
}

static void release(void *ptr, const char *file, int line)
{
    mem_part_drop(MEM_TLS, ptr);
    free(ptr);
}

static void *reallocate(void *ptr, size_t len, const char *file, int line)
{
    if (!ptr) return allocate(len, file, line);
    if (len == 0) {
        release(ptr, file, line);
        return NULL;
    }
    mem_part_drop(MEM_TLS, ptr);
    void *grown = realloc(ptr, len);
    mem_part_add(MEM_TLS, grown ? grown : ptr);
    return grown;
}

void crypto_memory_count(void)
{
    (void)CRYPTO_set_mem_functions(allocate, reallocate, release);
}
