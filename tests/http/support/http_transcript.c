#include "http/support/http_transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

void http_transcript_init(struct http_transcript *t, const struct http_limits *limits)
{
    http_parser_init(&t->parser, limits);
    buf_init(&t->unread, BUF_NO_LIMIT);
    buf_init(&t->text, BUF_NO_LIMIT);
    t->body_open = t->broken = false;
}

void http_transcript_deinit(struct http_transcript *t)
{
    buf_deinit(&t->unread);
    buf_deinit(&t->text);
}

static void write_head(struct http_transcript *t)
{
    const struct http_request *r = &t->event.request;
    buf_printf(&t->text, "%.*s %.*s", SLICE_ARG(r->method_name), SLICE_ARG(r->path));
    if (r->query.ptr) buf_printf(&t->text, "?%.*s", SLICE_ARG(r->query));
    buf_printf(&t->text, " 1.%d @%.*s%s%s%s%s", r->minor_version, SLICE_ARG(r->host),
               r->keep_alive ? " keep" : " close", r->expects_continue ? " expect" : "", r->chunked ? " chunked" : "",
               http_request_is_websocket(r) ? " websocket" : "");
    if (r->has_content_length) buf_printf(&t->text, " length=%llu", (unsigned long long)r->content_length);
    for (size_t i = 0; i < r->header_count; i++)
        buf_printf(&t->text, " [%.*s=%.*s]", SLICE_ARG(r->headers[i].name), SLICE_ARG(r->headers[i].value));
    buf_append_char(&t->text, '\n');
}

static void write_body(struct http_transcript *t)
{
    assert_true(t->event.body.len > 0);
    if (!t->body_open) buf_append(&t->text, SLICE("BODY "));
    t->body_open = true;
    buf_append(&t->text, t->event.body);
}

static void close_body(struct http_transcript *t)
{
    if (t->body_open) buf_append_char(&t->text, '\n');
    t->body_open = false;
}

static void write_event(struct http_transcript *t, enum http_result result)
{
    if (result != HTTP_BODY && result != HTTP_NEED_MORE) close_body(t);
    switch (result) {
    case HTTP_NEED_MORE: break;
    case HTTP_HEAD: write_head(t); break;
    case HTTP_BODY: write_body(t); break;
    case HTTP_DONE: buf_append(&t->text, SLICE("DONE\n")); break;
    case HTTP_BROKEN:
        t->broken = true;
        buf_printf(&t->text, "BROKEN %d %s: %s\n", http_parser_error(&t->parser)->status,
                   http_parser_error(&t->parser)->code, http_parser_error(&t->parser)->sentence);
    }
}

void http_transcript_feed(struct http_transcript *t, struct slice piece)
{
    if (t->broken) return;
    buf_append(&t->unread, piece);
    char *block = malloc(t->unread.len);
    if (t->unread.len > 0) memcpy(block, t->unread.ptr, t->unread.len);
    struct slice in = slice_of(block, t->unread.len);
    enum http_result result;
    do {
        result = http_parser_next(&t->parser, &in, &t->event);
        write_event(t, result);
    } while (result != HTTP_NEED_MORE && result != HTTP_BROKEN);
    buf_consume(&t->unread, t->unread.len - in.len);
    free(block);
}

const char *http_transcript_end(struct http_transcript *t)
{
    close_body(t);
    if (!t->broken && t->unread.len > 0) buf_printf(&t->text, "UNREAD %zu\n", t->unread.len);
    buf_append_char(&t->text, '\0');
    assert_true(buf_ok(&t->text));
    return t->text.ptr;
}

static void check_pieces(const struct http_limits *limits, struct slice input, size_t piece_len, size_t cut,
                         const char *expected)
{
    struct http_transcript *t = malloc(sizeof *t);
    http_transcript_init(t, limits);
    http_transcript_feed(t, slice_head(input, cut));
    for (struct slice rest = slice_from(input, cut); rest.len > 0; rest = slice_from(rest, piece_len))
        http_transcript_feed(t, slice_head(rest, piece_len));
    assert_string_equal(http_transcript_end(t), expected);
    http_transcript_deinit(t);
    free(t);
}

void http_transcript_check(const struct http_limits *limits, struct slice input, const char *expected)
{
    struct http_transcript *whole = malloc(sizeof *whole);
    http_transcript_init(whole, limits);
    http_transcript_feed(whole, input);
    const char *text = http_transcript_end(whole);
    if (expected) assert_string_equal(text, expected);
    for (size_t cut = 0; cut <= input.len; cut++) check_pieces(limits, input, input.len + 1, cut, text);
    for (size_t piece_len = 1; piece_len <= 5; piece_len++) check_pieces(limits, input, piece_len, 0, text);
    http_transcript_deinit(whole);
    free(whole);
}
