#include "bench/lib/load_group.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "auth/auth_sign.h"
#include "base/check.h"
#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/wire.h"
#include "load/load_command.h"
#include "platform/platform_clock.h"

/* Ports are few: so many connections come from each of 127.0.0.1, 127.0.0.2, … */
#define CONNECTIONS_PER_ADDRESS 10000
#define GROW_TIMEOUT_MS         300000
#define TOKEN_TTL_S             3600

enum state {
    STATE_NONE,
    STATE_UPGRADE,
    STATE_CONNECT,   /* the answer to connect is awaited */
    STATE_SUBSCRIBE, /* the answer to subscribe is awaited */
    STATE_READY,
};

enum { ID_CONNECT = 1, ID_SUBSCRIBE = 2, ID_PUBLISH = 3 };

static struct load_client *client_of(struct load_conn *conn)
{
    return container_of(conn, struct load_client, conn);
}

static enum load_encoding encoding_of(const struct load_client *client)
{
    return client->group->options.encoding;
}

/* ---- sending ---- */

static void on_open(struct load_conn *conn)
{
    struct load_client *client = client_of(conn);
    struct load_group *group = client->group;
    char user[32];
    struct buf token;
    int64_t now_s = time(NULL);
    snprintf(user, sizeof(user), "user_%06u", group->options.first_user + conn->index);
    struct auth_minted minted = {
        .kind = AUTH_CONNECTION, .user = slice_from_cstr(user), .iat_s = now_s, .exp_s = now_s + TOKEN_TTL_S
    };
    buf_init(&token, BUF_NO_LIMIT);
    if (auth_sign(group->mac, &minted, &token) != STATUS_OK) bench_fail("cannot mint a token");
    load_command_connect(load_conn_begin(conn), encoding_of(client), ID_CONNECT, buf_slice(&token));
    load_conn_send(conn);
    buf_deinit(&token);
    client->state = STATE_CONNECT;
}

static uint32_t channel_of(const struct load_client *client)
{
    const struct load_group_options *options = &client->group->options;
    return options->first_channel + (options->one_channel ? 0 : client->conn.index);
}

static struct slice channel_name(const struct load_client *client, char out[static WIRE_CHANNEL_LEN + 1])
{
    snprintf(out, WIRE_CHANNEL_LEN + 1, "%s:%0*u", client->group->options.name_space, WIRE_DIGITS, channel_of(client));
    return slice_of(out, WIRE_CHANNEL_LEN);
}

static void send_subscribe(struct load_client *client)
{
    struct load_group *group = client->group;
    char name[WIRE_CHANNEL_LEN + 12];
    struct load_subscribe s = { .channel = channel_name(client, name), .recovers = group->recovers };
    if (group->recovers) s.epoch = slice_from_cstr(group->epoch);
    if (client->subscribed != 0) /* those beside the first */
        s.channel.len +=
            (size_t)snprintf(name + WIRE_CHANNEL_LEN, sizeof name - WIRE_CHANNEL_LEN, "_%u", client->subscribed);
    load_command_subscribe(load_conn_begin(&client->conn), encoding_of(client), ID_SUBSCRIBE, &s);
    load_conn_send(&client->conn);
    client->state = STATE_SUBSCRIBE;
}

void load_group_publish(struct load_group *group, uint32_t index)
{
    struct load_client *client = &group->clients[index];
    char name[WIRE_CHANNEL_LEN + 1];
    load_command_publish(load_conn_begin(&client->conn), encoding_of(client), ID_PUBLISH, channel_name(client, name),
                         wire_payload());
    load_conn_send(&client->conn);
}

static void send_pong(struct load_client *client)
{
    load_command_pong(load_conn_begin(&client->conn), encoding_of(client));
    load_conn_send(&client->conn);
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
        bench_fail("connection %u: a push without the payload: %.*s", client->conn.index, SLICE_ARG(push));
    if (group->sent_ns == NULL) return;
    uint64_t *sent_ns = &group->sent_ns[client->conn.index];
    if (*sent_ns == 0) return; /* of two that were under way the first is measured */
    load_histogram_add(group->times, platform_clock_ns() - *sent_ns);
    *sent_ns = 0;
}

static void become_ready(struct load_client *client)
{
    struct load_group *group = client->group;
    client->state = STATE_READY;
    group->ready++;
    if (group->connect_times) load_histogram_add(group->connect_times, platform_clock_ns() - client->began_ns);
}

