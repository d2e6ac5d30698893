#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/client_parts.h"
#include "engine/position_check.h"

static struct engine *(*find_engine)(void *worker_context);

void engine_set_worker_lookup(struct engine *(*engine_of)(void *worker_context))
{
    find_engine = engine_of;
}

struct engine *engine_of_worker(void *worker_context)
{
    return find_engine(worker_context);
}

/* Row HI-16: the publication was too long on its way to be of use to positioned subscribers. */
static bool came_too_late(const struct engine *e, const struct publication *p)
{
    const uint64_t lag_max_ms = e->policy->deployment->limits.position_lag_max_ms;
    return lag_max_ms > 0 && p->time_ms > 0 && e->wall_ms - p->time_ms > (int64_t)lag_max_ms;
}

/* Does the publication continue the stream that positioned subscribers follow? Rows
 * HI-13, HI-14 and HI-16. */
static bool continues_stream(const struct engine *e, struct hub_channel *channel, const struct publication *p)
{
    if (!channel->has_position || p->offset == 0) return true;
    if (channel->epoch[0] == 0) memcpy(channel->epoch, p->epoch, sizeof channel->epoch);
    bool same = strcmp(channel->epoch, p->epoch) == 0;
    if (same && p->offset <= channel->offset) return true; /* came before the first position was taken */
    bool next = same && p->offset == channel->offset + 1 && !came_too_late(e, p);
    position_check_heard(e, channel);
    channel->offset = p->offset;
    memcpy(channel->epoch, p->epoch, sizeof channel->epoch);
    return next;
}

static unsigned message_type(const struct publication *p)
{
    static const unsigned types[] = {
        [PUBLICATION_DATA] = METRIC_MESSAGE_PUBLICATION,
        [PUBLICATION_JOIN] = METRIC_MESSAGE_JOIN,
        [PUBLICATION_LEAVE] = METRIC_MESSAGE_LEAVE,
    };
    if (publication_key(p).len > 0)
        return p->content.removed ? METRIC_MESSAGE_MAP_REMOVAL : METRIC_MESSAGE_MAP_PUBLICATION;
    return types[p->content.kind];
}

static struct hub_channel *find(const struct engine *e, uint32_t space, struct slice name, bool is_map)
{
    return is_map ? hub_map_find(&e->hub, space, name) : hub_channel_find(&e->hub, space, name);
}

static void deliver(struct engine *e, struct hub_channel *channel, struct publication *p)
{
    bool continues = continues_stream(e, channel, p);
    LIST_EACH(node, next, &channel->subscriptions)
    {
        struct subscription *sub = LIST_ENTRY(node, struct subscription, in_channel);
        bool last = next == &channel->subscriptions;
        if (sub->pending) {
            client_keep_for_later(sub, p);
        } else if (p->seq > sub->start_seq) {
            if (!continues && (sub->flags & SUB_POSITIONED)) {
                client_insufficient_state(sub->client, sub);
            } else if (client_wants_live(sub->client, sub, p)) {
                client_deliver(sub->client, sub, p);
            }
        }
        if (last) break; /* the channel may have gone with its last subscription */
    }
}

static void deliver_mail(struct mail *mail, void *worker_context, bool is_map)
{
    struct engine *e = engine_of_worker(worker_context);
    struct publication *p = container_of(mail, struct publication_mail, mail)->publication;
    struct hub_channel *channel = find(e, p->space, p->channel, is_map);
    metrics_add(e->metrics, METRIC_AT1(NODE_MESSAGES_RECEIVED, message_type(p)), 1);
    /* After a gap, what was read again is still in the mailbox: the gap's mail overtook it. */
    bool read_again = channel && p->offset > 0 && p->seq <= channel->regained_seq;
    if (channel && !read_again) {
        if (p->content.kind == PUBLICATION_DATA && p->time_ms > 0)
            metrics_observe(e->metrics, METRIC_NODE_PUB_SUB_LAG, 0, (double)(e->wall_ms - p->time_ms) / 1e3);
        uint64_t started_ns = engine_clock_ns(e);
        unsigned type = message_type(p);
        if (p->content.kind == PUBLICATION_DATA)
            space_counts_of(&e->spaces, p->space)->deliveries += channel->subscriber_count;
        deliver(e, channel, p);
        metrics_observe(e->metrics, METRIC_NODE_BROADCAST_DURATION, type,
                        (double)(engine_clock_ns(e) - started_ns) / 1e9);
    }
    publication_unref(p);
}

