#include "broker/support/broker_contract.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

static rig_maker make;

#define OPEN(rig_, ...)                                                                                                \
    struct rig rig_;                                                                                                   \
    rig_open(&rig_, make, (struct rig_options){ __VA_ARGS__ })

static const struct slice CHANNEL = { "public:room", 11 };

static struct broker_subscribe plain_subscribe(struct slice channel)
{
    return (struct broker_subscribe){ .space = RIG_SPACE, .channel = channel, .history = RIG_HISTORY(10) };
}

static struct broker_subscribe recovery(uint64_t offset, const char *epoch, uint32_t max)
{
    struct broker_subscribe r = plain_subscribe(CHANNEL);
    r.recover = true;
    r.recover_max = max;
    r.since.offset = offset;
    snprintf(r.since.epoch, sizeof r.since.epoch, "%s", epoch);
    return r;
}

static struct broker_subscribe_result subscribe_ok(struct rig *rig, uint32_t worker, const struct broker_subscribe *r)
{
    struct broker_result result = rig_subscribe(rig, worker, r);
    assert_int_equal(result.status, STATUS_OK);
    struct broker_subscribe_result s = result.subscribe;
    assert_true(result.owns_ == BROKER_RESULT_SUBSCRIBE || s.missed.count == 0);
    s.missed.items = NULL; /* only the numbers survive */
    broker_result_deinit(&result);
    return s;
}

static void subscribe_plain(struct rig *rig, uint32_t worker)
{
    struct broker_subscribe r = plain_subscribe(CHANNEL);
    subscribe_ok(rig, worker, &r);
}

/* ---- publishing ---- */

static void a_publication_reaches_every_worker_with_subscribers_and_no_other(void **state)
{
    OPEN(rig, .workers = 3);
    subscribe_plain(&rig, 0);
    subscribe_plain(&rig, 2);
    struct publication_tag tags[] = { { SLICE("k"), SLICE("v") } };
    struct broker_publish publish = {
        .space = RIG_SPACE,
        .channel = CHANNEL,
        .content = { .data = SLICE("{\"a\":1}"),
                     .has_info = true,
                     .info = { SLICE("u"), SLICE("c"), SLICE("{}"), SLICE("[]") },
                     .tags = tags,
                     .tag_count = 1 },
        .history = RIG_HISTORY(10),
        .delta = true,
    };
    rig.wakes.targets = 0;
    struct broker_result result = rig_publish(&rig, 1, &publish);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.publish.offset, 1);
    assert_false(result.publish.suppressed);
    for (uint32_t w = 0; w < 3; w++) rig_drain(&rig, w);
    assert_int_equal(rig.workers[0].event_count, 1);
    assert_int_equal(rig.workers[1].event_count, 0);
    assert_int_equal(rig.workers[2].event_count, 1);
    const struct publication *p = rig.workers[0].events[0];
    assert_ptr_equal(p, rig.workers[2].events[0]);
    assert_true(slice_eq(p->channel, CHANNEL));
    assert_true(slice_eq(p->content.data, publish.content.data));
    assert_true(p->content.has_info && slice_eq(p->content.info.chan_info, SLICE("[]")));
    assert_true(slice_eq(p->content.tags[0].value, SLICE("v")));
    assert_int_equal(p->offset, 1);
    assert_string_equal(p->epoch, result.publish.epoch);
    assert_true(p->seq > 0 && p->delta && p->space == RIG_SPACE);
    assert_true(p->time_ms >= 1700000000000);
    rig_close(&rig);
}

static void equal_names_in_two_spaces_never_meet(void **state)
{
    OPEN(rig, .workers = 2);
    subscribe_plain(&rig, 0);
    struct broker_publish publish = {
        .space = 2, .channel = CHANNEL, .content.data = SLICE("1"), .history = RIG_HISTORY(10)
    };
    struct broker_result result = rig_publish(&rig, 0, &publish);
    assert_int_equal(result.publish.offset, 1);
    rig_drain(&rig, 0);
    assert_int_equal(rig.workers[0].event_count, 0);
    assert_int_equal(rig_top(&rig, CHANNEL).offset, 0);
    assert_string_not_equal(rig_top(&rig, CHANNEL).epoch, result.publish.epoch);
    rig_close(&rig);
}

static void without_history_there_is_no_offset(void **state)
{
    static const struct {
        uint32_t size;
        uint64_t ttl_ms;
        bool skip;
    } cases[] = { { 0, 1000, false }, { 10, 0, false }, { 10, 1000, true } };
    OPEN(rig, .workers = 1);
    subscribe_plain(&rig, 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct broker_publish publish = {
            .space = RIG_SPACE,
            .channel = CHANNEL,
            .content.data = SLICE("1"),
            .history = { .size = cases[i].size, .ttl_ms = cases[i].ttl_ms, .meta_ttl_ms = 10000, .policy_version = 1 },
            .skip_history = cases[i].skip,
        };
        struct broker_result result = rig_publish(&rig, 0, &publish);
        assert_int_equal(result.status, STATUS_OK);
        assert_int_equal(result.publish.offset, 0);
        assert_string_equal(result.publish.epoch, "");
        rig_drain(&rig, 0);
        assert_int_equal(rig.workers[0].event_count, i + 1);
        assert_int_equal(rig.workers[0].events[i]->offset, 0);
    }
    rig_close(&rig);
}

