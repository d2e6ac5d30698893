/* The same bytes whole and in pieces must give the same events; nothing may be read outside
 * the bytes given. Input: one byte of limits, one seed for the cuts, then the stream. The
 * queries met on the way go through the parameter look-up. */
#include <stdlib.h>

#include "base/check.h"
#include "http/http_parser.h"
#include "http/http_response.h"
#include "http/http_uri.h"

#define MIX(sum, value) ((sum) = ((sum) ^ (uint64_t)(value)) * 1099511628211u)

struct run {
    struct http_parser parser;
    struct http_event event;
    uint64_t sum; /* of everything that came out, pieces of bodies joined */
    size_t unread;
    bool broken;
};

static void mix_slice(struct run *r, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) MIX(r->sum, (uint8_t)s.ptr[i]);
    MIX(r->sum, s.len);
}

static void look_up(struct slice query)
{
    struct buf value;
    buf_init(&value, 1 << 16);
    if (http_query_get(query, SLICE("key"), &value) == HTTP_QUERY_FOUND) CHECK(value.len <= query.len);
    if (http_percent_decode(query, HTTP_PLUS_IS_PLUS, &value) == STATUS_MALFORMED) CHECK(buf_ok(&value));
    buf_deinit(&value);
}

static void on_head(struct run *r)
{
    const struct http_request *req = &r->event.request;
    CHECK(req->path.len > 0 && (req->path.ptr[0] == '/' || slice_eq(req->path, SLICE("*"))));
    CHECK(!(req->chunked && req->has_content_length));
    mix_slice(r, req->method_name);
    mix_slice(r, req->path);
    mix_slice(r, req->query);
    mix_slice(r, req->host);
    MIX(r->sum, req->keep_alive | req->expects_continue << 1 | http_request_is_websocket(req) << 2);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    for (size_t i = 0; i < req->header_count; i++) {
        mix_slice(r, req->headers[i].name);
        mix_slice(r, req->headers[i].value);
    }
    /* What was let in as a header may go out as one. */
    struct http_response echo = { .status = 200, .headers = req->headers, .header_count = req->header_count };
    CHECK(http_response_write(&out, &echo) == STATUS_OK);
    buf_deinit(&out);
    look_up(req->query);
}

/* Give the unread bytes and len more, in a block of exactly that size. */
static void feed(struct run *r, const uint8_t *end, size_t len)
{
    size_t total = r->unread + len;
    char *block = malloc(total ? total : 1);
    memcpy(block, end - r->unread, total);
    struct slice in = slice_of(block, total);
    enum http_result result;
    do {
        result = http_parser_next(&r->parser, &in, &r->event);
        if (result == HTTP_BODY)
            for (size_t i = 0; i < r->event.body.len; i++) MIX(r->sum, (uint8_t)r->event.body.ptr[i]);
        else if (result != HTTP_NEED_MORE)
            MIX(r->sum, result);
        if (result == HTTP_HEAD) on_head(r);
    } while (result != HTTP_NEED_MORE && result != HTTP_BROKEN);
    r->unread = in.len;
    r->broken = result == HTTP_BROKEN;
    free(block);
}

static uint64_t run(const struct http_limits *limits, const uint8_t *data, size_t len, uint32_t cuts)
{
    static struct run r;
    http_parser_init(&r.parser, limits);
    r.sum = r.unread = r.broken = 0;
    for (size_t at = 0; at < len && !r.broken;) {
        size_t piece = len - at;
        if (cuts) {
            cuts = cuts * 1664525 + 1013904223;
            piece = 1 + (cuts >> 24) % (cuts >> 16 & 1 ? 4 : 64);
            if (piece > len - at) piece = len - at;
        }
        feed(&r, data + at, piece);
        at += piece;
    }
    if (r.broken) MIX(r.sum, r.parser.error_);
    MIX(r.sum, r.broken ? 0 : r.unread);
    return r.sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2) return 0;
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    if (data[0] & 1) limits = (struct http_limits){ 24, 48, 3, data[0] };
    uint64_t whole = run(&limits, data + 2, len - 2, 0);
    CHECK(whole == run(&limits, data + 2, len - 2, 1u + data[1]));
    return 0;
}
