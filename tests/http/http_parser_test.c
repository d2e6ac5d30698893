#include "http/http_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/mem.h"
#include "http/support/http_transcript.h"

static const struct http_limits LIMITS = { HTTP_LINE_BYTES_MAX_DEFAULT, HTTP_HEADER_BYTES_MAX_DEFAULT, HTTP_HEADERS_MAX,
                                           HTTP_BODY_BYTES_MAX_DEFAULT };

struct good {
    const char *what;
    struct slice input;
    const char *expected;
};

#define H "Host: h\r\n"
#define IN(text)                                                                                                       \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

static const struct good GOOD[] = {
    { "example of RFC 9112 section 2.1 (a GET with three headers)",
      IN("GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: www.example.com\r\nAccept-Language: en, "
         "mi\r\n\r\n"),
      "GET /hello.txt 1.1 @www.example.com keep [User-Agent=curl/7.64.1] [Host=www.example.com] "
      "[Accept-Language=en, mi]\nDONE\n" },
    { "origin form of RFC 9112 section 3.2.1", IN("GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n"),
      "GET /where?q=now 1.1 @www.example.org keep [Host=www.example.org]\nDONE\n" },
    { "absolute form of section 3.2.2: its authority goes before Host",
      IN("GET http://www.example.org:81/pub/a.html?b HTTP/1.1\r\nHost: other\r\n\r\n"),
      "GET /pub/a.html?b 1.1 @www.example.org:81 keep [Host=other]\nDONE\n" },
    { "absolute form without a path", IN("OPTIONS HTTPS://h?q HTTP/1.1\r\n" H "\r\n"),
      "OPTIONS /?q 1.1 @h keep [Host=h]\nDONE\n" },
    { "asterisk form of section 3.2.4", IN("OPTIONS * HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n"),
      "OPTIONS * 1.1 @www.example.org:8001 keep [Host=www.example.org:8001]\nDONE\n" },
    { "an empty query is not no query", IN("GET /? HTTP/1.1\r\n" H "\r\n"), "GET /? 1.1 @h keep [Host=h]\nDONE\n" },
    { "HEAD", IN("HEAD / HTTP/1.1\r\n" H "\r\n"), "HEAD / 1.1 @h keep [Host=h]\nDONE\n" },
    { "an unknown method is for the router to refuse", IN("BREW /pot HTTP/1.1\r\n" H "\r\n"),
      "BREW /pot 1.1 @h keep [Host=h]\nDONE\n" },
    { "white space around values, empty values, a colon in a value",
      IN("GET / HTTP/1.1\r\nHost:\t [::1]:80 \t\r\nA:\r\nB: \t\r\nC::x y\tz\r\n\r\n"),
      "GET / 1.1 @[::1]:80 keep [Host=[::1]:80] [A=] [B=] [C=:x y\tz]\nDONE\n" },
    { "bytes above ASCII in a value", IN("GET / HTTP/1.1\r\n" H "X: \xc3\xa4\xff\r\n\r\n"),
      "GET / 1.1 @h keep [Host=h] [X=\xc3\xa4\xff]\nDONE\n" },
    { "an empty Host", IN("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "GET / 1.1 @ keep [Host=]\nDONE\n" },
    { "a body of known length", IN("POST /a HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"),
      "POST /a 1.1 @h keep length=5 [Host=h] [Content-Length=5]\nBODY hello\nDONE\n" },
    { "a body of length 0", IN("POST /a HTTP/1.1\r\n" H "content-LENGTH: 0\r\n\r\n"),
      "POST /a 1.1 @h keep length=0 [Host=h] [content-LENGTH=0]\nDONE\n" },
    { "a body not yet whole", IN("POST /a HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhel"),
      "POST /a 1.1 @h keep length=5 [Host=h] [Content-Length=5]\nBODY hel\n" },
    { "a GET may have a body", IN("GET /a HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx"),
      "GET /a 1.1 @h keep length=1 [Host=h] [Content-Length=1]\nBODY x\nDONE\n" },
    { "chunks, extensions and trailers",
      IN("POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n"
         "4\r\nWiki\r\n5;a=b ; c = \"d\\\"; e\" ;f\r\npedia\r\nA\t;x\r\n in\r\n\r\nchu\r\n00\r\nTrailer: "
         "t\r\nContent-Length: 9\r\n\r\n"),
      "POST / 1.1 @h keep chunked [Host=h] [Transfer-Encoding=Chunked]\nBODY Wikipedia in\r\n\r\nchu\nDONE\n" },
    { "an empty chunked body", IN("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      "POST / 1.1 @h keep chunked [Host=h] [Transfer-Encoding=chunked]\nDONE\n" },
    { "pipelined requests, an empty line between",
      IN("POST /1 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab\r\nPOST /2 HTTP/1.1\r\n" H
         "Transfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\nGET /3 HTTP/1.1\r\n" H "\r\nGET /4 HT"),
      "POST /1 1.1 @h keep length=2 [Host=h] [Content-Length=2]\nBODY ab\nDONE\n"
      "POST /2 1.1 @h keep chunked [Host=h] [Transfer-Encoding=chunked]\nBODY c\nDONE\n"
      "GET /3 1.1 @h keep [Host=h]\nDONE\nUNREAD 9\n" },
    { "what follows Connection: close is dropped, also when it is malformed",
      IN("POST /1 HTTP/1.1\r\n" H "Connection: Close\r\nContent-Length: 1\r\n\r\nx GET /\n\n\0"),
      "POST /1 1.1 @h close length=1 [Host=h] [Connection=Close] [Content-Length=1]\nBODY x\nDONE\n" },
    { "an answer owed comes before a later refusal", IN("GET /1 HTTP/1.1\r\n" H "\r\nGET / HTTP/2.0\r\n"),
      "GET /1 1.1 @h keep [Host=h]\nDONE\nBROKEN 505 http_version_not_supported: Only HTTP/1.1 and HTTP/1.0 are spoken "
      "here.\n" },
    { "HTTP/1.0 closes by default", IN("GET / HTTP/1.0\r\n\r\nGET"), "GET / 1.0 @ close\nDONE\n" },
    { "HTTP/1.0 with keep-alive", IN("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\nGET"),
      "GET / 1.0 @ keep [Connection=x, Keep-Alive]\nDONE\nUNREAD 3\n" },
    { "close wins over keep-alive", IN("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"),
      "GET / 1.0 @ close [Connection=keep-alive] [Connection=close]\nDONE\n" },
    { "Expect", IN("PUT / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"),
      "PUT / 1.1 @h keep expect length=1 [Host=h] [Expect=100-Continue] [Content-Length=1]\n" },
    { "Expect without a body", IN("PUT / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n"),
      "PUT / 1.1 @h keep [Host=h] [Expect=100-continue]\nDONE\n" },
    { "Expect in HTTP/1.0 is passed over", IN("PUT / HTTP/1.0\r\nExpect: x\r\nContent-Length: 1\r\n\r\n"),
      "PUT / 1.0 @ close length=1 [Expect=x] [Content-Length=1]\n" },
    { "example of RFC 6455 section 1.2",
      IN("GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
      "GET /chat 1.1 @server.example.com keep websocket [Host=server.example.com] [Upgrade=websocket] "
      "[Connection=Upgrade]\nDONE\n" },
    { "an upgrade as browsers ask for it",
      IN("GET / HTTP/1.1\r\n" H "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\r\n"),
      "GET / 1.1 @h keep websocket [Host=h] [Upgrade=WebSocket] [Connection=keep-alive, Upgrade]\nDONE\n" },
    { "no upgrade without Connection", IN("GET / HTTP/1.1\r\n" H "Upgrade: websocket\r\n\r\n"),
      "GET / 1.1 @h keep [Host=h] [Upgrade=websocket]\nDONE\n" },
    { "no upgrade in HTTP/1.0", IN("GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
      "GET / 1.0 @ close [Upgrade=websocket] [Connection=upgrade]\nDONE\n" },
    { "no upgrade with a body",
      IN("GET / HTTP/1.1\r\n" H "Upgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\n"),
      "GET / 1.1 @h keep length=1 [Host=h] [Upgrade=websocket] [Connection=upgrade] [Content-Length=1]\n" },
    { "nothing", IN(""), "" },
};

static void well_formed_requests_give_the_same_events_at_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(GOOD); i++) {
        print_message("  %s\n", GOOD[i].what);
        http_transcript_check(&LIMITS, GOOD[i].input, GOOD[i].expected);
    }
}

/* Result of feeding it whole: 0 when all was well, else the status. */
static int status_of(const struct http_limits *limits, struct slice input)
{
    struct http_transcript *t = malloc(sizeof *t);
    http_transcript_init(t, limits);
    http_transcript_feed(t, input);
    int status = t->broken ? http_parser_error(&t->parser)->status : 0;
    http_transcript_deinit(t);
    free(t);
    return status;
}

static void limits_hold_at_n_and_break_at_n_plus_1(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct slice input;
        int status;
    } CASES[] = {
        { "line of 20", IN("GET /3456789 HTTP/1.1\r\n" H "\r\n"), 414 },
        { "line of 20, exactly", IN("GET /345678 HTTP/1.1\r\n" H "\r\n"), 0 },
        { "line without an end", IN("GET /34567890123456789"), 414 },
        { "headers of 30, exactly", IN("GET / HTTP/1.1\r\n" H "A: 4567890123456789\r\n\r\n"), 0 },
        { "headers of 31", IN("GET / HTTP/1.1\r\n" H "A: 45678901234567890\r\n\r\n"), 431 },
        { "headers without an end", IN("GET / HTTP/1.1\r\n" H "A: 45678901234567890"), 431 },
        { "headers of 30, then one more", IN("GET / HTTP/1.1\r\n" H "A: 4567890123456789\r\nB"), 431 },
        { "3 headers", IN("GET / HTTP/1.1\r\n" H "A:\r\nB:\r\n\r\n"), 0 },
        { "4 headers", IN("GET / HTTP/1.1\r\n" H "A:\r\nB:\r\nC:\r\n\r\n"), 431 },
        { "length 8", IN("GET / HTTP/1.1\r\n" H "Content-Length: 8\r\n\r\n"), 0 },
        { "length 9", IN("GET / HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n"), 413 },
    };
    struct http_limits limits = { 20, 30, 3, 8 };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        print_message("  %s\n", CASES[i].what);
        assert_int_equal(status_of(&limits, CASES[i].input), CASES[i].status);
        http_transcript_check(&limits, CASES[i].input, NULL);
    }
}

#define CHUNKED "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"

static void limits_of_chunked_bodies_hold_at_n_and_break_at_n_plus_1(void **state)
{
    (void)state;
    static const struct {
        struct slice input;
        int status;
    } CASES[] = {
        { IN(CHUNKED "5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n"), 0 },
        { IN(CHUNKED "5\r\nhello\r\n4\r\n"), 413 },
        { IN(CHUNKED "ffffffffffffffff\r\n"), 413 },
        { IN(CHUNKED "0\r\nA:\r\nB:\r\nC:\r\n\r\n"), 0 },
        { IN(CHUNKED "0\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n"), 431 },
        { IN(CHUNKED "0\r\nA: 45678901234567890123456789012345678901\r\n\r\n"), 0 },
        { IN(CHUNKED "0\r\nA: 456789012345678901234567890123456789012\r\n\r\n"), 431 },
        { IN(CHUNKED "0\r\nA: 4567890123456789012345678901234567890123"), 431 },
    };
    struct http_limits limits = { 20, 43, 3, 8 };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        assert_int_equal(status_of(&limits, CASES[i].input), CASES[i].status);
        http_transcript_check(&limits, CASES[i].input, NULL);
    }
}

static void chunk_extensions_are_bounded_per_line_and_per_body(void **state)
{
    (void)state;
    struct buf b;
    for (int over = 0; over <= 1; over++) {
        buf_init(&b, BUF_NO_LIMIT);
        buf_printf(&b, CHUNKED "1;%0*d\r\nx\r\n", HTTP_CHUNK_LINE_BYTES_MAX - 2 + over, 0);
        assert_int_equal(status_of(&LIMITS, buf_slice(&b)), over ? 400 : 0);
        buf_deinit(&b);

        buf_init(&b, BUF_NO_LIMIT);
        buf_append(&b, SLICE(CHUNKED));
        for (int i = 0; i < HTTP_CHUNK_EXTENSION_BYTES_MAX / 128; i++) buf_printf(&b, "1;%0127d\r\nx\r\n", 0);
        buf_append(&b, over ? SLICE("1;a\r\n") : SLICE("1\r\n"));
        assert_int_equal(status_of(&LIMITS, buf_slice(&b)), over ? 400 : 0);
        buf_deinit(&b);
    }
}

static void all_headers_that_fit_are_kept(void **state)
{
    (void)state;
    for (int over = 0; over <= 1; over++) {
        struct buf b;
        buf_init(&b, BUF_NO_LIMIT);
        buf_append(&b, SLICE("GET / HTTP/1.1\r\n" H));
        for (int i = 1; i < HTTP_HEADERS_MAX + over; i++) buf_printf(&b, "X%d: %d\r\n", i, i);
        buf_append(&b, SLICE("\r\n"));
        assert_int_equal(status_of(&LIMITS, buf_slice(&b)), over ? 431 : 0);
        buf_deinit(&b);
    }
}

static void a_route_may_set_another_body_limit_after_the_head(void **state)
{
    (void)state;
    static struct http_event event;
    struct http_limits limits = { 20, 100, 3, 8 };
    for (uint64_t max = 8; max <= 9; max++) {
        struct http_parser p;
        http_parser_init(&p, &limits);
        struct slice in = SLICE("GET / HTTP/1.1\r\nHost:h\r\nContent-Length: 9\r\n\r\n");
        assert_int_equal(http_parser_next(&p, &in, &event), HTTP_HEAD);
        assert_true(http_parser_in_body(&p));
        http_parser_limit_body(&p, max);
        assert_int_equal(http_parser_next(&p, &in, &event), max == 9 ? HTTP_NEED_MORE : HTTP_BROKEN);
        if (max == 8) assert_int_equal(http_parser_error(&p)->status, 413);
    }
}

static void after_finish_the_rest_is_dropped(void **state)
{
    (void)state;
    static struct http_event event;
    struct http_parser p;
    http_parser_init(&p, &LIMITS);
    struct slice in = SLICE("GET / HTTP/1.1\r\nHost:h\r\n\r\nGET / HTTP/2.0\r\n");
    assert_int_equal(http_parser_next(&p, &in, &event), HTTP_HEAD);
    http_parser_finish(&p);
    assert_false(http_parser_is_finished(&p));
    assert_int_equal(http_parser_next(&p, &in, &event), HTTP_DONE);
    assert_true(http_parser_is_finished(&p));
    assert_int_equal(http_parser_next(&p, &in, &event), HTTP_NEED_MORE);
    assert_int_equal(in.len, 0);

    http_parser_init(&p, &LIMITS);
    http_parser_finish(&p);
    in = SLICE("GET");
    assert_int_equal(http_parser_next(&p, &in, &event), HTTP_NEED_MORE);
    assert_int_equal(in.len, 0);
}

static void a_broken_parser_stays_broken_and_takes_nothing(void **state)
{
    (void)state;
    static struct http_event event;
    struct http_parser p;
    http_parser_init(&p, &LIMITS);
    struct slice in = SLICE("\n");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(http_parser_next(&p, &in, &event), HTTP_BROKEN);
        assert_int_equal(in.len, 1);
        http_parser_finish(&p);
    }
    assert_string_equal(http_parser_error(&p)->code, "bad_request");
}

