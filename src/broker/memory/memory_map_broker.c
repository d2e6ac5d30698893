#include "broker/memory/memory_map_calls.h"

#include "base/mem.h"

/* What a stream channel's subscriber may leave out is always there for a map's. */
static struct broker_subscribe as_channel(const struct broker_subscribe *r)
{
    struct broker_subscribe s = *r;
    s.position = true;
    s.cache = false;
    return s;
}

/* Without a stream nothing was read back, however near the offsets are. */
static void correct(const struct broker_subscribe *r, struct broker_result *result)
{
    if (r->history.size == 0) result->subscribe.recovered = false;
}

enum broker_answer memory_map_subscribe(struct map_broker *b, const struct broker_context *c,
                                        const struct broker_subscribe *r, struct broker_ticket ticket,
                                        struct broker_result *result)
{
    struct broker_subscribe s = as_channel(r);
    memory_subscribe(&memory_map_broker_of(b)->channels.broker, c, &s, ticket, result);
    if (result->status == STATUS_OK) correct(r, result);
    return BROKER_DONE;
}

enum broker_answer memory_map_regain(struct map_broker *b, const struct broker_context *c,
                                     const struct broker_subscribe *r, struct broker_ticket ticket,
                                     struct broker_result *result)
{
    struct broker_subscribe s = as_channel(r);
    memory_regain(&memory_map_broker_of(b)->channels.broker, c, &s, ticket, result);
    if (result->status == STATUS_OK) correct(r, result);
    return BROKER_DONE;
}

static void unsubscribe(struct map_broker *b, const struct broker_context *c, uint32_t space, struct slice channel)
{
    memory_unsubscribe(&memory_map_broker_of(b)->channels.broker, c, space, channel);
}

static bool channels(struct map_broker *b, uint32_t space, uint64_t *cursor,
                     void (*visit)(struct slice channel, uint32_t subscribers, void *context), void *context)
{
    return memory_channels(&memory_map_broker_of(b)->channels.broker, space, cursor, visit, context);
}

static uint64_t channel_count(struct map_broker *b)
{
    return memory_table_subscribed(&memory_map_broker_of(b)->channels.table);
}

static void read_suppressed(atomic_ullong *from, struct map_suppressed *to)
{
    for (int why = MAP_SUPPRESS_NONE + 1; why < MAP_SUPPRESS_COUNT; why++)
        to->count[why] = atomic_load_explicit(&from[why], memory_order_relaxed);
}

static void counts(struct map_broker *b, struct map_counts *out)
{
    struct memory_map_broker *mb = memory_map_broker_of(b);
    *out = (struct map_counts){
        .expired = atomic_load_explicit(&mb->expired, memory_order_relaxed),
        .expiry_errors = atomic_load_explicit(&mb->expiry_errors, memory_order_relaxed),
    };
    read_suppressed(mb->publishes_suppressed, &out->publishes);
    read_suppressed(mb->removals_suppressed, &out->removals);
    for (uint32_t w = 0; w < mb->channels.links.worker_count; w++) {
        uint64_t lag_ms = atomic_load_explicit(&mb->lag_ms[w], memory_order_relaxed);
        if (lag_ms > out->lag_ms) out->lag_ms = lag_ms;
    }
}

size_t memory_map_broker_entry_count(struct map_broker *b)
{
    return memory_table_entry_count(&memory_map_broker_of(b)->channels.table);
}

static void free_broker(struct map_broker *b)
{
    struct memory_map_broker *mb = memory_map_broker_of(b);
    memory_broker_deinit(&mb->channels);
    mem_free(mb);
}

static const struct map_broker_ops ops = {
    .publish = memory_map_publish,
    .remove = memory_map_removal,
    .clear = memory_map_clear,
    .read_state = memory_map_read_state,
    .read_stream = memory_map_read_stream,
    .stats = memory_map_stats,
    .subscribe = memory_map_subscribe,
    .unsubscribe = unsubscribe,
    .regain = memory_map_regain,
    .sweep = memory_map_sweep,
    .channels = channels,
    .channel_count = channel_count,
    .counts = counts,
    .free = free_broker,
};

struct map_broker *memory_map_broker_new(const struct broker_links *links, const struct memory_broker_options *options)
{
    struct memory_map_broker *mb = mem_must_alloc_zero(sizeof *mb);
    mb->broker.ops = &ops;
    memory_broker_init(&mb->channels, MEMORY_TABLE_MAPS, links, options);
    return &mb->broker;
}
