#include <errno.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "broker/publication_delta.h"
#include "session/session_parts.h"
#include "ws/ws_deflate_offer.h"
#include "ws/ws_encoder.h"

/* ---- framing of merged messages ---- */

static size_t frame_header(uint8_t blob_flags, size_t payload_len, uint8_t out[])
{
    return ws_frame_header(blob_flags, payload_len, out);
}

/* A merged frame stays below what clients with small buffers take in one piece. */
const struct net_framing session_ws_framing = { .header = frame_header, .payload_len_max = 64 * 1024 };

/* ---- the port: how the engine's decisions are carried out ---- */

static struct blob *encode_publication(const struct publication *p, enum publication_variant variant)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    struct blob *message = engine_encode_push_json(p, variant, &text) ? ws_text_message(buf_slice(&text)) : NULL;
    buf_deinit(&text);
    return message;
}

static struct blob *encode_publication_protobuf(const struct publication *p, enum publication_variant variant)
{
    struct buf bytes;
    buf_init(&bytes, BUF_NO_LIMIT);
    struct blob *message =
        engine_encode_push_protobuf(p, variant, &bytes) ? ws_binary_message(buf_slice(&bytes)) : NULL;
    buf_deinit(&bytes);
    return message;
}

/* The plain wire of a variant, compressed. */
static struct blob *encode_deflate(const struct publication *p, enum publication_form form,
                                   enum publication_variant variant, publication_encoder *encode)
{
    struct publication *shared = (struct publication *)(uintptr_t)p;
    struct blob *plain = variant == PUBLICATION_PLAIN ? publication_wire(shared, form, encode)
                                                      : publication_delta_wire(shared, form, variant, encode);
    return plain ? session_deflate_publication(plain) : NULL;
}

static struct blob *encode_publication_deflate(const struct publication *p, enum publication_variant variant)
{
    return encode_deflate(p, PUBLICATION_FORM_JSON, variant, encode_publication);
}

static struct blob *encode_publication_protobuf_deflate(const struct publication *p, enum publication_variant variant)
{
    return encode_deflate(p, PUBLICATION_FORM_PROTOBUF, variant, encode_publication_protobuf);
}

static void port_send(struct client *c, struct blob *message, enum client_order order)
{
    static const enum net_flush whens[] = {
        [CLIENT_DELIVERY] = NET_FLUSH_DELIVERY, [CLIENT_ANSWER] = NET_FLUSH_ANSWER, [CLIENT_CROWD] = NET_FLUSH_CROWD
    };
    struct session *s = session_of_client(c);
    if (net_conn_send(&s->conn, message, whens[order]) != STATUS_OK) client_disconnect(c, DISCONNECT_INTERNAL);
}

static void port_send_deflate(struct client *c, struct blob *message, enum client_order order)
{
    port_send(c, session_deflate_message(session_of_client(c), message), order);
}

static void close_with(struct session *s, enum net_close how, uint16_t code, struct slice reason)
{
    struct engine *e = s->host->engine;
    metrics_add(e->metrics, METRIC_AT2(TRANSPORT_OUTGOING_CLOSE, METRIC_TRANSPORT_WEBSOCKET, metrics_close_code(code)),
                1);
    net_conn_close(&s->conn, how, ws_close_frame(code, reason), SESSION_LINGER_MS);
    /* The client leaves at the end of the turn: nobody may be walking its lists now. */
    if (!s->ws.client.gone && list_empty(&s->ws.ended)) list_push_back(&s->host->ended, &s->ws.ended);
}

/* The client still gets what was said before, such as replies to commands of the same message; one that reads too
 * slowly would not. */
static void port_close(struct client *c, uint32_t code, struct slice reason)
{
    const enum net_close how = code == DISCONNECT_SLOW ? NET_CLOSE_FINAL : NET_CLOSE_FLUSH;
    close_with(session_of_client(c), how, (uint16_t)code, reason);
}

static void port_set_deadline(struct client *c, uint64_t due_ms)
{
    struct session *s = session_of_client(c);
    if (!net_conn_closing(&s->conn)) net_conn_set_deadline(&s->conn, due_ms);
}

static size_t port_queued(const struct client *c)
{
    return net_conn_queued(&session_of_client(c)->conn);
}

static void port_joined_space(struct client *c, uint32_t space)
{
    session_join_group(session_of_client(c), space);
}

/* ---- messages in ---- */

/* A command waits: keep the rest of its message, and read no further. */
static void park(struct session *s, struct slice rest)
{
    struct session_websocket *w = &s->ws;
    if (rest.len > 0) {
        w->parked = mem_copy(rest);
        w->parked_len = rest.len;
        if (!w->parked) {
            client_disconnect(&w->client, DISCONNECT_INTERNAL);
            return;
        }
    }
    net_conn_pause(&s->conn);
}

