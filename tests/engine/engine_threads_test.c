/* Two workers on two threads: clients come and go, publish and are acted upon, and each hears a stream without a
 * gap or a duplicate. Half of them have deltas, which both workers make at the same time. Meant for the thread
 * sanitizer too. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/support/engine_rig.h"

#include "base/mem.h"
#include "engine/survey.h"

#define PUBLISH(n)                                                                                                     \
    "{\"id\":4,\"publish\":{\"channel\":\"public:t\",\"data\":\"" #n " of a text of which most stays as it is\"}}"

enum { ROUNDS = 400, OWN = RIG_CLIENTS / RIG_WORKERS };

struct worker_thread {
    struct rig *rig;
    uint32_t worker;
    const char *connect; /* a command with a token */
    pthread_barrier_t *end;
    unsigned heard, deltas;
    const char *wrong;
};

static struct engine *engine_of(struct worker_thread *t)
{
    return &t->rig->workers[t->worker].engine;
}

static void work(struct worker_thread *t)
{
    (void)mailbox_drain(&t->rig->boxes[t->worker], 64);
    (void)engine_turn(engine_of(t));
    for (uint32_t i = 0; i < OWN; i++) {
        struct rig_client *c = &t->rig->clients[t->worker * OWN + i];
        if (c->in_use && c->ended) client_gone(&c->client);
    }
}

/* What one connection has heard of the channel is one unbroken stream. */
static void check(struct worker_thread *t, const struct rig_client *c)
{
    uint64_t last = 0;
    for (const char *at = c->out.ptr; at && (at = strstr(at, "\"pub\":{")) != NULL;) {
        at = strstr(at, "\"offset\":");
        if (!at) break;
        uint64_t offset = strtoull(at + 9, NULL, 10);
        if (last && offset != last + 1) t->wrong = "a stream has a gap or a duplicate";
        last = offset;
        t->heard++;
        at += strcspn(at, ",}");
        if (strncmp(at, ",\"delta\":true", 13) == 0) t->deltas++;
    }
    if (c->out.ptr && strstr(c->out.ptr, "\"error\"")) t->wrong = "a command was answered with an error";
}

static void begin(struct worker_thread *t, uint32_t slot)
{
    struct rig_client *c = rig_open_at(t->rig, t->worker, slot);
    rig_say_only(t->rig, c, t->connect);
    rig_say_only(t->rig, c,
                 slot % 2 ? "{\"id\":2,\"subscribe\":{\"channel\":\"public:t\",\"delta\":\"fossil\"}}"
                          : "{\"id\":2,\"subscribe\":{\"channel\":\"public:t\"}}");
    rig_say_only(t->rig, c, "{\"id\":3,\"subscribe\":{\"channel\":\"members:t\"}}");
}

static void act(struct worker_thread *t, unsigned round)
{
    static const struct slice channel = { "members:t", 9 };
    struct effect_request request = { .kind = round % 3 == 0   ? EFFECT_SUBSCRIBE
                                              : round % 3 == 1 ? EFFECT_UNSUBSCRIBE
                                                               : EFFECT_REFRESH,
                                      .user = SLICE("ann"),
                                      .channel = channel };
    enum status status;
    (void)engine_effect_start(engine_of(t), &request, (struct handle){ .worker = t->worker }, 0, &status);
}

/* Nobody waits for what it finds. */
static void survey(struct worker_thread *t, unsigned round)
{
    const struct survey_request request = { .kind = round % 4, .user = SLICE("ann"), .limit = 3 };
    struct survey *s = survey_start(engine_of(t), &request, (struct handle){ .worker = t->worker }, 0);
    if (s)
        survey_release(s);
    else
        t->wrong = "memory is out";
}

static void *run(void *context)
{
    struct worker_thread *t = context;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t slot = t->worker * OWN + round % OWN;
        struct rig_client *c = &t->rig->clients[slot];
        if (c->in_use) {
            check(t, c);
            rig_drop(c);
        }
        begin(t, slot);
        rig_say_only(t->rig, &t->rig->clients[slot], round % 2 ? PUBLISH(1) : PUBLISH(2));
        if (round % 8 == 0) act(t, round / 8);
        if (round % 4 == 1) survey(t, round / 4);
        if (round % 16 == 0 && !events_listen(&t->rig->shared.events, EVENTS_OF_PROJECT, SLICE("proj_default")))
            t->wrong = "nobody more may listen";
        if (round % 16 == 15) events_unlisten(&t->rig->shared.events, EVENTS_OF_PROJECT, SLICE("proj_default"));
        work(t);
    }
    /* effects may still cross: both work on until nobody begins another */
    pthread_barrier_wait(t->end);
    for (int i = 0; i < 200; i++) work(t);
    pthread_barrier_wait(t->end);
    for (int i = 0; i < 200; i++) work(t);
    return NULL;
}

/* The rig's own walk looks at clients of both workers. */
static struct client *own_next(void *context, uint32_t *slot)
{
    struct rig_worker *w = context;
    for (; *slot < OWN; ++*slot) {
        struct rig_client *c = &w->rig->clients[w->engine.index * OWN + *slot];
        if (!c->in_use || c->client.gone) continue;
        ++*slot;
        return &c->client;
    }
    return NULL;
}

static void with_deltas(struct policy_deployment *d)
{
    for (size_t i = 0; i < d->namespace_count; i++)
        d->namespaces[i].options.allow_delta_fossil = d->namespaces[i].options.delta_publish = true;
}

static void streams_stay_whole_while_everything_comes_and_goes(void **state)
{
    (void)state;
    struct rig *r = rig_new(RIG_WORKERS, with_deltas);
    struct worker_thread threads[RIG_WORKERS];
    pthread_t ids[RIG_WORKERS];
    pthread_barrier_t end;
    static char connect[1024];
    (void)snprintf(connect, sizeof connect, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}",
                   rig_token("{\"sub\":\"ann\"}"));
    assert_true(events_listen(&r->shared.events, EVENTS_OF_PROJECT, SLICE("proj_default"))); /* both tell of all */
    assert_int_equal(pthread_barrier_init(&end, NULL, RIG_WORKERS), 0);
    for (uint32_t i = 0; i < RIG_WORKERS; i++) {
        threads[i] = (struct worker_thread){ .rig = r, .worker = i, .connect = connect, .end = &end };
        r->workers[i].engine.worker.client_next = own_next;
        assert_int_equal(pthread_create(&ids[i], NULL, run, &threads[i]), 0);
    }
    for (uint32_t i = 0; i < RIG_WORKERS; i++) {
        pthread_join(ids[i], NULL);
        if (threads[i].wrong) fail_msg("worker %u: %s", i, threads[i].wrong);
        print_message("  worker %u: %u publications heard, %u as deltas\n", i, threads[i].heard, threads[i].deltas);
        assert_true(threads[i].heard > ROUNDS && threads[i].deltas > 0);
    }
    events_unlisten(&r->shared.events, EVENTS_OF_PROJECT, SLICE("proj_default"));
    pthread_barrier_destroy(&end);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(streams_stay_whole_while_everything_comes_and_goes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
