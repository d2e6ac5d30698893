#include "load/load_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "load/load_frame.h"
#include "load/load_protobuf.h"
#include "ws/ws_deflate.h"

/* The example of RFC 6455 section 1.3: a fixed key makes the answer a constant. */
#define WS_KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum state {
    STATE_CLOSED,
    STATE_CONNECTING, /* TCP */
    STATE_HANDSHAKE,  /* TLS */
    STATE_UPGRADING,  /* the 101 is awaited */
    STATE_OPEN,
    STATE_BROKEN, /* sending failed: the end comes with the next event */
};

void load_net_init(struct load_net *net, struct load_loop *loop, const struct load_target *target,
                   const struct load_handler *handler)
{
    *net = (struct load_net){ .loop = loop, .target = target, .handler = handler };
    buf_init(&net->out, LOAD_UNSENT_LEN_MAX);
}

void load_net_deinit(struct load_net *net)
{
    buf_deinit(&net->out);
    ws_inflater_free(net->inflater);
}

/* ---- the end ---- */

static void free_buf(struct buf **b)
{
    if (*b) buf_deinit(*b);
    mem_free(*b);
    *b = NULL;
}

static void release(struct load_conn *conn, bool reset)
{
    SSL_free(conn->tls);
    conn->tls = NULL;
    load_source_close(&conn->source, reset);
    mem_free(conn->rest);
    conn->rest = NULL;
    conn->rest_len = 0;
    free_buf(&conn->fragments);
    free_buf(&conn->unsent);
    conn->state_ = STATE_CLOSED;
}

static void finish(struct load_conn *conn, uint32_t code, const char *text)
{
    struct load_end end = { code, text };
    release(conn, true);
    conn->net->handler->on_closed(conn, &end);
}

/* ---- sending ---- */

