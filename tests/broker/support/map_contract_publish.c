/* The contract of every map broker. Publishing and removing: modes, objections, limits. */
#include "broker/support/map_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

static void each_mode_keeps_what_it_should(void **state)
{
    static const struct {
        const char *name;
        struct map_options options;
        uint64_t offsets[3];
        const char *stream, *later; /* the state when keys would have expired */
    } cases[] = {
        { "ephemeral", EPHEMERAL, { 0, 0, 0 }, "", "" },
        { "recoverable", RECOVERABLE, { 1, 2, 3 }, "1:a=1 2:b=2 3:a=3", "" },
        { "persistent", PERSISTENT, { 1, 2, 3 }, "1:a=1 2:b=2 3:a=3", "3:a=3 2:b=2" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        MAP_OPEN(rig, .workers = 2);
        struct map_options o = cases[i].options;
        struct broker_position first = map_rig_put(&rig, o, "a", "1");
        assert_int_equal(first.offset, cases[i].offsets[0]);
        assert_int_equal(map_rig_put(&rig, o, "b", "2").offset, cases[i].offsets[1]);
        struct broker_position last = map_rig_put(&rig, o, "a", "3");
        assert_int_equal(last.offset, cases[i].offsets[2]);
        assert_string_equal(first.epoch, last.epoch);
        assert_string_equal(map_rig_state(&rig), o.stream.size ? "3:a=3 2:b=2" : "a=3 b=2");
        assert_string_equal(map_rig_stream(&rig), cases[i].stream);
        assert_int_equal(map_rig_count(&rig), 2);
        rig.now_ms += 3600 * 1000;
        map_rig_sweep(&rig);
        assert_string_equal(map_rig_state(&rig), cases[i].later);
        rig_close(&rig);
    }
}

/* One call after the other on one map; the suppression that each meets. */
struct step {
    bool remove;
    const char *key;
    enum map_key_mode mode;
    uint64_t version;
    const char *version_epoch, *idempotency_key;
    uint64_t expected; /* 0 = none; 99 = of another epoch */
    enum map_suppress suppress;
    uint64_t offset; /* in the answer */
};

static struct broker_position expected_at(struct rig *rig, uint64_t offset)
{
    struct broker_history r = { .space = RIG_SPACE, .channel = MAP };
    struct broker_result result = map_rig_read_stream(rig, 0, &r);
    struct broker_position p = result.history.top;
    p.offset = offset;
    if (offset == 99) p.epoch[0] = '!', p.offset = 1;
    broker_result_deinit(&result);
    return p;
}

static struct broker_result take_step(struct rig *rig, const struct step *s)
{
    struct map_publish put = map_put(RECOVERABLE, s->key, "1");
    struct map_removal drop = map_drop(RECOVERABLE, s->key);
    put.key_mode = s->mode;
    put.version = s->version;
    put.version_epoch = slice_from_cstr(s->version_epoch ? s->version_epoch : "");
    put.idempotency_key = drop.idempotency_key = slice_from_cstr(s->idempotency_key ? s->idempotency_key : "");
    put.has_expected = drop.has_expected = s->expected != 0;
    if (s->expected) put.expected = drop.expected = expected_at(rig, s->expected);
    return s->remove ? map_rig_remove(rig, 0, &drop) : map_rig_publish(rig, 0, &put);
}

static void take_steps(const char *name, const struct step *steps, size_t count)
{
    struct map_counts expected = { .lag_ms = 0 }, counts;
    MAP_OPEN(rig, .workers = 1);
    for (size_t i = 0; i < count; i++) {
        struct broker_result result = take_step(&rig, &steps[i]);
        assert_int_equal(result.status, STATUS_OK);
        if (result.map_update.suppress != steps[i].suppress || result.map_update.position.offset != steps[i].offset)
            fail_msg("%s, step %zu: suppress %d, offset %llu", name, i, (int)result.map_update.suppress,
                     (unsigned long long)result.map_update.position.offset);
        struct map_suppressed *suppressed = steps[i].remove ? &expected.removals : &expected.publishes;
        if (steps[i].suppress != MAP_SUPPRESS_NONE) suppressed->count[steps[i].suppress]++;
    }
    rig.maps->ops->counts(rig.maps, &counts); /* each is counted under its reason */
    assert_memory_equal(&counts, &expected, sizeof counts);
    rig_close(&rig);
}

#define TAKE_STEPS(name, ...)                                                                                          \
    static const struct step steps[] = { __VA_ARGS__ };                                                                \
    take_steps(name, steps, ARRAY_COUNT(steps))

static void a_key_mode_asks_whether_the_key_is_there(void **state)
{
    TAKE_STEPS("key modes", /* */
               { .key = "a", .mode = MAP_KEY_IF_EXISTS, .suppress = MAP_SUPPRESS_KEY_NOT_FOUND },
               { .key = "a", .mode = MAP_KEY_IF_NEW, .offset = 1 },
               { .key = "a", .mode = MAP_KEY_IF_NEW, .suppress = MAP_SUPPRESS_KEY_EXISTS, .offset = 1 },
               { .key = "a", .mode = MAP_KEY_IF_EXISTS, .offset = 2 },
               { .key = "b", .mode = MAP_KEY_IF_EXISTS, .suppress = MAP_SUPPRESS_KEY_NOT_FOUND, .offset = 2 },
               { .key = "a", .remove = true, .offset = 3 },
               { .key = "a", .remove = true, .suppress = MAP_SUPPRESS_KEY_NOT_FOUND, .offset = 3 },
               { .key = "a", .mode = MAP_KEY_IF_NEW, .offset = 4 });
}

static void a_version_must_be_greater_than_the_keys_own(void **state)
{
    TAKE_STEPS("versions",                                                                  /* */
               { .key = "a", .version = 5, .version_epoch = "x", .offset = 1 },             /* */
               { .key = "a", .version = 5, .suppress = MAP_SUPPRESS_VERSION, .offset = 1 }, /* any epoch */
               { .key = "a", .version = 4, .version_epoch = "x", .suppress = MAP_SUPPRESS_VERSION, .offset = 1 },
               { .key = "a", .version = 4, .version_epoch = "y", .offset = 2 },             /* counts anew */
               { .key = "a", .offset = 3 },                                                 /* keeps the version */
               { .key = "a", .version = 4, .suppress = MAP_SUPPRESS_VERSION, .offset = 3 }, /* */
               { .key = "b", .version = 1, .offset = 4 },                                   /* each its own */
               { .key = "a", .version = 6, .offset = 5 },                                   /* */
               { .key = "a", .version = 6, .version_epoch = "y", .offset = 6 },             /* the epoch is "" */
               { .key = "a", .remove = true, .offset = 7 },                                 /* forgets it */
               { .key = "a", .version = 1, .offset = 8 });
}

static void an_expected_position_must_be_the_keys_own(void **state)
{
    TAKE_STEPS("positions", /* */
               { .key = "a", .expected = 1, .suppress = MAP_SUPPRESS_POSITION_MISMATCH }, { .key = "a", .offset = 1 },
               { .key = "b", .offset = 2 },
               { .key = "a", .expected = 2, .suppress = MAP_SUPPRESS_POSITION_MISMATCH, .offset = 2 },
               { .key = "a", .expected = 99, .suppress = MAP_SUPPRESS_POSITION_MISMATCH, .offset = 2 },
               { .key = "a", .expected = 1, .offset = 3 },
               { .key = "a", .remove = true, .expected = 1, .suppress = MAP_SUPPRESS_POSITION_MISMATCH, .offset = 3 },
               { .key = "c", .remove = true, .expected = 1, .suppress = MAP_SUPPRESS_POSITION_MISMATCH, .offset = 3 },
               { .key = "a", .remove = true, .expected = 3, .offset = 4 });
}

static void an_idempotency_key_counts_for_publishes_and_removals_together(void **state)
{
    TAKE_STEPS(
        "idempotency", /* */
        { .key = "a", .idempotency_key = "i", .offset = 1 }, { .key = "b", .idempotency_key = "j", .offset = 2 },
        { .key = "a", .idempotency_key = "i", .suppress = MAP_SUPPRESS_IDEMPOTENCY, .offset = 1 },
        { .key = "b", .idempotency_key = "i", .suppress = MAP_SUPPRESS_IDEMPOTENCY, .offset = 1 },
        { .key = "a", .remove = true, .idempotency_key = "i", .suppress = MAP_SUPPRESS_IDEMPOTENCY, .offset = 1 },
        { .key = "a", .remove = true, .idempotency_key = "k", .offset = 3 },
        { .key = "a", .remove = true, .idempotency_key = "k", .suppress = MAP_SUPPRESS_IDEMPOTENCY, .offset = 3 },
        { .key = "a", .remove = true, .idempotency_key = "l", .suppress = MAP_SUPPRESS_KEY_NOT_FOUND, .offset = 3 },
        { .key = "a", .idempotency_key = "l", .offset = 4 }); /* what was suppressed is not remembered */
}

static void objections_are_raised_in_their_order(void **state)
{
    TAKE_STEPS("order", /* */
               { .key = "a", .version = 5, .idempotency_key = "i", .offset = 1 },
               { .key = "a",
                 .version = 5,
                 .idempotency_key = "i",
                 .mode = MAP_KEY_IF_NEW,
                 .expected = 9,
                 .suppress = MAP_SUPPRESS_IDEMPOTENCY,
                 .offset = 1 },
               { .key = "a",
                 .version = 5,
                 .mode = MAP_KEY_IF_NEW,
                 .expected = 9,
                 .suppress = MAP_SUPPRESS_VERSION,
                 .offset = 1 },
               { .key = "a",
                 .version = 6,
                 .mode = MAP_KEY_IF_NEW,
                 .expected = 9,
                 .suppress = MAP_SUPPRESS_KEY_EXISTS,
                 .offset = 1 },
               { .key = "a", .version = 6, .expected = 9, .suppress = MAP_SUPPRESS_POSITION_MISMATCH, .offset = 1 });
}

static void idempotency_keys_are_forgotten_in_time_and_with_a_clear(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    struct map_publish put = map_put(PERSISTENT, "a", "1");
    put.idempotency_key = SLICE("i");
    assert_int_equal(map_rig_publish(&rig, 0, &put).map_update.suppress, MAP_SUPPRESS_NONE);
    rig.now_ms += 290000;
    assert_int_equal(map_rig_publish(&rig, 0, &put).map_update.suppress, MAP_SUPPRESS_IDEMPOTENCY);
    rig.now_ms += 20000; /* with room for a broker that is late */
    assert_int_equal(map_rig_publish(&rig, 0, &put).map_update.suppress, MAP_SUPPRESS_NONE);
    map_rig_clear(&rig);
    struct broker_result result = map_rig_publish(&rig, 0, &put);
    assert_int_equal(result.map_update.suppress, MAP_SUPPRESS_NONE);
    assert_int_equal(result.map_update.position.offset, 1);
    rig_close(&rig);
}

static void without_a_stream_versions_and_positions_are_refused(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    struct map_publish put = map_put(EPHEMERAL, "a", "1");
    put.version = 1;
    assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_MALFORMED);
    put = map_put(EPHEMERAL, "a", "1");
    put.has_expected = true;
    assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_MALFORMED);
    struct map_removal drop = map_drop(EPHEMERAL, "a");
    drop.has_expected = true;
    assert_int_equal(map_rig_remove(&rig, 0, &drop).status, STATUS_MALFORMED);
    assert_int_equal(map_rig_count(&rig), 0);
    rig_close(&rig);
}

