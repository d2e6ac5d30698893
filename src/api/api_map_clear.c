#include "api/api_channel_request.h"
#include "api/api_map.h"
#include "api/api_methods.h"

/* Row API-38. */

static enum api_outcome completed(struct api_call *call, struct broker_result *result)
{
    return result->status == STATUS_OK ? api_result_empty(call) : api_error_status(call, result->status);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct api_channel_request *r = request;
    struct rules_channel channel;
    struct broker_result result = { 0 };
    uint32_t code = api_map_channel(call, r->channel, &channel);
    if (code) return api_error(call, code);
    struct broker_context context = api_broker_context(call);
    struct map_broker *broker = api_map_broker(call);
    api_map_count(call, METRIC_ACTION_MAP_CLEAR);
    enum broker_answer answer =
        broker->ops->clear(broker, &context, call->space_, r->channel, api_ticket(call), &result);
    return api_after(call, answer, &result, completed);
}

const struct api_method api_map_clear = {
    .name = SLICE_INIT("map_clear"),
    .metric = METRIC_API_METHOD_MAP_CLEAR,
    .fields = api_channel_fields,
    .field_count = ARRAY_COUNT(api_channel_fields),
    .request_len = sizeof(struct api_channel_request),
    .run = run,
};
