#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/crypto_random.h"
#include "engine/client_parts.h"
#include "engine/connect_work.h"
#include "engine/effects.h"

/* Rows CP-61: more than a year is a year. */
#define TTL_MAX_S (365u * 24 * 3600)

/* Who the client turned out to be, before anything is changed. */
struct identity {
    struct slice user;
    struct slice info; /* raw JSON */
    struct slice meta;
    int64_t expire_at_s; /* 0 = never */
    uint32_t space;
    const struct claims_sub *subs; /* of the token */
    size_t sub_count;
    bool may_ask; /* channels of the request are considered */
};

enum refusal_kind { REFUSE_NOT, REFUSE_ERROR, REFUSE_DISCONNECT };
struct refusal {
    enum refusal_kind kind;
    uint32_t code;
    const char *why; /* for the log */
};
#define NOT_REFUSED ((struct refusal){ 0 })

static struct refusal refuse_error(uint32_t code, const char *why)
{
    return (struct refusal){ REFUSE_ERROR, code, why };
}

static struct refusal refuse_close(uint32_t code, const char *why)
{
    return (struct refusal){ REFUSE_DISCONNECT, code, why };
}

static struct refusal identify_by_token(struct client *c, struct slice token, struct identity *out)
{
    struct engine *e = c->engine;
    const struct policy_deployment *d = e->policy->deployment;
    struct claims claims;
    const char *why = NULL;
    switch (auth_verify(e->verifier, e->auth_scratch, token, e->wall_ms / 1000, AUTH_CONNECTION, &e->arena, &claims,
                        &why)) {
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
static struct refusal identify(struct client *c, const struct connect_request *r, struct identity *out)
{
    const struct policy_deployment *d = c->engine->policy->deployment;
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

/* ---- server-side subscriptions ---- */

struct wanted_sub {
    struct subscription_plan plan;
    struct slice data;
};

struct wanted_list {
    struct wanted_sub *items; /* in the arena */
    size_t count, cap;
};

static const struct subscribe_request *request_sub(const struct connect_request *r, struct slice channel)
{
    for (size_t i = 0; i < r->sub_count; i++)
        if (slice_eq(r->subs[i].channel, channel)) return &r->subs[i].request;
    return NULL;
}

static bool already_wanted(const struct wanted_list *list, struct slice channel)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_eq(list->items[i].plan.channel, channel)) return true;
    return false;
}

static void want(struct wanted_list *list, const struct connect_request *r, const struct rules_channel *channel,
                 struct slice name, const struct claims_sub *claim, uint16_t more_flags)
{
    if (list->count == list->cap || already_wanted(list, name)) return;
    const struct subscribe_request *asked = request_sub(r, name);
    struct wanted_sub *w = &list->items[list->count++];
    *w = (struct wanted_sub){
        .plan = { .channel = name,
                  .options = channel->options,
                  .flags = (uint16_t)(client_plan_flags(channel->options, claim ? &claim->override : NULL) |
                                      SUB_SERVER_SIDE | more_flags),
                  .chan_info = claim ? claim->info : (struct slice){ 0 } },
        .data = claim ? claim->data : (struct slice){ 0 },
    };
    w->plan.recover = client_recovers_by_itself(channel->options, w->plan.flags);
    if (asked) {
        w->plan.recover |= asked->recover;
        w->plan.since_offset = asked->offset;
        w->plan.since_epoch = asked->epoch;
    }
}

static struct refusal want_token_channels(struct client *c, const struct connect_request *r,
                                          const struct identity *who, struct wanted_list *list)
{
    for (size_t i = 0; i < who->sub_count; i++) {
        struct rules_channel channel;
        if (rules_resolve(c->engine->policy, who->space, who->subs[i].channel, false, &channel) ||
            who->subs[i].channel.len == 0)
            return refuse_error(CLIENT_ERROR_UNKNOWN_CHANNEL, "a channel of the token has an unknown namespace");
        want(list, r, &channel, who->subs[i].channel, &who->subs[i], SUB_FROM_TOKEN);
    }
    return NOT_REFUSED;
}

static struct slice personal_channel_name(struct client *c, struct slice user)
{
    const struct policy_deployment *d = c->engine->policy->deployment;
    struct slice ns = slice_from_cstr(d->personal_channel_namespace);
    struct slice boundary = slice_from_cstr(d->user_boundary);
    struct slice ns_boundary = ns.len ? slice_from_cstr(d->namespace_boundary) : (struct slice){ 0 };
    char *name = arena_alloc(&c->engine->arena, ns.len + ns_boundary.len + boundary.len + user.len + 1);
    if (!name) return (struct slice){ 0 };
    char *at = name;
    struct slice parts[] = { ns, ns_boundary, boundary, user };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        if (parts[i].len) at = mempcpy(at, parts[i].ptr, parts[i].len);
    return slice_of(name, (size_t)(at - name));
}

static struct refusal want_personal_channel(struct client *c, const struct connect_request *r,
                                            const struct identity *who, struct wanted_list *list)
{
    if (!c->engine->policy->deployment->personal_channel_enabled || who->user.len == 0) return NOT_REFUSED;
    struct slice name = personal_channel_name(c, who->user);
    struct rules_channel channel;
    if (name.len == 0) return refuse_close(DISCONNECT_INTERNAL, "out of memory");
    if (rules_resolve(c->engine->policy, who->space, name, false, &channel))
        return refuse_error(CLIENT_ERROR_UNKNOWN_CHANNEL, "the namespace of the personal channel is unknown");
    want(list, r, &channel, name, NULL, 0);
    return NOT_REFUSED;
}

/* Row CP-63: only what a subscribe without a token would be allowed; the rest is left out. */
static struct refusal want_asked_channels(struct client *c, const struct connect_request *r,
                                          const struct identity *who, struct wanted_list *list)
{
    if (!who->may_ask) return NOT_REFUSED;
    const struct policy *p = c->engine->policy;
    struct rules_identity rules_who = { .user = who->user };
    for (size_t i = 0; i < r->sub_count; i++) {
        struct rules_channel channel;
        struct slice name = r->subs[i].channel;
        if (name.len == 0) return refuse_close(DISCONNECT_BAD_REQUEST, "an empty channel in subs");
        if (already_wanted(list, name)) continue;
        uint32_t error = rules_resolve(p, who->space, name, true, &channel);
        if (error == CLIENT_ERROR_UNKNOWN_CHANNEL)
            return refuse_close(DISCONNECT_BAD_REQUEST, "a channel of subs has an unknown namespace");
        bool fits = !error && channel.options->stream_only && name.len <= p->deployment->limits.channel_len_max;
        if (fits && !rules_subscribe(p, &channel, name, &rules_who)) want(list, r, &channel, name, NULL, 0);
    }
    return NOT_REFUSED;
}

static struct refusal collect(struct client *c, const struct connect_request *r, const struct identity *who,
                              struct wanted_list *list)
{
    size_t limit = c->engine->policy->deployment->limits.channel_limit;
    list->cap = who->sub_count + r->sub_count + 1;
    /* One too many is enough to refuse: thousands would be compared with each other first. */
    if (list->cap > limit + 1) list->cap = limit + 1;
    list->items = arena_alloc(&c->engine->arena, list->cap * sizeof *list->items);
    if (!list->items) return refuse_close(DISCONNECT_INTERNAL, "out of memory");
    struct refusal refusal = want_token_channels(c, r, who, list);
    if (!refusal.kind) refusal = want_personal_channel(c, r, who, list);
    if (!refusal.kind) refusal = want_asked_channels(c, r, who, list);
    if (!refusal.kind && list->count > limit)
        refusal = refuse_close(DISCONNECT_CHANNEL_LIMIT, "more server-side subscriptions than client.channel_limit");
    return refusal;
}

/* ---- the reply ---- */

void connect_work_release(struct connect_work *w)
{
    if (--w->refs > 0) return;
    struct list *node;
    while ((node = list_pop_front(&w->waiting)) != NULL)
        engine_task_start(w->engine, LIST_ENTRY(node, struct engine_task, link_));
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->parts[i].answered) broker_result_deinit(&w->parts[i].result);
        mem_free(w->parts[i].data);
    }
    mem_free(w);
}

