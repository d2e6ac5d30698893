/* The contract of every map broker. Reading: pages of the state, the stream, clearing. */
#include "broker/support/map_rig.h"

#include <stdio.h>

#include "base/check.h"
#include "base/support/random.h"

static struct map_read_state page_of(const char *cursor, int64_t limit)
{
    return (
        struct map_read_state){ .space = RIG_SPACE, .channel = MAP, .cursor = slice_from_cstr(cursor), .limit = limit };
}

static void pages_are_cut_at_their_limit_and_go_on_behind_the_cursor(void **state)
{
    static const struct {
        const char *cursor;
        int64_t limit;
        const char *keys, *next;
    } cases[] = {
        { "", -1, "A=1 a=1 ab=1 b=1 \xc3\xa9=1", "" }, /* byte order */
        { "", 0, "", "" },
        { "", 1, "A=1", "A" },
        { "", 4, "A=1 a=1 ab=1 b=1", "b" },
        { "", 5, "A=1 a=1 ab=1 b=1 \xc3\xa9=1", "" },
        { "", 500, "A=1 a=1 ab=1 b=1 \xc3\xa9=1", "" },
        { "a", 2, "ab=1 b=1", "b" },
        { "aa", 1, "ab=1", "ab" }, /* a key that has gone is a place as well */
        { "b", 1, "\xc3\xa9=1", "" },
        { "\xc3\xa9", 1, "", "" },
        { "\xff", -1, "", "" },
    };
    static const char *const keys[] = { "b", "a", "\xc3\xa9", "A", "ab" };
    MAP_OPEN(rig, .workers = 1);
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) map_rig_put(&rig, EPHEMERAL, keys[i], "1");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct map_read_state r = page_of(cases[i].cursor, cases[i].limit);
        struct broker_result result = map_rig_read_state(&rig, 0, &r);
        struct map_state_result *s = &result.map_state;
        assert_int_equal(result.status, STATUS_OK);
        assert_string_equal(map_text(s->publications.items, s->publications.count), cases[i].keys);
        assert_true(slice_eq(s->cursor, slice_from_cstr(cases[i].next)));
        broker_result_deinit(&result);
    }
    rig_close(&rig);
}

#define STEADY 300

/* Whatever else is written between and in the pages. */
static void a_key_that_is_there_all_the_time_is_in_exactly_one_page(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    struct random random = { .state = 5 };
    int seen[STEADY] = { 0 };
    char key[16], cursor[16] = "";
    for (int i = 0; i < STEADY; i++) {
        snprintf(key, sizeof key, "s%03d", i);
        map_rig_put(&rig, RECOVERABLE, key, "1");
    }
    do {
        struct map_read_state r = page_of(cursor, 7 + random_below(&random, 90));
        struct broker_result result = map_rig_read_state(&rig, 0, &r);
        assert_int_equal(result.status, STATUS_OK);
        for (uint32_t i = 0; i < result.map_state.publications.count; i++) {
            struct slice k = publication_key(result.map_state.publications.items[i]);
            unsigned number;
            snprintf(key, sizeof key, "%.*s", (int)k.len, k.ptr);
            if (sscanf(key, "s%03u", &number) == 1 && k.len == 4) seen[number]++;
        }
        snprintf(cursor, sizeof cursor, "%.*s", (int)result.map_state.cursor.len, result.map_state.cursor.ptr);
        broker_result_deinit(&result);
        for (int i = 0; i < 50; i++) {
            snprintf(key, sizeof key, "s%03ux", random_below(&random, STEADY)); /* behind a steady key */
            struct map_removal drop = map_drop(RECOVERABLE, key);
            struct map_publish put = map_put(RECOVERABLE, key, "1");
            if (random_below(&random, 2)) key[4] = '\0', put.key = slice_from_cstr(key); /* a steady one anew */
            if (put.key.len == 4 || random_below(&random, 2))
                assert_int_equal(map_rig_publish(&rig, 0, &put).status, STATUS_OK);
            else
                assert_int_equal(map_rig_remove(&rig, 0, &drop).status, STATUS_OK);
        }
    } while (cursor[0]);
    for (int i = 0; i < STEADY; i++) assert_int_equal(seen[i], 1);
    rig_close(&rig);
}

