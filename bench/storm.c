/* How does the server stand it when 15,000 clients lose it at once and all come back as fast as they can? The time
 * until the last one is there, until half and 99 percent of them were, counted from each one's first byte, and the CPU
 * of each: the good-byes are in it. */
#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_group.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"
#include "platform/platform_clock.h"

#define CLIENTS 15000
/* More are refused at the door of a listener: its queue is as long. */
#define AT_A_TIME 2000

enum { CPU, SECONDS, P50, P99, QUESTION_COUNT };

/* The others read what the first has recorded. */
static const struct bench_question questions[QUESTION_COUNT] = {
    [CPU] = { .name = "storm_cpu", .unit = "us CPU per reconnect" },
    [SECONDS] = { .name = "storm_seconds",
                  .unit = "s until 15,000 are back",
                  .recorded_before = 1,
                  .needs_client = true },
    [P50] = { .name = "storm_p50", .unit = "ms to be back", .recorded_before = 2, .needs_client = true },
    [P99] = { .name = "storm_p99", .unit = "ms to be back", .recorded_before = 3, .needs_client = true },
};

struct storm {
    struct load_loop loop;
    struct load_group group;
    const struct server_process *server;
    struct load_histogram times;
    uint64_t cpu_ns, wall_ns;
};

static void *open_storm(const struct server_process *server, const struct bench_options *options)
{
    struct storm *s = mem_must_alloc_zero(sizeof(*s));
    struct load_group_options group_options = {
        .server = server, .count_max = CLIENTS, .name_space = WIRE_LIVE, .in_flight = AT_A_TIME
    };
    s->server = server;
    if (options->quick) group_options.count_max /= 4;
    if (load_loop_init(&s->loop) != STATUS_OK) bench_fail("no loop");
    load_group_init(&s->group, &s->loop, &group_options);
    load_group_grow(&s->group, group_options.count_max);
    return s;
}

static void run_slice(void *subject, uint32_t question)
{
    struct storm *s = subject;
    if (question != CPU) return;
    uint64_t cpu_ns = server_cpu_ns(s->server), wall_ns = platform_clock_ns();
    s->group.connect_times = &s->times;
    load_group_drop(&s->group);
    load_group_grow(&s->group, s->group.options.count_max);
    s->cpu_ns = server_cpu_ns(s->server) - cpu_ns;
    s->wall_ns = platform_clock_ns() - wall_ns;
}

static double result(void *subject, uint32_t question)
{
    const struct storm *s = subject;
    switch (question) {
    case CPU: return (double)s->cpu_ns / 1000 / s->group.options.count_max;
    case SECONDS: return (double)s->wall_ns / 1e9;
    case P50: return (double)load_histogram_quantile(&s->times, 0.5) / 1e6;
    default: return (double)load_histogram_quantile(&s->times, 0.99) / 1e6;
    }
}

static void close_storm(void *subject)
{
    struct storm *s = subject;
    load_group_deinit(&s->group);
    load_loop_deinit(&s->loop);
    mem_free(s);
}

int main(int argc, char **argv)
{
    static const struct bench_work work = {
        .name = "storm",
        .questions = questions,
        .question_count = QUESTION_COUNT,
        .slice_count = 1,
        .one_after_other = true, /* descriptors */
        .open = open_storm,
        .run_slice = run_slice,
        .result = result,
        .close = close_storm,
    };
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 3);
    bench_pairs(&options, &work);
    return bench_exit_status(&options);
}
