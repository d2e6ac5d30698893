#include "base/mem.h"
#include "engine/client_map.h"
#include "engine/refusals.h"
#include "json/json_reader.h"

/* 0 or the error, and the channel understood. */
static uint32_t allow(struct client *c, struct slice name, enum rules_operation operation,
                      struct rules_channel *channel)
{
    uint32_t error = rules_resolve(c->engine->policy, c->space, name, true, channel);
    if (error) return error;
    struct rules_identity who = client_identity(c, client_find_subscription(c, name));
    return rules_allow(c->engine->policy, channel, operation, &who);
}

/* A new operation for a command; on failure the client is closed. */
static struct operation *command_operation(struct client *c, uint32_t id, struct slice channel,
                                           void (*finish)(struct client *, struct operation *, struct broker_result *))
{
    struct operation *op = operation_new(c, channel, finish);
    if (!op) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return NULL;
    }
    op->command_id = id;
    op->parks = true;
    return op;
}

/* ---- publish ---- */

static void finish_publish(struct client *c, struct operation *op, struct broker_result *result)
{
    if (result->status == STATUS_OK) {
        client_reply_empty(c, op->command_id, REPLY_PUBLISH);
    } else {
        client_reply_error(c, op->command_id, COMMAND_PUBLISH, CLIENT_ERROR_INTERNAL);
    }
}

bool client_knows_json(const struct client *c, const struct policy_channel_options *o, struct slice data)
{
    if (c->port->encoding == PROTOCOL_JSON) return true;
    bool wanted = o->data_format == POLICY_FORMAT_JSON || o->data_format == POLICY_FORMAT_JSON_OBJECT;
    return wanted && json_valid(data, PUBLICATION_JSON_DEPTH_MAX);
}

static void tell_publish(struct client *c, const struct publish_request *r, bool is_json)
{
    struct event ev;
    if (!event_begin(&ev, c->engine, c->space, "publish")) return;
    event_client(&ev, c);
    event_text(&ev, "channel", r->channel);
    event_text(&ev, "by", SLICE("client"));
    event_data(&ev, r->data, is_json);
    event_send(&ev);
}

void client_on_publish(struct client *c, uint32_t id, const struct publish_request *r)
{
    struct engine *e = c->engine;
    struct rules_channel channel;
    if (r->channel.len == 0) {
        client_disconnect(c, DISCONNECT_BAD_REQUEST);
        return;
    }
    if (r->type == SUBSCRIPTION_MAP) {
        client_on_map_publish(c, id, r);
        return;
    }
    uint32_t error = rules_resolve(e->policy, c->space, r->channel, true, &channel);
    bool is_json = !error && client_knows_json(c, channel.options, r->data);
    if (!error && !rules_data_fits(channel.options, r->data, is_json)) error = CLIENT_ERROR_BAD_REQUEST;
    if (!error) error = allow(c, r->channel, RULES_PUBLISH, &channel);
    /* A publication that fills a queue by itself would cut off every subscriber. */
    if (!error && r->data.len > e->policy->deployment->limits.queue_bytes_max / 2) error = CLIENT_ERROR_BAD_REQUEST;
    if (error) {
        refusal_tell_publish(c, r, error);
        client_reply_error(c, id, COMMAND_PUBLISH, error);
        return;
    }
    struct operation *op = command_operation(c, id, r->channel, finish_publish);
    if (!op) return;
    char id_text[CLIENT_ID_LEN + 1];
    struct broker_publish request = {
        .space = c->space,
        .channel = r->channel,
        .content = { .kind = PUBLICATION_DATA,
                     .data = r->data,
                     .data_is_json = is_json,
                     .has_info = true,
                     .info = client_publication_info(c, client_find_subscription(c, r->channel), id_text) },
        .history = client_history_options(e, channel.options),
        .delta = channel.options->delta_publish,
    };
    metrics_add(e->metrics, METRIC_AT1(NODE_MESSAGES_SENT, METRIC_MESSAGE_PUBLICATION), 1);
    space_counts_of(&e->spaces, c->space)->publications++;
    tell_publish(c, r, is_json);
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    enum broker_answer answer =
        e->shared->broker->ops->publish(e->shared->broker, &context, &request, operation_ticket(op), &result);
    operation_settle(op, answer, &result);
}

/* ---- history ---- */

