/* Order is the recovery protocol: four workers with real mailboxes publish, subscribe,
 * leave, come back and recover at random. Each follower's stream must be gapless,
 * free of duplicates and in order, on the memory broker and on the delayed one, with
 * calm mailboxes and with such as go over both water marks. Channels of half of them are
 * marked: there each worker makes the delta itself, at the same time as the others. */
#include "base/support/cm.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/support/random.h"
#include "broker/delayed/delayed_broker.h"
#include "broker/memory/memory_broker.h"
#include "broker/publication_delta.h"
#include "delta/support/delta_decoder.c" /* not of the product: no library has it */

#define WORKERS     4
#define CHANNELS    6
#define FOLLOWERS   2 /* per worker and channel */
#define STEPS       8000
#define PENDING_MAX 64
#define SPACE       1
#define NOW_MS      1000

/* What a publication says, and enough that stays for a delta to be shorter. */
struct content {
    uint32_t publisher, number;
    char fill[64];
};

enum follower_state { OFF, JOINING, ON };

struct event {
    uint64_t seq, offset;
    uint32_t publisher, number;
    char epoch[BROKER_EPOCH_MAX];
};

/* What a session would know of its subscription. */
struct follower {
    enum follower_state state;
    bool has_position;
    struct broker_position position;
    uint64_t covered, last_seq;
    uint32_t last_number[WORKERS]; /* of each publisher */
    struct event *waiting;         /* came while joining or regaining */
    uint32_t waiting_count, waiting_cap;
};

struct worker {
    struct mailbox box;
    struct world *world;
    uint32_t index;
    pthread_t thread;
    struct random random;
    struct mailbox_wakes wakes;
    struct follower followers[CHANNELS][FOLLOWERS];
    uint32_t regaining[CHANNELS];
    uint32_t next_number[CHANNELS];
    uint64_t published[CHANNELS]; /* that got an offset */
    uint32_t pending;
    /* totals */
    uint64_t delivered, deltas, refused, gaps, recovered, not_recovered, errors;
    const char *error;
};

struct world {
    struct worker workers[WORKERS];
    struct post_office office;
    struct broker_links links;
    struct broker *broker;
    pthread_barrier_t all_done;
    uint32_t drain_every; /* steps; more = fuller mailboxes */
    bool with_stall;      /* of worker 0 at its start */
};

static const char *const names[CHANNELS] = { "a", "b", "c", "d", "e", "f" };
static const uint32_t sizes[CHANNELS] = { 2000, 300, 300, 100, 20, 3 };

static struct broker_history_options options_of(uint32_t channel)
{
    return (struct broker_history_options){
        .size = sizes[channel], .ttl_ms = 600000, .meta_ttl_ms = 6000000, .policy_version = 1
    };
}

static void broken(struct worker *w, const char *what)
{
    if (!w->errors++) w->error = what;
}

/* ---- one follower ---- */

static void take(struct worker *w, struct follower *f, const struct event *e)
{
    if (e->seq <= f->covered) return;
    if (e->seq <= f->last_seq) broken(w, "an event came twice or out of order");
    f->last_seq = e->seq;
    if (e->offset == 0) return; /* a join */
    if (e->offset != f->position.offset + 1) broken(w, "a publication is missing or came twice");
    if (strcmp(e->epoch, f->position.epoch) != 0) broken(w, "another epoch");
    if (e->number <= f->last_number[e->publisher]) broken(w, "one publisher's order is broken");
    f->last_number[e->publisher] = e->number;
    f->position.offset = e->offset;
    w->delivered++;
}

static void keep_waiting(struct follower *f, const struct event *e)
{
    if (f->waiting_count == f->waiting_cap) {
        f->waiting_cap = f->waiting_cap ? f->waiting_cap * 2 : 64;
        f->waiting = realloc(f->waiting, f->waiting_cap * sizeof *f->waiting);
    }
    f->waiting[f->waiting_count++] = *e;
}

/* Those up to seq; the rest goes on waiting. */
static void take_waiting(struct worker *w, struct follower *f, uint64_t seq)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f->waiting_count; i++) {
        if (f->waiting[i].seq <= seq)
            take(w, f, &f->waiting[i]);
        else
            f->waiting[kept++] = f->waiting[i];
    }
    f->waiting_count = kept;
}

