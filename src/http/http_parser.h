/* http_parser turns the bytes of one connection into requests. No I/O, no clock, no
 * allocation: between requests a connection keeps this struct and nothing else, and at
 * an upgrade it can go too. Source: RFC 9112, read strictly: where a message could be
 * understood in two ways it is refused. The input is hostile.
 *
 * Use: after each read, call http_parser_next() on the connection's unread bytes until it
 *      returns HTTP_NEED_MORE; keep what it did not take, contiguous, and append to it.
 *      HTTP_BROKEN: answer with http_parser_error() after the answers still owed, close.
 * One parser per connection, called on that connection's thread.
 *
 * Events of a request: one HTTP_HEAD, any number of HTTP_BODY, one HTTP_DONE. How the
 * input is split changes the number of HTTP_BODY pieces, and nothing else. */
#ifndef XSHATHRA_HTTP_HTTP_PARSER_H
#define XSHATHRA_HTTP_HTTP_PARSER_H

#include "http/http_error.h"
#include "http/http_request.h"

/* Each bounds what one peer can make us hold or do. Bytes count without what ends a
 * request line, and with the CRLF of each header line. */
struct http_limits {
    uint32_t line_bytes_max;   /* request line: 414 */
    uint32_t header_bytes_max; /* all header lines, or all trailer lines: 431 */
    uint32_t header_count_max; /* at most HTTP_HEADERS_MAX: 431 */
    uint64_t body_bytes_max;   /* unless http_parser_limit_body() says otherwise: 413 */
};

#define HTTP_LINE_BYTES_MAX_DEFAULT   16384
#define HTTP_HEADER_BYTES_MAX_DEFAULT 32768
#define HTTP_BODY_BYTES_MAX_DEFAULT   65536

#define HTTP_LIMITS_DEFAULT                                                                                            \
    ((struct http_limits){ HTTP_LINE_BYTES_MAX_DEFAULT, HTTP_HEADER_BYTES_MAX_DEFAULT, HTTP_HEADERS_MAX,               \
                           HTTP_BODY_BYTES_MAX_DEFAULT })

/* No limit of a line or of headers may be higher: positions in a head have 32 bits. */
#define HTTP_HEAD_BYTES_CEILING (1u << 30)

/* The line before a chunk's data, and all chunk extensions of a body together: they are
 * thrown away, and would otherwise be work that no body limit bounds. */
#define HTTP_CHUNK_LINE_BYTES_MAX      256
#define HTTP_CHUNK_EXTENSION_BYTES_MAX 4096

/* What to send when a request expects_continue and its body is wanted. */
#define HTTP_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

enum http_result {
    HTTP_NEED_MORE, /* read more; *in may still hold a part that has to be kept */
    HTTP_HEAD,      /* event.request is filled */
    HTTP_BODY,      /* event.body is the next piece of the body, never empty */
    HTTP_DONE,      /* the request is whole */
    HTTP_BROKEN,    /* terminal: see http_parser_error() */
};

/* Large (3 KB): one per thread is enough. Not to be copied: request points into it. */
struct http_event {
    struct http_request request;
    struct slice body;
    struct http_header header_space_[HTTP_HEADERS_MAX];
};

struct http_parser {
    const struct http_limits *limits_; /* borrows, while the parser lives */
    uint64_t remaining_;               /* of the Content-Length body, or of the chunk */
    uint64_t body_bytes_left_;         /* what the limit still allows of the body */
    uint32_t line_start_;              /* in a head: where its first unfinished line begins */
    uint32_t scanned_;                 /* bytes of that line known to hold no LF */
    uint32_t header_bytes_;            /* of finished header lines */
    uint16_t header_count_;
    uint16_t extension_bytes_;
    uint8_t state_;
    uint8_t error_;
    bool keep_alive_ : 1;
    bool chunked_ : 1;
    bool resumed_ : 1;    /* the head came in pieces: its first lines are to be read again */
    bool empty_line_ : 1; /* one was passed over before this request */
};

/* Limits over HTTP_HEADERS_MAX or HTTP_HEAD_BYTES_CEILING are a bug of ours. */
void http_parser_init(struct http_parser *p, const struct http_limits *limits);

/* Take the next event from the front of *in and advance *in past it.
 * After HTTP_NEED_MORE the next call must begin with the same unread bytes, anywhere.
 * out->request stays filled up to HTTP_DONE, and its slices are good while the caller
 * keeps the bytes of the head in place; out->body borrows *in likewise.
 * HTTP_BROKEN for a body over its limit comes after HTTP_HEAD, before a byte of it is
 * awaited: so call once more before sending 100 Continue.
 * When no further request may come (see http_parser_is_finished) it takes all bytes
 * unread and answers HTTP_NEED_MORE. */
MUST_CHECK enum http_result http_parser_next(struct http_parser *p, struct slice *in, struct http_event *out);

/* Directly after HTTP_HEAD: this body may have so many bytes. */
void http_parser_limit_body(struct http_parser *p, uint64_t body_bytes_max);

/* The answer under way is the last one: what follows its request is dropped. The parser
 * does so by itself after a request that is not keep_alive. */
void http_parser_finish(struct http_parser *p);

/* True when what follows is dropped. */
bool http_parser_is_finished(const struct http_parser *p);

/* True between HTTP_HEAD and HTTP_DONE: the deadline for bodies holds. Otherwise the
 * one for heads when bytes are left unread, and the one for idle connections if not. */
bool http_parser_in_body(const struct http_parser *p);

/* After HTTP_BROKEN: status, code and sentence for the peer. Never NULL. */
const struct http_refusal *http_parser_error(const struct http_parser *p);

#endif
