#include "session/session.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "policy/policy_address.h"
#include "session/session_gate.h"
#include "session/session_parts.h"

/* Answers of one turn of one connection, before they become one blob: 16 pipelined
 * requests, or one long history. */
#define OUT_BYTES_MAX ((size_t)64 << 20)

static struct session *session_of_conn(struct net_conn *conn)
{
    return container_of(conn, struct session, conn);
}

static size_t on_data(struct net_conn *conn, char *bytes, size_t len)
{
    struct session *s = session_of_conn(conn);
    if (s->mode == SESSION_WEBSOCKET) return session_ws_data(s, bytes, len);
    size_t taken = session_http_data(s, bytes, len);
    /* What came with the handshake already belongs to the WebSocket, but it waits for the
     * answer to be sent: a close would drop that from the queue. */
    if (s->mode == SESSION_WEBSOCKET && taken < len && !net_conn_closing(conn)) net_conn_pause_until_sent(conn);
    return taken;
}

static size_t bytes_wanted(struct net_conn *conn)
{
    struct session *s = session_of_conn(conn);
    return s->mode == SESSION_WEBSOCKET ? session_ws_wanted(s) : 0;
}

static void on_eof(struct net_conn *conn, int error)
{
    struct session *s = session_of_conn(conn);
    if (s->mode == SESSION_WEBSOCKET) {
        session_ws_eof(s, error);
    } else {
        session_http_eof(s);
    }
}

static void on_deadline(struct net_conn *conn)
{
    struct session *s = session_of_conn(conn);
    if (s->mode == SESSION_WEBSOCKET) {
        client_deadline(&s->ws.client);
    } else {
        session_http_deadline(s);
    }
}

static void on_closed(struct net_conn *conn)
{
    struct session *s = session_of_conn(conn);
    struct session_host *host = s->host;
    if (s->mode == SESSION_WEBSOCKET) {
        session_ws_deinit(s);
    } else {
        session_http_deinit(s);
    }
    session_leave_group(s);
    slab_free(&host->sessions, s);
}

static const struct net_conn_ops conn_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
    .bytes_wanted = bytes_wanted,
};

void session_host_init(struct session_host *host, struct net_loop *loop, struct engine *engine,
                       const struct session_app *app, void *context, const struct http_limits *limits,
                       struct session_gate *gate)
{
    *host = (struct session_host){
        .loop = loop, .engine = engine, .app = app, .context = context, .http_limits = *limits, .gate = gate
    };
    slab_init(&host->sessions, sizeof(struct session));
    buf_init(&host->out, OUT_BYTES_MAX);
    list_init(&host->ended);
    list_init(&host->again);
    map_init(&host->groups);
}

void session_host_deinit(struct session_host *host)
{
    session_deflate_deinit(host);
    buf_deinit(&host->out);
    slab_deinit(&host->sessions);
    map_deinit(&host->groups);
}

void session_accept(struct session_host *host, int fd, uint8_t listener, struct net_tls_context *tls)
{
    struct session *s = slab_alloc(&host->sessions);
    if (!s) {
        close(fd);
        return;
    }
    s->host = host;
    s->listener = listener;
    s->mode = SESSION_HTTP;
    if (net_conn_init(&s->conn, host->loop, fd, &conn_ops, &host->loop->default_group) != STATUS_OK) {
        slab_free(&host->sessions, s);
        close(fd);
        return;
    }
    session_http_init(s);
    if (tls && net_tls_start(&s->conn, tls) != STATUS_OK) net_conn_close(&s->conn, NET_CLOSE_NOW, NULL, 0);
}

/* ---- handles ---- */

static struct session *session_at(struct session_host *host, struct handle handle)
{
    return handle_set(handle) ? slab_get(&host->sessions, handle.slot, handle.generation) : NULL;
}

struct client *session_client_of(struct session_host *host, struct handle handle)
{
    struct session *s = session_at(host, handle);
    return s && s->mode == SESSION_WEBSOCKET && !s->ws.client.gone ? &s->ws.client : NULL;
}

struct client *session_client_next(struct session_host *host, uint32_t *slot)
{
    struct session *s;
    while ((s = slab_next(&host->sessions, slot)) != NULL)
        if (s->mode == SESSION_WEBSOCKET && !s->ws.client.gone) return &s->ws.client;
    return NULL;
}

