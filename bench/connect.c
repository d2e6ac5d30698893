/* What does a connect cost the server? TCP accept, upgrade, JWT, connect and subscribe to
 * a channel of its own, each step after the answer to the one before, 32 clients at a time. */
#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_group.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"
#include "platform/platform_clock.h"

#define WARM_UP_CONNECTIONS 500
#define SLICES              16
#define PER_SLICE_DEFAULT   300 /* the connections to all servers stay under the limit of 20,000 descriptors */

enum { CPU, RATE };

/* The second reads what the first has recorded. */
static const struct bench_question questions[] = {
    [CPU] = { .name = "connect", .unit = "us CPU per connect", .target = 1.4 },
    [RATE] = { .name = "connect_rate",
               .unit = "connects a second, client beside",
               .is_rate = true,
               .needs_client = true,
               .recorded_before = 1 },
};

struct connects {
    struct load_loop loop;
    struct load_group group;
    const struct server_process *server;
    uint32_t per_slice;
    uint64_t cpu_ns, wall_ns, connects;
};

static void *open_connects(const struct server_process *server, const struct bench_options *options)
{
    struct connects *c = mem_must_alloc_zero(sizeof(*c));
    c->server = server;
    c->per_slice = options->rounds != 0 ? options->rounds : PER_SLICE_DEFAULT / (options->quick ? 4 : 1);
    struct load_group_options group_options = { .server = server,
                                                .count_max = WARM_UP_CONNECTIONS + c->per_slice * SLICES,
                                                .name_space = WIRE_LIVE };
    if (load_loop_init(&c->loop) != STATUS_OK) bench_fail("no loop");
    load_group_init(&c->group, &c->loop, &group_options);
    load_group_grow(&c->group, WARM_UP_CONNECTIONS);
    return c;
}

static void run_slice(void *subject, uint32_t question)
{
    struct connects *c = subject;
    if (question != CPU) return;
    uint64_t cpu_ns = server_cpu_ns(c->server), wall_ns = platform_clock_ns();
    load_group_grow(&c->group, c->group.ready + c->per_slice);
    c->cpu_ns += server_cpu_ns(c->server) - cpu_ns;
    c->wall_ns += platform_clock_ns() - wall_ns;
    c->connects += c->per_slice;
}

static double result(void *subject, uint32_t question)
{
    const struct connects *c = subject;
    if (question == RATE) return (double)c->connects / ((double)c->wall_ns / 1e9);
    return (double)c->cpu_ns / 1000 / (double)c->connects;
}

static void close_connects(void *subject)
{
    struct connects *c = subject;
    load_group_deinit(&c->group);
    load_loop_deinit(&c->loop);
    mem_free(c);
}

int main(int argc, char **argv)
{
    static const struct bench_work work = {
        .name = "connect",
        .questions = questions,
        .question_count = 2,
        .slice_count = SLICES,
        .open = open_connects,
        .run_slice = run_slice,
        .result = result,
        .close = close_connects,
    };
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 5);
    bench_pairs(&options, &work);
    return bench_exit_status(&options);
}
