/* base64: RFC 4648 standard and URL alphabets, and hex. Strict: no blanks, no
 * foreign bytes, no non-zero trailing bits. Pure. */
#ifndef XSHATHRA_BASE_BASE64_H
#define XSHATHRA_BASE_BASE64_H

#include "base/slice.h"

#define BASE64_ENCODED_LEN(len) (((len) + 2) / 3 * 4)
#define BASE64_DECODED_MAX(len) ((len) / 4 * 3 + 3)

/* Standard alphabet with padding; writes BASE64_ENCODED_LEN(in.len) bytes. */
size_t base64_encode(struct slice in, char *out);
/* URL alphabet without padding; returns the bytes written. */
size_t base64url_encode(struct slice in, char *out);
/* out has BASE64_DECODED_MAX(in.len) bytes of room. Length, or -1 when malformed.
 * base64_decode wants padding; base64url_decode refuses it. */
ptrdiff_t base64_decode(struct slice in, uint8_t *out);
ptrdiff_t base64url_decode(struct slice in, uint8_t *out);
/* Lower case, 2 * len bytes. */
void hex_encode(const uint8_t *in, size_t len, char *out);

#endif
