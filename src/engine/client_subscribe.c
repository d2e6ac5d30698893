#include "base/log.h"
#include "base/mem.h"
#include "engine/client_map.h"
#include "engine/console_space.h"
#include "engine/refusals.h"

#define OTHER_PROJECT "projectId is not the project of the connection"
#define OTHER_CHANNEL "it is of another channel, user or client"

bool client_space_of_claims(const struct engine *e, const struct claims *claims, uint32_t *space)
{
    if (!claims->has_project_id) {
        *space = 0;
        return true;
    }
    const struct policy_project *project = policy_project_by_id(e->policy, claims->project_id);
    if (!project || project->archived) return false;
    *space = project->space;
    return true;
}

bool client_token_fits(const struct client *c, const struct claims *claims, struct slice channel)
{
    char id[CLIENT_ID_LEN + 1];
    client_id_text(c, id);
    return slice_eq(claims->channel, channel) && slice_eq(claims->user, client_user(c)) &&
           (claims->client.len == 0 || slice_eq(claims->client, slice_of(id, CLIENT_ID_LEN)));
}

static struct subscribe_verdict check_token(struct client *c, struct slice token, struct slice channel,
                                            struct claims *claims)
{
    struct engine *e = c->engine;
    const char *why = NULL;
    enum auth_result result = client_verify(c, AUTH_SUBSCRIPTION, token, claims, &why);
    if (why)
        LOG_INFO("subscription token refused", LOG_STR("user", client_user(c)), LOG_STR("channel", channel),
                 LOG_CSTR("why", why));
    switch (result) {
    case AUTH_PENDING: return (struct subscribe_verdict){ .later = true };
    case AUTH_INVALID: return (struct subscribe_verdict){ .error = CLIENT_ERROR_PERMISSION_DENIED, .why = why };
    case AUTH_EXPIRED: return (struct subscribe_verdict){ .error = CLIENT_ERROR_TOKEN_EXPIRED, .why = why };
    case AUTH_ERROR: return (struct subscribe_verdict){ .error = CLIENT_ERROR_INTERNAL, .why = why };
    case AUTH_OK: break;
    }
    uint32_t space;
    if (!client_space_of_claims(e, claims, &space) || space != c->space) {
        LOG_INFO("subscription token refused", LOG_STR("user", client_user(c)), LOG_STR("channel", channel),
                 LOG_CSTR("why", OTHER_PROJECT));
        return (struct subscribe_verdict){ .error = CLIENT_ERROR_PERMISSION_DENIED, .why = OTHER_PROJECT };
    }
    if (!client_token_fits(c, claims, channel)) {
        LOG_INFO("subscription token refused", LOG_STR("user", client_user(c)), LOG_STR("channel", channel),
                 LOG_CSTR("why", OTHER_CHANNEL));
        return (struct subscribe_verdict){ .disconnect = DISCONNECT_INVALID_TOKEN, .why = OTHER_CHANNEL };
    }
    return (struct subscribe_verdict){ 0 };
}

/* Row CH-14: what a client may switch on itself. It has been let in, so what subscribers may, it may. */
static uint16_t asked_flags(const struct client *c, const struct rules_channel *channel,
                            const struct subscribe_request *r)
{
    const struct policy_channel_options *o = channel->options;
    const struct policy *p = c->engine->policy;
    struct rules_identity who = client_identity(c, NULL);
    who.subscribed = true;
    bool history = policy_history_on(o) && rules_has_access(p, &o->history_access, &who);
    bool presence = rules_has_access(p, &o->presence_access, &who);
    uint16_t flags = 0;
    if (r->positioned && (o->allow_positioning || history)) flags |= SUB_POSITIONED;
    if (r->recoverable && (o->allow_recovery || history)) flags |= SUB_RECOVERABLE;
    if (r->join_leave && o->join_leave && presence) flags |= SUB_JOIN_LEAVE;
    return flags | client_delta_flag(o, r->delta);
}

