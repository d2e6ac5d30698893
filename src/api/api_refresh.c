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

enum api_outcome api_refresh(struct api_call *call, struct slice body)
{
    struct refresh request = { 0 };
    if (!api_read(call, body, fields, ARRAY_COUNT(fields), &request)) return API_ANSWERED;
    struct effect_request effect = { .kind = EFFECT_REFRESH,
                                     .user = request.user,
                                     .client = request.client,
                                     .session = request.session,
                                     .info = request.info,
                                     .expired = request.expired,
                                     .expire_at_s = request.expire_at };
    return api_run_effect(call, &effect);
}
