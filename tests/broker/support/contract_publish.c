/* The contract of every broker. Publishing: who gets it, keys and versions. */
#include "broker/support/contract_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

static void a_publication_reaches_every_worker_with_subscribers_and_no_other(void **state)
{
    CONTRACT_OPEN(rig, .workers = 3);
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

/* The offset of the base that the only worker's newest event has; 0 = none. */
static uint64_t base_of(struct rig *rig, struct broker_publish publish)
{
    publish.space = RIG_SPACE;
    publish.channel = CHANNEL;
    publish.content.data = SLICE("{\"a\":1}");
    struct broker_result result = rig_publish(rig, 0, &publish);
    assert_int_equal(result.status, STATUS_OK);
    rig_drain(rig, 0);
    const struct publication *p = rig->workers[0].events[rig->workers[0].event_count - 1];
    return p->base_ ? p->base_->offset : 0;
}

static void the_base_of_a_marked_publication_is_the_newest_of_the_stream(void **state)
{
    for (uint32_t size = 1; size <= 3; size++) {
        CONTRACT_OPEN(rig, .workers = 1);
        subscribe_plain(&rig, 0);
        struct broker_publish plain = { .history = RIG_HISTORY(size) },
                              marked = { .history = RIG_HISTORY(size), .delta = true };
        struct broker_publish skipped = marked, without = { .delta = true };
        skipped.skip_history = true;
        assert_int_equal(base_of(&rig, marked), 0);
        assert_int_equal(base_of(&rig, marked), 1);
        assert_int_equal(base_of(&rig, plain), 0);
        assert_int_equal(base_of(&rig, marked), 3); /* marked or not */
        assert_int_equal(base_of(&rig, skipped), 0);
        assert_int_equal(base_of(&rig, without), 0);
        assert_int_equal(base_of(&rig, marked), 4);
        rig_history_remove(&rig, 0, CHANNEL);
        assert_int_equal(base_of(&rig, marked), 0);
        rig.now_ms += 61000; /* expired, even when the publish before it was carried out late */
        assert_int_equal(base_of(&rig, marked), 0);
        assert_int_equal(base_of(&rig, marked), 7);
        rig_close(&rig);
    }
}

static void equal_names_in_two_spaces_never_meet(void **state)
{
    CONTRACT_OPEN(rig, .workers = 2);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    assert_int_equal(second.publish.suppressed, BROKER_SUPPRESSED_BY_IDEMPOTENCY);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    const enum broker_suppressed NONE = BROKER_NOT_SUPPRESSED, OLD = BROKER_SUPPRESSED_BY_VERSION;
    const struct {
        uint64_t version;
        const char *epoch;
        enum broker_suppressed suppressed;
        uint64_t offset;
    } steps[] = {
        { 5, "a", NONE, 1 }, { 5, "a", OLD, 1 },  { 4, "a", OLD, 1 },  { 4, "", OLD, 1 },
        { 6, "", NONE, 2 },  { 6, "", OLD, 2 },   { 1, "b", NONE, 3 }, { 1, "b", OLD, 3 },
        { 0, "", NONE, 4 },  { 1, "b", NONE, 5 }, { 1, "b", OLD, 5 },
    };
    CONTRACT_OPEN(rig, .workers = 1);
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

int contract_publish_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publication_reaches_every_worker_with_subscribers_and_no_other),
        cmocka_unit_test(the_base_of_a_marked_publication_is_the_newest_of_the_stream),
        cmocka_unit_test(equal_names_in_two_spaces_never_meet),
        cmocka_unit_test(without_history_there_is_no_offset),
        cmocka_unit_test(an_idempotency_key_suppresses_the_second_publish_and_gives_the_first_result),
        cmocka_unit_test(an_idempotency_key_works_without_history_too),
        cmocka_unit_test(an_older_version_is_suppressed_and_another_version_epoch_starts_again),
    };
    return _cmocka_run_group_tests(name, tests, ARRAY_COUNT(tests), NULL, NULL);
}
