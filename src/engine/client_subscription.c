#include "base/mem.h"
#include "base/mem_part.h"
#include "engine/client_map.h"
#include "engine/client_parts.h"
#include "engine/console_space.h"
#include "engine/position_check.h"

/* A subscription that waits longer than this many events, or bytes, for its own
 * answer starts from an insufficient state instead. */
#define BACKLOG_COUNT_MAX 4096
#define BACKLOG_BYTES_MAX (1u << 20)

struct subscription *client_find_subscription(const struct client *c, struct slice channel)
{
    if (list_empty(&c->subscriptions)) return NULL;
    const struct hub_channel *stream = hub_channel_find(&c->engine->hub, c->space, channel);
    const bool has_maps = c->extra && c->extra->map;
    const struct hub_channel *map = has_maps ? hub_map_find(&c->engine->hub, c->space, channel) : NULL;
    if (!stream && !map) return NULL;
    LIST_EACH(node, next, &c->subscriptions)
    {
        struct subscription *sub = LIST_ENTRY(node, struct subscription, in_client);
        if (sub->channel == stream || sub->channel == map) return sub;
    }
    return NULL;
}

static bool overridden(enum claims_option option, bool value)
{
    return option == CLAIMS_UNSET ? value : option == CLAIMS_TRUE;
}

uint16_t client_plan_flags(const struct policy_channel_options *o, const struct claims_override *override)
{
    static const struct claims_override none;
    if (!override) override = &none;
    uint16_t flags = 0;
    if (overridden(override->presence, o->presence)) flags |= SUB_PRESENCE;
    if (overridden(override->join_leave, o->join_leave)) flags |= SUB_EMITS_JOIN_LEAVE;
    if (overridden(override->force_push_join_leave, o->force_push_join_leave)) flags |= SUB_JOIN_LEAVE;
    if (overridden(override->force_positioning, o->force_positioning)) flags |= SUB_POSITIONED;
    if (overridden(override->force_recovery, o->force_recovery)) flags |= SUB_RECOVERABLE;
    return flags;
}

struct broker_history_options client_history_options(const struct engine *e, const struct policy_channel_options *o)
{
    return (struct broker_history_options){
        .size = o->history_size,
        .ttl_ms = o->history_ttl_ms,
        .meta_ttl_ms = o->history_meta_ttl_ms,
        .policy_version = e->policy->version,
    };
}

void client_set_expiry(struct subscription *sub, int64_t expire_at_s)
{
    sub->flags |= SUB_EXPIRES;
    sub->expire_at_s = expire_at_s > UINT32_MAX ? UINT32_MAX : (uint32_t)expire_at_s;
}

static void count_action(struct engine *e, unsigned action)
{
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, action), 1);
}

/* What the reference counts as so many actions is one call here. */
static void count_subscribe(struct engine *e, const struct subscription *sub, const struct broker_subscribe *r)
{
    count_action(e, METRIC_ACTION_ADD_SUBSCRIPTION);
    if (sub->channel->subscriber_count == 1) count_action(e, METRIC_ACTION_BROKER_SUBSCRIBE);
    if (!r->position) return;
    count_action(e, METRIC_ACTION_HISTORY);
    count_action(e, !r->recover ? METRIC_ACTION_HISTORY_STREAM_TOP
                    : r->cache  ? METRIC_ACTION_HISTORY_RECOVER_CACHE
                                : METRIC_ACTION_HISTORY_RECOVER);
}

