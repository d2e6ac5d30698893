/* memory_ring against a plain model: what is inside, through growth and shrinking. */
#include "base/support/cm.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/support/random.h"
#include "broker/memory/memory_ring.h"

static struct publication *publication_at(uint64_t offset)
{
    struct publication *p = publication_new(1, 1, SLICE("c"), &(struct publication_content){ .data = SLICE("1") });
    assert_non_null(p);
    p->offset = offset;
    return p;
}

static void push(struct memory_ring *ring, uint64_t offset)
{
    struct memory_garbage garbage;
    memory_garbage_init(&garbage);
    struct publication *p = publication_at(offset);
    assert_int_equal(memory_ring_reserve(ring, &garbage), STATUS_OK);
    memory_ring_push(ring, p);
    publication_unref(p);
    memory_garbage_free(&garbage);
}

static void assert_holds(const struct memory_ring *ring, uint64_t first, uint64_t top)
{
    assert_int_equal(ring->count, top + 1 - first);
    assert_int_equal(ring->first, first);
    for (uint64_t offset = first; offset <= top; offset++)
        assert_int_equal(memory_ring_at(ring, offset)->offset, offset);
}

static void a_ring_holds_the_newest_of_each_size(void **state)
{
    static const uint32_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 128, 129, 1000 };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct memory_ring *ring = memory_ring_new(100);
        assert_non_null(ring);
        for (uint64_t offset = 100; offset < 100 + 3 * sizes[i]; offset++) {
            if (ring->count == sizes[i]) publication_unref(memory_ring_pop(ring));
            push(ring, offset);
            uint64_t first = offset < 100 + sizes[i] ? 100 : offset + 1 - sizes[i];
            assert_holds(ring, first, offset);
            assert_true(ring->cap_ < 2 * sizes[i] || ring->cap_ == 4);
        }
        memory_ring_free(ring);
    }
}

static void a_ring_of_any_history_of_pushes_and_pops_is_as_its_model(void **state)
{
    struct random random = { 5 };
    for (int round = 0; round < 20; round++) {
        struct memory_ring *ring = memory_ring_new(1);
        uint64_t first = 1, top = 0;
        uint32_t aim = 0;
        assert_non_null(ring);
        for (int step = 0; step < 3000; step++) {
            if (step % 300 == 0) aim = random_below(&random, 1 + (1u << random_below(&random, 11)));
            push(ring, ++top);
            for (int n = 0; n < 63 && ring->count > aim + 1; n++, first++) publication_unref(memory_ring_pop(ring));
            if (step % 50 == 0) assert_holds(ring, first, top);
        }
        assert_holds(ring, first, top);
        size_t bytes = 0;
        for (uint64_t offset = first; offset <= top; offset++) bytes += publication_cost(memory_ring_at(ring, offset));
        assert_int_equal(ring->bytes, bytes);
        memory_ring_free(ring);
    }
}

static void a_ring_that_became_small_gives_its_memory_back(void **state)
{
    struct memory_ring *ring = memory_ring_new(1);
    assert_non_null(ring);
    for (uint64_t offset = 1; offset <= 5000; offset++) push(ring, offset);
    for (uint64_t offset = 5001; offset <= 5400; offset++) {
        for (int n = 0; n < 63 && ring->count > 9; n++) publication_unref(memory_ring_pop(ring));
        push(ring, offset);
    }
    assert_holds(ring, 5391, 5400);
    assert_true(ring->cap_ <= 128);
    memory_ring_free(ring);
}

static void a_ring_without_memory_to_grow_stays_as_it_is(void **state)
{
    struct memory_garbage garbage;
    memory_garbage_init(&garbage);
    mem_fail_after(1);
    assert_null(memory_ring_new(1));
    struct memory_ring *ring = memory_ring_new(1);
    assert_non_null(ring);
    mem_fail_after(1);
    assert_int_equal(memory_ring_reserve(ring, &garbage), STATUS_NO_MEMORY);
    for (uint64_t offset = 1; offset <= 4; offset++) push(ring, offset);
    mem_fail_after(1);
    assert_int_equal(memory_ring_reserve(ring, &garbage), STATUS_NO_MEMORY);
    assert_holds(ring, 1, 4);
    push(ring, 5);
    assert_holds(ring, 1, 5);
    memory_ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_holds_the_newest_of_each_size),
        cmocka_unit_test(a_ring_of_any_history_of_pushes_and_pops_is_as_its_model),
        cmocka_unit_test(a_ring_that_became_small_gives_its_memory_back),
        cmocka_unit_test(a_ring_without_memory_to_grow_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
