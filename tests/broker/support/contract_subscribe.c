/* The contract of every broker. Subscribing: position, recovery, registration. */
#include "broker/support/contract_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

static void a_subscription_gives_the_position_only_when_asked_or_there_is_a_stream(void **state)
{
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 1);
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
    CONTRACT_OPEN(rig, .workers = 3);
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
    CONTRACT_OPEN(rig, .workers = 1);
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

int contract_subscribe_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subscription_gives_the_position_only_when_asked_or_there_is_a_stream),
        cmocka_unit_test(recovered_is_honest_in_every_case),
        cmocka_unit_test(recovery_without_publications_depends_on_the_position_alone),
        cmocka_unit_test(who_left_a_channel_before_its_first_publication_recovers_it),
        cmocka_unit_test(a_long_recovery_is_whole_at_the_limit_and_refused_above_it),
        cmocka_unit_test(what_the_result_covers_comes_by_mail_with_a_lower_seq_and_the_rest_with_a_higher),
        cmocka_unit_test(seq_goes_on_when_a_channel_was_left_and_is_taken_up_again),
        cmocka_unit_test(every_subscription_of_a_worker_is_paid_back_by_one_unsubscribe),
        cmocka_unit_test(joins_and_leaves_keep_their_place_among_publications),
    };
    return _cmocka_run_group_tests(name, tests, ARRAY_COUNT(tests), NULL, NULL);
}
