#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/refusals.h"
#include "http/http_uri.h"
#include "session/session_gate.h"
#include "session/session_parts.h"
#include "ws/ws_deflate_offer.h"
#include "ws/ws_handshake.h"

#define PROTOBUF_SUBPROTOCOL "centrifuge-protobuf"
#define KEY_LEN_MAX          256 /* a longer client key is none of ours */

static void refuse(struct session *s, const struct http_request *request, int status, const char *why,
                   const struct http_header *headers, size_t header_count)
{
    char peer[INET6_ADDRSTRLEN];
    LOG_INFO("websocket refused", LOG_STR("peer", session_peer(s, request, peer)), LOG_U64("status", status),
             LOG_CSTR("why", why));
    char body[512];
    int len = snprintf(body, sizeof body, "%s\n", why);
    struct session_answer answer = { .status = status,
                                     .content_type = SLICE("text/plain; charset=utf-8"),
                                     .body = slice_of(body, (size_t)len),
                                     .headers = headers,
                                     .header_count = header_count };
    session_http_write(s, request, &answer);
}

/* All lines of one header joined by commas, as lists may be split; in scratch. */
static struct slice joined_header(const struct http_request *request, struct slice name, struct buf *scratch)
{
    size_t index = 0;
    struct slice value, first = { 0 };
    size_t start = scratch->len, count = 0;
    while (http_request_header_next(request, name, &index, &value)) {
        if (count++ == 0) {
            first = value;
            continue;
        }
        if (count == 2) buf_append(scratch, first);
        buf_append_char(scratch, ',');
        buf_append(scratch, value);
    }
    return count > 1 && buf_ok(scratch) ? slice_from(buf_slice(scratch), start) : first;
}

static bool handshake_fits(struct session *s, const struct http_request *request, struct slice *key,
                           struct slice *protocol)
{
    struct buf scratch;
    buf_init(&scratch, 8192);
    struct ws_handshake_request r = {
        .method = request->method_name,
        .http_major = 1,
        .http_minor = request->minor_version,
        .host = request->host,
        .upgrade = request->upgrade_websocket ? SLICE("websocket") : (struct slice){ 0 },
        .connection = request->connection_upgrade ? SLICE("upgrade") : (struct slice){ 0 },
        .key = http_request_header(request, SLICE("sec-websocket-key")),
        .version = joined_header(request, SLICE("sec-websocket-version"), &scratch),
        .protocol = joined_header(request, SLICE("sec-websocket-protocol"), &scratch),
    };
    enum ws_handshake_result result = ws_handshake_check(&r);
    if (result == WS_HANDSHAKE_OK) {
        static const struct slice known[] = { { "centrifuge-json", sizeof "centrifuge-json" - 1 },
                                              { PROTOBUF_SUBPROTOCOL, sizeof PROTOBUF_SUBPROTOCOL - 1 } };
        ptrdiff_t index = ws_handshake_subprotocol(r.protocol, known, ARRAY_COUNT(known));
        *protocol = index >= 0 ? known[index] : (struct slice){ 0 };
        *key = r.key;
    } else {
        const struct http_header headers[] = {
            { SLICE(WS_HANDSHAKE_VERSION_NAME), SLICE(WS_HANDSHAKE_VERSION_VALUE) },
            { SLICE("Allow"), SLICE("GET") },
        };
        int status = ws_handshake_status(result);
        refuse(s, request, status, ws_handshake_text(result), headers, status == 405 ? 2 : 1);
    }
    buf_deinit(&scratch);
    return result == WS_HANDSHAKE_OK;
}

/* The query or a header names a client key: copied to out, "" when there is none. */
static struct slice named_key(const struct http_request *request, struct buf *value)
{
    struct slice header = http_request_header(request, SLICE("x-xshathra-key"));
    if (header.len > 0) return header;
    if (request->query.len == 0) return (struct slice){ 0 };
    return http_query_get(request->query, SLICE("key"), value) == HTTP_QUERY_FOUND ? buf_slice(value)
                                                                                   : (struct slice){ 0 };
}

const char *session_limits_objection(const struct session *s)
{
    struct engine *e = s->host->engine;
    const struct policy_limits *limits = &e->policy->deployment->limits;
    uint32_t clients = atomic_load_explicit(&e->shared->client_count, memory_order_relaxed);
    if (limits->connection_limit > 0 && clients >= limits->connection_limit) {
        metrics_add(e->metrics, METRIC_NODE_CLIENT_CONNECTION_LIMIT, 1);
        return "too many connections on this node (client.connection_limit)";
    }
    if (!session_gate_pass(s->host->gate, limits->connection_rate_limit, s->host->loop->now_ms))
        return "too many new connections at once (client.connection_rate_limit)";
    return NULL;
}

static bool limits_allow(struct session *s, const struct http_request *request)
{
    const char *objection = session_limits_objection(s);
    if (objection) refuse(s, request, 503, objection, NULL, 0);
    return !objection;
}

/* What the client needs of the request; slices borrow it. */
struct upgrade {
    struct slice origin, user;
    const struct policy_key *key; /* NULL = none */
    bool console_only;            /* ?console=1, from a page of ours */
    bool frame_pings;             /* ?cf_ws_frame_ping_pong=true */
    bool protobuf;
    bool deflate;
    struct ws_deflate_terms terms; /* with deflate */
};

