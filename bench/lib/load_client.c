#include "bench/lib/load_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "auth/auth_sign.h"
#include "base/check.h"
#include "base/mem.h"
#include "bench/lib/server_process.h"
#include "bench/lib/wire.h"
#include "ws/ws_frame.h"

/* Ports are few: so many connections come from each of 127.0.0.1, 127.0.0.2, … */
#define CONNECTIONS_PER_ADDRESS 10000
#define GROW_TIMEOUT_MS         120000
#define TOKEN_TTL_S             3600

enum state {
    STATE_CONNECTING, /* TCP */
    STATE_UPGRADING,  /* the 101 is awaited */
    STATE_CONNECT,    /* the answer to connect is awaited */
    STATE_SUBSCRIBE,  /* the answer to subscribe is awaited */
    STATE_READY,
};

/* ---- sending ---- */

static void send_all(struct load_client *client, struct slice bytes)
{
    ssize_t sent = send(client->source.fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    if (sent != (ssize_t)bytes.len) load_fail("connection %u: send: %s", client->index, strerror(errno));
}

static void send_upgrade(struct load_client *client)
{
    static const struct slice request =
        SLICE("GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Origin: http://localhost:3000\r\nUser-Agent: xshathra-bench\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: " WIRE_WS_KEY "\r\n\r\n");
    send_all(client, request);
    client->state = STATE_UPGRADING;
}

/* Turns the message in out, which begins after room for the longest header, into a masked text frame and sends it. */
static void send_message(struct load_client *client, struct buf *out)
{
    static const uint8_t mask[WS_MASK_LEN] = { 0x37, 0xfa, 0x21, 0x3d };
    CHECK(buf_ok(out) && out->len < 65536);
    size_t len = out->len - WS_CLIENT_HEADER_LEN_MAX;
    size_t header_len = len < WS_LENGTH_16 ? 2 : 4;
    uint8_t *header = (uint8_t *)out->ptr + WS_CLIENT_HEADER_LEN_MAX - WS_MASK_LEN - header_len;
    header[0] = WS_FIN_BIT | WS_OPCODE_TEXT;
    header[1] = (uint8_t)(WS_MASK_BIT | (header_len == 2 ? len : WS_LENGTH_16));
    if (header_len == 4) {
        header[2] = (uint8_t)(len >> 8);
        header[3] = (uint8_t)len;
    }
    memcpy(header + header_len, mask, WS_MASK_LEN);
    ws_mask(out->ptr + WS_CLIENT_HEADER_LEN_MAX, len, mask);
    send_all(client, slice_of(header, header_len + WS_MASK_LEN + len));
}

static struct buf *begin_message(struct load_group *group)
{
    buf_clear(&group->out);
    if (buf_reserve(&group->out, WS_CLIENT_HEADER_LEN_MAX) == NULL) load_fail("out of memory");
    group->out.len = WS_CLIENT_HEADER_LEN_MAX;
    return &group->out;
}

static void send_connect(struct load_client *client)
{
    struct load_group *group = client->group;
    struct buf *out = begin_message(group);
    char user[32];
    snprintf(user, sizeof(user), "user_%06u", client->index);
    int64_t now_s = time(NULL);
    struct auth_minted minted = {
        .kind = AUTH_CONNECTION, .user = slice_from_cstr(user), .iat_s = now_s, .exp_s = now_s + TOKEN_TTL_S
    };
    buf_append(out, SLICE("{\"id\":1,\"connect\":{\"token\":\""));
    if (auth_sign(group->mac, &minted, out) != STATUS_OK) load_fail("cannot mint a token");
    buf_append(out, SLICE("\",\"name\":\"js\"}}"));
    send_message(client, out);
    client->state = STATE_CONNECT;
}

static uint32_t channel_of(const struct load_client *client)
{
    return client->group->options.one_channel ? 0 : client->index;
}

static void send_subscribe(struct load_client *client)
{
    struct buf *out = begin_message(client->group);
    char digits[WIRE_DIGITS];
    wire_digits(digits, channel_of(client));
    buf_append(out, SLICE("{\"id\":2,\"subscribe\":{\"channel\":\""));
    buf_append(out, slice_from_cstr(client->group->options.name_space));
    buf_append_char(out, ':');
    buf_append(out, slice_of(digits, sizeof(digits)));
    buf_append(out, SLICE("\"}}"));
    send_message(client, out);
    client->state = STATE_SUBSCRIBE;
}

static void send_pong(struct load_client *client)
{
    struct buf *out = begin_message(client->group);
    buf_append(out, SLICE("{}"));
    send_message(client, out);
    client->group->pings++;
}

/* ---- receiving ---- */

static bool contains(struct slice text, struct slice part)
{
    return memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

static void count_delivery(struct load_client *client, struct slice push)
{
    struct load_group *group = client->group;
    group->deliveries++;
    if (group->checks_payload && !contains(push, wire_payload()))
        load_fail("connection %u: a push without the payload: %.*s", client->index, SLICE_ARG(push));
    if (group->sent_ns == NULL || group->sent_ns[channel_of(client)] == 0) return;
    if (group->latency_count < group->latency_max)
        group->latencies_ns[group->latency_count++] = load_now_ns() - group->sent_ns[channel_of(client)];
    group->sent_ns[channel_of(client)] = 0;
}

static void on_reply(struct load_client *client, struct slice reply)
{
    bool good = client->state == STATE_CONNECT     ? contains(reply, SLICE("\"connect\":{"))
                : client->state == STATE_SUBSCRIBE ? contains(reply, SLICE("\"subscribe\":{"))
                                                   : false;
    if (!good)
        load_fail("connection %u in state %d: unexpected reply: %.*s", client->index, client->state, SLICE_ARG(reply));
    if (client->state == STATE_CONNECT) {
        send_subscribe(client);
        return;
    }
    client->state = STATE_READY;
    client->group->ready++;
}

static void on_message(struct load_client *client, struct slice text)
{
    if (slice_eq(text, SLICE("{}"))) {
        send_pong(client);
    } else if (slice_starts_with(text, SLICE("{\"push\":"))) {
        count_delivery(client, text);
    } else {
        on_reply(client, text);
    }
}

/* One frame may hold several messages with a newline between them. */
static void on_frame(struct load_client *client, uint8_t opcode, struct slice payload)
{
    if (opcode != WS_OPCODE_TEXT) {
        struct slice reason = opcode == WS_OPCODE_CLOSE ? slice_from(payload, 2) : payload;
        load_fail("connection %u: frame with opcode %u: %.*s", client->index, opcode, SLICE_ARG(reason));
    }
    for (ptrdiff_t at; (at = slice_index(payload, '\n')) >= 0; payload = slice_from(payload, (size_t)at + 1))
        on_message(client, slice_head(payload, (size_t)at));
    on_message(client, payload);
}

/* Length of the whole frame at the front and where its payload begins; 0 = incomplete. */
static size_t frame_len(struct slice in, size_t *payload_at)
{
    const uint8_t *byte = (const uint8_t *)in.ptr;
    if (in.len < 2) return 0;
    size_t header_len = byte[1] < WS_LENGTH_16 ? 2 : byte[1] == WS_LENGTH_16 ? 4 : 10;
    if (in.len < header_len) return 0;
    size_t len = header_len == 2 ? byte[1] : 0;
    for (size_t i = 2; i < header_len; i++) len = len << 8 | byte[i];
    *payload_at = header_len;
    return in.len - header_len < len ? 0 : header_len + len;
}

static size_t take_upgrade(struct load_client *client, struct slice in)
{
    const char *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    struct slice head = slice_of(in.ptr, (size_t)(end - in.ptr));
    if (!slice_starts_with(head, SLICE("HTTP/1.1 101 ")) || !contains(head, SLICE(WIRE_WS_ACCEPT)))
        load_fail("connection %u: upgrade refused: %.*s", client->index, SLICE_ARG(in));
    send_connect(client);
    return head.len + 4;
}

/* Returns how many bytes of in were taken. */
static size_t take(struct load_client *client, struct slice in)
{
    size_t taken = client->state == STATE_UPGRADING ? take_upgrade(client, in) : 0;
    if (client->state == STATE_UPGRADING) return 0;
    for (size_t len, payload_at; (len = frame_len(slice_from(in, taken), &payload_at)) != 0; taken += len)
        on_frame(client, (uint8_t)in.ptr[taken] & WS_OPCODE_BITS,
                 slice_of(in.ptr + taken + payload_at, len - payload_at));
    return taken;
}

static void keep_rest(struct load_client *client, struct slice rest)
{
    mem_free(client->rest);
    client->rest = NULL;
    client->rest_len = (uint32_t)rest.len;
    if (rest.len == 0) return;
    client->rest = mem_must_alloc(rest.len);
    memcpy(client->rest, rest.ptr, rest.len);
}

static void on_readable(struct load_client *client)
{
    char *buffer = client->group->loop->read_buffer;
    if (client->rest_len != 0) memcpy(buffer, client->rest, client->rest_len);
    ssize_t got = recv(client->source.fd, buffer + client->rest_len, LOAD_READ_LEN - client->rest_len, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) load_fail("connection %u: ended by the server: %s", client->index, got < 0 ? strerror(errno) : "end");
    struct slice in = slice_of(buffer, client->rest_len + (size_t)got);
    size_t taken = take(client, in);
    if (taken != in.len || client->rest_len != 0) keep_rest(client, slice_from(in, taken));
}

static void on_ready(struct load_source *source, uint32_t events)
{
    struct load_client *client = container_of(source, struct load_client, source);
    if (client->state != STATE_CONNECTING) {
        on_readable(client);
        return;
    }
    if (events & (EPOLLERR | EPOLLHUP)) load_fail("connection %u: the server does not accept it", client->index);
    load_loop_change(client->group->loop, source, EPOLLIN);
    send_upgrade(client);
}

/* ---- the group ---- */

void load_group_init(struct load_group *group, struct load_loop *loop, const struct load_group_options *options)
{
    *group = (struct load_group){ .options = *options, .loop = loop };
    if (group->options.in_flight == 0) group->options.in_flight = LOAD_IN_FLIGHT_DEFAULT;
    group->clients = mem_must_alloc_zero(options->count_max * sizeof(struct load_client));
    group->mac = crypto_hmac_new(CRYPTO_SHA256, SLICE(SERVER_TOKEN_SECRET));
    CHECK(group->mac != NULL && options->count_max <= WIRE_CHANNELS_MAX);
    buf_init(&group->out, BUF_NO_LIMIT);
}

static void start_client(struct load_group *group)
{
    struct load_client *client = &group->clients[group->started];
    client->group = group;
    client->index = group->started++;
    client->source.on_ready = on_ready;
    client->source.fd = load_connect(group->options.port, INADDR_LOOPBACK + client->index / CONNECTIONS_PER_ADDRESS);
    load_loop_add(group->loop, &client->source, EPOLLOUT);
}

static bool is_grown(void *context)
{
    struct load_group *group = context;
    while (group->started < group->wanted && group->started - group->ready < group->options.in_flight)
        start_client(group);
    return group->ready == group->wanted;
}

void load_group_grow(struct load_group *group, uint32_t count)
{
    CHECK(count <= group->options.count_max);
    group->wanted = count;
    if (!load_loop_until(group->loop, is_grown, group, GROW_TIMEOUT_MS))
        load_fail("only %u of %u connections were ready in time", group->ready, count);
}

void load_group_deinit(struct load_group *group)
{
    for (uint32_t i = 0; i < group->started; i++) {
        load_source_close(&group->clients[i].source);
        mem_free(group->clients[i].rest);
    }
    mem_free(group->clients);
    crypto_hmac_free(group->mac);
    buf_deinit(&group->out);
}
