#include "api/api_project.h"

/* POST /api/realtime/subscription-token: a token for one channel. */

static const struct api_field fields[] = {
    API_TOKEN_USER_FIELD,
    { .name = SLICE_INIT("channel"),
      .type = API_TEXT,
      .offset = offsetof(struct api_token_request, channel),
      .given = offsetof(struct api_token_request, has_channel),
      .allowed = API_CHANNEL_ALLOWED },
    API_TOKEN_TTL_FIELD,
    API_TOKEN_INFO_FIELD,
};

enum api_outcome api_project_subscription_token(struct api_call *call, const struct policy_project *project,
                                                struct slice body)
{
    struct api_token_request request = { .ttl_s = API_TTL_DEFAULT_S };
    struct rules_channel resolved;
    if (!api_project_read(call, body, fields, ARRAY_COUNT(fields), &request)) return API_ANSWERED;
    if (!api_token_check(call, &request)) return API_ANSWERED;
    if (!request.has_channel) return api_project_missing(call, SLICE("channel"), API_CHANNEL_ALLOWED);
    if (!api_project_channel(call, SLICE("channel"), request.channel, 422, &resolved)) return API_ANSWERED;
    struct auth_minted minted = { .kind = AUTH_SUBSCRIPTION, .channel = request.channel };
    return api_token_answer(call, project, &request, &minted);
}
