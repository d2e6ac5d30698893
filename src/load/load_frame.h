/* load_frame: WebSocket frames seen from the client: those of a server are taken apart, those of a client are made.
 * No sockets, no allocation but in the buffer given. Source: RFC 6455 section 5. What comes in is not trusted.
 *
 * Use: while ((len = load_frame_take(in, &frame)) != 0 && len != LOAD_FRAME_BROKEN) { …; in = slice_from(in, len); }
 *      load_frame_begin(&out); buf_append(&out, text); bytes = load_frame_end(&out, WS_OPCODE_TEXT);
 * One thread at a time. */
#ifndef XSHATHRA_LOAD_LOAD_FRAME_H
#define XSHATHRA_LOAD_LOAD_FRAME_H

#include "base/buf.h"
#include "ws/ws_frame.h"

/* A longer frame would not fit what one read may bring. */
#define LOAD_FRAME_PAYLOAD_MAX (1024 * 1024 - WS_SERVER_HEADER_LEN_MAX)

struct load_frame {
    struct slice payload; /* borrows the input */
    uint8_t opcode;
    bool is_last, is_compressed;
};

#define LOAD_FRAME_BROKEN SIZE_MAX
/* Length of the whole frame at the front of in, and *out is filled; 0: incomplete; LOAD_FRAME_BROKEN: masked, with
 * a reserved bit, or longer than LOAD_FRAME_PAYLOAD_MAX. */
size_t load_frame_take(struct slice in, struct load_frame *out);

/* Empties out and keeps room for the header. */
void load_frame_begin(struct buf *out);
/* Masks what was appended since, and gives the whole frame; it borrows out. Empty when out has failed. */
struct slice load_frame_end(struct buf *out, enum ws_opcode opcode);

#endif
