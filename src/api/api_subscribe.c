#include "api/api_methods.h"
#include "api/api_request.h"

/* Row API-21. */
struct subscribe {
    struct slice channel, user, info, b64info, client, data, b64data, session;
    int64_t expire_at;
    uint64_t recover_offset;
    struct slice recover_epoch;
    /* {"value":bool} each; _given tells whether the object was there */
    bool presence, join_leave, force_recovery, force_positioning, force_push_join_leave;
    bool presence_given, join_leave_given, force_recovery_given, force_positioning_given, force_push_join_leave_given;
    bool recover_given;
};

#define AT(member) .offset = offsetof(struct subscribe, member)

static const struct api_field recover_fields[] = {
    { .name = SLICE_INIT("offset"), .type = API_U64, AT(recover_offset) },
    { .name = SLICE_INIT("epoch"), .type = API_TEXT, AT(recover_epoch) },
};

#define VALUE_TABLE(member)                                                                                            \
    static const struct api_field member##_value[] = { { .name = SLICE_INIT("value"), .type = API_BOOL, AT(member) } };
VALUE_TABLE(presence)
VALUE_TABLE(join_leave)
VALUE_TABLE(force_recovery)
VALUE_TABLE(force_positioning)
VALUE_TABLE(force_push_join_leave)

#define VALUE_ROW(member)                                                                                              \
    {                                                                                                                  \
        .name = SLICE_INIT(#member), .type = API_MEMBERS, .given = offsetof(struct subscribe, member##_given),         \
        .members = member##_value, .member_count = 1                                                                   \
    }

static const struct api_field override_fields[] = { VALUE_ROW(presence), VALUE_ROW(join_leave),
                                                    VALUE_ROW(force_recovery), VALUE_ROW(force_positioning),
                                                    VALUE_ROW(force_push_join_leave) };

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channel"), .type = API_TEXT, AT(channel) },
    { .name = SLICE_INIT("user"), .type = API_TEXT, AT(user) },
    { .name = SLICE_INIT("expire_at"), .type = API_I64, AT(expire_at) },
    { .name = SLICE_INIT("info"), .type = API_RAW, AT(info) },
    { .name = SLICE_INIT("b64info"), .type = API_TEXT, AT(b64info) },
    { .name = SLICE_INIT("client"), .type = API_TEXT, AT(client) },
    { .name = SLICE_INIT("data"), .type = API_RAW, AT(data) },
    { .name = SLICE_INIT("b64data"), .type = API_TEXT, AT(b64data) },
    { .name = SLICE_INIT("recover_since"),
      .type = API_MEMBERS,
      .given = offsetof(struct subscribe, recover_given),
      .members = recover_fields,
      .member_count = ARRAY_COUNT(recover_fields) },
    { .name = SLICE_INIT("override"),
      .type = API_MEMBERS,
      .members = override_fields,
      .member_count = ARRAY_COUNT(override_fields) },
    { .name = SLICE_INIT("session"), .type = API_TEXT, AT(session) },
};

static enum claims_option option(bool given, bool value)
{
    return !given ? CLAIMS_UNSET : value ? CLAIMS_TRUE : CLAIMS_FALSE;
}

static void fill_override(struct claims_override *out, const struct subscribe *r)
{
    *out = (struct claims_override){
        .presence = option(r->presence_given, r->presence),
        .join_leave = option(r->join_leave_given, r->join_leave),
        .force_push_join_leave = option(r->force_push_join_leave_given, r->force_push_join_leave),
        .force_positioning = option(r->force_positioning_given, r->force_positioning),
        .force_recovery = option(r->force_recovery_given, r->force_recovery),
    };
}

static uint32_t fill_effect(struct api_call *call, const struct subscribe *r, struct effect_request *effect)
{
    struct rules_channel channel;
    uint32_t code = api_channel(call, r->channel, &channel);
    if (!code) code = api_binary(call, r->data, r->b64data, &effect->data);
    if (!code) code = api_binary(call, r->info, r->b64info, &effect->info);
    if (code) return code;
    effect->has_recover_since = r->recover_given;
    effect->recover_since = api_position(r->recover_offset, r->recover_epoch);
    fill_override(&effect->override, r);
    return 0;
}

/* Row OB-06: an end that has passed is an error where somebody would have been subscribed. */
static enum api_outcome past_expiry_done(struct api_call *call, uint32_t affected)
{
    return affected > 0 ? api_error(call, API_ERROR_INTERNAL) : api_result_empty(call);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct subscribe *r = request;
    struct effect_request effect = { .kind = EFFECT_SUBSCRIBE,
                                     .user = r->user,
                                     .client = r->client,
                                     .session = r->session,
                                     .channel = r->channel,
                                     .expire_at_s = r->expire_at };
    uint32_t code = fill_effect(call, r, &effect);
    if (code) return api_error(call, code);
    enum api_outcome outcome = api_run_effect(call, &effect);
    bool is_past = r->expire_at > 0 && r->expire_at <= call->engine->wall_ms / 1000;
    if (outcome == API_PENDING && is_past) call->effect_done_ = past_expiry_done;
    return outcome;
}

const struct api_method api_subscribe = {
    .name = SLICE_INIT("subscribe"),
    .metric = METRIC_API_METHOD_SUBSCRIBE,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct subscribe),
    .run = run,
};
