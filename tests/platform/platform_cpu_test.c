#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>

#include "base/check.h"
#include "platform/platform_cpu.h"

static void a_quota_of_version_2_is_rounded_up_to_processors(void **state)
{
    static const struct {
        struct slice text;
        unsigned cpus;
    } rows[] = {
        { SLICE("max 100000\n"), PLATFORM_CPU_UNLIMITED },
        { SLICE("100000 100000\n"), 1 },
        { SLICE("100001 100000\n"), 2 },
        { SLICE("150000 100000"), 2 },
        { SLICE("200000 100000\n"), 2 },
        { SLICE("1000 100000\n"), 1 },
        { SLICE("50000 25000\n"), 2 },
        { SLICE("18446744073709551615 1\n"), PLATFORM_CPU_UNLIMITED },
        { SLICE("18446744073709551616 100000\n"), PLATFORM_CPU_UNLIMITED },
        { SLICE("0 100000\n"), PLATFORM_CPU_UNLIMITED },
        { SLICE("100000 0\n"), PLATFORM_CPU_UNLIMITED },
        { SLICE("100000\n"), PLATFORM_CPU_UNLIMITED },
        { SLICE("100000 \n"), PLATFORM_CPU_UNLIMITED },
        { SLICE("-1 100000\n"), PLATFORM_CPU_UNLIMITED },
        { SLICE("\n"), PLATFORM_CPU_UNLIMITED },
        { SLICE(""), PLATFORM_CPU_UNLIMITED },
        { { NULL, 0 }, PLATFORM_CPU_UNLIMITED },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (platform_cgroup2_cpus(rows[i].text) != rows[i].cpus) fail_msg("%.*s", SLICE_ARG(rows[i].text));
}

static void a_quota_of_version_1_comes_from_two_files(void **state)
{
    static const struct {
        struct slice quota, period;
        unsigned cpus;
    } rows[] = {
        { SLICE("-1\n"), SLICE("100000\n"), PLATFORM_CPU_UNLIMITED },
        { SLICE("250000\n"), SLICE("100000\n"), 3 },
        { SLICE("400000\n"), SLICE("100000\n"), 4 },
        { SLICE("1\n"), SLICE("100000\n"), 1 },
        { SLICE("400000\n"), { NULL, 0 }, PLATFORM_CPU_UNLIMITED },
        { { NULL, 0 }, SLICE("100000\n"), PLATFORM_CPU_UNLIMITED },
        { SLICE("4e5\n"), SLICE("100000\n"), PLATFORM_CPU_UNLIMITED },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(platform_cgroup1_cpus(rows[i].quota, rows[i].period), rows[i].cpus);
}

static void the_group_of_a_controller_is_found(void **state)
{
    static const struct {
        struct slice text, controller, path;
    } rows[] = {
        { SLICE("0::/system.slice/x.service\n"), SLICE(""), SLICE("/system.slice/x.service") },
        { SLICE("0::/\n"), SLICE(""), SLICE("/") },
        { SLICE("0::/"), SLICE(""), SLICE("/") },
        { SLICE("4:cpu,cpuacct:/docker/ab\n1:name=systemd:/s\n"), SLICE("cpu"), SLICE("/docker/ab") },
        { SLICE("4:cpuacct,cpu:/docker/ab\n"), SLICE("cpu"), SLICE("/docker/ab") },
        { SLICE("5:cpuset:/a\n4:cpuacct:/b\n3:cpu:/c\n"), SLICE("cpu"), SLICE("/c") },
        { SLICE("5:cpuset:/a\n4:cpuacct:/b\n"), SLICE("cpu"), { NULL, 0 } },
        { SLICE("4:cpu:/a:b\n"), SLICE("cpu"), SLICE("/a:b") },
        { SLICE("0::/a\n"), SLICE("cpu"), { NULL, 0 } },
        { SLICE("4:cpu:/a\n"), SLICE(""), { NULL, 0 } },
        { SLICE("0::relative\n"), SLICE(""), { NULL, 0 } },
        { SLICE("0:\n::\n\n"), SLICE("cpu"), { NULL, 0 } },
        { { NULL, 0 }, SLICE("cpu"), { NULL, 0 } },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct slice path = platform_cgroup_path(rows[i].text, rows[i].controller);
        if (!slice_eq(path, rows[i].path)) fail_msg("row %zu: %.*s", i, SLICE_ARG(path));
    }
}

static void one_allowed_processor_is_counted_as_one(void **state)
{
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    unsigned before = platform_cpu_count();
    assert_true(before >= 1 && before <= (unsigned)CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (unsigned i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &all)) continue;
        CPU_SET(i, &one);
        break;
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(platform_cpu_count(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(platform_cpu_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quota_of_version_2_is_rounded_up_to_processors),
        cmocka_unit_test(a_quota_of_version_1_comes_from_two_files),
        cmocka_unit_test(the_group_of_a_controller_is_found),
        cmocka_unit_test(one_allowed_processor_is_counted_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
