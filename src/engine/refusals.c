#include "engine/refusals.h"

#include <stdarg.h>
#include <stdio.h>

#include "crypto/crypto_hash.h"
#include "engine/console_space.h"

#define VALUE_MAX 256

struct explained {
    const char *check; /* static */
    char value[VALUE_MAX], expected[VALUE_MAX];
};

static void say(char out[static VALUE_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(char out[static VALUE_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out, VALUE_MAX, format, args);
    va_end(args);
}

static void tell(struct event *ev, uint32_t code, struct slice message, const char *why, const struct explained *x)
{
    event_number(ev, "code", code);
    event_text(ev, "message", message);
    event_text(ev, "reason", slice_from_cstr(why));
    event_text(ev, "check", slice_from_cstr(x->check));
    event_text(ev, "value", slice_from_cstr(x->value));
    event_text(ev, "expected", slice_from_cstr(x->expected));
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* ---- tokens: what they say is shown, and not believed ---- */

struct unverified {
    bool is_split, is_read;
    struct auth_token token;
    struct claims claims;
};

static void read_unverified(struct engine *e, struct slice text, enum auth_kind kind, struct unverified *out)
{
    const char *why;
    const struct claims_options options = { kind, { 0 } };
    *out = (struct unverified){ 0 };
    out->is_split = auth_token_split(text, &e->arena, &out->token, &why) == STATUS_OK;
    out->is_read =
        out->is_split && claims_parse(out->token.payload, &options, &e->arena, &out->claims, &why) == STATUS_OK;
}

static void explain_time(const struct engine *e, const char *name, const struct claims_time *time, bool after,
                         struct explained *x)
{
    x->check = name;
    say(x->value, "%lld", (long long)time->s);
    say(x->expected, "%s %lld, the server's time", after ? "later than" : "not later than",
        (long long)(e->wall_ms / 1000));
}

static void explain_signature(const struct unverified *u, struct explained *x)
{
#define NAME_OF(name, text) [AUTH_##name] = text,
    static const char *const names[] = { AUTH_ALGORITHM_LIST(NAME_OF)[AUTH_ALGORITHM_UNKNOWN] = "unknown" };
#undef NAME_OF
    x->check = "signature";
    say(x->value, "algorithm %s", u->is_split ? names[u->token.algorithm] : "unknown");
    say(x->expected, "a signature under a key of client.token that fits the algorithm");
}

static void explain_token(struct engine *e, const struct policy_token_options *o, const struct unverified *u,
                          const char *why, struct explained *x)
{
    const struct claims *claims = &u->claims;
    x->check = "token";
    say(x->expected, "a token that is well-formed and signed with a configured key");
    if (has(why, "signature") || has(why, "algorithm") || has(why, "key")) {
        explain_signature(u, x);
    } else if (has(why, "iss ")) {
        x->check = "iss";
        say(x->value, "%.*s", SLICE_ARG(claims->iss));
        say(x->expected, "%s", o->issuer && o->issuer[0] ? o->issuer : o->issuer_regex ? o->issuer_regex : "");
    } else if (has(why, "aud ")) {
        x->check = "aud";
        if (claims->aud_count) say(x->value, "%.*s", SLICE_ARG(claims->aud[0]));
        say(x->expected, "%s",
            o->audience && o->audience[0] ? o->audience
            : o->audience_regex           ? o->audience_regex
                                          : "");
    } else if (has(why, "exp ")) {
        explain_time(e, "exp", &claims->exp, true, x);
    } else if (has(why, "nbf ")) {
        explain_time(e, "nbf", &claims->nbf, false, x);
    } else if (has(why, "projectId")) {
        x->check = "projectId";
        say(x->value, "%.*s", SLICE_ARG(claims->project_id));
        say(x->expected, "the id of a project that is there and not archived, and that of the connection");
    } else if (has(why, "channel")) {
        x->check = "channel";
        say(x->value, "%.*s", SLICE_ARG(claims->channel));
        say(x->expected, "%s", "a claim channel in subscription tokens, and only there");
    }
}

/* ---- connect ---- */

/* Whose people are told: those of the key's project, or of the one that the token names. */
static uint32_t space_concerned(const struct client *c, const struct unverified *u)
{
    if (c->got_project || c->user) return c->space;
    const struct policy_project *project =
        u->is_read && u->claims.has_project_id ? policy_project_by_id(c->engine->policy, u->claims.project_id) : NULL;
    return project ? project->space : 0;
}

static const struct policy_token_options *token_options(const struct engine *e, enum auth_kind kind)
{
    const struct policy_deployment *d = e->policy->deployment;
    return kind == AUTH_SUBSCRIPTION && d->subscription_token_enabled ? &d->subscription_token : &d->token;
}

static void explain_connect(struct client *c, const struct connect_request *r, const struct refusal *refusal,
                            const struct unverified *u, struct explained *x)
{
    const char *why = refusal->why;
    if (refusal->code == DISCONNECT_CONNECTION_LIMIT) {
        x->check = "client.user_connection_limit";
        say(x->value, "%s", u->is_read ? "one connection more" : "");
        say(x->expected, "at most %u connections of a user",
            c->engine->policy->deployment->limits.user_connection_limit);
    } else if (refusal->code == DISCONNECT_CHANNEL_LIMIT) {
        x->check = "client.channel_limit";
        say(x->expected, "at most %u channels", c->engine->policy->deployment->limits.channel_limit);
    } else if (has(why, "namespace")) {
        x->check = "channel namespace";
        say(x->value, "%.*s",
            SLICE_ARG(u->is_read && u->claims.sub_count ? u->claims.subs[0].channel : (struct slice){ 0 }));
        say(x->expected, "channels of configured namespaces");
    } else if (has(why, "client key")) {
        x->check = "client key";
        say(x->expected, "a client_api_key in force, of the project of the token");
    } else if (has(why, "no token")) {
        x->check = "token";
        say(x->value, "none");
        say(x->expected, "a token, a client key, or client.allow_anonymous_connect_without_token");
    } else if (has(why, "without a user")) {
        x->check = "sub";
        say(x->expected, "a user, for client.disallow_anonymous_connection_tokens is set");
    } else if (r->token.len > 0) {
        explain_token(c->engine, token_options(c->engine, AUTH_CONNECTION), u, why, x);
    }
}

void refusal_tell_connect(struct client *c, const struct connect_request *r, const struct refusal *refusal)
{
    struct engine *e = c->engine;
    struct event ev;
    struct unverified u = { 0 };
    if (atomic_load_explicit(&e->shared->events.listeners, memory_order_relaxed) == 0) return;
    if (r->token.len > 0 && !console_token_is(r->token)) read_unverified(e, r->token, AUTH_CONNECTION, &u);
    if (console_token_is(r->token) || !event_begin(&ev, e, space_concerned(c, &u), "connect_refused")) return;
    struct explained x = { .check = "connect" };
    char address[CLIENT_PEER_MAX];
    explain_connect(c, r, refusal, &u, &x);
    event_client(&ev, c);
    if (!c->user && u.is_read) event_text(&ev, "claimed_user", u.claims.user);
    if (c->port->peer) event_text(&ev, "address", slice_of(address, c->port->peer(c, address)));
    event_text(&ev, "sdk", r->name);
    tell(&ev, refusal->code,
         refusal->kind == REFUSE_DISCONNECT ? disconnect_reason(refusal->code) : client_error_message(refusal->code),
         refusal->why, &x);
    event_send(&ev);
}

void refusal_tell_key(struct engine *e, struct slice text, struct slice origin, const char *why)
{
    struct event ev;
    uint8_t hash[POLICY_KEY_HASH_LEN];
    if (atomic_load_explicit(&e->shared->events.listeners, memory_order_relaxed) == 0) return;
    crypto_sha256(text, hash);
    const struct policy_key *key = policy_key_by_hash(e->policy, hash);
    if (!event_begin(&ev, e, key ? e->policy->projects[key->project].space : 0, "connect_refused")) return;
    struct explained x = { .check = "client key" };
    say(x.value, "%s", key ? key->id : "unknown");
    say(x.expected, "a client_api_key that is in force");
    if (has(why, "origin")) {
        x.check = "origin";
        say(x.value, "%.*s", SLICE_ARG(origin));
        say(x.expected, "one of the project's allowed origins, or without them of client.allowed_origins");
    }
    tell(&ev, 403, SLICE("handshake refused"), why, &x);
    event_send(&ev);
}

/* ---- subscribe and publish ---- */

static const char *permission_wanted(const char *verb, const struct rules_channel *channel, bool anonymous)
{
    static _Thread_local char text[VALUE_MAX];
    (void)channel;
    say(text, "allow_%s_for_client%s in the namespace", verb, anonymous ? " and allow_…_for_anonymous" : "");
    return text;
}

static void explain_channel(struct client *c, struct slice name, uint32_t error, const char *verb, struct explained *x)
{
    const struct policy_deployment *d = c->engine->policy->deployment;
    struct rules_channel channel = { 0 };
    const uint32_t unresolved = rules_resolve(c->engine->policy, c->space, name, true, &channel);
    say(x->value, "%.*s", SLICE_ARG(slice_head(name, VALUE_MAX - 1)));
    if (name.len > d->limits.channel_len_max) {
        x->check = "channel.max_length";
        say(x->value, "%zu bytes", name.len);
        say(x->expected, "at most %zu bytes", d->limits.channel_len_max);
    } else if (error == CLIENT_ERROR_LIMIT_EXCEEDED) {
        x->check = "client.channel_limit";
        say(x->value, "%u subscriptions", c->subscription_count);
        say(x->expected, "at most %u", d->limits.channel_limit);
    } else if (unresolved == CLIENT_ERROR_UNKNOWN_CHANNEL) {
        x->check = "namespace";
        say(x->expected, "a configured namespace before \"%s\"", d->namespace_boundary ? d->namespace_boundary : "");
    } else if (unresolved) {
        x->check = channel.options && channel.options->channel_regex ? "channel_regex" : "channel name";
        say(x->expected, "a name that fits the namespace's channel_regex, or ASCII without one");
    } else if (error == CLIENT_ERROR_PERMISSION_DENIED && channel.is_private) {
        x->check = "private channel";
        say(x->expected, "a subscription token, for the name begins with \"%s\"",
            d->private_prefix ? d->private_prefix : "");
    } else if (error == CLIENT_ERROR_PERMISSION_DENIED && channel.is_user_limited) {
        x->check = "user-limited channel";
        say(x->expected, "the user \"%.*s\" after \"%s\"", SLICE_ARG(slice_head(client_user(c), 64)),
            d->user_boundary ? d->user_boundary : "");
    } else if (error == CLIENT_ERROR_PERMISSION_DENIED) {
        x->check = "permission";
        say(x->expected, "%s", permission_wanted(verb, &channel, client_user(c).len == 0));
    } else if (error == CLIENT_ERROR_ALREADY_SUBSCRIBED) {
        x->check = "subscription";
        say(x->expected, "a channel that this connection has not subscribed to");
    } else {
        x->check = "request";
        say(x->expected, "what the namespace's options allow");
    }
}

void refusal_tell_subscribe(struct client *c, const struct subscribe_request *r, uint32_t error, bool disconnected,
                            const char *why)
{
    struct engine *e = c->engine;
    struct event ev;
    if (!event_begin(&ev, e, c->space, "subscribe_refused")) return;
    struct explained x = { 0 };
    struct unverified u = { 0 };
    if (why) {
        read_unverified(e, r->token, AUTH_SUBSCRIPTION, &u);
        explain_token(e, token_options(e, AUTH_SUBSCRIPTION), &u, why, &x);
        if (has(why, "another channel")) {
            x.check = "subscription token";
            say(x.value, "channel %.*s, user %.*s", SLICE_ARG(slice_head(u.claims.channel, 100)),
                SLICE_ARG(slice_head(u.claims.user, 100)));
            say(x.expected, "channel %.*s, user %.*s", SLICE_ARG(slice_head(r->channel, 100)),
                SLICE_ARG(slice_head(client_user(c), 100)));
        }
    } else {
        explain_channel(c, r->channel, error, "subscribe", &x);
    }
    event_client(&ev, c);
    event_text(&ev, "channel", r->channel);
    tell(&ev, error, disconnected ? disconnect_reason(error) : client_error_message(error), why ? why : x.check, &x);
    event_send(&ev);
}

void refusal_tell_publish(struct client *c, const struct publish_request *r, uint32_t error)
{
    struct event ev;
    if (!event_begin(&ev, c->engine, c->space, "publish_refused")) return;
    struct explained x = { 0 };
    explain_channel(c, r->channel, error, "publish", &x);
    event_client(&ev, c);
    event_text(&ev, "channel", r->channel);
    event_number(&ev, "bytes", r->data.len);
    tell(&ev, error, client_error_message(error), x.check, &x);
    event_send(&ev);
}