static bool query_says(const struct http_request *request, struct slice name, struct slice wanted)
{
    struct buf value;
    buf_init(&value, 16);
    bool says = request->query.len > 0 && http_query_get(request->query, name, &value) == HTTP_QUERY_FOUND &&
                slice_eq(buf_slice(&value), wanted);
    buf_deinit(&value);
    return says;
}

/* A page that this server itself has given out. */
static bool is_own_origin(const struct http_request *request, struct slice origin)
{
    const char *scheme_end = origin.len ? memmem(origin.ptr, origin.len, "://", 3) : NULL;
    if (!scheme_end) return false;
    const struct slice authority = slice_from(origin, (size_t)(scheme_end - origin.ptr) + 3);
    return authority.len > 0 && slice_eq_nocase(authority, request->host);
}

/* Row TR-02, or the rules of a client key. The console's own pages come from where they were given out,
 * and get in with the console's tokens only. False: refused. */
static bool origin_fits(struct session *s, const struct http_request *request, struct upgrade *up)
{
    const struct engine *e = s->host->engine;
    up->origin = http_request_header(request, SLICE("origin"));
    struct buf value;
    buf_init(&value, KEY_LEN_MAX);
    struct slice key = named_key(request, &value);
    const char *why = NULL;
    if (key.len > 0) {
        (void)client_check_key(e, key, up->origin, &up->key, &why);
        if (why) refusal_tell_key(s->host->engine, key, up->origin, why);
    } else if (query_says(request, SLICE("console"), SLICE("1")) && is_own_origin(request, up->origin)) {
        up->console_only = true;
    } else if (!policy_origin_allowed(&e->policy->deployment->allowed_origins, up->origin)) {
        why = "this origin is not among the allowed ones (client.allowed_origins)";
    }
    if (why) refuse(s, request, 403, why, NULL, 0);
    buf_deinit(&value);
    return !why;
}

/* Rows CP-87, CP-88: by any of three; a subprotocol of JSON does not take it back. */
static bool wants_protobuf(const struct http_request *request, struct slice subprotocol)
{
    return slice_eq(subprotocol, SLICE(PROTOBUF_SUBPROTOCOL)) ||
           query_says(request, SLICE("cf_protocol"), SLICE("protobuf")) ||
           query_says(request, SLICE("format"), SLICE("protobuf"));
}

/* Appends the 101, with the terms of compression that are agreed. */
static void write_acceptance(struct session_host *host, const struct http_request *request, struct slice key,
                             struct slice protocol, struct upgrade *up)
{
    struct buf scratch, terms;
    buf_init(&scratch, 8192);
    buf_init(&terms, 256);
    if (host->engine->policy->deployment->limits.websocket_compression)
        up->deflate =
            ws_deflate_choose(joined_header(request, SLICE("sec-websocket-extensions"), &scratch), &up->terms);
    if (up->deflate) ws_deflate_write_terms(&up->terms, &terms);
    up->deflate = up->deflate && buf_ok(&terms);
    ws_handshake_write(&host->out, key, protocol, up->deflate ? buf_slice(&terms) : (struct slice){ 0 });
    buf_deinit(&terms);
    buf_deinit(&scratch);
}

/* The HTTP arm of the session gives way to the WebSocket arm. */
static bool become_websocket(struct session *s, const struct upgrade *up)
{
    struct session_host *host = s->host;
    session_http_deinit(s);
    s->mode = SESSION_WEBSOCKET;
    s->ws = (struct session_websocket){ 0 };
    ws_decoder_init(&s->ws.decoder, host->engine->policy->deployment->limits.websocket_message_bytes_max);
    list_init(&s->ws.ended);
    s->conn.framing = &session_ws_framing;
    net_conn_time_writes(&s->conn, host->engine->policy->deployment->limits.websocket_write_timeout_ms);
    s->window_bits = up->deflate ? up->terms.server_window_bits : 0;
    if (up->deflate) {
        ws_decoder_allow_deflate(&s->ws.decoder);
        session_deflate_use(host);
    }
    struct client *c = &s->ws.client;
    client_init(c, host->engine, session_ws_port(up->protobuf, s->window_bits), session_handle(s));
    c->frame_pings = up->frame_pings;
    c->console_only = up->console_only;
    return (!up->key || client_set_key(c, up->key)) && (up->origin.len == 0 || client_set_origin(c, up->origin)) &&
           (up->user.len == 0 || client_set_header_user(c, up->user));
}

bool session_upgrade(struct session *s, const struct http_request *request)
{
    struct session_host *host = s->host;
    struct slice key, protocol;
    struct upgrade up = { 0 };
    if (!handshake_fits(s, request, &key, &protocol) || !limits_allow(s, request) || !origin_fits(s, request, &up))
        return false;
    struct slice header = slice_from_cstr(host->engine->policy->deployment->user_id_http_header);
    if (header.len > 0) up.user = http_request_header(request, header);
    up.frame_pings = query_says(request, SLICE("cf_ws_frame_ping_pong"), SLICE("true"));
    up.protobuf = wants_protobuf(request, protocol);
    write_acceptance(host, request, key, protocol, &up);
    if (host->app->answered) host->app->answered(host, s, request, 101);
    if (!become_websocket(s, &up)) {
        net_conn_close(&s->conn, NET_CLOSE_NOW, NULL, 0);
        return true;
    }
    session_http_flush(s); /* sends host->out, whatever the mode */
    return true;
}
