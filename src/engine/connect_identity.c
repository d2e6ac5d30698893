#include "engine/connect_plan.h"
#include "engine/console_space.h"

static struct refusal identify_by_token(struct client *c, struct slice token, struct identity *out)
{
    struct engine *e = c->engine;
    const struct policy_deployment *d = e->policy->deployment;
    struct claims claims;
    const char *why = NULL;
    switch (client_verify(c, AUTH_CONNECTION, token, &claims, &why)) {
    case AUTH_PENDING: return (struct refusal){ .kind = REFUSE_LATER };
    case AUTH_INVALID: return refuse_close(DISCONNECT_INVALID_TOKEN, why);
    case AUTH_EXPIRED: return refuse_error(CLIENT_ERROR_TOKEN_EXPIRED, why);
    case AUTH_ERROR: return refuse_error(CLIENT_ERROR_INTERNAL, why);
    case AUTH_OK: break;
    }
    uint32_t space;
    if (!client_space_of_claims(e, &claims, &space))
        return refuse_close(DISCONNECT_INVALID_TOKEN, "projectId names no project, or an archived one");
    if (c->got_project && space != c->space)
        return refuse_close(DISCONNECT_INVALID_TOKEN, "the token and the client key are of different projects");
    if (claims.user.len == 0 && d->disallow_anonymous_tokens)
        return refuse_close(DISCONNECT_PERMISSION_DENIED, "tokens without a user are not allowed");
    *out = (struct identity){ .user = claims.user,
                              .info = claims.info,
                              .meta = claims.meta,
                              .expire_at_s = d->insecure ? 0 : claims_expire_at(&claims),
                              .space = space,
                              .subs = claims.subs,
                              .sub_count = claims.sub_count,
                              .may_ask = true };
    return NOT_REFUSED;
}

/* A page of the console. Its project is kept where other connections have their info. */
static struct refusal identify_console(struct client *c, struct slice token, struct identity *out)
{
    struct claims claims;
    const char *why = NULL;
    switch (console_token_verify(c->engine, token, &claims, &why)) {
    case AUTH_EXPIRED: return refuse_error(CLIENT_ERROR_TOKEN_EXPIRED, why);
    case AUTH_PENDING: /* it has no key set */
    case AUTH_INVALID:
    case AUTH_ERROR: return refuse_close(DISCONNECT_INVALID_TOKEN, why);
    case AUTH_OK: break;
    }
    *out = (struct identity){ .user = claims.user,
                              .info = claims.info,
                              .expire_at_s = claims_expire_at(&claims),
                              .space = POLICY_CONSOLE_SPACE };
    return NOT_REFUSED;
}

/* A client key among the emulated headers of the connect command. */
static struct refusal use_emulated_key(struct client *c, const struct connect_request *r)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (!slice_eq_nocase(r->headers[i].key, SLICE("x-xshathra-key"))) continue;
        const char *why = NULL;
        const struct policy_key *key = NULL;
        struct slice origin = slice_from_cstr(c->extra ? c->extra->origin : NULL);
        if (client_check_key(c->engine, r->headers[i].value, origin, &key, &why) != CLIENT_KEY_OK)
            return refuse_close(DISCONNECT_INVALID_TOKEN, why);
        uint32_t space = c->space;
        bool had_key = c->got_project;
        if (!client_set_key(c, key)) return refuse_close(DISCONNECT_INTERNAL, "out of memory");
        if (had_key && c->space != space)
            return refuse_close(DISCONNECT_INVALID_TOKEN, "two client keys of different projects");
    }
    return NOT_REFUSED;
}

/* Row CP-59: the order of identity sources. A connect proxy will stand after the token. */
struct refusal connect_identify(struct client *c, const struct connect_request *r, struct identity *out)
{
    const struct policy_deployment *d = c->engine->policy->deployment;
    if (console_token_is(r->token)) return identify_console(c, r->token, out);
    if (c->console_only) return refuse_close(DISCONNECT_INVALID_TOKEN, "the console's own connection needs its token");
    struct refusal refusal = use_emulated_key(c, r);
    if (refusal.kind) return refusal;
    *out = (struct identity){ .space = c->space };
    if (r->token.len > 0) return identify_by_token(c, r->token, out);
    out->may_ask = true;
    if (c->got_project) return NOT_REFUSED; /* a client key: anonymous in its project */
    if (d->allow_anonymous_without_token || d->insecure) return NOT_REFUSED;
    out->may_ask = false;
    if (c->extra && c->extra->header_user && c->extra->header_user[0]) {
        out->user = slice_from_cstr(c->extra->header_user);
        return NOT_REFUSED;
    }
    return refuse_close(DISCONNECT_BAD_REQUEST, "no token, and anonymous connections are not allowed");
}