static struct event event_of(const struct publication *p)
{
    struct event e = { .seq = p->seq, .offset = p->offset };
    memcpy(e.epoch, p->epoch, BROKER_EPOCH_MAX);
    struct content content;
    CHECK(p->content.data.len == sizeof content);
    memcpy(&content, p->content.data.ptr, sizeof content);
    e.publisher = content.publisher;
    e.number = content.number;
    return e;
}

/* The result of a subscribe or a regain brings the follower up to result->seq. */
static void catch_up(struct worker *w, struct follower *f, const struct broker_subscribe_result *s, bool recovering)
{
    if (recovering && s->recovered) {
        w->recovered++;
        for (uint32_t i = 0; i < s->missed.count; i++) {
            struct event e = event_of(s->missed.items[i]);
            if (e.offset <= f->position.offset) continue; /* another follower needed it */
            e.seq = UINT64_MAX;                           /* only the offset counts */
            f->last_seq = 0;
            f->covered = 0;
            take(w, f, &e);
        }
        if (f->position.offset != s->top.offset) broken(w, "recovered, but not up to the top");
    } else {
        if (recovering) w->not_recovered++;
        f->position = s->top;
        memset(f->last_number, 0, sizeof f->last_number);
    }
    f->has_position = true;
    f->covered = f->last_seq = s->seq;
}

/* ---- calls and their answers ---- */

enum operation { PUBLISH, SUBSCRIBE, REGAIN };

static struct broker_ticket ticket_of(const struct worker *w, enum operation operation, uint32_t channel,
                                      uint32_t follower)
{
    return (struct broker_ticket){ .handle = { .slot = 1, .generation = 1, .worker = w->index },
                                   .operation = operation << 16 | channel << 8 | follower };
}

static struct broker_context context_of(struct worker *w)
{
    return (struct broker_context){ .worker = w->index, .now_ms = NOW_MS, .wall_ms = 1, .wakes = &w->wakes };
}

static void on_published(struct worker *w, uint32_t channel, const struct broker_result *result)
{
    if (result->status == STATUS_OVERLOADED) {
        w->refused++;
        sched_yield(); /* whoever is behind gets the processor */
    } else if (result->status != STATUS_OK)
        broken(w, "a publish failed");
    else if (result->publish.offset)
        w->published[channel]++;
}

static void on_subscribed(struct worker *w, uint32_t channel, uint32_t index, const struct broker_result *result)
{
    struct follower *f = &w->followers[channel][index];
    if (f->state != JOINING || result->status != STATUS_OK) return broken(w, "a subscribe failed");
    f->state = ON;
    catch_up(w, f, &result->subscribe, f->has_position);
    if (!w->regaining[channel]) take_waiting(w, f, UINT64_MAX);
}

static void on_regained(struct worker *w, uint32_t channel, const struct broker_result *result)
{
    w->regaining[channel]--;
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        struct follower *f = &w->followers[channel][i];
        if (f->state != ON || result->status != STATUS_OK) continue;
        take_waiting(w, f, result->subscribe.seq);
        /* one that subscribed after the regain's moment is ahead of it */
        if (f->covered < result->subscribe.seq) catch_up(w, f, &result->subscribe, true);
        if (!w->regaining[channel]) take_waiting(w, f, UINT64_MAX);
    }
}

static void on_result(struct worker *w, uint32_t operation, struct broker_result *result)
{
    uint32_t channel = operation >> 8 & 0xff, follower = operation & 0xff;
    switch ((enum operation)(operation >> 16)) {
    case PUBLISH: on_published(w, channel, result); break;
    case SUBSCRIBE: on_subscribed(w, channel, follower, result); break;
    case REGAIN: on_regained(w, channel, result); break;
    }
    broker_result_deinit(result);
}

static void answered(struct worker *w, enum broker_answer answer, struct broker_ticket ticket,
                     struct broker_result *result)
{
    if (answer == BROKER_DONE)
        on_result(w, ticket.operation, result);
    else
        w->pending++;
}

