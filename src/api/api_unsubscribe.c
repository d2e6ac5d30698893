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

enum api_outcome api_unsubscribe(struct api_call *call, struct slice body)
{
    struct unsubscribe request = { 0 };
    struct rules_channel channel;
    if (!api_read(call, body, fields, ARRAY_COUNT(fields), &request)) return API_ANSWERED;
    uint32_t code = request.channel.len > 0 ? api_channel(call, request.channel, &channel) : 0;
    if (code) return api_error(call, code);
    struct effect_request effect = { .kind = EFFECT_UNSUBSCRIBE,
                                     .user = request.user,
                                     .client = request.client,
                                     .session = request.session,
                                     .channel = request.channel };
    return api_run_effect(call, &effect);
}
