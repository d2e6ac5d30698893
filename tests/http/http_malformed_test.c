/* What is refused, class by class, as in the literature on request smuggling: each row
 * is a message that two servers somewhere read in two ways, or that only an attacker sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "http/http_parser.h"
#include "http/support/http_transcript.h"

static const struct http_limits LIMITS = { HTTP_LINE_BYTES_MAX_DEFAULT, HTTP_HEADER_BYTES_MAX_DEFAULT, HTTP_HEADERS_MAX,
                                           HTTP_BODY_BYTES_MAX_DEFAULT };

struct bad {
    struct slice input;
    enum http_error error;
    int status;
};

#define H "Host: h\r\n"
#define IN(text)                                                                                                       \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
#define LINE(text)   IN(text "\r\n" H "\r\n")
#define HEADER(text) IN("POST / HTTP/1.1\r\n" H text "\r\n\r\n")
#define HOST(text)   IN("GET / HTTP/1.1\r\nHost: " text "\r\n\r\n")
#define CHUNK(text)  IN("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n" text)

static const struct bad REQUEST_LINES[] = {
    { LINE("GET"), HTTP_ERROR_REQUEST_LINE, 400 },
    { LINE("GET /"), HTTP_ERROR_NO_VERSION, 400 },
    { LINE("GET / "), HTTP_ERROR_VERSION_SYNTAX, 400 },
    { LINE("GET  / HTTP/1.1"), HTTP_ERROR_REQUEST_LINE, 400 },
    { LINE("GET /  HTTP/1.1"), HTTP_ERROR_REQUEST_LINE, 400 },
    { LINE("GET / HTTP/1.1 "), HTTP_ERROR_REQUEST_LINE, 400 },
    { LINE("GET /a b HTTP/1.1"), HTTP_ERROR_REQUEST_LINE, 400 },
    { LINE(" GET / HTTP/1.1"), HTTP_ERROR_METHOD, 400 },
    { LINE("G(T / HTTP/1.1"), HTTP_ERROR_METHOD, 400 },
    { LINE("GET\t/ HTTP/1.1"), HTTP_ERROR_METHOD, 400 },
    { LINE("G\xc3\xa4T / HTTP/1.1"), HTTP_ERROR_METHOD, 400 },
    { LINE("GET / HTTP/2.0"), HTTP_ERROR_VERSION, 505 },
    { LINE("GET / HTTP/0.9"), HTTP_ERROR_VERSION, 505 },
    { LINE("GET / HTTP/1.2"), HTTP_ERROR_VERSION, 505 },
    { LINE("GET / HTTP/3.0"), HTTP_ERROR_VERSION, 505 },
    { IN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HTTP_ERROR_VERSION, 505 },
    { LINE("GET / http/1.1"), HTTP_ERROR_VERSION_SYNTAX, 400 },
    { LINE("GET / HTTP/11"), HTTP_ERROR_VERSION_SYNTAX, 400 },
    { LINE("GET / HTTP/1.10"), HTTP_ERROR_VERSION_SYNTAX, 400 },
    { LINE("GET / HTTP/01.1"), HTTP_ERROR_VERSION_SYNTAX, 400 },
    { LINE("GET / HTTP/1,1"), HTTP_ERROR_VERSION_SYNTAX, 400 },
    { LINE("GET / XTTP/1.1"), HTTP_ERROR_VERSION_SYNTAX, 400 },
    { LINE("GET / HTTP/1.1\0"), HTTP_ERROR_CONTROL_BYTE, 400 },
    { LINE("GET /\0a HTTP/1.1"), HTTP_ERROR_CONTROL_BYTE, 400 },
    { LINE("GET /\x7f HTTP/1.1"), HTTP_ERROR_CONTROL_BYTE, 400 },
    { LINE("\x16\x03\x01 / HTTP/1.1"), HTTP_ERROR_CONTROL_BYTE, 400 },
    { LINE("GET /\ta HTTP/1.1"), HTTP_ERROR_TARGET_BYTE, 400 },
    { LINE("GET /\xc3\xa4 HTTP/1.1"), HTTP_ERROR_TARGET_BYTE, 400 },
    { LINE("GET /a#b HTTP/1.1"), HTTP_ERROR_TARGET_FRAGMENT, 400 },
    { LINE("GET a HTTP/1.1"), HTTP_ERROR_TARGET_FORM, 400 },
    { LINE("GET ?a HTTP/1.1"), HTTP_ERROR_TARGET_FORM, 400 },
    { LINE("GET * HTTP/1.1"), HTTP_ERROR_TARGET_FORM, 400 },
    { LINE("OPTIONS *a HTTP/1.1"), HTTP_ERROR_TARGET_FORM, 400 },
    { LINE("GET ftp://h/ HTTP/1.1"), HTTP_ERROR_TARGET_FORM, 400 },
    { LINE("GET http:/h/ HTTP/1.1"), HTTP_ERROR_TARGET_FORM, 400 },
    { LINE("GET http:///a HTTP/1.1"), HTTP_ERROR_TARGET_FORM, 400 },
    { LINE("GET http://u@h/ HTTP/1.1"), HTTP_ERROR_TARGET_FORM, 400 },
    { LINE("GET http://h:8x/ HTTP/1.1"), HTTP_ERROR_TARGET_FORM, 400 },
    { LINE("CONNECT h:80 HTTP/1.1"), HTTP_ERROR_CONNECT, 501 },
    { IN("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"), HTTP_ERROR_EMPTY_LINES, 400 },
};

static const struct bad LINE_ENDS[] = {
    { IN("\nGET / HTTP/1.1\r\n" H "\r\n"), HTTP_ERROR_BARE_LF, 400 },
    { IN("GET / HTTP/1.1\n" H "\r\n"), HTTP_ERROR_BARE_LF, 400 },
    { IN("GET / HTTP/1.1\r\nHost: h\n\r\n"), HTTP_ERROR_BARE_LF, 400 },
    { IN("GET / HTTP/1.1\r\n" H "\n"), HTTP_ERROR_BARE_LF, 400 },
    { IN("GET / HTTP/1.1\r\n" H "A: b\n\n"), HTTP_ERROR_BARE_LF, 400 },
    { IN("GET / HTTP/1.1\r\r\n" H "\r\n"), HTTP_ERROR_BARE_CR, 400 },
    { IN("GET /\rHTTP/1.1\r\n" H "\r\n"), HTTP_ERROR_BARE_CR, 400 },
    { IN("\rGET / HTTP/1.1\r\n" H "\r\n"), HTTP_ERROR_BARE_CR, 400 },
    { HEADER("A: b\rContent-Length: 5"), HTTP_ERROR_BARE_CR, 400 },
    { HEADER("A: b\r"), HTTP_ERROR_BARE_CR, 400 },
    { HEADER("\rA: b"), HTTP_ERROR_BARE_CR, 400 },
    { HEADER("A\r: b"), HTTP_ERROR_BARE_CR, 400 },
    { IN("GET / HTTP/1.1\r\n" H "\r\r\n"), HTTP_ERROR_BARE_CR, 400 },
};

static const struct bad HEADERS[] = {
    { HEADER("A: b\r\n c"), HTTP_ERROR_FOLDED_LINE, 400 },
    { HEADER("A: b\r\n\tc"), HTTP_ERROR_FOLDED_LINE, 400 },
    { HEADER("A: b\r\n "), HTTP_ERROR_FOLDED_LINE, 400 },
    { IN("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), HTTP_ERROR_FOLDED_LINE, 400 },
    { HEADER("Content-Length : 5"), HTTP_ERROR_SPACE_BEFORE_COLON, 400 },
    { HEADER("Transfer-Encoding\t: chunked"), HTTP_ERROR_SPACE_BEFORE_COLON, 400 },
    { HEADER("Transfer Encoding: chunked"), HTTP_ERROR_HEADER_NAME, 400 },
    { HEADER("A(): b"), HTTP_ERROR_HEADER_NAME, 400 },
    { HEADER("\xc3\xa4: b"), HTTP_ERROR_HEADER_NAME, 400 },
    { HEADER(": b"), HTTP_ERROR_HEADER_NAME, 400 },
    { HEADER("A"), HTTP_ERROR_NO_COLON, 400 },
    { HEADER("A b"), HTTP_ERROR_HEADER_NAME, 400 },
    { HEADER("A\0: b"), HTTP_ERROR_CONTROL_BYTE, 400 },
    { HEADER("A: b\0"), HTTP_ERROR_CONTROL_BYTE, 400 },
    { HEADER("A: 0123456\x01"
             "89abcdef"),
      HTTP_ERROR_CONTROL_BYTE, 400 },
    { HEADER("A: 0123456789abcdef\x1f"), HTTP_ERROR_CONTROL_BYTE, 400 },
    { HEADER("A: \t234567\x7f"), HTTP_ERROR_CONTROL_BYTE, 400 },
    { HEADER("Transfer-Encoding: \x0b"
             "chunked"),
      HTTP_ERROR_CONTROL_BYTE, 400 },
    { IN("GET / HTTP/1.1\r\n\r\n"), HTTP_ERROR_HOST_MISSING, 400 },
    { IN("GET http://h/ HTTP/1.1\r\n\r\n"), HTTP_ERROR_HOST_MISSING, 400 },
    { HEADER("Host: h"), HTTP_ERROR_HOST_REPEATED, 400 },
    { HEADER("hOST: i"), HTTP_ERROR_HOST_REPEATED, 400 },
    { IN("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), HTTP_ERROR_HOST_REPEATED, 400 },
    { HOST("a b"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("a,b"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("a/b"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("u@a"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("a:b"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("a:80:80"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("a:123456"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST(":80"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("[::1"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("[]"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("[::1]a"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("[::1]:a"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("[a/b]"), HTTP_ERROR_HOST_INVALID, 400 },
    { HOST("h\xc3\xa4"), HTTP_ERROR_HOST_INVALID, 400 },
    { HEADER("Expect: 200-ok"), HTTP_ERROR_EXPECTATION, 417 },
    { HEADER("Expect: 100-continue, x"), HTTP_ERROR_EXPECTATION, 417 },
    { HEADER("Expect:"), HTTP_ERROR_EXPECTATION, 417 },
};

static const struct bad LENGTHS[] = {
    { HEADER("Content-Length: 5\r\nTransfer-Encoding: chunked"), HTTP_ERROR_LENGTH_AND_CODING, 400 },
    { HEADER("Transfer-Encoding: chunked\r\nContent-Length: 0"), HTTP_ERROR_LENGTH_AND_CODING, 400 },
    { HEADER("Content-Length: 5\r\nContent-Length: 6"), HTTP_ERROR_LENGTH_REPEATED, 400 },
    { HEADER("Content-Length: 5\r\ncontent-length: 5"), HTTP_ERROR_LENGTH_REPEATED, 400 },
    { HEADER("Content-Length: 5, 5"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: 5, 6"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length:"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: +5"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: -5"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: -0"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: 0x5"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: 5 5"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: 5.0"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: 1_0"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: \"5\""), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: \xef\xbc\x95"), HTTP_ERROR_LENGTH_INVALID, 400 },
    { HEADER("Content-Length: 9223372036854775808"), HTTP_ERROR_LENGTH_HUGE, 400 },
    { HEADER("Content-Length: 9223372036854775809"), HTTP_ERROR_LENGTH_HUGE, 400 },
    { HEADER("Content-Length: 18446744073709551617"), HTTP_ERROR_LENGTH_HUGE, 400 },
    { HEADER("Content-Length: 00000000000000000005"), HTTP_ERROR_LENGTH_HUGE, 400 },
    { HEADER("Content-Length: 9223372036854775807"), HTTP_ERROR_BODY_TOO_LARGE, 413 },
    { HEADER("Transfer-Encoding: gzip, chunked"), HTTP_ERROR_CODING_UNKNOWN, 501 },
    { HEADER("Transfer-Encoding: chunked, chunked"), HTTP_ERROR_CODING_UNKNOWN, 501 },
    { HEADER("Transfer-Encoding: chunked, identity"), HTTP_ERROR_CODING_INVALID, 400 },
    { HEADER("Transfer-Encoding: identity"), HTTP_ERROR_CODING_INVALID, 400 },
    { HEADER("Transfer-Encoding: gzip"), HTTP_ERROR_CODING_INVALID, 400 },
    { HEADER("Transfer-Encoding: xchunked"), HTTP_ERROR_CODING_INVALID, 400 },
    { HEADER("Transfer-Encoding: chunkedx"), HTTP_ERROR_CODING_INVALID, 400 },
    { HEADER("Transfer-Encoding: \"chunked\""), HTTP_ERROR_CODING_INVALID, 400 },
    { HEADER("Transfer-Encoding: chunked;q=1"), HTTP_ERROR_CODING_INVALID, 400 },
    { HEADER("Transfer-Encoding: ,chunked"), HTTP_ERROR_CODING_INVALID, 400 },
    { HEADER("Transfer-Encoding: chunked,"), HTTP_ERROR_CODING_INVALID, 400 },
    { HEADER("Transfer-Encoding:"), HTTP_ERROR_CODING_INVALID, 400 },
    { HEADER("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), HTTP_ERROR_CODING_REPEATED, 400 },
    { HEADER("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"), HTTP_ERROR_CODING_REPEATED, 400 },
    { IN("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP_ERROR_CODING_IN_1_0, 400 },
};

static const struct bad CHUNKS[] = {
    { CHUNK("\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK("g\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK("0x5\r\nhello\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK("+5\r\nhello\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK("-1\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK(" 5\r\nhello\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK("5 \r\nhello\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK("5h\r\nhello\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK("5_0\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK("10000000000000005\r\nhello\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK("00000000000000005\r\nhello\r\n"), HTTP_ERROR_CHUNK_SIZE, 400 },
    { CHUNK("ffffffffffffffff\r\n"), HTTP_ERROR_BODY_TOO_LARGE, 413 },
    { CHUNK("5\nhello\r\n"), HTTP_ERROR_BARE_LF, 400 },
    { CHUNK("5\r\r\nhello\r\n"), HTTP_ERROR_BARE_CR, 400 },
    { CHUNK("5;a\rb\r\nhello\r\n"), HTTP_ERROR_BARE_CR, 400 },
    { CHUNK("5;a\nb\r\nhello\r\n"), HTTP_ERROR_BARE_LF, 400 },
    { CHUNK("5;a\0\r\nhello\r\n"), HTTP_ERROR_CONTROL_BYTE, 400 },
    { CHUNK("5;\r\nhello\r\n"), HTTP_ERROR_CHUNK_EXTENSION, 400 },
    { CHUNK("5;;a\r\nhello\r\n"), HTTP_ERROR_CHUNK_EXTENSION, 400 },
    { CHUNK("5;a=\r\nhello\r\n"), HTTP_ERROR_CHUNK_EXTENSION, 400 },
    { CHUNK("5;=a\r\nhello\r\n"), HTTP_ERROR_CHUNK_EXTENSION, 400 },
    { CHUNK("5;a b\r\nhello\r\n"), HTTP_ERROR_CHUNK_EXTENSION, 400 },
    { CHUNK("5;a \r\nhello\r\n"), HTTP_ERROR_CHUNK_EXTENSION, 400 },
    { CHUNK("5;a=\"b\r\nhello\r\n"), HTTP_ERROR_CHUNK_EXTENSION, 400 },
    { CHUNK("5;a=\"b\\\r\nhello\r\n"), HTTP_ERROR_CHUNK_EXTENSION, 400 },
    { CHUNK("5;a=\"b\"c\r\nhello\r\n"), HTTP_ERROR_CHUNK_EXTENSION, 400 },
    { CHUNK("5\r\nhello0\r\n\r\n"), HTTP_ERROR_CHUNK_END, 400 },
    { CHUNK("5\r\nhello\n0\r\n\r\n"), HTTP_ERROR_CHUNK_END, 400 },
    { CHUNK("5\r\nhello\rX0\r\n\r\n"), HTTP_ERROR_CHUNK_END, 400 },
    { CHUNK("4\r\nhello\r\n0\r\n\r\n"), HTTP_ERROR_CHUNK_END, 400 },
    { CHUNK("6\r\nhello\r\n0\r\n\r\n"), HTTP_ERROR_CHUNK_END, 400 },
    { CHUNK("0\r\nGET / HTTP/1.1\r\n"), HTTP_ERROR_HEADER_NAME, 400 },
    { CHUNK("0\r\nA : b\r\n"), HTTP_ERROR_SPACE_BEFORE_COLON, 400 },
    { CHUNK("0\r\nA: b\r\n c\r\n"), HTTP_ERROR_FOLDED_LINE, 400 },
    { CHUNK("0\r\nA: b\n"), HTTP_ERROR_BARE_LF, 400 },
    { CHUNK("0\r\n\n"), HTTP_ERROR_BARE_LF, 400 },
};

static void check(const struct bad *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct http_refusal *refusal = http_error_refusal(rows[i].error);
        struct http_transcript *t = malloc(sizeof *t);
        http_transcript_init(t, &LIMITS);
        http_transcript_feed(t, rows[i].input);
        if (!t->broken || http_parser_error(&t->parser) != refusal || refusal->status != rows[i].status)
            fail_msg("row %zu: wanted %d \"%s\", got %s", i, rows[i].status, refusal->sentence, http_transcript_end(t));
        http_transcript_deinit(t);
        free(t);
        http_transcript_check(&LIMITS, rows[i].input, NULL);
    }
}

static void bad_request_lines_are_refused(void **state)
{
    (void)state;
    check(REQUEST_LINES, ARRAY_COUNT(REQUEST_LINES));
}

static void bare_cr_and_bare_lf_are_refused(void **state)
{
    (void)state;
    check(LINE_ENDS, ARRAY_COUNT(LINE_ENDS));
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    check(HEADERS, ARRAY_COUNT(HEADERS));
}

static void lengths_that_can_be_read_in_two_ways_are_refused(void **state)
{
    (void)state;
    check(LENGTHS, ARRAY_COUNT(LENGTHS));
}

static void bad_chunks_are_refused(void **state)
{
    (void)state;
    check(CHUNKS, ARRAY_COUNT(CHUNKS));
}

static void no_byte_that_a_head_may_not_hold_gets_through(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[] = "GET /? HTTP/1.1\r\nHost: h\r\nA: xyzabcdefgh?\r\n\r\n";
        bool control = (c < 0x20 && c != '\t') || c == 0x7f;
        char *value = strrchr(text, '?');
        *value = (char)c;
        struct http_transcript *t = malloc(sizeof *t);
        http_transcript_init(t, &LIMITS);
        http_transcript_feed(t, slice_of(text, sizeof text - 1));
        assert_int_equal(t->broken, control);
        http_transcript_deinit(t);

        *value = 'v';
        *strchr(text, '?') = (char)c;
        http_transcript_init(t, &LIMITS);
        http_transcript_feed(t, slice_of(text, sizeof text - 1));
        assert_int_equal(t->broken, c <= 0x20 || c >= 0x7f || c == '#');
        http_transcript_deinit(t);
        free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_request_lines_are_refused),
        cmocka_unit_test(bare_cr_and_bare_lf_are_refused),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(lengths_that_can_be_read_in_two_ways_are_refused),
        cmocka_unit_test(bad_chunks_are_refused),
        cmocka_unit_test(no_byte_that_a_head_may_not_hold_gets_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
