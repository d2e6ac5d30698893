/* ws_echo: a WebSocket server that sends back what it gets, of nothing but src/ws: for the
 * Autobahn test cases, which want an echo and no protocol on top.
 *
 * Use: ws_echo 9001 & kosoku -m fuzzingclient -i '7.*' -i '12.*' ws://127.0.0.1:9001; run.mjs beside it does it.
 * One process a connection, on 127.0.0.1 alone. It ends with a signal. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/utf8.h"
#include "ws/ws_close.h"
#include "ws/ws_decoder.h"
#include "ws/ws_deflate.h"
#include "ws/ws_deflate_offer.h"
#include "ws/ws_encoder.h"
#include "ws/ws_handshake.h"
#include "ws/ws_message.h"

#define MESSAGE_LEN_MAX ((size_t)64 << 20) /* cases 9.* go to 16 MiB */
#define HEAD_LEN_MAX    ((size_t)16 << 10)
#define READ_LEN        ((size_t)64 << 10)
#define BACKLOG         64

struct peer {
    int fd;
    struct buf unread;
    struct ws_decoder decoder;
    struct ws_assembler *assembler;
    struct ws_deflate_terms terms;
    struct ws_deflater *deflater; /* NULL: messages go plain */
    struct ws_inflater *inflater;
};

static bool write_all(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t count = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes = slice_from(bytes, (size_t)count);
    }
    return true;
}

/* Takes the reference. */
static bool write_blob(struct peer *p, struct blob *blob)
{
    if (!blob) return false;
    bool written = write_all(p->fd, blob_frame(blob));
    blob_unref(blob);
    return written;
}

static bool read_more(struct peer *p)
{
    char *at = buf_reserve(&p->unread, READ_LEN);
    ssize_t count = at ? recv(p->fd, at, READ_LEN, 0) : -1;
    if (count <= 0) return false;
    p->unread.len += (size_t)count;
    return true;
}

/* ---- handshake ---- */

/* Lines of one header joined by commas. name comes with its colon. */
static void header_of(struct slice head, const char *name, struct buf *out)
{
    size_t name_len = strlen(name);
    while (head.len) {
        const ptrdiff_t end = slice_index(head, '\n');
        struct slice line = end < 0 ? head : slice_head(head, (size_t)end);
        head = slice_from(head, line.len + 1);
        if (!slice_eq_nocase(slice_head(line, name_len), slice_of(name, name_len))) continue;
        line = slice_from(line, name_len);
        if (line.len && line.ptr[line.len - 1] == '\r') line.len--;
        if (out->len) buf_append_char(out, ',');
        buf_append(out, slice_trim(line));
    }
}

static bool accept_peer(struct peer *p, struct slice head)
{
    struct buf key, offers, answer, terms;
    buf_init(&key, HEAD_LEN_MAX);
    buf_init(&offers, HEAD_LEN_MAX);
    buf_init(&answer, HEAD_LEN_MAX);
    buf_init(&terms, HEAD_LEN_MAX);
    header_of(head, "sec-websocket-key:", &key);
    header_of(head, "sec-websocket-extensions:", &offers);
    bool accepted = key.len == 24;
    if (accepted) {
        if (ws_deflate_choose(buf_slice(&offers), &p->terms)) {
            ws_deflate_write_terms(&p->terms, &terms);
            ws_decoder_allow_deflate(&p->decoder);
            if (p->terms.server_window_bits >= WS_DEFLATER_WINDOW_BITS_MIN)
                p->deflater = ws_deflater_new(1, p->terms.server_window_bits);
        }
        ws_handshake_write(&answer, buf_slice(&key), (struct slice){ 0 }, buf_slice(&terms));
        accepted = write_all(p->fd, buf_slice(&answer));
    }
    buf_deinit(&key);
    buf_deinit(&offers);
    buf_deinit(&answer);
    buf_deinit(&terms);
    return accepted;
}

