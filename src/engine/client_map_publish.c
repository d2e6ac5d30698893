#include "engine/client_map.h"

static void finish(struct client *c, struct operation *op, struct broker_result *result)
{
    if (result->status == STATUS_OK)
        client_reply_empty(c, op->command_id, REPLY_PUBLISH); /* suppressed or not: it is as the client wished */
    else
        client_reply_error(c, op->command_id, COMMAND_PUBLISH,
                           result->status == STATUS_TOO_LARGE ? CLIENT_ERROR_LIMIT_EXCEEDED : CLIENT_ERROR_INTERNAL);
}

/* Row CH-54: the key that the change is for; empty: the client gave none. False: it may have none. */
static bool choose_key(const struct client *c, enum policy_map_key kind, struct slice asked,
                       char id_text[static CLIENT_ID_LEN + 1], struct slice *key)
{
    switch (kind) {
    case POLICY_MAP_KEY_GIVEN: *key = asked; break;
    case POLICY_MAP_KEY_CLIENT_ID:
        client_id_text(c, id_text);
        *key = slice_of(id_text, CLIENT_ID_LEN);
        break;
    case POLICY_MAP_KEY_USER_ID: *key = client_user(c); return key->len > 0;
    }
    return true;
}

/* Rows CP-72 and CH-17: 0, or the error. */
static uint32_t check(const struct client *c, const struct publish_request *r, const struct subscription *sub,
                      struct rules_channel *channel, char id_text[static CLIENT_ID_LEN + 1], struct slice *key)
{
    const struct policy *p = c->engine->policy;
    struct rules_identity who = client_identity(c, sub);
    uint32_t error = rules_resolve(p, c->space, r->channel, true, channel);
    if (!error) error = rules_allow(p, channel, r->removed ? RULES_MAP_REMOVE : RULES_MAP_PUBLISH, &who);
    if (error) return error;
    if (!choose_key(c, channel->options->map.client_key, r->key, id_text, key)) return CLIENT_ERROR_PERMISSION_DENIED;
    if (key->len == 0 || key->len > PUBLICATION_KEY_MAX) return CLIENT_ERROR_BAD_REQUEST;
    /* A publication that fills a queue by itself would cut off every subscriber. */
    if (r->data.len + key->len > p->deployment->limits.queue_bytes_max / 2) return CLIENT_ERROR_BAD_REQUEST;
    return channel->options->map.mode == POLICY_MAP_OFF ? CLIENT_ERROR_INTERNAL : 0;
}

static enum broker_answer publish(struct client *c, const struct publish_request *r, struct slice key,
                                  const struct subscription *sub, const struct policy_channel_options *o,
                                  struct broker_ticket ticket, struct broker_result *result)
{
    struct engine *e = c->engine;
    struct map_broker *maps = e->shared->map_broker;
    struct broker_context context = engine_broker_context(e);
    char id_text[CLIENT_ID_LEN + 1];
    struct map_publish request = {
        .space = c->space,
        .channel = r->channel,
        .key = key,
        .content = { .kind = PUBLICATION_DATA,
                     .data = r->data,
                     .data_is_json = client_knows_json(c, o, r->data),
                     .has_info = true,
                     .info = client_publication_info(c, sub, id_text) },
        .options = client_map_options(e, o),
        .delta = o->delta_publish,
    };
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_PUBLISH), 1);
    metrics_add(e->metrics, METRIC_AT1(NODE_MESSAGES_SENT, METRIC_MESSAGE_MAP_PUBLICATION), 1);
    return maps->ops->publish(maps, &context, &request, ticket, result);
}

static enum broker_answer remove_key(struct client *c, struct slice channel, struct slice key,
                                     const struct policy_channel_options *o, struct broker_ticket ticket,
                                     struct broker_result *result)
{
    struct engine *e = c->engine;
    struct map_broker *maps = e->shared->map_broker;
    struct broker_context context = engine_broker_context(e);
    struct map_removal request = {
        .space = c->space, .channel = channel, .key = key, .options = client_map_options(e, o)
    };
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_REMOVE), 1);
    metrics_add(e->metrics, METRIC_AT1(NODE_MESSAGES_SENT, METRIC_MESSAGE_MAP_REMOVAL), 1);
    return maps->ops->remove(maps, &context, &request, ticket, result);
}

void client_on_map_publish(struct client *c, uint32_t id, const struct publish_request *r)
{
    struct rules_channel channel;
    struct slice key = { 0 };
    char id_text[CLIENT_ID_LEN + 1];
    const struct subscription *sub = client_find_subscription(c, r->channel);
    uint32_t error = check(c, r, sub, &channel, id_text, &key);
    if (error) {
        client_reply_error(c, id, COMMAND_PUBLISH, error);
        return;
    }
    struct operation *op = operation_new(c, r->channel, finish);
    if (!op) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    op->command_id = id;
    op->parks = true;
    struct broker_result result = { 0 };
    enum broker_answer answer = r->removed
                                    ? remove_key(c, r->channel, key, channel.options, operation_ticket(op), &result)
                                    : publish(c, r, key, sub, channel.options, operation_ticket(op), &result);
    operation_settle(op, answer, &result);
}