struct connect_work *connect_work_of(const struct client *c)
{
    LIST_EACH(node, next, &c->operations)
    {
        struct operation *op = LIST_ENTRY(node, struct operation, in_client);
        if (op->connect) return op->connect;
    }
    return NULL;
}

static void start_pings(struct client *c)
{
    uint64_t interval = c->engine->policy->deployment->limits.ping_interval_ms;
    if (interval == 0) return;
    /* Row CP-14: the first one at random, so that connections made together do not
     * ping together for ever. */
    uint32_t random;
    crypto_random(&random, sizeof random);
    c->next_ping_ms = c->engine->now_ms + interval / 2 + (uint64_t)random % (interval / 2 + 1);
}

static void send_connect_reply(struct client *c, struct connect_work *w)
{
    struct engine *e = c->engine;
    const struct policy_deployment *d = e->policy->deployment;
    char id[CLIENT_ID_LEN + 1];
    client_id_text(c, id);
    struct connect_result_sub *subs = arena_alloc(&e->arena, w->count * sizeof *subs + 1);
    bool fits = subs != NULL;
    size_t sub_count = 0;
    for (uint32_t i = 0; fits && i < w->count; i++) {
        struct connect_part *part = &w->parts[i];
        if (!part->sub) continue; /* ended by the server meanwhile */
        struct connect_result_sub *s = &subs[sub_count++];
        s->channel = hub_channel_name(part->sub->channel);
        fits = client_subscribe_result(c, part->sub, &part->result.subscribe, part->was_recovering,
                                       part->since_offset, &s->result);
        s->result.data = held_bytes_slice(part->data);
        fits = fits && client_can_read_bytes(c, part->data);
    }
    if (!fits) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    char version[64];
    int version_len = snprintf(version, sizeof version, "%s OSS", e->shared->node.version);
    struct reply reply = {
        .id = w->command_id,
        .kind = REPLY_CONNECT,
        .connect = { .client = slice_of(id, CLIENT_ID_LEN),
                     .version = slice_of(version, (size_t)version_len),
                     .expires = w->expires,
                     .ttl = w->ttl_s,
                     .subs = subs,
                     .sub_count = sub_count,
                     .ping = c->frame_pings ? 0 : (uint32_t)(d->limits.ping_interval_ms / 1000),
                     .pong = !c->frame_pings && d->limits.ping_interval_ms > 0 && d->limits.pong_timeout_ms > 0,
                     .time = d->connect_include_server_time ? e->wall_ms : 0 },
    };
    client_reply(c, &reply);
}

