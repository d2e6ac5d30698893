#include "base/log.h"
#include "base/mem.h"
#include "engine/client_parts.h"
#include "engine/console_space.h"

/* Row CP-65: a refresh may not change which channels the token gives. */
static bool same_token_channels(const struct client *c, const struct claims *claims)
{
    size_t from_token = 0;
    LIST_EACH(node, next, &c->subscriptions)
    {
        const struct subscription *sub = LIST_ENTRY(node, struct subscription, in_client);
        if (sub->flags & SUB_FROM_TOKEN) from_token++;
    }
    if (from_token != claims->sub_count) return false;
    for (size_t i = 0; i < claims->sub_count; i++) {
        const struct subscription *sub = client_find_subscription(c, claims->subs[i].channel);
        if (!sub || !(sub->flags & SUB_FROM_TOKEN)) return false;
    }
    return true;
}

/* False: memory is out. */
static bool replace_info(struct client *c, struct slice info)
{
    if (info.len == 0 && !c->extra) return true;
    struct client_extra *extra = client_need_extra(c);
    struct held_bytes *copy = extra ? held_bytes_copy(info) : NULL;
    if (held_bytes_failed(copy, info)) return false;
    held_bytes_free(extra->conn_info);
    extra->conn_info = copy;
    client_renew_presence(c);
    return true;
}

/* The same for a page of the console: it stays with its account and project. */
static uint32_t check_console_refresh(struct client *c, struct slice token, struct claims *claims)
{
    const char *why = NULL;
    if (!console_token_is(token)) return DISCONNECT_INVALID_TOKEN;
    switch (console_token_verify(c->engine, token, claims, &why)) {
    case AUTH_EXPIRED: return DISCONNECT_EXPIRED;
    case AUTH_PENDING: /* it has no key set */
    case AUTH_INVALID:
    case AUTH_ERROR: return DISCONNECT_INVALID_TOKEN;
    case AUTH_OK: break;
    }
    const bool same = slice_eq(claims->user, client_user(c)) && console_space_same(c, claims);
    return same ? 0 : DISCONNECT_INVALID_TOKEN;
}

/* 0 or why the connection is closed. 0 also while the key set is being fetched. */
static uint32_t check_refresh_token(struct client *c, struct slice token, struct claims *claims)
{
    struct engine *e = c->engine;
    const char *why = NULL;
    uint32_t code = 0;
    if (c->space == POLICY_CONSOLE_SPACE) return check_console_refresh(c, token, claims);
    switch (client_verify(c, AUTH_CONNECTION, token, claims, &why)) {
    case AUTH_PENDING: return 0;
    case AUTH_INVALID: code = DISCONNECT_INVALID_TOKEN; break;
    case AUTH_EXPIRED: code = DISCONNECT_EXPIRED; break;
    case AUTH_ERROR: code = DISCONNECT_INTERNAL; break;
    case AUTH_OK: break;
    }
    uint32_t space;
    if (!code && !slice_eq(claims->user, client_user(c))) {
        code = DISCONNECT_INVALID_TOKEN;
        why = "the token is of another user";
    } else if (!code && (!client_space_of_claims(e, claims, &space) || space != c->space)) {
        code = DISCONNECT_INVALID_TOKEN;
        why = "projectId is not the project of the connection";
    } else if (!code && !same_token_channels(c, claims)) {
        code = DISCONNECT_INSUFFICIENT_STATE;
        why = "the token gives other channels than the one before";
    }
    if (why) LOG_INFO("refresh refused", LOG_STR("user", client_user(c)), LOG_CSTR("why", why));
    return code;
}

void client_on_refresh(struct client *c, uint32_t id, const struct refresh_request *r)
{
    struct engine *e = c->engine;
    struct claims claims;
    uint32_t code = r->token.len ? check_refresh_token(c, r->token, &claims) : DISCONNECT_BAD_REQUEST;
    if (code) {
        client_disconnect(c, code);
        return;
    }
    if (c->keys == CLIENT_KEYS_WAIT) return;
    if (!replace_info(c, claims.info)) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    struct reply reply = { .id = id, .kind = REPLY_REFRESH };
    int64_t expire_at_s = claims_expire_at(&claims);
    /* OB-14: a token without an end leaves the expiry as it was. */
    if (expire_at_s > 0) {
        uint32_t left_s = client_seconds_left(e, expire_at_s);
        if (left_s == 0) {
            client_disconnect(c, DISCONNECT_EXPIRED);
            return;
        }
        c->expires = true;
        c->stale_or_expire_ms = client_expiry_ms(e, expire_at_s, e->policy->deployment->limits.expired_close_delay_ms);
        client_arm(c);
        reply.refresh.expires = true;
        reply.refresh.ttl = left_s;
    }
    client_reply(c, &reply);
}

/* Row CP-76. As above. */
static uint32_t check_sub_refresh(struct client *c, const struct sub_refresh_request *r, struct claims *claims,
                                  bool *expired)
{
    struct engine *e = c->engine;
    const char *why = NULL;
    switch (client_verify(c, AUTH_SUBSCRIPTION, r->token, claims, &why)) {
    case AUTH_PENDING: return 0;
    case AUTH_EXPIRED: *expired = true; return 0;
    case AUTH_OK: break;
    case AUTH_ERROR: return DISCONNECT_INTERNAL;
    case AUTH_INVALID: return DISCONNECT_INVALID_TOKEN;
    }
    uint32_t space;
    bool fits =
        client_token_fits(c, claims, r->channel) && client_space_of_claims(e, claims, &space) && space == c->space;
    return fits ? 0 : DISCONNECT_INVALID_TOKEN;
}

void client_on_sub_refresh(struct client *c, uint32_t id, const struct sub_refresh_request *r)
{
    struct engine *e = c->engine;
    if (r->channel.len == 0) {
        client_disconnect(c, DISCONNECT_BAD_REQUEST);
        return;
    }
    struct subscription *sub = client_find_subscription(c, r->channel);
    if (!sub || sub->pending) {
        client_reply_error(c, id, COMMAND_SUB_REFRESH, CLIENT_ERROR_PERMISSION_DENIED);
        return;
    }
    if (r->token.len == 0 || r->type != 0) {
        client_reply_error(c, id, COMMAND_SUB_REFRESH, CLIENT_ERROR_BAD_REQUEST);
        return;
    }
    struct claims claims;
    bool expired = false;
    uint32_t code = check_sub_refresh(c, r, &claims, &expired);
    if (code) {
        client_disconnect(c, code);
        return;
    }
    if (c->keys == CLIENT_KEYS_WAIT) return;
    struct reply reply = { .id = id, .kind = REPLY_SUB_REFRESH };
    int64_t expire_at_s = expired ? 0 : claims_expire_at(&claims);
    uint32_t left_s = client_seconds_left(e, expire_at_s);
    if (left_s > 0) {
        client_expire_subscription(c, sub, expire_at_s);
        reply.sub_refresh.expires = true;
        reply.sub_refresh.ttl = left_s;
    } else {
        sub->flags &= (uint16_t)~SUB_EXPIRES; /* as the reference does, also for an expired token */
    }
    client_reply(c, &reply);
}
