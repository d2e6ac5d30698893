/* hex_text: bytes as tests write them down, two digits each. */
#ifndef XSHATHRA_TESTS_PROTOCOL_SUPPORT_HEX_TEXT_H
#define XSHATHRA_TESTS_PROTOCOL_SUPPORT_HEX_TEXT_H

#include <stdlib.h>

#include "base/buf.h"

static inline void hex_append(struct buf *text, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) buf_printf(text, "%02x", (unsigned)(uint8_t)bytes.ptr[i]);
}

static inline unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

/* The bytes of a text of lower-case digits, blanks between them ignored; of exactly
 * their length, so that a sanitizer sees a read behind the end. Freed with free(). */
static inline struct slice hex_bytes(const char *text)
{
    size_t len = 0;
    char *bytes = malloc(strlen(text) / 2 + 1);
    for (; bytes && *text; text += 2) {
        while (*text == ' ') text++;
        bytes[len++] = (char)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
    }
    char *exact = bytes ? realloc(bytes, len ? len : 1) : NULL;
    return slice_of(exact, len);
}

#endif
