#include "base/mem_part.h"
#include "engine/client_map.h"

struct map_live *map_live_new(const struct map_catch_up *cu)
{
    struct map_live *live = mem_part_alloc_zero(MEM_SUBSCRIPTIONS, sizeof *live);
    if (!live) return NULL;
    live->since = cu->since;
    live->recovering = true;
    live->recover = cu->recover;
    return live;
}

void map_live_free(struct map_live *live)
{
    if (!live) return;
    broker_result_deinit(&live->page);
    mem_part_free(MEM_SUBSCRIPTIONS, live);
}

/* ---- publications for an answer ---- */

static bool passes(struct client *c, const struct map_selection *which, const struct publication *p)
{
    const struct tags_filter *filter = which->filter;
    if (which->cut && p->offset > which->cut->offset) return false;
    if (!filter || tags_filter_match(filter, p->content.tags, p->content.tag_count)) return true;
    metrics_add(c->engine->metrics, METRIC_NODE_TAGS_FILTER_DROPPED, 1);
    return false;
}

/* With delta compression: the data of JSON is a string; of the stream it may be a delta from a value before it there,
 * which the client certainly has (row HI-43). Removals stay as they are. */
static bool set_delta(struct client *c, const struct map_selection *which, const struct publication *p,
                      struct publication_fields *fields)
{
    const struct broker_position *since = which->since;
    if (p->content.removed || (!since && p->content.data.len == 0)) return true;
    bool has_base = since && !which->filter && p->base_ && p->base_->offset > since->offset;
    struct client_delta_chain chain = { .before = has_base ? p->base_ : NULL };
    return client_delta_recovered(c, &chain, p, fields);
}

bool client_map_fields(struct client *c, const struct map_selection *which, const struct broker_publications *list,
                       struct map_fields *out)
{
    struct arena *arena = &c->engine->arena;
    struct publication_fields *fields = arena_alloc(arena, list->count * sizeof *fields + 1);
    struct client_info *infos = arena_alloc(arena, list->count * sizeof *infos + 1);
    if (!fields || !infos) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return false;
    }
    size_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct publication *p = list->items[i];
        if (!passes(c, which, p)) continue;
        if (!client_can_read(c, p)) return false;
        client_publication_fields(p, &fields[count], &infos[count]);
        if (which->delta && !set_delta(c, which, p, &fields[count])) {
            client_disconnect(c, DISCONNECT_INTERNAL);
            return false;
        }
        count++;
    }
    *out = (struct map_fields){ fields, count };
    return true;
}

/* ---- the subscription ---- */

/* From a catch-up into the hub, pending; NULL when memory is out. */
static struct subscription *make_subscription(struct client *c, struct map_catch_up *cu, struct operation *op)
{
    struct engine *e = c->engine;
    struct subscription *sub = hub_subscribe_map(&e->hub, c, &c->subscriptions, c->space, map_catch_up_channel(cu));
    if (!sub) return NULL;
    sub->flags = cu->flags;
    sub->chan_info = cu->chan_info;
    cu->chan_info = NULL;
    if (cu->expire_at_s > 0) client_set_expiry(sub, cu->expire_at_s);
    c->subscription_count++;
    op->sub = sub;
    op->subscribes = true;
    op->is_map = true;
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_ADD_SUBSCRIPTION), 1);
    return sub;
}

static void ask_broker(struct client *c, struct operation *op, const struct broker_subscribe *request)
{
    struct engine *e = c->engine;
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    enum broker_answer answer =
        e->shared->map_broker->ops->subscribe(e->shared->map_broker, &context, request, operation_ticket(op), &result);
    operation_settle(op, answer, &result);
}

bool client_map_register(struct client *c, struct map_catch_up *cu, const struct policy_channel_options *o,
                         struct operation *op)
{
    cu->sub = make_subscription(c, cu, op);
    if (!cu->sub) {
        operation_free(op);
        return false;
    }
    client_map_watch(c, cu);
    ask_broker(c, op,
               &(struct broker_subscribe){ .space = c->space,
                                           .channel = map_catch_up_channel(cu),
                                           .history = client_map_options(c->engine, o).stream });
    return true;
}

/* ---- the answer ---- */

/* The subscription is live from here on: r is of a map with a stream, NULL without one. */
static void answer_live(struct client *c, uint32_t id, struct subscription *sub, const struct map_live *live,
                        const struct broker_subscribe_result *r)
{
    struct map_fields state = { 0 }, missed = { 0 };
    const bool delta = (sub->flags & SUB_DELTA) != 0;
    const struct map_selection values = { .filter = sub->filter,
                                          .cut = live->has_cut ? &live->cut : NULL,
                                          .delta = delta };
    const struct map_selection changes = { .filter = sub->filter, .since = &live->since, .delta = delta };
    if (!client_map_fields(c, &values, &live->page.map_state.publications, &state)) return;
    if (r && !client_map_fields(c, &changes, &r->missed, &missed)) return;
    struct reply reply = {
        .id = id,
        .kind = REPLY_SUBSCRIBE,
        .subscribe = { .type = SUBSCRIPTION_MAP,
                       .phase = SUBSCRIPTION_PHASE_LIVE,
                       .epoch = slice_from_cstr(r ? r->top.epoch : live->since.epoch),
                       .offset = r ? r->top.offset : 0,
                       .recoverable = r != NULL,
                       .delta = delta,
                       .was_recovering = live->recovering && live->recover,
                       .recovered = live->recovering && live->recover,
                       .state = state.items,
                       .state_count = state.count,
                       .publications = missed.items,
                       .publication_count = missed.count },
    };
    if (reply.subscribe.was_recovering)
        metrics_add(c->engine->metrics, METRIC_AT2(CLIENT_RECOVER, 1, missed.count > 0), 1);
    client_reply(c, &reply);
    client_announce(c, sub);
    client_flush_backlog(c, sub);
}

