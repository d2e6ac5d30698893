/* What does it cost to ask who is present in a channel with 10,000 members? One call of the server API at a time. */
#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_api.h"
#include "bench/lib/load_group.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"

#define MEMBERS    10000
#define SLICES     8
#define PER_SLICE  20
#define TIMEOUT_MS 30000

static const struct bench_question question[] = {
    { .name = "presence_10000", .unit = "us CPU per call" },
};

struct presence {
    struct load_loop loop;
    struct load_group group;
    struct load_api api;
    const struct server_process *server;
    uint32_t per_slice;
    uint64_t cpu_ns, calls;
};

static bool is_answered(void *context)
{
    const struct load_api *api = context;
    return api->answered == api->asked;
}

static void *open_presence(const struct server_process *server, const struct bench_options *options)
{
    struct presence *p = mem_must_alloc_zero(sizeof(*p));
    struct load_group_options group_options = {
        .server = server, .count_max = MEMBERS, .name_space = WIRE_PRESENCE, .one_channel = true
    };
    struct load_api_options api_options = { .server = server, .name_space = WIRE_PRESENCE, .call = LOAD_CALL_PRESENCE };
    p->server = server;
    p->per_slice = options->rounds ? options->rounds : PER_SLICE / (options->quick ? 4 : 1);
    if (load_loop_init(&p->loop) != STATUS_OK) bench_fail("no loop");
    load_group_init(&p->group, &p->loop, &group_options);
    load_group_grow(&p->group, MEMBERS);
    load_api_init(&p->api, &p->loop, &api_options);
    return p;
}

static void run_slice(void *subject, uint32_t asked)
{
    struct presence *p = subject;
    uint64_t cpu_ns = server_cpu_ns(p->server);
    for (uint32_t i = 0; i < p->per_slice; i++) {
        load_api_call(&p->api, 0, 0, 1, 1);
        if (!load_loop_until(&p->loop, is_answered, &p->api, TIMEOUT_MS)) bench_fail("presence was not answered");
    }
    p->cpu_ns += server_cpu_ns(p->server) - cpu_ns;
    p->calls += p->per_slice;
}

static double result(void *subject, uint32_t asked)
{
    const struct presence *p = subject;
    return (double)p->cpu_ns / 1000 / (double)p->calls;
}

static void close_presence(void *subject)
{
    struct presence *p = subject;
    load_api_deinit(&p->api);
    load_group_deinit(&p->group);
    load_loop_deinit(&p->loop);
    mem_free(p);
}

int main(int argc, char **argv)
{
    static const struct bench_work work = {
        .name = "presence",
        .questions = question,
        .question_count = 1,
        .slice_count = SLICES,
        .one_after_other = true, /* descriptors */
        .open = open_presence,
        .run_slice = run_slice,
        .result = result,
        .close = close_presence,
    };
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 3);
    bench_pairs(&options, &work);
    return bench_exit_status(&options);
}
