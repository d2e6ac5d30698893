#include "api/api_map.h"
#include "api/api_methods.h"
#include "api/api_publication.h"
#include "engine/client_map.h"

/* Row API-33. */
struct map_publish_request {
    struct slice channel, key, key_mode;
    struct api_publication publication;
    struct slice stream_data, b64stream_data; /* read for their types alone, as score */
    int64_t score;
};

#define AT(member) .offset = offsetof(struct map_publish_request, member)

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channel"), .type = API_TEXT, AT(channel) },
    { .name = SLICE_INIT("key"), .type = API_TEXT, AT(key) },
    { .name = SLICE_INIT("data"), .type = API_RAW, AT(publication.data) },
    { .name = SLICE_INIT("b64data"), .type = API_TEXT, AT(publication.b64data) },
    { .name = SLICE_INIT("stream_data"), .type = API_RAW, AT(stream_data) },
    { .name = SLICE_INIT("b64stream_data"), .type = API_TEXT, AT(b64stream_data) },
    { .name = SLICE_INIT("tags"), .type = API_TAGS, AT(publication.tags) },
    { .name = SLICE_INIT("idempotency_key"), .type = API_TEXT, AT(publication.idempotency_key) },
    { .name = SLICE_INIT("delta"), .type = API_BOOL, AT(publication.delta) },
    { .name = SLICE_INIT("version"), .type = API_U64, AT(publication.version) },
    { .name = SLICE_INIT("version_epoch"), .type = API_TEXT, AT(publication.version_epoch) },
    { .name = SLICE_INIT("score"), .type = API_I64, AT(score) },
    { .name = SLICE_INIT("key_mode"), .type = API_TEXT, AT(key_mode) },
};

static bool read_mode(struct slice text, enum map_key_mode *mode)
{
    *mode = MAP_KEY_REPLACE;
    if (slice_eq(text, SLICE("if_new")))
        *mode = MAP_KEY_IF_NEW;
    else if (slice_eq(text, SLICE("if_exists")))
        *mode = MAP_KEY_IF_EXISTS;
    else
        return text.len == 0;
    return true;
}

static uint32_t check(struct api_call *call, struct map_publish_request *r, struct rules_channel *channel,
                      enum map_key_mode *mode)
{
    uint32_t code = api_map_key(call, r->channel, r->key, channel);
    if (code) return code;
    enum api_publication_problem problem = api_publication_prepare(call, &r->publication);
    size_t len = api_publication_len(&r->publication, r->channel) + r->key.len;
    if (!problem && len > api_publication_len_max(call->engine->policy)) problem = API_PUBLICATION_TOO_LARGE;
    if (!problem && !read_mode(r->key_mode, mode)) return API_ERROR_BAD_REQUEST;
    return api_publication_code(problem);
}

static enum broker_answer send(struct api_call *call, const struct map_publish_request *r,
                               const struct policy_channel_options *o, enum map_key_mode mode,
                               struct broker_result *result)
{
    struct engine *e = call->engine;
    const struct api_publication *p = &r->publication;
    const struct map_publish request = {
        .space = call->space_,
        .channel = r->channel,
        .key = r->key,
        .content = { .kind = PUBLICATION_DATA,
                     .data = p->bytes,
                     .data_is_json = p->bytes_are_json,
                     .tags = p->tags.items,
                     .tag_count = p->tags.count },
        .options = client_map_options(e, o),
        .key_mode = mode,
        .delta = p->delta || o->delta_publish,
        .idempotency_key = p->idempotency_key,
        .version = p->version,
        .version_epoch = p->version_epoch,
    };
    struct broker_context context = api_broker_context(call);
    struct map_broker *broker = api_map_broker(call);
    api_map_count(call, METRIC_ACTION_MAP_PUBLISH);
    metrics_add(e->metrics, METRIC_AT1(NODE_MESSAGES_SENT, METRIC_MESSAGE_MAP_PUBLICATION), 1);
    return broker->ops->publish(broker, &context, &request, api_ticket(call), result);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    struct map_publish_request r = *(const struct map_publish_request *)request;
    struct rules_channel channel;
    struct broker_result result = { 0 };
    enum map_key_mode mode = MAP_KEY_REPLACE;
    uint32_t code = check(call, &r, &channel, &mode);
    if (code) return api_error(call, code);
    return api_after(call, send(call, &r, channel.options, mode, &result), &result, api_map_update);
}

const struct api_method api_map_publish = {
    .name = SLICE_INIT("map_publish"),
    .metric = METRIC_API_METHOD_MAP_PUBLISH,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct map_publish_request),
    .run = run,
};
