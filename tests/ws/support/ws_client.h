/* ws_client makes the frames of a client and writes down what a decoder makes of them.
 *
 * Use: ws_client_frame(&wire, 0x81, SLICE("Hello"));
 *      ws_client_transcript(buf_slice(&wire), limit, wire.len, 1, &log);
 * For the tests of src/ws. */
#ifndef XSHATHRA_TESTS_WS_SUPPORT_WS_CLIENT_H
#define XSHATHRA_TESTS_WS_SUPPORT_WS_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* First bytes of frames; *_START lacks FIN. */
enum {
    TEXT = 0x81,
    TEXT_START = 0x01,
    BINARY = 0x82,
    BINARY_START = 0x02,
    MIDDLE = 0x00,
    LAST = 0x80,
    CLOSE = 0x88,
    PING = 0x89,
    PONG = 0x8a,
};

/* Appends a masked frame with the shortest length. */
void ws_client_frame(struct buf *wire, uint8_t first_byte, struct slice payload);

/* Only the header, for a payload that is never sent; length_len is 0, 2 or 8. */
void ws_client_header(struct buf *wire, uint8_t first_byte, uint64_t payload_len, size_t length_len);

/* Feeds wire in arrivals of first bytes and then step bytes each, every time from
 * a fresh allocation of exactly the unread bytes, and appends a line per event:
 * "message text:Hello", "fragment text first:Hel", "fragment text last:lo",
 * "ping:a", "pong:a", "close 1000:reason", "broken 1002:why". */
void ws_client_transcript(struct slice wire, size_t message_len_max, size_t first, size_t step, struct buf *log);

/* Fails the test unless wire gives expected, fed whole, byte by byte and cut in two at every byte. */
void ws_client_expect(const struct buf *wire, size_t message_len_max, struct slice expected);

#endif
