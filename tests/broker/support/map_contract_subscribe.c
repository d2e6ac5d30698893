/* The contract of every map broker. Subscribing: what is covered, what comes by mail,
 * and how a worker that lost something finds its way back. */
#include "broker/support/map_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

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

static struct broker_subscribe_result joined(struct rig *rig, uint32_t worker, struct map_options options)
{
    struct broker_subscribe r = map_join(options);
    struct broker_result result = map_rig_subscribe(rig, worker, &r);
    assert_int_equal(result.status, STATUS_OK);
    struct broker_subscribe_result s = result.subscribe;
    assert_int_equal(s.missed.count, 0);
    broker_result_deinit(&result);
    return s;
}

static void every_registered_worker_gets_each_change_after_its_subscribe(void **state)
{
    static const struct {
        struct map_options options;
        const char *events, *events_of_last;
    } cases[] = {
        { EPHEMERAL, "b=2 -a b=3", "b=3" },
        { PERSISTENT, "2:b=2 3:-a 4:b=3", "4:b=3" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        MAP_OPEN(rig, .workers = 4);
        struct map_options o = cases[i].options;
        map_rig_put(&rig, o, "a", "1");
        struct broker_subscribe_result s = joined(&rig, 1, o);
        joined(&rig, 2, o);
        joined(&rig, 2, o); /* the second subscriber of the worker: events come once all the same */
        assert_int_not_equal(s.top.epoch[0], '\0');
        assert_int_equal(s.top.offset, o.stream.size ? 1 : 0);
        map_rig_put(&rig, o, "b", "2");
        map_rig_drop(&rig, o, "a");
        joined(&rig, 3, o);
        map_rig_put(&rig, o, "b", "3");
        rig_drain(&rig, 1);
        assert_true(rig.workers[1].events[0]->seq > s.seq);
        assert_string_equal(map_rig_events(&rig, 0), "");
        assert_string_equal(map_rig_events(&rig, 1), cases[i].events);
        assert_string_equal(map_rig_events(&rig, 2), cases[i].events);
        assert_string_equal(map_rig_events(&rig, 3), cases[i].events_of_last);
        assert_int_equal(rig.maps->ops->channel_count(rig.maps), 1);
        map_rig_unsubscribe(&rig, 2);
        map_rig_put(&rig, o, "b", "4");
        assert_string_not_equal(map_rig_events(&rig, 2), "");
        map_rig_unsubscribe(&rig, 2);
        map_rig_unsubscribe(&rig, 1);
        map_rig_unsubscribe(&rig, 3);
        map_rig_put(&rig, o, "b", "5");
        for (uint32_t w = 2; w < 3; w++) assert_string_equal(map_rig_events(&rig, w), "");
        assert_int_equal(rig.maps->ops->channel_count(rig.maps), 0);
        rig_close(&rig);
    }
}

static void what_is_suppressed_reaches_nobody(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    map_rig_put(&rig, RECOVERABLE, "a", "1");
    joined(&rig, 0, RECOVERABLE);
    struct map_publish put = map_put(RECOVERABLE, "a", "2");
    put.key_mode = MAP_KEY_IF_NEW;
    assert_int_equal(map_rig_publish(&rig, 0, &put).map_update.suppress, MAP_SUPPRESS_KEY_EXISTS);
    struct map_removal drop = map_drop(RECOVERABLE, "b");
    assert_int_equal(map_rig_remove(&rig, 0, &drop).map_update.suppress, MAP_SUPPRESS_KEY_NOT_FOUND);
    assert_string_equal(map_rig_events(&rig, 0), "");
    assert_string_equal(map_rig_state(&rig), "1:a=1");
    rig_close(&rig);
}

static void recovery_answers_with_all_that_was_missed_or_not_at_all(void **state)
{
    static const struct {
        bool same_epoch;
        uint64_t since;
        uint32_t max;
        bool recovered;
        const char *missed;
    } cases[] = {
        { true, 4, 10, true, "5:a=5 6:-a" },
        { true, 6, 10, true, "" },
        { true, 2, 10, true, "3:a=3 4:a=4 5:a=5 6:-a" },
        { true, 1, 10, false, "" }, /* 2 has gone */
        { true, 0, 10, false, "" },
        { true, 3, 2, false, "" }, /* more than may be missed */
        { true, 7, 10, false, "" },
        { false, 6, 10, false, "" },
    };
    MAP_OPEN(rig, .workers = 1);
    struct map_options small = RECOVERABLE;
    struct broker_position p = { 0 };
    small.stream.size = 4;
    for (char data[2] = "1"; data[0] <= '5'; data[0]++) p = map_rig_put(&rig, small, "a", data);
    map_rig_drop(&rig, small, "a");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct broker_subscribe r = map_join(small);
        r.recover = true;
        r.recover_max = cases[i].max;
        r.since = p;
        r.since.offset = cases[i].since;
        if (!cases[i].same_epoch) r.since.epoch[0] = '!';
        struct broker_result result = map_rig_subscribe(&rig, 0, &r);
        assert_int_equal(result.status, STATUS_OK);
        assert_int_equal(result.subscribe.recovered, cases[i].recovered);
        assert_int_equal(result.subscribe.top.offset, 6);
        assert_string_equal(map_text(result.subscribe.missed.items, result.subscribe.missed.count), cases[i].missed);
        broker_result_deinit(&result);
    }
    rig_close(&rig);
}

