/* The memory broker's own promises: what it costs, what it forgets and when, its
 * limits, and what it does without memory. */
#include "broker/support/broker_rig.h"

#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/memory/memory_calls.h"
#include "broker/memory/memory_read.h"

#define OPEN(rig_, ...)                                                                                                \
    struct rig rig_;                                                                                                   \
    rig_open(&rig_, memory_broker_new, (struct rig_options){ __VA_ARGS__ })

static const struct slice CHANNEL = { "public:room", 11 };

static struct broker_publish publish_of(struct slice channel, uint32_t size)
{
    return (struct broker_publish){
        .space = RIG_SPACE, .channel = channel, .content.data = SLICE("1"), .history = RIG_HISTORY(size)
    };
}

static struct broker_subscribe subscribe_of(struct slice channel)
{
    return (struct broker_subscribe){
        .space = RIG_SPACE, .channel = channel, .position = true, .history = RIG_HISTORY(10)
    };
}

static void subscribe(struct rig *rig, uint32_t worker, struct slice channel)
{
    struct broker_subscribe r = subscribe_of(channel);
    struct broker_result result = rig_subscribe(rig, worker, &r);
    assert_int_equal(result.status, STATUS_OK);
    broker_result_deinit(&result);
}

static bool sweep(struct rig *rig)
{
    bool more = false;
    for (uint32_t w = 0; w < rig->links.worker_count; w++) {
        struct broker_context c = rig_context(rig, w);
        more |= rig->broker->ops->sweep(rig->broker, &c);
    }
    return more;
}

static size_t entries(struct rig *rig)
{
    return memory_broker_entry_count(rig->broker);
}

static const char *numbered(const char *prefix, uint32_t i)
{
    static char name[32];
    snprintf(name, sizeof name, "%s%u", prefix, i);
    return name;
}

static void an_idle_channel_costs_less_than_150_bytes_beside_its_name(void **state)
{
    assert_true(sizeof(struct memory_entry) + 16 /* of the allocator */ + 8 /* of the map */ < 150);
}

static void reading_names_at_random_grows_nothing(void **state)
{
    OPEN(rig, .workers = 2);
    for (uint32_t i = 0; i < 1000; i++) {
        struct slice name = slice_from_cstr(numbered("random", i));
        struct broker_history history = { .space = i, .channel = name, .limit = -1, .history = RIG_HISTORY(10) };
        struct broker_result result = rig_history(&rig, 0, &history);
        assert_int_equal(result.status, STATUS_OK);
        assert_int_equal(strlen(result.history.top.epoch), 8);
        broker_result_deinit(&result);
        result = rig_presence(&rig, 0, name, false);
        broker_result_deinit(&result);
        rig_history_remove(&rig, 0, name);
        struct broker_publish publish = publish_of(name, 0);
        publish.content.kind = i % 2 ? PUBLICATION_DATA : PUBLICATION_JOIN;
        assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OK);
    }
    assert_int_equal(entries(&rig), 0);
    rig_close(&rig);
}

static void a_channel_without_history_goes_with_its_last_subscriber(void **state)
{
    OPEN(rig, .workers = 2);
    subscribe(&rig, 0, CHANNEL);
    subscribe(&rig, 1, CHANNEL);
    rig_unsubscribe(&rig, 0, CHANNEL);
    assert_int_equal(entries(&rig), 1);
    rig_unsubscribe(&rig, 1, CHANNEL);
    assert_int_equal(entries(&rig), 0);
    rig_close(&rig);
}

