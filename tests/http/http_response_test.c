#include "http/http_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/mem.h"
#include "http/http_date.h"

#define S(text)                                                                                                        \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
#define DATE      S("Sun, 06 Nov 1994 08:49:37 GMT")
#define DATE_LINE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static const struct http_header EXTRA[] = { { S("Allow"), S("GET, POST") }, { S("X-A"), S("") } };

static void answers_have_the_bytes_that_they_should(void **state)
{
    (void)state;
    static const struct {
        struct http_response response;
        const char *expected;
    } CASES[] = {
        { { .status = 200,
            .date = DATE,
            .content_type = S("application/json"),
            .body = S("{}"),
            .minor_version = 1,
            .keep_alive = true },
          "HTTP/1.1 200 OK\r\n" DATE_LINE "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" },
        { { .status = 200, .body = S("{}"), .minor_version = 0, .keep_alive = true },
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}" },
        { { .status = 405, .minor_version = 1, .headers = EXTRA, .header_count = ARRAY_COUNT(EXTRA) },
          "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\nAllow: GET, POST\r\nX-A: "
          "\r\n\r\n" },
        { { .status = 200, .body = S("hello"), .minor_version = 1, .keep_alive = true, .head_only = true },
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" },
        { { .status = 204, .body = S("x"), .minor_version = 1, .keep_alive = true },
          "HTTP/1.1 204 No Content\r\n\r\n" },
        { { .status = 304, .minor_version = 1, .keep_alive = true }, "HTTP/1.1 304 Not Modified\r\n\r\n" },
        { { .status = 101, .minor_version = 1, .keep_alive = true, .headers = EXTRA, .header_count = 1 },
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nAllow: GET, POST\r\n\r\n" },
        { { .status = 499, .minor_version = 1, .keep_alive = true }, "HTTP/1.1 499 \r\nContent-Length: 0\r\n\r\n" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct buf out;
        buf_init(&out, BUF_NO_LIMIT);
        buf_append(&out, SLICE("before"));
        assert_int_equal(http_response_write(&out, &CASES[i].response), STATUS_OK);
        buf_append_char(&out, '\0');
        assert_string_equal(out.ptr + 6, CASES[i].expected);
        buf_deinit(&out);
    }
}

static void values_that_would_start_a_header_of_their_own_are_refused(void **state)
{
    (void)state;
    static const struct http_header BAD[] = {
        { S("A"), S("b\r\nSet-Cookie: c") },
        { S("A"), S("b\n") },
        { S("A"), S("b\r") },
        { S("A"), S("b\0") },
        { S("A"), S("0123456789\x7f") },
        { S("A:"), S("b") },
        { S(""), S("b") },
        { S("A b"), S("c") },
        { S("A\r\nB"), S("c") },
    };
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    buf_append(&out, SLICE("kept"));
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        struct http_response r = { .status = 200, .headers = &BAD[i], .header_count = 1 };
        assert_int_equal(http_response_write(&out, &r), STATUS_MALFORMED);
    }
    struct http_response r = { .status = 200, .content_type = SLICE("text/html\r\nA: b") };
    assert_int_equal(http_response_write(&out, &r), STATUS_MALFORMED);
    assert_true(buf_ok(&out));
    assert_true(slice_eq(buf_slice(&out), SLICE("kept")));
    buf_deinit(&out);
}

static void a_failed_write_leaves_the_length_and_says_why(void **state)
{
    (void)state;
    struct http_response r = { .status = 200, .body = SLICE("x") };
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(http_response_write(&out, &r), STATUS_TOO_LARGE);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
    buf_init(&out, BUF_NO_LIMIT);
    mem_fail_after(1);
    assert_int_equal(http_response_write(&out, &r), STATUS_NO_MEMORY);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
}

static void dates_are_those_of_the_rfc_and_of_libc(void **state)
{
    (void)state;
    char date[HTTP_DATE_SIZE], expected[64];
    http_date_format(784111777, date);
    assert_string_equal(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date_format(-5, date);
    assert_string_equal(date, "Thu, 01 Jan 1970 00:00:00 GMT");
    http_date_format(INT64_MAX, date);
    assert_string_equal(date, "Fri, 31 Dec 9999 23:59:59 GMT");
    for (int64_t t = 0; t < INT64_C(20000000000); t += 86400 / 2 - 1 + t % 7) {
        struct tm tm;
        time_t seconds = (time_t)t;
        gmtime_r(&seconds, &tm);
        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        http_date_format(t, date);
        assert_string_equal(date, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_have_the_bytes_that_they_should),
        cmocka_unit_test(values_that_would_start_a_header_of_their_own_are_refused),
        cmocka_unit_test(a_failed_write_leaves_the_length_and_says_why),
        cmocka_unit_test(dates_are_those_of_the_rfc_and_of_libc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