uint32_t client_make_filter(const struct policy_channel_options *o, struct slice tf, struct tags_filter **out)
{
    if (!tf.ptr) return 0;
    enum status status = STATUS_MALFORMED;
    struct tags_filter *filter = o->allow_tags_filter ? tags_filter_new(tf, &status) : NULL;
    if (filter) *out = filter;
    if (filter) return 0;
    return status == STATUS_NO_MEMORY ? CLIENT_ERROR_INTERNAL : CLIENT_ERROR_BAD_REQUEST;
}

struct subscribe_verdict client_may_subscribe(struct client *c, const struct subscribe_request *r,
                                              struct rules_channel *channel, struct claims *claims)
{
    struct engine *e = c->engine;
    uint32_t error = rules_resolve(e->policy, c->space, r->channel, true, channel);
    const bool of_streams = !error && channel->options->subscription_type == POLICY_STREAM;
    if (of_streams && r->type > SUBSCRIPTION_SHARED_POLL) /* the reference fails there, and not where maps are */
        return (struct subscribe_verdict){ .disconnect = DISCONNECT_INTERNAL };
    const int32_t type = r->type < SUBSCRIPTION_STREAM ? SUBSCRIPTION_STREAM : r->type; /* as the reference takes it */
    if (!error && type != (int32_t)channel->options->subscription_type) error = CLIENT_ERROR_PERMISSION_DENIED;
    const char *why = NULL;
    if (!error && c->space == POLICY_CONSOLE_SPACE) {
        if (!console_space_allows(c, r->channel)) error = CLIENT_ERROR_PERMISSION_DENIED;
    } else if (!error && r->token.len > 0) {
        struct subscribe_verdict verdict = check_token(c, r->token, r->channel, claims);
        if (verdict.later || verdict.disconnect) return verdict;
        error = verdict.error;
        why = verdict.why;
    } else if (!error) {
        struct rules_identity who = client_identity(c, NULL);
        error = rules_subscribe(e->policy, channel, r->channel, &who);
    }
    int64_t expire_at_s = claims_expire_at(claims);
    if (!error && expire_at_s > 0 && expire_at_s <= e->wall_ms / 1000) error = CLIENT_ERROR_EXPIRED;
    return (struct subscribe_verdict){ .error = error, .why = why };
}

static void finish_subscribe(struct client *c, struct operation *op, struct broker_result *result)
{
    struct subscription *sub = op->sub;
    if (!sub) { /* ended by the server meanwhile, which the client was told */
        client_reply_error(c, op->command_id, COMMAND_SUBSCRIBE, CLIENT_ERROR_PERMISSION_DENIED);
        return;
    }
    if (result->status != STATUS_OK) {
        client_end_subscription(c, sub);
        client_reply_error(c, op->command_id, COMMAND_SUBSCRIBE, CLIENT_ERROR_INTERNAL);
        return;
    }
    struct broker_subscribe_result *r = &result->subscribe;
    client_choose_latest(sub, r);
    if (op->strict_recovery && op->was_recovering && !r->recovered) {
        client_count_subscription(c, sub);
        client_end_subscription(c, sub);
        client_reply_error(c, op->command_id, COMMAND_SUBSCRIBE, CLIENT_ERROR_UNRECOVERABLE_POSITION);
        return;
    }
    client_settle_subscription(c, sub, r);
    struct reply reply = { .id = op->command_id, .kind = REPLY_SUBSCRIBE };
    if (!client_subscribe_result(c, sub, r, op->was_recovering, op->since_offset, &reply.subscribe)) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    if (!client_can_read_bytes(c, op->data)) return;
    reply.subscribe.data = held_bytes_slice(op->data);
    client_reply(c, &reply);
    client_announce(c, sub);
    client_flush_backlog(c, sub);
}

