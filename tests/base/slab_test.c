#include <stdlib.h>

#include "base/support/cm.h"
#include "base/support/random.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/slab.h"

struct thing {
    struct slab_object object;
    uint64_t value;
    char rest[184];
};

struct handle {
    uint32_t slot, generation;
};

static struct handle handle_of(const struct thing *t)
{
    return (struct handle){ t->object.slot, t->object.generation };
}

static struct thing *get(const struct slab *s, struct handle h)
{
    return slab_get(s, h.slot, h.generation);
}

static void an_object_is_found_by_its_handle_and_is_zeroed(void **state)
{
    static const char zeros[sizeof(struct thing)];
    struct slab s;
    slab_init(&s, sizeof(struct thing));
    assert_int_equal(s.bytes, 0);
    struct thing *t = slab_alloc(&s);
    assert_non_null(t);
    assert_memory_equal(&t->value, zeros, sizeof *t - sizeof t->object);
    assert_int_equal(t->object.generation % 2, 1);
    assert_ptr_equal(get(&s, handle_of(t)), t);
    assert_int_equal(s.count, 1);
    memset(t->rest, 'x', sizeof t->rest);
    slab_free(&s, t);
    t = slab_alloc(&s);
    assert_memory_equal(&t->value, zeros, sizeof *t - sizeof t->object);
    slab_deinit(&s);
    assert_int_equal(s.bytes, 0);
}

static void a_stale_handle_finds_nothing(void **state)
{
    struct slab s;
    slab_init(&s, sizeof(struct thing));
    struct thing *t = slab_alloc(&s);
    struct handle old = handle_of(t);
    slab_free(&s, t);
    assert_null(get(&s, old));
    assert_null(slab_get(&s, old.slot, old.generation + 1)); /* what the free slot itself holds */
    struct thing *again = slab_alloc(&s);
    assert_int_equal(again->object.slot, old.slot);
    assert_null(get(&s, old));
    assert_ptr_equal(get(&s, handle_of(again)), again);
    slab_deinit(&s);
}

static void a_made_up_handle_finds_nothing(void **state)
{
    struct slab s;
    slab_init(&s, sizeof(struct thing));
    assert_null(slab_get(&s, 0, 0));
    assert_null(slab_get(&s, 0, 1));
    struct thing *t = slab_alloc(&s);
    static const uint32_t numbers[] = { 0, 1, 2, 3, 100, 1u << 20, UINT32_MAX - 1, UINT32_MAX };
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        for (size_t k = 0; k < ARRAY_COUNT(numbers); k++) {
            struct thing *got = slab_get(&s, numbers[i], numbers[k]);
            bool right = numbers[i] == t->object.slot && numbers[k] == t->object.generation;
            assert_ptr_equal(got, right ? t : NULL);
        }
    slab_deinit(&s);
}

/* Fills and empties, so that chunks go back to the allocator and come again. */
static void no_generation_comes_twice_even_when_chunks_are_given_back(void **state)
{
    enum { COUNT = 2000, ROUNDS = 20 };
    struct slab s;
    slab_init(&s, sizeof(struct thing));
    struct handle *handles = calloc(COUNT * ROUNDS, sizeof *handles);
    struct thing **things = calloc(COUNT, sizeof(void *));
    assert_non_null(handles);
    assert_non_null(things);
    size_t full_bytes = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < COUNT; i++) {
            things[i] = slab_alloc(&s);
            handles[round * COUNT + i] = handle_of(things[i]);
        }
        full_bytes = s.bytes;
        for (int i = 0; i < round * COUNT; i++) assert_null(get(&s, handles[i]));
        for (int i = 0; i < COUNT; i++) assert_ptr_equal(get(&s, handles[round * COUNT + i]), things[i]);
        for (int i = 0; i < COUNT; i++) slab_free(&s, things[round % 2 ? i : COUNT - 1 - i]);
        assert_int_equal(s.count, 0);
        assert_true(s.bytes < full_bytes / 3);
        for (int i = 0; i < (round + 1) * COUNT; i++) assert_null(get(&s, handles[i]));
    }
    free(things);
    free(handles);
    slab_deinit(&s);
}

static void one_object_that_comes_and_goes_does_not_cost_a_chunk_each_time(void **state)
{
    struct slab s;
    slab_init(&s, sizeof(struct thing));
    slab_free(&s, slab_alloc(&s));
    for (int i = 0; i < 100; i++) {
        mem_fail_after(1);
        struct thing *t = slab_alloc(&s);
        assert_non_null(t);
        slab_free(&s, t);
    }
    assert_true(mem_fail_pending());
    mem_fail_after(0);
    slab_deinit(&s);
}

