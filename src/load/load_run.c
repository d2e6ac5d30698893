#include "load/load_run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/mem.h"
#include "load/load_conn.h"
#include "platform/platform_clock.h"

#define SECOND_NS   1000000000u
#define PROGRESS_NS (SECOND_NS / 4)
/* After the last connection was due, and after the last publish was. */
#define READY_WAIT_NS ((uint64_t)15 * SECOND_NS)
#define DRAIN_NS      ((uint64_t)5 * SECOND_NS)
#define CHANNEL_LEN   256
#define ID_CONNECT    1

enum { CLIENT_NONE, CLIENT_OPENING, CLIENT_READY, CLIENT_ENDED };

struct client {
    struct load_conn conn;
    struct run *run;  /* borrowed */
    uint64_t due_ns;  /* when it was to be opened */
    uint32_t last_id; /* of its commands */
    uint32_t subscribed;
    uint8_t state;
};

struct run {
    const struct load_plan *plan;
    struct load_totals *totals;
    const struct load_watcher *watcher;
    struct load_loop loop;
    struct load_net net;
    struct client *clients;
    uint32_t *listeners; /* of each channel */
    char *payload;
    struct buf token;
    uint32_t next_publisher, opening;
    uint64_t phase_ns, progress_ns, cpu_ns, start_ns;
};

/* ---- what is counted ---- */

