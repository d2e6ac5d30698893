#include "api/api_methods.h"
#include "api/api_request.h"

/* Row API-24. */
struct refresh {
    struct slice user, client, session, info;
    int64_t expire_at;
    bool expired;
};

#define AT(member) .offset = offsetof(struct refresh, member)

static const struct api_field fields[] = {
    { .name = SLICE_INIT("user"), .type = API_TEXT, AT(user) },
    { .name = SLICE_INIT("client"), .type = API_TEXT, AT(client) },
    { .name = SLICE_INIT("expired"), .type = API_BOOL, AT(expired) },
    { .name = SLICE_INIT("expire_at"), .type = API_I64, AT(expire_at) },
    { .name = SLICE_INIT("info"), .type = API_RAW, AT(info) },
    { .name = SLICE_INIT("session"), .type = API_TEXT, AT(session) },
};

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct refresh *r = request;
    struct effect_request effect = { .kind = EFFECT_REFRESH,
                                     .user = r->user,
                                     .client = r->client,
                                     .session = r->session,
                                     .info = r->info,
                                     .expired = r->expired,
                                     .expire_at_s = r->expire_at };
    return api_run_effect(call, &effect);
}

const struct api_method api_refresh = {
    .name = SLICE_INIT("refresh"),
    .metric = METRIC_API_METHOD_REFRESH,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct refresh),
    .run = run,
};