static void a_key_has_at_most_its_bytes(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    char *long_key = calloc(1, PUBLICATION_KEY_MAX + 1);
    memset(long_key, 'k', PUBLICATION_KEY_MAX + 1);
    struct map_publish put = map_put(EPHEMERAL, "", "1");
    put.key = slice_of(long_key, PUBLICATION_KEY_MAX + 1);
    assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_TOO_LARGE);
    put.key.len--;
    assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_OK);
    assert_int_equal(map_rig_count(&rig), 1);
    free(long_key);
    rig_close(&rig);
}

static void removals_carry_the_values_tags_or_the_ones_given(void **state)
{
    static const struct publication_tag own = { .key = { "t", 1 }, .value = { "own", 3 } };
    static const struct publication_tag given = { .key = { "t", 1 }, .value = { "given", 5 } };
    for (int with = 0; with < 2; with++) {
        MAP_OPEN(rig, .workers = 1);
        struct map_publish put = map_put(RECOVERABLE, "a", "1");
        put.content.tags = &own, put.content.tag_count = 1;
        put.content.info.user = SLICE("u"), put.content.has_info = true;
        assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_OK);
        struct map_removal drop = map_drop(RECOVERABLE, "a");
        if (with) drop.has_tags = true, drop.tags = &given, drop.tag_count = 1;
        assert_int_equal(map_rig_remove(&rig, 0, &drop).status, STATUS_OK);
        struct broker_history r = { .space = RIG_SPACE, .channel = MAP, .limit = 1, .reverse = true };
        struct broker_result result = map_rig_read_stream(&rig, 0, &r);
        const struct publication *p = result.history.publications.items[0];
        assert_true(p->content.removed);
        assert_int_equal(p->content.tag_count, 1);
        assert_true(slice_eq(p->content.tags[0].value, with ? SLICE("given") : SLICE("own")));
        assert_false(p->content.has_info);
        assert_int_equal(p->content.data.len, 0);
        broker_result_deinit(&result);
        rig_close(&rig);
    }
}

