#include "api/api_channel_request.h"
#include "api/api_map.h"
#include "api/api_methods.h"

/* Row API-37. */

static enum api_outcome completed(struct api_call *call, struct broker_result *result)
{
    if (result->status != STATUS_OK) return api_error_status(call, result->status);
    struct json_writer w = api_result_begin(call);
    if (result->map_stats.key_count > 0) {
        json_write_name(&w, SLICE("num_keys"));
        json_write_u64(&w, result->map_stats.key_count);
    }
    return api_result_end(call, &w);
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
    api_map_count(call, METRIC_ACTION_MAP_STATS);
    enum broker_answer answer =
        broker->ops->stats(broker, &context, call->space_, r->channel, api_ticket(call), &result);
    return api_after(call, answer, &result, completed);
}

const struct api_method api_map_stats = {
    .name = SLICE_INIT("map_stats"),
    .metric = METRIC_API_METHOD_MAP_STATS,
    .fields = api_channel_fields,
    .field_count = ARRAY_COUNT(api_channel_fields),
    .request_len = sizeof(struct api_channel_request),
    .run = run,
};
