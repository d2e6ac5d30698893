/* slab: objects of one size, addressed by a slot number with a generation, so
 * that a stale address finds nothing. Memory is taken in chunks of about 64 KB
 * and kept for reuse; of the empty chunks all but one are given back. A slot whose
 * generations are used up is retired, so none comes twice.
 *
 * The first member of each object must be a struct slab_object. Objects are aligned
 * to 8 bytes; a freed one is poisoned under ASan. One thread. */
#ifndef XSHATHRA_BASE_SLAB_H
#define XSHATHRA_BASE_SLAB_H

#include "base/mem_part.h"
#include "base/slice.h"
#include "base/status.h"

struct slab_object {
    uint32_t slot;       /* set by the slab; the caller reads it only */
    uint32_t generation; /* odd while allocated */
};

struct slab {
    uint32_t object_len_;
    uint32_t shift_;            /* objects per chunk = 1 << shift_ */
    struct slab_place *places_; /* one per chunk index ever used */
    uint64_t *open_;            /* one bit per place: its chunk is there and has room */
    uint32_t place_count_, place_cap_;
    uint32_t first_open_;   /* no bit is set in the words below this one */
    uint32_t absent_count_; /* places without a chunk */
    uint32_t empty_count_;  /* chunks without a live object */
    enum mem_part part;     /* whose memory it is; set it after slab_init() */
    size_t count;           /* live objects; read only */
    size_t bytes;           /* memory held; read only */
};

void slab_init(struct slab *s, size_t object_len);
void slab_deinit(struct slab *s); /* frees all memory, live objects included */

/* A zeroed object with its slab_object filled, or NULL when memory is out. */
MUST_CHECK void *slab_alloc(struct slab *s);
void slab_free(struct slab *s, void *object);
/* The live object with this slot and generation, or NULL. */
void *slab_get(const struct slab *s, uint32_t slot, uint32_t generation);
/* The live object with the lowest slot at or after *slot, and moves *slot past
 * it; NULL at the end. Objects may be freed between calls. */
void *slab_next(const struct slab *s, uint32_t *slot);

#endif
