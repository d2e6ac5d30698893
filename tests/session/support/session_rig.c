#include "session_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "broker/delayed/delayed_broker.h"
#include "broker/memory/memory_broker.h"
#include "ws/ws_frame.h"

#define TURNS_MAX 3000

const char session_rig_handshake[] = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/* ---- the application ---- */

enum { HANDLER_NOW = 1, HANDLER_LATER, HANDLER_AGAIN, HANDLER_REFUSED, HANDLER_NONE };

struct exchange {
    struct session_rig *rig;
    struct handle handle;
    int steps;
};

static struct session_rig *rig_of(struct session_host *host)
{
    return host->context;
}

static struct session_route route(struct session_host *host, struct session *s, const struct http_request *request)
{
    (void)host, (void)s;
    static const struct {
        const char *path;
        uint32_t handler;
    } rows[] = { { "/now", HANDLER_NOW },
                 { "/later", HANDLER_LATER },
                 { "/again", HANDLER_AGAIN },
                 { "/refused", HANDLER_REFUSED } };
    struct session_route r = { .kind = SESSION_ROUTE_HANDLER, .body_bytes_max = 1000, .handler = HANDLER_NONE };
    if (slice_eq(request->path, SLICE("/ws"))) r.kind = SESSION_ROUTE_WEBSOCKET;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (slice_eq(request->path, slice_from_cstr(rows[i].path))) r.handler = rows[i].handler;
    return r;
}

static void fill(struct session_rig *r, struct session_answer *answer, int status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void fill(struct session_rig *r, struct session_answer *answer, int status, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_clear(&r->answer);
    buf_append(&r->answer, slice_of(text, (size_t)len));
    *answer =
        (struct session_answer){ .status = status, .content_type = SLICE("text/plain"), .body = buf_slice(&r->answer) };
}

static bool refuse(struct session_host *host, struct session *s, const struct session_route *route_,
                   const struct http_request *request, void **exchange, struct session_answer *answer)
{
    (void)s, (void)request, (void)exchange;
    if (route_->handler != HANDLER_REFUSED) return false;
    fill(rig_of(host), answer, 401, "refused");
    return true;
}

static enum session_outcome start(struct session_host *host, struct session *s, const struct session_route *route_,
                                  const struct http_request *request, struct slice body, void **exchange,
                                  struct session_answer *answer)
{
    struct session_rig *r = rig_of(host);
    r->starts++;
    if (route_->handler == HANDLER_NOW || route_->handler == HANDLER_NONE) {
        fill(r, answer, route_->handler == HANDLER_NOW ? 200 : 404, "%.*s [%.*s]", SLICE_ARG(request->method_name),
             SLICE_ARG(body));
        return SESSION_ANSWERED;
    }
    struct exchange *e = mem_must_alloc_zero(sizeof *e);
    *e = (struct exchange){ .rig = r, .handle = session_handle(s) };
    *exchange = e;
    r->exchanges++;
    if (route_->handler == HANDLER_AGAIN) return SESSION_AGAIN;
    r->later = e;
    return SESSION_PENDING;
}

static enum session_outcome completed(struct session_host *host, void *exchange, struct broker_completion *completion,
                                      struct session_answer *answer)
{
    (void)host, (void)exchange, (void)answer;
    broker_completion_free(completion);
    return SESSION_PENDING;
}

static enum session_outcome effect_done(struct session_host *host, void *exchange, uint32_t operation,
                                        uint32_t affected, struct session_answer *answer)
{
    (void)exchange, (void)operation;
    fill(rig_of(host), answer, 200, "later %u", affected);
    return SESSION_ANSWERED;
}

static enum session_outcome again(struct session_host *host, void *exchange, struct session_answer *answer)
{
    struct exchange *e = exchange;
    if (++e->steps < 3) return SESSION_AGAIN;
    fill(rig_of(host), answer, 200, "after %d", e->steps);
    return SESSION_ANSWERED;
}

static void timed_out(struct session_host *host, void *exchange, struct session_answer *answer)
{
    (void)exchange;
    fill(rig_of(host), answer, 503, "too late");
}

static void release(struct session_host *host, void *exchange)
{
    struct session_rig *r = rig_of(host);
    if (!exchange) return;
    if (r->later == exchange) r->later = NULL;
    r->exchanges--;
    mem_free(exchange);
}

static const struct session_app app = { .route = route,
                                        .refuse = refuse,
                                        .start = start,
                                        .completed = completed,
                                        .effect_done = effect_done,
                                        .again = again,
                                        .timed_out = timed_out,
                                        .release = release };

/* ---- the worker ---- */

static struct engine *engine_of(void *context)
{
    return &((struct session_rig *)context)->engine;
}

static struct client *client_of(void *context, struct handle handle)
{
    return session_client_of(&((struct session_rig *)context)->host, handle);
}

static struct client *client_next(void *context, uint32_t *slot)
{
    return session_client_next(&((struct session_rig *)context)->host, slot);
}

static void complete(void *context, struct broker_completion *completion)
{
    session_take_completion(&((struct session_rig *)context)->host, completion);
}

static void take_effect_done(void *context, struct handle handle, uint32_t operation, uint32_t affected)
{
    session_take_effect_done(&((struct session_rig *)context)->host, handle, operation, affected);
}

static bool on_turn(void *context)
{
    struct session_rig *r = context;
    bool more = engine_turn(&r->engine);
    return session_host_turn(&r->host) || more;
}

static void on_clock(void *context, uint64_t now_ms, int64_t wall_ms)
{
    struct session_rig *r = context;
    r->engine.now_ms = now_ms;
    r->engine.wall_ms = wall_ms;
}

static char *owned(const char *text)
{
    char *c = mem_copy(slice_from_cstr(text));
    assert_non_null(c);
    return c;
}

static struct policy *make_policy(session_rig_policy_fn *change)
{
    struct policy_deployment *d = policy_deployment_new();
    d->private_prefix = owned("$");
    d->namespace_boundary = owned(":");
    d->user_boundary = owned("#");
    d->user_separator = owned(",");
    d->allow_anonymous_without_token = true;
    d->allowed_origins.items = mem_must_alloc(sizeof(char *));
    d->allowed_origins.items[0] = owned("http://localhost");
    d->allowed_origins.count = 1;
    d->without_namespace.options = (struct policy_channel_options){ .subscription_type = POLICY_STREAM,
                                                                    .subscribe = { .client = true, .anonymous = true },
                                                                    .publish = { .client = true, .anonymous = true } };
    d->limits = (struct policy_limits){ .stale_close_delay_ms = 10000,
                                        .ping_interval_ms = 25000,
                                        .pong_timeout_ms = 8000,
                                        .channel_limit = 16,
                                        .queue_bytes_max = 1 << 20,
                                        .channel_len_max = 64,
                                        .websocket_message_bytes_max = 65536 };
    if (change) change(d);
    policy_deployment_seal(d);
    struct policy_project *projects = mem_must_alloc_zero(sizeof *projects);
    (void)snprintf(projects[0].id, sizeof projects[0].id, "proj_default");
    return policy_new(1, d, projects, 1, mem_must_alloc_zero(sizeof(struct policy_key)), 0);
}

static void listen_somewhere(struct session_rig *r)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(r->listener, 64), 0);
    assert_int_equal(getsockname(r->listener, (struct sockaddr *)&address, &len), 0);
    r->port = ntohs(address.sin_port);
}