static bool handshake(struct peer *p)
{
    const char *end;
    while (p->unread.len == 0 || !(end = memmem(p->unread.ptr, p->unread.len, "\r\n\r\n", 4)))
        if (p->unread.len > HEAD_LEN_MAX || !read_more(p)) return false;
    const size_t len = (size_t)(end - p->unread.ptr) + 4;
    bool accepted = accept_peer(p, slice_of(p->unread.ptr, len));
    buf_consume(&p->unread, len);
    return accepted;
}

/* ---- echo ---- */

static bool close_with(struct peer *p, uint16_t code)
{
    (void)write_blob(p, ws_close_frame(code, (struct slice){ 0 }));
    return false;
}

static bool echo(struct peer *p, struct slice message, const struct ws_event *event)
{
    if (event->is_compressed) {
        const enum status status = ws_inflater_message(p->inflater, message, MESSAGE_LEN_MAX, &message);
        if (status == STATUS_TOO_LARGE) return close_with(p, WS_CLOSE_TOO_BIG);
        if (status != STATUS_OK || (event->is_text && !utf8_valid(message)))
            return close_with(p, WS_CLOSE_INVALID_PAYLOAD);
    }
    const enum ws_opcode opcode = event->is_text ? WS_OPCODE_TEXT : WS_OPCODE_BINARY;
    struct blob *frame = p->deflater ? ws_deflater_frame(p->deflater, opcode, message) : NULL;
    if (!frame) frame = event->is_text ? ws_text_message(message) : ws_binary_message(message);
    bool written = write_blob(p, frame);
    ws_inflater_release(p->inflater);
    return written;
}

static bool on_fragment(struct peer *p, const struct ws_event *event)
{
    if (ws_assembler_add(&p->assembler, event, MESSAGE_LEN_MAX) != STATUS_OK) return false;
    if (!event->is_last) return true;
    bool goes_on = echo(p, ws_assembler_message(p->assembler), event);
    ws_assembler_free(p->assembler);
    p->assembler = NULL;
    return goes_on;
}

/* False: the connection ends. */
static bool on_event(struct peer *p, enum ws_result result, const struct ws_event *event)
{
    switch (result) {
    case WS_MESSAGE: return echo(p, event->payload, event);
    case WS_FRAGMENT: return on_fragment(p, event);
    case WS_PING: return write_blob(p, ws_pong_frame(event->payload));
    case WS_CLOSE:
    case WS_BROKEN: return close_with(p, event->code);
    default: return true;
    }
}

static bool take_frames(struct peer *p)
{
    struct ws_unread in = { p->unread.ptr, p->unread.len };
    struct ws_event event;
    enum ws_result result;
    bool goes_on = true;
    while (goes_on && (result = ws_decoder_next(&p->decoder, &in, &event)) != WS_NEED_MORE)
        goes_on = on_event(p, result, &event);
    buf_consume(&p->unread, p->unread.len - in.len);
    return goes_on;
}

static void serve(int fd)
{
    struct peer p = { .fd = fd, .inflater = ws_inflater_new() };
    CHECK(p.inflater);
    buf_init(&p.unread, 2 * MESSAGE_LEN_MAX);
    ws_decoder_init(&p.decoder, MESSAGE_LEN_MAX);
    if (handshake(&p))
        while (take_frames(&p) && read_more(&p)) continue;
    ws_assembler_free(p.assembler);
    ws_deflater_free(p.deflater);
    ws_inflater_free(p.inflater);
    buf_deinit(&p.unread);
    /* What the peer still sends must not turn the close frame into a reset. */
    char rest[4096];
    shutdown(fd, SHUT_WR);
    while (recv(fd, rest, sizeof rest, 0) > 0) continue;
    close(fd);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int on = 1;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 9001));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, BACKLOG) != 0) {
        perror("ws_echo");
        return 1;
    }
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        const int fd = accept(listener, NULL, NULL);
        if (fd < 0) continue;
        if (fork() == 0) {
            close(listener);
            serve(fd);
            return 0;
        }
        close(fd);
    }
}
