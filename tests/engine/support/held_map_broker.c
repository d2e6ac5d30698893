#include "held_map_broker.h"

#include "base/check.h"
#include "base/mem.h"

struct held_map_broker {
    struct map_broker broker;
    struct map_broker *inner;
    struct held_calls calls;
};

static struct held_map_broker *of(struct map_broker *b)
{
    return container_of(b, struct held_map_broker, broker);
}

struct held_calls *held_map_calls(struct map_broker *b)
{
    return &of(b)->calls;
}

void held_map_broker_set(struct map_broker *b, enum held_mode mode)
{
    of(b)->calls.mode = mode;
}

size_t held_map_broker_count(struct map_broker *b)
{
    return of(b)->calls.count;
}

void held_map_broker_release_all(struct map_broker *b)
{
    while (of(b)->calls.count > 0) held_calls_release(&of(b)->calls, 0);
}

static enum broker_answer hold(struct map_broker *b, const struct broker_context *c,
                               const struct delayed_request *request, struct broker_ticket ticket,
                               struct broker_result *result)
{
    if (handle_set(ticket.handle)) return held_calls_add(&of(b)->calls, c, request, ticket, result);
    return delayed_request_run(request, &of(b)->calls.target, c, ticket, result);
}

static enum broker_answer publish(struct map_broker *b, const struct broker_context *c, const struct map_publish *r,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_MAP_PUBLISH, .space = r->space, .channel = r->channel, .map_publish = *r
    };
    return hold(b, c, &request, ticket, result);
}

static enum broker_answer remove_key(struct map_broker *b, const struct broker_context *c, const struct map_removal *r,
                                     struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_MAP_REMOVE, .space = r->space, .channel = r->channel, .map_remove = *r
    };
    return hold(b, c, &request, ticket, result);
}

static enum broker_answer clear(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                struct slice channel, struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = { .call = DELAYED_MAP_CLEAR, .space = space, .channel = channel };
    return hold(b, c, &request, ticket, result);
}

static enum broker_answer read_state(struct map_broker *b, const struct broker_context *c,
                                     const struct map_read_state *r, struct broker_ticket ticket,
                                     struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_MAP_READ_STATE, .space = r->space, .channel = r->channel, .map_read_state = *r
    };
    return hold(b, c, &request, ticket, result);
}

static enum broker_answer read_stream(struct map_broker *b, const struct broker_context *c,
                                      const struct broker_history *r, struct broker_ticket ticket,
                                      struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_HISTORY, .space = r->space, .channel = r->channel, .history = *r
    };
    return hold(b, c, &request, ticket, result);
}

static enum broker_answer stats(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                struct slice channel, struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = { .call = DELAYED_MAP_STATS, .space = space, .channel = channel };
    return hold(b, c, &request, ticket, result);
}

static enum broker_answer subscribe(struct map_broker *b, const struct broker_context *c,
                                    const struct broker_subscribe *r, struct broker_ticket ticket,
                                    struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_SUBSCRIBE, .space = r->space, .channel = r->channel, .subscribe = *r
    };
    return hold(b, c, &request, ticket, result);
}

static enum broker_answer regain(struct map_broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                 struct broker_ticket ticket, struct broker_result *result)
{
    return of(b)->inner->ops->regain(of(b)->inner, c, r, ticket, result);
}

static void unsubscribe(struct map_broker *b, const struct broker_context *c, uint32_t space, struct slice channel)
{
    of(b)->inner->ops->unsubscribe(of(b)->inner, c, space, channel);
}

static bool sweep(struct map_broker *b, const struct broker_context *c)
{
    return of(b)->inner->ops->sweep(of(b)->inner, c);
}

static bool channels(struct map_broker *b, uint32_t space, uint64_t *cursor,
                     void (*visit)(struct slice channel, uint32_t subscribers, void *context), void *context)
{
    return of(b)->inner->ops->channels(of(b)->inner, space, cursor, visit, context);
}

static uint64_t channel_count(struct map_broker *b)
{
    return of(b)->inner->ops->channel_count(of(b)->inner);
}

static void counts(struct map_broker *b, struct map_counts *out)
{
    of(b)->inner->ops->counts(of(b)->inner, out);
}

static void free_broker(struct map_broker *b)
{
    struct held_map_broker *h = of(b);
    CHECK(h->calls.count == 0);
    h->inner->ops->free(h->inner);
    mem_free(h);
}

struct map_broker *held_map_broker_new(struct map_broker *inner, const struct broker_links *links)
{
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
        .free = free_broker,
    };
    struct held_map_broker *h = mem_must_alloc_zero(sizeof *h);
    h->broker.ops = &ops;
    h->inner = inner;
    h->calls.target.maps = inner;
    held_calls_init(&h->calls, links);
    return &h->broker;
}
