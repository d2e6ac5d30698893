/* How much memory does an idle connection cost the server? The slope of its resident set between 1,000 and 15,000
 * connections, each authenticated: without a channel, with one and with ten of its own. With --idle-seconds also the
 * CPU that those with one cost while idle. By part: what one channel more takes is a tenth of the last difference. */
#include "base/check.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_group.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"
#include "platform/platform_clock.h"

#define FEW       1000
#define MANY      15000
#define MANY_TEN  6000 /* with ten channels each */
#define SETTLE_NS 1500000000u

enum { MEMORY, CPU };

static const struct bench_question one_questions[] = {
    [MEMORY] = { .name = "idle_memory", .unit = "KB of RSS per connection", .target = 1.0, .without_floor = true },
    [CPU] = { .name = "idle_cpu", .unit = "us CPU per connection and second", .target = 0.6, .without_floor = true },
};
static const struct bench_question none_question[] = {
    { .name = "idle_memory_no_channel", .unit = "KB of RSS per connection" },
};
static const struct bench_question ten_question[] = {
    { .name = "idle_memory_10_channels", .unit = "KB of RSS per connection", .without_floor = true },
};

struct idle {
    struct load_loop loop;
    struct load_group group;
    const struct server_process *server;
    uint64_t idle_ns;
    double results[2];
};

static struct idle *open_idle(const struct server_process *server, const struct bench_options *options,
                              struct load_group_options group_options)
{
    static struct idle idle;
    group_options.server = server;
    group_options.name_space = WIRE_LIVE;
    if (options->quick) group_options.count_max /= 3;
    idle = (struct idle){ .server = server, .idle_ns = (uint64_t)options->idle_seconds * 1000000000u };
    if (load_loop_init(&idle.loop) != STATUS_OK) bench_fail("no loop");
    load_group_init(&idle.group, &idle.loop, &group_options);
    return &idle;
}

static void *open_one(const struct server_process *server, const struct bench_options *options)
{
    return open_idle(server, options, (struct load_group_options){ .count_max = MANY });
}

static void *open_none(const struct server_process *server, const struct bench_options *options)
{
    return open_idle(server, options, (struct load_group_options){ .count_max = MANY, .subscribes_to_none = true });
}

static void *open_ten(const struct server_process *server, const struct bench_options *options)
{
    /* The floor knows one channel a connection. */
    uint32_t more = server->kind == SERVER_FLOOR ? 0 : 9;
    return open_idle(server, options, (struct load_group_options){ .count_max = MANY_TEN, .more_channels = more });
}

static double memory_at(struct idle *idle, uint32_t connections)
{
    load_group_grow(&idle->group, connections);
    load_loop_sleep_until(&idle->loop, platform_clock_ns() + SETTLE_NS);
    return (double)server_memory(idle->server).rss_bytes;
}

static void run_slice(void *subject, uint32_t question)
{
    struct idle *idle = subject;
    uint32_t many = idle->group.options.count_max;
    if (question == MEMORY) {
        double few_bytes = memory_at(idle, FEW);
        idle->results[MEMORY] = (memory_at(idle, many) - few_bytes) / (many - FEW) / 1024;
    } else {
        load_group_grow(&idle->group, many);
        uint64_t cpu_ns = server_cpu_ns(idle->server);
        load_loop_sleep_until(&idle->loop, platform_clock_ns() + idle->idle_ns);
        idle->results[CPU] =
            (double)(server_cpu_ns(idle->server) - cpu_ns) / 1000 / many / ((double)idle->idle_ns / 1e9);
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
    struct bench_work one = {
        .name = "idle_memory",
        .questions = one_questions,
        .question_count = options.idle_seconds != 0 ? 2 : 1,
        .slice_count = 1,
        .one_after_other = true,
        .open = open_one,
        .run_slice = run_slice,
        .result = result,
        .close = close_idle,
    };
    struct bench_work none = one, ten = one;
    none.questions = none_question;
    ten.questions = ten_question;
    none.question_count = ten.question_count = 1;
    none.open = open_none;
    ten.open = open_ten;
    bench_pairs(&options, &one);
    bench_pairs(&options, &none);
    bench_pairs(&options, &ten);
    return bench_exit_status(&options);
}