static void a_worker_above_high_water_refuses_changes_before_they_exist(void **state)
{
    MAP_OPEN(rig, .workers = 2, .limits = SMALL_BOX);
    map_rig_put(&rig, RECOVERABLE, "a", "1");
    joined(&rig, 1, RECOVERABLE);
    load(&rig, 1, 4000);
    struct map_publish put = map_put(RECOVERABLE, "a", "2");
    struct map_removal drop = map_drop(RECOVERABLE, "a");
    put.idempotency_key = SLICE("i");
    assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_OVERLOADED);
    assert_int_equal(map_rig_remove(&rig, 0, &drop).status, STATUS_OVERLOADED);
    assert_string_equal(map_rig_state(&rig), "1:a=1");
    rig_drain(&rig, 1);
    struct broker_result result = map_rig_publish(&rig, 0, &put);
    assert_int_equal(result.map_update.suppress, MAP_SUPPRESS_NONE);
    assert_int_equal(result.map_update.position.offset, 2);
    rig_close(&rig);
}

static void removals_by_time_at_a_full_mailbox_become_one_gap_that_regaining_ends(void **state)
{
    MAP_OPEN(rig, .workers = 2, .limits = SMALL_BOX);
    struct map_options o = RECOVERABLE;
    o.stream.ttl_ms = 3600 * 1000;
    struct broker_position p = { 0 };
    for (char key[2] = "a"; key[0] <= 'c'; key[0]++) p = map_rig_put(&rig, o, key, "1");
    joined(&rig, 0, o);
    joined(&rig, 1, o);
    load(&rig, 1, 100000);
    rig.now_ms += 70000; /* and a little more, for a broker that is late */
    map_rig_sweep(&rig);
    assert_string_equal(map_rig_events(&rig, 0), "4:-a 5:-b 6:-c");
    assert_string_equal(map_rig_events(&rig, 1), "");
    assert_int_equal(rig.workers[0].gap_count, 0);
    assert_int_equal(rig.workers[1].gap_count, 1);
    assert_string_equal(rig.workers[1].gap_channel, "map:room");
    map_rig_put(&rig, o, "d", "1"); /* not yet regained */
    assert_string_equal(map_rig_events(&rig, 1), "");
    struct broker_subscribe r = map_join(o);
    r.recover = true;
    r.recover_max = 10;
    r.since = p;
    struct broker_result result = map_rig_regain(&rig, 1, &r);
    assert_true(result.subscribe.recovered);
    assert_string_equal(map_text(result.subscribe.missed.items, result.subscribe.missed.count), "4:-a 5:-b 6:-c 7:d=1");
    broker_result_deinit(&result);
    map_rig_put(&rig, o, "e", "1");
    assert_string_equal(map_rig_events(&rig, 1), "8:e=1");
    rig_close(&rig);
}