static void after_all_went_away_and_the_clock_went_on_the_table_is_empty(void **state)
{
    OPEN(rig, .workers = 3);
    for (uint32_t i = 0; i < 2000; i++) {
        char copy[32];
        snprintf(copy, sizeof copy, "room:%u", i);
        struct slice name = slice_from_cstr(copy);
        if (i % 2) subscribe(&rig, i % 3, name);
        if (i % 5 == 0) subscribe(&rig, 2, name);
        if (i % 3) rig_store_many(&rig, name, 3, 10);
        struct broker_context c = rig_context(&rig, 0);
        struct publication_info info = { .client = name, .user = SLICE("u") };
        if (i % 7 == 0) assert_int_equal(rig.broker->ops->presence_add(rig.broker, &c, RIG_SPACE, name, &info), 0);
    }
    for (uint32_t w = 0; w < 3; w++) rig_drain(&rig, w), rig_forget_events(&rig, w);
    assert_true(entries(&rig) > 1000);
    rig.now_ms += 601000; /* what has subscribers or presence stays */
    while (sweep(&rig)) continue;
    for (uint32_t i = 0; i < 2000; i++) {
        char copy[32];
        snprintf(copy, sizeof copy, "room:%u", i);
        struct slice name = slice_from_cstr(copy);
        struct broker_context c = rig_context(&rig, 0);
        if (i % 7 == 0) rig.broker->ops->presence_remove(rig.broker, &c, RIG_SPACE, name, name);
        if (i % 2) rig_unsubscribe(&rig, i % 3, name);
        if (i % 5 == 0) rig_unsubscribe(&rig, 2, name);
    }
    assert_int_equal(rig.broker->ops->channel_count(rig.broker), 0);
    rig.now_ms += 601000;
    while (sweep(&rig)) continue;
    assert_int_equal(entries(&rig), 0);
    struct memory_spaces *spaces = &memory_broker_of(rig.broker)->table.spaces;
    assert_int_equal(memory_spaces_find(spaces, RIG_SPACE)->history_bytes, 0);
    rig_close(&rig);
}

static void a_sweep_does_a_bounded_piece_and_says_that_there_is_more(void **state)
{
    OPEN(rig, .workers = 1);
    for (uint32_t i = 0; i < 200; i++) rig_store(&rig, slice_from_cstr(numbered("room", i)), SLICE("1"), 10);
    assert_false(sweep(&rig));
    assert_int_equal(entries(&rig), 200);
    rig.now_ms += 601000;
    assert_true(sweep(&rig));
    assert_int_equal(entries(&rig), 200 - MEMORY_HOLD_ITEMS);
    assert_true(sweep(&rig));
    assert_true(sweep(&rig));
    assert_false(sweep(&rig));
    assert_int_equal(entries(&rig), 0);
    rig_close(&rig);
}

static void each_worker_sweeps_its_own_shards(void **state)
{
    OPEN(rig, .workers = 4, .memory.shard_count = 2); /* two workers have none */
    for (uint32_t i = 0; i < 40; i++) rig_store(&rig, slice_from_cstr(numbered("room", i)), SLICE("1"), 10);
    rig.now_ms += 601000;
    struct broker_context c = rig_context(&rig, 3);
    assert_false(rig.broker->ops->sweep(rig.broker, &c));
    assert_int_equal(entries(&rig), 40);
    c = rig_context(&rig, 0);
    rig.broker->ops->sweep(rig.broker, &c);
    assert_true(entries(&rig) > 0 && entries(&rig) < 40);
    c = rig_context(&rig, 1);
    rig.broker->ops->sweep(rig.broker, &c);
    assert_int_equal(entries(&rig), 0);
    rig_close(&rig);
}

static uint32_t history_count(struct rig *rig, struct slice channel)
{
    struct broker_history query = { .space = RIG_SPACE, .channel = channel, .limit = -1, .history = RIG_HISTORY(10) };
    struct broker_result result = rig_history(rig, 0, &query);
    uint32_t count = result.history.publications.count;
    broker_result_deinit(&result);
    return count;
}

static void times_to_live_end_at_their_millisecond_swept_or_not(void **state)
{
    for (int swept = 0; swept < 2; swept++) {
        OPEN(rig, .workers = 1);
        rig_store_many(&rig, CHANNEL, 3, 10);
        rig.now_ms += 59999;
        if (swept) sweep(&rig);
        assert_int_equal(history_count(&rig, CHANNEL), 3); /* a use: the meta lives 600 s from now */
        rig.now_ms += 1;
        if (swept) sweep(&rig);
        assert_int_equal(history_count(&rig, CHANNEL), 0);
        rig.now_ms += 599999;
        if (swept) sweep(&rig);
        assert_int_equal(entries(&rig), 1);
        assert_int_equal(rig_top(&rig, CHANNEL).offset, 3);
        rig.now_ms += 600000;
        if (swept) sweep(&rig);
        assert_int_equal(rig_top(&rig, CHANNEL).offset, 0);
        assert_int_equal(entries(&rig), 0);
        rig_close(&rig);
    }
}

