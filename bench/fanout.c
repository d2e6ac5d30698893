/* What does a delivery cost the server? Channels with 10, 100, 1,000 and 10,000 subscribers; publishes one at a time
 * (each waits until all have the one before), and in bursts of 16 that arrive pipelined in one write. With 1,000 also
 * in Protobuf, with permessage-deflate and over TLS. */
#include "base/check.h"
#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_api.h"
#include "bench/lib/load_group.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"

#define BURST            16
#define SLICES           16
#define DELIVERIES       25000 /* in a slice, of the standard channel */
#define ROUNDS_MAX       250
#define WARM_UP_ROUNDS   10
#define ROUND_TIMEOUT_MS 30000

/* A channel and those who listen to it. The floor can compress for channel 0 only. */
struct audience {
    uint32_t subscribers, channel;
    enum load_encoding encoding;
    bool deflates;
};

static const struct audience audiences[] = {
    { 1000, 1, LOAD_JSON, false },     { 10, 2, LOAD_JSON, false },  { 100, 3, LOAD_JSON, false },
    { 1000, 4, LOAD_PROTOBUF, false }, { 1000, 0, LOAD_JSON, true },
};
static const struct audience big_audience[] = { { 10000, 1, LOAD_JSON, false } };
static const struct audience tls_audience[] = { { 1000, 1, LOAD_JSON, false } };

static const struct bench_question questions[] = {
    { .name = "fanout_single", .unit = "us CPU per delivery", .target = 1.0 },
    { .name = "fanout_burst_16", .unit = "us CPU per delivery", .target = 1.2 },
    { .name = "fanout_10_single", .unit = "us CPU per delivery" },
    { .name = "fanout_10_burst_16", .unit = "us CPU per delivery" },
    { .name = "fanout_100_single", .unit = "us CPU per delivery" },
    { .name = "fanout_100_burst_16", .unit = "us CPU per delivery" },
    { .name = "fanout_protobuf_single", .unit = "us CPU per delivery" },
    { .name = "fanout_protobuf_burst_16", .unit = "us CPU per delivery" },
    { .name = "fanout_deflate_single", .unit = "us CPU per delivery" },
    { .name = "fanout_deflate_burst_16", .unit = "us CPU per delivery" },
};
static const struct bench_question big_questions[] = {
    { .name = "fanout_10000_single", .unit = "us CPU per delivery" },
    { .name = "fanout_10000_burst_16", .unit = "us CPU per delivery" },
};
/* The floor is without TLS: the ratio is what TLS adds, too. */
static const struct bench_question tls_questions[] = {
    { .name = "fanout_tls_single", .unit = "us CPU per delivery" },
    { .name = "fanout_tls_burst_16", .unit = "us CPU per delivery" },
};

struct fanout {
    struct load_loop loop;
    const struct audience *audiences;
    uint32_t audience_count;
    struct load_group groups[ARRAY_COUNT(audiences)];
    struct load_api api;
    const struct server_process *server;
    uint32_t deliveries_per_slice;
    struct load_group *waited_for;
    uint64_t deliveries_wanted;
    uint64_t cpu_ns[BENCH_QUESTIONS_MAX], deliveries[BENCH_QUESTIONS_MAX];
};

static bool is_round_done(void *context)
{
    const struct fanout *f = context;
    return f->waited_for->deliveries >= f->deliveries_wanted && f->api.answered == f->api.asked;
}

static void run_rounds(struct fanout *f, uint32_t audience, uint32_t rounds, uint32_t burst)
{
    struct load_group *group = f->waited_for = &f->groups[audience];
    f->deliveries_wanted = group->deliveries;
    for (uint32_t i = 0; i < rounds; i++) {
        f->deliveries_wanted += (uint64_t)f->audiences[audience].subscribers * burst;
        load_api_call(&f->api, f->audiences[audience].channel, 0, WIRE_CHANNELS_MAX, burst);
        if (!load_loop_until(&f->loop, is_round_done, f, ROUND_TIMEOUT_MS))
            bench_fail("%lu of %lu deliveries came", group->deliveries, f->deliveries_wanted);
    }
    if (group->deliveries != f->deliveries_wanted) bench_fail("more deliveries than publishes");
}

