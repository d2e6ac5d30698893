/* The floor: a single-threaded epoll loop with canned replies that makes only the
 * system calls any server must make. It checks nothing, keeps 12 bytes a connection,
 * and speaks only with the load client of this folder (bench/lib/wire.h): the first
 * frame of a connection is taken for connect, the second for subscribe, long ones after
 * that for publishes and short ones for pongs; an HTTP request is a publish, a batch of
 * them or a question who is present. Without TLS.
 *
 * Use: bench_floor --port N */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/blob.h"
#include "base/buf.h"
#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/wire.h"
#include "protocol/protocol_protobuf_wire.h"
#include "ws/ws_deflate.h"
#include "ws/ws_frame.h"

#define FDS_MAX          65536
#define READ_LEN         65536
#define EVENTS_PER_TURN  1024
#define ACCEPTS_PER_TURN 64
/* Frames to one subscriber, or answers to one publisher, that one turn may collect. */
#define COPIES_MAX 256

enum kind { KIND_NEW, KIND_UPGRADED, KIND_CONNECTED, KIND_SUBSCRIBED, KIND_PUBLISHER };
enum form { FORM_JSON, FORM_PROTOBUF, FORM_DEFLATED, FORM_COUNT };

struct peer {
    int32_t next;    /* next subscriber of the channel, a descriptor; 0 = none */
    int32_t channel; /* of a subscriber */
    uint16_t due;    /* frames or answers to be sent at the end of the turn */
    uint8_t kind : 4, form : 4;
    uint8_t replies; /* to its own publishes, at the end of the turn */
};

struct unread {
    char *bytes;
    size_t len, request_len; /* all requests of a connection have the same length */
};

static struct peer peers[FDS_MAX];    /* by descriptor */
static struct unread unread[FDS_MAX]; /* publishers only */
static int32_t first_subscriber[WIRE_INDEX_MAX];
static int32_t dirty[FDS_MAX], publishers[FDS_MAX];
static size_t dirty_count, publisher_count;
static char read_buffer[READ_LEN];
static int epoll_fd;