struct session_rig *session_rig_new(uint32_t delay_ms, session_rig_policy_fn *change)
{
    struct session_rig *r = mem_must_alloc_zero(sizeof *r);
    assert_true(mailbox_init(&r->box, r, MAILBOX_LIMITS_DEFAULT));
    r->office.boxes[0] = &r->box;
    r->office.count = 1;
    r->shared = (struct engine_shared){ .office = &r->office,
                                        .worker_count = 1,
                                        .registry = registry_new(),
                                        .node = { .name = "node_1", .version = "0.1.0" } };
    r->shared.metrics[0] = metrics_new();
    struct net_loop_options options = {
        .mailbox = &r->box, .office = &r->office, .on_turn = on_turn, .on_clock = on_clock, .context = r
    };
    assert_int_equal(net_loop_init(&r->loop, &options), STATUS_OK);
    const struct engine_worker worker = { .context = r,
                                          .client_of = client_of,
                                          .client_next = client_next,
                                          .complete = complete,
                                          .effect_done = take_effect_done };
    engine_set_worker_lookup(engine_of);
    assert_int_equal(engine_init(&r->engine, &r->shared, 0, &worker, make_policy(change), &r->loop.wakes), STATUS_OK);
    const struct broker_links links = { .office = &r->office,
                                        .worker_count = 1,
                                        .deliver_publication = engine_deliver_publication,
                                        .deliver_completion = engine_deliver_completion,
                                        .deliver_gap = engine_deliver_gap };
    const struct memory_broker_options memory = { .shard_count = 4 };
    r->shared.broker = memory_broker_new(&links, &memory);
    if (delay_ms) r->shared.broker = delayed_broker_new(r->shared.broker, &links, delay_ms);
    session_gate_init(&r->gate);
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    session_host_init(&r->host, &r->loop, &r->engine, &app, r, &limits, &r->gate);
    buf_init(&r->answer, BUF_NO_LIMIT);
    net_loop_turn(&r->loop, 0);
    listen_somewhere(r);
    return r;
}