static void finish_history(struct client *c, struct operation *op, struct broker_result *result)
{
    if (result->status != STATUS_OK) {
        client_reply_error(c, op->command_id, COMMAND_HISTORY,
                           result->status == STATUS_NOT_FOUND ? CLIENT_ERROR_UNRECOVERABLE_POSITION
                                                              : CLIENT_ERROR_INTERNAL);
        return;
    }
    struct arena *arena = &c->engine->arena;
    const struct broker_publications *found = &result->history.publications;
    struct publication_fields *fields = arena_alloc(arena, found->count * sizeof *fields + 1);
    struct client_info *infos = arena_alloc(arena, found->count * sizeof *infos + 1);
    if (!fields || !infos) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    for (uint32_t i = 0; i < found->count; i++) {
        if (!client_can_read(c, found->items[i])) return;
        client_publication_fields(found->items[i], &fields[i], &infos[i]);
    }
    struct reply reply = {
        .id = op->command_id,
        .kind = REPLY_HISTORY,
        .history = { .publications = fields,
                     .publication_count = found->count,
                     .epoch = slice_from_cstr(result->history.top.epoch),
                     .offset = result->history.top.offset },
    };
    client_reply(c, &reply);
}

void client_on_history(struct client *c, uint32_t id, const struct history_request *r)
{
    struct engine *e = c->engine;
    struct rules_channel channel;
    if (r->channel.len == 0) {
        client_disconnect(c, DISCONNECT_BAD_REQUEST);
        return;
    }
    uint32_t error = allow(c, r->channel, RULES_HISTORY, &channel);
    if (!error && r->reverse && r->since && r->since->offset == 0) error = CLIENT_ERROR_BAD_REQUEST;
    if (error) {
        client_reply_error(c, id, COMMAND_HISTORY, error);
        return;
    }
    struct operation *op = command_operation(c, id, r->channel, finish_history);
    if (!op) return;
    uint32_t max = e->policy->deployment->limits.history_publications_max;
    struct broker_history request = {
        .space = c->space,
        .channel = r->channel,
        .limit = r->limit < 0 || (uint32_t)r->limit > max ? (int64_t)max : r->limit,
        .has_since = r->since != NULL,
        .reverse = r->reverse,
        .history = client_history_options(e, channel.options),
    };
    if (r->since) {
        request.since.offset = r->since->offset;
        struct slice epoch = slice_head(r->since->epoch, sizeof request.since.epoch - 1);
        if (epoch.len) memcpy(request.since.epoch, epoch.ptr, epoch.len);
    }
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_HISTORY), 1);
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    enum broker_answer answer =
        e->shared->broker->ops->history(e->shared->broker, &context, &request, operation_ticket(op), &result);
    operation_settle(op, answer, &result);
}

/* ---- presence ---- */

static void finish_presence(struct client *c, struct operation *op, struct broker_result *result)
{
    if (result->status != STATUS_OK) {
        client_reply_error(c, op->command_id, op->stats_only ? COMMAND_PRESENCE_STATS : COMMAND_PRESENCE,
                           CLIENT_ERROR_INTERNAL);
        return;
    }
    const struct broker_presence_result *found = &result->presence;
    struct reply reply = { .id = op->command_id };
    if (op->stats_only) {
        reply.kind = REPLY_PRESENCE_STATS;
        reply.presence_stats.num_clients = found->client_count;
        reply.presence_stats.num_users = found->user_count;
        client_reply(c, &reply);
        return;
    }
    struct presence_entry *entries = arena_alloc(&c->engine->arena, found->entry_count * sizeof *entries + 1);
    if (!entries) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    for (uint32_t i = 0; i < found->entry_count; i++) {
        const struct publication_info *info = &found->entries[i].info;
        if (!client_can_read_info(c, info)) return;
        entries[i] = (struct presence_entry){ .client = info->client,
                                              .info = { info->user, info->client, info->conn_info, info->chan_info } };
    }
    reply.kind = REPLY_PRESENCE;
    reply.presence.presence = entries;
    reply.presence.presence_count = found->entry_count;
    client_reply(c, &reply);
}

void client_on_presence(struct client *c, uint32_t id, struct slice name, bool stats_only)
{
    struct engine *e = c->engine;
    struct rules_channel channel;
    if (name.len == 0) {
        client_disconnect(c, DISCONNECT_BAD_REQUEST);
        return;
    }
    uint32_t error = allow(c, name, RULES_PRESENCE, &channel);
    if (error) {
        client_reply_error(c, id, stats_only ? COMMAND_PRESENCE_STATS : COMMAND_PRESENCE, error);
        return;
    }
    struct operation *op = command_operation(c, id, name, finish_presence);
    if (!op) return;
    op->stats_only = stats_only;
    metrics_add(e->metrics,
                METRIC_AT1(NODE_ACTION_COUNT, stats_only ? METRIC_ACTION_PRESENCE_STATS : METRIC_ACTION_PRESENCE), 1);
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    enum broker_answer answer = e->shared->broker->ops->presence(e->shared->broker, &context, c->space, name,
                                                                 stats_only, operation_ticket(op), &result);
    operation_settle(op, answer, &result);
}