__attribute__((format(printf, 2, 3))) static void note_reason(struct load_totals *t, const char *format, ...)
{
    char reason[LOAD_REASON_LEN_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    for (uint32_t i = 0; i < t->reason_count; i++) {
        if (strcmp(t->reasons[i].text, reason) != 0) continue;
        t->reasons[i].count++;
        return;
    }
    if (t->reason_count == LOAD_REASONS_MAX) return;
    struct load_reason *fresh = &t->reasons[t->reason_count++];
    memcpy(fresh->text, reason, sizeof reason);
    fresh->count = 1;
}

static uint64_t own_cpu_ns(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * SECOND_NS +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
}

/* ---- one client ---- */

static struct client *client_of(struct load_conn *conn)
{
    return container_of(conn, struct client, conn);
}

static uint32_t channel_of(const struct client *c, uint32_t nth)
{
    const struct load_plan *plan = c->run->plan;
    return (uint32_t)(((uint64_t)c->conn.index * plan->subscriptions + nth) % plan->channels);
}

static struct slice channel_name(const struct run *run, uint32_t channel, char out[static CHANNEL_LEN])
{
    int len = snprintf(out, CHANNEL_LEN, "%s%u", run->plan->channel_prefix, channel);
    return slice_of(out, len < CHANNEL_LEN ? (size_t)len : CHANNEL_LEN - 1);
}

static void subscribe_next(struct client *c)
{
    char name[CHANNEL_LEN];
    struct load_subscribe s = { .channel = channel_name(c->run, channel_of(c, c->subscribed), name) };
    load_command_subscribe(load_conn_begin(&c->conn), c->run->plan->target->encoding, ++c->last_id, &s);
    load_conn_send(&c->conn);
}

static void become_ready(struct client *c)
{
    struct run *run = c->run;
    c->state = CLIENT_READY;
    run->opening--;
    run->totals->ready++;
    load_histogram_add(&run->totals->connect_times, platform_clock_ns() - c->due_ns);
}

static void leave_channels(struct client *c)
{
    for (uint32_t i = 0; i < c->subscribed; i++) c->run->listeners[channel_of(c, i)]--;
    c->subscribed = 0;
}

static void on_end(struct client *c)
{
    struct load_totals *t = c->run->totals;
    leave_channels(c);
    if (c->state == CLIENT_READY) {
        t->ready--;
        t->lost++;
    } else if (c->state == CLIENT_OPENING) {
        c->run->opening--;
        t->failed++;
    }
    c->state = CLIENT_ENDED;
}

static void on_closed(struct load_conn *conn, const struct load_end *end)
{
    struct client *c = client_of(conn);
    if (end->code)
        note_reason(c->run->totals, "closed with %u: %s", end->code, end->text);
    else
        note_reason(c->run->totals, "%s", end->text);
    on_end(c);
}

static void on_open(struct load_conn *conn)
{
    struct client *c = client_of(conn);
    struct run *run = c->run;
    buf_clear(&run->token);
    if (!load_tokens_append(run->plan->tokens, conn->index, &run->token))
        note_reason(run->totals, "a token could not be made");
    c->last_id = ID_CONNECT;
    load_command_connect(load_conn_begin(conn), run->plan->target->encoding, ID_CONNECT, buf_slice(&run->token));
    load_conn_send(conn);
}

/* An error before it is ready ends it: what is measured would be something else. */
static void on_error(struct client *c, const struct load_message *m)
{
    note_reason(c->run->totals, "error %u: %.*s", m->code, SLICE_ARG(m->text));
    if (c->state == CLIENT_READY) {
        c->run->totals->refused++;
        return;
    }
    load_conn_close(&c->conn, true);
    on_end(c);
}

static void on_reply(struct client *c)
{
    if (c->state == CLIENT_READY) {
        c->run->totals->acknowledged++;
        return;
    }
    if (c->last_id != ID_CONNECT) c->run->listeners[channel_of(c, c->subscribed++)]++;
    if (c->subscribed == c->run->plan->subscriptions)
        become_ready(c);
    else
        subscribe_next(c);
}

/* The moment that a publication was due stands in its payload: {"t":"0123456789abcdef",… */
static const struct slice time_member = SLICE("{\"t\":\"");
#define TIME_DIGITS 16

static void on_publication(struct run *run, struct slice data)
{
    char digits[TIME_DIGITS + 1] = "", *end;
    if (!slice_starts_with(data, time_member) || data.len < LOAD_PAYLOAD_LEN_MIN) return; /* somebody else's */
    memcpy(digits, data.ptr + time_member.len, TIME_DIGITS);
    uint64_t due_ns = strtoull(digits, &end, 16), now_ns = platform_clock_ns();
    if (end != digits + TIME_DIGITS || due_ns > now_ns || due_ns < run->start_ns) return;
    run->totals->deliveries++;
    load_histogram_add(&run->totals->delivery_times, now_ns - due_ns);
}

static void on_message(struct load_conn *conn, struct slice bytes)
{
    struct client *c = client_of(conn);
    enum load_encoding encoding = c->run->plan->target->encoding;
    struct load_message m;
    load_message_read(encoding, bytes, &m);
    switch (m.kind) {
    case LOAD_PING:
        load_command_pong(load_conn_begin(conn), encoding);
        load_conn_send(conn);
        break;
    case LOAD_PUBLICATION: on_publication(c->run, m.data); break;
    case LOAD_REPLY: on_reply(c); break;
    case LOAD_ERROR: on_error(c, &m); break;
    case LOAD_OTHER_PUSH: break;
    case LOAD_NONSENSE: note_reason(c->run->totals, "a message was not understood"); break;
    }
}

static const struct load_handler handler = { .on_open = on_open, .on_message = on_message, .on_closed = on_closed };

/* ---- the phases ---- */

static void begin_phase(struct run *run, enum load_phase phase)
{
    run->totals->phase = phase;
    run->phase_ns = platform_clock_ns();
    run->totals->elapsed_ns = 0;
}

/* Serves until then at the latest, and tells the watcher; false: it has had enough. */
static bool serve_until(struct run *run, uint64_t due_ns)
{
    load_loop_sleep_until(&run->loop, due_ns < run->progress_ns ? due_ns : run->progress_ns);
    uint64_t now_ns = platform_clock_ns();
    if (now_ns < run->progress_ns) return !run->totals->stopped;
    run->progress_ns = now_ns + PROGRESS_NS;
    struct load_totals *t = run->totals;
    t->elapsed_ns = now_ns - run->phase_ns;
    t->received_bytes = run->net.received_bytes;
    t->sent_bytes = run->net.sent_bytes;
    if (!run->watcher->on_progress(run->watcher->context, t)) t->stopped = true;
    return !t->stopped;
}

static void open_client(struct run *run, uint32_t index, uint64_t due_ns)
{
    struct client *c = &run->clients[index];
    run->totals->opened++;
    if (load_conn_open(&c->conn, &run->net, index) != STATUS_OK) {
        note_reason(run->totals, "%s", strerror(errno));
        run->totals->failed++;
        c->state = CLIENT_ENDED;
        return;
    }
    c->run = run;
    c->due_ns = due_ns;
    c->state = CLIENT_OPENING;
    run->opening++;
}

static void ramp(struct run *run)
{
    const struct load_plan *plan = run->plan;
    begin_phase(run, LOAD_RAMP);
    for (uint32_t i = 0; i < plan->connections; i++) {
        uint64_t due_ns = run->phase_ns + (uint64_t)((double)plan->ramp_ns * i / plan->connections);
        while (platform_clock_ns() < due_ns || run->opening >= LOAD_OPENING_MAX)
            if (!serve_until(run, platform_clock_ns() < due_ns ? due_ns : platform_clock_ns() + SECOND_NS / 100))
                return;
        open_client(run, i, due_ns);
    }
    uint64_t end_ns = platform_clock_ns() + READY_WAIT_NS;
    while (run->opening != 0 && platform_clock_ns() < end_ns)
        if (!serve_until(run, platform_clock_ns() + SECOND_NS / 100)) return;
    run->totals->ramp_ns = platform_clock_ns() - run->phase_ns;
}

static struct client *next_publisher(struct run *run)
{
    for (uint32_t tried = 0; tried < run->plan->connections; tried++) {
        struct client *c = &run->clients[run->next_publisher++ % run->plan->connections];
        if (c->state == CLIENT_READY) return c;
    }
    return NULL;
}

static void publish(struct run *run, uint64_t nth, uint64_t due_ns)
{
    struct client *c = next_publisher(run);
    char name[CHANNEL_LEN], digits[TIME_DIGITS + 1];
    if (!c) return;
    uint32_t channel = channel_of(c, (uint32_t)(nth / run->plan->connections % run->plan->subscriptions));
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)due_ns);
    memcpy(run->payload + time_member.len, digits, TIME_DIGITS);
    load_command_publish(load_conn_begin(&c->conn), run->plan->target->encoding, ++c->last_id,
                         channel_name(run, channel, name), slice_of(run->payload, run->plan->payload_len));
    load_conn_send(&c->conn);
    run->totals->published++;
    run->totals->deliveries_due += run->listeners[channel];
}

