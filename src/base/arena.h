/* arena: scratch memory that dies together. Allocation is a pointer bump; reset
 * keeps the first chunk. Its free part is poisoned under ASan. One thread. */
#ifndef XSHATHRA_BASE_ARENA_H
#define XSHATHRA_BASE_ARENA_H

#include "base/slice.h"
#include "base/status.h"

struct arena {
    struct arena_chunk *chunks_;
    char *next_, *end_;
    size_t bytes_; /* handed out since the last reset */
    size_t bytes_max;
};

void arena_init(struct arena *a, size_t bytes_max);
void arena_deinit(struct arena *a);
void arena_reset(struct arena *a);
/* Aligned for any type, uninitialised; NULL when memory is out or bytes_max passed. */
MUST_CHECK void *arena_alloc(struct arena *a, size_t len);
/* A NUL-terminated copy; .ptr is NULL on failure. */
struct slice arena_copy(struct arena *a, struct slice s);

#endif