static const struct slice upgraded = SLICE("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                                           "Upgrade\r\nSec-WebSocket-Accept: " WIRE_WS_ACCEPT "\r\n\r\n");
static const struct slice answer =
    SLICE("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"result\":{}}");
static const struct slice connected = SLICE("{\"id\":1,\"connect\":{\"client\":\"c5b5b2ac-5d0a-4b8c-9a5f-"
                                            "1d1c1c0f0a11\",\"version\":\"0.1.0\",\"ping\":25,\"pong\":true}}");
static const struct slice subscribed = SLICE("{\"id\":2,\"subscribe\":{}}");
static const struct slice published = SLICE("{\"id\":3,\"publish\":{}}");

/* COPIES_MAX canned frames with the channel number patched in, and as many answers. */
static struct canned {
    char *frames;
    size_t len, channel_at; /* 0 = it cannot be patched: compressed, and always for channel 0 */
    int32_t patched_channel;
    uint16_t patched_copies;
} canned[FORM_COUNT];
static char *answers;
/* With its header: the answer to a subscribe that recovers, and replies to COPIES_MAX publishes. */
static struct buf recovered_frame, published_frames;
static struct buf presence_answer; /* with its head; made when it is first asked for */

/* Big answers wait for the socket: the floor has nothing else to do then. */
static void write_all(int fd, const char *bytes, size_t len)
{
    while (len != 0) {
        ssize_t sent = write(fd, bytes, len);
        struct pollfd writable = { .fd = fd, .events = POLLOUT };
        if (sent < 0 && errno == EAGAIN && poll(&writable, 1, -1) == 1) continue;
        if (sent < 0) bench_fail("floor: descriptor %d: write: %s", fd, strerror(errno));
        bytes += sent;
        len -= (size_t)sent;
    }
}

static void append_frame(struct buf *out, enum ws_opcode opcode, struct slice body)
{
    buf_append_char(out, (char)(WS_FIN_BIT | opcode));
    buf_append_char(out, (char)(body.len < WS_LENGTH_16 ? body.len : WS_LENGTH_16));
    if (body.len >= WS_LENGTH_16) {
        buf_append_char(out, (char)(body.len >> 8));
        buf_append_char(out, (char)body.len);
    }
    buf_append(out, body);
    if (!buf_ok(out) || body.len > UINT16_MAX) bench_fail("floor: a canned frame is too long");
}

static void can(enum form form, struct slice frame)
{
    struct canned *c = &canned[form];
    const char *channel = memmem(frame.ptr, frame.len, WIRE_LIVE ":", WIRE_NAMESPACE_LEN + 1);
    *c = (struct canned){ .frames = mem_must_alloc(frame.len * COPIES_MAX), .len = frame.len, .patched_channel = -1 };
    if (channel != NULL) c->channel_at = (size_t)(channel - frame.ptr) + WIRE_NAMESPACE_LEN + 1;
    for (size_t i = 0; i < COPIES_MAX; i++) memcpy(c->frames + i * frame.len, frame.ptr, frame.len);
}

static void can_json_and_deflated(void)
{
    struct buf text, frame;
    buf_init(&text, BUF_NO_LIMIT);
    buf_init(&frame, BUF_NO_LIMIT);
    buf_printf(&text, "{\"push\":{\"channel\":\"%s:%0*u\",\"pub\":{\"data\":%.*s}}}", WIRE_LIVE, WIRE_DIGITS, 0u,
               SLICE_ARG(wire_payload()));
    append_frame(&frame, WS_OPCODE_TEXT, buf_slice(&text));
    can(FORM_JSON, buf_slice(&frame));
    struct ws_deflater *deflater = ws_deflater_new(1, 15);
    struct blob *small = deflater ? ws_deflater_frame(deflater, WS_OPCODE_TEXT, buf_slice(&text)) : NULL;
    if (small == NULL) bench_fail("floor: a frame cannot be compressed");
    can(FORM_DEFLATED, blob_frame(small));
    blob_unref(small);
    ws_deflater_free(deflater);
    buf_deinit(&text);
    buf_deinit(&frame);
}

static void can_protobuf(void)
{
    struct buf message, frame;
    char channel[WIRE_CHANNEL_LEN + 1];
    buf_init(&message, BUF_NO_LIMIT);
    buf_init(&frame, BUF_NO_LIMIT);
    snprintf(channel, sizeof channel, "%s:%0*u", WIRE_LIVE, WIRE_DIGITS, 0u);
    size_t reply = wire_begin_bytes(&message);
    wire_append_tag(&message, 4, WIRE_BYTES); /* a push, */
    size_t push = wire_begin_bytes(&message);
    wire_append_tag(&message, 2, WIRE_BYTES); /* its channel, */
    wire_append_bytes(&message, slice_from_cstr(channel));
    wire_append_tag(&message, 4, WIRE_BYTES); /* its publication, */
    size_t publication = wire_begin_bytes(&message);
    wire_append_tag(&message, 4, WIRE_BYTES); /* and the data of that */
    wire_append_bytes(&message, wire_payload());
    wire_end_bytes(&message, publication);
    wire_end_bytes(&message, push);
    wire_end_bytes(&message, reply);
    append_frame(&frame, WS_OPCODE_BINARY, buf_slice(&message));
    can(FORM_PROTOBUF, buf_slice(&frame));
    buf_deinit(&message);
    buf_deinit(&frame);
}

static void can_recovered(void)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    buf_append(&text, SLICE("{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"abcd\",\"publications\":["));
    for (unsigned i = 1; i <= WIRE_RECOVERED; i++)
        buf_printf(&text, "%s{\"data\":%.*s,\"offset\":%u}", i > 1 ? "," : "", SLICE_ARG(wire_payload()), i);
    buf_printf(&text, "],\"recovered\":true,\"offset\":%u,\"positioned\":true,\"was_recovering\":true}}",
               (unsigned)WIRE_RECOVERED);
    append_frame(&recovered_frame, WS_OPCODE_TEXT, buf_slice(&text));
    buf_deinit(&text);
}