/* False: the client waits, or is closing: take no more. */
static bool on_message(struct session *s, struct slice message)
{
    struct client *c = &s->ws.client;
    if (message.len == 0) {
        client_disconnect(c, DISCONNECT_BAD_REQUEST);
        return false;
    }
    size_t taken = client_receive(c, message);
    if (c->state == CLIENT_CLOSING) return false;
    if (c->parked == 0) return true;
    park(s, slice_from(message, taken));
    return false;
}

static void port_resume(struct client *c)
{
    struct session *s = session_of_client(c);
    struct session_websocket *w = &s->ws;
    char *rest = w->parked;
    w->parked = NULL;
    bool goes_on = !rest || on_message(s, slice_of(rest, w->parked_len));
    mem_free(rest);
    if (goes_on && !net_conn_closing(&s->conn)) net_conn_resume(&s->conn);
}

static void send_raw(struct session *s, struct blob *frame)
{
    if (!frame || net_conn_send(&s->conn, frame, NET_FLUSH_ANSWER) != STATUS_OK) {
        client_disconnect(&s->ws.client, DISCONNECT_INTERNAL);
    } else if (net_conn_queued(&s->conn) > s->host->engine->policy->deployment->limits.queue_bytes_max) {
        /* a peer that pings and does not read the pongs */
        client_disconnect(&s->ws.client, DISCONNECT_SLOW);
    }
}

static void port_frame_ping(struct client *c)
{
    send_raw(session_of_client(c), ws_ping_frame((struct slice){ 0 }));
}

static size_t port_peer(const struct client *c, char out[static CLIENT_PEER_MAX])
{
    _Static_assert(CLIENT_PEER_MAX >= INET6_ADDRSTRLEN, "every address fits");
    return net_conn_peer(&session_of_client(c)->conn, out);
}

/* The tables differ in what is encoded, and in whether and when it is compressed. */
#define WS_PORT(encoding_, form_, encode_publication_, message_, send_)                                                \
    {                                                                                                                  \
        .encoding = (encoding_), .form = (form_), .metric_transport = METRIC_TRANSPORT_WEBSOCKET,                      \
        .encode_publication = (encode_publication_), .message = (message_), .send = (send_), .close = port_close,      \
        .set_deadline = port_set_deadline, .resume = port_resume, .queued = port_queued,                               \
        .frame_ping = port_frame_ping, .joined_space = port_joined_space, .peer = port_peer,                           \
        .object_bytes = sizeof(struct session),                                                                        \
    }

const struct client_port *session_ws_port(bool protobuf, uint8_t window_bits)
{
    enum { PLAIN, DEFLATE, SMALL_WINDOW };
    static const struct client_port json[] = {
        [PLAIN] = WS_PORT(PROTOCOL_JSON, PUBLICATION_FORM_JSON, encode_publication, ws_text_message, port_send),
        [DEFLATE] = WS_PORT(PROTOCOL_JSON, PUBLICATION_FORM_JSON_DEFLATE, encode_publication_deflate, ws_text_message,
                            port_send_deflate),
        [SMALL_WINDOW] =
            WS_PORT(PROTOCOL_JSON, PUBLICATION_FORM_JSON, encode_publication, ws_text_message, port_send_deflate),
    };
    static const struct client_port binary[] = {
        [PLAIN] = WS_PORT(PROTOCOL_PROTOBUF, PUBLICATION_FORM_PROTOBUF, encode_publication_protobuf, ws_binary_message,
                          port_send),
        [DEFLATE] = WS_PORT(PROTOCOL_PROTOBUF, PUBLICATION_FORM_PROTOBUF_DEFLATE, encode_publication_protobuf_deflate,
                            ws_binary_message, port_send_deflate),
        [SMALL_WINDOW] = WS_PORT(PROTOCOL_PROTOBUF, PUBLICATION_FORM_PROTOBUF, encode_publication_protobuf,
                                 ws_binary_message, port_send_deflate),
    };
    const struct client_port *ports = protobuf ? binary : json;
    if (window_bits == 0) return &ports[PLAIN];
    return &ports[window_bits == WS_DEFLATE_WINDOW_BITS_MAX ? DEFLATE : SMALL_WINDOW];
}

/* ---- frames in ---- */

/* The peer ends it, or has broken the protocol: close, without the client's words. */
static void end(struct session *s, uint16_t code)
{
    s->ws.client.state = CLIENT_CLOSING;
    close_with(s, NET_CLOSE_FINAL, code, (struct slice){ 0 });
}