static void steady(struct run *run)
{
    const struct load_plan *plan = run->plan;
    uint64_t nth = 0;
    begin_phase(run, LOAD_STEADY);
    uint64_t start_ns = run->phase_ns, end_ns = start_ns + plan->duration_ns;
    for (;;) {
        uint64_t due_ns = end_ns;
        if (plan->publishes_per_s > 0) due_ns = start_ns + (uint64_t)((double)nth * SECOND_NS / plan->publishes_per_s);
        if (due_ns >= end_ns) break;
        while (platform_clock_ns() < due_ns)
            if (!serve_until(run, due_ns)) return;
        /* Late ones go in one turn, but not without looking at what comes in. */
        publish(run, nth++, due_ns);
        if (nth % 64 == 0 && !serve_until(run, 0)) return;
    }
    while (platform_clock_ns() < end_ns)
        if (!serve_until(run, end_ns)) return;
    run->totals->steady_ns = platform_clock_ns() - start_ns;
}

static bool is_drained(const struct load_totals *t)
{
    if (t->refused == t->published) return true; /* nothing is under way */
    return t->acknowledged + t->refused >= t->published && t->deliveries >= t->deliveries_due;
}

static void drain(struct run *run)
{
    begin_phase(run, LOAD_DRAIN);
    while (!is_drained(run->totals) && platform_clock_ns() < run->phase_ns + DRAIN_NS)
        if (!serve_until(run, platform_clock_ns() + SECOND_NS / 100)) return;
}

/* ---- the whole ---- */

static bool prepare(struct run *run)
{
    const struct load_plan *plan = run->plan;
    run->clients = mem_alloc_zero((size_t)plan->connections * sizeof(struct client));
    run->listeners = mem_alloc_zero((size_t)plan->channels * sizeof(uint32_t));
    run->payload = mem_alloc(plan->payload_len + 1);
    if (!run->clients || !run->listeners || !run->payload) return false;
    int len = snprintf(run->payload, plan->payload_len + 1, "{\"t\":\"%0*u\",\"p\":\"", TIME_DIGITS, 0u);
    memset(run->payload + len, 'x', plan->payload_len - (size_t)len);
    memcpy(run->payload + plan->payload_len - 2, "\"}", 2);
    return true;
}

static void end(struct run *run)
{
    for (uint32_t i = 0; run->clients && i < run->plan->connections; i++) load_conn_close(&run->clients[i].conn, true);
    mem_free(run->clients);
    mem_free(run->listeners);
    mem_free(run->payload);
    buf_deinit(&run->token);
    load_net_deinit(&run->net);
    load_loop_deinit(&run->loop);
}

enum status load_run(const struct load_plan *plan, const struct load_watcher *watcher, struct load_totals *totals)
{
    struct run run = { .plan = plan, .totals = totals, .watcher = watcher, .start_ns = platform_clock_ns() };
    CHECK(plan->connections > 0 && plan->channels > 0 && plan->subscriptions > 0);
    CHECK(plan->payload_len >= LOAD_PAYLOAD_LEN_MIN && plan->payload_len <= LOAD_PAYLOAD_LEN_MAX);
    *totals = (struct load_totals){ 0 };
    enum status status = load_loop_init(&run.loop);
    if (status != STATUS_OK) return status;
    load_net_init(&run.net, &run.loop, plan->target, &handler);
    buf_init(&run.token, BUF_NO_LIMIT);
    if (prepare(&run)) {
        uint64_t cpu_ns = own_cpu_ns();
        ramp(&run);
        if (!totals->stopped && totals->ready != 0) steady(&run);
        if (!totals->stopped) drain(&run);
        totals->received_bytes = run.net.received_bytes;
        totals->sent_bytes = run.net.sent_bytes;
        totals->cpu_share = (double)(own_cpu_ns() - cpu_ns) / (double)(platform_clock_ns() - run.start_ns);
    } else {
        status = STATUS_NO_MEMORY;
    }
    end(&run);
    return status;
}