static void publish(struct worker *w, uint32_t channel, enum publication_kind kind)
{
    struct content data = { w->index, kind == PUBLICATION_DATA ? ++w->next_number[channel] : 0, "" };
    struct broker_publish r = {
        .space = SPACE,
        .channel = slice_from_cstr(names[channel]),
        .content = { .kind = kind, .data = slice_of(&data, sizeof data), .info.client = SLICE("c") },
        .history = options_of(channel),
        .delta = channel % 2 == 0,
    };
    struct broker_context c = context_of(w);
    struct broker_ticket ticket = ticket_of(w, PUBLISH, channel, 0);
    struct broker_result result;
    answered(w, w->world->broker->ops->publish(w->world->broker, &c, &r, ticket, &result), ticket, &result);
}

static struct broker_subscribe request_for(const struct follower *f, uint32_t channel)
{
    struct broker_subscribe r = { .space = SPACE,
                                  .channel = slice_from_cstr(names[channel]),
                                  .position = true,
                                  .recover = f && f->has_position,
                                  .recover_max = 300,
                                  .history = options_of(channel) };
    if (r.recover) r.since = f->position;
    return r;
}

static void join(struct worker *w, uint32_t channel, uint32_t index)
{
    struct follower *f = &w->followers[channel][index];
    struct broker_subscribe r = request_for(f, channel);
    struct broker_context c = context_of(w);
    struct broker_ticket ticket = ticket_of(w, SUBSCRIBE, channel, index);
    struct broker_result result;
    f->state = JOINING;
    f->waiting_count = 0;
    answered(w, w->world->broker->ops->subscribe(w->world->broker, &c, &r, ticket, &result), ticket, &result);
}

static void leave(struct worker *w, uint32_t channel, uint32_t index)
{
    struct broker_context c = context_of(w);
    w->followers[channel][index].state = OFF;
    w->followers[channel][index].waiting_count = 0;
    w->world->broker->ops->unsubscribe(w->world->broker, &c, SPACE, slice_from_cstr(names[channel]));
}

static void regain(struct worker *w, uint32_t channel)
{
    const struct follower *lowest = NULL;
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        const struct follower *f = &w->followers[channel][i];
        if (f->state == ON && (!lowest || f->position.offset < lowest->position.offset)) lowest = f;
    }
    struct broker_subscribe r = request_for(lowest, channel);
    struct broker_context c = context_of(w);
    struct broker_ticket ticket = ticket_of(w, REGAIN, channel, 0);
    struct broker_result result;
    w->regaining[channel]++;
    answered(w, w->world->broker->ops->regain(w->world->broker, &c, &r, ticket, &result), ticket, &result);
}

/* ---- mail ---- */

static uint32_t channel_index(struct slice name)
{
    CHECK(name.len == 1);
    return (uint32_t)(name.ptr[0] - 'a');
}

static struct blob *encode_delta(const struct publication *p, enum publication_variant variant)
{
    return blob_new_raw(publication_delta(p, DELTA_BYTES));
}

/* The base is the one before in the stream, and both together are the publication. */
static void check_delta(struct worker *w, struct publication *p)
{
    if (!p->base_) return;
    if (p->base_->offset != p->offset - 1 || strcmp(p->base_->epoch, p->epoch) != 0) broken(w, "a base of elsewhere");
    const struct blob *wire = publication_delta_wire(p, PUBLICATION_FORM_PROTOBUF, PUBLICATION_DELTA, encode_delta);
    struct buf got;
    buf_init(&got, sizeof(struct content));
    if (delta_decode(p->base_->content.data, slice_of(wire->bytes, wire->body_len), &got) != STATUS_OK ||
        !slice_eq(buf_slice(&got), p->content.data))
        broken(w, "a delta is wrong");
    buf_deinit(&got);
    w->deltas++;
}

static void on_publication(struct mail *mail, void *owner)
{
    struct worker *w = owner;
    struct publication *p = container_of(mail, struct publication_mail, mail)->publication;
    uint32_t channel = channel_index(p->channel);
    struct event e = event_of(p);
    check_delta(w, p);
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        struct follower *f = &w->followers[channel][i];
        if (f->state == JOINING || (f->state == ON && w->regaining[channel]))
            keep_waiting(f, &e);
        else if (f->state == ON)
            take(w, f, &e);
    }
    publication_unref(p);
}