bool client_start_subscription(struct client *c, const struct subscription_plan *plan, struct operation *op)
{
    struct engine *e = c->engine;
    struct subscription *sub = hub_subscribe(&e->hub, c, &c->subscriptions, c->space, plan->channel);
    struct held_bytes *info = sub ? held_bytes_copy(plan->chan_info) : NULL;
    if (!sub || (plan->chan_info.len && !info)) {
        if (sub) hub_unsubscribe(&e->hub, sub);
        tags_filter_free(plan->filter);
        held_bytes_free(op->data);
        mem_free(op);
        return false;
    }
    sub->filter = plan->filter;
    sub->chan_info = info;
    sub->flags = plan->flags;
    if (plan->expire_at_s > 0) client_set_expiry(sub, plan->expire_at_s);
    c->subscription_count++;
    op->sub = sub;
    op->subscribes = true;
    bool positioned = (plan->flags & (SUB_POSITIONED | SUB_RECOVERABLE)) != 0;
    struct broker_subscribe request = {
        .space = c->space,
        .channel = plan->channel,
        .position = positioned,
        .recover = plan->recover && (plan->flags & SUB_RECOVERABLE),
        /* row API-21: the mode of the namespace is not that of the server API */
        .cache = plan->options->recovery_mode == POLICY_RECOVERY_CACHE && !op->effect,
        .cache_all = plan->filter != NULL,
        .recover_max = e->policy->deployment->limits.recovery_publications_max,
        .history = client_history_options(e, plan->options),
    };
    request.since.offset = plan->since_offset;
    size_t epoch_len = plan->since_epoch.len;
    if (epoch_len >= sizeof request.since.epoch) {
        /* longer than any epoch of ours: keep it different from all of them */
        epoch_len = sizeof request.since.epoch - 1;
    }
    if (epoch_len) memcpy(request.since.epoch, plan->since_epoch.ptr, epoch_len);
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    count_subscribe(e, sub, &request);
    enum broker_answer answer =
        e->shared->broker->ops->subscribe(e->shared->broker, &context, &request, operation_ticket(op), &result);
    operation_settle(op, answer, &result);
    return true;
}

/* Moves *at from the answer's position over what has come since. False: that is not
 * one unbroken stream. */
static bool follow_backlog(const struct subscription *sub, struct broker_position *at)
{
    const struct subscription_backlog *b = sub->backlog;
    for (uint32_t i = 0; b && i < b->count; i++) {
        const struct publication *p = b->items[i];
        if (p->seq <= sub->start_seq || p->offset == 0) continue;
        if (at->epoch[0] == 0) memcpy(at->epoch, p->epoch, sizeof at->epoch);
        if (strcmp(at->epoch, p->epoch) != 0 || p->offset != at->offset + 1) return false;
        at->offset = p->offset;
    }
    return true;
}

/* Where the stream stands as this worker's subscribers see it. Another epoch than
 * before means that the older positioned subscribers have lost theirs. */
static void adopt_position(struct subscription *sub, const struct broker_position *top)
{
    struct hub_channel *channel = sub->channel;
    if (channel->has_position && channel->epoch[0] && strcmp(channel->epoch, top->epoch) != 0) {
        LIST_EACH(node, next, &channel->subscriptions)
        {
            struct subscription *other = LIST_ENTRY(node, struct subscription, in_channel);
            if (other != sub && !other->pending && (other->flags & SUB_POSITIONED))
                client_insufficient_state(other->client, other);
        }
        channel->has_position = false;
    }
    if (channel->has_position) return;
    channel->has_position = true;
    position_check_heard(sub->client->engine, channel);
    channel->offset = top->offset;
    memcpy(channel->epoch, top->epoch, sizeof channel->epoch);
}

void client_count_subscription(struct client *c, struct subscription *sub)
{
    struct metrics *m = c->engine->metrics;
    sub->flags |= SUB_REGISTERED;
    space_counts_of(&c->engine->spaces, c->space)->subscriptions++;
    if (c->space == POLICY_CONSOLE_SPACE) console_space_joined(c, sub);
    metrics_add(m, METRIC_NODE_NUM_SUBSCRIPTIONS, 1);
    metrics_add(m, METRIC_AT1(CLIENT_SUBSCRIPTIONS_INFLIGHT, c->has_name), 1);
}

void client_expire_subscription(struct client *c, struct subscription *sub, int64_t expire_at_s)
{
    const struct engine *e = c->engine;
    client_set_expiry(sub, expire_at_s);
    uint64_t due = client_expiry_ms(e, expire_at_s, e->policy->deployment->limits.expired_sub_close_delay_ms);
    if (c->next_check_ms == 0 || due < c->next_check_ms) c->next_check_ms = due;
    client_arm(c);
}

void client_settle_subscription(struct client *c, struct subscription *sub,
                                const struct broker_subscribe_result *result)
{
    client_count_subscription(c, sub);
    sub->start_seq = result->seq;
    if (sub->flags & SUB_RECOVERABLE) sub->flags |= SUB_POSITIONED;
    if (sub->flags & SUB_POSITIONED) {
        struct broker_position at = result->top;
        if (!follow_backlog(sub, &at)) sub->flags |= SUB_LOST_EVENTS;
        if (!(sub->flags & SUB_LOST_EVENTS)) adopt_position(sub, &at);
    }
    if (sub->flags & SUB_EXPIRES) client_expire_subscription(c, sub, sub->expire_at_s);
}