static void an_idempotency_key_suppresses_the_second_publish_and_gives_the_first_result(void **state)
{
    OPEN(rig, .workers = 1);
    subscribe_plain(&rig, 0);
    struct broker_publish publish = {
        .space = RIG_SPACE,
        .channel = CHANNEL,
        .content.data = SLICE("1"),
        .history = RIG_HISTORY(10),
        .idempotency_key = SLICE("key"),
    };
    struct broker_result first = rig_publish(&rig, 0, &publish);
    rig_store(&rig, CHANNEL, SLICE("2"), 10);
    struct broker_result second = rig_publish(&rig, 0, &publish);
    assert_int_equal(second.status, STATUS_OK);
    assert_true(second.publish.suppressed);
    assert_int_equal(second.publish.offset, first.publish.offset);
    assert_string_equal(second.publish.epoch, first.publish.epoch);
    publish.channel = SLICE("public:other"); /* keys count per channel */
    struct broker_result other = rig_publish(&rig, 0, &publish);
    assert_false(other.publish.suppressed);
    publish.channel = CHANNEL;
    publish.space = 9; /* and per space */
    other = rig_publish(&rig, 0, &publish);
    assert_false(other.publish.suppressed);
    publish.space = RIG_SPACE;
    rig_drain(&rig, 0); /* an old backlog would refuse the next */
    rig.now_ms += 300000 + 1000;
    struct broker_result later = rig_publish(&rig, 0, &publish);
    assert_false(later.publish.suppressed);
    rig_drain(&rig, 0);
    assert_int_equal(rig.workers[0].event_count, 3);
    rig_close(&rig);
}

static void an_idempotency_key_works_without_history_too(void **state)
{
    OPEN(rig, .workers = 1);
    struct broker_publish publish = {
        .space = RIG_SPACE, .channel = CHANNEL, .content.data = SLICE("1"), .idempotency_key = SLICE("key")
    };
    struct broker_result first = rig_publish(&rig, 0, &publish);
    assert_false(first.publish.suppressed);
    struct broker_result second = rig_publish(&rig, 0, &publish);
    assert_true(second.publish.suppressed);
    assert_int_equal(second.publish.offset, 0);
    rig_close(&rig);
}

static void an_older_version_is_suppressed_and_another_version_epoch_starts_again(void **state)
{
    static const struct {
        uint64_t version;
        const char *epoch;
        bool suppressed;
        uint64_t offset;
    } steps[] = {
        { 5, "a", false, 1 }, { 5, "a", true, 1 }, { 4, "a", true, 1 },  { 4, "", true, 1 },
        { 6, "", false, 2 },  { 6, "", true, 2 },  { 1, "b", false, 3 }, { 1, "b", true, 3 },
        { 0, "", false, 4 },  { 1, "b", true, 4 }, { 2, "b", false, 5 },
    };
    OPEN(rig, .workers = 1);
    subscribe_plain(&rig, 0);
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        struct broker_publish publish = {
            .space = RIG_SPACE,
            .channel = CHANNEL,
            .content.data = SLICE("1"),
            .history = RIG_HISTORY(10),
            .version = steps[i].version,
            .version_epoch = slice_from_cstr(steps[i].epoch),
        };
        struct broker_result result = rig_publish(&rig, 0, &publish);
        assert_int_equal(result.status, STATUS_OK);
        assert_int_equal(result.publish.suppressed, steps[i].suppressed);
        assert_int_equal(result.publish.offset, steps[i].offset);
    }
    rig_drain(&rig, 0);
    assert_int_equal(rig.workers[0].event_count, 5);
    rig_close(&rig);
}

/* ---- history ---- */

/* Offsets of a history answer as text, e.g. "3 4 5". */
static const char *offsets(const struct broker_publications *publications)
{
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < publications->count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%llu", i ? " " : "",
                                (unsigned long long)publications->items[i]->offset);
    return text;
}

