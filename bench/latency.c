/* How long does a publish take until its subscriber has it, and what does it cost, at fixed rates? Over the HTTP API,
 * 500, 2,000 and 8,000 a second to 1,000 channels with a subscriber each. Open loop: a publish is due when the rate
 * says so, however slow the one before was. */
#include "base/check.h"
#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_publishers.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"

#define SLICES        8
#define SLICE_SECONDS 0.5

static const uint32_t rates[] = { 2000, 500, 8000 };
#define PER_RATE 4 /* questions: its cost, and three quantiles that read what the first has recorded */

#define TIME_QUESTION(name_, place_, ...)                                                                              \
    {                                                                                                                  \
        .name = (name_), .unit = "us from publish to delivery", .needs_client = true, .recorded_before = (place_),     \
        __VA_ARGS__                                                                                                    \
    }
static const struct bench_question questions[] = {
    { .name = "publish_2000_per_s", .unit = "us CPU per publish", .target = 1.5 },
    TIME_QUESTION("latency_p50", 1, .target = 1.4),
    TIME_QUESTION("latency_p99", 2, .target = 350, .without_floor = true),
    TIME_QUESTION("latency_p99.9", 3, .target = 0),
    { .name = "publish_500_per_s", .unit = "us CPU per publish" },
    TIME_QUESTION("latency_500_p50", 1, .target = 0),
    TIME_QUESTION("latency_500_p99", 2, .target = 0),
    TIME_QUESTION("latency_500_p99.9", 3, .target = 0),
    { .name = "publish_8000_per_s", .unit = "us CPU per publish" },
    TIME_QUESTION("latency_8000_p50", 1, .target = 0),
    TIME_QUESTION("latency_8000_p99", 2, .target = 0),
    TIME_QUESTION("latency_8000_p99.9", 3, .target = 0),
};

struct latency {
    struct load_loop loop;
    struct load_publishers load;
    const struct server_process *server;
    double seconds; /* of a slice */
    uint64_t cpu_ns[ARRAY_COUNT(rates)];
    struct load_histogram times[ARRAY_COUNT(rates)];
};

static void *open_latency(const struct server_process *server, const struct bench_options *options)
{
    struct latency *l = mem_must_alloc_zero(sizeof(*l));
    struct load_publishers_options load_options = { .server = server, .name_space = WIRE_LIVE };
    l->server = server;
    l->seconds = SLICE_SECONDS / (options->quick ? 4 : 1);
    if (load_loop_init(&l->loop) != STATUS_OK) bench_fail("no loop");
    load_publishers_init(&l->load, &l->loop, &load_options);
    return l;
}

static void run_slice(void *subject, uint32_t question)
{
    struct latency *l = subject;
    uint32_t rate = question / PER_RATE;
    if (question % PER_RATE != 0) return;
    uint64_t cpu_ns = server_cpu_ns(l->server);
    load_publishers_run_paced(&l->load, rates[rate], (uint32_t)(rates[rate] * l->seconds), &l->times[rate]);
    l->cpu_ns[rate] += server_cpu_ns(l->server) - cpu_ns;
}

static double result(void *subject, uint32_t question)
{
    static const double quantiles[PER_RATE] = { 0, 0.5, 0.99, 0.999 };
    struct latency *l = subject;
    const struct load_histogram *times = &l->times[question / PER_RATE];
    if (question % PER_RATE == 0) return (double)l->cpu_ns[question / PER_RATE] / 1000 / (double)times->count;
    return (double)load_histogram_quantile(times, quantiles[question % PER_RATE]) / 1000;
}

static void close_latency(void *subject)
{
    struct latency *l = subject;
    load_publishers_deinit(&l->load);
    load_loop_deinit(&l->loop);
    mem_free(l);
}

int main(int argc, char **argv)
{
    static const struct bench_work work = {
        .name = "latency",
        .questions = questions,
        .question_count = ARRAY_COUNT(questions),
        .slice_count = SLICES,
        .open = open_latency,
        .run_slice = run_slice,
        .result = result,
        .close = close_latency,
    };
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 5);
    bench_pairs(&options, &work);
    return bench_exit_status(&options);
}
