#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "platform/platform_clock.h"
#include "platform/platform_limit.h"
#include "platform/platform_thread.h"

static void the_clock_never_goes_back_and_measures_a_pause(void **state)
{
    uint64_t start = platform_clock_ms(), before = start;
    for (int i = 0; i < 100000; i++) {
        uint64_t now = platform_clock_ms();
        assert_true(now >= before);
        before = now;
    }
    uint64_t pause_start = platform_clock_ns();
    struct timespec pause = { 0, 20000000 };
    nanosleep(&pause, NULL);
    uint64_t passed = platform_clock_ns() - pause_start;
    assert_true(passed >= 20000000u);
    assert_true(platform_clock_ms() >= start + 20);
}

static void the_wall_clock_tells_the_time(void **state)
{
    uint64_t seconds = (uint64_t)time(NULL);
    uint64_t ms = platform_wall_ms();
    assert_true(ms / 1000 + 1 >= seconds && ms / 1000 <= seconds + 5);
}

static void the_descriptor_limit_goes_up_to_the_hard_limit(void **state)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = { before.rlim_max < 128 ? before.rlim_max : 128, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    uint64_t soft = 0;
    assert_int_equal(platform_raise_nofile(&soft), STATUS_OK);
    struct rlimit after;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_int_equal(after.rlim_cur, before.rlim_max);
    assert_int_equal(soft, before.rlim_max);
    assert_int_equal(platform_raise_nofile(&soft), STATUS_OK);
    assert_int_equal(soft, before.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void *name_thread(void *context)
{
    static char name[32];
    platform_thread_name(context);
    assert_int_equal(pthread_getname_np(pthread_self(), name, sizeof name), 0);
    return name;
}

static void a_thread_gets_its_name_cut_to_what_the_kernel_keeps(void **state)
{
    static char short_name[] = "worker-3", exact[] = "123456789012345", too_long[] = "1234567890123456";
    static const struct {
        char *given;
        const char *kept;
    } rows[] = { { short_name, "worker-3" }, { exact, "123456789012345" }, { too_long, "123456789012345" } };
    for (size_t i = 0; i < 3; i++) {
        pthread_t thread;
        void *name;
        assert_int_equal(pthread_create(&thread, NULL, name_thread, rows[i].given), 0);
        assert_int_equal(pthread_join(thread, &name), 0);
        assert_string_equal(name, rows[i].kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_never_goes_back_and_measures_a_pause),
        cmocka_unit_test(the_wall_clock_tells_the_time),
        cmocka_unit_test(the_descriptor_limit_goes_up_to_the_hard_limit),
        cmocka_unit_test(a_thread_gets_its_name_cut_to_what_the_kernel_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