static void a_clear_tells_every_registered_worker_that_it_lost_all(void **state)
{
    static const struct map_options modes[] = { EPHEMERAL, RECOVERABLE };
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        MAP_OPEN(rig, .workers = 3);
        struct map_options o = modes[i];
        struct broker_position p = map_rig_put(&rig, o, "a", "1");
        joined(&rig, 0, o);
        joined(&rig, 1, o);
        map_rig_clear(&rig);
        map_rig_clear(&rig); /* nothing there any more: nobody is told twice */
        for (uint32_t w = 0; w < 3; w++) rig_drain(&rig, w);
        assert_int_equal(rig.workers[0].gap_count, 1);
        assert_int_equal(rig.workers[1].gap_count, 1);
        assert_int_equal(rig.workers[2].gap_count, 0);
        struct broker_subscribe r = map_join(o);
        r.recover = true;
        r.recover_max = 10;
        r.since = p;
        struct broker_result result = map_rig_regain(&rig, 1, &r);
        assert_int_equal(result.status, STATUS_OK);
        assert_false(result.subscribe.recovered);
        assert_string_not_equal(result.subscribe.top.epoch, p.epoch);
        assert_int_equal(result.subscribe.top.offset, 0);
        broker_result_deinit(&result);
        struct broker_position next = map_rig_put(&rig, o, "b", "1");
        assert_string_equal(map_rig_events(&rig, 1), o.stream.size ? "1:b=1" : "b=1");
        assert_string_not_equal(next.epoch, p.epoch);
        map_rig_unsubscribe(&rig, 1);
        result = map_rig_regain(&rig, 1, &r);
        assert_int_equal(result.status, STATUS_NOT_FOUND);
        broker_result_deinit(&result);
        rig_close(&rig);
    }
}

struct listing {
    char text[256];
    uint32_t subscribers;
};

static void list(struct slice channel, uint32_t subscribers, void *context)
{
    struct listing *l = context;
    strncat(l->text, channel.ptr, channel.len);
    l->subscribers += subscribers;
}

static void channels_with_subscribers_are_listed(void **state)
{
    MAP_OPEN(rig, .workers = 2);
    struct listing l = { "" };
    uint64_t cursor = 0;
    map_rig_put(&rig, EPHEMERAL, "a", "1"); /* which is no subscriber */
    while (rig.maps->ops->channels(rig.maps, RIG_SPACE, &cursor, list, &l)) continue;
    assert_string_equal(l.text, "");
    joined(&rig, 0, EPHEMERAL);
    joined(&rig, 1, EPHEMERAL);
    cursor = 0;
    while (rig.maps->ops->channels(rig.maps, RIG_SPACE, &cursor, list, &l)) continue;
    assert_string_equal(l.text, "map:room");
    assert_int_equal(l.subscribers, 2);
    cursor = 0;
    while (rig.maps->ops->channels(rig.maps, RIG_SPACE + 1, &cursor, list, &l)) continue;
    assert_string_equal(l.text, "map:room");
    rig_close(&rig);
}

int map_contract_subscribe_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_registered_worker_gets_each_change_after_its_subscribe),
        cmocka_unit_test(what_is_suppressed_reaches_nobody),
        cmocka_unit_test(recovery_answers_with_all_that_was_missed_or_not_at_all),
        cmocka_unit_test(a_worker_above_high_water_refuses_changes_before_they_exist),
        cmocka_unit_test(removals_by_time_at_a_full_mailbox_become_one_gap_that_regaining_ends),
        cmocka_unit_test(a_clear_tells_every_registered_worker_that_it_lost_all),
        cmocka_unit_test(channels_with_subscribers_are_listed),
    };
    return _cmocka_run_group_tests(name, tests, ARRAY_COUNT(tests), NULL, NULL);
}
