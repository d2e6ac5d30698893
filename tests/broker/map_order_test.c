/* Every follower of a map ends with the same keys and values as the map: four workers
 * with real mailboxes publish, remove, clear, let keys expire, follow and leave at
 * random. Followers go live as map_broker.h tells them to, with a stream and without,
 * on the memory broker and on the delayed one, with calm mailboxes and with such as go
 * over both water marks. On the way, what comes must be in order and without holes. */
#include "base/support/cm.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/support/random.h"
#include "broker/delayed/delayed_map_broker.h"
#include "broker/memory/memory_map_broker.h"

#define WORKERS     4
#define CHANNELS    4
#define FOLLOWERS   2 /* per worker and channel */
#define KEYS        150
#define STEPS       6000
#define PENDING_MAX 64
#define SPACE       1

enum follower_state { OFF, PAGING, JOINING, ON };

struct event {
    uint64_t seq, offset, value; /* value 0 = removed */
    uint64_t tag;                /* the value again; of a removal: the value that it removes */
    uint32_t key;
    char epoch[BROKER_EPOCH_MAX];
};

struct follower {
    enum follower_state state;
    bool pending;    /* a call of its own is under way */
    bool registered; /* owes an unsubscribe */
    bool again;      /* begins anew when the call is back */
    bool first_page;
    struct broker_position position;
    uint64_t covered, last_seq;
    uint64_t values[KEYS]; /* 0 = not there */
    char cursor[8];
    struct event *waiting;
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
    uint64_t next_value;
    uint32_t pending;
    uint64_t delivered, refused, gaps, restarts, recovered, errors;
    const char *error;
};

struct world {
    struct worker workers[WORKERS];
    struct post_office office;
    struct broker_links links;
    struct map_broker *broker;
    pthread_barrier_t all_done;
    _Atomic uint64_t now_ms;
    uint32_t drain_every; /* steps; more = fuller mailboxes */
    bool with_stall;      /* of worker 0 at its start */
};

static const char *const names[CHANNELS] = { "a", "b", "c", "d" };
static const struct map_options options[CHANNELS] = {
    { .key_ttl_ms = 400, .stream = { .size = 3000, .ttl_ms = 600000, .meta_ttl_ms = 600000, .policy_version = 1 } },
    { .stream = { .size = 60, .ttl_ms = 600000, .meta_ttl_ms = BROKER_NEVER_MS, .policy_version = 1 } },
    { .key_ttl_ms = 400, .stream.policy_version = 1 },
    { .key_ttl_ms = 5000, .stream.policy_version = 1 },
};

static bool has_stream(uint32_t channel)
{
    return options[channel].stream.size > 0;
}

static void broken(struct worker *w, const char *what)
{
    if (!w->errors++) w->error = what;
}

static struct broker_context context_of(struct worker *w)
{
    return (struct broker_context){
        .worker = w->index, .now_ms = atomic_load(&w->world->now_ms), .wall_ms = 1, .wakes = &w->wakes
    };
}

static struct event event_of(const struct publication *p)
{
    struct event e = { .seq = p->seq, .offset = p->offset };
    char key[8];
    memcpy(e.epoch, p->epoch, BROKER_EPOCH_MAX);
    snprintf(key, sizeof key, "%.*s", (int)publication_key(p).len, publication_key(p).ptr);
    CHECK(sscanf(key, "k%u", &e.key) == 1 && e.key < KEYS);
    if (!p->content.removed) memcpy(&e.value, p->content.data.ptr, sizeof e.value);
    CHECK(p->content.tag_count == 1);
    memcpy(&e.tag, p->content.tags[0].value.ptr, sizeof e.tag);
    return e;
}

/* ---- one follower ---- */