void session_rig_free(struct session_rig *r)
{
    session_host_abort(&r->host);
    session_rig_turns(r, 50);
    for (int i = 0; i < 20; i++) { /* late answers of a delayed broker */
        net_loop_turn(&r->loop, 5);
    }
    assert_int_equal(r->loop.conn_count, 0);
    assert_int_equal(r->host.sessions.count, 0);
    assert_int_equal(r->exchanges, 0);
    assert_int_equal(r->host.body_bytes, 0);
    assert_int_equal(atomic_load(&r->shared.client_count), 0);
    assert_int_equal(r->engine.hub.subscription_count, 0);
    assert_int_equal(registry_user_count(r->shared.registry), 0);
    r->shared.broker->ops->free(r->shared.broker);
    (void)mailbox_drain(&r->box, 100000);
    session_host_deinit(&r->host);
    engine_deinit(&r->engine);
    net_loop_deinit(&r->loop);
    mailbox_deinit(&r->box);
    registry_free(r->shared.registry);
    metrics_free(r->shared.metrics[0]);
    session_gate_deinit(&r->gate);
    buf_deinit(&r->answer);
    close(r->listener);
    mem_free(r);
}

/* ---- peers ---- */

int session_rig_dial(struct session_rig *r)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(r->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    int accepted = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    session_accept(&r->host, accepted, 0, NULL);
    return fd;
}

struct session *session_rig_session(struct session_rig *r)
{
    struct session *s, *last = NULL;
    uint32_t slot = 0;
    while ((s = slab_next(&r->host.sessions, &slot)) != NULL) last = s;
    return last;
}

void session_rig_turns(struct session_rig *r, int count)
{
    while (count-- > 0) net_loop_turn(&r->loop, 0);
}

void session_rig_write(struct session_rig *r, int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN) return; /* the other side has closed */
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
        net_loop_turn(&r->loop, 0);
    }
    session_rig_turns(r, 2);
}

void session_rig_say(struct session_rig *r, int fd, const char *text)
{
    session_rig_write(r, fd, text, strlen(text));
}

bool session_rig_holds(const struct buf *b, const char *text)
{
    return b->len > 0 && memmem(b->ptr, b->len, text, strlen(text)) != NULL;
}

/* False at the end. */
static bool read_some(int fd, struct buf *out)
{
    char bytes[65536];
    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) return true;
        if (n <= 0) return false;
        buf_append(out, slice_of(bytes, (size_t)n));
    }
}

void session_rig_read_until(struct session_rig *r, int fd, struct buf *out, const char *text)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        bool open = read_some(fd, out);
        if (session_rig_holds(out, text)) return;
        if (!open) break;
        net_loop_turn(&r->loop, i < 50 ? 0 : 1);
    }
    fail_msg("expected %s, got %.*s", text, (int)out->len, out->ptr ? out->ptr : "");
}

void session_rig_read_end(struct session_rig *r, int fd, struct buf *out)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        if (!read_some(fd, out)) return;
        net_loop_turn(&r->loop, i < 50 ? 0 : 1);
    }
    fail_msg("no end, got %.*s", (int)out->len, out->ptr ? out->ptr : "");
}

void session_rig_finish(struct session_rig *r)
{
    assert_non_null(r->later);
    session_take_effect_done(&r->host, r->later->handle, 1, 7);
}

uint64_t session_rig_deadline(struct session_rig *r)
{
    struct session *s = session_rig_session(r);
    assert_non_null(s);
    if (!timer_armed(&s->conn.timer_)) return 0;
    uint64_t due = r->loop.wheel.start_ms_ + (uint64_t)s->conn.timer_.tick_ * NET_TICK_MS;
    return due > r->loop.now_ms ? due - r->loop.now_ms : 1;
}

void session_rig_expire(struct session_rig *r)
{
    net_conn_set_deadline(&session_rig_session(r)->conn, 1);
    for (int i = 0; i < 3; i++) {
        usleep(NET_TICK_MS * 1000);
        net_loop_turn(&r->loop, 0);
    }
}

size_t session_rig_frame(char *out, uint8_t first_byte, const char *payload, size_t len)
{
    static const uint8_t key[WS_MASK_LEN] = { 1, 2, 3, 4 };
    size_t at = 0;
    out[at++] = (char)first_byte;
    if (len < 126) {
        out[at++] = (char)(0x80 | len);
    } else {
        out[at++] = (char)(0x80 | 126);
        out[at++] = (char)(len >> 8);
        out[at++] = (char)len;
    }
    memcpy(out + at, key, sizeof key);
    at += sizeof key;
    if (len) memcpy(out + at, payload, len);
    ws_mask(out + at, len, key);
    return at + len;
}