static void a_history_query_gives_what_the_reference_gives(void **state)
{
    static const struct {
        int64_t limit;
        bool has_since, reverse;
        uint64_t since;
        const char *offsets;
    } cases[] = {
        /* eight were published into a ring of five: 4 to 8 are there */
        { 0, false, false, 0, "" },          { -1, false, false, 0, "4 5 6 7 8" },
        { 2, false, false, 0, "4 5" },       { 100, false, false, 0, "4 5 6 7 8" },
        { -1, false, true, 0, "8 7 6 5 4" }, { 2, false, true, 0, "8 7" },
        { -1, true, false, 5, "6 7 8" },     { 1, true, false, 5, "6" },
        { 0, true, false, 5, "" },           { -1, true, false, 3, "4 5 6 7 8" },
        { -1, true, false, 0, "4 5 6 7 8" }, /* a lost position starts with the oldest */
        { -1, true, false, 7, "8" },         { -1, true, false, 8, "" },
        { -1, true, false, 9, "" },          { -1, true, false, UINT64_MAX, "" },
        { -1, true, true, 6, "5 4" },        { 1, true, true, 6, "5" },
        { -1, true, true, 9, "8 7 6 5 4" },  { -1, true, true, 10, "" },
        { -1, true, true, 4, "" },           { -1, true, true, 1, "" },
        { -1, true, true, 0, "" },           { -1, true, true, UINT64_MAX, "" },
    };
    OPEN(rig, .workers = 1);
    assert_int_equal(rig_store_many(&rig, CHANNEL, 8, 5), 8);
    struct broker_position top = rig_top(&rig, CHANNEL);
    for (int with_epoch = 0; with_epoch < 2; with_epoch++) {
        for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
            struct broker_history query = {
                .space = RIG_SPACE,
                .channel = CHANNEL,
                .limit = cases[i].limit,
                .has_since = cases[i].has_since,
                .reverse = cases[i].reverse,
                .since.offset = cases[i].since,
                .history = RIG_HISTORY(5),
            };
            if (with_epoch) memcpy(query.since.epoch, top.epoch, BROKER_EPOCH_MAX);
            struct broker_result result = rig_history(&rig, 0, &query);
            assert_int_equal(result.status, STATUS_OK);
            assert_string_equal(offsets(&result.history.publications), cases[i].offsets);
            assert_int_equal(result.history.top.offset, 8);
            assert_string_equal(result.history.top.epoch, top.epoch);
            broker_result_deinit(&result);
        }
    }
    rig_close(&rig);
}

static void a_history_query_with_another_epoch_is_not_found(void **state)
{
    OPEN(rig, .workers = 1);
    rig_store_many(&rig, CHANNEL, 3, 5);
    struct broker_history query = { .space = RIG_SPACE,
                                    .channel = CHANNEL,
                                    .limit = -1,
                                    .has_since = true,
                                    .since = { .offset = 1, .epoch = "zzzz" } };
    struct broker_result result = rig_history(&rig, 0, &query);
    assert_int_equal(result.status, STATUS_NOT_FOUND);
    assert_int_equal(result.history.publications.count, 0);
    broker_result_deinit(&result);
    rig_close(&rig);
}

static void a_long_history_is_read_whole_and_in_order(void **state)
{
    OPEN(rig, .workers = 1);
    rig_store_many(&rig, CHANNEL, 1000, 777);
    for (int reverse = 0; reverse < 2; reverse++) {
        struct broker_history query = {
            .space = RIG_SPACE, .channel = CHANNEL, .limit = -1, .reverse = reverse, .history = RIG_HISTORY(777)
        };
        struct broker_result result = rig_history(&rig, 0, &query);
        assert_int_equal(result.history.publications.count, 777);
        for (uint32_t i = 0; i < 777; i++)
            assert_int_equal(result.history.publications.items[i]->offset, reverse ? 1000 - i : 224 + i);
        broker_result_deinit(&result);
    }
    rig_close(&rig);
}

static void history_goes_after_its_ttl_and_the_position_after_the_meta_ttl(void **state)
{
    OPEN(rig, .workers = 1);
    rig_store_many(&rig, CHANNEL, 3, 5);
    struct broker_position top = rig_top(&rig, CHANNEL);
    struct broker_history query = { .space = RIG_SPACE, .channel = CHANNEL, .limit = -1, .history = RIG_HISTORY(5) };
    rig.now_ms += 50000;
    struct broker_result result = rig_history(&rig, 0, &query);
    assert_int_equal(result.history.publications.count, 3);
    broker_result_deinit(&result);
    rig.now_ms += 11000;
    result = rig_history(&rig, 0, &query);
    assert_int_equal(result.history.publications.count, 0);
    assert_int_equal(result.history.top.offset, 3);
    assert_string_equal(result.history.top.epoch, top.epoch);
    broker_result_deinit(&result);
    assert_int_equal(rig_store(&rig, CHANNEL, SLICE("4"), 5), 4); /* and a new one goes on */
    rig.now_ms += 601000;
    assert_int_equal(rig_top(&rig, CHANNEL).offset, 0);
    assert_string_not_equal(rig_top(&rig, CHANNEL).epoch, top.epoch);
    assert_int_equal(rig_store(&rig, CHANNEL, SLICE("1"), 5), 1);
    assert_string_not_equal(rig_top(&rig, CHANNEL).epoch, top.epoch);
    rig_close(&rig);
}

static void removing_history_keeps_epoch_and_top_offset(void **state)
{
    OPEN(rig, .workers = 1);
    rig_history_remove(&rig, 0, CHANNEL);
    rig_store_many(&rig, CHANNEL, 3, 5);
    struct broker_position top = rig_top(&rig, CHANNEL);
    rig_history_remove(&rig, 0, CHANNEL);
    struct broker_history query = { .space = RIG_SPACE, .channel = CHANNEL, .limit = -1 };
    struct broker_result result = rig_history(&rig, 0, &query);
    assert_int_equal(result.history.publications.count, 0);
    assert_int_equal(result.history.top.offset, 3);
    assert_string_equal(result.history.top.epoch, top.epoch);
    broker_result_deinit(&result);
    assert_int_equal(rig_store(&rig, CHANNEL, SLICE("4"), 5), 4);
    rig_close(&rig);
}

