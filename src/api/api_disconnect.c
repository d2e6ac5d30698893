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

enum api_outcome api_disconnect(struct api_call *call, struct slice body)
{
    struct disconnect request = { 0 };
    if (!api_read(call, body, fields, ARRAY_COUNT(fields), &request)) return API_ANSWERED;
    if (!request.disconnect_given) {
        request.code = DISCONNECT_FORCE_NO_RECONNECT;
        request.reason = disconnect_reason(request.code);
    }
    struct effect_request effect = { .kind = EFFECT_DISCONNECT,
                                     .user = request.user,
                                     .client = request.client,
                                     .session = request.session,
                                     .code = request.code,
                                     .reason = request.reason,
                                     .whitelist = request.whitelist.items,
                                     .whitelist_count = request.whitelist.count };
    return api_run_effect(call, &effect);
}