static void a_copy_of_a_request_stands_alone(void **state)
{
    (void)state;
    static struct http_event event;
    static const char TEXT[] = "OPTIONS http://a:1?q=1 HTTP/1.1\r\nHost: h\r\nEmpty:\r\nA: b\r\n\r\n";
    char *bytes = strdup(TEXT);
    struct http_parser p;
    http_parser_init(&p, &LIMITS);
    struct slice in = slice_of(bytes, sizeof TEXT - 1);
    assert_int_equal(http_parser_next(&p, &in, &event), HTTP_HEAD);
    mem_fail_after(1);
    assert_null(http_request_copy(&event.request));
    struct http_request *copy = http_request_copy(&event.request);
    memset(bytes, 'x', sizeof TEXT - 1);
    free(bytes);
    memset(&event, 0, sizeof event);
    assert_true(slice_eq(copy->head, slice_of(TEXT, sizeof TEXT - 1)));
    assert_true(slice_eq(copy->method_name, SLICE("OPTIONS")));
    assert_true(slice_eq(copy->target, SLICE("http://a:1?q=1")));
    assert_true(slice_eq(copy->path, SLICE("/")));
    assert_true(slice_eq(copy->query, SLICE("q=1")));
    assert_true(slice_eq(copy->host, SLICE("a:1")));
    assert_int_equal(copy->header_count, 3);
    assert_true(slice_eq(http_request_header(copy, SLICE("a")), SLICE("b")));
    assert_non_null(http_request_header(copy, SLICE("empty")).ptr);
    mem_free(copy);
}

