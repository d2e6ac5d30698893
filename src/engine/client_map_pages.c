#include "engine/client_map.h"

static struct operation *page_operation(struct client *c, uint32_t id, struct map_catch_up *cu,
                                        void (*finish)(struct client *, struct operation *, struct broker_result *))
{
    struct operation *op = operation_new(c, map_catch_up_channel(cu), finish);
    if (!op) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return NULL;
    }
    op->command_id = id;
    op->parks = true;
    op->catch_up = cu;
    return op;
}

void client_map_fail(struct client *c, uint32_t id, struct map_catch_up *cu, uint32_t error)
{
    if (cu) client_map_drop(c, cu);
    client_reply_error(c, id, COMMAND_SUBSCRIBE, error);
}

/* The catch-up of an answered operation; NULL: the command is answered with an error, or the client closed. */
static struct map_catch_up *answered(struct client *c, struct operation *op, const struct broker_result *result)
{
    struct map_catch_up *cu = op->catch_up;
    uint32_t error = result->status == STATUS_NOT_FOUND ? CLIENT_ERROR_UNRECOVERABLE_POSITION : CLIENT_ERROR_INTERNAL;
    if (!cu) error = CLIENT_ERROR_PERMISSION_DENIED; /* ended by the server meanwhile, which the client was told */
    if (cu && cu->late) {
        client_map_drop(c, cu);
        client_disconnect(c, DISCONNECT_SLOW);
        return NULL;
    }
    if (cu && result->status == STATUS_OK) return cu;
    client_map_fail(c, op->command_id, cu, error);
    return NULL;
}

static void reply_page(struct client *c, uint32_t id, struct subscribe_result *page)
{
    struct reply reply = { .id = id, .kind = REPLY_SUBSCRIBE };
    page->type = SUBSCRIPTION_MAP;
    reply.subscribe = *page;
    client_reply(c, &reply);
}

/* The last page takes the subscription live at once, when not too much has been published since the first. */
static void last_page(struct client *c, uint32_t id, struct map_catch_up *cu, struct broker_result *result)
{
    struct map_live *live = map_live_new(cu);
    if (!live) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    live->since = cu->first;
    live->cut = cu->since;
    live->has_cut = cu->has_since;
    live->recovering = false;
    live->page = *result;
    *result = (struct broker_result){ .status = STATUS_OK }; /* what it owned has gone with the page */
    client_map_go_live(c, id, cu, live);
}

static void finish_state(struct client *c, struct operation *op, struct broker_result *result)
{
    struct map_catch_up *cu = answered(c, op, result);
    if (!cu) return;
    const struct map_state_result *state = &result->map_state;
    if (!cu->begun) cu->first = state->top;
    cu->begun = true;
    bool near = !cu->has_stream || cu->first.offset + cu->limit >= state->top.offset;
    if (state->cursor.len == 0 && near) {
        last_page(c, op->command_id, cu, result);
        return;
    }
    struct map_fields fields;
    const struct map_selection which = { .filter = cu->filter,
                                         .cut = cu->has_since ? &cu->since : NULL,
                                         .delta = cu->delta };
    if (!client_map_fields(c, &which, &state->publications, &fields)) return;
    reply_page(c, op->command_id,
               &(struct subscribe_result){ .phase = SUBSCRIPTION_PHASE_STATE,
                                           .epoch = slice_from_cstr(state->top.epoch),
                                           .offset = cu->first.offset,
                                           .cursor = state->cursor,
                                           .state = fields.items,
                                           .state_count = fields.count });
}

static void read_state(struct client *c, uint32_t id, struct map_catch_up *cu, struct slice cursor,
                       const struct policy_channel_options *o)
{
    struct engine *e = c->engine;
    struct operation *op = page_operation(c, id, cu, finish_state);
    if (!op) return;
    struct map_read_state request = {
        .space = c->space,
        .channel = map_catch_up_channel(cu),
        .cursor = cursor,
        .limit = cu->limit,
        .has_revision = cu->has_since,
        .revision = cu->since,
        .seq_max = cu->seq_max,
        .options = client_map_options(e, o),
    };
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_STATE_READ), 1);
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    enum broker_answer answer = e->shared->map_broker->ops->read_state(e->shared->map_broker, &context, &request,
                                                                       operation_ticket(op), &result);
    operation_settle(op, answer, &result);
}