static void the_highest_policy_version_decides_the_size(void **state)
{
    OPEN(rig, .workers = 1);
    rig_store_many(&rig, CHANNEL, 200, 200);
    struct broker_publish publish = {
        .space = RIG_SPACE, .channel = CHANNEL, .content.data = SLICE("1"), .history = RIG_HISTORY(3)
    };
    publish.history.policy_version = 2;
    for (int i = 0; i < 5; i++) { /* shrinking goes in steps */
        struct broker_result result = rig_publish(&rig, 0, &publish);
        assert_int_equal(result.publish.offset, 201 + i);
        publish.history.size = 200; /* an old worker */
        publish.history.policy_version = 1;
    }
    struct broker_history query = { .space = RIG_SPACE, .channel = CHANNEL, .limit = -1 };
    struct broker_result result = rig_history(&rig, 0, &query);
    assert_string_equal(offsets(&result.history.publications), "203 204 205");
    broker_result_deinit(&result);
    publish.history = RIG_HISTORY(0);
    publish.history.policy_version = 3;
    result = rig_publish(&rig, 0, &publish);
    assert_int_equal(result.publish.offset, 0);
    publish.history = RIG_HISTORY(5);
    result = rig_publish(&rig, 0, &publish);
    assert_int_equal(result.status, STATUS_OK);
    rig_close(&rig);
}

/* ---- subscribing and recovery ---- */

static void a_subscription_gives_the_position_only_when_asked_or_there_is_a_stream(void **state)
{
    OPEN(rig, .workers = 1);
    struct broker_subscribe r = plain_subscribe(CHANNEL);
    struct broker_subscribe_result s = subscribe_ok(&rig, 0, &r);
    assert_string_equal(s.top.epoch, "");
    r.position = true;
    s = subscribe_ok(&rig, 0, &r);
    assert_int_equal(strlen(s.top.epoch), 8);
    assert_int_equal(s.top.offset, 0);
    assert_false(s.recovered);
    rig_store(&rig, CHANNEL, SLICE("1"), 5);
    r.position = false;
    struct broker_subscribe_result t = subscribe_ok(&rig, 0, &r);
    assert_string_equal(t.top.epoch, s.top.epoch);
    assert_int_equal(t.top.offset, 1);
    assert_true(t.seq > s.seq);
    rig_close(&rig);
}

static void recovered_is_honest_in_every_case(void **state)
{
    static const struct {
        uint64_t offset;
        const char *epoch; /* NULL = the right one */
        uint32_t max;
        bool recovered;
        const char *missed;
    } cases[] = {
        /* ring of five: 4 to 8 */
        { 8, NULL, 300, true, "" },          { 8, "", 300, true, "" },
        { 8, "wrong", 300, false, "" },      { 7, NULL, 300, true, "8" },
        { 3, NULL, 300, true, "4 5 6 7 8" }, { 3, "", 300, true, "4 5 6 7 8" },
        { 3, "wrong", 300, false, "" },      { 3, NULL, 5, true, "4 5 6 7 8" },
        { 3, NULL, 4, false, "" },           { 8, NULL, 0, true, "" },
        { 7, NULL, 0, false, "" },           { 2, NULL, 300, false, "" },
        { 0, NULL, 300, false, "" },         { 0, "", 300, false, "" },
        { 9, NULL, 300, false, "" },         { UINT64_MAX, NULL, UINT32_MAX, false, "" },
    };
    OPEN(rig, .workers = 1);
    rig_store_many(&rig, CHANNEL, 8, 5);
    struct broker_position top = rig_top(&rig, CHANNEL);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct broker_subscribe r =
            recovery(cases[i].offset, cases[i].epoch ? cases[i].epoch : top.epoch, cases[i].max);
        struct broker_result result = rig_subscribe(&rig, 0, &r);
        assert_int_equal(result.status, STATUS_OK);
        assert_int_equal(result.subscribe.recovered, cases[i].recovered);
        assert_string_equal(offsets(&result.subscribe.missed), cases[i].missed);
        assert_int_equal(result.subscribe.top.offset, 8);
        assert_string_equal(result.subscribe.top.epoch, top.epoch);
        broker_result_deinit(&result);
    }
    rig_close(&rig);
}

static void recovery_without_publications_depends_on_the_position_alone(void **state)
{
    OPEN(rig, .workers = 1);
    rig_store_many(&rig, CHANNEL, 3, 5);
    struct broker_position top = rig_top(&rig, CHANNEL);
    rig_history_remove(&rig, 0, CHANNEL);
    struct broker_subscribe at_top = recovery(3, top.epoch, 300), before = recovery(2, top.epoch, 300);
    assert_true(subscribe_ok(&rig, 0, &at_top).recovered);
    assert_false(subscribe_ok(&rig, 0, &before).recovered);
    rig.now_ms += 61000; /* the same when the ttl has taken them */
    assert_true(subscribe_ok(&rig, 0, &at_top).recovered);
    assert_false(subscribe_ok(&rig, 0, &before).recovered);
    rig_close(&rig);
}

