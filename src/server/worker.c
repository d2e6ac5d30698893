#include "server/worker.h"

#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/mem_part.h"
#include "control/control.h"
#include "control/control_key_use.h"
#include "engine/position_check.h"
#include "platform/platform_clock.h"
#include "platform/platform_thread.h"

enum { TIMER_SWEEP = 1, TIMER_DRAIN }; /* 0 and those over NET_TIMER_KIND_OWN_MAX are the loop's */

#define SWEEP_INTERVAL_MS    500
#define DRAIN_INTERVAL_MS    50
#define KEY_USES_INTERVAL_MS 5000
/* Closed at once at shutdown, however long the time-out is. */
#define DRAIN_BATCH_MIN 100

static struct engine *engine_of(void *owner)
{
    return &((struct worker *)owner)->engine;
}

static struct client *client_of(void *owner, struct handle handle)
{
    return session_client_of(&((struct worker *)owner)->host, handle);
}

static struct client *client_next(void *owner, uint32_t *slot)
{
    return session_client_next(&((struct worker *)owner)->host, slot);
}

static void complete(void *owner, struct broker_completion *completion)
{
    session_take_completion(&((struct worker *)owner)->host, completion);
}

static void effect_done(void *owner, struct handle handle, uint32_t operation, uint32_t affected)
{
    session_take_effect_done(&((struct worker *)owner)->host, handle, operation, affected);
}

static void console_ready(void *owner, struct handle handle)
{
    session_take_effect_done(&((struct worker *)owner)->host, handle, 0, 0);
}

void worker_deliver_policy(struct mail *mail, void *owner)
{
    struct control_policy_mail *m = container_of(mail, struct control_policy_mail, mail);
    engine_set_policy(engine_of(owner), m->policy, m->countdown);
    mem_free(m);
}

/* ---- turns ---- */

static void on_clock(void *context, uint64_t now_ms, int64_t wall_ms)
{
    struct worker *w = context;
    w->engine.now_ms = now_ms;
    w->engine.wall_ms = wall_ms;
}

static bool sweep(struct worker *w)
{
    struct broker *broker = w->shared->engine.broker;
    struct map_broker *maps = w->shared->engine.map_broker;
    struct broker_context context = engine_broker_context(&w->engine);
    bool more = broker->ops->sweep(broker, &context);
    more |= maps->ops->sweep(maps, &context);
    return more;
}

static bool on_turn(void *context)
{
    struct worker *w = context;
    bool more = engine_turn(&w->engine);
    more |= session_host_turn(&w->host);
    if (w->sweep_again) {
        w->sweep_again = sweep(w);
        more |= w->sweep_again;
    }
    if (w->drained && w->loop.conn_count == 0) {
        net_loop_stop(&w->loop);
    } else if (w->draining && w->loop.now_ms >= w->drain_deadline_ms) {
        atomic_store(&w->forced, true);
        w->drained = true;
        session_host_abort(&w->host);
    }
    return more;
}

/* One worker does it for all. */
static void take_stock(struct worker_shared *shared, uint64_t now_ms)
{
    const struct engine_shared *e = &shared->engine;
    if (e->snapshot)
        metrics_snapshot_tick(e->snapshot, (const struct metrics *const *)e->metrics, e->worker_count, now_ms);
}

/* When a key was last used goes to the database now and then, and not with each use. */
static void send_key_uses(struct worker *w)
{
    struct key_use uses[KEY_USES_MAX];
    struct control_key_use rows[KEY_USES_MAX];
    if (!w->engine.key_uses.is_any || !w->shared->control) return;
    const size_t count = key_uses_take(&w->engine.key_uses, uses);
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct control_key_use){ .at_s = uses[i].at_s };
        memcpy(rows[i].id, uses[i].id, sizeof rows[i].id);
    }
    control_post_key_uses(w->shared->control, rows, count);
}

static void on_sweep(struct net_timer *timer, void *context)
{
    (void)context;
    struct worker *w = container_of(timer, struct worker, sweep_timer);
    w->sweep_again = true;
    position_check_tick(&w->engine);
    if (w->index == 0) take_stock(w->shared, w->loop.now_ms);
    if (w->loop.now_ms >= w->next_key_uses_ms) {
        send_key_uses(w);
        w->next_key_uses_ms = w->loop.now_ms + KEY_USES_INTERVAL_MS;
    }
    if (w->index == 0 && w->loop.now_ms >= w->next_overview_ms) {
        events_tick(&w->engine);
        w->next_overview_ms = w->loop.now_ms + OVERVIEW_PERIOD_MS - SWEEP_INTERVAL_MS / 2;
    }
    timer_arm(&w->loop.wheel, timer, w->loop.now_ms + SWEEP_INTERVAL_MS);
}

/* ---- stop ---- */

static void on_drain(struct net_timer *timer, void *context)
{
    (void)context;
    struct worker *w = container_of(timer, struct worker, drain_timer);
    if (!w->drained && !session_host_drain(&w->host, &w->drain_slot, w->drain_batch)) w->drained = true;
    timer_arm(&w->loop.wheel, timer, w->loop.now_ms + DRAIN_INTERVAL_MS);
}

