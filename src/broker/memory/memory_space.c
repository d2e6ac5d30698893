#include "broker/memory/memory_space.h"

#include "base/mem.h"

void memory_spaces_init(struct memory_spaces *s, size_t idempotency_keys_max, uint64_t idempotency_ttl_ms)
{
    memset(s, 0, sizeof *s);
    s->idempotency_keys_max_ = idempotency_keys_max;
    s->idempotency_ttl_ms_ = idempotency_ttl_ms;
}

static void space_free(struct memory_space *space)
{
    memory_idempotency_deinit(&space->idempotency);
    mem_free(space);
}

void memory_spaces_deinit(struct memory_spaces *s)
{
    for (int i = 0; i < MEMORY_SPACE_BUCKETS; i++) {
        struct memory_space *space = atomic_load_explicit(&s->buckets_[i], memory_order_relaxed);
        while (space) {
            struct memory_space *next = space->next_;
            space_free(space);
            space = next;
        }
        atomic_store_explicit(&s->buckets_[i], NULL, memory_order_relaxed);
    }
}

static _Atomic(struct memory_space *) *bucket_of(struct memory_spaces *s, uint32_t id)
{
    return &s->buckets_[id % MEMORY_SPACE_BUCKETS];
}

static struct memory_space *find_in(struct memory_space *space, uint32_t id)
{
    while (space && space->id != id) space = space->next_;
    return space;
}

struct memory_space *memory_spaces_find(struct memory_spaces *s, uint32_t id)
{
    /* acquire: pairs with the exchange in get, the space is complete */
    return find_in(atomic_load_explicit(bucket_of(s, id), memory_order_acquire), id);
}

static struct memory_space *space_new(const struct memory_spaces *s, uint32_t id)
{
    struct memory_space *space = mem_alloc_zero(sizeof *space);
    if (!space) return NULL;
    space->id = id;
    memory_idempotency_init(&space->idempotency, s->idempotency_keys_max_, s->idempotency_ttl_ms_);
    return space;
}

struct memory_space *memory_spaces_get(struct memory_spaces *s, uint32_t id)
{
    struct memory_space *known = memory_spaces_find(s, id);
    if (known) return known;
    struct memory_space *made = space_new(s, id);
    if (!made) return NULL;
    struct memory_space *head = atomic_load_explicit(bucket_of(s, id), memory_order_acquire);
    do {
        known = find_in(head, id); /* another thread may have been first */
        if (known) {
            space_free(made);
            return known;
        }
        made->next_ = head;
    } while (!atomic_compare_exchange_weak_explicit(bucket_of(s, id), &head, made, memory_order_acq_rel,
                                                    memory_order_acquire));
    return made;
}

bool memory_spaces_sweep(struct memory_spaces *s, uint64_t now_ms)
{
    bool more = false;
    for (int i = 0; i < MEMORY_SPACE_BUCKETS; i++) {
        struct memory_space *space = atomic_load_explicit(&s->buckets_[i], memory_order_acquire);
        for (; space; space = space->next_) more |= memory_idempotency_sweep(&space->idempotency, now_ms);
    }
    return more;
}