static void later_pages_can_leave_out_what_is_newer_than_the_first(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    for (char key[2] = "a"; key[0] <= 'f'; key[0]++) map_rig_put(&rig, EPHEMERAL, key, "1");
    struct map_read_state r = page_of("", 2);
    struct broker_result first = map_rig_read_state(&rig, 0, &r);
    assert_string_equal(map_text(first.map_state.publications.items, 2), "a=1 b=1");
    map_rig_put(&rig, EPHEMERAL, "a", "2");
    map_rig_put(&rig, EPHEMERAL, "d", "2");
    map_rig_put(&rig, EPHEMERAL, "dd", "2");
    map_rig_drop(&rig, EPHEMERAL, "e");
    r = page_of("b", 4);
    r.seq_max = first.map_state.seq;
    struct broker_result second = map_rig_read_state(&rig, 0, &r);
    assert_string_equal(map_text(second.map_state.publications.items, second.map_state.publications.count), "c=1 f=1");
    assert_int_equal(second.map_state.cursor.len, 0);
    broker_result_deinit(&second);
    r.limit = 3; /* what is left out counts for the limit, and can be the cursor */
    second = map_rig_read_state(&rig, 0, &r);
    assert_string_equal(map_text(second.map_state.publications.items, second.map_state.publications.count), "c=1");
    assert_true(slice_eq(second.map_state.cursor, SLICE("dd")));
    broker_result_deinit(&second);
    broker_result_deinit(&first);
    rig_close(&rig);
}

static void one_key_can_be_asked_for(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    map_rig_put(&rig, RECOVERABLE, "a", "1");
    map_rig_put(&rig, RECOVERABLE, "b", "2");
    struct map_read_state r = page_of("zzz", 0); /* which do not count */
    r.key = SLICE("b");
    struct broker_result result = map_rig_read_state(&rig, 0, &r);
    assert_string_equal(map_text(result.map_state.publications.items, result.map_state.publications.count), "2:b=2");
    assert_int_equal(result.map_state.top.offset, 2);
    broker_result_deinit(&result);
    r.key = SLICE("c");
    result = map_rig_read_state(&rig, 0, &r);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.map_state.publications.count, 0);
    assert_int_equal(result.map_state.top.offset, 2);
    broker_result_deinit(&result);
    rig_close(&rig);
}

static enum status state_at(struct rig *rig, bool has_revision, uint64_t offset, const char *epoch)
{
    struct map_read_state r = page_of("", -1);
    r.has_revision = has_revision;
    r.revision.offset = offset;
    snprintf(r.revision.epoch, sizeof r.revision.epoch, "%s", epoch);
    struct broker_result result = map_rig_read_state(rig, 0, &r);
    broker_result_deinit(&result);
    return result.status;
}

static void a_revision_of_another_epoch_is_lost(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    assert_int_equal(state_at(&rig, true, 1, ""), STATUS_OK); /* nobody knows this map */
    assert_int_equal(state_at(&rig, true, 0, "other"), STATUS_NOT_FOUND);
    struct broker_position p = map_rig_put(&rig, RECOVERABLE, "a", "1");
    assert_int_equal(state_at(&rig, true, 1, p.epoch), STATUS_OK);
    assert_int_equal(state_at(&rig, true, 77, p.epoch), STATUS_OK);
    assert_int_equal(state_at(&rig, true, 1, ""), STATUS_NOT_FOUND);
    assert_int_equal(state_at(&rig, true, 1, "other"), STATUS_NOT_FOUND);
    assert_int_equal(state_at(&rig, false, 1, "other"), STATUS_OK);
    map_rig_clear(&rig);
    assert_int_equal(state_at(&rig, true, 1, p.epoch), STATUS_NOT_FOUND);
    rig_close(&rig);
}

static void a_clear_takes_all_and_begins_another_epoch(void **state)
{
    static const struct map_options modes[] = { EPHEMERAL, RECOVERABLE, PERSISTENT };
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        MAP_OPEN(rig, .workers = 1);
        struct broker_position before = map_rig_put(&rig, modes[i], "a", "1");
        struct map_publish versioned = map_put(modes[i], "b", "1");
        versioned.version = 9;
        if (modes[i].stream.size) assert_int_equal(map_rig_publish(&rig, 0, &versioned).status, STATUS_OK);
        map_rig_clear(&rig);
        assert_string_equal(map_rig_state(&rig), "");
        assert_string_equal(map_rig_stream(&rig), "");
        assert_int_equal(map_rig_count(&rig), 0);
        struct broker_position after = map_rig_put(&rig, modes[i], "b", "1");
        assert_int_equal(after.offset, modes[i].stream.size ? 1 : 0);
        assert_string_not_equal(after.epoch, before.epoch);
        map_rig_clear(&rig);
        map_rig_clear(&rig); /* nothing there: fine too */
        rig_close(&rig);
    }
}

