#include "broker/delayed/delayed_map_broker.h"

#include "base/check.h"
#include "base/mem.h"
#include "broker/delayed/delayed_queue.h"

struct delayed_map_broker {
    struct map_broker broker;
    struct delayed_target inner; /* owns its maps */
    struct delayed_queue *queue;
};

static struct delayed_map_broker *of(struct map_broker *b)
{
    return container_of(b, struct delayed_map_broker, broker);
}

static struct map_broker *inner_of(struct map_broker *b)
{
    return of(b)->inner.maps;
}

static enum broker_answer publish(struct map_broker *b, const struct broker_context *c, const struct map_publish *r,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_MAP_PUBLISH, .space = r->space, .channel = r->channel, .map_publish = *r
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum broker_answer remove_key(struct map_broker *b, const struct broker_context *c, const struct map_removal *r,
                                     struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_MAP_REMOVE, .space = r->space, .channel = r->channel, .map_remove = *r
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum broker_answer clear(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                struct slice channel, struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = { .call = DELAYED_MAP_CLEAR, .space = space, .channel = channel };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum broker_answer read_state(struct map_broker *b, const struct broker_context *c,
                                     const struct map_read_state *r, struct broker_ticket ticket,
                                     struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_MAP_READ_STATE, .space = r->space, .channel = r->channel, .map_read_state = *r
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum broker_answer read_stream(struct map_broker *b, const struct broker_context *c,
                                      const struct broker_history *r, struct broker_ticket ticket,
                                      struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_HISTORY, .space = r->space, .channel = r->channel, .history = *r
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum broker_answer stats(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                struct slice channel, struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = { .call = DELAYED_MAP_STATS, .space = space, .channel = channel };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum broker_answer subscribe(struct map_broker *b, const struct broker_context *c,
                                    const struct broker_subscribe *r, struct broker_ticket ticket,
                                    struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_SUBSCRIBE, .space = r->space, .channel = r->channel, .subscribe = *r
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum broker_answer regain(struct map_broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                 struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_REGAIN, .space = r->space, .channel = r->channel, .subscribe = *r
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static void unsubscribe(struct map_broker *b, const struct broker_context *c, uint32_t space, struct slice channel)
{
    struct delayed_request request = { .call = DELAYED_UNSUBSCRIBE, .space = space, .channel = channel };
    if (delayed_queue_overtakes(of(b)->queue, space, channel))
        delayed_queue_must(of(b)->queue, c, &request);
    else
        inner_of(b)->ops->unsubscribe(inner_of(b), c, space, channel);
}

static bool sweep(struct map_broker *b, const struct broker_context *c)
{
    return inner_of(b)->ops->sweep(inner_of(b), c);
}

static bool channels(struct map_broker *b, uint32_t space, uint64_t *cursor,
                     void (*visit)(struct slice channel, uint32_t subscribers, void *context), void *context)
{
    return inner_of(b)->ops->channels(inner_of(b), space, cursor, visit, context);
}

static uint64_t channel_count(struct map_broker *b)
{
    return inner_of(b)->ops->channel_count(inner_of(b));
}

static void counts(struct map_broker *b, struct map_counts *out)
{
    inner_of(b)->ops->counts(inner_of(b), out);
}

static void stop(struct map_broker *b)
{
    delayed_queue_stop(of(b)->queue);
}

static void free_broker(struct map_broker *b)
{
    struct delayed_map_broker *d = of(b);
    delayed_queue_free(d->queue);
    inner_of(b)->ops->free(inner_of(b));
    mem_free(d);
}

static const struct map_broker_ops ops = {
    .publish = publish,
    .remove = remove_key,
    .clear = clear,
    .read_state = read_state,
    .read_stream = read_stream,
    .stats = stats,
    .subscribe = subscribe,
    .unsubscribe = unsubscribe,
    .regain = regain,
    .sweep = sweep,
    .channels = channels,
    .channel_count = channel_count,
    .counts = counts,
    .stop = stop,
    .free = free_broker,
};

struct map_broker *delayed_map_broker_new(struct map_broker *inner, const struct broker_links *links, uint32_t delay_ms)
{
    struct delayed_map_broker *d = mem_must_alloc_zero(sizeof *d);
    d->broker.ops = &ops;
    d->inner.maps = inner;
    d->queue = delayed_queue_new(&d->inner, links, delay_ms);
    return &d->broker;
}
