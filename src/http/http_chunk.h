/* http_chunk reads the line before the data of a chunk. Private to http_parser.
 * Source: RFC 9112 section 7.1. Pure. */
#ifndef XSHATHRA_HTTP_HTTP_CHUNK_H
#define XSHATHRA_HTTP_HTTP_CHUNK_H

#include "base/slice.h"
#include "base/status.h"
#include "http/http_error.h"

/* line is without its CRLF. On HTTP_ERROR_NONE *size is the chunk's, 0 for the last one,
 * and *extension_bytes is what of the line was not size. */
MUST_CHECK enum http_error http_chunk_read_line(struct slice line, uint64_t *size, size_t *extension_bytes);

#endif