void session_take_completion(struct session_host *host, struct broker_completion *completion)
{
    struct session *s = session_at(host, completion->ticket.handle);
    if (!s || s->mode != SESSION_HTTP || !s->http.exchange) {
        broker_completion_free(completion);
        return;
    }
    struct session_answer answer = { 0 };
    enum session_outcome outcome = host->app->completed(host, s->http.exchange, completion, &answer);
    session_http_outcome(s, outcome, &answer);
}

void session_take_effect_done(struct session_host *host, struct handle handle, uint32_t operation, uint32_t affected)
{
    struct session *s = session_at(host, handle);
    if (!s || s->mode != SESSION_HTTP || !s->http.exchange) return;
    struct session_answer answer = { 0 };
    enum session_outcome outcome = host->app->effect_done(host, s->http.exchange, operation, affected, &answer);
    session_http_outcome(s, outcome, &answer);
}

/* ---- turns ---- */

bool session_host_turn(struct session_host *host)
{
    struct list *node;
    while ((node = list_pop_front(&host->ended)) != NULL)
        client_gone(&LIST_ENTRY(node, struct session, ws.ended)->ws.client);
    /* One step each for those that were there at the beginning. */
    struct list again;
    list_init(&again);
    list_splice(&again, &host->again);
    while ((node = list_pop_front(&again)) != NULL) {
        struct session *s = LIST_ENTRY(node, struct session, http.again);
        struct session_answer answer = { 0 };
        enum session_outcome outcome = host->app->again(host, s->http.exchange, &answer);
        session_http_outcome(s, outcome, &answer);
    }
    return !list_empty(&host->again) || !list_empty(&host->ended);
}

bool session_host_drain(struct session_host *host, uint32_t *slot, uint32_t count)
{
    host->draining = true;
    for (uint32_t i = 0; i < count; i++) {
        struct session *s = slab_next(&host->sessions, slot);
        if (!s) return false;
        if (net_conn_closing(&s->conn)) continue;
        if (s->mode == SESSION_WEBSOCKET) {
            client_disconnect(&s->ws.client, DISCONNECT_SHUTDOWN);
        } else {
            session_http_drain(s);
        }
    }
    return true;
}

void session_host_abort(struct session_host *host)
{
    uint32_t slot = 0;
    struct session *s;
    while ((s = slab_next(&host->sessions, &slot)) != NULL) net_conn_close(&s->conn, NET_CLOSE_NOW, NULL, 0);
}

/* ---- the peer's address ---- */

/* The header of the last proxy: some add a line of their own below the peer's instead of
 * lengthening it, so no line above the last is to be believed. */
static struct slice last_forwarded_for(const struct http_request *request)
{
    struct slice value = { 0 }, line;
    size_t index = 0;
    while (http_request_header_next(request, SLICE("x-forwarded-for"), &index, &line)) value = line;
    return value;
}

struct slice session_peer(const struct session *s, const struct http_request *request,
                          char out[static INET6_ADDRSTRLEN])
{
    struct slice peer = slice_of(out, net_conn_peer(&s->conn, out));
    const struct policy_string_list *trusted = &s->host->engine->policy->deployment->trusted_proxies;
    if (!request || trusted->count == 0 || !policy_address_in(trusted, peer)) return peer;
    /* The last address that no trusted proxy has added. */
    struct slice value = last_forwarded_for(request);
    while (value.len > 0) {
        ptrdiff_t comma = slice_last_index(value, ',');
        struct slice address = slice_trim(slice_from(value, (size_t)(comma + 1)));
        char text[INET6_ADDRSTRLEN];
        uint8_t parsed[16];
        if (address.len == 0 || address.len >= sizeof text) break;
        memcpy(text, address.ptr, address.len);
        text[address.len] = 0;
        if (inet_pton(AF_INET, text, parsed) != 1 && inet_pton(AF_INET6, text, parsed) != 1) break;
        memcpy(out, text, address.len + 1);
        peer = slice_of(out, address.len);
        if (!policy_address_in(trusted, peer) || comma < 0) break;
        value = slice_head(value, (size_t)comma);
    }
    return peer;
}

bool session_is_secure(const struct session *s, const struct http_request *request)
{
    char text[INET6_ADDRSTRLEN];
    const struct policy_string_list *trusted = &s->host->engine->policy->deployment->trusted_proxies;
    if (s->conn.tls_) return true;
    if (trusted->count == 0 || !policy_address_in(trusted, slice_of(text, net_conn_peer(&s->conn, text)))) return false;
    return slice_eq_nocase(http_request_header(request, SLICE("x-forwarded-proto")), SLICE("https"));
}
