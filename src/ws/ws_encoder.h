/* ws_encoder makes the frames that a server sends: final, unmasked, uncompressed.
 *
 * Use: a publication's bytes become a blob once, ws_text_message(body), and go to
 *      every subscriber; several pending ones go out as one frame, whose header
 *      ws_frame_header() writes on the stack.
 * Source: RFC 6455 sections 5.2 and 5.5. Pure but for the allocation of blobs;
 * any thread. Blobs come with one reference, which the caller owns; NULL when
 * memory is out. */
#ifndef XSHATHRA_WS_ENCODER_H
#define XSHATHRA_WS_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/slice.h"
#include "base/status.h"
#include "ws/ws_close.h"
#include "ws/ws_frame.h"

/* Between the messages that share one text frame (never after the last). */
#define WS_TEXT_SEPARATOR '\n'

/* Writes the header of a final frame; returns its length, 2, 4 or 10. */
size_t ws_frame_header(uint8_t opcode, uint64_t payload_len, uint8_t out[static WS_SERVER_HEADER_LEN_MAX]);

/* BLOB_MESSAGE with header and separator in place and the body still to be
 * written by the caller, before a second reference exists. opcode is
 * WS_OPCODE_TEXT (separator WS_TEXT_SEPARATOR) or WS_OPCODE_BINARY (no separator:
 * binary messages carry their own lengths) and is kept in blob.flags. NULL also
 * for a body_len over WS_BODY_LEN_MAX. */
MUST_CHECK struct blob *ws_message_new(enum ws_opcode opcode, size_t body_len);
#define WS_BODY_LEN_MAX (UINT32_MAX - 64)

/* The same with the body copied. */
MUST_CHECK struct blob *ws_text_message(struct slice body);
MUST_CHECK struct blob *ws_binary_message(struct slice body);

/* BLOB_RAW close frame. WS_CLOSE_NO_STATUS gives one without code and reason. A
 * code that ws_close_code_on_wire() does not allow goes as WS_CLOSE_INTERNAL_ERROR:
 * codes also come from the server API, and a bad one must neither stop the process
 * nor make the peer fail the connection. The reason is cut to 123 bytes at the
 * border of a character; one that is not UTF-8 is left out for the same cause. */
MUST_CHECK struct blob *ws_close_frame(uint16_t code, struct slice reason);

/* BLOB_RAW control frames with at most 125 bytes of payload. */
MUST_CHECK struct blob *ws_ping_frame(struct slice payload);
MUST_CHECK struct blob *ws_pong_frame(struct slice payload);

#endif