static void a_space_holds_so_much_and_no_more(void **state)
{
    MAP_OPEN(rig, .workers = 1, .memory.history_bytes_max = 20000);
    static char data[2001];
    char key[16];
    memset(data, 'x', 2000);
    enum status status = STATUS_OK;
    int count = 0;
    for (; status == STATUS_OK; count++) {
        snprintf(key, sizeof key, "k%d", count);
        struct map_publish put = map_put(EPHEMERAL, key, data);
        status = map_rig_publish(&rig, 0, &put).status;
        assert_true(count < 20);
    }
    assert_int_equal(status, STATUS_TOO_LARGE);
    assert_true(count > 2);
    assert_int_equal(map_rig_count(&rig), (uint64_t)count - 1);
    struct map_publish put = map_put(EPHEMERAL, "k0", data);
    assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_OK); /* needs no more than it frees */
    put.space = 2;
    assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_OK); /* each space its own */
    put = map_put(EPHEMERAL, key, data);
    assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_TOO_LARGE);
    map_rig_drop(&rig, EPHEMERAL, "k0");
    assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_OK);
    map_rig_clear(&rig);
    for (int i = 0; i < count - 1; i++) {
        snprintf(key, sizeof key, "n%d", i);
        map_rig_put(&rig, EPHEMERAL, key, data);
    }
    rig_close(&rig);
}

