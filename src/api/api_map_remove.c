#include "api/api_map.h"
#include "api/api_methods.h"
#include "api/api_publication.h"
#include "engine/client_map.h"

/* Row API-34. */
struct map_remove_request {
    struct slice channel, key, idempotency_key;
};

#define AT(member) .type = API_TEXT, .offset = offsetof(struct map_remove_request, member)

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channel"), AT(channel) },
    { .name = SLICE_INIT("key"), AT(key) },
    { .name = SLICE_INIT("idempotency_key"), AT(idempotency_key) },
};

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct map_remove_request *r = request;
    struct rules_channel channel;
    struct broker_result result = { 0 };
    uint32_t code = api_map_key(call, r->channel, r->key, &channel);
    if (!code && r->idempotency_key.len > API_IDEMPOTENCY_KEY_LEN_MAX) code = API_ERROR_BAD_REQUEST;
    if (code) return api_error(call, code);
    const struct map_removal removal = {
        .space = call->space_,
        .channel = r->channel,
        .key = r->key,
        .options = client_map_options(call->engine, channel.options),
        .idempotency_key = r->idempotency_key,
    };
    struct broker_context context = api_broker_context(call);
    struct map_broker *broker = api_map_broker(call);
    api_map_count(call, METRIC_ACTION_MAP_REMOVE);
    metrics_add(call->engine->metrics, METRIC_AT1(NODE_MESSAGES_SENT, METRIC_MESSAGE_MAP_REMOVAL), 1);
    return api_after(call, broker->ops->remove(broker, &context, &removal, api_ticket(call), &result), &result,
                     api_map_update);
}

const struct api_method api_map_remove = {
    .name = SLICE_INIT("map_remove"),
    .metric = METRIC_API_METHOD_MAP_REMOVE,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct map_remove_request),
    .run = run,
};
