#include "http/http_response.h"

#include "base/check.h"
#include "http/http_chars.h"

#define REASON_LIST(X)                                                                                                 \
    X(100, "Continue")                                                                                                 \
    X(101, "Switching Protocols")                                                                                      \
    X(200, "OK")                                                                                                       \
    X(201, "Created")                                                                                                  \
    X(202, "Accepted")                                                                                                 \
    X(204, "No Content")                                                                                               \
    X(206, "Partial Content")                                                                                          \
    X(301, "Moved Permanently")                                                                                        \
    X(302, "Found")                                                                                                    \
    X(303, "See Other")                                                                                                \
    X(304, "Not Modified")                                                                                             \
    X(307, "Temporary Redirect")                                                                                       \
    X(308, "Permanent Redirect")                                                                                       \
    X(400, "Bad Request")                                                                                              \
    X(401, "Unauthorized")                                                                                             \
    X(403, "Forbidden")                                                                                                \
    X(404, "Not Found")                                                                                                \
    X(405, "Method Not Allowed")                                                                                       \
    X(406, "Not Acceptable")                                                                                           \
    X(408, "Request Timeout")                                                                                          \
    X(409, "Conflict")                                                                                                 \
    X(410, "Gone")                                                                                                     \
    X(411, "Length Required")                                                                                          \
    X(412, "Precondition Failed")                                                                                      \
    X(413, "Content Too Large")                                                                                        \
    X(414, "URI Too Long")                                                                                             \
    X(415, "Unsupported Media Type")                                                                                   \
    X(417, "Expectation Failed")                                                                                       \
    X(421, "Misdirected Request")                                                                                      \
    X(422, "Unprocessable Content")                                                                                    \
    X(426, "Upgrade Required")                                                                                         \
    X(428, "Precondition Required")                                                                                    \
    X(429, "Too Many Requests")                                                                                        \
    X(431, "Request Header Fields Too Large")                                                                          \
    X(500, "Internal Server Error")                                                                                    \
    X(501, "Not Implemented")                                                                                          \
    X(502, "Bad Gateway")                                                                                              \
    X(503, "Service Unavailable")                                                                                      \
    X(504, "Gateway Timeout")                                                                                          \
    X(505, "HTTP Version Not Supported")

struct slice http_status_reason(int status)
{
    switch (status) {
#define REASON_CASE(number, text)                                                                                      \
    case number: return SLICE(text);
        REASON_LIST(REASON_CASE)
#undef REASON_CASE
    default: return (struct slice){ NULL, 0 };
    }
}

/* More than all the fixed text of a head together. */
#define FIXED_BYTES_MAX 256
#define U64_DIGITS_MAX  20

/* A writer into memory that was measured before: no check per piece. */
static char *put(char *at, struct slice s)
{
    if (s.len > 0) memcpy(at, s.ptr, s.len);
    return at + s.len;
}

static char *put_header(char *at, struct slice name, struct slice value)
{
    at = put(at, name);
    at = put(at, SLICE(": "));
    at = put(at, value);
    return put(at, SLICE("\r\n"));
}

static char *put_u64(char *at, uint64_t value)
{
    char digits[U64_DIGITS_MAX];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return put(at, slice_of(digits + start, sizeof digits - start));
}

static char *put_status_line(char *at, int status)
{
    at = put(at, SLICE("HTTP/1.1 "));
    at = put_u64(at, (uint64_t)status);
    at = put(at, SLICE(" "));
    at = put(at, http_status_reason(status));
    return put(at, SLICE("\r\n"));
}

static struct slice connection_header(const struct http_response *r)
{
    if (r->status == 101) return SLICE("Connection: Upgrade\r\n");
    if (!r->keep_alive) return SLICE("Connection: close\r\n");
    return r->minor_version == 0 ? SLICE("Connection: keep-alive\r\n") : SLICE("");
}

static bool has_length(int status)
{
    return status != 101 && status != 204 && status != 304;
}

static bool headers_valid(const struct http_response *r)
{
    if (!http_value_valid(r->date) || !http_value_valid(r->content_type)) return false;
    for (size_t i = 0; i < r->header_count; i++) {
        const struct http_header *header = &r->headers[i];
        if (header->name.len == 0 || http_token_len(header->name) != header->name.len) return false;
        if (!http_value_valid(header->value)) return false;
    }
    return true;
}

static size_t bytes_at_most(const struct http_response *r)
{
    size_t bytes = FIXED_BYTES_MAX + r->date.len + r->content_type.len + r->body.len;
    for (size_t i = 0; i < r->header_count; i++) bytes += r->headers[i].name.len + r->headers[i].value.len + 4;
    return bytes;
}

static char *put_head(char *at, const struct http_response *r)
{
    at = put_status_line(at, r->status);
    if (r->date.len > 0) at = put_header(at, SLICE("Date"), r->date);
    if (r->content_type.len > 0) at = put_header(at, SLICE("Content-Type"), r->content_type);
    if (has_length(r->status)) {
        at = put(at, SLICE("Content-Length: "));
        at = put_u64(at, r->body.len);
        at = put(at, SLICE("\r\n"));
    }
    at = put(at, connection_header(r));
    for (size_t i = 0; i < r->header_count; i++) at = put_header(at, r->headers[i].name, r->headers[i].value);
    return put(at, SLICE("\r\n"));
}

enum status http_response_write(struct buf *out, const struct http_response *r)
{
    CHECK(r->status == 101 || (r->status >= 200 && r->status <= 599));
    if (!headers_valid(r)) return STATUS_MALFORMED;
    char *start = buf_reserve(out, bytes_at_most(r));
    if (!start) return out->failed;
    char *end = put_head(start, r);
    if (has_length(r->status) && !r->head_only) end = put(end, r->body);
    out->len += (size_t)(end - start);
    return STATUS_OK;
}
