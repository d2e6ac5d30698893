/* memory_broker: the broker inside one process: the channel table. See
 * docs/architecture.md, "the channel table". It answers every call with DONE.
 *
 * Sharded by a keyed hash; each shard has a mutex held for a bounded handful of
 * steps (at most MEMORY_HOLD_ITEMS items), never across encoding, a system call or
 * a callback. Lock order: shard -> idempotency keys of a space (mailbox_post takes
 * no lock). */
#ifndef XSHATHRA_BROKER_MEMORY_BROKER_H
#define XSHATHRA_BROKER_MEMORY_BROKER_H

#include "broker/broker.h"

#define MEMORY_HOLD_ITEMS 64

struct memory_broker_options {
    uint32_t shard_count;        /* 0 = 64 per worker, rounded up to a power of two */
    size_t idempotency_keys_max; /* per space; the oldest goes first; 0 = 100,000 */
    uint64_t idempotency_ttl_ms; /* 0 = 300,000 */
    size_t history_bytes_max;    /* per space; a publish above it is refused TOO_LARGE; 0 = 1 GiB */
};

/* Stops when memory is out (start-up). links are copied. */
struct broker *memory_broker_new(const struct broker_links *links, const struct memory_broker_options *options);

#endif