static void who_left_a_channel_before_its_first_publication_recovers_it(void **state)
{
    OPEN(rig, .workers = 1);
    struct broker_subscribe r = plain_subscribe(CHANNEL);
    r.position = true;
    struct broker_position position = subscribe_ok(&rig, 0, &r).top;
    rig_unsubscribe(&rig, 0, CHANNEL);
    struct broker_subscribe again = recovery(0, position.epoch, 300);
    assert_true(subscribe_ok(&rig, 0, &again).recovered);
    rig_unsubscribe(&rig, 0, CHANNEL);
    rig_store(&rig, CHANNEL, SLICE("1"), 5);
    struct broker_result result = rig_subscribe(&rig, 0, &again);
    assert_true(result.subscribe.recovered);
    assert_string_equal(offsets(&result.subscribe.missed), "1");
    broker_result_deinit(&result);
    rig_close(&rig);
}

static void a_long_recovery_is_whole_at_the_limit_and_refused_above_it(void **state)
{
    OPEN(rig, .workers = 1);
    rig_store_many(&rig, CHANNEL, 400, 400);
    struct broker_position top = rig_top(&rig, CHANNEL);
    struct broker_subscribe r = recovery(100, top.epoch, 300);
    struct broker_result result = rig_subscribe(&rig, 0, &r);
    assert_true(result.subscribe.recovered);
    assert_int_equal(result.subscribe.missed.count, 300);
    for (uint32_t i = 0; i < 300; i++) assert_int_equal(result.subscribe.missed.items[i]->offset, 101 + i);
    broker_result_deinit(&result);
    r.since.offset = 99;
    assert_false(subscribe_ok(&rig, 0, &r).recovered);
    rig_close(&rig);
}

static void what_the_result_covers_comes_by_mail_with_a_lower_seq_and_the_rest_with_a_higher(void **state)
{
    OPEN(rig, .workers = 1);
    subscribe_plain(&rig, 0);
    rig_store_many(&rig, CHANNEL, 3, 10);
    struct broker_subscribe r = recovery(0, "", 300);
    struct broker_result result = rig_subscribe(&rig, 0, &r);
    assert_string_equal(offsets(&result.subscribe.missed), "1 2 3");
    rig_store_many(&rig, CHANNEL, 2, 10);
    rig_drain(&rig, 0);
    assert_int_equal(rig.workers[0].event_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        const struct publication *p = rig.workers[0].events[i];
        assert_int_equal(p->offset, i + 1);
        assert_int_equal(p->seq > result.subscribe.seq, i >= 3);
        if (i) assert_true(p->seq > rig.workers[0].events[i - 1]->seq);
    }
    broker_result_deinit(&result);
    rig_close(&rig);
}

static void seq_goes_on_when_a_channel_was_left_and_is_taken_up_again(void **state)
{
    OPEN(rig, .workers = 1);
    struct broker_publish publish = { .space = RIG_SPACE, .channel = CHANNEL, .content.data = SLICE("1") };
    subscribe_plain(&rig, 0);
    for (int i = 0; i < 5; i++) assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OK);
    rig_unsubscribe(&rig, 0, CHANNEL);
    struct broker_subscribe r = plain_subscribe(CHANNEL);
    uint64_t seq = subscribe_ok(&rig, 0, &r).seq;
    rig_drain(&rig, 0);
    assert_int_equal(rig.workers[0].event_count, 5);
    /* mail of the former life is covered by the new subscription */
    for (uint32_t i = 0; i < 5; i++) assert_true(rig.workers[0].events[i]->seq <= seq);
    rig_forget_events(&rig, 0);
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OK);
    rig_drain(&rig, 0);
    assert_true(rig.workers[0].events[0]->seq > seq);
    rig_close(&rig);
}

static void every_subscription_of_a_worker_is_paid_back_by_one_unsubscribe(void **state)
{
    OPEN(rig, .workers = 3);
    struct broker_publish publish = { .space = RIG_SPACE, .channel = CHANNEL, .content.data = SLICE("1") };
    static const struct {
        int worker; /* below 0: -1 - worker leaves */
        uint32_t receivers;
    } steps[] = { { 0, 1 },  { 0, 1 }, { 1, 3 },  { 2, 7 },  { 1, 7 }, { -1, 7 }, { -3, 3 },
                  { -1, 2 }, { 2, 6 }, { -2, 6 }, { -2, 4 }, { 0, 5 }, { -3, 1 }, { -1, 0 } };
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        if (steps[i].worker >= 0)
            subscribe_plain(&rig, (uint32_t)steps[i].worker);
        else
            rig_unsubscribe(&rig, (uint32_t)(-1 - steps[i].worker), CHANNEL);
        assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OK);
        for (uint32_t w = 0; w < 3; w++) {
            rig_drain(&rig, w);
            assert_int_equal(rig.workers[w].event_count, steps[i].receivers >> w & 1);
            rig_forget_events(&rig, w);
        }
        assert_int_equal(rig.broker->ops->channel_count(rig.broker), steps[i].receivers ? 1 : 0);
    }
    rig_close(&rig);
}

