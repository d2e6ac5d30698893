#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/config_duration.h"

#include "base/check.h"

static void go_durations_are_understood(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } rows[] = {
        { "0", 0 },
        { "0s", 0 },
        { "25s", 25 * CONFIG_SECOND_NS },
        { "+25s", 25 * CONFIG_SECOND_NS },
        { "-1m", -60 * CONFIG_SECOND_NS },
        { "1m30s", 90 * CONFIG_SECOND_NS },
        { "300ms", 300 * CONFIG_MS_NS },
        { "720h", 720 * 3600 * CONFIG_SECOND_NS },
        { "1.5h", 5400 * CONFIG_SECOND_NS },
        { ".5s", 500 * CONFIG_MS_NS },
        { "1.s", CONFIG_SECOND_NS },
        { "1h2m3s4ms5us6ns", 3723004005006ll },
        { "7\xc2\xb5s", 7000 },
        { "7\xce\xbcs", 7000 },
        { "0.1234567899s", 123456789 },
        { "9223372036854775807ns", INT64_MAX },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t ns = -1;
        if (!config_duration_parse(slice_from_cstr(rows[i].text), &ns)) fail_msg("\"%s\"", rows[i].text);
        assert_int_equal(ns, rows[i].ns);
    }
}

static void nonsense_is_refused(void **state)
{
    static const char *const rows[] = { "",         "-",
                                        "+",        "25",
                                        "s",        ".s",
                                        "-.s",      "25 s",
                                        " 25s",     "25s ",
                                        "25S",      "25sec",
                                        "1d",       "1..5s",
                                        "--1s",     "1e3s",
                                        "0x1s",     "1s2",
                                        "25s1m,",   "9223372036854775808ns",
                                        "2562048h", "99999999999999999999s" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t ns = 42;
        if (config_duration_parse(slice_from_cstr(rows[i]), &ns)) fail_msg("\"%s\" must be refused", rows[i]);
        assert_int_equal(ns, 42);
    }
}

static void a_duration_is_written_so_that_it_reads_back(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        { 0, "0s" },
        { 25 * CONFIG_SECOND_NS, "25s" },
        { 90 * CONFIG_SECOND_NS, "1m30s" },
        { 720 * 3600 * CONFIG_SECOND_NS, "720h0m0s" },
        { 1500 * CONFIG_MS_NS, "1500ms" },
        { 1500, "1500ns" },
        { 2000, "2us" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[CONFIG_DURATION_TEXT_LEN];
        int64_t back = -1;
        config_duration_format(rows[i].ns, text);
        assert_string_equal(text, rows[i].text);
        assert_true(config_duration_parse(slice_from_cstr(text), &back));
        assert_int_equal(back, rows[i].ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(go_durations_are_understood),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(a_duration_is_written_so_that_it_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
