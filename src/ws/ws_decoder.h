/* ws_decoder turns the bytes of one client into messages, pieces of messages and
 * control frames. No sockets, no clock, no allocation. Source: RFC 6455 sections
 * 5 and 7. The input is hostile.
 *
 * Use: after each read, call ws_decoder_next() on the connection's unread bytes
 *      until it returns WS_NEED_MORE, WS_CLOSE or WS_BROKEN; keep what is left of
 *      them, in one contiguous piece, with room for ws_decoder_need() bytes.
 * One decoder per client; call it on that client's loop thread.
 *
 * A frame is yielded only when it is complete in the unread bytes: the caller
 * buffers one frame, and the message limit bounds it, because a frame that would
 * pass the limit is refused as soon as its header is there. Unmasking and UTF-8
 * validation happen once, when the frame is complete, so waiting for a large
 * frame costs a comparison per call.
 *
 * Who assembles: a message in one frame comes as WS_MESSAGE and is not copied at
 * all. A fragmented message comes as WS_FRAGMENTs, and the caller collects them
 * (ws_message.h does that); the decoder has no memory for them, but it keeps
 * their sum under the limit and their text valid across the borders. Until the
 * last piece has come the message must not be acted on: a later piece may still
 * break it. Control frames may come between the pieces. */
#ifndef XSHATHRA_WS_DECODER_H
#define XSHATHRA_WS_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/utf8.h"

/* One list makes the errors, their close codes and the sentences for the log. */
#define WS_ERROR_LIST(X)                                                                                               \
    X(NONE, 0, "no error")                                                                                             \
    X(RSV, WS_CLOSE_PROTOCOL_ERROR, "a reserved bit is set where no extension gives it a meaning")                     \
    X(OPCODE, WS_CLOSE_PROTOCOL_ERROR, "the opcode is not one of 0, 1, 2, 8, 9, 10")                                   \
    X(UNMASKED, WS_CLOSE_PROTOCOL_ERROR, "a client's frame is not masked")                                             \
    X(CONTROL_SPLIT, WS_CLOSE_PROTOCOL_ERROR, "a control frame is fragmented")                                         \
    X(CONTROL_LONG, WS_CLOSE_PROTOCOL_ERROR, "a control frame has over 125 bytes")                                     \
    X(NOTHING_TO_CONTINUE, WS_CLOSE_PROTOCOL_ERROR, "a continuation without a first frame")                            \
    X(NOT_CONTINUED, WS_CLOSE_PROTOCOL_ERROR, "a new message inside a fragmented one")                                 \
    X(LENGTH_FORM, WS_CLOSE_PROTOCOL_ERROR, "the length is not in its shortest form")                                  \
    X(LENGTH_SIGN, WS_CLOSE_PROTOCOL_ERROR, "the top bit of the length is set")                                        \
    X(TOO_BIG, WS_CLOSE_TOO_BIG, "the message is over the size limit")                                                 \
    X(TEXT, WS_CLOSE_INVALID_PAYLOAD, "a text message is not valid UTF-8")                                             \
    X(CLOSE_CODE, WS_CLOSE_PROTOCOL_ERROR, "a close frame has half a code or a bad one")                               \
    X(CLOSE_REASON, WS_CLOSE_INVALID_PAYLOAD, "a close frame's reason is not valid UTF-8")

enum ws_error {
#define WS_ERROR_ENUM(name, code, text) WS_ERROR_##name,
    WS_ERROR_LIST(WS_ERROR_ENUM)
#undef WS_ERROR_ENUM
};

enum ws_result {
    WS_NEED_MORE, /* nothing taken; call again with ws_decoder_need() bytes or more */
    WS_MESSAGE,   /* a whole message: payload, is_text */
    WS_FRAGMENT,  /* a piece of a message: payload, is_text, is_first, is_last */
    WS_PING,      /* payload, at most 125 bytes: owed a pong with the same */
    WS_PONG,      /* payload, at most 125 bytes */
    WS_CLOSE,     /* code (WS_CLOSE_NO_STATUS when there was none), payload is the reason;
                     answer ws_close_frame(code, no reason), nothing else comes after it */
    WS_BROKEN,    /* terminal: send ws_close_frame(code, no reason) and end; error says why */
};

struct ws_event {
    struct slice payload; /* borrows the unread bytes, unmasked in place, until the caller moves or drops them */
    uint16_t code;
    uint8_t error; /* enum ws_error */
    bool is_text;
    bool is_compressed; /* of the whole message; then its text has not been looked at */
    bool is_first;
    bool is_last;
};

/* The bytes read and not yet taken. The decoder writes to them: it unmasks in place. */
struct ws_unread {
    char *ptr;
    size_t len;
};

/* The limit is held in 32 bits together with a header: what a frame may need in all. */
#define WS_MESSAGE_LEN_MAX (UINT32_MAX - 64)

struct ws_decoder { /* all private */
    uint32_t message_len_max_;
    uint32_t collected_; /* payload bytes of the fragmented message so far */
    uint32_t need_;      /* fewer unread bytes than this say nothing new */
    struct utf8 utf8_;   /* of the fragmented text message so far */
    uint8_t state_;
    uint8_t error_;
    bool deflate_;    /* permessage-deflate was agreed */
    bool compressed_; /* the fragmented message is */
};

_Static_assert(sizeof(struct ws_decoder) <= 24, "every idle connection holds one");

/* message_len_max bounds a frame's payload and the sum of a message's fragments;
 * it is taken as it is (0 allows only empty messages) and cut to WS_MESSAGE_LEN_MAX. */
void ws_decoder_init(struct ws_decoder *d, size_t message_len_max);

/* permessage-deflate was agreed: RSV1 may be set on the first frame of a message. The
 * limit then holds for what comes over the wire; the caller inflates whole messages
 * with a limit of their own (ws_deflate.h) and looks at their text. */
void ws_decoder_allow_deflate(struct ws_decoder *d);

/* Takes one frame from the front of *in and advances *in past it; see enum
 * ws_result for what *out then holds (the other fields are zero). WS_BROKEN takes
 * nothing and comes again on every later call. After WS_CLOSE all bytes are
 * dropped unread (section 1.4) and the result is WS_NEED_MORE. */
enum ws_result ws_decoder_next(struct ws_decoder *d, struct ws_unread *in, struct ws_event *out);

/* After WS_NEED_MORE: how many unread bytes, those at hand included, the next
 * step takes: the whole frame once its header is known, so that the caller
 * reserves once; before that the header as far as known. Always more than there
 * were, never over the limit and WS_CLIENT_HEADER_LEN_MAX. */
static inline size_t ws_decoder_need(const struct ws_decoder *d)
{
    return d->need_;
}

/* True between the first and the last piece of a fragmented message. */
bool ws_decoder_in_message(const struct ws_decoder *d);

/* Static text for the log; never NULL. */
const char *ws_error_text(enum ws_error error);

#endif