static void open_audience(struct fanout *f, uint32_t index)
{
    const struct audience *a = &f->audiences[index];
    struct load_group *group = &f->groups[index];
    struct load_group_options options = {
        .server = f->server,
        .count_max = a->subscribers,
        .name_space = WIRE_LIVE,
        .one_channel = true,
        .first_channel = a->channel,
        .encoding = a->encoding,
        .deflates = a->deflates,
    };
    load_group_init(group, &f->loop, &options);
    load_group_grow(group, a->subscribers);
    group->checks_payload = true;
    run_rounds(f, index, WARM_UP_ROUNDS, 1);
    run_rounds(f, index, WARM_UP_ROUNDS, BURST);
    group->checks_payload = false;
}

static void *open_fanout(const struct server_process *server, const struct bench_options *options,
                         const struct audience *those, uint32_t count)
{
    struct load_api_options api_options = { .server = server, .name_space = WIRE_LIVE };
    struct fanout *f = mem_must_alloc_zero(sizeof(*f));
    f->server = server;
    f->audiences = those;
    f->audience_count = count;
    f->deliveries_per_slice = options->rounds != 0 ? options->rounds * 1000 : DELIVERIES / (options->quick ? 4 : 1);
    if (load_loop_init(&f->loop) != STATUS_OK) bench_fail("no loop");
    load_api_init(&f->api, &f->loop, &api_options);
    for (uint32_t i = 0; i < count; i++) open_audience(f, i);
    return f;
}

static void *open_standard(const struct server_process *server, const struct bench_options *options)
{
    return open_fanout(server, options, audiences, ARRAY_COUNT(audiences));
}

static void *open_big(const struct server_process *server, const struct bench_options *options)
{
    return open_fanout(server, options, big_audience, 1);
}

static void *open_tls(const struct server_process *server, const struct bench_options *options)
{
    return open_fanout(server, options, tls_audience, 1);
}

/* Two questions for each audience: singly, and in bursts. */
static void run_slice(void *subject, uint32_t question)
{
    struct fanout *f = subject;
    uint32_t audience = question / 2, burst = question % 2 ? BURST : 1,
             subscribers = f->audiences[audience].subscribers;
    uint32_t rounds = f->deliveries_per_slice / subscribers / (burst > 1 ? 2 : 1) + 1;
    if (rounds > ROUNDS_MAX) rounds = ROUNDS_MAX;
    uint64_t cpu_ns = server_cpu_ns(f->server);
    run_rounds(f, audience, rounds, burst);
    f->cpu_ns[question] += server_cpu_ns(f->server) - cpu_ns;
    f->deliveries[question] += (uint64_t)rounds * burst * subscribers;
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
    for (uint32_t i = 0; i < f->audience_count; i++) load_group_deinit(&f->groups[i]);
    load_loop_deinit(&f->loop);
    mem_free(f);
}

int main(int argc, char **argv)
{
    struct bench_work work = {
        .name = "fanout",
        .questions = questions,
        .question_count = ARRAY_COUNT(questions),
        .slice_count = SLICES,
        .open = open_standard,
        .run_slice = run_slice,
        .result = result,
        .close = close_fanout,
    };
    struct bench_work big = work, tls = work;
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 5);
    bench_pairs(&options, &work);
    big.questions = big_questions;
    big.question_count = ARRAY_COUNT(big_questions);
    big.open = open_big;
    big.one_after_other = true; /* descriptors */
    bench_pairs(&options, &big);
    tls.questions = tls_questions;
    tls.question_count = ARRAY_COUNT(tls_questions);
    tls.open = open_tls;
    tls.tls = true;
    bench_pairs(&options, &tls);
    return bench_exit_status(&options);
}
