#include "broker/delayed/delayed_broker.h"

#include "base/check.h"
#include "base/mem.h"
#include "broker/delayed/delayed_queue.h"

struct delayed_broker {
    struct broker broker;
    struct delayed_target inner; /* owns its channels */
    struct delayed_queue *queue;
};

static struct delayed_broker *of(struct broker *b)
{
    return container_of(b, struct delayed_broker, broker);
}

static struct broker *inner_of(struct broker *b)
{
    return of(b)->inner.channels;
}

static enum broker_answer publish(struct broker *b, const struct broker_context *c, const struct broker_publish *r,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_PUBLISH, .space = r->space, .channel = r->channel, .publish = *r
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum broker_answer subscribe(struct broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                    struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_SUBSCRIBE, .space = r->space, .channel = r->channel, .subscribe = *r
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum broker_answer regain(struct broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                 struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_REGAIN, .space = r->space, .channel = r->channel, .subscribe = *r
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static void unsubscribe(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel)
{
    /* Effective at once, as the interface says, unless a subscribe must not be overtaken. */
    struct delayed_broker *d = of(b);
    struct delayed_request request = { .call = DELAYED_UNSUBSCRIBE, .space = space, .channel = channel };
    if (delayed_queue_overtakes(d->queue, space, channel))
        delayed_queue_must(d->queue, c, &request);
    else
        inner_of(b)->ops->unsubscribe(inner_of(b), c, space, channel);
}

static enum broker_answer history(struct broker *b, const struct broker_context *c, const struct broker_history *r,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_HISTORY, .space = r->space, .channel = r->channel, .history = *r
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum broker_answer history_remove(struct broker *b, const struct broker_context *c, uint32_t space,
                                         struct slice channel, struct broker_ticket ticket,
                                         struct broker_result *result)
{
    struct delayed_request request = { .call = DELAYED_HISTORY_REMOVE, .space = space, .channel = channel };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static enum status presence_add(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                                const struct publication_info *info)
{
    struct delayed_request request = {
        .call = DELAYED_PRESENCE_ADD, .space = space, .channel = channel, .presence_add = *info
    };
    return delayed_queue_add(of(b)->queue, c, &request, (struct broker_ticket){ 0 });
}

static void presence_remove(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                            struct slice client)
{
    delayed_queue_must(
        of(b)->queue, c,
        &(struct delayed_request){
            .call = DELAYED_PRESENCE_REMOVE, .space = space, .channel = channel, .presence_remove = client });
}

static enum broker_answer presence(struct broker *b, const struct broker_context *c, uint32_t space,
                                   struct slice channel, bool stats_only, struct broker_ticket ticket,
                                   struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_PRESENCE, .space = space, .channel = channel, .presence_stats_only = stats_only
    };
    return delayed_queue_call(of(b)->queue, c, &request, ticket, result);
}

static bool sweep(struct broker *b, const struct broker_context *c)
{
    return inner_of(b)->ops->sweep(inner_of(b), c);
}

static bool channels(struct broker *b, uint32_t space, uint64_t *cursor,
                     void (*visit)(struct slice channel, uint32_t subscribers, void *context), void *context)
{
    return inner_of(b)->ops->channels(inner_of(b), space, cursor, visit, context);
}

static void space_usage(struct broker *b, uint32_t space, struct broker_space_usage *out)
{
    inner_of(b)->ops->space_usage(inner_of(b), space, out);
}

static uint64_t channel_count(struct broker *b)
{
    return inner_of(b)->ops->channel_count(inner_of(b));
}

static void stop(struct broker *b)
{
    delayed_queue_stop(of(b)->queue);
}

static void free_broker(struct broker *b)
{
    struct delayed_broker *d = of(b);
    delayed_queue_free(d->queue);
    inner_of(b)->ops->free(inner_of(b));
    mem_free(d);
}

static const struct broker_ops ops = {
    .publish = publish,
    .subscribe = subscribe,
    .unsubscribe = unsubscribe,
    .history = history,
    .history_remove = history_remove,
    .presence_add = presence_add,
    .presence_remove = presence_remove,
    .presence = presence,
    .regain = regain,
    .sweep = sweep,
    .channels = channels,
    .channel_count = channel_count,
    .space_usage = space_usage,
    .stop = stop,
    .free = free_broker,
};

struct broker *delayed_broker_new(struct broker *inner, const struct broker_links *links, uint32_t delay_ms)
{
    struct delayed_broker *d = mem_must_alloc_zero(sizeof *d);
    d->broker.ops = &ops;
    d->inner.channels = inner;
    d->queue = delayed_queue_new(&d->inner, links, delay_ms);
    return &d->broker;
}