/* Through the broker that the subscription is registered with. */
static enum broker_answer send_member(struct engine *e, const struct subscription *sub,
                                      const struct publication_content *content, struct broker_ticket ticket,
                                      struct broker_result *result)
{
    struct broker_context context = engine_broker_context(e);
    struct slice channel = hub_channel_name(sub->channel);
    if (sub->flags & SUB_MAP) {
        struct map_publish event = { .space = sub->channel->space, .channel = channel, .content = *content };
        return e->shared->map_broker->ops->publish(e->shared->map_broker, &context, &event, ticket, result);
    }
    struct broker_publish event = {
        .space = sub->channel->space, .channel = channel, .content = *content, .skip_history = true
    };
    return e->shared->broker->ops->publish(e->shared->broker, &context, &event, ticket, result);
}

static void publish_member(struct client *c, const struct subscription *sub, enum publication_kind kind)
{
    struct engine *e = c->engine;
    char id[CLIENT_ID_LEN + 1];
    struct publication_content content = { .kind = kind,
                                           .has_info = true,
                                           .info = client_publication_info(c, sub, id) };
    struct broker_result result = { 0 };
    /* nobody waits for the answer: a handle of generation 0 finds nobody */
    struct broker_ticket ticket = { .handle = { .worker = e->index } };
    metrics_add(e->metrics,
                METRIC_AT1(NODE_MESSAGES_SENT, kind == PUBLICATION_JOIN ? METRIC_MESSAGE_JOIN : METRIC_MESSAGE_LEAVE),
                1);
    if (send_member(e, sub, &content, ticket, &result) == BROKER_DONE) broker_result_deinit(&result);
}

struct publication_info client_publication_info(const struct client *c, const struct subscription *sub,
                                                char id_text[static CLIENT_ID_LEN + 1])
{
    const struct held_bytes *conn_info = c->extra ? c->extra->conn_info : NULL;
    const struct held_bytes *chan_info = sub ? sub->chan_info : NULL;
    client_id_text(c, id_text);
    return (struct publication_info){
        .user = client_user(c),
        .client = slice_of(id_text, CLIENT_ID_LEN),
        .conn_info = held_bytes_slice(conn_info),
        .chan_info = held_bytes_slice(chan_info),
        .not_json = !held_bytes_fit_json(conn_info) || !held_bytes_fit_json(chan_info),
    };
}

static enum status add_presence(struct client *c, const struct subscription *sub)
{
    struct engine *e = c->engine;
    char id[CLIENT_ID_LEN + 1];
    struct publication_info info = client_publication_info(c, sub, id);
    struct broker_context context = engine_broker_context(e);
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_ADD_PRESENCE), 1);
    return e->shared->broker->ops->presence_add(e->shared->broker, &context, c->space, hub_channel_name(sub->channel),
                                                &info);
}

void client_renew_presence(struct client *c)
{
    LIST_EACH(node, next, &c->subscriptions)
    {
        const struct subscription *sub = LIST_ENTRY(node, struct subscription, in_client);
        /* without memory for the new entry the old one stays */
        if (!sub->pending && (sub->flags & SUB_PRESENCE)) (void)add_presence(c, sub);
    }
}

static void tell_subscription(struct client *c, const struct subscription *sub, const char *type, const char *by,
                              uint32_t code)
{
    struct event ev;
    if (!event_begin(&ev, c->engine, c->space, type)) return;
    event_client(&ev, c);
    event_text(&ev, "channel", hub_channel_name(sub->channel));
    event_text(&ev, "by", slice_from_cstr(by));
    if (code) event_number(&ev, "code", code);
    event_send(&ev);
}

void client_tell_unsubscribe(struct client *c, const struct subscription *sub)
{
    tell_subscription(c, sub, "unsubscribe", "client", 0);
}

