/* What does a publish cost the server, from an HTTP API request to the one subscriber of
 * its channel? 1,000 subscribers with a channel each; 8 API connections that publish to
 * the channels in turn: one request at a time on each, 16 pipelined, into channels with
 * history and recovery, and 2,000 a second, where the time to the delivery counts too. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bench/lib/load_api.h"
#include "bench/lib/load_client.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"

#define SUBSCRIBERS       1000
#define API_CONNECTIONS   8
#define PIPELINED         16
#define WARM_UP           4000
#define SLICES            16
#define PER_SLICE_DEFAULT 5000
#define PACED_PER_SECOND  2000
#define PACED_PER_SLICE   500
#define TIMEOUT_MS        60000

/* The questions; HISTORY has clients of its own, and the last two read what PACED has recorded. */
enum { SINGLE, PIPELINE, HISTORY, PACED, PACED_P50, PACED_P99, QUESTION_COUNT };

static const struct bench_question questions[QUESTION_COUNT] = {
    [SINGLE] = { .name = "publish_single", .unit = "us CPU per publish", .target = 1.22 },
    [PIPELINE] = { .name = "publish_pipelined_16", .unit = "us CPU per publish", .target = 1.45 },
    [HISTORY] = { .name = "publish_history", .unit = "us CPU per publish", .target = 1.3 },
    [PACED] = { .name = "publish_2000_per_s", .unit = "us CPU per publish", .target = 1.5 },
    [PACED_P50] = { .name = "latency_p50", .unit = "us from publish to delivery", .target = 1.4 },
    [PACED_P99] = { .name = "latency_p99",
                    .unit = "us from publish to delivery",
                    .target = 350,
                    .without_floor = true },
};

/* Subscribers and publishers of one namespace. */
struct load {
    struct load_loop loop;
    struct load_group group;
    struct load_api apis[API_CONNECTIONS];
    uint32_t pipelined;
    uint32_t next_channel;
    uint64_t asked, publishes_wanted;
};

static void ask_more(struct load *load, struct load_api *api)
{
    if (load->asked >= load->publishes_wanted || api->asked != api->answered) return;
    load_api_publish(api, load->next_channel, 1, SUBSCRIBERS, load->pipelined);
    load->next_channel = (load->next_channel + load->pipelined) % SUBSCRIBERS;
    load->asked += load->pipelined;
}

static void on_answers(struct load_api *api)
{
    ask_more(api->context, api);
}

static uint64_t answered(const struct load *load)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < API_CONNECTIONS; i++) sum += load->apis[i].answered;
    return sum;
}

static bool is_done(void *context)
{
    const struct load *load = context;
    return load->asked >= load->publishes_wanted && answered(load) == load->asked &&
           load->group.deliveries == load->asked;
}

/* Keeps each API connection busy until count more publishes are answered and delivered. */
static void run_busy(struct load *load, uint32_t count)
{
    load->publishes_wanted = load->asked + count;
    for (uint32_t i = 0; i < API_CONNECTIONS; i++) ask_more(load, &load->apis[i]);
    if (!load_loop_until(&load->loop, is_done, load, TIMEOUT_MS))
        load_fail("%lu of %lu publishes were answered", answered(load), load->asked);
}

static void load_start(struct load *load, uint16_t port, const char *name_space)
{
    struct load_group_options group_options = { .port = port, .count_max = SUBSCRIBERS, .name_space = name_space };
    *load = (struct load){ .pipelined = 1 };
    load_loop_init(&load->loop);
    load_group_init(&load->group, &load->loop, &group_options);
    load_group_grow(&load->group, SUBSCRIBERS);
    for (uint32_t i = 0; i < API_CONNECTIONS; i++) {
        load_api_init(&load->apis[i], &load->loop, port, name_space);
        load->apis[i].on_answers = on_answers;
        load->apis[i].context = load;
    }
    load->group.checks_payload = true;
    run_busy(load, WARM_UP);
    load->group.checks_payload = false;
}

