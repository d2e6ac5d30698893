#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "account/account_throttle.h"

static void some_failures_are_free_and_then_each_doubles_the_wait(void **state)
{
    struct account_throttle *t = account_throttle_new();
    int64_t now_s = 1000;
    for (int i = 0; i < ACCOUNT_THROTTLE_FREE; i++) {
        assert_int_equal(account_throttle_wait(t, SLICE("a"), now_s), 0);
        account_throttle_failed(t, SLICE("a"), now_s);
    }
    for (uint32_t expected = 1; expected < ACCOUNT_THROTTLE_MAX_S; expected *= 2) {
        assert_int_equal(account_throttle_wait(t, SLICE("a"), now_s), expected);
        assert_int_equal(account_throttle_wait(t, SLICE("a"), now_s + expected), 0);
        now_s += expected;
        account_throttle_failed(t, SLICE("a"), now_s);
    }
    assert_int_equal(account_throttle_wait(t, SLICE("a"), now_s), ACCOUNT_THROTTLE_MAX_S);
    assert_int_equal(account_throttle_wait(t, SLICE("b"), now_s), 0);
    account_throttle_succeeded(t, SLICE("a"));
    assert_int_equal(account_throttle_wait(t, SLICE("a"), now_s), 0);
    account_throttle_free(t);
}

static void failures_long_ago_do_not_count(void **state)
{
    struct account_throttle *t = account_throttle_new();
    for (int i = 0; i < ACCOUNT_THROTTLE_FREE + 1; i++) account_throttle_failed(t, SLICE("a"), 1000);
    account_throttle_failed(t, SLICE("a"), 1001 + ACCOUNT_THROTTLE_FORGET);
    assert_int_equal(account_throttle_wait(t, SLICE("a"), 1001 + ACCOUNT_THROTTLE_FORGET), 0);
    account_throttle_free(t);
}

static void a_full_table_forgets_the_oldest_of_equals(void **state)
{
    struct account_throttle *t = account_throttle_new();
    for (int i = 0; i < ACCOUNT_THROTTLE_FREE; i++) account_throttle_failed(t, SLICE("old"), 1000);
    for (int i = 0; i < ACCOUNT_THROTTLE_FREE; i++) account_throttle_failed(t, SLICE("new"), 1001);
    for (int i = 0; i < ACCOUNT_THROTTLE_KEYS - 1; i++) {
        char key[32];
        const int len = snprintf(key, sizeof key, "other %d", i);
        for (int j = 0; j < ACCOUNT_THROTTLE_FREE; j++) account_throttle_failed(t, slice_of(key, (size_t)len), 1002);
    }
    assert_int_equal(account_throttle_wait(t, SLICE("old"), 1000), 0);
    assert_int_equal(account_throttle_wait(t, SLICE("new"), 1001), 1);
    account_throttle_free(t);
}

static void a_crowd_that_failed_once_does_not_wash_out_who_fails_on(void **state)
{
    struct account_throttle *t = account_throttle_new();
    for (int i = 0; i < ACCOUNT_THROTTLE_FREE; i++) account_throttle_failed(t, SLICE("victim"), 1000);
    for (int i = 0; i < 2 * ACCOUNT_THROTTLE_KEYS; i++) {
        char key[32];
        const int len = snprintf(key, sizeof key, "other %d", i);
        account_throttle_failed(t, slice_of(key, (size_t)len), 1001);
    }
    assert_int_equal(account_throttle_wait(t, SLICE("victim"), 1000), 1);
    account_throttle_free(t);
}

static void a_failure_that_was_none_leaves_the_pause_as_it_was(void **state)
{
    struct account_throttle *t = account_throttle_new();
    for (int i = 0; i < ACCOUNT_THROTTLE_FREE; i++) account_throttle_failed(t, SLICE("a"), 1000);
    account_throttle_failed(t, SLICE("a"), 1001);
    assert_int_equal(account_throttle_wait(t, SLICE("a"), 1001), 2);
    account_throttle_forgive(t, SLICE("a"), 1);
    assert_int_equal(account_throttle_wait(t, SLICE("a"), 1001), 0);
    assert_int_equal(account_throttle_wait(t, SLICE("a"), 1000), 1);
    account_throttle_forgive(t, SLICE("a"), 99);
    assert_int_equal(account_throttle_succeeded(t, SLICE("a")), 0);
    account_throttle_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_failures_are_free_and_then_each_doubles_the_wait),
        cmocka_unit_test(a_crowd_that_failed_once_does_not_wash_out_who_fails_on),
        cmocka_unit_test(a_failure_that_was_none_leaves_the_pause_as_it_was),
        cmocka_unit_test(failures_long_ago_do_not_count),
        cmocka_unit_test(a_full_table_forgets_the_oldest_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
