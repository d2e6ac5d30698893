/* What does a publish cost the server, until the one subscriber of its channel has it? 1,000 subscribers with a channel
 * each. Over the HTTP API on 8 connections: one request at a time on each, 16 pipelined, into channels with history and
 * recovery, 16 publishes in each request to the batch API; and by 8 clients at a time over their WebSockets. */
#include "base/mem.h"
#include "bench/lib/bench_fail.h"
#include "bench/lib/load_publishers.h"
#include "bench/lib/pairs.h"
#include "bench/lib/wire.h"

#define PIPELINED         16
#define BATCH             16
#define CLIENTS           1000
#define CLIENTS_AT_A_TIME 8
#define SLICES            16
#define PER_SLICE_DEFAULT 5000
#define ROUND_TIMEOUT_MS  30000

/* HISTORY, BATCHED and CLIENT have subscribers of their own. */
enum { SINGLE, PIPELINE, HISTORY, BATCHED, CLIENT, QUESTION_COUNT };

static const struct bench_question questions[QUESTION_COUNT] = {
    [SINGLE] = { .name = "publish_single", .unit = "us CPU per publish", .target = 1.22 },
    [PIPELINE] = { .name = "publish_pipelined_16", .unit = "us CPU per publish", .target = 1.45 },
    [HISTORY] = { .name = "publish_history", .unit = "us CPU per publish", .target = 1.3 },
    [BATCHED] = { .name = "publish_batch_16", .unit = "us CPU per publish" },
    [CLIENT] = { .name = "publish_by_client", .unit = "us CPU per publish" },
};

struct publishes {
    struct load_loop loop;
    struct load_publishers live, history, batched;
    struct load_group clients;
    uint32_t next_client;
    uint64_t clients_wanted;
    const struct server_process *server;
    uint32_t per_slice;
    uint64_t cpu_ns[QUESTION_COUNT], count[QUESTION_COUNT];
};

static void *open_publishes(const struct server_process *server, const struct bench_options *options)
{
    struct publishes *p = mem_must_alloc_zero(sizeof(*p));
    struct load_publishers_options live = { .server = server, .name_space = WIRE_LIVE }, history = live, batched = live;
    struct load_group_options clients = { .server = server, .count_max = CLIENTS, .name_space = WIRE_CLIENTS };
    p->server = server;
    p->per_slice = options->rounds != 0 ? options->rounds : PER_SLICE_DEFAULT / (options->quick ? 4 : 1);
    if (load_loop_init(&p->loop) != STATUS_OK) bench_fail("no loop");
    load_publishers_init(&p->live, &p->loop, &live);
    history.name_space = WIRE_HISTORY;
    load_publishers_init(&p->history, &p->loop, &history);
    batched.first_channel = LOAD_PUBLISHERS_SUBSCRIBERS; /* of the same namespace */
    batched.batch = BATCH;
    load_publishers_init(&p->batched, &p->loop, &batched);
    clients.first_channel = 2 * LOAD_PUBLISHERS_SUBSCRIBERS;
    load_group_init(&p->clients, &p->loop, &clients);
    load_group_grow(&p->clients, CLIENTS);
    return p;
}

static bool is_client_round_done(void *context)
{
    const struct publishes *p = context;
    return p->clients.answers >= p->clients_wanted && p->clients.deliveries >= p->clients_wanted;
}

static void run_clients(struct publishes *p, uint32_t count)
{
    for (uint32_t done = 0; done < count; done += CLIENTS_AT_A_TIME) {
        for (uint32_t i = 0; i < CLIENTS_AT_A_TIME; i++) {
            load_group_publish(&p->clients, p->next_client);
            p->next_client = (p->next_client + 1) % CLIENTS;
        }
        p->clients_wanted += CLIENTS_AT_A_TIME;
        if (!load_loop_until(&p->loop, is_client_round_done, p, ROUND_TIMEOUT_MS))
            bench_fail("publishes of clients were not all answered and delivered");
    }
}

static void run_slice(void *subject, uint32_t question)
{
    struct publishes *p = subject;
    struct load_publishers *load = question == HISTORY ? &p->history : question == BATCHED ? &p->batched : &p->live;
    uint64_t cpu_ns = server_cpu_ns(p->server), asked = load->asked;
    load->pipelined = question == PIPELINE ? PIPELINED : 1;
    if (question == CLIENT)
        run_clients(p, p->per_slice);
    else
        load_publishers_run(load, p->per_slice);
    p->cpu_ns[question] += server_cpu_ns(p->server) - cpu_ns;
    p->count[question] += question == CLIENT ? p->per_slice : load->asked - asked;
}

static double result(void *subject, uint32_t question)
{
    const struct publishes *p = subject;
    return (double)p->cpu_ns[question] / 1000 / (double)p->count[question];
}

static void close_publishes(void *subject)
{
    struct publishes *p = subject;
    load_publishers_deinit(&p->live);
    load_publishers_deinit(&p->history);
    load_publishers_deinit(&p->batched);
    load_group_deinit(&p->clients);
    load_loop_deinit(&p->loop);
    mem_free(p);
}

int main(int argc, char **argv)
{
    static const struct bench_work work = {
        .name = "publish",
        .questions = questions,
        .question_count = QUESTION_COUNT,
        .slice_count = SLICES,
        .open = open_publishes,
        .run_slice = run_slice,
        .result = result,
        .close = close_publishes,
    };
    struct bench_options options;
    bench_options_parse(&options, argc, argv, 5);
    bench_pairs(&options, &work);
    return bench_exit_status(&options);
}