static void joins_and_leaves_keep_their_place_among_publications(void **state)
{
    OPEN(rig, .workers = 1);
    subscribe_plain(&rig, 0);
    enum publication_kind kinds[] = { PUBLICATION_DATA, PUBLICATION_JOIN, PUBLICATION_DATA, PUBLICATION_LEAVE };
    uint64_t expected_offset[] = { 1, 0, 2, 0 };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct broker_publish publish = {
            .space = RIG_SPACE,
            .channel = CHANNEL,
            .content = { .kind = kinds[i], .has_info = true, .info.client = SLICE("c") },
            .history = RIG_HISTORY(10),
        };
        struct broker_result result = rig_publish(&rig, 0, &publish);
        assert_int_equal(result.status, STATUS_OK);
        assert_int_equal(result.publish.offset, expected_offset[i]);
    }
    rig_drain(&rig, 0);
    assert_int_equal(rig.workers[0].event_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(rig.workers[0].events[i]->content.kind, kinds[i]);
        assert_int_equal(rig.workers[0].events[i]->offset, expected_offset[i]);
        if (i) assert_true(rig.workers[0].events[i]->seq > rig.workers[0].events[i - 1]->seq);
    }
    rig_close(&rig);
}

/* ---- pressure and gaps ---- */

#define SMALL_BOX ((struct mailbox_limits){ .high_bytes = 4000, .hard_bytes = 8000, .high_age_ms = 1u << 30 })

static void drop_mail(struct mail *mail, void *owner)
{
    free(mail);
}

static void load(struct rig *rig, uint32_t worker, uint32_t bytes)
{
    struct mail *mail = calloc(1, sizeof *mail);
    *mail = (struct mail){ .deliver = drop_mail, .cost = bytes };
    mailbox_post(&rig->workers[worker].box, MAILBOX_WORK, mail, rig->now_ms);
}

static void a_worker_above_high_water_refuses_publishes_before_an_offset_exists(void **state)
{
    OPEN(rig, .workers = 3, .limits = SMALL_BOX);
    subscribe_plain(&rig, 0);
    subscribe_plain(&rig, 1);
    struct broker_publish publish = {
        .space = RIG_SPACE,
        .channel = CHANNEL,
        .content.data = SLICE("1"),
        .history = RIG_HISTORY(10),
        .idempotency_key = SLICE("k"),
    };
    load(&rig, 2, 100000); /* who does not subscribe does not matter */
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OK);
    publish.idempotency_key = SLICE("l");
    load(&rig, 1, 4000);
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OVERLOADED);
    assert_int_equal(rig_top(&rig, CHANNEL).offset, 1);
    load(&rig, 1, 100000);
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OVERLOADED);
    rig_drain(&rig, 1);
    struct broker_result result = rig_publish(&rig, 0, &publish); /* the refused key was not remembered */
    assert_int_equal(result.status, STATUS_OK);
    assert_false(result.publish.suppressed);
    assert_int_equal(result.publish.offset, 2);
    rig_close(&rig);
}

static void a_join_at_a_full_mailbox_becomes_one_gap_that_regaining_ends(void **state)
{
    OPEN(rig, .workers = 2, .limits = SMALL_BOX);
    subscribe_plain(&rig, 0);
    subscribe_plain(&rig, 1);
    struct broker_publish join = { .space = RIG_SPACE,
                                   .channel = CHANNEL,
                                   .content = { .kind = PUBLICATION_JOIN, .info.client = SLICE("c") } };
    load(&rig, 1, 4000); /* high: joins still come */
    assert_int_equal(rig_publish(&rig, 0, &join).status, STATUS_OK);
    load(&rig, 1, 100000);
    for (int i = 0; i < 3; i++) assert_int_equal(rig_publish(&rig, 0, &join).status, STATUS_OK);
    rig_drain(&rig, 0);
    rig_drain(&rig, 1);
    assert_int_equal(rig.workers[0].event_count, 4);
    assert_int_equal(rig.workers[0].gap_count, 0);
    assert_int_equal(rig.workers[1].event_count, 1);
    assert_int_equal(rig.workers[1].gap_count, 1);
    assert_string_equal(rig.workers[1].gap_channel, "public:room");
    /* easy again, but not yet regained: what is published is read by the regain */
    for (int i = 0; i < 70; i++) {
        rig_store(&rig, CHANNEL, SLICE("1"), 100);
        rig_drain(&rig, 0);
    }
    rig_drain(&rig, 1);
    assert_int_equal(rig.workers[1].event_count, 1);
    struct broker_subscribe r = recovery(0, "", 300);
    struct broker_result result = rig_regain(&rig, 1, &r);
    assert_int_equal(result.status, STATUS_OK);
    assert_true(result.subscribe.recovered);
    assert_int_equal(result.subscribe.missed.count, 70);
    rig_store(&rig, CHANNEL, SLICE("1"), 100);
    rig_drain(&rig, 1);
    assert_int_equal(rig.workers[1].event_count, 2);
    assert_true(rig.workers[1].events[1]->seq > result.subscribe.seq);
    assert_int_equal(rig.workers[1].events[1]->offset, 71);
    broker_result_deinit(&result);
    rig_unsubscribe(&rig, 1, CHANNEL); /* regaining registered nobody */
    assert_int_equal(rig.broker->ops->channel_count(rig.broker), 1);
    result = rig_regain(&rig, 1, &r);
    assert_int_equal(result.status, STATUS_NOT_FOUND);
    broker_result_deinit(&result);
    rig_close(&rig);
}

