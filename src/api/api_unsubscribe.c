#include "api/api_methods.h"
#include "api/api_request.h"

/* Rows API-22 and OB-03: an empty channel is no channel, not all of them. */
struct unsubscribe {
    struct slice channel, user, client, session;
};

#define AT(member) .offset = offsetof(struct unsubscribe, member)

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channel"), .type = API_TEXT, AT(channel) },
    { .name = SLICE_INIT("user"), .type = API_TEXT, AT(user) },
    { .name = SLICE_INIT("client"), .type = API_TEXT, AT(client) },
    { .name = SLICE_INIT("session"), .type = API_TEXT, AT(session) },
};

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct unsubscribe *r = request;
    struct rules_channel channel;
    uint32_t code = r->channel.len > 0 ? api_channel(call, r->channel, &channel) : 0;
    if (code) return api_error(call, code);
    struct effect_request effect = {
        .kind = EFFECT_UNSUBSCRIBE, .user = r->user, .client = r->client, .session = r->session, .channel = r->channel
    };
    return api_run_effect(call, &effect);
}

const struct api_method api_unsubscribe = {
    .name = SLICE_INIT("unsubscribe"),
    .metric = METRIC_API_METHOD_UNSUBSCRIBE,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct unsubscribe),
    .run = run,
};
