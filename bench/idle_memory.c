/* How much memory does an idle connection cost the server? The slope of its resident
 * set between 1,000 and 15,000 connections, each authenticated and subscribed to a
 * channel of its own; with --idle-seconds also the CPU that they cost while idle. */
#include "bench/lib/load_client.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"

#define FEW       1000
#define MANY      15000
#define SETTLE_NS 1500000000u

enum { MEMORY, CPU };

static const struct bench_question questions[] = {
    [MEMORY] = { .name = "idle_memory", .unit = "KB of RSS per connection", .target = 1.5, .without_floor = true },
    [CPU] = { .name = "idle_cpu", .unit = "us CPU per connection and second", .target = 0.6, .without_floor = true },
};

struct idle {
    struct load_loop loop;
    struct load_group group;
    const struct server_process *server;
    uint64_t idle_ns;
    double results[2];
};

static void *open_idle(const struct server_process *server, const struct bench_options *options)
{
    static struct idle idle;
    struct load_group_options group_options = { .port = server->port, .count_max = MANY, .name_space = WIRE_LIVE };
    idle = (struct idle){ .server = server, .idle_ns = (uint64_t)options->idle_seconds * 1000000000u };
    load_loop_init(&idle.loop);
    load_group_init(&idle.group, &idle.loop, &group_options);
    return &idle;
}

static double memory_at(struct idle *idle, uint32_t connections)
{
    load_group_grow(&idle->group, connections);
    load_loop_sleep_until(&idle->loop, load_now_ns() + SETTLE_NS);
    return (double)server_memory(idle->server).rss_bytes;
}

static void run_slice(void *subject, uint32_t question)
{
    struct idle *idle = subject;
    if (question == MEMORY) {
        double few_bytes = memory_at(idle, FEW);
        idle->results[MEMORY] = (memory_at(idle, MANY) - few_bytes) / (MANY - FEW) / 1024;
    } else {
        load_group_grow(&idle->group, MANY);
        uint64_t cpu_ns = server_cpu_ns(idle->server);
        load_loop_sleep_until(&idle->loop, load_now_ns() + idle->idle_ns);
        idle->results[CPU] =
            (double)(server_cpu_ns(idle->server) - cpu_ns) / 1000 / MANY / ((double)idle->idle_ns / 1e9);
    }
}

static double result(void *subject, uint32_t question)
{
    return ((struct idle *)subject)->results[question];
}

static void close_idle(void *subject)
{
    struct idle *idle = subject;
    load_group_deinit(&idle->group);
    load_loop_deinit(&idle->loop);
}

int main(int argc, char **argv)
{
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 1);
    struct bench_work work = {
        .questions = questions,
        .question_count = options.idle_seconds != 0 ? 2 : 1,
        .slice_count = 1,
        .one_after_other = true,
        .open = open_idle,
        .run_slice = run_slice,
        .result = result,
        .close = close_idle,
    };
    bench_pairs(&options, &work);
    return bench_exit_status(&options);
}
