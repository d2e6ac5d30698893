/* http_request is the head of one request, as slices of the bytes it came in.
 *
 * Use: struct slice key = http_request_header(req, SLICE("x-api-key"));
 *      if (key.ptr == NULL) -> no such header;
 *      if (http_request_is_websocket(req)) ...
 * Source: RFC 9110 sections 5 to 10, RFC 9112 section 3.
 * Made by http_parser. Everything borrows the caller's buffer and the http_event it
 * was parsed into; http_request_copy makes one that stands alone. */
#ifndef XSHATHRA_HTTP_HTTP_REQUEST_H
#define XSHATHRA_HTTP_HTTP_REQUEST_H

#include "base/slice.h"
#include "base/status.h"

/* More header lines than any client sends; bounds the memory and the look-ups. */
#define HTTP_HEADERS_MAX 100

#define HTTP_METHOD_LIST(X) X(GET) X(HEAD) X(POST) X(PUT) X(DELETE) X(OPTIONS) X(PATCH) X(TRACE) X(CONNECT)

enum http_method {
#define HTTP_METHOD_ENUM(name) HTTP_METHOD_##name,
    HTTP_METHOD_LIST(HTTP_METHOD_ENUM)
#undef HTTP_METHOD_ENUM
        HTTP_METHOD_OTHER, /* a token that is none of these: see method_name */
};

struct http_header {
    struct slice name;  /* as sent: compare without case */
    struct slice value; /* without white space at both ends */
};

struct http_request {
    struct slice head;                 /* all of it: from the method to the empty line, included */
    struct slice method_name;          /* as sent; methods are case-sensitive */
    struct slice target;               /* as sent */
    struct slice path;                 /* of the target, not decoded: starts with '/', or "*" */
    struct slice query;                /* of the target, not decoded, without '?'; ptr NULL when none */
    struct slice host;                 /* authority of an absolute target, else the Host header; may be empty */
    const struct http_header *headers; /* header_count of them, in the order sent */
    uint64_t content_length;           /* as sent, 0 when not given */
    enum http_method method;
    uint16_t header_count;
    uint8_t minor_version; /* 1 or 0, of HTTP/1.x */
    bool has_host;
    bool has_content_length;
    bool chunked;               /* the body comes in chunks: its length is not known before its end */
    bool keep_alive;            /* the client wants the connection to stay open after the answer */
    bool expects_continue;      /* it waits for 100 Continue before it sends the body */
    bool connection_close;      /* Connection has the member close */
    bool connection_upgrade;    /* Connection has the member upgrade */
    bool connection_keep_alive; /* Connection has the member keep-alive */
    bool upgrade_websocket;     /* Upgrade has the member websocket */
};

/* Value of the first header of this name, compared without case. ptr is NULL when
 * there is none; an empty value has another ptr. */
struct slice http_request_header(const struct http_request *req, struct slice name);

/* The same for each: start with *index = 0; false when there is no further one. */
bool http_request_header_next(const struct http_request *req, struct slice name, size_t *index, struct slice *value);

/* Is token a member of the comma-separated list in value, compared without case?
 * For lists of plain tokens (Connection, Upgrade), not of quoted strings. */
bool http_header_has_token(struct slice value, struct slice token);

/* Take the next member of such a list off the front of *list, trimmed; empty members
 * are passed over. False at the end. */
bool http_header_next_token(struct slice *list, struct slice *token);

/* The same over all lines of that name. */
bool http_request_has_token(const struct http_request *req, struct slice name, struct slice token);

static inline bool http_request_has_body(const struct http_request *req)
{
    return req->chunked || req->content_length > 0;
}

/* A GET in HTTP/1.1 without a body that asks for WebSocket in Connection and Upgrade.
 * The Sec-WebSocket-* headers are not looked at. */
bool http_request_is_websocket(const struct http_request *req);

/* A copy in one block that owns its bytes and headers: for a request whose body is
 * still to come, or whose answer has to wait. NULL when memory is out. mem_free()d. */
MUST_CHECK struct http_request *http_request_copy(const struct http_request *req);

#endif
