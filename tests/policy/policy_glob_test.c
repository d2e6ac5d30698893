#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/policy_glob.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"

struct row {
    const char *pattern, *text;
    bool matches;
};

static void a_pattern_matches_the_whole_text_or_nothing(void **state)
{
    static const struct row rows[] = {
        { "", "", true },
        { "", "a", false },
        { "*", "", true },
        { "*", "a/b.c:d", true },
        { "**", "anything", true },
        { "abc", "abc", true },
        { "abc", "abcd", false },
        { "abc", "zabc", false },
        { "a*", "a", true },
        { "a*", "abc", true },
        { "*c", "abc", true },
        { "*c", "abcd", false },
        { "a*b*c", "a1b2b3c", true },
        { "a*b*c", "a1c", false },
        { "http://localhost:*", "http://localhost:3000", true },
        { "http://localhost:*", "http://localhost", false },
        { "https://*.example.com", "https://a.b.example.com", true },
        { "https://*.example.com", "https://example.com", false },
        { "https://*.example.com", "https://evil.com/.example.com.org", false },
        { "?", "a", true },
        { "?", "", false },
        { "?", "ab", false },
        { "?", "\xc3\xa9", true },
        { "??", "\xc3\xa9", false },
        { "?", "\xff", true },
        { "\xff", "\xff", true },
        { "\xff", "\xfe", false },
        { "\xc3\xa9*", "\xc3\xa9t\xc3\xa9", true },
        { "[abc]", "b", true },
        { "[abc]", "d", false },
        { "[!abc]", "d", true },
        { "[!abc]", "a", false },
        { "[a-c]x", "bx", true },
        { "[a-c]x", "dx", false },
        { "[!a-c]x", "dx", true },
        { "[a-z0-9]", "7", true },
        { "[a-z0-9]", "A", false },
        { "[a-]", "-", true },
        { "[\\]]", "]", true },
        { "[\xc3\xa0-\xc3\xbf]", "\xc3\xa9", true },
        { "{a,b}", "a", true },
        { "{a,b}", "b", true },
        { "{a,b}", "c", false },
        { "{a,b}", "ab", false },
        { "{abc}", "abc", true },
        { "{,a}b", "b", true },
        { "{,a}b", "ab", true },
        { "x{1,2,3}y", "x3y", true },
        { "x{1,2,3}y", "x4y", false },
        { "x{a{b,c},d}y", "xacy", true },
        { "x{a{b,c},d}y", "xdy", true },
        { "x{a{b,c},d}y", "xay", false },
        { "{*.a,*.b}", "q.b", true },
        { "{https,http}://*.example.{com,org}", "http://x.example.org", true },
        { "{https,http}://*.example.{com,org}", "http://x.example.net", false },
        { "a,b", "a,b", true },
        { "a}", "a}", true },
        { "a]", "a]", true },
        { "\\*", "*", true },
        { "\\*", "a", false },
        { "{a\\,b,c}", "a,b", true },
        { "\\{a\\}", "{a}", true },
        { "ABC", "abc", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct row *r = &rows[i];
        if (policy_glob_match(slice_from_cstr(r->pattern), slice_from_cstr(r->text)) != r->matches)
            fail_msg("\"%s\" on \"%s\" must be %d", r->pattern, r->text, r->matches);
        assert_true(policy_glob_valid(slice_from_cstr(r->pattern)));
    }
}

static void a_malformed_pattern_matches_nothing_and_is_told(void **state)
{
    static const char *const patterns[] = { "[",    "[a",    "[]",  "[!]",  "[!",
                                            "{",    "{a",    "{a,", "{a,b", "a\\",
                                            "[a\\", "[z-a]", "[a-", "{{a}", "{{{{{{{{{a}}}}}}}}}" };
    static const char *const texts[] = { "", "a", "[", "{", "{a", "[a", "{a,b", "a\\" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        if (policy_glob_valid(slice_from_cstr(patterns[i]))) fail_msg("\"%s\" must be malformed", patterns[i]);
        for (size_t j = 0; j < ARRAY_COUNT(texts); j++)
            assert_false(policy_glob_match(slice_from_cstr(patterns[i]), slice_from_cstr(texts[j])));
    }
}

static void a_pattern_has_a_greatest_length(void **state)
{
    char text[POLICY_GLOB_LEN_MAX + 1];
    memset(text, '{', sizeof text);
    memset(text, 'a', sizeof text);
    (void)state;
    assert_true(policy_glob_match(slice_of(text, POLICY_GLOB_LEN_MAX), slice_of(text, POLICY_GLOB_LEN_MAX)));
    assert_false(policy_glob_match(slice_of(text, POLICY_GLOB_LEN_MAX + 1), slice_of(text, POLICY_GLOB_LEN_MAX + 1)));
    assert_false(policy_glob_valid(slice_of(text, POLICY_GLOB_LEN_MAX + 1)));
    memset(text, ',', sizeof text);
    text[0] = '{';
    text[POLICY_GLOB_LEN_MAX - 1] = '}';
    assert_true(policy_glob_match(slice_of(text, POLICY_GLOB_LEN_MAX), SLICE("")));
}

static void no_pattern_makes_the_work_explode(void **state)
{
    static const char *const patterns[] = {
        "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
        "{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}*b",
        "{*,a*,*a}{*,a*,*a}{*,a*,*a}{*,a*,*a}{*,a*,*a}{*,a*,*a}{*,a*,*a}{*,a*,*a}{*,a*,*a}{*,a*,*a}b",
    };
    enum { TEXT_LEN = 20000 };
    char *text = malloc(TEXT_LEN);
    (void)state;
    assert_non_null(text);
    memset(text, 'a', TEXT_LEN);
    const clock_t before = clock();
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++)
        assert_false(policy_glob_match(slice_from_cstr(patterns[i]), slice_of(text, TEXT_LEN)));
    assert_true(clock() - before < 5 * CLOCKS_PER_SEC);
    free(text);
}

static void an_origin_must_match_a_pattern_unless_it_is_absent(void **state)
{
    static char local[] = "http://localhost:*", star[] = "https://*.example.com", upper[] = "https://Upper.org",
                broken[] = "[";
    char *items[] = { broken, local, star, upper };
    const struct policy_string_list list = { items, ARRAY_COUNT(items) }, none = { NULL, 0 };
    static const struct {
        const char *origin;
        bool allowed;
    } rows[] = {
        { "", true },
        { "http://localhost:3000", true },
        { "HTTP://LocalHost:3000", true },
        { "https://localhost:3000", false },
        { "https://a.example.com", true },
        { "https://a.EXAMPLE.com", true },
        { "https://a.example.com.evil.org", false },
        { "null", false },
        { "https://Upper.org", false }, /* only the origin is lowered, as the reference does */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (policy_origin_allowed(&list, slice_from_cstr(rows[i].origin)) != rows[i].allowed)
            fail_msg("origin \"%s\" must be %d", rows[i].origin, rows[i].allowed);
    }
    assert_true(policy_origin_allowed(&none, SLICE("")));
    assert_false(policy_origin_allowed(&none, SLICE("http://localhost:3000")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_matches_the_whole_text_or_nothing),
        cmocka_unit_test(a_malformed_pattern_matches_nothing_and_is_told),
        cmocka_unit_test(a_pattern_has_a_greatest_length),
        cmocka_unit_test(no_pattern_makes_the_work_explode),
        cmocka_unit_test(an_origin_must_match_a_pattern_unless_it_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