void engine_deliver_publication(struct mail *mail, void *worker_context)
{
    deliver_mail(mail, worker_context, false);
}

void engine_deliver_map_publication(struct mail *mail, void *worker_context)
{
    deliver_mail(mail, worker_context, true);
}

/* ---- gaps ---- */

void fanout_lose_position(struct hub_channel *channel)
{
    channel->has_position = false;
    LIST_EACH(node, next, &channel->subscriptions)
    {
        struct subscription *sub = LIST_ENTRY(node, struct subscription, in_channel);
        bool last = next == &channel->subscriptions;
        if (sub->pending) {
            sub->flags |= SUB_LOST_EVENTS;
        } else if (sub->flags & (SUB_POSITIONED | SUB_MAP)) {
            client_insufficient_state(sub->client, sub);
        }
        if (last) break; /* the channel may have gone with its last subscription */
    }
}

/* What was missed is delivered where it can be read again; otherwise positioned
 * subscriptions and those of maps end, and the others have lost events, which is counted. */
static void take_up(struct engine *e, struct hub_channel *channel, struct broker_result *result)
{
    if (result->status == STATUS_OK && result->subscribe.recovered) {
        struct broker_publications *missed = &result->subscribe.missed;
        const uint32_t space = channel->space;
        const bool is_map = channel->is_map;
        channel->regained_seq = result->subscribe.seq;
        for (uint32_t i = 0; i < missed->count && channel; i++) {
            struct publication *p = missed->items[i];
            deliver(e, channel, p);
            channel = find(e, space, p->channel, is_map);
        }
        return;
    }
    LOG_WARN("channel lost events on a worker", LOG_STR("channel", hub_channel_name(channel)),
             LOG_U64("worker", e->index));
    fanout_lose_position(channel);
}

static enum broker_answer regain(struct engine *e, const struct broker_subscribe *request, bool is_map,
                                 struct broker_result *result)
{
    struct broker_context context = engine_broker_context(e);
    struct broker_ticket nobody = { .handle = { .worker = e->index } };
    if (is_map) return e->shared->map_broker->ops->regain(e->shared->map_broker, &context, request, nobody, result);
    return e->shared->broker->ops->regain(e->shared->broker, &context, request, nobody, result);
}

static void deliver_gap(struct mail *mail, void *worker_context, bool is_map)
{
    struct engine *e = engine_of_worker(worker_context);
    struct broker_gap *gap = container_of(mail, struct broker_gap, mail);
    struct slice name = slice_of(gap->channel, gap->channel_len);
    struct hub_channel *channel = find(e, gap->space, name, is_map);
    struct broker_subscribe request = {
        .space = gap->space,
        .channel = name,
        /* without a position nobody follows the stream: its whole history is not what was missed */
        .recover = channel && channel->has_position,
        .recover_max = e->policy->deployment->limits.recovery_publications_max,
    };
    if (channel && channel->has_position) {
        request.position = true;
        request.since.offset = channel->offset;
        memcpy(request.since.epoch, channel->epoch, sizeof request.since.epoch);
    }
    struct broker_result result = { 0 };
    /* A broker that answers late is treated as one that cannot say: the safe side. */
    if (regain(e, &request, is_map, &result) == BROKER_PENDING)
        result = (struct broker_result){ .status = STATUS_UNAVAILABLE };
    if (channel) take_up(e, channel, &result);
    broker_result_deinit(&result);
    mem_free(gap);
}

void engine_deliver_gap(struct mail *mail, void *worker_context)
{
    deliver_gap(mail, worker_context, false);
}

void engine_deliver_map_gap(struct mail *mail, void *worker_context)
{
    deliver_gap(mail, worker_context, true);
}

/* ---- completions ---- */

void engine_deliver_completion(struct mail *mail, void *worker_context)
{
    struct engine *e = engine_of_worker(worker_context);
    struct broker_completion *completion = container_of(mail, struct broker_completion, mail);
    struct client *c = e->worker.client_of(e->worker.context, completion->ticket.handle);
    if (c) {
        operation_complete(e, c, completion);
    } else if (!handle_set(completion->ticket.handle)) {
        /* else of joins and leaves: nobody waits */
        if (!position_check_answered(e, completion)) broker_completion_free(completion);
    } else if (!operation_complete_orphan(e, completion)) {
        e->worker.complete(e->worker.context, completion);
    }
}