static void no_epoch_comes_twice_for_a_channel_that_had_offsets(void **state)
{
    OPEN(rig, .workers = 1, .memory.shard_count = 1);
    char epochs[20][BROKER_EPOCH_MAX];
    for (int life = 0; life < 20; life++) {
        if (life % 2) { /* presence keeps the entry over its stream's end */
            struct broker_context c = rig_context(&rig, 0);
            struct publication_info info = { .client = SLICE("c") };
            assert_int_equal(rig.broker->ops->presence_add(rig.broker, &c, RIG_SPACE, CHANNEL, &info), STATUS_OK);
        }
        char before[BROKER_EPOCH_MAX];
        memcpy(before, rig_top(&rig, CHANNEL).epoch, BROKER_EPOCH_MAX);
        rig_store(&rig, CHANNEL, SLICE("1"), 10);
        memcpy(epochs[life], rig_top(&rig, CHANNEL).epoch, BROKER_EPOCH_MAX);
        assert_string_equal(before, epochs[life]); /* an unpublished channel has the epoch that it will get */
        for (int i = 0; i < life; i++) assert_string_not_equal(epochs[i], epochs[life]);
        rig.now_ms += 601000;
        while (sweep(&rig)) continue;
    }
    rig_close(&rig);
}

static void the_epoch_of_an_unpublished_channel_is_stable_while_it_has_subscribers(void **state)
{
    OPEN(rig, .workers = 1, .memory.shard_count = 1);
    subscribe(&rig, 0, CHANNEL);
    struct broker_position position = rig_top(&rig, CHANNEL);
    for (uint32_t i = 0; i < 10; i++) rig_store(&rig, slice_from_cstr(numbered("other", i)), SLICE("1"), 10);
    rig.now_ms += 601000;
    while (sweep(&rig)) continue;
    assert_int_equal(entries(&rig), 1);
    assert_string_equal(rig_top(&rig, CHANNEL).epoch, position.epoch);
    rig_store(&rig, CHANNEL, SLICE("1"), 10);
    assert_string_equal(rig_top(&rig, CHANNEL).epoch, position.epoch);
    rig.now_ms += 1201000; /* and of a published one too, whatever its meta ttl */
    while (sweep(&rig)) continue;
    assert_int_equal(rig_top(&rig, CHANNEL).offset, 1);
    rig_close(&rig);
}

static void two_brokers_have_different_epochs(void **state)
{
    OPEN(rig, .workers = 1);
    OPEN(other, .workers = 1);
    assert_string_not_equal(rig_top(&rig, CHANNEL).epoch, rig_top(&other, CHANNEL).epoch);
    rig_close(&rig);
    rig_close(&other);
}

static void idempotency_keys_are_bounded_per_space_and_the_oldest_goes_first(void **state)
{
    OPEN(rig, .workers = 1, .memory = { .idempotency_keys_max = 10, .idempotency_ttl_ms = 5000 });
    struct broker_publish publish = publish_of(CHANNEL, 10);
    for (uint32_t i = 0; i < 11; i++) {
        publish.idempotency_key = slice_from_cstr(numbered("key", i));
        assert_false(rig_publish(&rig, 0, &publish).publish.suppressed);
    }
    publish.idempotency_key = SLICE("key1");
    assert_true(rig_publish(&rig, 0, &publish).publish.suppressed);
    publish.idempotency_key = SLICE("key0");
    assert_false(rig_publish(&rig, 0, &publish).publish.suppressed);
    struct memory_space *space = memory_spaces_find(&memory_broker_of(rig.broker)->table.spaces, RIG_SPACE);
    assert_int_equal(memory_idempotency_count(&space->idempotency), 10);
    rig.now_ms += 4999;
    assert_true(rig_publish(&rig, 0, &publish).publish.suppressed);
    rig.now_ms += 1;
    assert_false(rig_publish(&rig, 0, &publish).publish.suppressed);
    rig.now_ms += 5000;
    sweep(&rig);
    assert_int_equal(memory_idempotency_count(&space->idempotency), 0);
    rig_close(&rig);
}

static void history_bytes_are_bounded_per_space(void **state)
{
    OPEN(rig, .workers = 1, .memory.history_bytes_max = 4000);
    struct broker_publish publish = publish_of(CHANNEL, 100);
    uint64_t stored = 0;
    struct broker_result result;
    while ((result = rig_publish(&rig, 0, &publish)).status == STATUS_OK) stored = result.publish.offset;
    assert_int_equal(result.status, STATUS_TOO_LARGE);
    assert_true(stored > 3 && stored < 30);
    assert_int_equal(rig_top(&rig, CHANNEL).offset, stored);
    publish.channel = SLICE("other"); /* the same space: full, and nothing is left behind */
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_TOO_LARGE);
    assert_int_equal(entries(&rig), 1);
    publish.space = 2;
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OK);
    publish = publish_of(CHANNEL, (uint32_t)stored); /* a full ring gives room for the new one */
    publish.history.policy_version = 2;
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OK);
    rig_history_remove(&rig, 0, CHANNEL);
    struct memory_space *space = memory_spaces_find(&memory_broker_of(rig.broker)->table.spaces, RIG_SPACE);
    assert_in_range(space->history_bytes, 1, 4000 / 8); /* the position stays */
    rig_close(&rig);
}