static void take(struct worker *w, struct follower *f, uint32_t channel, const struct event *e)
{
    if (e->seq <= f->covered) return;
    if (e->seq <= f->last_seq) broken(w, "an event came twice or out of order");
    f->last_seq = e->seq;
    if (has_stream(channel)) {
        if (e->offset != f->position.offset + 1) broken(w, "a change is missing or came twice");
        if (strcmp(e->epoch, f->position.epoch) != 0) broken(w, "another epoch");
        f->position.offset = e->offset;
    }
    uint64_t before = f->values[e->key]; /* 0 also for what was gone before its page was read */
    if (e->value ? e->tag != e->value : before && e->tag != before) broken(w, "a removal of another value");
    f->values[e->key] = e->value;
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

static void take_waiting(struct worker *w, struct follower *f, uint32_t channel)
{
    for (uint32_t i = 0; i < f->waiting_count; i++) take(w, f, channel, &f->waiting[i]);
    f->waiting_count = 0;
}

/* ---- calls ---- */

enum operation { CHANGE, PAGE, SUBSCRIBE, REGAIN };

static struct broker_ticket ticket_of(const struct worker *w, enum operation operation, uint32_t channel,
                                      uint32_t follower)
{
    return (struct broker_ticket){ .handle = { .slot = 1, .generation = 1, .worker = w->index },
                                   .operation = operation << 16 | channel << 8 | follower };
}

static void on_result(struct worker *w, uint32_t operation, struct broker_result *result);

static void answered(struct worker *w, enum broker_answer answer, struct broker_ticket ticket,
                     struct broker_result *result)
{
    if (answer == BROKER_DONE)
        on_result(w, ticket.operation, result);
    else
        w->pending++;
}

static const char *key_name(struct worker *w, char name[static 8])
{
    snprintf(name, 8, "k%03u", random_below(&w->random, KEYS));
    return name;
}

static void publish(struct worker *w, uint32_t channel)
{
    char name[8];
    uint64_t value = ++w->next_value << 8 | w->index;
    struct publication_tag tag = { .key = SLICE("v"), .value = slice_of(&value, sizeof value) };
    struct map_publish r = {
        .space = SPACE,
        .channel = slice_from_cstr(names[channel]),
        .key = slice_from_cstr(key_name(w, name)),
        .content = { .data = slice_of(&value, sizeof value), .tags = &tag, .tag_count = 1 },
        .options = options[channel],
        .key_mode = (enum map_key_mode)random_below(&w->random, 3),
        .refresh_suppressed = random_below(&w->random, 2),
    };
    struct broker_context c = context_of(w);
    struct broker_ticket ticket = ticket_of(w, CHANGE, channel, 0);
    struct broker_result result;
    answered(w, w->world->broker->ops->publish(w->world->broker, &c, &r, ticket, &result), ticket, &result);
}

static void remove_key(struct worker *w, uint32_t channel)
{
    char name[8];
    struct map_removal r = {
        .space = SPACE,
        .channel = slice_from_cstr(names[channel]),
        .key = slice_from_cstr(key_name(w, name)),
        .options = options[channel],
    };
    struct broker_context c = context_of(w);
    struct broker_ticket ticket = ticket_of(w, CHANGE, channel, 0);
    struct broker_result result;
    answered(w, w->world->broker->ops->remove(w->world->broker, &c, &r, ticket, &result), ticket, &result);
}

static void clear(struct worker *w, uint32_t channel)
{
    struct broker_context c = context_of(w);
    struct broker_ticket ticket = ticket_of(w, CHANGE, channel, 0);
    struct broker_result result;
    enum broker_answer answer =
        w->world->broker->ops->clear(w->world->broker, &c, SPACE, slice_from_cstr(names[channel]), ticket, &result);
    answered(w, answer, ticket, &result);
}

static void ask_page(struct worker *w, uint32_t channel, uint32_t index)
{
    struct follower *f = &w->followers[channel][index];
    struct map_read_state r = {
        .space = SPACE,
        .channel = slice_from_cstr(names[channel]),
        .cursor = slice_from_cstr(f->cursor),
        .limit = 20 + random_below(&w->random, 80),
        .has_revision = f->registered || !f->first_page,
        .revision = f->position,
        .seq_max = f->registered ? f->covered : 0,
        .options = options[channel],
    };
    struct broker_context c = context_of(w);
    struct broker_ticket ticket = ticket_of(w, PAGE, channel, index);
    struct broker_result result;
    f->state = PAGING;
    f->pending = true;
    answered(w, w->world->broker->ops->read_state(w->world->broker, &c, &r, ticket, &result), ticket, &result);
}

static void subscribe(struct worker *w, uint32_t channel, uint32_t index)
{
    struct follower *f = &w->followers[channel][index];
    struct broker_subscribe r = { .space = SPACE,
                                  .channel = slice_from_cstr(names[channel]),
                                  .recover = has_stream(channel),
                                  .recover_max = 500,
                                  .since = f->position,
                                  .history = options[channel].stream };
    struct broker_context c = context_of(w);
    struct broker_ticket ticket = ticket_of(w, SUBSCRIBE, channel, index);
    struct broker_result result;
    f->state = JOINING;
    f->pending = true;
    answered(w, w->world->broker->ops->subscribe(w->world->broker, &c, &r, ticket, &result), ticket, &result);
}

static void leave(struct worker *w, uint32_t channel, uint32_t index)
{
    struct follower *f = &w->followers[channel][index];
    struct broker_context c = context_of(w);
    if (f->registered) w->world->broker->ops->unsubscribe(w->world->broker, &c, SPACE, slice_from_cstr(names[channel]));
    f->registered = false;
    f->waiting_count = 0;
    f->state = OFF;
}

/* With a stream: the pages first; without: the registration first. */
static void begin(struct worker *w, uint32_t channel, uint32_t index)
{
    struct follower *f = &w->followers[channel][index];
    memset(f->values, 0, sizeof f->values);
    f->waiting_count = 0;
    f->again = false;
    f->covered = f->last_seq = 0;
    f->cursor[0] = '\0';
    f->first_page = true;
    if (has_stream(channel))
        ask_page(w, channel, index);
    else
        subscribe(w, channel, index);
}

static void restart(struct worker *w, uint32_t channel, uint32_t index)
{
    struct follower *f = &w->followers[channel][index];
    if (f->pending) {
        f->again = true;
        return;
    }
    w->restarts++;
    leave(w, channel, index);
    begin(w, channel, index);
}

/* ---- answers ---- */

static void go_live(struct worker *w, uint32_t channel, struct follower *f)
{
    f->state = ON;
    if (!w->regaining[channel]) take_waiting(w, f, channel);
}

static void apply_page(struct worker *w, uint32_t channel, struct follower *f, const struct map_state_result *page)
{
    if (has_stream(channel) && f->first_page) f->position = page->top;
    for (uint32_t i = 0; i < page->publications.count; i++) {
        struct event e = event_of(page->publications.items[i]);
        if (e.offset > f->position.offset) continue; /* the stream brings it */
        if (f->values[e.key]) broken(w, "a key is in two pages");
        if (e.value == 0) broken(w, "a removal is in the state");
        f->values[e.key] = e.value;
    }
    f->first_page = false;
    snprintf(f->cursor, sizeof f->cursor, "%.*s", (int)page->cursor.len, page->cursor.ptr);
}

static void on_page(struct worker *w, uint32_t channel, uint32_t index, const struct broker_result *result)
{
    struct follower *f = &w->followers[channel][index];
    f->pending = false;
    if (result->status != STATUS_OK && result->status != STATUS_NOT_FOUND) broken(w, "a page failed");
    if (f->again || result->status != STATUS_OK) return restart(w, channel, index);
    apply_page(w, channel, f, &result->map_state);
    if (f->cursor[0])
        ask_page(w, channel, index);
    else if (has_stream(channel))
        subscribe(w, channel, index);
    else
        go_live(w, channel, f);
}

static void apply_missed(struct worker *w, struct follower *f, const struct broker_subscribe_result *s)
{
    for (uint32_t i = 0; i < s->missed.count; i++) {
        struct event e = event_of(s->missed.items[i]);
        if (e.offset <= f->position.offset) continue; /* another follower needed it */
        if (e.offset != f->position.offset + 1) broken(w, "recovered with a hole");
        f->position.offset = e.offset;
        f->values[e.key] = e.value;
    }
    if (f->position.offset != s->top.offset) broken(w, "recovered, but not up to the top");
    f->covered = f->last_seq = s->seq;
    w->recovered++;
}

static void on_subscribed(struct worker *w, uint32_t channel, uint32_t index, const struct broker_result *result)
{
    struct follower *f = &w->followers[channel][index];
    f->pending = false;
    if (result->status != STATUS_OK) return broken(w, "a subscribe failed");
    f->registered = true;
    if (f->again || (has_stream(channel) && !result->subscribe.recovered)) return restart(w, channel, index);
    if (has_stream(channel)) {
        apply_missed(w, f, &result->subscribe);
        go_live(w, channel, f);
    } else {
        f->position = result->subscribe.top;
        f->covered = f->last_seq = result->subscribe.seq;
        ask_page(w, channel, index);
    }
}

static void on_regained(struct worker *w, uint32_t channel, const struct broker_result *result)
{
    const struct broker_subscribe_result *s = &result->subscribe;
    bool recovered = result->status == STATUS_OK && s->recovered;
    w->regaining[channel]--;
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        struct follower *f = &w->followers[channel][i];
        bool stream = has_stream(channel);
        bool same = strcmp(f->position.epoch, s->top.epoch) == 0; /* another one may be from after a clear */
        if (stream && f->state == ON && recovered && same) {
            /* up to seq it is all in what was missed; one that subscribed after that moment is ahead of it */
            if (f->covered < s->seq) apply_missed(w, f, s);
            if (!w->regaining[channel]) take_waiting(w, f, channel);
        } else if (stream ? f->state == ON : f->state != OFF) {
            restart(w, channel, i);
        }
    }
}

