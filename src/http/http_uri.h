/* http_uri: the parts of a request target, and the parameters of its query.
 *
 * Use: struct http_target t; if (!http_target_split(target, &t)) -> refuse;
 *      http_query_get(t.query, SLICE("key"), &scratch) == HTTP_QUERY_FOUND
 *      and buf_slice(&scratch) is the decoded value.
 * Source: RFC 9112 section 3.2, RFC 3986, and the "+ is a space" of HTML forms.
 * Pure; slices borrow the target's bytes; any thread. */
#ifndef XSHATHRA_HTTP_HTTP_URI_H
#define XSHATHRA_HTTP_HTTP_URI_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

enum http_target_form {
    HTTP_TARGET_ORIGIN,   /* /path?query */
    HTTP_TARGET_ABSOLUTE, /* http://authority/path?query */
    HTTP_TARGET_ASTERISK, /* *, which only OPTIONS may use */
};

struct http_target {
    enum http_target_form form;
    struct slice authority; /* of the absolute form, else empty */
    struct slice path;      /* as sent, not decoded; starts with '/', or is "*" */
    struct slice query;     /* without the '?'; ptr is NULL when there is none */
};

/* The bytes are known to be of HTTP_CHAR_TARGET. False: not one of the three forms,
 * or an authority that is empty or not valid; *out is then untouched.
 * An absolute form without a path has the path "/", in static memory. */
MUST_CHECK bool http_target_split(struct slice target, struct http_target *out);

/* A host name or address with an optional port, and nothing else (no user).
 * The empty authority is valid: a Host header may be empty. */
bool http_authority_valid(struct slice authority);

enum http_plus {
    HTTP_PLUS_IS_PLUS,  /* paths */
    HTTP_PLUS_IS_SPACE, /* queries and forms */
};

/* Append the decoded text to out; it may hold any byte, NUL too.
 * STATUS_OK; STATUS_MALFORMED: a '%' without two hexadecimal digits, out->len is as
 * before; STATUS_NO_MEMORY or STATUS_TOO_LARGE: what out says. */
MUST_CHECK enum status http_percent_decode(struct slice text, enum http_plus plus, struct buf *out);

enum http_query_result {
    HTTP_QUERY_FOUND,     /* *value holds the decoded value, perhaps empty */
    HTTP_QUERY_ABSENT,    /* no parameter of this name */
    HTTP_QUERY_MALFORMED, /* its value has a broken escape */
    HTTP_QUERY_TOO_LARGE, /* value's limit was passed, or memory was out */
};

/* The first parameter whose decoded name is name. value is cleared first; a scratch
 * buffer kept by the caller makes look-ups free of allocation. */
MUST_CHECK enum http_query_result http_query_get(struct slice query, struct slice name, struct buf *value);

#endif
