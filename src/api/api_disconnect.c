#include "api/api_methods.h"
#include "api/api_request.h"

/* Rows API-23 and OB-04: a given code is not checked. */
struct disconnect {
    struct slice user, client, session, reason;
    struct api_texts whitelist;
    uint32_t code;
    bool disconnect_given;
};

#define AT(member) .offset = offsetof(struct disconnect, member)

static const struct api_field disconnect_fields[] = {
    { .name = SLICE_INIT("code"), .type = API_U32, AT(code) },
    { .name = SLICE_INIT("reason"), .type = API_TEXT, AT(reason) },
};

static const struct api_field fields[] = {
    { .name = SLICE_INIT("user"), .type = API_TEXT, AT(user) },
    { .name = SLICE_INIT("disconnect"),
      .type = API_MEMBERS,
      .given = offsetof(struct disconnect, disconnect_given),
      .members = disconnect_fields,
      .member_count = ARRAY_COUNT(disconnect_fields) },
    { .name = SLICE_INIT("client"), .type = API_TEXT, AT(client) },
    { .name = SLICE_INIT("whitelist"), .type = API_TEXTS, AT(whitelist) },
    { .name = SLICE_INIT("session"), .type = API_TEXT, AT(session) },
};

static enum api_outcome run(struct api_call *call, const void *request)
{
    struct disconnect r = *(const struct disconnect *)request;
    if (!r.disconnect_given) {
        r.code = DISCONNECT_FORCE_NO_RECONNECT;
        r.reason = disconnect_reason(r.code);
    }
    struct effect_request effect = { .kind = EFFECT_DISCONNECT,
                                     .user = r.user,
                                     .client = r.client,
                                     .session = r.session,
                                     .code = r.code,
                                     .reason = r.reason,
                                     .whitelist = r.whitelist.items,
                                     .whitelist_count = r.whitelist.count };
    return api_run_effect(call, &effect);
}

const struct api_method api_disconnect = {
    .name = SLICE_INIT("disconnect"),
    .metric = METRIC_API_METHOD_DISCONNECT,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct disconnect),
    .run = run,
};