static void on_completion(struct mail *mail, void *owner)
{
    struct worker *w = owner;
    struct broker_completion *completion = container_of(mail, struct broker_completion, mail);
    w->pending--;
    on_result(w, completion->ticket.operation, &completion->result);
    broker_completion_free(completion);
}

static void on_gap(struct mail *mail, void *owner)
{
    struct worker *w = owner;
    struct broker_gap *gap = container_of(mail, struct broker_gap, mail);
    w->gaps++;
    regain(w, channel_index(slice_of(gap->channel, gap->channel_len)));
    mem_free(gap);
}

/* ---- the workers' lives ---- */

static void turn(struct worker *w, size_t budget)
{
    mailbox_drain(&w->box, budget);
    mailbox_wakes_send(&w->wakes, &w->world->office);
}

static void sleep_until_mail(struct worker *w)
{
    struct pollfd p = { .fd = w->box.wake_fd, .events = POLLIN };
    if (!mailbox_sleep(&w->box)) return;
    int ready = poll(&p, 1, 20000);
    if (ready != 1) broken(w, "a wake-up was lost");
    mailbox_awake(&w->box, ready == 1);
}

static void step(struct worker *w)
{
    uint32_t dice = random_below(&w->random, 100), channel = random_below(&w->random, CHANNELS);
    uint32_t index = random_below(&w->random, FOLLOWERS);
    if (dice < 55)
        publish(w, channel, PUBLICATION_DATA);
    else if (dice < 75)
        publish(w, channel, PUBLICATION_JOIN);
    else if (w->followers[channel][index].state == OFF)
        join(w, channel, index);
    else if (w->followers[channel][index].state == ON)
        leave(w, channel, index);
}

static void settle(struct worker *w)
{
    for (;;) {
        turn(w, 256);
        if (!w->pending) return;
        sleep_until_mail(w);
    }
}

/* Follow everything and do nothing, until a gap mail has come: by then the mailbox
 * has gone over both marks. */
static void stall(struct worker *w)
{
    for (uint32_t channel = 0; channel < CHANNELS; channel++) join(w, channel, 0);
    settle(w);
    for (int i = 0; i < 20000 && !atomic_load(&w->box.stacks_[MAILBOX_CONTROL]); i++) poll(NULL, 0, 1);
}

static void *live(void *context)
{
    struct worker *w = context;
    if (w->world->with_stall && w->index == 0) stall(w);
    for (uint32_t i = 0; i < STEPS; i++) {
        step(w);
        if (random_below(&w->random, w->world->drain_every) == 0) turn(w, 256);
        while (w->pending >= PENDING_MAX) {
            sleep_until_mail(w);
            turn(w, 256);
        }
        mailbox_wakes_send(&w->wakes, &w->world->office);
    }
    settle(w);
    pthread_barrier_wait(&w->world->all_done); /* nobody publishes any more */
    while (mailbox_drain(&w->box, 256) || w->pending) {
        if (w->pending) settle(w);
    }
    return NULL;
}

/* ---- the worlds ---- */

typedef struct broker *(*maker)(const struct broker_links *links);

static struct broker *make_memory(const struct broker_links *links)
{
    return memory_broker_new(links, &(struct memory_broker_options){ .shard_count = 2 });
}

static struct broker *make_delayed(const struct broker_links *links)
{
    return delayed_broker_new(make_memory(links), links, 1);
}

static void open_world(struct world *world, maker make, struct mailbox_limits limits)
{
    world->office.count = WORKERS;
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct worker *w = &world->workers[i];
        assert_true(mailbox_init(&w->box, w, limits));
        w->world = world;
        w->index = i;
        w->random.state = 77 + i;
        world->office.boxes[i] = &w->box;
    }
    world->links = (struct broker_links){ .office = &world->office,
                                          .worker_count = WORKERS,
                                          .deliver_publication = on_publication,
                                          .deliver_completion = on_completion,
                                          .deliver_gap = on_gap };
    world->broker = make(&world->links);
    pthread_barrier_init(&world->all_done, NULL, WORKERS);
}