static double seconds_to_feed_bytewise(size_t header_bytes)
{
    static struct http_event event;
    struct http_limits limits = { 100, (uint32_t)header_bytes + 100, 100, 0 };
    struct http_parser p;
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    buf_printf(&b, "GET / HTTP/1.1\r\nHost: h\r\nA: %0*d\r\n\r\n", (int)header_bytes, 0);
    http_parser_init(&p, &limits);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    enum http_result result = HTTP_NEED_MORE;
    for (size_t len = 1; len <= b.len; len++) {
        struct slice in = slice_of(b.ptr, len);
        result = http_parser_next(&p, &in, &event);
        assert_int_equal(result, len == b.len ? HTTP_HEAD : HTTP_NEED_MORE);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    buf_deinit(&b);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

/* Looking at every byte again for each new one would take 4 * 10^12 steps here. */
static void feeding_byte_by_byte_is_not_quadratic(void **state)
{
    (void)state;
    assert_true(seconds_to_feed_bytewise(3000000) < 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_requests_give_the_same_events_at_every_split),
        cmocka_unit_test(limits_hold_at_n_and_break_at_n_plus_1),
        cmocka_unit_test(limits_of_chunked_bodies_hold_at_n_and_break_at_n_plus_1),
        cmocka_unit_test(chunk_extensions_are_bounded_per_line_and_per_body),
        cmocka_unit_test(all_headers_that_fit_are_kept),
        cmocka_unit_test(a_route_may_set_another_body_limit_after_the_head),
        cmocka_unit_test(after_finish_the_rest_is_dropped),
        cmocka_unit_test(a_broken_parser_stays_broken_and_takes_nothing),
        cmocka_unit_test(a_copy_of_a_request_stands_alone),
        cmocka_unit_test(feeding_byte_by_byte_is_not_quadratic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
