/* ws_deflate compresses and decompresses whole messages for permessage-deflate,
 * each by itself (no context take-over). Over zlib.
 *
 * Use: frame = ws_deflater_frame(deflater, WS_OPCODE_TEXT, body); NULL: send it plain.
 *      status = ws_inflater_message(inflater, payload, limit, &message);
 *      … then ws_inflater_release(inflater).
 * Source: RFC 7692 sections 6 and 7.2, RFC 1951. What is inflated is hostile.
 *
 * One of each serves all connections of a worker: nothing of a message stays in
 * them. Owned by one thread. They hold about 260 and 40 KiB. */
#ifndef XSHATHRA_WS_WS_DEFLATE_H
#define XSHATHRA_WS_WS_DEFLATE_H

#include "base/blob.h"
#include "base/slice.h"
#include "base/status.h"
#include "ws/ws_frame.h"

struct ws_deflater;
struct ws_inflater;

/* Shorter messages cannot gain: they are not tried. */
#define WS_DEFLATE_BODY_LEN_MIN 16

/* The smallest window that zlib can compress with; 15 is the largest. */
#define WS_DEFLATER_WINDOW_BITS_MIN 9

/* level 1 (fast) to 9 (small), 0 (nothing gains), -1 (zlib's default), -2 (Huffman
 * codes only); window_bits from WS_DEFLATER_WINDOW_BITS_MIN to 15. NULL when memory is out. */
MUST_CHECK struct ws_deflater *ws_deflater_new(int level, int window_bits);
void ws_deflater_free(struct ws_deflater *d); /* accepts NULL */
int ws_deflater_level(const struct ws_deflater *d);

/* A BLOB_RAW that is one complete frame with RSV1 set, with one reference. It refers
 * back by no more than the window, and by less than body.len bytes.
 * NULL when the frame would not be shorter than the plain one, or memory is out:
 * then the message goes plain, which is allowed for every message. */
MUST_CHECK struct blob *ws_deflater_frame(struct ws_deflater *d, enum ws_opcode opcode, struct slice body);

/* NULL when memory is out. */
MUST_CHECK struct ws_inflater *ws_inflater_new(void);
void ws_inflater_free(struct ws_inflater *i); /* accepts NULL */

/* payload is that of all frames of one message, as received. STATUS_OK: *message
 * borrows the inflater until the next call of either function. STATUS_TOO_LARGE: it
 * is longer than len_max; no more than that was written. STATUS_MALFORMED: it is no
 * compressed message, or its end is missing. STATUS_NO_MEMORY. */
MUST_CHECK enum status ws_inflater_message(struct ws_inflater *i, struct slice payload, size_t len_max,
                                           struct slice *message);
/* The message is no longer needed: memory of a long one is given back. */
void ws_inflater_release(struct ws_inflater *i);

#endif