void client_on_subscribe(struct client *c, uint32_t id, const struct subscribe_request *r)
{
    struct engine *e = c->engine;
    const struct policy_limits *limits = &e->policy->deployment->limits;
    const bool is_map = r->type >= SUBSCRIPTION_MAP && r->type <= SUBSCRIPTION_MAP_USERS;
    if (r->channel.len == 0 || (!is_map && r->delta.len > 0 && !slice_eq(r->delta, SLICE("fossil")))) {
        client_disconnect(c, DISCONNECT_BAD_REQUEST);
        return;
    }
    if (is_map) {
        client_on_map_subscribe(c, id, r);
        return;
    }
    struct rules_channel channel;
    struct claims claims = { 0 };
    const char *why = NULL;
    uint32_t error = r->type == SUBSCRIPTION_SHARED_POLL ? CLIENT_ERROR_NOT_AVAILABLE : 0; /* no namespace has it */
    if (!error && r->channel.len > limits->channel_len_max) error = CLIENT_ERROR_BAD_REQUEST;
    if (!error && client_find_subscription(c, r->channel)) error = CLIENT_ERROR_ALREADY_SUBSCRIBED;
    if (!error && client_map_count(c) + c->subscription_count >= limits->channel_limit)
        error = CLIENT_ERROR_LIMIT_EXCEEDED;
    if (!error) {
        struct subscribe_verdict verdict = client_may_subscribe(c, r, &channel, &claims);
        if (verdict.later) return;
        why = verdict.why;
        if (verdict.disconnect) {
            refusal_tell_subscribe(c, r, verdict.disconnect, true, why);
            client_disconnect(c, verdict.disconnect);
            return;
        }
        error = verdict.error;
    }
    if (!error && client_map_find(c, r->channel)) error = CLIENT_ERROR_ALREADY_SUBSCRIBED;
    struct tags_filter *filter = NULL;
    if (!error) error = client_make_filter(channel.options, r->tf, &filter);
    if (error) {
        refusal_tell_subscribe(c, r, error, false, why);
        client_reply_error(c, id, COMMAND_SUBSCRIBE, error);
        return;
    }
    struct subscription_plan plan = {
        .channel = r->channel,
        .filter = filter,
        .options = channel.options,
        .flags = (uint16_t)(client_plan_flags(channel.options, r->token.len ? &claims.override : NULL) |
                            asked_flags(c, &channel, r) | (r->token.len ? 0 : client_map_keys_flags(channel.options))),
        .chan_info = claims.info,
        .expire_at_s = claims_expire_at(&claims),
        .recover = r->recover,
        .since_offset = r->offset,
        .since_epoch = r->epoch,
    };
    plan.recover |= client_recovers_by_itself(plan.options, plan.flags);
    struct held_bytes *data = held_bytes_copy(claims.data);
    struct operation *op = held_bytes_failed(data, claims.data) ? NULL : operation_new(c, r->channel, finish_subscribe);
    if (op) {
        op->command_id = id;
        op->parks = true;
        op->was_recovering = plan.recover;
        op->strict_recovery =
            (r->flag & SUBSCRIBE_FLAG_STRICT_RECOVERY) != 0 && plan.options->recovery_mode == POLICY_RECOVERY_STREAM;
        op->since_offset = r->offset;
        op->data = data;
        if (client_start_subscription(c, &plan, op)) return;
    } else {
        held_bytes_free(data);
        tags_filter_free(filter);
    }
    client_disconnect(c, DISCONNECT_INTERNAL);
}

void client_on_unsubscribe(struct client *c, uint32_t id, const struct unsubscribe_request *r)
{
    if (r->channel.len == 0) {
        client_disconnect(c, DISCONNECT_BAD_REQUEST);
        return;
    }
    struct subscription *sub = client_find_subscription(c, r->channel);
    struct map_catch_up *cu = client_map_find(c, r->channel);
    if (cu) {
        client_map_drop(c, cu);
    } else if (sub) {
        client_tell_unsubscribe(c, sub);
        client_end_subscription(c, sub);
    }
    client_reply_empty(c, id, REPLY_UNSUBSCRIBE);
}
