#include "bench/lib/load_publishers.h"

#include <string.h>

#include "bench/lib/bench_fail.h"
#include "bench/lib/wire.h"
#include "platform/platform_clock.h"

#define WARM_UP    4000
#define TIMEOUT_MS 60000

static void ask_more(struct load_publishers *p, struct load_api *api)
{
    uint32_t publishes = p->pipelined * p->batch;
    if (p->next_channel + publishes > LOAD_PUBLISHERS_SUBSCRIBERS) p->next_channel = 0;
    if (p->asked >= p->wanted || api->asked != api->answered) return;
    load_api_call(api, p->first_channel + p->next_channel, 1, WIRE_CHANNELS_MAX, p->pipelined);
    p->next_channel = (p->next_channel + publishes) % LOAD_PUBLISHERS_SUBSCRIBERS;
    p->asked += publishes;
}

static void on_answers(struct load_api *api)
{
    ask_more(api->context, api);
}

static uint64_t answered(const struct load_publishers *p)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < LOAD_PUBLISHERS_APIS; i++) sum += p->apis[i].answered;
    return sum * p->batch;
}

static bool is_done(void *context)
{
    const struct load_publishers *p = context;
    return p->asked >= p->wanted && answered(p) == p->asked && p->group.deliveries == p->asked;
}

void load_publishers_run(struct load_publishers *p, uint32_t count)
{
    p->wanted = p->asked + count;
    for (uint32_t i = 0; i < LOAD_PUBLISHERS_APIS; i++) ask_more(p, &p->apis[i]);
    if (!load_loop_until(p->loop, is_done, p, TIMEOUT_MS))
        bench_fail("%lu of %lu publishes were answered", answered(p), p->asked);
}

void load_publishers_run_paced(struct load_publishers *p, uint32_t per_second, uint32_t count,
                               struct load_histogram *times)
{
    uint64_t start_ns = platform_clock_ns();
    p->wanted = p->asked; /* on_answers() asks for nothing */
    p->group.sent_ns = p->sent_ns;
    p->group.times = times;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t due_ns = start_ns + (uint64_t)i * 1000000000 / per_second;
        load_loop_sleep_until(p->loop, due_ns);
        if (p->sent_ns[p->next_channel] == 0) p->sent_ns[p->next_channel] = due_ns;
        load_api_call(&p->apis[i % LOAD_PUBLISHERS_APIS], p->first_channel + p->next_channel, 0, WIRE_CHANNELS_MAX, 1);
        p->next_channel = (p->next_channel + 1) % LOAD_PUBLISHERS_SUBSCRIBERS;
        p->asked++;
    }
    if (!load_loop_until(p->loop, is_done, p, TIMEOUT_MS)) bench_fail("paced publishes were not all answered");
    memset(p->sent_ns, 0, sizeof p->sent_ns);
    p->group.sent_ns = NULL;
}

void load_publishers_init(struct load_publishers *p, struct load_loop *loop,
                          const struct load_publishers_options *options)
{
    struct load_group_options group_options = {
        .server = options->server,
        .count_max = LOAD_PUBLISHERS_SUBSCRIBERS,
        .name_space = options->name_space,
        .first_channel = options->first_channel,
    };
    struct load_api_options api_options = {
        .server = options->server,
        .name_space = options->name_space,
        .call = options->batch ? LOAD_CALL_BATCH : LOAD_CALL_PUBLISH,
        .batch = options->batch,
    };
    *p = (struct load_publishers){ .loop = loop,
                                   .pipelined = 1,
                                   .first_channel = options->first_channel,
                                   .batch = options->batch ? options->batch : 1 };
    load_group_init(&p->group, loop, &group_options);
    load_group_grow(&p->group, LOAD_PUBLISHERS_SUBSCRIBERS);
    for (uint32_t i = 0; i < LOAD_PUBLISHERS_APIS; i++) {
        load_api_init(&p->apis[i], loop, &api_options);
        p->apis[i].on_answers = on_answers;
        p->apis[i].context = p;
    }
    p->group.checks_payload = true;
    load_publishers_run(p, WARM_UP);
    p->group.checks_payload = false;
}

void load_publishers_deinit(struct load_publishers *p)
{
    for (uint32_t i = 0; i < LOAD_PUBLISHERS_APIS; i++) load_api_deinit(&p->apis[i]);
    load_group_deinit(&p->group);
}