static void make_canned(void)
{
    buf_init(&recovered_frame, BUF_NO_LIMIT);
    buf_init(&published_frames, BUF_NO_LIMIT);
    can_json_and_deflated();
    can_protobuf();
    can_recovered();
    answers = mem_must_alloc(answer.len * COPIES_MAX);
    for (size_t i = 0; i < COPIES_MAX; i++) {
        memcpy(answers + i * answer.len, answer.ptr, answer.len);
        append_frame(&published_frames, WS_OPCODE_TEXT, published);
    }
}

static void make_presence_answer(int32_t channel)
{
    struct buf body;
    buf_init(&body, BUF_NO_LIMIT);
    buf_init(&presence_answer, BUF_NO_LIMIT);
    buf_append(&body, SLICE("{\"result\":{\"presence\":{"));
    for (int32_t fd = first_subscriber[channel]; fd != 0; fd = peers[fd].next)
        buf_printf(&body,
                   "%s\"c5b5b2ac-5d0a-4b8c-9a5f-%012d\":{\"client\":\"c5b5b2ac-5d0a-4b8c-9a5f-%012d\",\"user\":"
                   "\"user_%06d\"}",
                   body.len > 24 ? "," : "", fd, fd, fd);
    buf_append(&body, SLICE("}}}"));
    buf_printf(&presence_answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
               body.len);
    buf_append(&presence_answer, buf_slice(&body));
    buf_deinit(&body);
}

static void become_dirty(int32_t fd)
{
    if (peers[fd].due == 0 && peers[fd].replies == 0) dirty[dirty_count++] = fd;
}

static void publish(int32_t channel)
{
    for (int32_t fd = first_subscriber[channel]; fd != 0; fd = peers[fd].next) {
        become_dirty(fd);
        if (++peers[fd].due > COPIES_MAX) bench_fail("floor: more than %d publishes in a turn", COPIES_MAX);
    }
}

static void patch(struct canned *c, int32_t channel, uint16_t copies)
{
    for (size_t i = 0; i < copies && c->channel_at != 0; i++)
        wire_digits(c->frames + i * c->len + c->channel_at, (uint32_t)channel % WIRE_CHANNELS_MAX);
    c->patched_channel = channel;
    c->patched_copies = copies;
}

static void deliver(int32_t fd)
{
    struct peer *peer = &peers[fd];
    struct canned *c = &canned[peer->form];
    if (peer->channel != c->patched_channel || peer->due > c->patched_copies) patch(c, peer->channel, peer->due);
    if (peer->replies == 0) {
        write_all(fd, c->frames, peer->due * c->len);
    } else {
        struct iovec parts[] = {
            { c->frames, peer->due * c->len },
            { published_frames.ptr, peer->replies * (published_frames.len / COPIES_MAX) },
        };
        if (writev(fd, parts, 2) != (ssize_t)(parts[0].iov_len + parts[1].iov_len)) bench_fail("floor: writev");
    }
    peer->due = 0;
    peer->replies = 0;
}

/* Deliveries first, then the answers to the publishers; one write for each socket. */
static void flush(void)
{
    for (size_t i = 0; i < dirty_count; i++) deliver(dirty[i]);
    dirty_count = 0;
    for (size_t i = 0; i < publisher_count; i++) {
        write_all(publishers[i], answers, peers[publishers[i]].due * answer.len);
        peers[publishers[i]].due = 0;
    }
    publisher_count = 0;
}

static size_t request_len(struct unread *from, struct slice in)
{
    if (from->request_len != 0) return from->request_len;
    const char *length = memmem(in.ptr, in.len, "Content-Length: ", 16), *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
    if (length != NULL && end != NULL) from->request_len = (size_t)(end - in.ptr) + 4 + strtoul(length + 16, NULL, 10);
    return from->request_len;
}