void client_announce(struct client *c, struct subscription *sub)
{
    tell_subscription(c, sub, "subscribe", sub->flags & SUB_SERVER_SIDE ? "server" : "client", 0);
    if ((sub->flags & SUB_PRESENCE) && add_presence(c, sub) != STATUS_OK) {
        sub->flags &= (uint16_t)~SUB_EMITS_JOIN_LEAVE; /* no leave without a join */
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    if (sub->flags & SUB_EMITS_JOIN_LEAVE) publish_member(c, sub, PUBLICATION_JOIN);
    if (sub->flags & SUB_MAP_KEYS) client_map_keys_add(c, sub);
}

/* What was kept is of no use without the rest. */
static void lose_events(struct subscription *sub)
{
    sub->flags |= SUB_LOST_EVENTS;
    hub_drop_backlog(sub);
}

void client_keep_for_later(struct subscription *sub, struct publication *p)
{
    struct subscription_backlog *b = sub->backlog;
    if (sub->flags & SUB_LOST_EVENTS) return;
    if (!b || b->count == b->cap) {
        uint32_t cap = b ? b->cap * 2 : 8;
        struct subscription_backlog *grown =
            cap > BACKLOG_COUNT_MAX ? NULL
                                    : mem_part_realloc(MEM_SUBSCRIPTIONS, b, sizeof *b + cap * sizeof b->items[0]);
        if (!grown) {
            lose_events(sub);
            return;
        }
        if (!b) *grown = (struct subscription_backlog){ 0 };
        grown->cap = cap;
        sub->backlog = b = grown;
    }
    b->bytes += publication_cost(p);
    if (b->bytes > BACKLOG_BYTES_MAX) {
        lose_events(sub);
        return;
    }
    b->items[b->count++] = publication_ref(p);
}

bool client_wants(struct client *c, const struct subscription *sub, const struct publication *p)
{
    if (p->content.kind != PUBLICATION_DATA) return (sub->flags & SUB_JOIN_LEAVE) != 0;
    if (!sub->filter || tags_filter_match(sub->filter, p->content.tags, p->content.tag_count)) return true;
    metrics_add(c->engine->metrics, METRIC_NODE_TAGS_FILTER_DROPPED, 1);
    return false;
}

void client_flush_backlog(struct client *c, struct subscription *sub)
{
    struct subscription_backlog *b = sub->backlog;
    sub->backlog = NULL;
    sub->pending = false;
    bool lost = (sub->flags & SUB_LOST_EVENTS) != 0;
    for (uint32_t i = 0; b && i < b->count; i++) {
        struct publication *p = b->items[i];
        if (!lost && p->seq > sub->start_seq && client_wants_live(c, sub, p)) client_deliver(c, sub, p);
        publication_unref(p);
    }
    mem_part_free(MEM_SUBSCRIPTIONS, b);
    if (lost) client_insufficient_state(c, sub);
}

/* Does the subscriber want a publication of the history? What its filter drops there is not counted. */
static bool wants_missed(const struct subscription *sub, const struct publication *p)
{
    return !sub->filter || tags_filter_match(sub->filter, p->content.tags, p->content.tag_count);
}

void client_choose_latest(const struct subscription *sub, struct broker_subscribe_result *r)
{
    struct broker_publications *missed = &r->missed;
    if (!r->latest || !r->recovered || missed->count == 0) return;
    struct publication *chosen = NULL;
    for (uint32_t i = missed->count; i-- > 0;) {
        struct publication *p = missed->items[i];
        if (!chosen && wants_missed(sub, p)) {
            chosen = p;
        } else {
            publication_unref(p);
        }
    }
    missed->items[0] = chosen;
    missed->count = chosen ? 1 : 0;
    r->recovered = chosen != NULL;
}

static void count_recovery(struct engine *e, bool recovered, uint32_t publications)
{
    metrics_add(e->metrics, METRIC_AT2(CLIENT_RECOVER, recovered, publications > 0), 1);
    if (recovered && e->policy->deployment->recovered_publications_histogram)
        metrics_observe(e->metrics, METRIC_CLIENT_RECOVERED_PUBLICATIONS, 0, publications);
}

bool client_subscribe_result(struct client *c, struct subscription *sub, const struct broker_subscribe_result *r,
                             bool was_recovering, uint64_t since_offset, struct subscribe_result *out)
{
    struct engine *e = c->engine;
    uint32_t count = r->recovered ? r->missed.count : 0;
    struct publication_fields *fields = NULL;
    struct client_info *infos = NULL;
    if (count > 0) {
        fields = arena_alloc(&e->arena, count * sizeof *fields);
        infos = arena_alloc(&e->arena, count * sizeof *infos);
        if (!fields || !infos) return false;
    }
    struct client_delta_chain chain = { 0 };
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct publication *p = r->missed.items[i];
        if (!wants_missed(sub, p)) continue;
        if (!client_can_read(c, p)) return false;
        client_publication_fields(p, &fields[wanted], &infos[wanted]);
        if ((sub->flags & SUB_DELTA) && !client_delta_recovered(c, &chain, p, &fields[wanted])) return false;
        wanted++;
    }
    client_delta_recovered_all(sub, &chain, r->top.offset);
    if (was_recovering) count_recovery(e, r->recovered, wanted);
    *out = (struct subscribe_result){
        .publications = fields,
        .publication_count = wanted,
        .recoverable = (sub->flags & SUB_RECOVERABLE) != 0,
        .positioned = (sub->flags & SUB_POSITIONED) != 0,
        .recovered = r->recovered,
        .was_recovering = was_recovering,
        .delta = (sub->flags & SUB_DELTA) != 0,
    };
    if (sub->flags & SUB_POSITIONED) {
        out->epoch = slice_from_cstr(r->top.epoch);
        out->offset = r->recovered ? since_offset : r->top.offset;
    }
    if (sub->flags & SUB_EXPIRES) {
        out->expires = true;
        out->ttl = client_seconds_left(e, sub->expire_at_s);
    }
    return true;
}

