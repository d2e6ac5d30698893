/* http_transcript feeds bytes to a parser in pieces and writes down what comes out, so
 * that two ways of feeding can be compared as text. Each piece is given in a block of
 * exactly its size, which is freed after it: a read past the end, or of an earlier
 * buffer, is seen by the address sanitizer. Pieces of a body are joined. */
#ifndef XSHATHRA_TESTS_HTTP_SUPPORT_HTTP_TRANSCRIPT_H
#define XSHATHRA_TESTS_HTTP_SUPPORT_HTTP_TRANSCRIPT_H

#include "base/buf.h"
#include "http/http_parser.h"

struct http_transcript {
    struct http_parser parser;
    struct http_event event;
    struct buf unread;
    struct buf text;
    bool body_open;
    bool broken;
};

void http_transcript_init(struct http_transcript *t, const struct http_limits *limits);
void http_transcript_deinit(struct http_transcript *t);
void http_transcript_feed(struct http_transcript *t, struct slice piece);
/* Writes what is left unread; the text is NUL-terminated and lives as long as t. */
const char *http_transcript_end(struct http_transcript *t);

/* Check that every cut into two pieces, and feeding byte by byte, gives the text that
 * the whole gives; and that this is expected, unless it is NULL. */
void http_transcript_check(const struct http_limits *limits, struct slice input, const char *expected);

#endif