static void a_slot_with_used_up_generations_is_retired(void **state)
{
    struct slab s;
    slab_init(&s, sizeof(struct thing));
    struct thing *t = slab_alloc(&s);
    t->object.generation = UINT32_MAX; /* as after two thousand million uses */
    struct handle last = handle_of(t);
    assert_ptr_equal(get(&s, last), t);
    slab_free(&s, t);
    assert_null(get(&s, last));
    static struct thing *others[1000];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++) {
            others[i] = slab_alloc(&s);
            assert_int_not_equal(others[i]->object.slot, last.slot);
        }
        for (int i = 999; i >= 0; i--) slab_free(&s, others[i]); /* its chunk last: it must stay */
    }
    assert_null(get(&s, last));
    slab_deinit(&s);
}

static void random_operations_agree_with_a_model(void **state)
{
    enum { COUNT = 3000 };
    static const size_t lens[] = { sizeof(struct slab_object), 24, sizeof(struct thing), 5000 };
    for (size_t k = 0; k < ARRAY_COUNT(lens); k++) {
        struct slab s;
        slab_init(&s, lens[k]);
        static struct slab_object *live[COUNT];
        memset(live, 0, sizeof live);
        struct random random = { k + 1 };
        size_t count = 0;
        for (int step = 0; step < 60000; step++) {
            uint32_t i = random_below(&random, COUNT);
            bool add = random_below(&random, 10) < (step / 8000 % 2 ? 1u : 8u);
            if (add && live[i] == NULL) {
                live[i] = slab_alloc(&s);
                assert_non_null(live[i]);
                memset(live[i] + 1, 'v', lens[k] - sizeof *live[i]);
                count++;
            } else if (!add && live[i]) {
                slab_free(&s, live[i]);
                live[i] = NULL;
                count--;
            }
            assert_int_equal(s.count, count);
        }
        uint32_t cursor = 0;
        size_t seen = 0;
        for (struct slab_object *o; (o = slab_next(&s, &cursor)); seen++)
            assert_ptr_equal(slab_get(&s, o->slot, o->generation), o);
        assert_int_equal(seen, count);
        for (uint32_t i = 0; i < COUNT; i++)
            if (live[i]) assert_ptr_equal(slab_get(&s, live[i]->slot, live[i]->generation), live[i]);
        slab_deinit(&s);
    }
}

static void a_walk_goes_up_by_slot_and_allows_frees(void **state)
{
    enum { COUNT = 1000 };
    struct slab s;
    slab_init(&s, sizeof(struct thing));
    for (uint64_t i = 0; i < COUNT; i++) ((struct thing *)slab_alloc(&s))->value = i;
    uint32_t cursor = 0;
    uint64_t seen = 0;
    for (struct thing *t; (t = slab_next(&s, &cursor)); seen++) {
        assert_int_equal(t->value, seen);
        assert_int_equal(cursor, t->object.slot + 1);
        if (seen % 2 == 0) slab_free(&s, t);
    }
    assert_int_equal(seen, COUNT);
    cursor = 0;
    for (seen = 0; slab_next(&s, &cursor); seen++) {
    }
    assert_int_equal(seen, COUNT / 2);
    assert_null(slab_next(&s, &cursor));
    cursor = UINT32_MAX;
    assert_null(slab_next(&s, &cursor));
    slab_deinit(&s);
}

static void memory_that_is_out_is_reported_and_harms_nothing(void **state)
{
    for (size_t n = 1; n <= 3; n++) { /* the places, their bits, the chunk */
        struct slab s;
        slab_init(&s, sizeof(struct thing));
        mem_fail_after(n);
        assert_null(slab_alloc(&s));
        assert_false(mem_fail_pending());
        assert_int_equal(s.count, 0);
        assert_non_null(slab_alloc(&s));
        slab_deinit(&s);
    }
}

static void a_million_objects_cost_little_more_than_their_bytes(void **state)
{
    struct slab s;
    slab_init(&s, 64);
    for (int i = 0; i < 1000000; i++) assert_non_null(slab_alloc(&s));
    assert_true(s.bytes < 1000000u * 64 * 1.01);
    slab_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_found_by_its_handle_and_is_zeroed),
        cmocka_unit_test(a_stale_handle_finds_nothing),
        cmocka_unit_test(a_made_up_handle_finds_nothing),
        cmocka_unit_test(no_generation_comes_twice_even_when_chunks_are_given_back),
        cmocka_unit_test(one_object_that_comes_and_goes_does_not_cost_a_chunk_each_time),
        cmocka_unit_test(a_slot_with_used_up_generations_is_retired),
        cmocka_unit_test(random_operations_agree_with_a_model),
        cmocka_unit_test(a_walk_goes_up_by_slot_and_allows_frees),
        cmocka_unit_test(memory_that_is_out_is_reported_and_harms_nothing),
        cmocka_unit_test(a_million_objects_cost_little_more_than_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