static void watch_writable(struct load_conn *conn, bool on)
{
    load_loop_change(conn->net->loop, &conn->source, on ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* As write(2), with EAGAIN where TLS waits. */
static ssize_t write_some(struct load_conn *conn, struct slice bytes)
{
    if (!conn->tls) return send(conn->source.fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    ERR_clear_error();
    int sent = SSL_write(conn->tls, bytes.ptr, (int)bytes.len);
    if (sent > 0) return sent;
    int why = SSL_get_error(conn->tls, sent);
    errno = why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? EAGAIN : EPIPE;
    return -1;
}

/* The end is told when nobody up the stack holds the connection: with the event that this makes. */
static void break_off(struct load_conn *conn)
{
    conn->state_ = STATE_BROKEN;
    shutdown(conn->source.fd, SHUT_RDWR);
}

static void keep_unsent(struct load_conn *conn, struct slice bytes)
{
    if (!conn->unsent) {
        conn->unsent = mem_alloc_zero(sizeof(struct buf));
        if (!conn->unsent) {
            break_off(conn);
            return;
        }
        buf_init(conn->unsent, LOAD_UNSENT_LEN_MAX);
        watch_writable(conn, true);
    }
    buf_append(conn->unsent, bytes);
    if (!buf_ok(conn->unsent)) break_off(conn);
}

static void send_bytes(struct load_conn *conn, struct slice bytes)
{
    conn->net->sent_bytes += bytes.len;
    if (conn->unsent) {
        keep_unsent(conn, bytes);
        return;
    }
    ssize_t sent = write_some(conn, bytes);
    if (sent == (ssize_t)bytes.len) return;
    if (sent < 0 && errno != EAGAIN)
        break_off(conn);
    else
        keep_unsent(conn, slice_from(bytes, sent < 0 ? 0 : (size_t)sent));
}

static void send_kept(struct load_conn *conn)
{
    ssize_t sent = write_some(conn, buf_slice(conn->unsent));
    if (sent < 0 && errno != EAGAIN) break_off(conn);
    if (sent <= 0) return;
    buf_consume(conn->unsent, (size_t)sent);
    if (conn->unsent->len != 0) return;
    free_buf(&conn->unsent);
    watch_writable(conn, false);
}

struct buf *load_conn_begin(struct load_conn *conn)
{
    load_frame_begin(&conn->net->out);
    return &conn->net->out;
}

static void send_frame(struct load_conn *conn, enum ws_opcode opcode)
{
    struct slice frame = load_frame_end(&conn->net->out, opcode);
    if (conn->state_ != STATE_OPEN) return;
    if (frame.len == 0)
        break_off(conn);
    else
        send_bytes(conn, frame);
}

void load_conn_send(struct load_conn *conn)
{
    send_frame(conn, conn->net->target->encoding == LOAD_PROTOBUF ? WS_OPCODE_BINARY : WS_OPCODE_TEXT);
}

static void send_upgrade(struct load_conn *conn)
{
    const struct load_target *target = conn->net->target;
    const char *bracket = strchr(target->host, ':') ? "[" : "";
    struct buf *out = &conn->net->out;
    buf_clear(out);
    buf_printf(out, "GET %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", target->path,
               bracket, target->host, bracket[0] ? "]" : "", target->port);
    if (target->origin) buf_printf(out, "Origin: %s\r\n", target->origin);
    if (target->encoding == LOAD_PROTOBUF) buf_append(out, SLICE("Sec-WebSocket-Protocol: centrifuge-protobuf\r\n"));
    if (target->offers_deflate)
        buf_append(out, SLICE("Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; "
                              "server_no_context_takeover\r\n"));
    buf_append(
        out, SLICE("User-Agent: xshathra-bench\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " WS_KEY "\r\n\r\n"));
    conn->state_ = STATE_UPGRADING;
    send_bytes(conn, buf_slice(out));
}

/* ---- receiving ---- */

static void give_messages(struct load_conn *conn, struct slice payload)
{
    const struct load_handler *handler = conn->net->handler;
    struct slice message;
    if (conn->net->target->encoding == LOAD_PROTOBUF) {
        while (conn->state_ == STATE_OPEN && load_protobuf_next(&payload, &message)) handler->on_message(conn, message);
        return;
    }
    while (conn->state_ == STATE_OPEN && payload.len != 0) {
        ptrdiff_t at = slice_index(payload, '\n');
        message = at < 0 ? payload : slice_head(payload, (size_t)at);
        payload = slice_from(payload, message.len + 1);
        if (message.len != 0) handler->on_message(conn, message);
    }
}

/* False: it is no compressed message. */
static bool give_compressed(struct load_conn *conn, struct slice payload)
{
    struct load_net *net = conn->net;
    struct slice message;
    if (!net->inflater) net->inflater = ws_inflater_new();
    if (!net->inflater || !net->target->offers_deflate) return false;
    if (ws_inflater_message(net->inflater, payload, LOAD_MESSAGE_LEN_MAX, &message) != STATUS_OK) return false;
    give_messages(conn, message);
    ws_inflater_release(net->inflater);
    return true;
}

static bool give(struct load_conn *conn, struct slice payload, bool is_compressed)
{
    if (is_compressed) return give_compressed(conn, payload);
    give_messages(conn, payload);
    return true;
}

static bool collect(struct load_conn *conn, const struct load_frame *frame)
{
    bool is_first = frame->opcode != WS_OPCODE_CONTINUATION;
    if (is_first == (conn->fragments != NULL)) return false;
    if (is_first) {
        conn->fragments = mem_alloc_zero(sizeof(struct buf));
        if (!conn->fragments) return false;
        buf_init(conn->fragments, LOAD_MESSAGE_LEN_MAX);
        conn->is_compressed_ = frame->is_compressed;
    }
    buf_append(conn->fragments, frame->payload);
    if (!buf_ok(conn->fragments)) return false;
    if (!frame->is_last) return true;
    struct buf *whole = conn->fragments;
    conn->fragments = NULL;
    bool good = give(conn, buf_slice(whole), conn->is_compressed_);
    free_buf(&whole);
    return good;
}

static void answer_ping(struct load_conn *conn, struct slice payload)
{
    buf_append(load_conn_begin(conn), payload);
    send_frame(conn, WS_OPCODE_PONG);
}

/* False: the connection has ended. */
static bool on_close_frame(struct load_conn *conn, struct slice payload)
{
    char reason[WS_CONTROL_PAYLOAD_MAX + 1] = "the server closed it";
    uint32_t code = payload.len < 2 ? 1005 : (uint32_t)((uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1]);
    if (payload.len > 2 && payload.len <= WS_CONTROL_PAYLOAD_MAX) {
        memcpy(reason, payload.ptr + 2, payload.len - 2);
        reason[payload.len - 2] = '\0';
    }
    finish(conn, code, reason);
    return false;
}

static bool on_frame(struct load_conn *conn, const struct load_frame *frame)
{
    bool good = true;
    switch (frame->opcode) {
    case WS_OPCODE_PING: answer_ping(conn, frame->payload); break;
    case WS_OPCODE_PONG: break;
    case WS_OPCODE_CLOSE: return on_close_frame(conn, frame->payload);
    case WS_OPCODE_TEXT:
    case WS_OPCODE_BINARY:
        good = frame->is_last && !conn->fragments ? give(conn, frame->payload, frame->is_compressed)
                                                  : collect(conn, frame);
        break;
    default: good = frame->opcode == WS_OPCODE_CONTINUATION && collect(conn, frame); break;
    }
    if (!good) finish(conn, 0, "the server sent what is no message");
    return good;
}

static void refuse_upgrade(struct load_conn *conn, struct slice head)
{
    char text[96];
    ptrdiff_t line_end = slice_index(head, '\r');
    struct slice line = line_end < 0 ? head : slice_head(head, (size_t)line_end);
    snprintf(text, sizeof text, "upgrade refused: %.*s", SLICE_ARG(slice_head(line, 64)));
    finish(conn, 0, text);
}

/* Returns how much of in was taken: the head of the answer; SIZE_MAX: the connection has ended. */
static size_t take_upgrade(struct load_conn *conn, struct slice in)
{
    const char *end = in.len ? memmem(in.ptr, in.len, "\r\n\r\n", 4) : NULL;
    if (!end) return 0;
    struct slice head = slice_of(in.ptr, (size_t)(end - in.ptr));
    if (!slice_starts_with(head, SLICE("HTTP/1.1 101 "))) {
        refuse_upgrade(conn, head);
        return SIZE_MAX;
    }
    if (memmem(head.ptr, head.len, WS_ACCEPT, sizeof(WS_ACCEPT) - 1) == NULL) {
        finish(conn, 0, "the answer to the upgrade has the wrong Sec-WebSocket-Accept");
        return SIZE_MAX;
    }
    conn->state_ = STATE_OPEN;
    conn->net->handler->on_open(conn);
    return head.len + 4;
}

/* Keeps what is not taken of in. */
static void keep_rest(struct load_conn *conn, struct slice rest)
{
    mem_free(conn->rest);
    conn->rest = NULL;
    conn->rest_len = 0;
    if (rest.len == 0) return;
    conn->rest = mem_alloc(rest.len);
    if (!conn->rest) {
        break_off(conn);
        return;
    }
    memcpy(conn->rest, rest.ptr, rest.len);
    conn->rest_len = (uint32_t)rest.len;
}

/* False: it was closed, by either side, and conn may be a new one by now. */
static bool take(struct load_conn *conn, struct slice in)
{
    struct load_frame frame;
    size_t taken = conn->state_ == STATE_UPGRADING ? take_upgrade(conn, in) : 0;
    if (taken == SIZE_MAX) return false;
    while (conn->state_ == STATE_OPEN) {
        size_t len = load_frame_take(slice_from(in, taken), &frame);
        if (len == 0) break;
        if (len == LOAD_FRAME_BROKEN) {
            finish(conn, 0, "the server sent what is no frame");
            return false;
        }
        taken += len;
        if (!on_frame(conn, &frame)) return false;
    }
    if (conn->state_ == STATE_CLOSED) return false;
    if (taken != in.len || conn->rest_len != 0) keep_rest(conn, slice_from(in, taken));
    return true;
}

/* As recv(2), with EAGAIN where TLS waits. */
static ssize_t read_some(struct load_conn *conn, char *into, size_t len)
{
    if (!conn->tls) return recv(conn->source.fd, into, len, 0);
    ERR_clear_error();
    int got = SSL_read(conn->tls, into, (int)len);
    if (got > 0) return got;
    int why = SSL_get_error(conn->tls, got);
    if (why == SSL_ERROR_ZERO_RETURN) return 0;
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

static void on_readable(struct load_conn *conn)
{
    char *buffer = conn->net->loop->read_buffer;
    do {
        if (conn->rest_len != 0) memcpy(buffer, conn->rest, conn->rest_len);
        ssize_t got = read_some(conn, buffer + conn->rest_len, LOAD_READ_LEN - conn->rest_len);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            finish(conn, 0, got == 0 ? "the server ended it" : strerror(errno));
            return;
        }
        conn->net->received_bytes += (uint64_t)got;
        if (!take(conn, slice_of(buffer, conn->rest_len + (size_t)got))) return;
    } while (conn->tls); /* what OpenSSL has read ahead wakes nobody */
}

/* ---- the beginning ---- */

static void on_tls(struct load_conn *conn)
{
    ERR_clear_error();
    int done = SSL_connect(conn->tls);
    if (done == 1) {
        watch_writable(conn, false);
        send_upgrade(conn);
        return;
    }
    int why = SSL_get_error(conn->tls, done);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        watch_writable(conn, why == SSL_ERROR_WANT_WRITE);
        return;
    }
    long verified = SSL_get_verify_result(conn->tls);
    finish(conn, 0, verified != X509_V_OK ? X509_verify_cert_error_string(verified) : "TLS failed");
}

static bool begin_tls(struct load_conn *conn)
{
    const struct load_target *target = conn->net->target;
    conn->tls = SSL_new(target->tls);
    if (!conn->tls || SSL_set_fd(conn->tls, conn->source.fd) != 1) return false;
    unsigned char address[16]; /* a name that is an address is not sent, and is looked for among the addresses */
    bool is_name = inet_pton(AF_INET, target->host, address) != 1 && inet_pton(AF_INET6, target->host, address) != 1;
    /* SSL_set_tlsext_host_name() without its cast, which drops a const: the name is only read */
    if (is_name)
        SSL_ctrl(conn->tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)target->host);
    return is_name ? SSL_set1_host(conn->tls, target->host) == 1
                   : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(conn->tls), target->host) == 1;
}

