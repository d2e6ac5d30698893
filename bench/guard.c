/* The conversation whose instructions bench/guard.sh counts: 100 clients that connect one after the other, and
 * publishes over the HTTP API to the channel of all of them, each begun when the one before is answered and
 * everywhere. In lock-step, so that the server does the same work in the same turns of its loop each time.
 *
 * Use: bench_guard --server PROGRAM, the program being one that starts the server under valgrind. */
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_api.h"
#include "bench/lib/load_group.h"
#include "bench/lib/report.h"
#include "bench/lib/server_process.h"
#include "bench/lib/wire.h"

#define SUBSCRIBERS 100
#define PUBLISHES   100
/* A server under valgrind on a busy machine. */
#define ROUND_TIMEOUT_MS 60000

struct conversation {
    struct load_loop loop;
    struct load_group group;
    struct load_api api;
};

static bool is_everywhere(void *context)
{
    const struct conversation *c = context;
    return c->api.answered == c->api.asked && c->group.deliveries == c->api.asked * SUBSCRIBERS;
}

static void talk(struct conversation *c, const struct server_process *server, const char *name_space)
{
    struct load_group_options options = {
        .server = server, .count_max = SUBSCRIBERS, .in_flight = 1, .name_space = name_space, .one_channel = true
    };
    struct load_api_options api_options = { .server = server, .name_space = name_space };
    if (load_loop_init(&c->loop) != STATUS_OK) bench_fail("no loop");
    load_group_init(&c->group, &c->loop, &options);
    load_group_grow(&c->group, SUBSCRIBERS);
    load_api_init(&c->api, &c->loop, &api_options);
    c->group.checks_payload = true;
    for (uint32_t i = 0; i < PUBLISHES; i++) {
        load_api_call(&c->api, 0, 0, 1, 1);
        if (!load_loop_until(&c->loop, is_everywhere, c, ROUND_TIMEOUT_MS)) bench_fail("publish %u did not arrive", i);
    }
}

/* After the server has ended: it says good-bye to all in one turn, where connections that end by themselves would
 * be noticed in as many turns as it happens. */
static void forget(struct conversation *c)
{
    load_api_deinit(&c->api);
    load_group_deinit(&c->group);
    load_loop_deinit(&c->loop);
}

int main(int argc, char **argv)
{
    struct bench_options options;
    struct server_process server;
    struct conversation conversation = { 0 };
    bench_options_parse(&options, argc, argv, 1);
    struct server_options server_options = { .kind = SERVER_REAL, .path = options.server_path, .workers = 1 };
    server_start(&server, &server_options);
    talk(&conversation, &server, WIRE_LIVE);
    server_stop(&server);
    forget(&conversation);
    return 0;
}