static void on_changed(struct worker *w, const struct broker_result *result)
{
    if (result->status == STATUS_OVERLOADED) {
        w->refused++;
        sched_yield(); /* whoever is behind gets the processor */
    } else if (result->status != STATUS_OK) {
        broken(w, "a change failed");
    }
}

static void on_result(struct worker *w, uint32_t operation, struct broker_result *result)
{
    uint32_t channel = operation >> 8 & 0xff, follower = operation & 0xff;
    switch ((enum operation)(operation >> 16)) {
    case CHANGE: on_changed(w, result); break;
    case PAGE: on_page(w, channel, follower, result); break;
    case SUBSCRIBE: on_subscribed(w, channel, follower, result); break;
    case REGAIN: on_regained(w, channel, result); break;
    }
    broker_result_deinit(result);
}

static void regain(struct worker *w, uint32_t channel)
{
    const struct follower *lowest = NULL;
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        const struct follower *f = &w->followers[channel][i];
        if (f->state == ON && (!lowest || f->position.offset < lowest->position.offset)) lowest = f;
    }
    struct broker_subscribe r = { .space = SPACE,
                                  .channel = slice_from_cstr(names[channel]),
                                  .recover = lowest != NULL,
                                  .recover_max = 500,
                                  .history = options[channel].stream };
    if (lowest) r.since = lowest->position;
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

