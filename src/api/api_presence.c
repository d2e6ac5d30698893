#include "api/api_channel_request.h"
#include "api/api_methods.h"

/* Row API-25. */

static enum api_outcome completed(struct api_call *call, struct broker_result *result)
{
    if (result->status != STATUS_OK) return api_error_status(call, result->status);
    struct json_writer w = api_result_begin(call);
    json_write_name(&w, SLICE("presence"));
    json_write_object_begin(&w);
    for (uint32_t i = 0; i < result->presence.entry_count; i++) {
        const struct publication_info *info = &result->presence.entries[i].info;
        if (info->not_json) return api_plain(call, 500, SLICE("Internal Server Error")); /* as row OB-06 */
        json_write_key(&w, info->client);
        api_write_client_info(&w, info);
    }
    json_write_object_end(&w);
    return api_result_end(call, &w);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    return api_ask_presence(call, request, false, completed);
}

const struct api_method api_presence = {
    .name = SLICE_INIT("presence"),
    .metric = METRIC_API_METHOD_PRESENCE,
    .fields = api_channel_fields,
    .field_count = ARRAY_COUNT(api_channel_fields),
    .request_len = sizeof(struct api_channel_request),
    .run = run,
};
