/* http_chars: which bytes may stand where in a message head.
 *
 * Use: size_t len = http_token_len(line); if (!http_value_valid(value)) ...
 * Source: RFC 9110 sections 5.5 and 5.6.2, RFC 3986 section 3.2. Pure, any thread. */
#ifndef XSHATHRA_HTTP_HTTP_CHARS_H
#define XSHATHRA_HTTP_HTTP_CHARS_H

#include "base/slice.h"

#define HTTP_CHAR_TOKEN  0x01u /* tchar: methods, header names, list members */
#define HTTP_CHAR_TARGET 0x02u /* visible ASCII without '#' */
#define HTTP_CHAR_HOST   0x04u /* a registered name, without ':', ',', '[' and ']' */
#define HTTP_CHAR_QUOTED 0x08u /* qdtext of a quoted-string */

extern const uint8_t HTTP_CHARS[256];

static inline bool http_char_is(char c, unsigned classes)
{
    return (HTTP_CHARS[(uint8_t)c] & classes) != 0;
}

/* How many bytes at the front are of the class. */
static inline size_t http_span(struct slice s, unsigned classes)
{
    size_t len = 0;
    while (len < s.len && http_char_is(s.ptr[len], classes)) len++;
    return len;
}

static inline size_t http_token_len(struct slice s)
{
    return http_span(s, HTTP_CHAR_TOKEN);
}

/* 0 to 15, or -1. */
static inline int http_hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* True when no byte is a control byte other than HTAB: what a header value may hold. */
bool http_value_valid(struct slice value);

#endif
