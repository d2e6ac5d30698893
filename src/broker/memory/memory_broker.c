#include "broker/memory/memory_broker.h"

#include "base/mem.h"
#include "broker/memory/memory_calls.h"

#define SHARDS_PER_WORKER    64
#define IDEMPOTENCY_KEYS_MAX 100000
#define IDEMPOTENCY_TTL_MS   300000
#define HISTORY_BYTES_MAX    ((size_t)1 << 30)

/* Shard i is the work of worker i mod N. */
static bool sweep_shards(struct memory_broker *mb, const struct broker_context *c)
{
    struct memory_table *t = &mb->table;
    uint32_t workers = mb->links.worker_count, left = MEMORY_HOLD_ITEMS;
    uint32_t own = (t->shard_count + workers - 1 - c->worker) / workers;
    for (uint32_t i = 0; i < own && left; i++) {
        uint32_t *next = &mb->sweep_next[c->worker];
        left -= memory_table_sweep_shard(t, *next * workers + c->worker, c->now_ms, left);
        if (left) *next = (*next + 1) % own;
    }
    return left == 0;
}

static bool sweep(struct broker *b, const struct broker_context *c)
{
    struct memory_broker *mb = memory_broker_of(b);
    bool more = sweep_shards(mb, c);
    if (c->worker == 0) more |= memory_spaces_sweep(&mb->table.spaces, c->now_ms);
    return more;
}

static uint64_t channel_count(struct broker *b)
{
    return memory_table_subscribed(&memory_broker_of(b)->table);
}

static void space_usage(struct broker *b, uint32_t space, struct broker_space_usage *out)
{
    struct memory_space *known = memory_spaces_find(&memory_broker_of(b)->table.spaces, space);
    *out = (struct broker_space_usage){ 0 };
    if (!known) return;
    out->channels = atomic_load_explicit(&known->subscribed, memory_order_relaxed);
    out->history_bytes = atomic_load_explicit(&known->history_bytes, memory_order_relaxed);
}

size_t memory_broker_entry_count(struct broker *b)
{
    return memory_table_entry_count(&memory_broker_of(b)->table);
}

void memory_broker_deinit(struct memory_broker *mb)
{
    memory_table_deinit(&mb->table);
    mem_free(mb->sweep_next);
}

static void free_broker(struct broker *b)
{
    struct memory_broker *mb = memory_broker_of(b);
    memory_broker_deinit(mb);
    mem_free(mb);
}

static const struct broker_ops ops = {
    .publish = memory_publish,
    .subscribe = memory_subscribe,
    .unsubscribe = memory_unsubscribe,
    .history = memory_history,
    .history_remove = memory_history_remove,
    .presence_add = memory_present_add,
    .presence_remove = memory_present_remove,
    .presence = memory_present,
    .regain = memory_regain,
    .sweep = sweep,
    .channels = memory_channels,
    .channel_count = channel_count,
    .space_usage = space_usage,
    .free = free_broker,
};

void memory_broker_init(struct memory_broker *mb, enum memory_table_kind kind, const struct broker_links *links,
                        const struct memory_broker_options *options)
{
    CHECK(links->worker_count >= 1 && links->worker_count <= POST_OFFICE_MAX);
    mb->links = *links;
    mb->history_bytes_max = options->history_bytes_max ? options->history_bytes_max : HISTORY_BYTES_MAX;
    mb->sweep_next = mem_must_alloc_zero(links->worker_count * sizeof *mb->sweep_next);
    memory_spaces_init(&mb->table.spaces,
                       options->idempotency_keys_max ? options->idempotency_keys_max : IDEMPOTENCY_KEYS_MAX,
                       options->idempotency_ttl_ms ? options->idempotency_ttl_ms : IDEMPOTENCY_TTL_MS);
    uint32_t shards = options->shard_count ? options->shard_count : SHARDS_PER_WORKER * links->worker_count;
    memory_table_init(&mb->table, kind, shards, links->worker_count);
}

struct broker *memory_broker_new(const struct broker_links *links, const struct memory_broker_options *options)
{
    struct memory_broker *mb = mem_must_alloc_zero(sizeof *mb);
    mb->broker.ops = &ops;
    memory_broker_init(mb, MEMORY_TABLE_CHANNELS, links, options);
    return &mb->broker;
}
