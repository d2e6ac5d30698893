/* The keys of one map against a plain array; what each entry leaves behind; and every
 * allocation failing once. */
#include "broker/support/map_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/support/random.h"
#include "broker/memory/memory_map_calls.h"

#define MODEL_KEYS 400

static struct memory_map_key *key_new(const char *name)
{
    struct publication_content content = { .data = SLICE("1") };
    struct publication *p = publication_new_keyed(1, 1, SLICE("c"), slice_from_cstr(name), &content);
    struct memory_map_key *key = memory_map_key_new(p);
    publication_unref(p);
    return key;
}

static void name_of(char name[static 8], uint32_t number)
{
    snprintf(name, 8, "%x", number * 2654435761u % MODEL_KEYS);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void assert_equals_model(const struct memory_map *map, const bool *present)
{
    char names[MODEL_KEYS][8];
    uint32_t count = 0;
    for (uint32_t i = 0; i < MODEL_KEYS; i++)
        if (present[i]) snprintf(names[count++], 8, "%x", i);
    qsort(names, count, sizeof *names, by_bytes);
    const struct memory_map_key *key = memory_map_after(map, SLICE(""));
    for (uint32_t i = 0; i < count; i++, key = memory_map_next(key)) {
        assert_non_null(key);
        assert_true(slice_eq(publication_key(key->publication), slice_from_cstr(names[i])));
        assert_ptr_equal(memory_map_find(map, slice_from_cstr(names[i])), key);
        assert_ptr_equal(memory_map_after(map, slice_from_cstr(names[i])), memory_map_next(key));
    }
    assert_null(key);
    assert_int_equal(map->count, count);
}

static void the_keys_are_those_of_a_plain_array_after_any_changes(void **state)
{
    struct memory_space space = { .id = 1 };
    struct memory_map *map = memory_map_new(&space, 100);
    struct random random = { .state = 3 };
    bool present[MODEL_KEYS] = { false };
    size_t empty = map->bytes;
    for (int step = 0; step < 20000; step++) {
        uint32_t number = random_below(&random, MODEL_KEYS), index = number * 2654435761u % MODEL_KEYS;
        char name[8];
        name_of(name, number);
        struct memory_map_key *known = memory_map_find(map, slice_from_cstr(name));
        assert_int_equal(known != NULL, present[index]);
        struct memory_map_key *spare = key_new(name);
        if (known && random_below(&random, 2)) {
            memory_map_remove(map, &space, known);
            memory_map_key_free(known);
            memory_map_key_free(spare);
            present[index] = false;
        } else if (known) {
            memory_map_replace(map, &space, known, spare, (uint64_t)step);
            memory_map_key_free(spare);
        } else {
            memory_map_insert(map, &space, spare, (uint64_t)step);
            present[index] = true;
        }
        if (step % 500 == 0) assert_equals_model(map, present);
    }
    assert_equals_model(map, present);
    while (map->count) {
        struct memory_map_key *oldest = memory_map_oldest(map);
        memory_map_remove(map, &space, oldest);
        memory_map_key_free(oldest);
    }
    assert_int_equal(map->bytes, empty);
    assert_int_equal(atomic_load(&space.history_bytes), empty);
    memory_map_discharge(map, &space);
    assert_int_equal(atomic_load(&space.history_bytes), 0);
    memory_map_free(map);
}

static void keys_age_in_the_order_of_their_writes_even_when_clocks_differ(void **state)
{
    static const struct {
        const char *name;
        uint64_t now_ms;
    } writes[] = { { "a", 100 }, { "b", 105 }, { "c", 103 }, { "a", 104 } };
    static const char *const order[] = { "b", "c", "a" };
    struct memory_space space = { .id = 1 };
    struct memory_map *map = memory_map_new(&space, 0);
    map->key_ttl_ms = 10;
    for (size_t i = 0; i < ARRAY_COUNT(writes); i++) {
        struct memory_map_key *known = memory_map_find(map, slice_from_cstr(writes[i].name));
        if (known)
            memory_map_touch(map, known, writes[i].now_ms);
        else
            memory_map_insert(map, &space, key_new(writes[i].name), writes[i].now_ms);
    }
    assert_int_equal(memory_map_deadline(map), 115);
    const struct memory_map_key *key = memory_map_oldest(map);
    for (size_t i = 0; i < ARRAY_COUNT(order); i++, key = memory_map_younger(map, key)) {
        assert_true(slice_eq(publication_key(key->publication), slice_from_cstr(order[i])));
        assert_true(memory_map_expired(map, key, 115));
        assert_false(memory_map_expired(map, key, 114));
    }
    assert_null(key);
    map->key_ttl_ms = 0;
    assert_int_equal(memory_map_deadline(map), UINT64_MAX);
    memory_map_free(map);
}

static void publications_without_a_key_have_not_grown(void **state)
{
    struct publication_content content = { .data = SLICE("1") };
    struct publication *plain = publication_new(2, 1, SLICE("c"), &content);
    struct publication *keyed = publication_new_keyed(2, 1, SLICE("c"), SLICE("key"), &content);
    assert_int_equal(publication_key(plain).len, 0);
    assert_true(slice_eq(publication_key(keyed), SLICE("key")));
    assert_true(slice_eq(keyed->channel, SLICE("c")));
    assert_true(slice_eq(keyed->content.data, SLICE("1")));
    assert_true(publication_cost(keyed) > publication_cost(plain));
    assert_true(sizeof(struct publication) <= 256);
    publication_unref(plain);
    publication_unref(keyed);
}

/* ---- the whole broker ---- */

static void open_rig(struct rig *rig)
{
    map_contract_make = memory_map_broker_new;
    map_rig_open(rig, (struct rig_options){ .workers = 2 });
}

static size_t bytes_held(const struct rig *rig)
{
    struct memory_space *space = memory_spaces_find(&memory_map_broker_of(rig->maps)->channels.table.spaces, RIG_SPACE);
    return space ? atomic_load(&space->history_bytes) : 0;
}

static void a_map_leaves_nothing_behind(void **state)
{
    static const struct map_options modes[] = { EPHEMERAL, RECOVERABLE };
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        struct rig rig;
        open_rig(&rig);
        for (char key[2] = "a"; key[0] <= 'z'; key[0]++) map_rig_put(&rig, modes[i], key, "1");
        map_rig_drop(&rig, modes[i], "b");
        struct map_publish refused = map_put(modes[i], "c", "1");
        refused.key_mode = MAP_KEY_IF_NEW;
        map_rig_publish(&rig, 0, &refused);
        assert_int_equal(memory_map_broker_entry_count(rig.maps), 1);
        assert_true(bytes_held(&rig) > 0);
        rig.now_ms += 60000;
        map_rig_sweep(&rig);
        rig.now_ms += 600000;
        map_rig_sweep(&rig);
        assert_int_equal(memory_map_broker_entry_count(rig.maps), 0);
        assert_int_equal(bytes_held(&rig), 0);
        rig_close(&rig);
    }
}