static void who_leaves_and_comes_back_is_no_longer_gapped(void **state)
{
    OPEN(rig, .workers = 2, .limits = SMALL_BOX);
    subscribe_plain(&rig, 0); /* keeps the channel alive */
    subscribe_plain(&rig, 1);
    struct broker_publish join = { .space = RIG_SPACE,
                                   .channel = CHANNEL,
                                   .content = { .kind = PUBLICATION_JOIN, .info.client = SLICE("c") } };
    load(&rig, 1, 100000);
    assert_int_equal(rig_publish(&rig, 0, &join).status, STATUS_OK);
    rig_unsubscribe(&rig, 1, CHANNEL);
    rig_drain(&rig, 1);
    assert_int_equal(rig.workers[1].gap_count, 1);
    subscribe_plain(&rig, 1);
    assert_int_equal(rig_publish(&rig, 0, &join).status, STATUS_OK);
    rig_drain(&rig, 1);
    assert_int_equal(rig.workers[1].event_count, 1);
    rig_close(&rig);
}

/* ---- presence ---- */

static void presence_add(struct rig *rig, const char *client, const char *user, const char *info)
{
    struct publication_info i = { .user = slice_from_cstr(user),
                                  .client = slice_from_cstr(client),
                                  .conn_info = slice_from_cstr(info) };
    struct broker_context context = rig_context(rig, 0);
    assert_int_equal(rig->broker->ops->presence_add(rig->broker, &context, RIG_SPACE, CHANNEL, &i), STATUS_OK);
}

static void presence_remove(struct rig *rig, const char *client)
{
    struct broker_context context = rig_context(rig, 0);
    rig->broker->ops->presence_remove(rig->broker, &context, RIG_SPACE, CHANNEL, slice_from_cstr(client));
}

static void presence_counts_clients_and_users(void **state)
{
    OPEN(rig, .workers = 1);
    struct broker_result result = rig_presence(&rig, 0, CHANNEL, false);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.presence.client_count, 0);
    broker_result_deinit(&result);
    presence_add(&rig, "c1", "alice", "{}");
    presence_add(&rig, "c2", "alice", "{}");
    presence_add(&rig, "c3", "bob", "{}");
    presence_add(&rig, "c3", "carol", "[1]"); /* adding again refreshes */
    presence_remove(&rig, "unknown");
    result = rig_presence(&rig, 0, CHANNEL, false);
    assert_int_equal(result.presence.entry_count, 3);
    assert_int_equal(result.presence.client_count, 3);
    assert_int_equal(result.presence.user_count, 2);
    assert_true(slice_eq(result.presence.entries[2].info.client, SLICE("c3")));
    assert_true(slice_eq(result.presence.entries[2].info.user, SLICE("carol")));
    assert_true(slice_eq(result.presence.entries[2].info.conn_info, SLICE("[1]")));
    broker_result_deinit(&result);
    presence_remove(&rig, "c1");
    presence_remove(&rig, "c2");
    result = rig_presence(&rig, 0, CHANNEL, true);
    assert_int_equal(result.presence.entry_count, 0);
    assert_null(result.presence.entries);
    assert_int_equal(result.presence.client_count, 1);
    assert_int_equal(result.presence.user_count, 1);
    broker_result_deinit(&result);
    presence_remove(&rig, "c3");
    result = rig_presence(&rig, 0, CHANNEL, true);
    assert_int_equal(result.presence.client_count, 0);
    broker_result_deinit(&result);
    rig_close(&rig);
}

static void a_large_presence_has_every_client_once(void **state)
{
    OPEN(rig, .workers = 1);
    bool seen[1000] = { false };
    for (int i = 0; i < 1000; i++) {
        char client[16], user[16];
        snprintf(client, sizeof client, "%d", i);
        snprintf(user, sizeof user, "u%d", i % 100);
        presence_add(&rig, client, user, "");
    }
    struct broker_result result = rig_presence(&rig, 0, CHANNEL, false);
    assert_int_equal(result.presence.entry_count, 1000);
    assert_int_equal(result.presence.user_count, 100);
    for (uint32_t i = 0; i < 1000; i++) {
        uint64_t client;
        assert_true(slice_to_u64(result.presence.entries[i].info.client, &client));
        assert_false(seen[client]);
        seen[client] = true;
    }
    broker_result_deinit(&result);
    rig_close(&rig);
}