/* Publishes to each channel that is named; that of a single publish is at its place. */
static void on_request(int fd, struct slice request)
{
    static const struct slice name = SLICE("{\"channel\":\"");
    const char *path = request.ptr + strlen("POST /api/");
    size_t at = request.len - WIRE_PAYLOAD_LEN - strlen("\",\"data\":}") - WIRE_CHANNEL_LEN;
    if (path[0] == 'b' || path[1] == 'r')
        at = (size_t)((char *)memmem(request.ptr, request.len, name.ptr, name.len) - request.ptr) + name.len;
    int channel = wire_channel_index(request.ptr + at, WIRE_CHANNEL_LEN);
    if (channel < 0) bench_fail("floor: not a request of the load client");
    if (path[1] == 'r') {
        if (presence_answer.len == 0) make_presence_answer(channel);
        write_all(fd, presence_answer.ptr, presence_answer.len);
        return;
    }
    if (peers[fd].due++ == 0) publishers[publisher_count++] = fd;
    publish(channel);
    if (path[0] != 'b') return;
    size_t step = name.len + WIRE_CHANNEL_LEN + strlen("\",\"data\":}") + WIRE_PAYLOAD_LEN + strlen("{\"publish\":},");
    while ((at += step) < request.len) publish(wire_channel_index(request.ptr + at, WIRE_CHANNEL_LEN));
}

static void on_requests(int fd, size_t got)
{
    struct unread *kept = &unread[fd];
    if (kept->bytes == NULL) kept->bytes = mem_must_alloc(READ_LEN);
    if (kept->len + got > READ_LEN) bench_fail("floor: too many requests at a time");
    memcpy(kept->bytes + kept->len, read_buffer, got);
    struct slice in = slice_of(kept->bytes, kept->len + got);
    for (size_t len; (len = request_len(kept, in)) != 0 && in.len >= len; in = slice_from(in, len))
        on_request(fd, slice_head(in, len));
    memmove(kept->bytes, in.ptr, in.len);
    kept->len = in.len;
}

/* Publishes of a subscriber, several in a read perhaps; what is shorter is a pong. */
static void on_frames(int fd, size_t got)
{
    size_t len;
    for (char *at = read_buffer, *end = read_buffer + got; at + 8 < end; at += len) {
        size_t length = (uint8_t)at[1] & WS_LENGTH_BITS, header = 2;
        if (length == WS_LENGTH_16) {
            length = (size_t)(uint8_t)at[2] << 8 | (uint8_t)at[3];
            header = 4;
        }
        len = header + WS_MASK_LEN + length;
        if (at + len > end || length < WIRE_PAYLOAD_LEN) continue;
        char *text = at + header + WS_MASK_LEN;
        ws_mask(text, length, (uint8_t *)at + header);
        const char *name = memmem(text, length, "\"channel\":\"", 11);
        int channel = name == NULL ? -1 : wire_channel_index(name + 11, WIRE_CHANNEL_LEN);
        if (channel < 0) bench_fail("floor: not a publish of the load client");
        publish(channel);
        become_dirty(fd);
        peers[fd].replies++;
    }
}

/* Returns whether it wants to recover. */
static bool on_subscribe(int fd, size_t got)
{
    struct peer *peer = &peers[fd];
    size_t header = ((uint8_t)read_buffer[1] & WS_LENGTH_BITS) == WS_LENGTH_16 ? 4 : 2;
    char *text = read_buffer + header + WS_MASK_LEN;
    size_t len = got - header - WS_MASK_LEN;
    ws_mask(text, len, (uint8_t *)read_buffer + header);
    int channel = -1;
    for (size_t i = 0; channel < 0 && i + WIRE_CHANNEL_LEN <= len; i++) channel = wire_channel_index(text + i, len - i);
    if (channel < 0) bench_fail("floor: not a subscribe of the load client");
    *peer = (struct peer){
        .next = first_subscriber[channel], .channel = channel, .kind = KIND_SUBSCRIBED, .form = peer->form
    };
    first_subscriber[channel] = fd;
    return memmem(text, len, "\"recover\"", 9) != NULL;
}

