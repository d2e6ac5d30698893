#include <stdio.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mem_part.h"
#include "crypto/crypto_random.h"
#include "engine/connect_plan.h"
#include "engine/connect_work.h"
#include "engine/effects.h"
#include "engine/refusals.h"

/* Rows CP-61: more than a year is a year. */
#define TTL_MAX_S (365u * 24 * 3600)

void connect_work_release(struct connect_work *w)
{
    if (--w->refs > 0) return;
    struct list *node;
    while ((node = list_pop_front(&w->waiting)) != NULL)
        engine_task_start(w->engine, LIST_ENTRY(node, struct engine_task, link_));
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->parts[i].answered) broker_result_deinit(&w->parts[i].result);
        held_bytes_free(w->parts[i].data);
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
        fits = client_subscribe_result(c, part->sub, &part->result.subscribe, part->was_recovering, part->since_offset,
                                       &s->result);
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

static void tell_connect(struct client *c)
{
    struct event ev;
    char address[CLIENT_PEER_MAX];
    const struct sdk_names *sdks = &c->engine->sdks;
    if (!event_begin(&ev, c->engine, c->space, "connect")) return;
    event_client(&ev, c);
    if (c->port->peer) event_text(&ev, "address", slice_of(address, c->port->peer(c, address)));
    event_text(&ev, "encoding", c->port->encoding == PROTOCOL_PROTOBUF ? SLICE("protobuf") : SLICE("json"));
    event_text(&ev, "sdk", sdk_names_name(sdks, c->sdk));
    event_text(&ev, "sdk_version", sdk_names_version(sdks, c->sdk));
    event_send(&ev);
}

/* All server-side subscriptions are answered: reply, then live. */
static void complete(struct client *c, struct connect_work *w)
{
    c->state = CLIENT_CONNECTED;
    c->stale_or_expire_ms = w->expire_due_ms;
    send_connect_reply(c, w);
    tell_connect(c);
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

/* What the HTTP request said has done its work; most connections keep nothing of it. */
static void drop_request_parts(struct client *c)
{
    struct client_extra *extra = c->extra;
    if (!extra) return;
    mem_free(extra->origin);
    mem_free(extra->header_user);
    extra->origin = extra->header_user = NULL;
    if (extra->conn_info || extra->meta || extra->has_client_key) return;
    mem_part_free(MEM_CONNECTIONS, extra);
    c->extra = NULL;
}

/* The client gets its user and space. */
static struct refusal settle_identity(struct client *c, const struct identity *who)
{
    struct engine *e = c->engine;
    uint32_t limit = who->user.len ? e->policy->deployment->limits.user_connection_limit : 0;
    bool first;
    switch (registry_add(e->shared->registry, who->space, who->user, e->index, limit, &first)) {
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
    c->connected_at_s = (uint32_t)(e->wall_ms / 1000);
    struct space_counts *counts = space_counts_of(&e->spaces, c->space);
    counts->connections++;
    counts->users += first;
    counts->connection_bytes += c->port->object_bytes;
    drop_request_parts(c);
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
    sdk_names_drop(&e->sdks, c->sdk); /* the command may come again, when its keys are there */
    c->sdk = sdk_names_take(&e->sdks, r->name, r->version);
    struct wanted_list wanted = { 0 };
    struct refusal refusal = connect_identify(c, r, &who);
    if (!refusal.kind && who.expire_at_s > 0 && who.expire_at_s <= e->wall_ms / 1000)
        refusal = refuse_error(CLIENT_ERROR_EXPIRED, "the identity has expired already");
    if (!refusal.kind) refusal = connect_collect_subs(c, r, &who, &wanted);
    if (!refusal.kind) refusal = settle_identity(c, &who);
    if (refusal.kind == REFUSE_LATER) return;
    if (refusal.kind) {
        refusal_tell_connect(c, r, &refusal);
        refuse(c, id, &refusal);
        return;
    }
    const struct policy_deployment *d = e->policy->deployment;
    if (d->personal_channel_enabled && d->personal_single_connection && who.may_ask && who.user.len &&
        c->space != POLICY_CONSOLE_SPACE)
        close_other_connections(c);

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
