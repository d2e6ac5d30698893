/* http_head reads the lines of a message head, one at a time, and then judges the
 * head as a whole. Private to http_parser, which finds the lines.
 *
 * Use: http_head_request_line(line, req), http_head_header_line(line, &header) for
 *      each further one, then http_head_finish(req).
 * Source: RFC 9112 sections 3, 5, 6; RFC 9110 sections 5 to 10.
 * Lines come without their CRLF; slices borrow them. Each function answers
 * HTTP_ERROR_NONE or what is wrong, which depends on nothing but its arguments. */
#ifndef XSHATHRA_HTTP_HTTP_HEAD_H
#define XSHATHRA_HTTP_HTTP_HEAD_H

#include "http/http_error.h"
#include "http/http_request.h"

/* Fills method, method_name, target, path, query, minor_version; and host for an
 * absolute target, otherwise empty. */
MUST_CHECK enum http_error http_head_request_line(struct slice line, struct http_request *req);

MUST_CHECK enum http_error http_head_header_line(struct slice line, struct http_header *out);

/* Needs the request line's fields and the headers; fills the rest. */
MUST_CHECK enum http_error http_head_finish(struct http_request *req);

#endif