static void a_full_space_lets_keys_go(void **state)
{
    MAP_OPEN(rig, .workers = 1, .memory.history_bytes_max = 20000);
    enum status status = STATUS_OK;
    char key[16];
    for (int count = 0; status == STATUS_OK; count++) {
        snprintf(key, sizeof key, "k%d", count);
        struct map_publish put = map_put(PERSISTENT, key, "1");
        status = map_rig_publish(&rig, 0, &put).status;
    }
    assert_int_equal(status, STATUS_TOO_LARGE);
    map_rig_drop(&rig, PERSISTENT, "k0");
    rig_close(&rig);
}

static void joins_and_leaves_pass_in_order_and_leave_no_key(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    struct broker_subscribe join = map_join(RECOVERABLE);
    struct broker_result result = map_rig_subscribe(&rig, 0, &join);
    broker_result_deinit(&result);
    map_rig_put(&rig, RECOVERABLE, "a", "1");
    struct map_publish event = map_put(RECOVERABLE, "", "");
    event.content.kind = PUBLICATION_JOIN;
    event.content.info.client = SLICE("c"), event.content.has_info = true;
    assert_int_equal(map_rig_publish(&rig, 0, &event).status, STATUS_OK);
    map_rig_put(&rig, RECOVERABLE, "a", "2");
    rig_drain(&rig, 0);
    assert_int_equal(rig.workers[0].event_count, 3);
    assert_int_equal(rig.workers[0].events[1]->content.kind, PUBLICATION_JOIN);
    for (int i = 1; i < 3; i++) assert_true(rig.workers[0].events[i]->seq > rig.workers[0].events[i - 1]->seq);
    assert_string_equal(map_rig_state(&rig), "2:a=2");
    assert_string_equal(map_rig_stream(&rig), "1:a=1 2:a=2");
    rig_close(&rig);
}

