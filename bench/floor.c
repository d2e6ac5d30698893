/* The floor: a single-threaded epoll loop with canned replies that makes only the
 * system calls any server must make. It checks nothing, keeps 12 bytes a connection,
 * and speaks only with the load client of this folder (bench/lib/wire.h): the first
 * frame of a connection is taken for connect, the second for subscribe, the rest for
 * pongs, and every HTTP request for a publish.
 *
 * Use: bench_floor --port N */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/lib/load_loop.h"
#include "bench/lib/wire.h"
#include "ws/ws_frame.h"

#define FDS_MAX          65536
#define READ_LEN         65536
#define EVENTS_PER_TURN  1024
#define ACCEPTS_PER_TURN 64
/* Frames to one subscriber, or answers to one publisher, that one turn may collect. */
#define COPIES_MAX 256

enum kind { KIND_NEW, KIND_UPGRADED, KIND_CONNECTED, KIND_SUBSCRIBED, KIND_PUBLISHER };

struct peer {
    int32_t next;    /* next subscriber of the channel, a descriptor; 0 = none */
    int32_t channel; /* of a subscriber */
    uint16_t due;    /* frames or answers to be sent at the end of the turn */
    uint8_t kind;
};

struct unread {
    char *bytes;
    size_t len;
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

/* COPIES_MAX canned frames with the channel number patched in, and as many answers. */
static char *frames, *answers;
static size_t frame_len, channel_at;
static int32_t patched_channel = -1;
static uint16_t patched_copies;

static void write_all(int fd, const char *bytes, size_t len)
{
    if (write(fd, bytes, len) != (ssize_t)len) load_fail("floor: descriptor %d: write: %s", fd, strerror(errno));
}

static size_t make_frame(char *out, size_t len, struct slice text)
{
    size_t header_len = text.len < WS_LENGTH_16 ? 2 : 4;
    if (header_len + text.len > len) load_fail("floor: a canned frame is too long");
    out[0] = (char)(WS_FIN_BIT | WS_OPCODE_TEXT);
    out[1] = (char)(header_len == 2 ? text.len : WS_LENGTH_16);
    if (header_len == 4) {
        out[2] = (char)(text.len >> 8);
        out[3] = (char)text.len;
    }
    memcpy(out + header_len, text.ptr, text.len);
    return header_len + text.len;
}

static void make_canned(void)
{
    char text[512], frame[512];
    int len = snprintf(text, sizeof(text), "{\"push\":{\"channel\":\"%s:%0*u\",\"pub\":{\"data\":%.*s}}}", WIRE_LIVE,
                       WIRE_DIGITS, 0u, SLICE_ARG(wire_payload()));
    frame_len = make_frame(frame, sizeof(frame), slice_of(text, (size_t)len));
    channel_at = (size_t)((char *)memmem(frame, frame_len, WIRE_LIVE ":", WIRE_NAMESPACE_LEN + 1) - frame) +
                 WIRE_NAMESPACE_LEN + 1;
    frames = mem_must_alloc(frame_len * COPIES_MAX);
    answers = mem_must_alloc(answer.len * COPIES_MAX);
    for (size_t i = 0; i < COPIES_MAX; i++) {
        memcpy(frames + i * frame_len, frame, frame_len);
        memcpy(answers + i * answer.len, answer.ptr, answer.len);
    }
}

static void publish(int32_t channel)
{
    for (int32_t fd = first_subscriber[channel]; fd != 0; fd = peers[fd].next) {
        if (peers[fd].due == 0) dirty[dirty_count++] = fd;
        if (++peers[fd].due > COPIES_MAX) load_fail("floor: more than %d publishes in a turn", COPIES_MAX);
    }
}

static void patch(int32_t channel, uint16_t copies)
{
    for (size_t i = 0; i < copies; i++)
        wire_digits(frames + i * frame_len + channel_at, (uint32_t)channel % WIRE_CHANNELS_MAX);
    patched_channel = channel;
    patched_copies = copies;
}

/* Deliveries first, then the answers to the publishers; one write for each socket. */
static void flush(void)
{
    for (size_t i = 0; i < dirty_count; i++) {
        struct peer *peer = &peers[dirty[i]];
        if (peer->channel != patched_channel || peer->due > patched_copies) patch(peer->channel, peer->due);
        write_all(dirty[i], frames, peer->due * frame_len);
        peer->due = 0;
    }
    dirty_count = 0;
    for (size_t i = 0; i < publisher_count; i++) {
        write_all(publishers[i], answers, peers[publishers[i]].due * answer.len);
        peers[publishers[i]].due = 0;
    }
    publisher_count = 0;
}

/* All requests of one program have the same length. */
static size_t request_len(struct slice in)
{
    static size_t len;
    if (len != 0) return len;
    const char *length = memmem(in.ptr, in.len, "Content-Length: ", 16), *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
    if (length != NULL && end != NULL) len = (size_t)(end - in.ptr) + 4 + strtoul(length + 16, NULL, 10);
    return len;
}

static void on_requests(int fd, size_t got)
{
    struct unread *kept = &unread[fd];
    if (kept->bytes == NULL) kept->bytes = mem_must_alloc(READ_LEN);
    if (kept->len + got > READ_LEN) load_fail("floor: too many requests at a time");
    memcpy(kept->bytes + kept->len, read_buffer, got);
    struct slice in = slice_of(kept->bytes, kept->len + got);
    for (size_t len; (len = request_len(in)) != 0 && in.len >= len; in = slice_from(in, len)) {
        size_t at = len - WIRE_PAYLOAD_LEN - strlen("\",\"data\":}") - WIRE_CHANNEL_LEN;
        int channel = wire_channel_index(in.ptr + at, WIRE_CHANNEL_LEN);
        if (channel < 0) load_fail("floor: not a request of the load client");
        publish(channel);
        if (peers[fd].due++ == 0) publishers[publisher_count++] = fd;
    }
    memmove(kept->bytes, in.ptr, in.len);
    kept->len = in.len;
}

static void on_subscribe(int fd, size_t got)
{
    const uint8_t *mask = (uint8_t *)read_buffer + 2;
    ws_mask(read_buffer + 2 + WS_MASK_LEN, got - 2 - WS_MASK_LEN, mask);
    const char *name = memmem(read_buffer, got, "\"channel\":\"", 11);
    int channel = name == NULL ? -1 : wire_channel_index(name + 11, (size_t)(read_buffer + got - name) - 11);
    if (channel < 0) load_fail("floor: not a subscribe of the load client");
    peers[fd] = (struct peer){ .next = first_subscriber[channel], .channel = channel, .kind = KIND_SUBSCRIBED };
    first_subscriber[channel] = fd;
}

static void send_frame(int fd, struct slice text)
{
    char frame[512];
    write_all(fd, frame, make_frame(frame, sizeof(frame), text));
}

static void on_readable(int fd)
{
    struct peer *peer = &peers[fd];
    ssize_t got = read(fd, read_buffer, READ_LEN);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) { /* the load client goes all at once: no channel is used after this */
        if (peer->kind == KIND_SUBSCRIBED) first_subscriber[peer->channel] = 0;
        close(fd);
        peer->kind = KIND_NEW;
        unread[fd].len = 0;
        return;
    }
    switch ((enum kind)peer->kind) {
    case KIND_NEW:
        peer->kind = read_buffer[0] == 'P' ? KIND_PUBLISHER : KIND_UPGRADED;
        if (peer->kind == KIND_PUBLISHER)
            on_requests(fd, (size_t)got);
        else
            write_all(fd, upgraded.ptr, upgraded.len);
        break;
    case KIND_UPGRADED:
        peer->kind = KIND_CONNECTED;
        send_frame(fd, connected);
        break;
    case KIND_CONNECTED:
        on_subscribe(fd, (size_t)got);
        send_frame(fd, subscribed);
        break;
    case KIND_SUBSCRIBED: break;
    case KIND_PUBLISHER: on_requests(fd, (size_t)got); break;
    }
}

static void watch(int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (fd >= FDS_MAX || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        load_fail("floor: epoll_ctl: %s", strerror(errno));
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
        load_fail("floor: port %u: %s", port, strerror(errno));
    return fd;
}

int main(int argc, char **argv)
{
    uint64_t port = 0;
    if (argc != 3 || strcmp(argv[1], "--port") != 0 || !slice_to_u64(slice_from_cstr(argv[2]), &port) ||
        port > UINT16_MAX)
        load_fail("usage: bench_floor --port N");
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
