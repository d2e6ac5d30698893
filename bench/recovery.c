/* What does a client cost that comes back 50 publications behind? 1,000 clients that connect and recover from one
 * channel; the whole connect is in the figure, so compare it with that of bench_connect. */
#include <stdio.h>

#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_api.h"
#include "bench/lib/load_group.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"
#include "platform/platform_clock.h"

#define CLIENTS    1000
#define SLICES     8
#define SETTLE_NS  100000000u
#define TIMEOUT_MS 10000

static const struct bench_question question[] = {
    { .name = "recovery_50", .unit = "us CPU per client, with its connect" },
};

struct recovery {
    struct load_loop loop;
    struct load_group group;
    const struct server_process *server;
    uint64_t cpu_ns, recoveries;
};

static bool is_answered(void *context)
{
    const struct load_api *api = context;
    return api->answered == api->asked;
}

/* A first subscriber learns the epoch; then come the publications that the others will miss. */
static void prepare(struct recovery *r, const struct server_process *server)
{
    struct load_api api;
    struct load_api_options api_options = { .server = server, .name_space = WIRE_RECOVERY };
    load_group_grow(&r->group, 1);
    load_group_drop(&r->group);
    load_api_init(&api, &r->loop, &api_options);
    for (uint32_t i = 0; i < WIRE_RECOVERED; i++) {
        load_api_call(&api, 0, 0, 1, 1);
        if (!load_loop_until(&r->loop, is_answered, &api, TIMEOUT_MS)) bench_fail("publishes were not answered");
    }
    load_api_deinit(&api);
    r->group.recovers = true;
}

static void *open_recovery(const struct server_process *server, const struct bench_options *options)
{
    struct recovery *r = mem_must_alloc_zero(sizeof(*r));
    struct load_group_options group_options = {
        .server = server, .count_max = CLIENTS, .name_space = WIRE_RECOVERY, .one_channel = true
    };
    r->server = server;
    if (options->quick) group_options.count_max /= 4;
    if (load_loop_init(&r->loop) != STATUS_OK) bench_fail("no loop");
    load_group_init(&r->group, &r->loop, &group_options);
    prepare(r, server);
    return r;
}

static void run_slice(void *subject, uint32_t asked)
{
    struct recovery *r = subject;
    uint32_t clients = r->group.options.count_max;
    load_group_drop(&r->group);
    load_loop_sleep_until(&r->loop, platform_clock_ns() + SETTLE_NS); /* the server says good-bye to them first */
    uint64_t cpu_ns = server_cpu_ns(r->server), recovered = r->group.recovered;
    load_group_grow(&r->group, clients);
    r->cpu_ns += server_cpu_ns(r->server) - cpu_ns;
    r->recoveries += clients;
    if (r->group.recovered - recovered != (uint64_t)clients * WIRE_RECOVERED)
        bench_fail("%lu publications were recovered by %u clients", r->group.recovered - recovered, clients);
}

static double result(void *subject, uint32_t asked)
{
    const struct recovery *r = subject;
    return (double)r->cpu_ns / 1000 / (double)r->recoveries;
}

static void close_recovery(void *subject)
{
    struct recovery *r = subject;
    load_group_deinit(&r->group);
    load_loop_deinit(&r->loop);
    mem_free(r);
}

int main(int argc, char **argv)
{
    static const struct bench_work work = {
        .name = "recovery",
        .questions = question,
        .question_count = 1,
        .slice_count = SLICES,
        .open = open_recovery,
        .run_slice = run_slice,
        .result = result,
        .close = close_recovery,
    };
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 5);
    bench_pairs(&options, &work);
    return bench_exit_status(&options);
}
