/* The contract of every map broker. Keys go when their time has come, each with a
 * removal that everybody hears of (row HI-64). */
#include "broker/support/map_rig.h"

#include <stdio.h>

#include "base/check.h"

#define KEY_TTL_MS 60000
/* A broker may carry a call out this much later than it was made. */
#define SLACK_MS 10000

static void join(struct rig *rig, struct map_options options)
{
    struct broker_subscribe r = map_join(options);
    struct broker_result result = map_rig_subscribe(rig, 0, &r);
    assert_int_equal(result.status, STATUS_OK);
    broker_result_deinit(&result);
}

static void pass(struct rig *rig, uint64_t ms)
{
    rig->now_ms += ms;
    map_rig_sweep(rig);
}

static void keys_go_in_the_order_in_which_they_were_last_written(void **state)
{
    static const struct {
        struct map_options options;
        const char *first, *rest, *stream;
    } cases[] = {
        { EPHEMERAL, "-c -b", "-a", "" },
        { RECOVERABLE, "5:-c 6:-b", "7:-a", "1:a=1 2:c=1 3:b=1 4:a=2 5:-c 6:-b 7:-a" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        MAP_OPEN(rig, .workers = 2);
        struct map_options o = cases[i].options;
        if (o.stream.size) o.stream.ttl_ms = 600000;
        join(&rig, o);
        map_rig_put(&rig, o, "a", "1");
        map_rig_put(&rig, o, "c", "1");
        map_rig_put(&rig, o, "b", "1");
        map_rig_events(&rig, 0); /* or its mailbox grows old */
        pass(&rig, 3 * SLACK_MS);
        map_rig_put(&rig, o, "a", "2"); /* lives anew */
        map_rig_events(&rig, 0);
        pass(&rig, KEY_TTL_MS - 3 * SLACK_MS - 1);
        assert_string_equal(map_rig_events(&rig, 0), "");
        pass(&rig, SLACK_MS);
        assert_string_equal(map_rig_events(&rig, 0), cases[i].first);
        assert_int_equal(map_rig_count(&rig), 1);
        pass(&rig, 3 * SLACK_MS);
        assert_string_equal(map_rig_events(&rig, 0), cases[i].rest);
        assert_int_equal(map_rig_count(&rig), 0);
        assert_string_equal(map_rig_stream(&rig), cases[i].stream);
        struct map_counts counts;
        rig.maps->ops->counts(rig.maps, &counts);
        assert_int_equal(counts.expired, 3);
        assert_int_equal(counts.expiry_errors, 0);
        rig_close(&rig);
    }
}

static void removals_by_time_carry_the_tags_of_the_value(void **state)
{
    static const struct publication_tag tag = { .key = { "t", 1 }, .value = { "v", 1 } };
    MAP_OPEN(rig, .workers = 1);
    struct map_publish put = map_put(EPHEMERAL, "a", "1");
    put.content.tags = &tag, put.content.tag_count = 1;
    join(&rig, EPHEMERAL);
    assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_OK);
    map_rig_events(&rig, 0);
    pass(&rig, KEY_TTL_MS + SLACK_MS);
    rig_drain(&rig, 0);
    assert_int_equal(rig.workers[0].event_count, 1);
    const struct publication *p = rig.workers[0].events[0];
    assert_true(p->content.removed);
    assert_int_equal(p->content.tag_count, 1);
    assert_true(slice_eq(p->content.tags[0].value, SLICE("v")));
    rig_close(&rig);
}

