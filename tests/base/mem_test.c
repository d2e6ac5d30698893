#include <pthread.h>
#include <string.h>

#include "base/support/cm.h"

#include "base/mem.h"

static void zero_bytes_still_give_a_pointer(void **state)
{
    void *a = mem_alloc(0), *b = mem_alloc_zero(0);
    assert_non_null(a);
    assert_non_null(b);
    void *moved = mem_realloc(a, 0);
    assert_non_null(moved);
    mem_free(moved);
    mem_free(b);
    mem_free(NULL);
}

static void zeroed_memory_is_zero(void **state)
{
    static const char zeros[100];
    char *a = mem_alloc_zero(100), *b = mem_must_alloc_zero(100);
    assert_non_null(a);
    assert_memory_equal(a, zeros, 100);
    assert_memory_equal(b, zeros, 100);
    mem_free(a);
    mem_free(b);
}

static void an_impossible_size_is_refused(void **state)
{
    volatile size_t huge = SIZE_MAX;
    assert_null(mem_copy(slice_of("", huge)));
}

static void a_copy_is_terminated_and_keeps_nul_bytes(void **state)
{
    char *copy = mem_copy(SLICE("a\0b"));
    assert_non_null(copy);
    assert_memory_equal(copy, "a\0b", 4);
    mem_free(copy);
    copy = mem_copy((struct slice){ 0 });
    assert_string_equal(copy, "");
    mem_free(copy);
}

static void the_nth_allocation_fails_once(void **state)
{
    for (size_t n = 1; n <= 4; n++) {
        mem_fail_after(n);
        for (size_t i = 1; i <= 6; i++) {
            assert_int_equal(mem_fail_pending(), i <= n);
            void *ptr = i % 3 == 0 ? mem_alloc_zero(8) : i % 3 == 1 ? mem_alloc(8) : mem_realloc(NULL, 8);
            assert_int_equal(ptr == NULL, i == n);
            mem_free(ptr);
        }
        assert_false(mem_fail_pending());
    }
}

static void a_failing_realloc_keeps_the_old_memory(void **state)
{
    char *ptr = mem_alloc(4);
    assert_non_null(ptr);
    memcpy(ptr, "abc", 4);
    mem_fail_after(1);
    assert_null(mem_realloc(ptr, 4000));
    assert_string_equal(ptr, "abc");
    mem_free(ptr);
}

static void the_failure_can_be_switched_off(void **state)
{
    mem_fail_after(1);
    mem_fail_after(0);
    assert_false(mem_fail_pending());
    void *ptr = mem_alloc(1);
    assert_non_null(ptr);
    mem_free(ptr);
}

static void must_alloc_is_not_made_to_fail(void **state)
{
    mem_fail_after(1);
    void *a = mem_must_alloc(8), *b = mem_must_alloc_zero(8);
    assert_true(mem_fail_pending());
    mem_fail_after(0);
    mem_free(a);
    mem_free(b);
}

static void *allocate_elsewhere(void *context)
{
    return mem_fail_pending() ? NULL : mem_alloc(1);
}

static void another_thread_does_not_get_the_failure(void **state)
{
    mem_fail_after(1);
    pthread_t thread;
    void *ptr;
    assert_int_equal(pthread_create(&thread, NULL, allocate_elsewhere, NULL), 0);
    assert_int_equal(pthread_join(thread, &ptr), 0);
    assert_non_null(ptr);
    assert_true(mem_fail_pending());
    mem_fail_after(0);
    mem_free(ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_bytes_still_give_a_pointer),
        cmocka_unit_test(zeroed_memory_is_zero),
        cmocka_unit_test(an_impossible_size_is_refused),
        cmocka_unit_test(a_copy_is_terminated_and_keeps_nul_bytes),
        cmocka_unit_test(the_nth_allocation_fails_once),
        cmocka_unit_test(a_failing_realloc_keeps_the_old_memory),
        cmocka_unit_test(the_failure_can_be_switched_off),
        cmocka_unit_test(must_alloc_is_not_made_to_fail),
        cmocka_unit_test(another_thread_does_not_get_the_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
