#include <stdio.h>

#include "api/api_project.h"

/* POST /api/realtime/token: a connection token. */

static const struct api_field fields[] = {
    API_TOKEN_USER_FIELD,
    API_TOKEN_TTL_FIELD,
    API_TOKEN_FIELD("channels", API_TEXTS, channels, "an array of strings"),
    API_TOKEN_INFO_FIELD,
};

static bool check_channels(struct api_call *call, const struct api_texts *channels)
{
    const uint32_t limit = call->engine->policy->deployment->limits.channel_limit;
    struct rules_channel resolved;
    char count[16], allowed[64];
    if (limit > 0 && channels->count > limit) {
        int len = snprintf(count, sizeof count, "%u entries", channels->count);
        (void)snprintf(allowed, sizeof allowed, "an array of at most %u strings", limit);
        api_project_invalid(call, SLICE("channels"), slice_of(count, (size_t)len), allowed);
        return false;
    }
    for (uint32_t i = 0; i < channels->count; i++)
        if (!api_project_channel(call, SLICE("channels"), channels->items[i], 422, &resolved)) return false;
    return true;
}

enum api_outcome api_project_token(struct api_call *call, const struct policy_project *project, struct slice body)
{
    struct api_token_request request = { .ttl_s = API_TTL_DEFAULT_S };
    if (!api_project_read(call, body, fields, ARRAY_COUNT(fields), &request)) return API_ANSWERED;
    if (!api_token_check(call, &request) || !check_channels(call, &request.channels)) return API_ANSWERED;
    struct auth_minted minted = { .kind = AUTH_CONNECTION,
                                  .channels = request.channels.items,
                                  .channel_count = request.channels.count };
    return api_token_answer(call, project, &request, &minted);
}
