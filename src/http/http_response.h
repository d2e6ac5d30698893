/* http_response writes answers into a buffer.
 *
 * Use: struct http_response r = { .status = 200, .date = date, .body = json,
 *          .content_type = SLICE("application/json"), .minor_version = req->minor_version,
 *          .keep_alive = req->keep_alive, .head_only = req->method == HTTP_METHOD_HEAD };
 *      http_response_write(&out, &r) == STATUS_OK
 * Source: RFC 9112 sections 4 and 6, RFC 9110 section 6.6.1. Everything is borrowed for
 * the call only. Any thread, one at a time per buffer. */
#ifndef XSHATHRA_HTTP_HTTP_RESPONSE_H
#define XSHATHRA_HTTP_HTTP_RESPONSE_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"
#include "http/http_request.h"

struct http_response {
    int status;                        /* 101, or 200 to 599 */
    struct slice date;                 /* from http_date_format(); empty: no Date */
    struct slice content_type;         /* empty: no Content-Type */
    const struct http_header *headers; /* further ones, header_count of them */
    size_t header_count;
    struct slice body;     /* its length becomes Content-Length, also of a HEAD */
    uint8_t minor_version; /* of the request; the answer always says HTTP/1.1 */
    bool keep_alive;       /* false: Connection: close */
    bool head_only;        /* the request was HEAD: no body is sent */
};

/* Append the whole answer to out: status line, Date, Content-Type, Content-Length,
 * Connection, the further headers, the body. 101 says Connection: Upgrade; 101, 204 and
 * 304 have no Content-Length and no body. Connection: keep-alive is said to an HTTP/1.0
 * client only: for 1.1 it is implied.
 * STATUS_OK; STATUS_MALFORMED: a header's name is not a token, or a value holds CR, LF or
 * another control byte (it would start a header of somebody else's choice);
 * STATUS_NO_MEMORY or STATUS_TOO_LARGE: what out says. On failure out->len is as before. */
MUST_CHECK enum status http_response_write(struct buf *out, const struct http_response *r);

/* "Not Found"; for a status without a phrase of its own, the empty slice. */
struct slice http_status_reason(int status);

#endif