static void close_world(struct world *world)
{
    world->broker->ops->free(world->broker);
    for (uint32_t i = 0; i < WORKERS; i++) {
        for (uint32_t k = 0; k < CHANNELS * FOLLOWERS; k++)
            free(world->workers[i].followers[k / FOLLOWERS][k % FOLLOWERS].waiting);
        mailbox_deinit(&world->workers[i].box);
    }
    pthread_barrier_destroy(&world->all_done);
    free(world);
}

/* All are at the top, and the top is the number of publishes that were accepted. */
static void assert_all_arrived(struct world *world)
{
    for (uint32_t channel = 0; channel < CHANNELS; channel++) {
        uint64_t published = 0;
        for (uint32_t i = 0; i < WORKERS; i++) published += world->workers[i].published[channel];
        for (uint32_t i = 0; i < WORKERS * FOLLOWERS; i++) {
            const struct follower *f = &world->workers[i / FOLLOWERS].followers[channel][i % FOLLOWERS];
            assert_int_equal(f->waiting_count, 0);
            if (f->state == ON) assert_int_equal(f->position.offset, published);
        }
    }
}

static void run(maker make, struct mailbox_limits limits, uint32_t drain_every, bool calm)
{
    struct world *world = calloc(1, sizeof *world);
    uint64_t delivered = 0, deltas = 0, refused = 0, gaps = 0, recovered = 0, not_recovered = 0;
    world->drain_every = drain_every;
    world->with_stall = !calm;
    open_world(world, make, limits);
    for (uint32_t i = 0; i < WORKERS; i++) pthread_create(&world->workers[i].thread, NULL, live, &world->workers[i]);
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct worker *w = &world->workers[i];
        pthread_join(w->thread, NULL);
        delivered += w->delivered, deltas += w->deltas, refused += w->refused, gaps += w->gaps;
        recovered += w->recovered, not_recovered += w->not_recovered;
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        if (world->workers[i].errors) print_error("worker %u: %s\n", i, world->workers[i].error);
        assert_int_equal(world->workers[i].errors, 0);
    }
    print_message("delivered %llu, deltas %llu, refused %llu, gaps %llu, recovered %llu, not recovered %llu\n",
                  (unsigned long long)delivered, (unsigned long long)deltas, (unsigned long long)refused,
                  (unsigned long long)gaps, (unsigned long long)recovered, (unsigned long long)not_recovered);
    assert_all_arrived(world);
    assert_true(delivered > 0 && deltas > 0 && recovered > 0);
    if (calm)
        assert_true(not_recovered > 0 && refused == 0 && gaps == 0);
    else
        assert_true(refused > 0 && gaps > 0);
    close_world(world);
}

#define CALM  ((struct mailbox_limits){ .high_bytes = 1u << 30, .hard_bytes = 1u << 31, .high_age_ms = 1u << 30 })
#define TIGHT ((struct mailbox_limits){ .high_bytes = 50000, .hard_bytes = 100000, .high_age_ms = 1u << 30 })

static void streams_of_the_memory_broker_are_whole_with_calm_mailboxes(void **state)
{
    run(make_memory, CALM, 4, true);
}

static void streams_of_the_memory_broker_are_whole_over_both_water_marks(void **state)
{
    run(make_memory, TIGHT, 150, false);
}

static void streams_of_the_delayed_broker_are_whole_with_calm_mailboxes(void **state)
{
    run(make_delayed, CALM, 4, true);
}

static void streams_of_the_delayed_broker_are_whole_over_both_water_marks(void **state)
{
    run(make_delayed, TIGHT, 400, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_of_the_memory_broker_are_whole_with_calm_mailboxes),
        cmocka_unit_test(streams_of_the_memory_broker_are_whole_over_both_water_marks),
        cmocka_unit_test(streams_of_the_delayed_broker_are_whole_with_calm_mailboxes),
        cmocka_unit_test(streams_of_the_delayed_broker_are_whole_over_both_water_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