static void count_connection(struct client *c)
{
    struct metrics *m = c->engine->metrics;
    c->counted = true;
    metrics_add(m, METRIC_AT3(CLIENT_CONNECTIONS_ACCEPTED, c->port->metric_transport, c->has_name, c->has_version), 1);
    metrics_add(m, METRIC_AT3(CLIENT_CONNECTIONS_INFLIGHT, c->port->metric_transport, c->has_name, c->has_version), 1);
}

/* All server-side subscriptions are answered: reply, then live. */
static void complete(struct client *c, struct connect_work *w)
{
    c->state = CLIENT_CONNECTED;
    c->stale_or_expire_ms = w->expire_due_ms;
    send_connect_reply(c, w);
    for (uint32_t i = 0; i < w->count && c->state == CLIENT_CONNECTED; i++) {
        struct subscription *sub = w->parts[i].sub;
        if (!sub) continue;
        client_announce(c, sub);
        client_flush_backlog(c, sub);
    }
    start_pings(c);
    client_arm(c);
    count_connection(c);
    metrics_add(c->engine->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_ADD_CLIENT), 1);
}

static void finish_connect_part(struct client *c, struct operation *op, struct broker_result *result)
{
    struct connect_work *w = op->connect;
    struct connect_part *part = &w->parts[op->connect_index];
    op->connect = NULL;
    part->sub = op->sub;
    if (result->status != STATUS_OK) {
        client_disconnect(c, DISCONNECT_INTERNAL);
    } else if (part->sub) {
        client_settle_subscription(c, part->sub, &result->subscribe);
        part->result = *result; /* taken over: the reply needs it */
        *result = (struct broker_result){ 0 };
        part->answered = true;
    }
    if (--w->left == 0 && c->state == CLIENT_CONNECTING) complete(c, w);
    connect_work_release(w);
}

static void start_parts(struct client *c, struct connect_work *w, const struct wanted_list *list)
{
    for (size_t i = 0; i < list->count && c->state == CLIENT_CONNECTING; i++) {
        const struct wanted_sub *wanted = &list->items[i];
        struct connect_part *part = &w->parts[i];
        part->was_recovering = wanted->plan.recover;
        part->since_offset = wanted->plan.since_offset;
        part->data = held_bytes_copy(wanted->data);
        struct operation *op = held_bytes_failed(part->data, wanted->data)
                                   ? NULL
                                   : operation_new(c, wanted->plan.channel, finish_connect_part);
        if (op) {
            op->connect = w;
            op->connect_index = (uint32_t)i;
            op->parks = true;
            w->refs++;
            if (client_start_subscription(c, &wanted->plan, op)) continue;
            w->refs--;
        }
        client_disconnect(c, DISCONNECT_INTERNAL);
    }
}