static void what_is_refused_or_only_read_leaves_no_entry(void **state)
{
    struct rig rig;
    open_rig(&rig);
    struct map_publish put = map_put(RECOVERABLE, "a", "1");
    put.key_mode = MAP_KEY_IF_EXISTS;
    map_rig_publish(&rig, 0, &put);
    map_rig_state(&rig);
    map_rig_stream(&rig);
    map_rig_count(&rig);
    map_rig_clear(&rig);
    assert_int_equal(memory_map_broker_entry_count(rig.maps), 0);
    assert_int_equal(bytes_held(&rig), 0);
    rig_close(&rig);
}

static void a_cleared_map_and_one_whose_keys_are_removed_cost_nothing(void **state)
{
    struct rig rig;
    open_rig(&rig);
    map_rig_put(&rig, PERSISTENT, "a", "1");
    map_rig_clear(&rig);
    assert_int_equal(memory_map_broker_entry_count(rig.maps), 0);
    map_rig_put(&rig, EPHEMERAL, "a", "1");
    map_rig_drop(&rig, EPHEMERAL, "a");
    assert_int_equal(memory_map_broker_entry_count(rig.maps), 0);
    assert_int_equal(bytes_held(&rig), 0);
    rig_close(&rig);
}

static enum status publish_one(struct rig *rig)
{
    static const struct publication_tag tag = { .key = { "t", 1 }, .value = { "v", 1 } };
    struct map_publish put = map_put(RECOVERABLE, "a", "1");
    put.version = 1;
    put.version_epoch = SLICE("e");
    put.idempotency_key = SLICE("i");
    put.content.tags = &tag, put.content.tag_count = 1;
    return map_rig_publish(rig, 0, &put).status;
}

