#include "http/http_uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/mem.h"

#define S(text)                                                                                                        \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

static void targets_are_split_into_their_parts(void **state)
{
    (void)state;
    static const struct {
        struct slice target;
        enum http_target_form form;
        struct slice authority, path, query;
        bool has_query;
    } CASES[] = {
        { S("/"), HTTP_TARGET_ORIGIN, S(""), S("/"), S(""), false },
        { S("/a/b?c=d?e"), HTTP_TARGET_ORIGIN, S(""), S("/a/b"), S("c=d?e"), true },
        { S("//evil/a?"), HTTP_TARGET_ORIGIN, S(""), S("//evil/a"), S(""), true },
        { S("http://h"), HTTP_TARGET_ABSOLUTE, S("h"), S("/"), S(""), false },
        { S("HTTPS://h:1/a?b"), HTTP_TARGET_ABSOLUTE, S("h:1"), S("/a"), S("b"), true },
        { S("http://[::1]:80?b/c"), HTTP_TARGET_ABSOLUTE, S("[::1]:80"), S("/"), S("b/c"), true },
        { S("*"), HTTP_TARGET_ASTERISK, S(""), S("*"), S(""), false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct http_target t;
        assert_true(http_target_split(CASES[i].target, &t));
        assert_int_equal(t.form, CASES[i].form);
        assert_true(slice_eq(t.authority, CASES[i].authority));
        assert_true(slice_eq(t.path, CASES[i].path));
        assert_true(slice_eq(t.query, CASES[i].query));
        assert_int_equal(t.query.ptr != NULL, CASES[i].has_query);
    }
}

static void targets_of_no_known_form_are_refused(void **state)
{
    (void)state;
    static const struct slice CASES[] = { S(""),           S("a"),          S("*a"),          S("?a"),
                                          S("http:"),      S("http://"),    S("http:///a"),   S("http://?a"),
                                          S("http://a@b"), S("http://a:x"), S("http://[::1"), S("ws://h/") };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct http_target t;
        assert_false(http_target_split(CASES[i], &t));
    }
}

static void escapes_are_decoded_or_refused(void **state)
{
    (void)state;
    static const struct {
        struct slice text;
        enum http_plus plus;
        enum status status;
        struct slice decoded;
    } CASES[] = {
        { S(""), HTTP_PLUS_IS_PLUS, STATUS_OK, S("") },
        { S("a+b"), HTTP_PLUS_IS_PLUS, STATUS_OK, S("a+b") },
        { S("a+b%2B"), HTTP_PLUS_IS_SPACE, STATUS_OK, S("a b+") },
        { S("%00%fF%c3%A4"), HTTP_PLUS_IS_PLUS, STATUS_OK, S("\0\xff\xc3\xa4") },
        { S("%25%32%35"), HTTP_PLUS_IS_PLUS, STATUS_OK, S("%25") },
        { S("%"), HTTP_PLUS_IS_PLUS, STATUS_MALFORMED, S("") },
        { S("ab%2"), HTTP_PLUS_IS_PLUS, STATUS_MALFORMED, S("") },
        { S("%2g"), HTTP_PLUS_IS_PLUS, STATUS_MALFORMED, S("") },
        { S("%g2"), HTTP_PLUS_IS_PLUS, STATUS_MALFORMED, S("") },
        { S("%%20"), HTTP_PLUS_IS_PLUS, STATUS_MALFORMED, S("") },
        { S("% 2"), HTTP_PLUS_IS_SPACE, STATUS_MALFORMED, S("") },
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct buf b;
        buf_init(&b, BUF_NO_LIMIT);
        buf_append(&b, SLICE("before"));
        assert_int_equal(http_percent_decode(CASES[i].text, CASES[i].plus, &b), CASES[i].status);
        assert_true(slice_eq(slice_from(buf_slice(&b), 6), CASES[i].decoded));
        buf_deinit(&b);
    }
}

static void parameters_are_found_by_their_decoded_name(void **state)
{
    (void)state;
    static const struct {
        struct slice query;
        enum http_query_result result;
        struct slice value;
    } CASES[] = {
        { S("key=v"), HTTP_QUERY_FOUND, S("v") },
        { S("a=1&key=v&b=2"), HTTP_QUERY_FOUND, S("v") },
        { S("key=1&key=2"), HTTP_QUERY_FOUND, S("1") },
        { S("%6bey=a%20b+c%3d=d"), HTTP_QUERY_FOUND, S("a b c==d") },
        { S("key"), HTTP_QUERY_FOUND, S("") },
        { S("key="), HTTP_QUERY_FOUND, S("") },
        { S("&&key=v"), HTTP_QUERY_FOUND, S("v") },
        { S("%zz=1&key=v"), HTTP_QUERY_FOUND, S("v") },
        { S("key=%7B%22a%22%3A1%7D"), HTTP_QUERY_FOUND, S("{\"a\":1}") },
        { S(""), HTTP_QUERY_ABSENT, S("") },
        { S("Key=v&keys=v&ke=v&k%65=&=key"), HTTP_QUERY_ABSENT, S("") },
        { S("key=%zz"), HTTP_QUERY_MALFORMED, S("") },
        { S("key=a%2&key=b"), HTTP_QUERY_MALFORMED, S("") },
    };
    struct buf value;
    buf_init(&value, BUF_NO_LIMIT);
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        assert_int_equal(http_query_get(CASES[i].query, SLICE("key"), &value), CASES[i].result);
        assert_true(slice_eq(buf_slice(&value), CASES[i].value));
    }
    buf_deinit(&value);
}

static void a_value_over_the_limit_or_without_memory_is_told(void **state)
{
    (void)state;
    struct buf value;
    buf_init(&value, 4);
    assert_int_equal(http_query_get(SLICE("a=1234"), SLICE("a"), &value), HTTP_QUERY_FOUND);
    assert_int_equal(http_query_get(SLICE("a=12345"), SLICE("a"), &value), HTTP_QUERY_TOO_LARGE);
    assert_int_equal(http_query_get(SLICE("a=12"), SLICE("a"), &value), HTTP_QUERY_FOUND);
    buf_deinit(&value);
    mem_fail_after(1);
    assert_int_equal(http_query_get(SLICE("a=1"), SLICE("a"), &value), HTTP_QUERY_TOO_LARGE);
    buf_deinit(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_split_into_their_parts),
        cmocka_unit_test(targets_of_no_known_form_are_refused),
        cmocka_unit_test(escapes_are_decoded_or_refused),
        cmocka_unit_test(parameters_are_found_by_their_decoded_name),
        cmocka_unit_test(a_value_over_the_limit_or_without_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