static void positions_of_names_made_up_by_a_publisher_are_bounded_per_space(void **state)
{
    OPEN(rig, .workers = 1, .memory.history_bytes_max = 100000);
    struct broker_publish publish = publish_of(CHANNEL, 10);
    publish.history.ttl_ms = 1;
    uint32_t made = 0;
    for (struct broker_result result = { 0 }; made < 10000 && result.status == STATUS_OK; made++) {
        publish.channel = slice_from_cstr(numbered("room", made));
        result = rig_publish(&rig, 0, &publish);
        rig.now_ms += 2; /* the publication goes, the position stays */
        while (sweep(&rig)) continue;
    }
    assert_in_range(made, 100, 1000);
    rig.now_ms += RIG_HISTORY(10).meta_ttl_ms + 1;
    while (sweep(&rig)) continue;
    assert_int_equal(entries(&rig), 0);
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OK);
    rig_close(&rig);
}

/* ---- reads over several holds, with something happening between them ---- */

static void read_begin(struct rig *rig, struct memory_read *read, uint64_t next, uint64_t left, bool reverse)
{
    struct memory_hold h;
    *read = (struct memory_read){ .next = next, .left = left, .reverse = reverse };
    memory_hold_begin(&h, &memory_broker_of(rig->broker)->table, RIG_SPACE, CHANNEL, rig->now_ms);
    memory_read_begin(read, &h);
    memory_hold_end(&h);
}

static void assert_read(struct rig *rig, struct memory_read *read, enum memory_read_result expected, uint64_t first,
                        uint32_t count)
{
    struct broker_result result = { .owns_ = BROKER_RESULT_HISTORY };
    struct broker_publications *out = &result.history.publications;
    assert_int_equal(memory_read_end(read, &memory_broker_of(rig->broker)->table, RIG_SPACE, CHANNEL, rig->now_ms, out),
                     expected);
    assert_int_equal(out->count, count);
    for (uint32_t i = 0; i < count; i++) assert_int_equal(out->items[i]->offset, read->reverse ? first - i : first + i);
    broker_result_deinit(&result);
}

static void a_read_is_honest_about_what_goes_between_its_holds(void **state)
{
    struct memory_read read;
    OPEN(rig, .workers = 1);
    rig_store_many(&rig, CHANNEL, 300, 300); /* 1 to 300 */

    read_begin(&rig, &read, 1, 300, false);
    rig_store_many(&rig, CHANNEL, 50, 300); /* 1 to 50 go, which have been read */
    assert_read(&rig, &read, MEMORY_READ_OK, 1, 300);

    read_begin(&rig, &read, 51, 300, false);
    rig_store_many(&rig, CHANNEL, 100, 300); /* 51 to 150 go, 115 was next */
    assert_read(&rig, &read, MEMORY_READ_MOVED, 151, 200);

    read_begin(&rig, &read, 450, 300, true); /* down to 151 */
    rig_store_many(&rig, CHANNEL, 100, 300);
    assert_read(&rig, &read, MEMORY_READ_MOVED, 450, 200);

    read_begin(&rig, &read, 251, 300, false);
    rig_history_remove(&rig, 0, CHANNEL);
    assert_read(&rig, &read, MEMORY_READ_MOVED, 0, 0);

    rig_store_many(&rig, CHANNEL, 300, 300); /* 551 to 850 */
    read_begin(&rig, &read, 551, 300, false);
    rig.now_ms += 601000; /* all goes, and another stream comes */
    rig_store_many(&rig, CHANNEL, 900, 1000);
    assert_read(&rig, &read, MEMORY_READ_MOVED, 0, 0);

    read_begin(&rig, &read, 1, 64, false);
    assert_read(&rig, &read, MEMORY_READ_OK, 1, 64);
    read_begin(&rig, &read, 1, 65, false);
    mem_fail_after(1);
    assert_read(&rig, &read, MEMORY_READ_NO_MEMORY, 0, 0);
    rig_close(&rig);
}

