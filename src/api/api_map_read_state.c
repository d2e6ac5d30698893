#include "api/api_map.h"
#include "api/api_methods.h"
#include "engine/client_map.h"

/* Row API-35. `asc` is read for its type alone: keys without scores have one order. */
struct read_state_request {
    struct slice channel, cursor, key, revision_epoch;
    uint64_t revision_offset;
    int32_t limit;
    bool asc;
};

#define AT(member) .offset = offsetof(struct read_state_request, member)

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channel"), .type = API_TEXT, AT(channel) },
    { .name = SLICE_INIT("cursor"), .type = API_TEXT, AT(cursor) },
    { .name = SLICE_INIT("limit"), .type = API_I32, AT(limit) },
    { .name = SLICE_INIT("key"), .type = API_TEXT, AT(key) },
    { .name = SLICE_INIT("asc"), .type = API_BOOL, AT(asc) },
    { .name = SLICE_INIT("revision_offset"), .type = API_U64, AT(revision_offset) },
    { .name = SLICE_INIT("revision_epoch"), .type = API_TEXT, AT(revision_epoch) },
};

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct read_state_request *r = request;
    struct rules_channel channel;
    struct broker_result result = { 0 };
    uint32_t code = api_map_channel(call, r->channel, &channel);
    if (code) return api_error(call, code);
    const struct map_read_state read = {
        .space = call->space_,
        .channel = r->channel,
        .key = r->key,
        .cursor = r->cursor,
        .limit = r->limit < 0 ? -1 : r->limit,
        .has_revision = r->revision_offset > 0 || r->revision_epoch.len > 0,
        .revision = api_position(r->revision_offset, r->revision_epoch),
        .options = client_map_options(call->engine, channel.options),
    };
    struct broker_context context = api_broker_context(call);
    struct map_broker *broker = api_map_broker(call);
    api_map_count(call, METRIC_ACTION_MAP_STATE_READ);
    return api_after(call, broker->ops->read_state(broker, &context, &read, api_ticket(call), &result), &result,
                     api_map_entries);
}

const struct api_method api_map_read_state = {
    .name = SLICE_INIT("map_read_state"),
    .metric = METRIC_API_METHOD_MAP_READ_STATE,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct read_state_request),
    .run = run,
};
