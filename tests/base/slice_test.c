#include <inttypes.h>

#include "base/support/cm.h"

#include "base/check.h"
#include "base/slice.h"

static void decimal_numbers_are_parsed_whole_and_without_overflow(void **state)
{
    static const struct {
        struct slice text;
        bool ok;
        uint64_t value;
    } rows[] = {
        { SLICE("0"), true, 0 },
        { SLICE("7"), true, 7 },
        { SLICE("007"), true, 7 },
        { SLICE("18446744073709551614"), true, UINT64_MAX - 1 },
        { SLICE("18446744073709551615"), true, UINT64_MAX },
        { SLICE("18446744073709551616"), false, 0 },
        { SLICE("18446744073709551620"), false, 0 },
        { SLICE("184467440737095516150"), false, 0 },
        { SLICE("99999999999999999999999"), false, 0 },
        { SLICE("00000000000000000000000000012"), true, 12 },
        { SLICE(""), false, 0 },
        { SLICE("-1"), false, 0 },
        { SLICE("+1"), false, 0 },
        { SLICE(" 1"), false, 0 },
        { SLICE("1 "), false, 0 },
        { SLICE("1.0"), false, 0 },
        { SLICE("1e3"), false, 0 },
        { SLICE("0x10"), false, 0 },
        { SLICE("1\0"), false, 0 },
        { SLICE("\xb1"), false, 0 },
        { SLICE("/"), false, 0 },
        { SLICE(":"), false, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint64_t value = 4242;
        bool ok = slice_to_u64(rows[i].text, &value);
        if (ok != rows[i].ok) fail_msg("%.*s", SLICE_ARG(rows[i].text));
        assert_int_equal(value, ok ? rows[i].value : 4242);
    }
}

static void signed_numbers_reach_both_ends(void **state)
{
    static const struct {
        struct slice text;
        bool ok;
        int64_t value;
    } rows[] = {
        { SLICE("9223372036854775807"), true, INT64_MAX },
        { SLICE("9223372036854775808"), false, 0 },
        { SLICE("-9223372036854775808"), true, INT64_MIN },
        { SLICE("-9223372036854775809"), false, 0 },
        { SLICE("-18446744073709551616"), false, 0 },
        { SLICE("-0"), true, 0 },
        { SLICE("-5"), true, -5 },
        { SLICE("-"), false, 0 },
        { SLICE("--5"), false, 0 },
        { SLICE("+5"), false, 0 },
        { SLICE(""), false, 0 },
        { SLICE("5-"), false, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t value = 4242;
        bool ok = slice_to_i64(rows[i].text, &value);
        if (ok != rows[i].ok) fail_msg("%.*s", SLICE_ARG(rows[i].text));
        assert_true(value == (ok ? rows[i].value : 4242));
    }
}

static void case_is_ignored_for_ascii_letters_only(void **state)
{
    static const struct {
        struct slice a, b;
        bool equal;
    } rows[] = {
        { SLICE("Upgrade"), SLICE("uPGRADE"), true },
        { SLICE("az"), SLICE("AZ"), true },
        { SLICE("@["), SLICE("`{"), false },
        { SLICE("\xc4"), SLICE("\xe4"), false },
        { SLICE("a"), SLICE("ab"), false },
        { SLICE(""), { NULL, 0 }, true },
        { SLICE("0"), SLICE("P"), false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(slice_eq_nocase(rows[i].a, rows[i].b), rows[i].equal);
        assert_int_equal(slice_eq_nocase(rows[i].b, rows[i].a), rows[i].equal);
    }
}

static void blanks_are_trimmed_at_both_ends(void **state)
{
    static const struct {
        struct slice in, out;
    } rows[] = {
        { SLICE("  a b\t"), SLICE("a b") }, { SLICE("a"), SLICE("a") }, { SLICE(" \t \t"), SLICE("") },
        { SLICE(""), SLICE("") },           { { NULL, 0 }, SLICE("") }, { SLICE("\na\r"), SLICE("\na\r") },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) assert_true(slice_eq(slice_trim(rows[i].in), rows[i].out));
}

static void order_is_by_bytes_and_then_by_length(void **state)
{
    static const struct slice ordered[] = {
        { NULL, 0 }, SLICE("\0"), SLICE("a"), SLICE("a\0"), SLICE("aa"), SLICE("b"), SLICE("\xff"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(ordered); i++)
        for (size_t k = 0; k < ARRAY_COUNT(ordered); k++) {
            int order = slice_compare(ordered[i], ordered[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
}

static void parts_stay_inside_the_slice(void **state)
{
    struct slice s = SLICE("channel:room:1");
    assert_true(slice_eq(slice_from(s, 8), SLICE("room:1")));
    assert_int_equal(slice_from(s, s.len).len, 0);
    assert_int_equal(slice_from(s, SIZE_MAX).len, 0);
    assert_int_equal(slice_from((struct slice){ 0 }, 3).len, 0);
    assert_true(slice_eq(slice_head(s, 7), SLICE("channel")));
    assert_int_equal(slice_head(s, 100).len, s.len);
    assert_true(slice_starts_with(s, SLICE("channel:")));
    assert_true(slice_starts_with(s, (struct slice){ 0 }));
    assert_false(slice_starts_with(SLICE("ch"), s));
    assert_int_equal(slice_index(s, ':'), 7);
    assert_int_equal(slice_last_index(s, ':'), 12);
    assert_int_equal(slice_index(s, '!'), -1);
    assert_int_equal(slice_index((struct slice){ 0 }, 'a'), -1);
    assert_int_equal(slice_last_index((struct slice){ 0 }, 'a'), -1);
    assert_int_equal(slice_from_cstr(NULL).len, 0);
    assert_int_equal(slice_from_cstr("abc").len, 3);
    assert_true(slice_eq(SLICE(""), (struct slice){ 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimal_numbers_are_parsed_whole_and_without_overflow),
        cmocka_unit_test(signed_numbers_reach_both_ends),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
        cmocka_unit_test(blanks_are_trimmed_at_both_ends),
        cmocka_unit_test(order_is_by_bytes_and_then_by_length),
        cmocka_unit_test(parts_stay_inside_the_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