static void load_end(struct load *load)
{
    for (uint32_t i = 0; i < API_CONNECTIONS; i++) load_api_deinit(&load->apis[i]);
    load_group_deinit(&load->group);
    load_loop_deinit(&load->loop);
}

struct publishes {
    struct load live, history;
    const struct server_process *server;
    uint32_t per_slice;
    uint64_t cpu_ns[QUESTION_COUNT], count[QUESTION_COUNT];
    uint64_t sent_ns[SUBSCRIBERS];
    uint64_t latencies_ns[PACED_PER_SLICE * SLICES];
};

static void *open_publishes(const struct server_process *server, const struct bench_options *options)
{
    struct publishes *p = mem_must_alloc_zero(sizeof(*p));
    p->server = server;
    p->per_slice = options->rounds != 0 ? options->rounds : PER_SLICE_DEFAULT;
    load_start(&p->live, server->port, WIRE_LIVE);
    load_start(&p->history, server->port, WIRE_HISTORY);
    p->live.group.sent_ns = p->sent_ns;
    p->live.group.latencies_ns = p->latencies_ns;
    p->live.group.latency_max = PACED_PER_SLICE * SLICES;
    return p;
}

/* One publish each half millisecond, on the API connections in turn. The client sleeps in
 * between, as clients do, so each delivery pays for waking it. */
static void run_paced(struct publishes *p, struct load *load, uint32_t count)
{
    uint64_t start_ns = load_now_ns();
    load->publishes_wanted = load->asked; /* on_answers() asks for nothing */
    for (uint32_t i = 0; i < count; i++) {
        load_loop_sleep_until(&load->loop, start_ns + (uint64_t)i * (1000000000 / PACED_PER_SECOND));
        p->sent_ns[load->next_channel] = load_now_ns();
        load_api_publish(&load->apis[i % API_CONNECTIONS], load->next_channel, 1, SUBSCRIBERS, 1);
        load->next_channel = (load->next_channel + 1) % SUBSCRIBERS;
        load->asked++;
    }
    if (!load_loop_until(&load->loop, is_done, load, TIMEOUT_MS)) load_fail("paced publishes were not all answered");
}

static void run_slice(void *subject, uint32_t question)
{
    struct publishes *p = subject;
    struct load *load = question == HISTORY ? &p->history : &p->live;
    uint64_t cpu_ns = server_cpu_ns(p->server), asked = load->asked;
    load->pipelined = question == PIPELINE ? PIPELINED : 1;
    if (question < PACED) run_busy(load, p->per_slice);
    if (question >= PACED && load->group.latency_count < load->group.latency_max) run_paced(p, load, PACED_PER_SLICE);
    p->cpu_ns[question] += server_cpu_ns(p->server) - cpu_ns;
    p->count[question] += load->asked - asked;
}

static int compare_u64(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static double result(void *subject, uint32_t question)
{
    struct publishes *p = subject;
    size_t latency_count = p->live.group.latency_count;
    if (question <= PACED) return (double)p->cpu_ns[question] / 1000 / (double)p->count[question];
    qsort(p->latencies_ns, latency_count, sizeof(uint64_t), compare_u64);
    return (double)p->latencies_ns[question == PACED_P50 ? latency_count / 2 : latency_count * 99 / 100] / 1000;
}

static void close_publishes(void *subject)
{
    struct publishes *p = subject;
    load_end(&p->live);
    load_end(&p->history);
    mem_free(p);
}

int main(int argc, char **argv)
{
    static const struct bench_work work = {
        .questions = questions,
        .question_count = QUESTION_COUNT,
        .slice_count = SLICES,
        .open = open_publishes,
        .run_slice = run_slice,
        .result = result,
        .close = close_publishes,
    };
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 5);
    bench_pairs(&options, &work);
    return bench_exit_status(&options);
}