/* The offset of the base that the newest of the stream has; 0 = none. */
static uint64_t base_of_newest(struct rig *rig)
{
    struct broker_history r = { .space = RIG_SPACE, .channel = MAP, .limit = 1, .reverse = true };
    struct broker_result result = map_rig_read_stream(rig, 0, &r);
    const struct publication *p = result.history.publications.items[0];
    uint64_t offset = p->base_ ? p->base_->offset : 0;
    broker_result_deinit(&result);
    return offset;
}

static void the_base_of_a_marked_change_is_the_value_of_its_key(void **state)
{
    static const struct {
        const char *key;
        bool marked, removed;
        uint64_t base;
    } changes[] = {
        { "a", true, false, 0 },  { "b", true, false, 0 }, { "a", true, false, 1 },
        { "a", false, false, 0 }, { "a", true, false, 4 }, { "b", true, false, 2 },
        { "a", false, true, 0 },  { "a", true, false, 0 }, { "a", true, false, 8 },
    };
    MAP_OPEN(rig, .workers = 1);
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        struct map_publish put = map_put(RECOVERABLE, changes[i].key, "1");
        put.delta = changes[i].marked;
        if (changes[i].removed)
            map_rig_drop(&rig, RECOVERABLE, changes[i].key);
        else
            assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_OK);
        assert_int_equal(base_of_newest(&rig), changes[i].base);
    }
    rig_close(&rig);
}

int map_contract_publish_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mode_keeps_what_it_should),
        cmocka_unit_test(a_key_mode_asks_whether_the_key_is_there),
        cmocka_unit_test(a_version_must_be_greater_than_the_keys_own),
        cmocka_unit_test(an_expected_position_must_be_the_keys_own),
        cmocka_unit_test(an_idempotency_key_counts_for_publishes_and_removals_together),
        cmocka_unit_test(objections_are_raised_in_their_order),
        cmocka_unit_test(idempotency_keys_are_forgotten_in_time_and_with_a_clear),
        cmocka_unit_test(without_a_stream_versions_and_positions_are_refused),
        cmocka_unit_test(a_key_has_at_most_its_bytes),
        cmocka_unit_test(removals_carry_the_values_tags_or_the_ones_given),
        cmocka_unit_test(a_space_holds_so_much_and_no_more),
        cmocka_unit_test(a_full_space_lets_keys_go),
        cmocka_unit_test(joins_and_leaves_pass_in_order_and_leave_no_key),
        cmocka_unit_test(the_base_of_a_marked_change_is_the_value_of_its_key),
    };
    return _cmocka_run_group_tests(name, tests, ARRAY_COUNT(tests), NULL, NULL);
}