/* ---- channels ---- */

struct listed {
    uint32_t times[300];
    uint32_t subscribers[300];
};

static void on_channel(struct slice channel, uint32_t subscribers, void *context)
{
    struct listed *listed = context;
    uint64_t index;
    assert_true(slice_to_u64(slice_from(channel, 3), &index));
    listed->times[index]++;
    listed->subscribers[index] = subscribers;
}

static void channels_lists_what_has_subscribers_with_their_count(void **state)
{
    OPEN(rig, .workers = 2);
    struct listed listed = { 0 };
    for (uint32_t i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "ch:%u", i);
        struct broker_subscribe r = plain_subscribe(slice_from_cstr(name));
        if (i % 3) subscribe_ok(&rig, 0, &r);
        if (i % 3 == 2) subscribe_ok(&rig, 1, &r);
        if (i % 3 == 0) rig_store(&rig, r.channel, SLICE("1"), 5);
        r.space = 2;
        if (i == 7) subscribe_ok(&rig, 0, &r);
    }
    uint64_t cursor = 0;
    while (rig.broker->ops->channels(rig.broker, RIG_SPACE, &cursor, on_channel, &listed)) continue;
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(listed.times[i], i % 3 ? 1 : 0);
        assert_int_equal(listed.subscribers[i], i % 3);
    }
    assert_int_equal(rig.broker->ops->channel_count(rig.broker), 201);
    rig_close(&rig);
}

static void a_broker_with_calls_under_way_can_be_freed(void **state)
{
    OPEN(rig, .workers = 1);
    struct broker_context context = rig_context(&rig, 0);
    struct broker_subscribe r = recovery(0, "", 300);
    r.position = true;
    rig_store_many(&rig, CHANNEL, 3, 5);
    for (int i = 0; i < 20; i++) {
        struct broker_result result;
        if (rig.broker->ops->subscribe(rig.broker, &context, &r, (struct broker_ticket){ 0 }, &result) == BROKER_DONE)
            broker_result_deinit(&result);
    }
    rig.broker->ops->free(rig.broker);
    rig.broker = make(&rig.links, &(struct memory_broker_options){ 0 }); /* for rig_close */
    while (mailbox_drain(&rig.workers[0].box, 1)) {
        broker_completion_free(rig.workers[0].completion);
        rig.workers[0].completion = NULL;
    }
    rig_close(&rig);
}

int broker_contract_run(const char *name, rig_maker maker)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publication_reaches_every_worker_with_subscribers_and_no_other),
        cmocka_unit_test(equal_names_in_two_spaces_never_meet),
        cmocka_unit_test(without_history_there_is_no_offset),
        cmocka_unit_test(an_idempotency_key_suppresses_the_second_publish_and_gives_the_first_result),
        cmocka_unit_test(an_idempotency_key_works_without_history_too),
        cmocka_unit_test(an_older_version_is_suppressed_and_another_version_epoch_starts_again),
        cmocka_unit_test(a_history_query_gives_what_the_reference_gives),
        cmocka_unit_test(a_history_query_with_another_epoch_is_not_found),
        cmocka_unit_test(a_long_history_is_read_whole_and_in_order),
        cmocka_unit_test(history_goes_after_its_ttl_and_the_position_after_the_meta_ttl),
        cmocka_unit_test(removing_history_keeps_epoch_and_top_offset),
        cmocka_unit_test(the_highest_policy_version_decides_the_size),
        cmocka_unit_test(a_subscription_gives_the_position_only_when_asked_or_there_is_a_stream),
        cmocka_unit_test(recovered_is_honest_in_every_case),
        cmocka_unit_test(recovery_without_publications_depends_on_the_position_alone),
        cmocka_unit_test(who_left_a_channel_before_its_first_publication_recovers_it),
        cmocka_unit_test(a_long_recovery_is_whole_at_the_limit_and_refused_above_it),
        cmocka_unit_test(what_the_result_covers_comes_by_mail_with_a_lower_seq_and_the_rest_with_a_higher),
        cmocka_unit_test(seq_goes_on_when_a_channel_was_left_and_is_taken_up_again),
        cmocka_unit_test(every_subscription_of_a_worker_is_paid_back_by_one_unsubscribe),
        cmocka_unit_test(joins_and_leaves_keep_their_place_among_publications),
        cmocka_unit_test(a_worker_above_high_water_refuses_publishes_before_an_offset_exists),
        cmocka_unit_test(a_join_at_a_full_mailbox_becomes_one_gap_that_regaining_ends),
        cmocka_unit_test(who_leaves_and_comes_back_is_no_longer_gapped),
        cmocka_unit_test(presence_counts_clients_and_users),
        cmocka_unit_test(a_large_presence_has_every_client_once),
        cmocka_unit_test(channels_lists_what_has_subscribers_with_their_count),
        cmocka_unit_test(a_broker_with_calls_under_way_can_be_freed),
    };
    make = maker;
    return _cmocka_run_group_tests(name, tests, ARRAY_COUNT(tests), NULL, NULL);
}