static void end_with_error(struct client *c, uint32_t id, struct subscription *sub, uint32_t error)
{
    client_end_subscription(c, sub);
    client_reply_error(c, id, COMMAND_SUBSCRIBE, error);
}

static void finish_live(struct client *c, struct operation *op, struct broker_result *result)
{
    struct subscription *sub = op->sub;
    const struct map_live *live = op->map_live;
    const struct broker_subscribe_result *r = &result->subscribe;
    const bool has_stream = sub && (sub->flags & SUB_POSITIONED);
    if (!sub) { /* ended by the server meanwhile, which the client was told */
        client_reply_error(c, op->command_id, COMMAND_SUBSCRIBE, CLIENT_ERROR_PERMISSION_DENIED);
    } else if (result->status != STATUS_OK) {
        end_with_error(c, op->command_id, sub, CLIENT_ERROR_INTERNAL);
    } else if (has_stream && !r->recovered) {
        client_count_subscription(c, sub);
        end_with_error(c, op->command_id, sub, CLIENT_ERROR_UNRECOVERABLE_POSITION);
    } else {
        client_settle_subscription(c, sub, r);
        answer_live(c, op->command_id, sub, live, has_stream ? r : NULL);
    }
}

/* What the subscription has only once it is live. */
static void take_over(struct subscription *sub, struct map_catch_up *cu)
{
    sub->filter = cu->filter;
    cu->filter = NULL;
    if (cu->delta) sub->flags |= SUB_DELTA;
}

/* Where there is a stream, and where a client joins a map without one and wants no state. */
static void subscribe_live(struct client *c, uint32_t id, struct map_catch_up *cu, struct map_live *live,
                           const struct policy_channel_options *o)
{
    struct operation *op = operation_new(c, map_catch_up_channel(cu), finish_live);
    struct subscription *sub = op ? make_subscription(c, cu, op) : NULL;
    if (!sub) {
        if (op) operation_free(op);
        map_live_free(live);
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    take_over(sub, cu);
    op->command_id = id;
    op->parks = true;
    op->map_live = live;
    client_map_drop(c, cu);
    ask_broker(
        c, op,
        &(struct broker_subscribe){ .space = c->space,
                                    .channel = operation_channel(op),
                                    .position = true,
                                    .recover = (sub->flags & SUB_POSITIONED) != 0,
                                    .since = live->since,
                                    .recover_max = o->map.live_max < MAP_PAGE_MAX ? o->map.live_max : MAP_PAGE_MAX,
                                    .history = client_map_options(c->engine, o).stream });
}

/* What came while the state was read has been kept. */
static void finish_registered(struct client *c, uint32_t id, struct map_catch_up *cu, struct map_live *live)
{
    struct subscription *sub = cu->sub;
    take_over(sub, cu);
    cu->sub = NULL;
    client_map_drop(c, cu);
    answer_live(c, id, sub, live, NULL);
    map_live_free(live);
}

static unsigned metric_action(const struct map_catch_up *cu, const struct map_live *live)
{
    if (!live->recovering) return METRIC_ACTION_MAP_SUBSCRIBE_STATE_TO_LIVE;
    return cu->top_known ? METRIC_ACTION_MAP_SUBSCRIBE_STREAM_TO_LIVE : METRIC_ACTION_MAP_SUBSCRIBE_RECOVERY_JOIN;
}

void client_map_go_live(struct client *c, uint32_t id, struct map_catch_up *cu, struct map_live *live)
{
    struct rules_channel channel;
    uint32_t error = rules_resolve(c->engine->policy, c->space, map_catch_up_channel(cu), false, &channel);
    if (!error && cu->has_stream && live->since.epoch[0] == 0) error = CLIENT_ERROR_UNRECOVERABLE_POSITION;
    if (error) {
        map_live_free(live);
        client_map_drop(c, cu);
        client_reply_error(c, id, COMMAND_SUBSCRIBE, error);
        return;
    }
    metrics_add(c->engine->metrics, METRIC_AT1(NODE_ACTION_COUNT, metric_action(cu, live)), 1);
    if (cu->sub)
        finish_registered(c, id, cu, live);
    else
        subscribe_live(c, id, cu, live, channel.options);
}
