#include "api/api_map.h"
#include "api/api_methods.h"
#include "engine/client_map.h"

/* Row API-36. */
struct read_stream_request {
    struct slice channel, since_epoch;
    uint64_t since_offset;
    int32_t limit;
    bool reverse;
};

#define AT(member) .offset = offsetof(struct read_stream_request, member)

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channel"), .type = API_TEXT, AT(channel) },
    { .name = SLICE_INIT("since_offset"), .type = API_U64, AT(since_offset) },
    { .name = SLICE_INIT("since_epoch"), .type = API_TEXT, AT(since_epoch) },
    { .name = SLICE_INIT("limit"), .type = API_I32, AT(limit) },
    { .name = SLICE_INIT("reverse"), .type = API_BOOL, AT(reverse) },
};

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct read_stream_request *r = request;
    struct rules_channel channel;
    struct broker_result result = { 0 };
    uint32_t code = api_map_channel(call, r->channel, &channel);
    if (code) return api_error(call, code);
    const struct broker_history read = {
        .space = call->space_,
        .channel = r->channel,
        .limit = r->limit < 0 ? -1 : r->limit,
        .has_since = r->since_offset > 0 || r->since_epoch.len > 0,
        .since = api_position(r->since_offset, r->since_epoch),
        .reverse = r->reverse,
        .history = client_map_options(call->engine, channel.options).stream,
    };
    struct broker_context context = api_broker_context(call);
    struct map_broker *broker = api_map_broker(call);
    api_map_count(call, METRIC_ACTION_MAP_STREAM_READ);
    return api_after(call, broker->ops->read_stream(broker, &context, &read, api_ticket(call), &result), &result,
                     api_map_entries);
}

const struct api_method api_map_read_stream = {
    .name = SLICE_INIT("map_read_stream"),
    .metric = METRIC_API_METHOD_MAP_READ_STREAM,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct read_stream_request),
    .run = run,
};
