#include "base/support/cm.h"
#include "base/support/random.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/poison.h"

static void memory_is_aligned_and_does_not_overlap(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct random random = { 3 };
    char *before = NULL;
    size_t before_len = 0;
    for (int i = 0; i < 500; i++) {
        size_t len = random_below(&random, 1000);
        char *ptr = arena_alloc(&a, len);
        assert_non_null(ptr);
        assert_int_equal((uintptr_t)ptr % 16, 0);
        memset(ptr, i & 0x7f, len);
        for (size_t k = 0; k < before_len; k++) assert_int_equal(before[k], (i - 1) & 0x7f);
        before = ptr;
        before_len = len;
    }
    arena_deinit(&a);
}

static void the_limit_holds_and_a_reset_gives_it_back(void **state)
{
    struct arena a;
    arena_init(&a, 64);
    for (int round = 0; round < 3; round++) {
        assert_non_null(arena_alloc(&a, 48));
        assert_null(arena_alloc(&a, 17));
        assert_non_null(arena_alloc(&a, 16));
        assert_null(arena_alloc(&a, 1));
        assert_null(arena_alloc(&a, SIZE_MAX));
        arena_reset(&a);
    }
    arena_deinit(&a);
}

static void a_reset_keeps_the_first_chunk_only(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    char *first = arena_alloc(&a, 100);
    for (int i = 0; i < 100; i++) assert_non_null(arena_alloc(&a, 3000));
    arena_reset(&a);
    mem_fail_after(1);
    assert_ptr_equal(arena_alloc(&a, 100), first);
    assert_true(mem_fail_pending());
    mem_fail_after(0);
    arena_deinit(&a);
}

static void a_huge_first_chunk_is_not_kept(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    assert_non_null(arena_alloc(&a, 1 << 20));
    arena_reset(&a);
    mem_fail_after(1);
    assert_null(arena_alloc(&a, 10));
    assert_non_null(arena_alloc(&a, 10));
    arena_deinit(&a);
}

static void a_copy_is_terminated(void **state)
{
    struct arena a;
    arena_init(&a, 100);
    struct slice copy = arena_copy(&a, SLICE("user"));
    assert_string_equal(copy.ptr, "user");
    assert_int_equal(copy.len, 4);
    copy = arena_copy(&a, (struct slice){ 0 });
    assert_string_equal(copy.ptr, "");
    char big[200] = { 0 };
    assert_null(arena_copy(&a, slice_of(big, sizeof big)).ptr);
    arena_deinit(&a);
    arena_reset(&a); /* and an empty arena can be reset and ended again */
    arena_deinit(&a);
}

static void what_is_not_handed_out_is_poisoned(void **state)
{
#ifdef POISON_ENABLED
    struct arena a;
    arena_init(&a, 1000);
    char *ptr = arena_alloc(&a, 20);
    assert_false(__asan_address_is_poisoned(ptr));
    assert_false(__asan_address_is_poisoned(ptr + 19));
    assert_true(__asan_address_is_poisoned(ptr + 20));
    assert_true(__asan_address_is_poisoned(ptr + 32));
    arena_reset(&a);
    assert_true(__asan_address_is_poisoned(ptr));
    arena_deinit(&a);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_does_not_overlap),
        cmocka_unit_test(the_limit_holds_and_a_reset_gives_it_back),
        cmocka_unit_test(a_reset_keeps_the_first_chunk_only),
        cmocka_unit_test(a_huge_first_chunk_is_not_kept),
        cmocka_unit_test(a_copy_is_terminated),
        cmocka_unit_test(what_is_not_handed_out_is_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