/* The client gets its user and space. */
static struct refusal settle_identity(struct client *c, const struct identity *who)
{
    struct engine *e = c->engine;
    uint32_t limit = who->user.len ? e->policy->deployment->limits.user_connection_limit : 0;
    switch (registry_add(e->shared->registry, who->space, who->user, e->index, limit)) {
    case STATUS_OK: break;
    case STATUS_TOO_LARGE: return refuse_close(DISCONNECT_CONNECTION_LIMIT, "the user has too many connections");
    default: return refuse_close(DISCONNECT_INTERNAL, "out of memory");
    }
    c->space = who->space;
    /* after the user is counted: of two that connect at once, one finds the other */
    c->connect_number = atomic_fetch_add_explicit(&e->shared->connects, 1, memory_order_relaxed) + 1;
    c->user = hub_user_add(&e->hub, who->space, who->user, &c->in_user);
    if (!c->user) {
        registry_remove(e->shared->registry, who->space, who->user, e->index);
        return refuse_close(DISCONNECT_INTERNAL, "out of memory");
    }
    metrics_add(e->metrics, METRIC_NODE_NUM_CLIENTS, 1);
    if (c->extra) {
        mem_free(c->extra->origin);
        c->extra->origin = NULL;
    }
    if (who->info.len || who->meta.len) {
        struct client_extra *extra = client_need_extra(c);
        if (!extra) return refuse_close(DISCONNECT_INTERNAL, "out of memory");
        extra->conn_info = held_bytes_copy(who->info);
        extra->meta = held_bytes_copy(who->meta);
        if (held_bytes_failed(extra->conn_info, who->info) || held_bytes_failed(extra->meta, who->meta))
            return refuse_close(DISCONNECT_INTERNAL, "out of memory");
    }
    c->port->joined_space(c, who->space);
    return NOT_REFUSED;
}

/* Row CH-11. The others of this user are closed; this one need not wait for it. */
static void close_other_connections(struct client *c)
{
    struct engine *e = c->engine;
    char id[CLIENT_ID_LEN + 1];
    client_id_text(c, id);
    struct slice keep = slice_of(id, CLIENT_ID_LEN);
    struct effect_request request = { .kind = EFFECT_DISCONNECT,
                                      .space = c->space,
                                      .user = client_user(c),
                                      .code = DISCONNECT_CONNECTION_LIMIT,
                                      .reason = disconnect_reason(DISCONNECT_CONNECTION_LIMIT),
                                      .whitelist = &keep,
                                      .whitelist_count = 1,
                                      .before = c->connect_number };
    enum status status = STATUS_OK;
    (void)engine_effect_start(e, &request, (struct handle){ .worker = e->index }, 0, &status);
    if (status != STATUS_OK) client_disconnect(c, DISCONNECT_INTERNAL);
}

static void refuse(struct client *c, uint32_t id, const struct refusal *refusal)
{
    char text[CLIENT_ID_LEN + 1];
    client_id_text(c, text);
    LOG_INFO("client refused", LOG_CSTR("client", text), LOG_U64("code", refusal->code), LOG_CSTR("why", refusal->why));
    if (refusal->kind == REFUSE_DISCONNECT) {
        client_disconnect(c, refusal->code);
    } else {
        c->state = CLIENT_REFUSED; /* OB-13: nothing more is read; the stale deadline stays */
        client_reply_error(c, id, COMMAND_CONNECT, refusal->code);
    }
}

void client_on_connect(struct client *c, uint32_t id, const struct connect_request *r)
{
    struct engine *e = c->engine;
    struct identity who;
    c->has_name = r->name.len > 0;
    c->has_version = r->version.len > 0;
    struct wanted_list wanted = { 0 };
    struct refusal refusal = identify(c, r, &who);
    if (!refusal.kind && who.expire_at_s > 0 && who.expire_at_s <= e->wall_ms / 1000)
        refusal = refuse_error(CLIENT_ERROR_EXPIRED, "the identity has expired already");
    if (!refusal.kind) refusal = collect(c, r, &who, &wanted);
    if (!refusal.kind) refusal = settle_identity(c, &who);
    if (refusal.kind) {
        refuse(c, id, &refusal);
        return;
    }
    const struct policy_deployment *d = e->policy->deployment;
    if (d->personal_channel_enabled && d->personal_single_connection && who.user.len) close_other_connections(c);

    struct connect_work *w = mem_alloc_zero(sizeof *w + wanted.count * sizeof w->parts[0]);
    if (!w) {
        client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    w->refs = 1;
    w->engine = e;
    list_init(&w->waiting);
    w->command_id = id;
    w->count = w->left = (uint32_t)wanted.count;
    c->state = CLIENT_CONNECTING; /* the stale deadline stays until the reply */
    if (who.expire_at_s > 0) {
        int64_t ttl = who.expire_at_s - e->wall_ms / 1000;
        w->expires = c->expires = true;
        w->ttl_s = ttl > TTL_MAX_S ? TTL_MAX_S : (uint32_t)ttl;
        w->expire_due_ms = client_expiry_ms(e, who.expire_at_s, d->limits.expired_close_delay_ms);
    }
    if (wanted.count == 0) {
        complete(c, w);
    } else {
        start_parts(c, w, &wanted);
    }
    connect_work_release(w);
}
