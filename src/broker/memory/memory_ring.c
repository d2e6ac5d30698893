#include "broker/memory/memory_ring.h"

#include "base/check.h"
#include "base/mem_part.h"

/* An offset's slot is offset & (cap - 1). While a resize runs, offsets in
 * [moved_, split_) are in the old array: those below have been moved, those from
 * split_ on were pushed after it began. A resize at cap C is done after C / 64
 * pushes, long before the next one can be due. */
#define RING_CAP_MIN 4u
#define RING_CAP_MAX (1u << 30)
#define RING_SHRINK  8 /* at an eighth the array is halved */

struct memory_ring *memory_ring_new(uint64_t first)
{
    struct memory_ring *ring = mem_part_alloc_zero(MEM_HISTORY, sizeof *ring);
    if (ring) ring->first = first;
    return ring;
}

static struct publication **slot_of(const struct memory_ring *ring, uint64_t offset)
{
    if (ring->old_slots_ && offset >= ring->moved_ && offset < ring->split_)
        return &ring->old_slots_[offset & (ring->old_cap_ - 1)];
    return &ring->slots_[offset & (ring->cap_ - 1)];
}

struct publication *memory_ring_at(const struct memory_ring *ring, uint64_t offset)
{
    CHECK(offset - ring->first < ring->count);
    return *slot_of(ring, offset);
}

void memory_ring_free(struct memory_ring *ring)
{
    if (!ring) return;
    for (uint32_t i = 0; i < ring->count; i++) {
        struct publication *p = memory_ring_at(ring, ring->first + i);
        publication_count_stored(p, false);
        publication_unref(p);
    }
    mem_part_free(MEM_HISTORY, ring->slots_);
    mem_part_free(MEM_HISTORY, ring->old_slots_);
    mem_part_free(MEM_HISTORY, ring);
}

static void move_some(struct memory_ring *ring, struct memory_garbage *garbage)
{
    if (!ring->old_slots_) return;
    if (ring->moved_ < ring->first) ring->moved_ = ring->first; /* popped meanwhile */
    for (uint32_t i = 0; i < MEMORY_HOLD_ITEMS && ring->moved_ < ring->split_; i++) {
        struct publication *p = *slot_of(ring, ring->moved_);
        ring->slots_[ring->moved_++ & (ring->cap_ - 1)] = p;
    }
    if (ring->moved_ < ring->split_) return;
    memory_garbage_block(garbage, MEM_HISTORY, ring->old_slots_);
    ring->old_slots_ = NULL;
}

static bool start_resize(struct memory_ring *ring, uint32_t cap)
{
    struct publication **slots = mem_part_alloc(MEM_HISTORY, cap * sizeof(struct publication *));
    if (!slots) return false;
    ring->old_slots_ = ring->slots_;
    ring->old_cap_ = ring->cap_;
    ring->slots_ = slots;
    ring->cap_ = cap;
    ring->moved_ = ring->first;
    ring->split_ = ring->first + ring->count;
    return true;
}

enum status memory_ring_reserve(struct memory_ring *ring, struct memory_garbage *garbage)
{
    move_some(ring, garbage);
    if (ring->count == ring->cap_) {
        CHECK(!ring->old_slots_);
        uint32_t cap = ring->cap_ ? ring->cap_ * 2 : RING_CAP_MIN;
        if (cap > RING_CAP_MAX) return STATUS_TOO_LARGE;
        if (!start_resize(ring, cap)) return STATUS_NO_MEMORY;
        move_some(ring, garbage);
    } else if (!ring->old_slots_ && ring->cap_ > RING_CAP_MIN && ring->count < ring->cap_ / RING_SHRINK) {
        if (start_resize(ring, ring->cap_ / 2)) move_some(ring, garbage); /* without memory it stays larger */
    }
    return STATUS_OK;
}

void memory_ring_push(struct memory_ring *ring, struct publication *p)
{
    CHECK(ring->count < ring->cap_);
    *slot_of(ring, ring->first + ring->count) = publication_ref(p);
    ring->count++;
    ring->bytes += publication_cost(p);
    publication_count_stored(p, true);
}

struct publication *memory_ring_pop(struct memory_ring *ring)
{
    struct publication *p = memory_ring_at(ring, ring->first);
    ring->first++;
    ring->count--;
    ring->bytes -= publication_cost(p);
    publication_count_stored(p, false);
    return p;
}