static enum status remove_one(struct rig *rig)
{
    struct map_removal drop = map_drop(RECOVERABLE, "b");
    drop.idempotency_key = SLICE("j");
    return map_rig_remove(rig, 0, &drop).status;
}

static enum status read_one(struct rig *rig)
{
    struct map_read_state r = { .space = RIG_SPACE, .channel = MAP, .limit = 1 };
    struct broker_result result = map_rig_read_state(rig, 0, &r);
    if (result.status == STATUS_OK) assert_int_equal(result.map_state.publications.count, 1);
    broker_result_deinit(&result);
    return result.status;
}

static enum status clear_one(struct rig *rig)
{
    struct broker_context c = rig_context(rig, 0);
    struct broker_result result;
    rig->maps->ops->clear(rig->maps, &c, RIG_SPACE, MAP, rig_ticket(rig, 0), &result);
    return result.status;
}

static enum status sweep_one(struct rig *rig)
{
    rig->now_ms += 60000;
    for (uint32_t w = 0; w < 2; w++) {
        struct broker_context c = rig_context(rig, w);
        rig->maps->ops->sweep(rig->maps, &c);
    }
    struct map_counts counts;
    rig->maps->ops->counts(rig->maps, &counts);
    return counts.expiry_errors ? STATUS_NO_MEMORY : STATUS_OK;
}

static void without_memory_every_call_does_all_or_nothing(void **state)
{
    static const struct {
        enum status (*call)(struct rig *rig);
        const char *before, *after;
    } calls[] = {
        { publish_one, "1:b=1 2:c=1", "3:a=1 1:b=1 2:c=1" },
        { remove_one, "1:b=1 2:c=1", "2:c=1" },
        { read_one, "1:b=1 2:c=1", "1:b=1 2:c=1" },
        { clear_one, "1:b=1 2:c=1", "" },
        { sweep_one, NULL, "" }, /* one key may go and the next one not */
    };
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
        bool pending = false;
        for (size_t n = 1; !pending; n++) {
            struct rig rig;
            open_rig(&rig);
            map_rig_put(&rig, RECOVERABLE, "b", "1");
            map_rig_put(&rig, RECOVERABLE, "c", "1");
            mem_fail_after(n);
            enum status status = calls[i].call(&rig);
            pending = mem_fail_pending();
            mem_fail_after(0);
            if (pending) assert_int_equal(status, STATUS_OK);
            if (status == STATUS_OK)
                assert_string_equal(map_rig_state(&rig), calls[i].after);
            else if (calls[i].before)
                assert_string_equal(map_rig_state(&rig), calls[i].before);
            map_rig_sweep(&rig);
            assert_int_equal(publish_one(&rig), STATUS_OK); /* it has not been remembered in vain */
            rig_close(&rig);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_keys_are_those_of_a_plain_array_after_any_changes),
        cmocka_unit_test(keys_age_in_the_order_of_their_writes_even_when_clocks_differ),
        cmocka_unit_test(publications_without_a_key_have_not_grown),
        cmocka_unit_test(a_map_leaves_nothing_behind),
        cmocka_unit_test(what_is_refused_or_only_read_leaves_no_entry),
        cmocka_unit_test(a_cleared_map_and_one_whose_keys_are_removed_cost_nothing),
        cmocka_unit_test(without_memory_every_call_does_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
