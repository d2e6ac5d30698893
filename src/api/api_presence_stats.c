#include "api/api_channel_request.h"
#include "api/api_methods.h"

/* Row API-26. */

static enum api_outcome completed(struct api_call *call, struct broker_result *result)
{
    if (result->status != STATUS_OK) return api_error_status(call, result->status);
    struct json_writer w = api_result_begin(call);
    json_write_name(&w, SLICE("num_clients"));
    json_write_u64(&w, result->presence.client_count);
    json_write_name(&w, SLICE("num_users"));
    json_write_u64(&w, result->presence.user_count);
    return api_result_end(call, &w);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    return api_ask_presence(call, request, true, completed);
}

const struct api_method api_presence_stats = {
    .name = SLICE_INIT("presence_stats"),
    .metric = METRIC_API_METHOD_PRESENCE_STATS,
    .fields = api_channel_fields,
    .field_count = ARRAY_COUNT(api_channel_fields),
    .request_len = sizeof(struct api_channel_request),
    .run = run,
};