static uint16_t inflate_close_code(enum status status)
{
    if (status == STATUS_TOO_LARGE) return WS_CLOSE_TOO_BIG;
    return status == STATUS_MALFORMED ? WS_CLOSE_INVALID_PAYLOAD : WS_CLOSE_INTERNAL_ERROR;
}

/* False: take no more. */
static bool on_compressed(struct session *s, struct slice payload, bool is_text)
{
    struct slice message;
    enum status status = session_deflate_open(s->host, payload, &message);
    if (status == STATUS_OK && is_text && !utf8_valid(message)) status = STATUS_MALFORMED;
    bool goes_on = false;
    if (status == STATUS_OK) {
        goes_on = on_message(s, message);
    } else {
        LOG_INFO("compressed message refused", LOG_CSTR("error", status_text(status)),
                 LOG_U64("code", inflate_close_code(status)));
        end(s, inflate_close_code(status));
    }
    session_deflate_release(s->host);
    return goes_on;
}

/* payload is that of a whole message; event is of its last frame. */
static bool on_payload(struct session *s, struct slice payload, const struct ws_event *event)
{
    return event->is_compressed ? on_compressed(s, payload, event->is_text) : on_message(s, payload);
}

static bool on_fragment(struct session *s, const struct ws_event *event)
{
    struct session_websocket *w = &s->ws;
    size_t limit = s->host->engine->policy->deployment->limits.websocket_message_bytes_max;
    enum status status = ws_assembler_add(&w->assembler, event, limit);
    if (status != STATUS_OK) {
        end(s, status == STATUS_TOO_LARGE ? WS_CLOSE_TOO_BIG : WS_CLOSE_INTERNAL_ERROR);
        return false;
    }
    if (!event->is_last) return true;
    struct ws_assembler *whole = w->assembler;
    w->assembler = NULL;
    bool goes_on = on_payload(s, ws_assembler_message(whole), event);
    ws_assembler_free(whole);
    return goes_on;
}

/* False: take no more. */
static bool on_event(struct session *s, enum ws_result result, const struct ws_event *event)
{
    switch (result) {
    case WS_MESSAGE: return on_payload(s, event->payload, event);
    case WS_FRAGMENT: return on_fragment(s, event);
    case WS_PING: send_raw(s, ws_pong_frame(event->payload)); return !net_conn_closing(&s->conn);
    case WS_PONG: client_frame_pong(&s->ws.client); return true;
    case WS_CLOSE: end(s, event->code); return false;
    case WS_BROKEN:
        LOG_INFO("websocket frame refused", LOG_CSTR("error", ws_error_text((enum ws_error)event->error)),
                 LOG_U64("code", event->code));
        end(s, event->code);
        return false;
    case WS_NEED_MORE: break;
    }
    return false;
}

size_t session_ws_data(struct session *s, char *bytes, size_t len)
{
    struct ws_unread in = { bytes, len };
    struct ws_event event;
    while (!net_conn_closing(&s->conn) && s->ws.client.parked == 0)
        if (!on_event(s, ws_decoder_next(&s->ws.decoder, &in, &event), &event)) break;
    return net_conn_closing(&s->conn) ? len : len - in.len;
}

size_t session_ws_wanted(struct session *s)
{
    return ws_decoder_need(&s->ws.decoder);
}

/* Row TR-18: the peer has taken nothing for websocket.write_timeout. No close frame would reach it. */
static void note_stall(struct client *c)
{
    LOG_INFO("client takes nothing of what is sent", LOG_STR("user", client_user(c)),
             LOG_U64("code", DISCONNECT_WRITE_ERROR));
    metrics_add(c->engine->metrics,
                METRIC_AT1(CLIENT_SERVER_DISCONNECTS, metrics_disconnect_code(DISCONNECT_WRITE_ERROR)), 1);
}

void session_ws_eof(struct session *s, int error)
{
    if (net_conn_closing(&s->conn)) return;
    if (error == ETIMEDOUT) note_stall(&s->ws.client);
    s->ws.client.state = CLIENT_CLOSING;
    net_conn_close(&s->conn, NET_CLOSE_NOW, NULL, 0);
    if (list_empty(&s->ws.ended)) list_push_back(&s->host->ended, &s->ws.ended);
}

void session_ws_deinit(struct session *s)
{
    struct session_websocket *w = &s->ws;
    list_remove(&w->ended);
    client_gone(&w->client);
    ws_assembler_free(w->assembler);
    w->assembler = NULL;
    mem_free(w->parked);
    w->parked = NULL;
}
