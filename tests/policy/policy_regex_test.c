#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/policy.h"

#include <stdlib.h>

#include "base/check.h"

static bool matches(const char *pattern, struct slice subject)
{
    char error[200];
    struct policy_regex *r = policy_regex_new(slice_from_cstr(pattern), error, sizeof error);
    if (!r) fail_msg("\"%s\": %s", pattern, error);
    const bool result = policy_regex_match(r, subject);
    policy_regex_free(r);
    return result;
}

static void a_pattern_is_searched_anywhere_unless_it_is_anchored(void **state)
{
    static const struct {
        const char *pattern, *subject;
        bool matches;
    } rows[] = {
        { "b", "abc", true },           { "^b", "abc", false },
        { "^[a-z]+$", "abc", true },    { "^[a-z]+$", "abc\n", false }, /* in Go `$` is the very end */
        { "^[a-z]+$", "", false },      { "", "anything", true },
        { "(?i)ABC", "xabcx", true },   { "(?P<env>prod|dev)", "dev", true },
        { "^\\d{3}$", "123", true },    { "^\\w$", "\xc3\xa9", false }, /* classes are ASCII, as in RE2 */
        { "^.$", "\xc3\xa9", true },    { "^\\p{Greek}$", "\xce\xb1", true },
        { "^[[:alpha:]]$", "q", true }, { "^a\\z", "a", true },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (matches(rows[i].pattern, slice_from_cstr(rows[i].subject)) != rows[i].matches)
            fail_msg("\"%s\" on \"%s\" must be %d", rows[i].pattern, rows[i].subject, rows[i].matches);
    }
}

static void a_named_group_gives_what_it_matched(void **state)
{
    static const struct {
        const char *pattern, *subject, *name, *want; /* want: NULL = no match or no such group */
    } rows[] = {
        { "^(?P<a>x|y)-(?<b>.*)$", "x-1", "a", "x" },
        { "^(?P<a>x|y)-(?<b>.*)$", "x-1", "b", "1" },
        { "^(?P<a>x)?z$", "z", "a", "" },
        { "(?P<a>x)", "y", "a", NULL },
        { "(?P<a>x)", "x", "b", NULL },
        { "(x)", "x", "1", NULL },
        { "(?P<a>x)", "x", "", NULL },
        { "(?P<a>x)", "x", "a_name_that_is_longer_than_any_group_can_have", NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct slice got = { 0 };
        struct policy_regex *r = policy_regex_new(slice_from_cstr(rows[i].pattern), NULL, 0);
        assert_non_null(r);
        const bool found = policy_regex_group(r, slice_from_cstr(rows[i].subject), slice_from_cstr(rows[i].name), &got);
        if (found != (rows[i].want != NULL)) fail_msg("row %zu", i);
        if (found && !slice_eq(got, slice_from_cstr(rows[i].want))) fail_msg("row %zu: %.*s", i, SLICE_ARG(got));
        policy_regex_free(r);
    }
}

static void a_bad_pattern_is_refused_with_place_and_reason(void **state)
{
    static const char *const patterns[] = { "(", "a)", "[", "*", "a{2,1}", "\\", "(?P<x", "\\C", "\xff" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        char error[200] = "";
        assert_null(policy_regex_new(slice_from_cstr(patterns[i]), error, sizeof error));
        assert_non_null(strstr(error, " at character "));
    }
    assert_null(policy_regex_new(SLICE("("), NULL, 0));
}

static void text_that_is_not_utf8_does_no_harm(void **state)
{
    (void)state;
    assert_true(matches("^a", SLICE("a\xff\xfe")));
    assert_false(matches("^.$", SLICE("\xff")));
    assert_true(matches("b", SLICE("a\0b")));
    assert_true(matches("^$", slice_of(NULL, 0)));
}

static void a_hungry_pattern_gives_up_at_its_limit(void **state)
{
    enum { LEN = 1 << 20 };
    char *text = malloc(LEN);
    (void)state;
    assert_non_null(text);
    memset(text, 'a', LEN);
    assert_false(matches("^(a+)+$b", slice_of(text, LEN)));
    assert_false(matches("^(a|aa)+c", slice_of(text, 60)));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_is_searched_anywhere_unless_it_is_anchored),
        cmocka_unit_test(a_named_group_gives_what_it_matched),
        cmocka_unit_test(a_bad_pattern_is_refused_with_place_and_reason),
        cmocka_unit_test(text_that_is_not_utf8_does_no_harm),
        cmocka_unit_test(a_hungry_pattern_gives_up_at_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