/* What the answer to a subscribe says of history: counted and copied here, so that commands need not know. */
static void note_history(struct load_group *group, struct slice reply)
{
    static const struct slice name = SLICE("\"epoch\":\"");
    const char *at = memmem(reply.ptr, reply.len, name.ptr, name.len);
    if (at != NULL) sscanf(at + name.len, "%15[^\"]", group->epoch);
    for (struct slice rest = reply; group->recovers;) {
        const char *data = memmem(rest.ptr, rest.len, "\"data\":", 7);
        if (data == NULL) break;
        group->recovered++;
        rest = slice_from(rest, (size_t)(data - rest.ptr) + 7);
    }
}

static void on_reply(struct load_client *client, const struct load_message *message, struct slice bytes)
{
    const struct load_group_options *options = &client->group->options;
    if (client->state == STATE_READY && message->id == ID_PUBLISH) {
        client->group->answers++;
        return;
    }
    if (client->state == STATE_SUBSCRIBE && message->id == ID_SUBSCRIBE) {
        note_history(client->group, bytes);
        client->subscribed++;
    } else if (client->state != STATE_CONNECT || message->id != ID_CONNECT) {
        bench_fail("connection %u in state %d: unexpected reply: %.*s", client->conn.index, client->state,
                   SLICE_ARG(bytes));
    }
    if (options->subscribes_to_none || client->subscribed > options->more_channels)
        become_ready(client);
    else
        send_subscribe(client);
}

static void on_message(struct load_conn *conn, struct slice bytes)
{
    struct load_client *client = client_of(conn);
    struct load_message message;
    /* The many are told by their first bytes: the client shares the machine with the server. */
    if (slice_starts_with(bytes, SLICE("{\"push\":{\"channel\":\"")) && contains(bytes, SLICE("\"pub\":{"))) {
        count_delivery(client, bytes);
        return;
    }
    load_message_read(encoding_of(client), bytes, &message);
    switch (message.kind) {
    case LOAD_PING: send_pong(client); break;
    case LOAD_PUBLICATION: count_delivery(client, bytes); break;
    case LOAD_OTHER_PUSH: break;
    case LOAD_REPLY: on_reply(client, &message, bytes); break;
    case LOAD_ERROR:
    case LOAD_NONSENSE: bench_fail("connection %u: %.*s", conn->index, SLICE_ARG(bytes));
    }
}

static void on_closed(struct load_conn *conn, const struct load_end *end)
{
    struct load_client *client = client_of(conn);
    if (!client->group->options.ends_are_expected)
        bench_fail("connection %u ended: %u %s", conn->index, end->code, end->text);
    if (client->state == STATE_READY) client->group->ready--;
    client->state = STATE_NONE;
}

/* ---- the group ---- */

static const struct load_handler handler = { .on_open = on_open, .on_message = on_message, .on_closed = on_closed };

void load_group_init(struct load_group *group, struct load_loop *loop, const struct load_group_options *options)
{
    char url[128], error[LOAD_TARGET_ERROR_MAX];
    *group = (struct load_group){ .options = *options, .loop = loop };
    if (group->options.in_flight == 0) group->options.in_flight = LOAD_IN_FLIGHT_DEFAULT;
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/connection/websocket", options->server->is_tls ? "wss" : "ws",
             options->server->port);
    if (load_target_init(&group->target, url, error) != STATUS_OK) bench_fail("%s", error);
    load_target_trust_any(&group->target);
    load_target_spread(&group->target, options->count_max / CONNECTIONS_PER_ADDRESS + 1, CONNECTIONS_PER_ADDRESS);
    group->target.origin = "http://localhost:3000";
    group->target.encoding = options->encoding;
    group->target.offers_deflate = options->deflates;
    load_net_init(&group->net, loop, &group->target, &handler);
    group->clients = mem_must_alloc_zero(options->count_max * sizeof(struct load_client));
    group->mac = crypto_hmac_new(CRYPTO_SHA256, SLICE(SERVER_TOKEN_SECRET));
    CHECK(group->mac != NULL && options->first_channel + options->count_max <= WIRE_CHANNELS_MAX);
}

static void start_client(struct load_group *group)
{
    struct load_client *client = &group->clients[group->started];
    uint32_t index = group->started++;
    *client = (struct load_client){ .group = group, .state = STATE_UPGRADE, .began_ns = platform_clock_ns() };
    if (load_conn_open(&client->conn, &group->net, index) != STATUS_OK)
        bench_fail("connection %u: %s", index, strerror(errno));
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
        bench_fail("only %u of %u connections were ready in time", group->ready, count);
}

void load_group_drop(struct load_group *group)
{
    for (uint32_t i = 0; i < group->started; i++) load_conn_close(&group->clients[i].conn, false);
    group->started = group->ready = 0;
}

void load_group_deinit(struct load_group *group)
{
    load_group_drop(group);
    mem_free(group->clients);
    crypto_hmac_free(group->mac);
    load_net_deinit(&group->net);
    load_target_deinit(&group->target);
}