void client_end_subscription(struct client *c, struct subscription *sub)
{
    struct engine *e = c->engine;
    struct broker_context context = engine_broker_context(e);
    struct slice channel = hub_channel_name(sub->channel);
    const struct broker_ops *ops = e->shared->broker->ops;
    const bool is_map = (sub->flags & SUB_MAP) != 0;
    if (is_map) client_map_forget(c, sub);
    if (sub->flags & SUB_MAP_KEYS) client_map_keys_remove(c, sub);
    if (!sub->pending && (sub->flags & SUB_PRESENCE)) {
        char id[CLIENT_ID_LEN + 1];
        client_id_text(c, id);
        metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_REMOVE_PRESENCE), 1);
        ops->presence_remove(e->shared->broker, &context, c->space, channel, slice_of(id, CLIENT_ID_LEN));
    }
    if (!sub->pending && (sub->flags & SUB_EMITS_JOIN_LEAVE)) publish_member(c, sub, PUBLICATION_LEAVE);
    if (sub->flags & SUB_REGISTERED) {
        if (is_map)
            e->shared->map_broker->ops->unsubscribe(e->shared->map_broker, &context, c->space, channel);
        else
            ops->unsubscribe(e->shared->broker, &context, c->space, channel);
        space_counts_of(&e->spaces, c->space)->subscriptions--;
        if (c->space == POLICY_CONSOLE_SPACE) console_space_left(c, sub);
        metrics_sub(e->metrics, METRIC_NODE_NUM_SUBSCRIPTIONS, 1);
        metrics_sub(e->metrics, METRIC_AT1(CLIENT_SUBSCRIPTIONS_INFLIGHT, c->has_name), 1);
    }
    count_action(e, METRIC_ACTION_REMOVE_SUBSCRIPTION);
    if (sub->channel->subscriber_count == 1) count_action(e, METRIC_ACTION_BROKER_UNSUBSCRIBE);
    operation_forget_subscription(c, sub);
    c->subscription_count--;
    hub_unsubscribe(&e->hub, sub);
}

void client_unsubscribe_push(struct client *c, struct subscription *sub, uint32_t code)
{
    struct push push = { .kind = PUSH_UNSUBSCRIBE,
                         .channel = hub_channel_name(sub->channel),
                         .unsubscribe = { .code = code, .reason = unsubscribe_reason(code) } };
    tell_subscription(c, sub, "unsubscribe", "server", code);
    metrics_add(c->engine->metrics, METRIC_AT1(CLIENT_SERVER_UNSUBSCRIBES, metrics_unsubscribe_code(code)), 1);
    client_push(c, &push);
    client_end_subscription(c, sub);
}

void client_insufficient_state(struct client *c, struct subscription *sub)
{
    if (sub->flags & SUB_SERVER_SIDE) {
        client_disconnect(c, DISCONNECT_INSUFFICIENT_STATE);
    } else {
        client_unsubscribe_push(c, sub, UNSUBSCRIBE_INSUFFICIENT_STATE);
    }
}
