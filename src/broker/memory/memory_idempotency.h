/* memory_idempotency: the publishes of one space that carried an idempotency key,
 * with what they answered. Bounded in count and time: the oldest goes first.
 *
 * Has a lock of its own, taken inside a shard's lock (shard -> idempotency), so
 * that a key is checked and stored in the publishing hold. Keys count per channel. */
#ifndef XSHATHRA_BROKER_MEMORY_IDEMPOTENCY_H
#define XSHATHRA_BROKER_MEMORY_IDEMPOTENCY_H

#include <pthread.h>

#include "base/list.h"
#include "base/map.h"
#include "broker/memory/memory_garbage.h"

struct memory_idempotency {
    pthread_mutex_t lock_;
    struct map keys_;
    struct list oldest_first_;
    size_t count_max_;
    uint64_t ttl_ms_;
};

/* One key, made outside the hold. */
struct memory_idempotency_key;

void memory_idempotency_init(struct memory_idempotency *t, size_t count_max, uint64_t ttl_ms);
void memory_idempotency_deinit(struct memory_idempotency *t);

/* NULL when memory is out; freed with mem_free while the table does not own it. */
MUST_CHECK struct memory_idempotency_key *memory_idempotency_key_new(uint64_t channel_hash, struct slice channel,
                                                                     struct slice key);
/* True: an equal key is known and still valid, *result is what it answered, with suppressed set. */
bool memory_idempotency_find(struct memory_idempotency *t, const struct memory_idempotency_key *key, uint64_t now_ms,
                             struct broker_publish_result *result);
/* After a find that was false, in the same hold. The table owns key when OK. */
MUST_CHECK enum status memory_idempotency_add(struct memory_idempotency *t, struct memory_idempotency_key *key,
                                              uint64_t now_ms, const struct broker_publish_result *result,
                                              struct memory_garbage *garbage);
/* All keys of one channel, in slices. */
void memory_idempotency_forget(struct memory_idempotency *t, struct slice channel);
/* Drop at most MEMORY_HOLD_ITEMS expired keys; true = perhaps more. */
bool memory_idempotency_sweep(struct memory_idempotency *t, uint64_t now_ms);
size_t memory_idempotency_count(struct memory_idempotency *t);

#endif