static void whoever_says_still_here_keeps_a_key_and_nobody_hears_of_it(void **state)
{
    for (int refresh = 0; refresh < 2; refresh++) {
        MAP_OPEN(rig, .workers = 1);
        struct map_publish put = map_put(RECOVERABLE, "a", "1");
        put.key_mode = MAP_KEY_IF_NEW;
        put.refresh_suppressed = refresh;
        join(&rig, RECOVERABLE);
        assert_int_equal(map_rig_publish(&rig, 0, &put).map_update.suppress, MAP_SUPPRESS_NONE);
        map_rig_events(&rig, 0);
        pass(&rig, KEY_TTL_MS - 1);
        assert_int_equal(map_rig_publish(&rig, 0, &put).map_update.suppress, MAP_SUPPRESS_KEY_EXISTS);
        pass(&rig, KEY_TTL_MS - 1);
        assert_string_equal(map_rig_events(&rig, 0), refresh ? "" : "2:-a");
        pass(&rig, SLACK_MS);
        assert_string_equal(map_rig_events(&rig, 0), refresh ? "2:-a" : "");
        rig_close(&rig);
    }
}

static void a_sweep_is_bounded_and_goes_on_where_it_ended(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    char key[16];
    join(&rig, EPHEMERAL);
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "k%d", i);
        map_rig_put(&rig, EPHEMERAL, key, "1");
    }
    rig_drain(&rig, 0);
    rig_forget_events(&rig, 0);
    rig.now_ms += KEY_TTL_MS + 2 * SLACK_MS;
    struct broker_context context = rig_context(&rig, 0);
    int rounds = 1;
    uint64_t left = 500;
    struct map_counts counts;
    while (rig.maps->ops->sweep(rig.maps, &context)) {
        uint64_t now = map_rig_count(&rig);
        assert_true(left - now <= 128);
        left = now;
        rounds++;
        rig.maps->ops->counts(rig.maps, &counts);
        assert_true(counts.lag_ms > SLACK_MS && counts.lag_ms <= 2 * SLACK_MS);
    }
    assert_true(rounds >= 4);
    assert_int_equal(map_rig_count(&rig), 0);
    rig_drain(&rig, 0);
    assert_int_equal(rig.workers[0].event_count, 500);
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_true(slice_eq(publication_key(rig.workers[0].events[i]), slice_from_cstr(key)));
    }
    rig_close(&rig);
}

static void a_newer_time_to_live_counts_for_all_keys(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    struct map_options shorter = EPHEMERAL, older = EPHEMERAL;
    shorter.key_ttl_ms = 1000;
    shorter.stream.policy_version = 2;
    map_rig_put(&rig, EPHEMERAL, "a", "1");
    map_rig_put(&rig, shorter, "b", "1");
    map_rig_put(&rig, older, "c", "1"); /* of a caller that has not heard of it yet */
    pass(&rig, 1000 + SLACK_MS);
    assert_string_equal(map_rig_state(&rig), "");
    rig_close(&rig);
}

static void the_meta_of_a_map_outlives_its_keys_and_then_the_epoch_ends(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    struct broker_position p = map_rig_put(&rig, RECOVERABLE, "a", "1"), q;
    pass(&rig, KEY_TTL_MS + SLACK_MS);
    q = map_rig_put(&rig, RECOVERABLE, "a", "1");
    assert_string_equal(p.epoch, q.epoch);
    assert_int_equal(q.offset, 3); /* 2 was the removal */
    pass(&rig, KEY_TTL_MS + SLACK_MS);
    pass(&rig, 600000 + SLACK_MS);
    q = map_rig_put(&rig, RECOVERABLE, "a", "1");
    assert_string_not_equal(p.epoch, q.epoch);
    assert_int_equal(q.offset, 1);
    rig_close(&rig);
}

int map_contract_expiry_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_go_in_the_order_in_which_they_were_last_written),
        cmocka_unit_test(removals_by_time_carry_the_tags_of_the_value),
        cmocka_unit_test(whoever_says_still_here_keeps_a_key_and_nobody_hears_of_it),
        cmocka_unit_test(a_sweep_is_bounded_and_goes_on_where_it_ended),
        cmocka_unit_test(a_newer_time_to_live_counts_for_all_keys),
        cmocka_unit_test(the_meta_of_a_map_outlives_its_keys_and_then_the_epoch_ends),
    };
    return _cmocka_run_group_tests(name, tests, ARRAY_COUNT(tests), NULL, NULL);
}