static void on_connected(struct load_conn *conn)
{
    int failed = 0;
    socklen_t len = sizeof failed;
    getsockopt(conn->source.fd, SOL_SOCKET, SO_ERROR, &failed, &len);
    if (failed) {
        finish(conn, 0, strerror(failed));
        return;
    }
    watch_writable(conn, false);
    if (!conn->net->target->tls) {
        send_upgrade(conn);
        return;
    }
    conn->state_ = STATE_HANDSHAKE;
    if (begin_tls(conn))
        on_tls(conn);
    else
        finish(conn, 0, "out of memory");
}

static void on_ready(struct load_source *source, uint32_t events)
{
    struct load_conn *conn = container_of(source, struct load_conn, source);
    if (conn->state_ == STATE_CONNECTING) {
        on_connected(conn);
    } else if (conn->state_ == STATE_HANDSHAKE) {
        on_tls(conn);
    } else if (conn->state_ == STATE_BROKEN) {
        finish(conn, 0, "it could not be written to");
    } else {
        if ((events & EPOLLOUT) && conn->unsent) send_kept(conn);
        if (events & ~(uint32_t)EPOLLOUT) on_readable(conn);
    }
}

static int open_socket(const struct load_target *target, uint32_t index)
{
    int on = 1, fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (target->source_count != 0) { /* the port is chosen at connect, when the whole 4-tuple is known */
        uint32_t source = index / target->connections_per_source % target->source_count;
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, (const struct sockaddr *)&target->sources[source], target->address_len) != 0) goto failed;
    }
    if (connect(fd, (const struct sockaddr *)&target->address, target->address_len) == 0 || errno == EINPROGRESS)
        return fd;
failed:
    close(fd);
    return -1;
}

enum status load_conn_open(struct load_conn *conn, struct load_net *net, uint32_t index)
{
    *conn = (struct load_conn){ .net = net, .index = index, .source.on_ready = on_ready };
    conn->source.fd = open_socket(net->target, index);
    if (conn->source.fd < 0) return STATUS_IO;
    conn->state_ = STATE_CONNECTING;
    if (load_loop_add(net->loop, &conn->source, EPOLLOUT) == STATUS_OK) return STATUS_OK;
    release(conn, true);
    return STATUS_IO;
}

void load_conn_close(struct load_conn *conn, bool says_good_bye)
{
    if (conn->state_ == STATE_CLOSED) return;
    if (says_good_bye && conn->state_ == STATE_OPEN) {
        buf_append(load_conn_begin(conn), SLICE("\x03\xe8")); /* 1000 */
        send_frame(conn, WS_OPCODE_CLOSE);
    }
    release(conn, !says_good_bye);
}

bool load_conn_is_open(const struct load_conn *conn)
{
    return conn->state_ == STATE_OPEN;
}
