/* memory_ring: the newest publications of one channel, by offset. Offsets inside
 * are contiguous. It grows and shrinks by moving MEMORY_HOLD_ITEMS references with
 * each reserve, so no single call is long. Under the shard's lock, except for
 * memory_ring_free(). */
#ifndef XSHATHRA_BROKER_MEMORY_RING_H
#define XSHATHRA_BROKER_MEMORY_RING_H

#include "base/status.h"
#include "broker/memory/memory_garbage.h"
#include "broker/publication.h"

struct memory_ring {
    struct publication **slots_, **old_slots_; /* old_: being emptied, or NULL */
    uint32_t cap_, old_cap_;                   /* powers of two, or 0 */
    uint64_t moved_, split_;                   /* offsets in [moved_, split_) are still in old_slots_ */
    uint64_t first;                            /* the lowest offset inside; read only */
    uint32_t count;                            /* read only */
    size_t bytes;                              /* cost of all inside; read only */
    struct memory_ring *next_garbage;
};

/* Empty; the first push has offset `first`. NULL when memory is out. */
MUST_CHECK struct memory_ring *memory_ring_new(uint64_t first);
/* Unref all and free. Long: outside holds. Accepts NULL. */
void memory_ring_free(struct memory_ring *ring);

/* Make room for one push. Emptied slot arrays go to the garbage. */
MUST_CHECK enum status memory_ring_reserve(struct memory_ring *ring, struct memory_garbage *garbage);
/* After a reserve that was OK: p gets the next offset's place; takes a reference. */
void memory_ring_push(struct memory_ring *ring, struct publication *p);
/* Take the oldest out, with its reference; count must not be 0. */
MUST_CHECK struct publication *memory_ring_pop(struct memory_ring *ring);
/* Borrowed; offset must be inside. */
struct publication *memory_ring_at(const struct memory_ring *ring, uint64_t offset);

#endif
