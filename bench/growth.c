/* What do more workers bring, and what do they cost? With 1, 2 and 4 of them: the CPU of a delivery to one of 1,000
 * subscribers of a channel, that of a publish to one of 1,000 channels with a subscriber each, and how many of those a
 * second came through. The client is one thread of the same machine, and says so where it was the limit. */
#include "base/check.h"
#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_publishers.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"
#include "platform/platform_clock.h"

#define SUBSCRIBERS 1000
#define CHANNEL     (2 * LOAD_PUBLISHERS_SUBSCRIBERS)
#define PIPELINED   16
#define SLICES      8
#define FANOUTS     20
#define PUBLISHES   8000
#define TIMEOUT_MS  30000

enum { FANOUT, PUBLISH, RATE, QUESTION_COUNT };

/* RATE reads what PUBLISH has recorded. */
#define QUESTIONS(workers_)                                                                                            \
    {                                                                                                                  \
        [FANOUT] = { .name = "growth_fanout_workers_" workers_, .unit = "us CPU per delivery" },                       \
        [PUBLISH] = { .name = "growth_publish_workers_" workers_, .unit = "us CPU per publish" },                      \
        [RATE] = { .name = "growth_rate_workers_" workers_,                                                            \
                   .unit = "publishes a second, client beside",                                                        \
                   .is_rate = true,                                                                                    \
                   .recorded_before = 1,                                                                               \
                   .needs_client = true },                                                                             \
    }

static const struct {
    uint32_t workers;
    struct bench_question questions[QUESTION_COUNT];
} steps[] = {
    { 1, QUESTIONS("1") },
    { 2, QUESTIONS("2") },
    { 4, QUESTIONS("4") },
};

struct growth {
    struct load_loop loop;
    struct load_publishers load;
    struct load_group group;
    struct load_api api;
    const struct server_process *server;
    uint64_t cpu_ns[QUESTION_COUNT], wall_ns[QUESTION_COUNT], count[QUESTION_COUNT];
};

static void *open_growth(const struct server_process *server, const struct bench_options *options)
{
    struct growth *g = mem_must_alloc_zero(sizeof(*g));
    struct load_publishers_options load_options = { .server = server, .name_space = WIRE_LIVE };
    struct load_group_options group_options = { .server = server,
                                                .count_max = SUBSCRIBERS,
                                                .name_space = WIRE_LIVE,
                                                .one_channel = true,
                                                .first_channel = CHANNEL };
    struct load_api_options api_options = { .server = server, .name_space = WIRE_LIVE };
    g->server = server;
    if (load_loop_init(&g->loop) != STATUS_OK) bench_fail("no loop");
    load_publishers_init(&g->load, &g->loop, &load_options);
    g->load.pipelined = PIPELINED;
    load_group_init(&g->group, &g->loop, &group_options);
    load_group_grow(&g->group, SUBSCRIBERS);
    load_api_init(&g->api, &g->loop, &api_options);
    return g;
}

static bool is_everywhere(void *context)
{
    const struct growth *g = context;
    return g->group.deliveries >= g->api.asked * SUBSCRIBERS && g->api.answered == g->api.asked;
}

static uint64_t run_fanouts(struct growth *g)
{
    for (uint32_t i = 0; i < FANOUTS; i++) {
        load_api_call(&g->api, CHANNEL, 0, WIRE_CHANNELS_MAX, 1);
        if (!load_loop_until(&g->loop, is_everywhere, g, TIMEOUT_MS)) bench_fail("a publish did not arrive");
    }
    return (uint64_t)FANOUTS * SUBSCRIBERS;
}

static uint64_t run_publishes(struct growth *g)
{
    uint64_t asked = g->load.asked;
    load_publishers_run(&g->load, PUBLISHES);
    return g->load.asked - asked;
}

static void run_slice(void *subject, uint32_t question)
{
    struct growth *g = subject;
    if (question == RATE) return;
    uint64_t cpu_ns = server_cpu_ns(g->server), wall_ns = platform_clock_ns();
    g->count[question] += question == FANOUT ? run_fanouts(g) : run_publishes(g);
    g->cpu_ns[question] += server_cpu_ns(g->server) - cpu_ns;
    g->wall_ns[question] += platform_clock_ns() - wall_ns;
}

static double result(void *subject, uint32_t question)
{
    const struct growth *g = subject;
    if (question == RATE) return (double)g->count[PUBLISH] / ((double)g->wall_ns[PUBLISH] / 1e9);
    return (double)g->cpu_ns[question] / 1000 / (double)g->count[question];
}

static void close_growth(void *subject)
{
    struct growth *g = subject;
    load_api_deinit(&g->api);
    load_group_deinit(&g->group);
    load_publishers_deinit(&g->load);
    load_loop_deinit(&g->loop);
    mem_free(g);
}

int main(int argc, char **argv)
{
    struct bench_work work = {
        .name = "growth",
        .question_count = QUESTION_COUNT,
        .slice_count = SLICES,
        .open = open_growth,
        .run_slice = run_slice,
        .result = result,
        .close = close_growth,
    };
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 3);
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        options.workers = steps[i].workers;
        work.questions = steps[i].questions;
        bench_pairs(&options, &work);
    }
    return bench_exit_status(&options);
}