static void on_publication(struct mail *mail, void *owner)
{
    struct worker *w = owner;
    struct publication *p = container_of(mail, struct publication_mail, mail)->publication;
    uint32_t channel = channel_index(p->channel);
    struct event e = event_of(p);
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        struct follower *f = &w->followers[channel][i];
        if (f->state == ON && !w->regaining[channel])
            take(w, f, channel, &e);
        else if (f->state == ON || f->state == JOINING || (f->state == PAGING && f->registered))
            keep_waiting(f, &e);
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

static void sweep(struct worker *w)
{
    atomic_fetch_add(&w->world->now_ms, 3);
    struct broker_context c = context_of(w);
    w->world->broker->ops->sweep(w->world->broker, &c);
}

static void step(struct worker *w)
{
    uint32_t dice = random_below(&w->random, 1000), channel = random_below(&w->random, CHANNELS);
    uint32_t index = random_below(&w->random, FOLLOWERS);
    struct follower *f = &w->followers[channel][index];
    if (dice < 600)
        publish(w, channel);
    else if (dice < 800)
        remove_key(w, channel);
    else if (dice < 802)
        clear(w, channel);
    else if (dice < 900)
        sweep(w);
    else if (f->state == OFF)
        begin(w, channel, index);
    else if (f->state == ON && !f->pending && dice < 930)
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

/* Follow everything and do nothing, until a gap mail has come: by then the mailbox has gone over both marks. */
static void stall(struct worker *w)
{
    for (uint32_t channel = 0; channel < CHANNELS; channel++) begin(w, channel, 0);
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
    pthread_barrier_wait(&w->world->all_done); /* nobody changes anything any more */
    while (mailbox_drain(&w->box, 256) || w->pending) {
        if (w->pending) settle(w);
    }
    return NULL;
}

/* ---- the worlds ---- */

typedef struct map_broker *(*maker)(const struct broker_links *links);

static struct map_broker *make_memory(const struct broker_links *links)
{
    return memory_map_broker_new(links, &(struct memory_broker_options){ .shard_count = 2 });
}

static struct map_broker *make_delayed(const struct broker_links *links)
{
    return delayed_map_broker_new(make_memory(links), links, 1);
}

static void open_world(struct world *world, maker make, struct mailbox_limits limits)
{
    world->office.count = WORKERS;
    atomic_store(&world->now_ms, 1000);
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct worker *w = &world->workers[i];
        assert_true(mailbox_init(&w->box, w, limits));
        w->world = world;
        w->index = i;
        w->random.state = 99 + i;
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

/* On this thread, now that the others are gone. The delayed broker answers to worker 0. */
static struct broker_result read_all(struct world *world, uint32_t channel)
{
    struct worker *w = &world->workers[0];
    struct follower *f = &w->followers[channel][0];
    struct follower before = *f;
    struct broker_result result = { 0 };
    struct map_read_state r = {
        .space = SPACE, .channel = slice_from_cstr(names[channel]), .limit = -1, .options = options[channel]
    };
    struct broker_context c = context_of(w);
    enum broker_answer answer =
        world->broker->ops->read_state(world->broker, &c, &r, ticket_of(w, CHANGE, 0, 0), &result);
    for (int i = 0; answer == BROKER_PENDING && i < 10000; i++) {
        struct mail *mail = atomic_exchange(&w->box.stacks_[MAILBOX_WORK], NULL);
        if (mail) {
            struct broker_completion *completion = container_of(mail, struct broker_completion, mail);
            result = completion->result;
            mem_free(completion);
            break;
        }
        poll(NULL, 0, 1);
    }
    *f = before;
    assert_int_equal(result.status, STATUS_OK);
    return result;
}

/* Returns how many followers were compared. */
static uint32_t assert_all_equal(struct world *world)
{
    uint32_t compared = 0;
    for (uint32_t channel = 0; channel < CHANNELS; channel++) {
        uint64_t values[KEYS] = { 0 };
        struct broker_result result = read_all(world, channel);
        for (uint32_t i = 0; i < result.map_state.publications.count; i++) {
            struct event e = event_of(result.map_state.publications.items[i]);
            values[e.key] = e.value;
        }
        for (uint32_t i = 0; i < WORKERS * FOLLOWERS; i++) {
            const struct follower *f = &world->workers[i / FOLLOWERS].followers[channel][i % FOLLOWERS];
            assert_int_equal(f->waiting_count, 0);
            if (f->state == OFF) continue;
            assert_int_equal(f->state, ON);
            assert_memory_equal(f->values, values, sizeof values);
            compared++;
        }
        broker_result_deinit(&result);
    }
    return compared;
}

static void run(maker make, struct mailbox_limits limits, uint32_t drain_every, bool calm)
{
    struct world *world = calloc(1, sizeof *world);
    uint64_t delivered = 0, refused = 0, gaps = 0, recovered = 0, restarts = 0;
    world->drain_every = drain_every;
    world->with_stall = !calm;
    open_world(world, make, limits);
    for (uint32_t i = 0; i < WORKERS; i++) pthread_create(&world->workers[i].thread, NULL, live, &world->workers[i]);
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct worker *w = &world->workers[i];
        pthread_join(w->thread, NULL);
        delivered += w->delivered, refused += w->refused, gaps += w->gaps;
        recovered += w->recovered, restarts += w->restarts;
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        if (world->workers[i].errors) print_error("worker %u: %s\n", i, world->workers[i].error);
        assert_int_equal(world->workers[i].errors, 0);
    }
    struct map_counts counts;
    world->broker->ops->counts(world->broker, &counts);
    print_message("delivered %llu, refused %llu, gaps %llu, recovered %llu, restarts %llu, expired %llu\n",
                  (unsigned long long)delivered, (unsigned long long)refused, (unsigned long long)gaps,
                  (unsigned long long)recovered, (unsigned long long)restarts, (unsigned long long)counts.expired);
    assert_true(assert_all_equal(world) >= CHANNELS);
    if (calm) /* gaps come from clears */
        assert_true(delivered > 0 && recovered > 0 && gaps > 0 && restarts > 0 && counts.expired > 0);
    else
        assert_true(refused > 0 && gaps > 0 && restarts > 0);
    close_world(world);
}

#define CALM  ((struct mailbox_limits){ .high_bytes = 1u << 30, .hard_bytes = 1u << 31, .high_age_ms = 1u << 30 })
#define TIGHT ((struct mailbox_limits){ .high_bytes = 20000, .hard_bytes = 40000, .high_age_ms = 1u << 30 })

static void followers_of_the_memory_broker_end_as_the_map_with_calm_mailboxes(void **state)
{
    run(make_memory, CALM, 4, true);
}

static void followers_of_the_memory_broker_end_as_the_map_over_both_water_marks(void **state)
{
    run(make_memory, TIGHT, 150, false);
}

static void followers_of_the_delayed_broker_end_as_the_map_with_calm_mailboxes(void **state)
{
    run(make_delayed, CALM, 4, true);
}

static void followers_of_the_delayed_broker_end_as_the_map_over_both_water_marks(void **state)
{
    run(make_delayed, TIGHT, 400, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(followers_of_the_memory_broker_end_as_the_map_with_calm_mailboxes),
        cmocka_unit_test(followers_of_the_memory_broker_end_as_the_map_over_both_water_marks),
        cmocka_unit_test(followers_of_the_delayed_broker_end_as_the_map_with_calm_mailboxes),
        cmocka_unit_test(followers_of_the_delayed_broker_end_as_the_map_over_both_water_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