/* ---- without memory ---- */

static struct broker_result call_number(struct rig *rig, int call)
{
    struct broker_publish publish = publish_of(SLICE("new"), 10);
    struct broker_subscribe subscription = subscribe_of(call == 2 ? CHANNEL : SLICE("new"));
    struct broker_history history = { .space = RIG_SPACE, .channel = CHANNEL, .limit = -1, .history = RIG_HISTORY(10) };
    struct publication_info info = { .client = SLICE("c"), .user = SLICE("u") };
    struct broker_context c = rig_context(rig, 1);
    struct broker_result result = { 0 };
    switch (call) {
    case 0:
        publish.space = 77; /* a new space too */
        publish.idempotency_key = SLICE("key");
        publish.version = 1;
        publish.version_epoch = SLICE("v");
        return rig_publish(rig, 0, &publish);
    case 1: return rig_subscribe(rig, 1, &subscription);
    case 2:
        subscription.recover = true;
        subscription.recover_max = 300;
        return rig_subscribe(rig, 1, &subscription);
    case 3: return rig_history(rig, 0, &history);
    case 4: result.status = rig->broker->ops->presence_add(rig->broker, &c, RIG_SPACE, SLICE("new"), &info); break;
    case 5: return rig_presence(rig, 0, CHANNEL, false);
    }
    return result;
}

static void fill_for_calls(struct rig *rig)
{
    struct broker_context c = rig_context(rig, 0);
    struct publication_info info = { .client = SLICE("c0"), .user = SLICE("u") };
    rig_store_many(rig, CHANNEL, 100, 100);
    subscribe(rig, 0, CHANNEL);
    assert_int_equal(rig->broker->ops->presence_add(rig->broker, &c, RIG_SPACE, CHANNEL, &info), STATUS_OK);
}

/* Each allocation of each call fails once: the call says so or is whole, and leaves nothing. */
static void without_memory_a_call_fails_whole(void **state)
{
    for (int call = 0; call < 6; call++) {
        for (size_t n = 1;; n++) {
            OPEN(rig, .workers = 2, .memory.shard_count = 1);
            fill_for_calls(&rig);
            size_t before = entries(&rig);
            mem_fail_after(n);
            struct broker_result result = call_number(&rig, call);
            bool failed = !mem_fail_pending();
            mem_fail_after(0);
            if (result.status == STATUS_NO_MEMORY)
                assert_int_equal(entries(&rig), before);
            else
                assert_int_equal(result.status, STATUS_OK);
            if (call == 2 && failed && result.status == STATUS_OK) assert_false(result.subscribe.recovered);
            if ((call == 1 || call == 2) && result.status == STATUS_OK)
                rig_unsubscribe(&rig, 1, call == 2 ? CHANNEL : SLICE("new"));
            broker_result_deinit(&result);
            if (call == 0) { /* a failed publish is not remembered as done */
                result = call_number(&rig, call);
                assert_int_equal(result.publish.offset, 1);
                assert_int_equal(result.publish.suppressed, !failed);
            }
            rig_close(&rig);
            if (!failed) break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_channel_costs_less_than_150_bytes_beside_its_name),
        cmocka_unit_test(reading_names_at_random_grows_nothing),
        cmocka_unit_test(a_channel_without_history_goes_with_its_last_subscriber),
        cmocka_unit_test(after_all_went_away_and_the_clock_went_on_the_table_is_empty),
        cmocka_unit_test(a_sweep_does_a_bounded_piece_and_says_that_there_is_more),
        cmocka_unit_test(each_worker_sweeps_its_own_shards),
        cmocka_unit_test(times_to_live_end_at_their_millisecond_swept_or_not),
        cmocka_unit_test(no_epoch_comes_twice_for_a_channel_that_had_offsets),
        cmocka_unit_test(the_epoch_of_an_unpublished_channel_is_stable_while_it_has_subscribers),
        cmocka_unit_test(two_brokers_have_different_epochs),
        cmocka_unit_test(idempotency_keys_are_bounded_per_space_and_the_oldest_goes_first),
        cmocka_unit_test(history_bytes_are_bounded_per_space),
        cmocka_unit_test(positions_of_names_made_up_by_a_publisher_are_bounded_per_space),
        cmocka_unit_test(a_read_is_honest_about_what_goes_between_its_holds),
        cmocka_unit_test(without_memory_a_call_fails_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
