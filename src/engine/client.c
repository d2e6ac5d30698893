#include "engine/client.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mem_part.h"
#include "crypto/crypto_hash.h"
#include "crypto/crypto_random.h"
#include "engine/client_map.h"
#include "protocol/protocol_json_command.h"
#include "protocol/protocol_json_reply.h"
#include "protocol/protocol_protobuf_command.h"
#include "protocol/protocol_protobuf_reply.h"

void client_init(struct client *c, struct engine *e, const struct client_port *port, struct handle handle)
{
    *c = (struct client){ .engine = e, .port = port, .slot = handle.slot, .generation = handle.generation };
    list_init(&c->in_user);
    list_init(&c->subscriptions);
    list_init(&c->operations);
    crypto_random(c->id, sizeof c->id);
    c->id[6] = (uint8_t)((c->id[6] & 0x0f) | 0x40); /* a version 4 UUID, RFC 9562 */
    c->id[8] = (uint8_t)((c->id[8] & 0x3f) | 0x80);
    c->stale_or_expire_ms = e->now_ms + e->policy->deployment->limits.stale_close_delay_ms;
    atomic_fetch_add_explicit(&e->shared->client_count, 1, memory_order_relaxed);
    client_arm(c);
}

void client_id_text(const struct client *c, char out[static CLIENT_ID_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (size_t i = 0; i < sizeof c->id; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        *at++ = digits[c->id[i] >> 4];
        *at++ = digits[c->id[i] & 15];
    }
    *at = 0;
}

struct client_extra *client_need_extra(struct client *c)
{
    if (!c->extra) c->extra = mem_part_alloc_zero(MEM_CONNECTIONS, sizeof *c->extra);
    return c->extra;
}

bool client_set_origin(struct client *c, struct slice origin)
{
    struct client_extra *extra = client_need_extra(c);
    if (!extra) return false;
    mem_free(extra->origin);
    extra->origin = mem_copy(origin);
    return extra->origin != NULL;
}

bool client_set_header_user(struct client *c, struct slice user)
{
    struct client_extra *extra = client_need_extra(c);
    if (!extra) return false;
    mem_free(extra->header_user);
    extra->header_user = mem_copy(user);
    return extra->header_user != NULL;
}

/* NULL and a reason when nobody may connect with this key. */
static const struct policy_key *find_key(const struct policy *p, struct slice text, int64_t now_s, const char **why)
{
    uint8_t hash[POLICY_KEY_HASH_LEN];
    crypto_sha256(text, hash);
    const struct policy_key *key = policy_key_by_hash(p, hash);
    if (!key) {
        *why = "the client key is unknown";
    } else if (key->kind != POLICY_KEY_CLIENT) {
        *why = "the key is a server_api_key; connections use the project's client_api_key";
    } else if (key->revoked) {
        *why = "the client key is revoked";
    } else if (key->valid_until_s > 0 && key->valid_until_s < now_s) {
        *why = "the client key has come to its end";
    } else if (p->projects[key->project].archived) {
        *why = "the project of the client key is archived";
    } else {
        return key;
    }
    return NULL;
}

enum client_key_result client_check_key(const struct engine *e, struct slice text, struct slice origin,
                                        const struct policy_key **out, const char **why)
{
    const struct policy *p = e->policy;
    const struct policy_key *key = find_key(p, text, e->wall_ms / 1000, why);
    if (!key) return CLIENT_KEY_UNKNOWN;
    const struct policy_project *project = &p->projects[key->project];
    const struct policy_string_list *origins =
        project->allowed_origins.count ? &project->allowed_origins : &p->deployment->allowed_origins;
    if (!policy_origin_allowed(origins, origin)) {
        *why = "the origin is not among the allowed ones of the client key's project";
        return CLIENT_KEY_ORIGIN;
    }
    *out = key;
    return CLIENT_KEY_OK;
}

bool client_set_key(struct client *c, const struct policy_key *key)
{
    struct client_extra *extra = client_need_extra(c);
    if (!extra) return false;
    key_uses_note(&c->engine->key_uses, key, c->engine->wall_ms / 1000);
    memcpy(extra->client_key, key->hash, sizeof extra->client_key);
    extra->has_client_key = true;
    c->space = c->engine->policy->projects[key->project].space;
    c->got_project = true;
    return true;
}

/* Once for each that was connected. */
static void tell_disconnect(struct client *c, const char *by, uint32_t code, struct slice reason)
{
    struct event ev;
    if (!c->user || c->end_told) return;
    c->end_told = true;
    if (!event_begin(&ev, c->engine, c->space, "disconnect")) return;
    event_client(&ev, c);
    event_text(&ev, "by", slice_from_cstr(by));
    event_number(&ev, "code", code);
    event_text(&ev, "reason", reason);
    event_send(&ev);
}

void client_disconnect_with(struct client *c, uint32_t code, struct slice reason)
{
    if (c->state == CLIENT_CLOSING) return;
    tell_disconnect(c, "server", code, reason);
    if (log_enabled(LOG_LEVEL_INFO)) {
        char id[CLIENT_ID_LEN + 1];
        client_id_text(c, id);
        LOG_INFO("client disconnected by server", LOG_CSTR("client", id), LOG_STR("user", client_user(c)),
                 LOG_U64("code", code), LOG_STR("reason", reason));
    }
    metrics_add(c->engine->metrics, METRIC_AT1(CLIENT_SERVER_DISCONNECTS, metrics_disconnect_code(code)), 1);
    c->state = CLIENT_CLOSING;
    c->port->set_deadline(c, 0);
    c->port->close(c, code, reason);
}

void client_disconnect(struct client *c, uint32_t code)
{
    client_disconnect_with(c, code, disconnect_reason(code));
}

struct rules_identity client_identity(const struct client *c, const struct subscription *sub)
{
    return (struct rules_identity){ .user = client_user(c), .subscribed = sub && !sub->pending };
}

/* ---- deadlines ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

void client_arm(struct client *c)
{
    if (c->state == CLIENT_CLOSING) return;
    uint64_t due = sooner(sooner(c->stale_or_expire_ms, c->next_ping_ms), sooner(c->pong_due_ms, c->next_check_ms));
    c->port->set_deadline(c, sooner(due, client_map_due_ms(c)));
}

uint32_t client_seconds_left(const struct engine *e, int64_t at_s)
{
    int64_t left_s = at_s - e->wall_ms / 1000;
    if (left_s <= 0) return 0;
    return left_s > UINT32_MAX ? UINT32_MAX : (uint32_t)left_s;
}

uint64_t client_expiry_ms(const struct engine *e, int64_t expire_at_s, uint64_t delay_ms)
{
    int64_t left_ms = expire_at_s > INT64_MAX / 2000 ? INT64_MAX / 2 : expire_at_s * 1000 - e->wall_ms;
    if (left_ms >= 0) return e->now_ms + (uint64_t)left_ms + delay_ms + 1;
    uint64_t passed_ms = (uint64_t)-left_ms;
    return e->now_ms + (delay_ms > passed_ms ? delay_ms - passed_ms : 0) + 1;
}

static struct slice ping_body(enum protocol_encoding encoding)
{
    return encoding == PROTOCOL_PROTOBUF ? SLICE(PROTOCOL_PROTOBUF_PING) : SLICE(PROTOCOL_JSON_PING);
}

static void send_ping(struct client *c)
{
    struct engine *e = c->engine;
    const struct policy_limits *limits = &e->policy->deployment->limits;
    struct blob **ping = &e->pings[c->port->form];
    if (c->frame_pings) {
        c->port->frame_ping(c);
    } else if (*ping || (*ping = c->port->message(ping_body(c->port->encoding))) != NULL) {
        client_send_blob(c, blob_ref(*ping), METRIC_FRAME_SERVER_PING, CLIENT_DELIVERY);
    } else {
        client_disconnect(c, DISCONNECT_INTERNAL);
    }
    c->pong_due_ms = limits->pong_timeout_ms ? e->now_ms + limits->pong_timeout_ms : 0;
    c->next_ping_ms = limits->ping_interval_ms ? e->now_ms + limits->ping_interval_ms : 0;
}

/* Ends subscriptions whose expiry and grace have passed; sets when to look again. */
static void check_subscription_expiry(struct client *c)
{
    struct engine *e = c->engine;
    uint64_t delay_ms = e->policy->deployment->limits.expired_sub_close_delay_ms;
    c->next_check_ms = 0;
    LIST_EACH(node, next, &c->subscriptions)
    {
        struct subscription *sub = LIST_ENTRY(node, struct subscription, in_client);
        if (!(sub->flags & SUB_EXPIRES)) continue;
        uint64_t due = client_expiry_ms(e, sub->expire_at_s, delay_ms);
        bool passed = (int64_t)sub->expire_at_s * 1000 + (int64_t)delay_ms <= e->wall_ms;
        if (!passed) {
            c->next_check_ms = sooner(c->next_check_ms, due);
        } else if (sub->flags & SUB_SERVER_SIDE) {
            client_disconnect(c, DISCONNECT_SUBSCRIPTION_EXPIRED);
            return;
        } else {
            client_unsubscribe_push(c, sub, UNSUBSCRIBE_EXPIRED);
        }
        if (c->state == CLIENT_CLOSING) return;
    }
}

void client_deadline(struct client *c)
{
    uint64_t now = c->engine->now_ms;
    if (c->state == CLIENT_CLOSING) return;
    if (c->stale_or_expire_ms && c->stale_or_expire_ms <= now) {
        client_disconnect(c, c->state == CLIENT_CONNECTED ? DISCONNECT_EXPIRED : DISCONNECT_STALE);
    } else if (c->pong_due_ms && c->pong_due_ms <= now) {
        client_disconnect(c, DISCONNECT_NO_PONG);
    } else {
        if (c->next_ping_ms && c->next_ping_ms <= now) send_ping(c);
        if (c->next_check_ms && c->next_check_ms <= now) check_subscription_expiry(c);
        if (c->state != CLIENT_CLOSING) client_map_deadline(c);
    }
    client_arm(c);
}

/* ---- input ---- */

void client_frame_pong(struct client *c)
{
    if (c->frame_pings) c->pong_due_ms = 0;
}

static void on_pong(struct client *c)
{
    if (c->pong_due_ms == 0 || c->frame_pings) {
        client_disconnect(c, DISCONNECT_BAD_REQUEST);
        return;
    }
    uint64_t sent_ms = c->pong_due_ms - c->engine->policy->deployment->limits.pong_timeout_ms;
    if (c->engine->now_ms >= sent_ms)
        metrics_observe(c->engine->metrics, METRIC_CLIENT_PING_PONG_DURATION, c->port->metric_transport,
                        (double)(c->engine->now_ms - sent_ms) / 1000);
    /* The deadline may fire once for nothing: cheaper than moving it for every pong. */
    c->pong_due_ms = 0;
}

static void on_rpc(struct client *c, uint32_t id, const struct rpc_request *r)
{
    const struct policy_deployment *d = c->engine->policy->deployment;
    if (d->rpc_ping_enabled && slice_eq(r->method, slice_from_cstr(d->rpc_ping_method))) {
        client_reply_empty(c, id, REPLY_RPC);
    } else {
        client_reply_error(c, id, COMMAND_RPC,
                           d->rpc_ping_enabled ? CLIENT_ERROR_METHOD_NOT_FOUND : CLIENT_ERROR_NOT_AVAILABLE);
    }
}

/* What pages of the console need: whatever is allowed elsewhere, by client.insecure too, is not in their space. */
static bool may_listen_only(enum command_kind kind)
{
    return kind == COMMAND_SUBSCRIBE || kind == COMMAND_UNSUBSCRIBE || kind == COMMAND_REFRESH;
}

static void dispatch(struct client *c, const struct command *command)
{
    uint32_t id = command->id;
    if (c->space == POLICY_CONSOLE_SPACE && !may_listen_only(command->kind)) {
        client_disconnect(c, DISCONNECT_PERMISSION_DENIED);
        return;
    }
    switch (command->kind) {
    case COMMAND_SUBSCRIBE: client_on_subscribe(c, id, command->subscribe); break;
    case COMMAND_UNSUBSCRIBE: client_on_unsubscribe(c, id, command->unsubscribe); break;
    case COMMAND_PUBLISH: client_on_publish(c, id, command->publish); break;
    case COMMAND_PRESENCE: client_on_presence(c, id, command->presence->channel, false); break;
    case COMMAND_PRESENCE_STATS: client_on_presence(c, id, command->presence_stats->channel, true); break;
    case COMMAND_HISTORY: client_on_history(c, id, command->history); break;
    case COMMAND_RPC: on_rpc(c, id, command->rpc); break;
    case COMMAND_SEND: client_disconnect(c, DISCONNECT_NOT_AVAILABLE); break; /* nobody listens to it */
    case COMMAND_REFRESH: client_on_refresh(c, id, command->refresh); break;
    case COMMAND_SUB_REFRESH: client_on_sub_refresh(c, id, command->sub_refresh); break;
    case COMMAND_CONNECT: /* a second one */
    case COMMAND_PING:    /* in the schema, but not served (CP-11) */
    case COMMAND_NONE:
    case COMMAND_KIND_COUNT: client_disconnect(c, DISCONNECT_BAD_REQUEST); break;
    }
}

static unsigned metric_method(const struct command *command)
{
    switch (command->kind) {
    case COMMAND_CONNECT: return METRIC_METHOD_CONNECT;
    case COMMAND_SUBSCRIBE: return METRIC_METHOD_SUBSCRIBE;
    case COMMAND_UNSUBSCRIBE: return METRIC_METHOD_UNSUBSCRIBE;
    case COMMAND_PUBLISH: return METRIC_METHOD_PUBLISH;
    case COMMAND_PRESENCE: return METRIC_METHOD_PRESENCE;
    case COMMAND_PRESENCE_STATS: return METRIC_METHOD_PRESENCE_STATS;
    case COMMAND_HISTORY: return METRIC_METHOD_HISTORY;
    case COMMAND_RPC: return METRIC_METHOD_RPC;
    case COMMAND_SEND: return METRIC_METHOD_SEND;
    case COMMAND_REFRESH: return METRIC_METHOD_REFRESH;
    case COMMAND_SUB_REFRESH: return METRIC_METHOD_SUB_REFRESH;
    default: return METRIC_METHOD_UNKNOWN;
    }
}

static void handle(struct client *c, const struct command *command)
{
    struct metrics *m = c->engine->metrics;
    bool pong = c->state == CLIENT_CONNECTED && command_is_pong(command);
    unsigned frame = pong ? METRIC_FRAME_CLIENT_PONG : metric_method(command);
    if (c->keys == CLIENT_KEYS_NONE) { /* not again, when it has waited for its key set */
        metrics_add(m, METRIC_AT2(TRANSPORT_MESSAGES_RECEIVED, c->port->metric_transport, frame), 1);
        metrics_add(m, METRIC_AT2(TRANSPORT_MESSAGES_RECEIVED_SIZE, c->port->metric_transport, frame), command->len);
    }
    if (pong) {
        on_pong(c);
    } else if (c->state == CLIENT_CONNECTED) {
        dispatch(c, command);
    } else if (c->state == CLIENT_NEW && command->kind == COMMAND_CONNECT && command->id > 0) {
        client_on_connect(c, command->id, command->connect);
    } else {
        client_disconnect(c, DISCONNECT_BAD_REQUEST);
    }
}

static enum protocol_result next_command(struct client *c, struct protocol_batch *batch, struct command *out)
{
    struct arena *scratch = &c->engine->arena;
    arena_reset(scratch);
    return c->port->encoding == PROTOCOL_PROTOBUF ? protocol_protobuf_next(batch, scratch, out)
                                                  : protocol_json_next(batch, scratch, out);
}

size_t client_receive(struct client *c, struct slice message)
{
    struct engine *e = c->engine;
    struct protocol_batch batch;
    struct command command;
    size_t taken = 0;
    protocol_batch_init(&batch, message);
    while (c->state != CLIENT_CLOSING && c->state != CLIENT_REFUSED) {
        switch (next_command(c, &batch, &command)) {
        case PROTOCOL_END: return message.len;
        case PROTOCOL_BROKEN:
            LOG_INFO("client command refused", LOG_CSTR("error", batch.error_text),
                     LOG_U64("position", batch.error_position));
            client_disconnect(c, DISCONNECT_BAD_REQUEST);
            return message.len;
        case PROTOCOL_COMMAND: break;
        }
        uint64_t started_ns = engine_clock_ns(e);
        handle(c, &command);
        if (c->keys == CLIENT_KEYS_WAIT) return taken; /* the same command comes again */
        c->keys = CLIENT_KEYS_NONE;
        taken += command.len;
        if (c->parked > 0) {
            operation_wait(c, metric_method(&command), started_ns);
            return taken;
        }
        metrics_observe(e->metrics, METRIC_CLIENT_COMMAND_DURATION, metric_method(&command),
                        (double)(engine_clock_ns(e) - started_ns) / 1e9);
    }
    return message.len;
}

/* ---- the end ---- */

static void leave_user(struct client *c)
{
    if (!c->user) return;
    struct engine *e = c->engine;
    struct space_counts *counts = space_counts_of(&e->spaces, c->space);
    counts->connections--;
    counts->connection_bytes -= c->port->object_bytes;
    counts->users -= registry_remove(e->shared->registry, c->space, hub_user_id(c->user), e->index);
    hub_user_remove(&e->hub, c->user, &c->in_user);
    c->user = NULL;
    if (c->counted)
        metrics_sub(e->metrics,
                    METRIC_AT3(CLIENT_CONNECTIONS_INFLIGHT, c->port->metric_transport, c->has_name, c->has_version), 1);
    metrics_sub(e->metrics, METRIC_NODE_NUM_CLIENTS, 1);
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_REMOVE_CLIENT), 1);
}

void client_gone(struct client *c)
{
    if (c->gone) return;
    c->gone = true;
    c->state = CLIENT_CLOSING;
    c->port->set_deadline(c, 0);
    operations_drop(c);
    tell_disconnect(c, "client", 0, SLICE("connection closed"));
    while (!list_empty(&c->subscriptions))
        client_end_subscription(c, LIST_ENTRY(c->subscriptions.next, struct subscription, in_client));
    client_map_free(c);
    leave_user(c);
    sdk_names_drop(&c->engine->sdks, c->sdk);
    if (c->extra) {
        held_bytes_free(c->extra->conn_info);
        held_bytes_free(c->extra->meta);
        mem_free(c->extra->header_user);
        mem_free(c->extra->origin);
        mem_part_free(MEM_CONNECTIONS, c->extra);
        c->extra = NULL;
    }
    atomic_fetch_sub_explicit(&c->engine->shared->client_count, 1, memory_order_relaxed);
}
