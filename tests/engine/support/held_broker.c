#include "held_broker.h"

#include "base/check.h"
#include "base/mem.h"
#include "engine/support/held_calls.h"

struct held_broker {
    struct broker broker;
    struct broker *inner;
    struct held_calls calls;
};

static struct held_broker *of(const struct broker *b)
{
    return (struct held_broker *)((uintptr_t)b - offsetof(struct held_broker, broker));
}

static enum broker_answer hold(struct broker *b, const struct broker_context *c, const struct delayed_request *request,
                               struct broker_ticket ticket, struct broker_result *result)
{
    return held_calls_add(&of(b)->calls, c, request, ticket, result);
}

void held_broker_set(struct broker *b, enum held_mode mode)
{
    of(b)->calls.mode = mode;
}

size_t held_broker_count(const struct broker *b)
{
    return of(b)->calls.count;
}

void held_broker_release(struct broker *b, size_t index)
{
    held_calls_release(&of(b)->calls, index);
}

void held_broker_release_all(struct broker *b)
{
    while (of(b)->calls.count > 0) held_broker_release(b, 0);
}

/* ---- the interface ---- */

static enum broker_answer publish(struct broker *b, const struct broker_context *c, const struct broker_publish *r,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    if (!handle_set(ticket.handle)) return of(b)->inner->ops->publish(of(b)->inner, c, r, ticket, result);
    struct delayed_request request = {
        .call = DELAYED_PUBLISH, .space = r->space, .channel = r->channel, .publish = *r
    };
    return hold(b, c, &request, ticket, result);
}

static enum broker_answer subscribe(struct broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                    struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_SUBSCRIBE, .space = r->space, .channel = r->channel, .subscribe = *r
    };
    return hold(b, c, &request, ticket, result);
}

static enum broker_answer regain(struct broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                 struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_REGAIN, .space = r->space, .channel = r->channel, .subscribe = *r
    };
    return hold(b, c, &request, ticket, result);
}

static void unsubscribe(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel)
{
    of(b)->inner->ops->unsubscribe(of(b)->inner, c, space, channel);
}

static enum broker_answer history(struct broker *b, const struct broker_context *c, const struct broker_history *r,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_HISTORY, .space = r->space, .channel = r->channel, .history = *r
    };
    return hold(b, c, &request, ticket, result);
}

static enum broker_answer history_remove(struct broker *b, const struct broker_context *c, uint32_t space,
                                         struct slice channel, struct broker_ticket ticket,
                                         struct broker_result *result)
{
    return of(b)->inner->ops->history_remove(of(b)->inner, c, space, channel, ticket, result);
}

static enum status presence_add(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                                const struct publication_info *info)
{
    return of(b)->inner->ops->presence_add(of(b)->inner, c, space, channel, info);
}

static void presence_remove(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                            struct slice client)
{
    of(b)->inner->ops->presence_remove(of(b)->inner, c, space, channel, client);
}

static enum broker_answer presence(struct broker *b, const struct broker_context *c, uint32_t space,
                                   struct slice channel, bool stats_only, struct broker_ticket ticket,
                                   struct broker_result *result)
{
    struct delayed_request request = {
        .call = DELAYED_PRESENCE, .space = space, .channel = channel, .presence_stats_only = stats_only
    };
    return hold(b, c, &request, ticket, result);
}

static bool sweep(struct broker *b, const struct broker_context *c)
{
    return of(b)->inner->ops->sweep(of(b)->inner, c);
}

static bool channels(struct broker *b, uint32_t space, uint64_t *cursor,
                     void (*visit)(struct slice channel, uint32_t subscribers, void *context), void *context)
{
    return of(b)->inner->ops->channels(of(b)->inner, space, cursor, visit, context);
}

static void space_usage(struct broker *b, uint32_t space, struct broker_space_usage *out)
{
    of(b)->inner->ops->space_usage(of(b)->inner, space, out);
}

static uint64_t channel_count(struct broker *b)
{
    return of(b)->inner->ops->channel_count(of(b)->inner);
}

static void free_broker(struct broker *b)
{
    struct held_broker *h = of(b);
    CHECK(h->calls.count == 0);
    h->inner->ops->free(h->inner);
    mem_free(h);
}

struct broker *held_broker_new(struct broker *inner, const struct broker_links *links)
{
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
        .free = free_broker,
    };
    struct held_broker *h = mem_must_alloc_zero(sizeof *h);
    h->broker.ops = &ops;
    h->inner = inner;
    h->calls.target.channels = inner;
    held_calls_init(&h->calls, links);
    return &h->broker;
}