/* Without a stream: registered, so that nothing is missed; now the first page. */
static void finish_register(struct client *c, struct operation *op, struct broker_result *result)
{
    struct rules_channel channel;
    struct map_catch_up *cu = answered(c, op, result);
    if (!cu) return;
    cu->seq_max = result->subscribe.seq;
    client_settle_subscription(c, op->sub, &result->subscribe);
    if (rules_resolve(c->engine->policy, c->space, map_catch_up_channel(cu), false, &channel) != 0)
        client_map_fail(c, op->command_id, cu, CLIENT_ERROR_UNKNOWN_CHANNEL);
    else
        read_state(c, op->command_id, cu, (struct slice){ 0 }, channel.options);
}

void client_map_state_phase(struct client *c, uint32_t id, const struct subscribe_request *r, struct map_catch_up *cu,
                            const struct policy_channel_options *o)
{
    if (cu->has_stream || cu->sub || cu->begun) {
        read_state(c, id, cu, r->cursor, o);
        return;
    }
    struct operation *op = page_operation(c, id, cu, finish_register);
    if (op && !client_map_register(c, cu, o, op)) client_disconnect(c, DISCONNECT_INTERNAL);
}

/* ---- the stream ---- */

void client_map_live_phase(struct client *c, uint32_t id, struct map_catch_up *cu)
{
    struct map_live *live = map_live_new(cu);
    if (live)
        client_map_go_live(c, id, cu, live);
    else
        client_disconnect(c, DISCONNECT_INTERNAL);
}

/* Near enough to where the stream stood in the beginning for one answer to hold the rest? */
static bool near_top(const struct map_catch_up *cu)
{
    return cu->since.offset + cu->limit >= cu->stream_top;
}

static void finish_stream(struct client *c, struct operation *op, struct broker_result *result)
{
    struct map_catch_up *cu = answered(c, op, result);
    if (!cu) return;
    const struct broker_history_result *found = &result->history;
    if (!cu->top_known) cu->stream_top = found->top.offset;
    cu->top_known = true;
    if (near_top(cu)) {
        client_map_live_phase(c, op->command_id, cu);
        return;
    }
    uint32_t count = found->publications.count;
    struct map_fields fields;
    const struct map_selection which = { .filter = cu->filter, .delta = cu->delta };
    if (!client_map_fields(c, &which, &found->publications, &fields)) return;
    reply_page(
        c, op->command_id,
        &(struct subscribe_result){ .phase = SUBSCRIPTION_PHASE_STREAM,
                                    .epoch = slice_from_cstr(found->top.epoch),
                                    .offset = count ? found->publications.items[count - 1]->offset : cu->since.offset,
                                    .publications = fields.items,
                                    .publication_count = fields.count });
}

void client_map_stream_phase(struct client *c, uint32_t id, struct map_catch_up *cu,
                             const struct policy_channel_options *o)
{
    struct engine *e = c->engine;
    if (!cu->has_stream) {
        client_map_fail(c, id, cu, CLIENT_ERROR_BAD_REQUEST);
        return;
    }
    if (cu->top_known && near_top(cu)) {
        client_map_live_phase(c, id, cu);
        return;
    }
    struct operation *op = page_operation(c, id, cu, finish_stream);
    if (!op) return;
    struct broker_history request = {
        .space = c->space,
        .channel = map_catch_up_channel(cu),
        .limit = cu->limit,
        .has_since = true,
        .since = cu->since,
        .history = client_map_options(e, o).stream,
    };
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_STREAM_READ), 1);
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    enum broker_answer answer = e->shared->map_broker->ops->read_stream(e->shared->map_broker, &context, &request,
                                                                        operation_ticket(op), &result);
    operation_settle(op, answer, &result);
}