static void deliver_stop(struct mail *mail, void *owner)
{
    (void)mail;
    struct worker *w = owner;
    if (w->draining) return;
    w->draining = true;
    for (int i = 0; i < WORKER_LISTENER_COUNT; i++) net_listener_stop(&w->listeners[i]);
    uint64_t timeout_ms = w->shared->config->shutdown_timeout_ms;
    w->drain_deadline_ms = w->loop.now_ms + timeout_ms;
    /* All are told within half of the time-out; what is left is for their answers. */
    uint64_t ticks = timeout_ms / 2 / DRAIN_INTERVAL_MS + 1;
    uint64_t batch = w->loop.conn_count / ticks + 1;
    w->drain_batch = batch < DRAIN_BATCH_MIN ? DRAIN_BATCH_MIN : (uint32_t)batch;
    w->host.draining = true;
    on_drain(&w->drain_timer, NULL);
}

void worker_stop(struct worker *w)
{
    w->stop_mail = (struct mail){ .deliver = deliver_stop };
    mailbox_post(&w->mailbox, MAILBOX_CONTROL, &w->stop_mail, platform_clock_ms());
    mailbox_wake(&w->mailbox);
}

/* ---- life ---- */

static void on_accept(struct net_listener *listener, int fd, const struct sockaddr *peer)
{
    (void)peer;
    struct worker *w = listener->context;
    session_accept(&w->host, fd, (uint8_t)(listener - w->listeners), listener->tls);
}

static enum status start_listeners(struct worker *w, const int fds[WORKER_LISTENER_COUNT])
{
    for (int i = 0; i < WORKER_LISTENER_COUNT; i++) {
        struct net_listener *listener = &w->listeners[i];
        listener->fd = -1;
        if (fds[i] < 0) continue;
        listener->on_accept = on_accept;
        listener->context = w;
        enum status status = net_listener_start(listener, &w->loop, fds[i]);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

enum status worker_init(struct worker *w, struct worker_shared *shared, uint32_t index, struct policy *policy,
                        const int fds[WORKER_LISTENER_COUNT])
{
    /* the mailbox is in the office already, and may hold mail */
    w->shared = shared;
    w->index = index;
    struct net_loop_options options = {
        .mailbox = &w->mailbox, .office = &shared->office, .on_turn = on_turn, .on_clock = on_clock, .context = w
    };
    enum status status = net_loop_init(&w->loop, &options);
    if (status != STATUS_OK) {
        policy_unref(policy);
        return status;
    }
    w->has_loop = true;
    timer_init(&w->sweep_timer, TIMER_SWEEP);
    timer_init(&w->drain_timer, TIMER_DRAIN);
    buf_init(&w->answer, BUF_NO_LIMIT);
    if (shared->config->count_http_requests) w->http_metrics = http_metrics_new();
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    limits.header_bytes_max = shared->config->http_header_bytes_max;
    session_host_init(&w->host, &w->loop, &w->engine, &routes_app, w, &limits, &shared->gate);
    struct engine_worker hooks = { .clock_ns = platform_clock_ns,
                                   .context = w,
                                   .client_of = client_of,
                                   .client_next = client_next,
                                   .complete = complete,
                                   .effect_done = effect_done };
    w->console =
        (struct console_host){ .control = shared->control,
                               .home = &w->mailbox,
                               .ready = console_ready,
                               .context = w,
                               .live_secret = shared->console_secret,
                               .live_path =
                                   shared->config->websocket_disabled ? NULL : shared->config->websocket_prefix };
    engine_set_worker_lookup(engine_of);
    status = engine_init(&w->engine, &shared->engine, index, &hooks, policy, &w->loop.wakes);
    if (status != STATUS_OK) return status;
    on_clock(w, platform_clock_ms(), (int64_t)platform_wall_ms());
    w->loop.wheel.fire[TIMER_SWEEP] = on_sweep;
    w->loop.wheel.fire[TIMER_DRAIN] = on_drain;
    timer_arm(&w->loop.wheel, &w->sweep_timer, w->loop.now_ms + SWEEP_INTERVAL_MS);
    return start_listeners(w, fds);
}

void worker_set_tls(struct worker *w, struct net_tls_context *const contexts[WORKER_LISTENER_COUNT])
{
    for (int i = 0; i < WORKER_LISTENER_COUNT; i++) {
        net_tls_context_unref(w->listeners[i].tls);
        w->listeners[i].tls = net_tls_context_ref(contexts[i]);
    }
}

static void *run(void *context)
{
    struct worker *w = context;
    char name[PLATFORM_THREAD_NAME_MAX + 1];
    snprintf(name, sizeof name, "worker-%u", w->index);
    platform_thread_name(name);
    net_loop_run(&w->loop);
    return NULL;
}

bool worker_start(struct worker *w)
{
    return pthread_create(&w->thread, NULL, run, w) == 0;
}

void worker_join(struct worker *w)
{
    pthread_join(w->thread, NULL);
}

void worker_deinit(struct worker *w)
{
    if (!w->has_loop) return;
    timer_disarm(&w->loop.wheel, &w->sweep_timer);
    timer_disarm(&w->loop.wheel, &w->drain_timer);
    for (uint32_t i = 0; i < w->spare_call_count; i++) {
        api_call_deinit(&w->spare_calls[i]->api);
        mem_part_free(MEM_WORKERS, w->spare_calls[i]);
    }
    for (int i = 0; i < WORKER_LISTENER_COUNT; i++) net_tls_context_unref(w->listeners[i].tls);
    session_host_deinit(&w->host);
    engine_deinit(&w->engine);
    net_loop_deinit(&w->loop);
    buf_deinit(&w->answer);
    http_metrics_free(w->http_metrics);
}
