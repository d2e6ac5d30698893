#include "broker/support/broker_rig.h"

#include <poll.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

static void on_publication(struct mail *mail, void *owner)
{
    struct rig_worker *w = owner;
    struct publication_mail *m = container_of(mail, struct publication_mail, mail);
    CHECK(w->event_count < RIG_EVENTS_MAX);
    w->events[w->event_count++] = m->publication;
}

static void on_completion(struct mail *mail, void *owner)
{
    struct rig_worker *w = owner;
    CHECK(!w->completion);
    w->completion = container_of(mail, struct broker_completion, mail);
}

static void on_gap(struct mail *mail, void *owner)
{
    struct rig_worker *w = owner;
    struct broker_gap *gap = container_of(mail, struct broker_gap, mail);
    CHECK(gap->channel_len < sizeof w->gap_channel);
    memcpy(w->gap_channel, gap->channel, gap->channel_len);
    w->gap_channel[gap->channel_len] = '\0';
    w->gap_count++;
    mem_free(gap);
}

void rig_open_links(struct rig *rig, struct rig_options options)
{
    *rig = (struct rig){ .now_ms = 1000000 };
    uint32_t count = options.workers ? options.workers : 2;
    struct mailbox_limits limits = options.limits.hard_bytes ? options.limits : MAILBOX_LIMITS_DEFAULT;
    rig->workers = calloc(count, sizeof *rig->workers);
    rig->office.count = count;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(mailbox_init(&rig->workers[i].box, &rig->workers[i], limits));
        rig->workers[i].rig = rig;
        rig->office.boxes[i] = &rig->workers[i].box;
    }
    rig->links = (struct broker_links){
        .office = &rig->office,
        .worker_count = count,
        .deliver_publication = on_publication,
        .deliver_completion = on_completion,
        .deliver_gap = on_gap,
    };
}

void rig_open(struct rig *rig, rig_maker make, struct rig_options options)
{
    rig_open_links(rig, options);
    rig->broker = make(&rig->links, &options.memory);
}

void rig_drain(struct rig *rig, uint32_t worker)
{
    while (mailbox_drain(&rig->workers[worker].box, 1000)) continue;
}

void rig_forget_events(struct rig *rig, uint32_t worker)
{
    struct rig_worker *w = &rig->workers[worker];
    for (uint32_t i = 0; i < w->event_count; i++) publication_unref(w->events[i]);
    w->event_count = 0;
}

void rig_close(struct rig *rig)
{
    if (rig->broker) rig->broker->ops->free(rig->broker);
    if (rig->maps) rig->maps->ops->free(rig->maps);
    for (uint32_t i = 0; i < rig->office.count; i++) {
        rig_drain(rig, i);
        rig_forget_events(rig, i);
        broker_completion_free(rig->workers[i].completion);
        mailbox_deinit(&rig->workers[i].box);
    }
    free(rig->workers);
}

struct broker_context rig_context(struct rig *rig, uint32_t worker)
{
    return (struct broker_context){
        .worker = worker, .now_ms = rig->now_ms, .wall_ms = 1700000000000, .wakes = &rig->wakes
    };
}

struct broker_ticket rig_ticket(struct rig *rig, uint32_t worker)
{
    return (struct broker_ticket){ .handle = { .slot = 3, .generation = 5, .worker = worker },
                                   .operation = ++rig->operation };
}

struct broker_result rig_wait(struct rig *rig, uint32_t worker, enum broker_answer answer, struct broker_result *result)
{
    struct rig_worker *w = &rig->workers[worker];
    if (answer == BROKER_DONE) return *result;
    for (int i = 0; !w->completion && i < 10000; i++) {
        rig_drain(rig, worker);
        if (!w->completion) poll(NULL, 0, 1);
    }
    assert_non_null(w->completion);
    assert_int_equal(w->completion->ticket.operation, rig->operation);
    assert_int_equal(w->completion->ticket.handle.slot, 3);
    struct broker_result got = w->completion->result;
    w->completion->result = (struct broker_result){ 0 };
    broker_completion_free(w->completion);
    w->completion = NULL;
    return got;
}

#define CALL(name, ...)                                                                                                \
    struct broker_context context = rig_context(rig, worker);                                                          \
    struct broker_result result;                                                                                       \
    struct broker_ticket ticket = rig_ticket(rig, worker);                                                             \
    enum broker_answer answer = rig->broker->ops->name(rig->broker, &context, __VA_ARGS__, ticket, &result);           \
    return rig_wait(rig, worker, answer, &result)

struct broker_result rig_publish(struct rig *rig, uint32_t worker, const struct broker_publish *r)
{
    CALL(publish, r);
}

struct broker_result rig_subscribe(struct rig *rig, uint32_t worker, const struct broker_subscribe *r)
{
    CALL(subscribe, r);
}

struct broker_result rig_regain(struct rig *rig, uint32_t worker, const struct broker_subscribe *r)
{
    CALL(regain, r);
}

struct broker_result rig_history(struct rig *rig, uint32_t worker, const struct broker_history *r)
{
    CALL(history, r);
}

struct broker_result rig_presence(struct rig *rig, uint32_t worker, struct slice channel, bool stats_only)
{
    CALL(presence, RIG_SPACE, channel, stats_only);
}

static struct broker_result history_remove(struct rig *rig, uint32_t worker, struct slice channel)
{
    CALL(history_remove, RIG_SPACE, channel);
}

void rig_history_remove(struct rig *rig, uint32_t worker, struct slice channel)
{
    struct broker_result result = history_remove(rig, worker, channel);
    assert_int_equal(result.status, STATUS_OK);
    broker_result_deinit(&result);
}

void rig_unsubscribe(struct rig *rig, uint32_t worker, struct slice channel)
{
    struct broker_context context = rig_context(rig, worker);
    rig->broker->ops->unsubscribe(rig->broker, &context, RIG_SPACE, channel);
    rig_settle(rig, channel);
}

void rig_settle(struct rig *rig, struct slice channel)
{
    struct broker_result result = rig_presence(rig, 0, channel, true); /* calls of a channel keep their order */
    broker_result_deinit(&result);
}

uint64_t rig_store(struct rig *rig, struct slice channel, struct slice data, uint32_t size)
{
    struct broker_publish publish = {
        .space = RIG_SPACE, .channel = channel, .content.data = data, .history = RIG_HISTORY(size)
    };
    struct broker_result result = rig_publish(rig, 0, &publish);
    assert_int_equal(result.status, STATUS_OK);
    uint64_t offset = result.publish.offset;
    broker_result_deinit(&result);
    return offset;
}

uint64_t rig_store_many(struct rig *rig, struct slice channel, uint32_t count, uint32_t size)
{
    uint64_t offset = 0;
    for (uint32_t i = 0; i < count; i++) offset = rig_store(rig, channel, SLICE("\"x\""), size);
    return offset;
}

struct broker_position rig_top(struct rig *rig, struct slice channel)
{
    struct broker_history query = { .space = RIG_SPACE, .channel = channel, .history = RIG_HISTORY(10) };
    struct broker_result result = rig_history(rig, 0, &query);
    assert_int_equal(result.status, STATUS_OK);
    struct broker_position top = result.history.top;
    broker_result_deinit(&result);
    return top;
}
