/* ws_frame: what the decoder and the encoder both know of a frame's bytes.
 * Source: RFC 6455 section 5.2. Constants and one pure function; any thread.
 *
 *   byte 0          byte 1                 then
 *   FIN RSV1-3 op   MASK length(7 bits)    0, 2 or 8 bytes of length, 4 of mask, payload */
#ifndef XSHATHRA_WS_FRAME_H
#define XSHATHRA_WS_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum ws_opcode {
    WS_OPCODE_CONTINUATION = 0x0,
    WS_OPCODE_TEXT = 0x1,
    WS_OPCODE_BINARY = 0x2,
    WS_OPCODE_CLOSE = 0x8, /* control frames have the top bit of the four */
    WS_OPCODE_PING = 0x9,
    WS_OPCODE_PONG = 0xa,
};

enum {
    WS_FIN_BIT = 0x80,
    WS_RSV1_BIT = 0x40,
    WS_RSV2_BIT = 0x20,
    WS_RSV3_BIT = 0x10,
    WS_OPCODE_BITS = 0x0f,
    WS_CONTROL_BIT = 0x08,
    WS_MASK_BIT = 0x80,
    WS_LENGTH_BITS = 0x7f,
    WS_LENGTH_16 = 126, /* the length follows in 2 bytes */
    WS_LENGTH_64 = 127, /* the length follows in 8 bytes */
};

#define WS_CONTROL_PAYLOAD_MAX   125
#define WS_MASK_LEN              4
#define WS_SERVER_HEADER_LEN_MAX 10                                       /* never masked */
#define WS_CLIENT_HEADER_LEN_MAX (WS_SERVER_HEADER_LEN_MAX + WS_MASK_LEN) /* always masked */

/* Masks or unmasks in place (section 5.3): both are the same exclusive-or.
 * bytes may have any alignment; key belongs to its first byte. */
void ws_mask(char *bytes, size_t len, const uint8_t key[static WS_MASK_LEN]);

#endif
