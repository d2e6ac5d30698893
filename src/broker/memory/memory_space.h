/* memory_space: what is counted per space, and the list of spaces. A space, once
 * seen, stays until the broker is freed: there is one for each project, and a
 * project's id is checked before its space gets here. */
#ifndef XSHATHRA_BROKER_MEMORY_SPACE_H
#define XSHATHRA_BROKER_MEMORY_SPACE_H

#include "broker/memory/memory_idempotency.h"

struct memory_space {
    struct memory_space *next_; /* fixed once it is in the list */
    uint32_t id;
    atomic_size_t history_bytes; /* cost of its streams and of all that their rings hold */
    atomic_size_t subscribed;    /* channels with subscribers; relaxed: a number for people */
    struct memory_idempotency idempotency;
};

#define MEMORY_SPACE_BUCKETS 256

struct memory_spaces {
    _Atomic(struct memory_space *) buckets_[MEMORY_SPACE_BUCKETS];
    size_t idempotency_keys_max_;
    uint64_t idempotency_ttl_ms_;
};

void memory_spaces_init(struct memory_spaces *s, size_t idempotency_keys_max, uint64_t idempotency_ttl_ms);
void memory_spaces_deinit(struct memory_spaces *s);

/* Any thread, without a lock. find: NULL when it was never seen; get: made then,
 * NULL when memory is out. */
struct memory_space *memory_spaces_find(struct memory_spaces *s, uint32_t id);
MUST_CHECK struct memory_space *memory_spaces_get(struct memory_spaces *s, uint32_t id);
/* Drop expired idempotency keys; true = perhaps more. */
bool memory_spaces_sweep(struct memory_spaces *s, uint64_t now_ms);

#endif
