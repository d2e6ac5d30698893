/* What does a delivery cost the server? 1,000 subscribers of one channel; publishes one
 * at a time (each waits until all have the one before), and in bursts of 16 that arrive
 * pipelined in one write. */
#include "base/mem.h"
#include "bench/lib/load_api.h"
#include "bench/lib/load_client.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"

#define SUBSCRIBERS      1000
#define BURST            16
#define SLICES           16
#define ROUNDS_DEFAULT   25 /* in a slice */
#define WARM_UP_ROUNDS   20
#define ROUND_TIMEOUT_MS 10000

enum { SINGLES, BURSTS, QUESTION_COUNT };

static const struct bench_question questions[QUESTION_COUNT] = {
    [SINGLES] = { .name = "fanout_single", .unit = "us CPU per delivery", .target = 1.1 },
    [BURSTS] = { .name = "fanout_burst_16", .unit = "us CPU per delivery", .target = 1.2 },
};

struct fanout {
    struct load_loop loop;
    struct load_group group;
    struct load_api api;
    const struct server_process *server;
    uint32_t rounds; /* in a slice */
    uint64_t deliveries_wanted;
    uint64_t cpu_ns[QUESTION_COUNT], deliveries[QUESTION_COUNT];
};

static bool is_round_done(void *context)
{
    const struct fanout *f = context;
    return f->group.deliveries >= f->deliveries_wanted && f->api.answered == f->api.asked;
}

static void run_rounds(struct fanout *f, uint32_t rounds, uint32_t burst)
{
    for (uint32_t i = 0; i < rounds; i++) {
        f->deliveries_wanted += (uint64_t)SUBSCRIBERS * burst;
        load_api_publish(&f->api, 0, 0, 1, burst);
        if (!load_loop_until(&f->loop, is_round_done, f, ROUND_TIMEOUT_MS))
            load_fail("%lu of %lu deliveries came", f->group.deliveries, f->deliveries_wanted);
    }
    if (f->group.deliveries != f->deliveries_wanted) load_fail("more deliveries than publishes");
}

static void *open_fanout(const struct server_process *server, const struct bench_options *options)
{
    struct load_group_options group_options = {
        .port = server->port, .count_max = SUBSCRIBERS, .name_space = WIRE_LIVE, .one_channel = true
    };
    struct fanout *f = mem_must_alloc_zero(sizeof(*f));
    f->server = server;
    f->rounds = options->rounds != 0 ? options->rounds : ROUNDS_DEFAULT;
    load_loop_init(&f->loop);
    load_group_init(&f->group, &f->loop, &group_options);
    load_group_grow(&f->group, SUBSCRIBERS);
    load_api_init(&f->api, &f->loop, server->port, WIRE_LIVE);
    f->group.checks_payload = true;
    run_rounds(f, WARM_UP_ROUNDS, 1);
    run_rounds(f, WARM_UP_ROUNDS, BURST);
    f->group.checks_payload = false;
    return f;
}

static void run_slice(void *subject, uint32_t question)
{
    struct fanout *f = subject;
    uint32_t burst = question == BURSTS ? BURST : 1;
    uint32_t rounds = question == BURSTS ? (f->rounds + 1) / 2 : f->rounds;
    uint64_t cpu_ns = server_cpu_ns(f->server);
    run_rounds(f, rounds, burst);
    f->cpu_ns[question] += server_cpu_ns(f->server) - cpu_ns;
    f->deliveries[question] += (uint64_t)rounds * burst * SUBSCRIBERS;
}

static double result(void *subject, uint32_t question)
{
    const struct fanout *f = subject;
    return (double)f->cpu_ns[question] / 1000 / (double)f->deliveries[question];
}

static void close_fanout(void *subject)
{
    struct fanout *f = subject;
    load_api_deinit(&f->api);
    load_group_deinit(&f->group);
    load_loop_deinit(&f->loop);
    mem_free(f);
}

int main(int argc, char **argv)
{
    static const struct bench_work work = {
        .questions = questions,
        .question_count = QUESTION_COUNT,
        .slice_count = SLICES,
        .open = open_fanout,
        .run_slice = run_slice,
        .result = result,
        .close = close_fanout,
    };
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 5);
    bench_pairs(&options, &work);
    return bench_exit_status(&options);
}