/* Replies to connect and subscribe; in Protobuf they are as short as they may be. */
static void send_reply(int fd, struct slice text, struct slice protobuf)
{
    char bytes[512];
    struct buf frame = { .ptr = bytes, .cap = sizeof bytes, .len_max = sizeof bytes };
    if (peers[fd].form == FORM_PROTOBUF)
        append_frame(&frame, WS_OPCODE_BINARY, protobuf);
    else
        append_frame(&frame, WS_OPCODE_TEXT, text);
    write_all(fd, bytes, frame.len);
}

static void on_first(int fd, size_t got)
{
    struct peer *peer = &peers[fd];
    if (read_buffer[0] == 'P') {
        peer->kind = KIND_PUBLISHER;
        on_requests(fd, got);
        return;
    }
    peer->kind = KIND_UPGRADED;
    peer->form = memmem(read_buffer, got, "centrifuge-protobuf", 19)  ? FORM_PROTOBUF
                 : memmem(read_buffer, got, "permessage-deflate", 18) ? FORM_DEFLATED
                                                                      : FORM_JSON;
    write_all(fd, upgraded.ptr, upgraded.len);
}

static void on_ended(int fd)
{
    struct peer *peer = &peers[fd];
    /* The load client goes all at once: no channel is used after this. */
    if (peer->kind == KIND_SUBSCRIBED) first_subscriber[peer->channel] = 0;
    close(fd);
    *peer = (struct peer){ .kind = KIND_NEW };
    unread[fd].len = unread[fd].request_len = 0;
}

static void on_readable(int fd)
{
    struct peer *peer = &peers[fd];
    ssize_t got = read(fd, read_buffer, READ_LEN);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        on_ended(fd);
        return;
    }
    switch ((enum kind)peer->kind) {
    case KIND_NEW: on_first(fd, (size_t)got); break;
    case KIND_UPGRADED:
        peer->kind = KIND_CONNECTED;
        send_reply(fd, connected, SLICE("\x04\x08\x01\x2a\x00"));
        break;
    case KIND_CONNECTED:
        if (on_subscribe(fd, (size_t)got))
            write_all(fd, recovered_frame.ptr, recovered_frame.len);
        else
            send_reply(fd, subscribed, SLICE("\x04\x08\x02\x32\x00"));
        break;
    case KIND_SUBSCRIBED: on_frames(fd, (size_t)got); break;
    case KIND_PUBLISHER: on_requests(fd, (size_t)got); break;
    }
}

static void watch(int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (fd >= FDS_MAX || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        bench_fail("floor: epoll_ctl: %s", strerror(errno));
}

static void on_acceptable(int listen_fd)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        watch(fd);
    }
}

static int listen_on(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* inherited by what is accepted */
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 4096) != 0)
        bench_fail("floor: port %u: %s", port, strerror(errno));
    return fd;
}

int main(int argc, char **argv)
{
    uint64_t port = 0;
    if (argc != 3 || strcmp(argv[1], "--port") != 0 || !slice_to_u64(slice_from_cstr(argv[2]), &port) ||
        port > UINT16_MAX)
        bench_fail("usage: bench_floor --port N");
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    make_canned();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listen_fd = listen_on((uint16_t)port);
    watch(listen_fd);
    for (;;) {
        struct epoll_event events[EVENTS_PER_TURN];
        int count = epoll_wait(epoll_fd, events, EVENTS_PER_TURN, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listen_fd)
                on_acceptable(listen_fd);
            else
                on_readable(events[i].data.fd);
        }
        flush();
    }
}
