/* mem: the one way to the allocator, so that it can be exchanged and made to fail.
 *
 * mem_alloc and mem_realloc return NULL when memory is out: use them for
 * anything on a peer's behalf, and close that peer. mem_must_alloc stops the
 * process: use it at start-up and for what every peer shares.
 * Any thread; memory may be freed on another thread than it came from. */
#ifndef XSHATHRA_BASE_MEM_H
#define XSHATHRA_BASE_MEM_H

#include <stddef.h>

#include <stdbool.h>

#include "base/slice.h"
#include "base/status.h"

MUST_CHECK void *mem_alloc(size_t len);
MUST_CHECK void *mem_alloc_zero(size_t len);
MUST_CHECK void *mem_realloc(void *ptr, size_t len);
void mem_free(void *ptr); /* accepts NULL */

void *mem_must_alloc(size_t len) __attribute__((returns_nonnull));
void *mem_must_alloc_zero(size_t len) __attribute__((returns_nonnull));

/* A NUL-terminated copy that the caller owns, or NULL when memory is out. */
MUST_CHECK char *mem_copy(struct slice s);

/* Tests only: the calling thread's n-th mem_alloc or mem_realloc from now
 * (1 = the next) returns NULL, once; 0 switches it off.
 * mem_fail_pending() tells whether that failure is still to come, mem_fail_left() after
 * how many: with it a test stops the count while others work. */
void mem_fail_after(size_t n);
bool mem_fail_pending(void);
size_t mem_fail_left(void);

#endif
