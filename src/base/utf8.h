/* utf8: strict UTF-8 validation (RFC 3629: no surrogates, no overlong forms, at
 * most U+10FFFF), whole or in pieces. Pure. */
#ifndef XSHATHRA_BASE_UTF8_H
#define XSHATHRA_BASE_UTF8_H

#include "base/slice.h"

/* Zero it to begin. */
struct utf8 {
    uint8_t need, lower, upper; /* private: continuation bytes owed, bounds of the next */
};

/* Feed the next piece: false as soon as the whole so far cannot be valid. */
bool utf8_feed(struct utf8 *u, struct slice piece);
/* True when no sequence is left half done. */
static inline bool utf8_complete(const struct utf8 *u)
{
    return u->need == 0;
}
bool utf8_valid(struct slice s);
/* C0, DEL or C1 (U+0080 to U+009F) in valid text: they could rewrite a terminal that shows it. */
bool utf8_has_control(struct slice text);
/* Write code point cp (at most 0x10ffff, no surrogate) to out; returns 1 to 4. */
size_t utf8_encode(uint32_t cp, char out[static 4]);

#endif
