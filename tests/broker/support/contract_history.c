/* The contract of every broker. History: queries, times to live, sizes. */
#include "broker/support/contract_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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

int contract_history_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_history_query_gives_what_the_reference_gives),
        cmocka_unit_test(a_history_query_with_another_epoch_is_not_found),
        cmocka_unit_test(a_long_history_is_read_whole_and_in_order),
        cmocka_unit_test(history_goes_after_its_ttl_and_the_position_after_the_meta_ttl),
        cmocka_unit_test(removing_history_keeps_epoch_and_top_offset),
        cmocka_unit_test(the_highest_policy_version_decides_the_size),
    };
    return _cmocka_run_group_tests(name, tests, ARRAY_COUNT(tests), NULL, NULL);
}