static struct broker_result stream_since(struct rig *rig, const struct broker_position *since, int64_t limit,
                                         bool reverse)
{
    struct broker_history r = { .space = RIG_SPACE, .channel = MAP, .limit = limit, .reverse = reverse };
    r.has_since = since != NULL;
    if (since) r.since = *since;
    return map_rig_read_stream(rig, 0, &r);
}

static void a_stream_is_read_from_a_position_in_both_directions(void **state)
{
    static const struct {
        bool has_since;
        uint64_t since;
        int64_t limit;
        bool reverse;
        enum status status;
        const char *text;
    } cases[] = {
        { false, 0, -1, false, STATUS_OK, "4:a=4 5:-a 6:a=6" }, /* the stream's size is 3 */
        { false, 0, 0, false, STATUS_OK, "" },
        { false, 0, 2, true, STATUS_OK, "6:a=6 5:-a" },
        { true, 3, -1, false, STATUS_OK, "4:a=4 5:-a 6:a=6" },
        { true, 4, 1, false, STATUS_OK, "5:-a" },
        { true, 6, -1, false, STATUS_OK, "" },
        { true, 9, -1, false, STATUS_OK, "" },
        { true, 6, -1, true, STATUS_OK, "5:-a 4:a=4" },
        { true, 2, -1, false, STATUS_NOT_FOUND, "" }, /* 3 has gone */
        { true, 0, -1, false, STATUS_OK, "4:a=4 5:-a 6:a=6" },
    };
    MAP_OPEN(rig, .workers = 1);
    struct map_options small = RECOVERABLE;
    struct broker_position p = { 0 };
    small.stream.size = 3;
    for (char data[2] = "1"; data[0] <= '6'; data[0]++)
        p = data[0] == '5' ? map_rig_drop(&rig, small, "a") : map_rig_put(&rig, small, "a", data);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        p.offset = cases[i].since;
        struct broker_result result =
            stream_since(&rig, cases[i].has_since ? &p : NULL, cases[i].limit, cases[i].reverse);
        assert_int_equal(result.status, cases[i].status);
        if (result.status == STATUS_OK) {
            assert_int_equal(result.history.top.offset, 6);
            const struct broker_publications *got = &result.history.publications;
            assert_string_equal(map_text(got->items, got->count), cases[i].text);
        }
        broker_result_deinit(&result);
    }
    p.epoch[0] = '!';
    struct broker_result result = stream_since(&rig, &p, -1, false);
    assert_int_equal(result.status, STATUS_NOT_FOUND);
    broker_result_deinit(&result);
    rig_close(&rig);
}

static void reading_an_unknown_map_says_nothing_and_keeps_its_epoch(void **state)
{
    MAP_OPEN(rig, .workers = 1);
    struct broker_result first = stream_since(&rig, NULL, -1, false), second = stream_since(&rig, NULL, -1, false);
    assert_int_equal(first.status, STATUS_OK);
    assert_int_equal(first.history.top.offset, 0);
    assert_int_not_equal(first.history.top.epoch[0], '\0');
    assert_string_equal(first.history.top.epoch, second.history.top.epoch);
    broker_result_deinit(&first);
    broker_result_deinit(&second);
    assert_int_equal(map_rig_count(&rig), 0);
    struct map_removal drop = map_drop(RECOVERABLE, "a");
    first = map_rig_remove(&rig, 0, &drop);
    assert_int_equal(first.map_update.suppress, MAP_SUPPRESS_KEY_NOT_FOUND);
    assert_string_equal(first.map_update.position.epoch, "");
    rig_close(&rig);
}

int map_contract_state_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_cut_at_their_limit_and_go_on_behind_the_cursor),
        cmocka_unit_test(a_key_that_is_there_all_the_time_is_in_exactly_one_page),
        cmocka_unit_test(later_pages_can_leave_out_what_is_newer_than_the_first),
        cmocka_unit_test(one_key_can_be_asked_for),
        cmocka_unit_test(a_revision_of_another_epoch_is_lost),
        cmocka_unit_test(a_clear_takes_all_and_begins_another_epoch),
        cmocka_unit_test(a_stream_is_read_from_a_position_in_both_directions),
        cmocka_unit_test(reading_an_unknown_map_says_nothing_and_keeps_its_epoch),
    };
    return _cmocka_run_group_tests(name, tests, ARRAY_COUNT(tests), NULL, NULL);
}
