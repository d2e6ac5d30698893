#include "ws/ws_decoder.h"

#include "base/check.h"
#include "ws/ws_close.h"
#include "ws/ws_frame.h"

enum state {
    STATE_IDLE,      /* between messages */
    STATE_IN_TEXT,   /* the first frame of a text message has come, its last not yet */
    STATE_IN_BINARY, /* the same of a binary message */
    STATE_CLOSED,    /* a close frame has come: whatever follows is dropped */
    STATE_BROKEN,    /* error_ says why; nothing is read any more */
};

/* The two bytes that every frame begins with. */
#define START_LEN 2

struct header {
    bool is_final;
    uint8_t opcode;
    uint64_t payload_len;
    size_t len;
    bool is_compressed; /* RSV1 */
    uint8_t mask[WS_MASK_LEN];
};

void ws_decoder_init(struct ws_decoder *d, size_t message_len_max)
{
    *d = (struct ws_decoder){
        .message_len_max_ = (uint32_t)(message_len_max < WS_MESSAGE_LEN_MAX ? message_len_max : WS_MESSAGE_LEN_MAX),
        .need_ = START_LEN,
        .state_ = STATE_IDLE,
    };
}

void ws_decoder_allow_deflate(struct ws_decoder *d)
{
    d->deflate_ = true;
}

bool ws_decoder_in_message(const struct ws_decoder *d)
{
    return d->state_ == STATE_IN_TEXT || d->state_ == STATE_IN_BINARY;
}

const char *ws_error_text(enum ws_error error)
{
    static const char *const texts[] = {
#define WS_ERROR_TEXT(name, code, text) [WS_ERROR_##name] = (text),
        WS_ERROR_LIST(WS_ERROR_TEXT)
#undef WS_ERROR_TEXT
    };
    CHECK((size_t)error < ARRAY_COUNT(texts));
    return texts[error];
}

static uint16_t error_close_code(enum ws_error error)
{
    static const uint16_t codes[] = {
#define WS_ERROR_CODE(name, code, text) [WS_ERROR_##name] = (code),
        WS_ERROR_LIST(WS_ERROR_CODE)
#undef WS_ERROR_CODE
    };
    return codes[error];
}

static enum ws_result broken(struct ws_decoder *d, enum ws_error error, struct ws_event *out)
{
    d->state_ = STATE_BROKEN;
    d->error_ = (uint8_t)error;
    *out = (struct ws_event){ .code = error_close_code(error), .error = (uint8_t)error };
    return WS_BROKEN;
}

static enum ws_result need_more(struct ws_decoder *d, size_t need)
{
    d->need_ = (uint32_t)need;
    return WS_NEED_MORE;
}

/* The one place that decides about RSV bits. With permessage-deflate (RFC 7692
 * section 6) RSV1 is right on the first frame of a data message of a connection that
 * agreed to it, and still wrong on continuations and control frames. */
static bool rsv_bits_allowed(const struct ws_decoder *d, uint8_t first_byte)
{
    const uint8_t rsv = first_byte & (WS_RSV1_BIT | WS_RSV2_BIT | WS_RSV3_BIT);
    const uint8_t opcode = first_byte & WS_OPCODE_BITS;
    if (rsv == 0) return true;
    return rsv == WS_RSV1_BIT && d->deflate_ && (opcode == WS_OPCODE_TEXT || opcode == WS_OPCODE_BINARY);
}

static enum ws_error check_control_start(bool is_final, uint8_t length_bits)
{
    if (!is_final) return WS_ERROR_CONTROL_SPLIT;
    return length_bits > WS_CONTROL_PAYLOAD_MAX ? WS_ERROR_CONTROL_LONG : WS_ERROR_NONE;
}

/* Everything that the first two bytes can be wrong in: refused before more is buffered. */
static enum ws_error check_start(const struct ws_decoder *d, uint8_t first, uint8_t second)
{
    if (!rsv_bits_allowed(d, first)) return WS_ERROR_RSV;
    if (!(second & WS_MASK_BIT)) return WS_ERROR_UNMASKED;
    switch (first & WS_OPCODE_BITS) {
    case WS_OPCODE_TEXT:
    case WS_OPCODE_BINARY: return ws_decoder_in_message(d) ? WS_ERROR_NOT_CONTINUED : WS_ERROR_NONE;
    case WS_OPCODE_CONTINUATION: return ws_decoder_in_message(d) ? WS_ERROR_NONE : WS_ERROR_NOTHING_TO_CONTINUE;
    case WS_OPCODE_CLOSE:
    case WS_OPCODE_PING:
    case WS_OPCODE_PONG: return check_control_start(first & WS_FIN_BIT, second & WS_LENGTH_BITS);
    default: return WS_ERROR_OPCODE;
    }
}

static size_t length_len(uint8_t length_bits)
{
    return length_bits == WS_LENGTH_16 ? 2 : length_bits == WS_LENGTH_64 ? 8 : 0;
}

/* bytes hold the whole header; check_start() has passed. */
static enum ws_error read_header(const uint8_t *bytes, struct header *h)
{
    const uint8_t length_bits = bytes[1] & WS_LENGTH_BITS;
    const size_t extra = length_len(length_bits);

    h->is_final = bytes[0] & WS_FIN_BIT;
    h->opcode = bytes[0] & WS_OPCODE_BITS;
    h->is_compressed = bytes[0] & WS_RSV1_BIT;
    h->len = START_LEN + extra + WS_MASK_LEN;
    h->payload_len = extra ? 0 : length_bits;
    for (size_t i = 0; i < extra; i++) h->payload_len = h->payload_len << 8 | bytes[START_LEN + i];
    memcpy(h->mask, bytes + START_LEN + extra, WS_MASK_LEN);

    if (extra == 2 && h->payload_len < WS_LENGTH_16) return WS_ERROR_LENGTH_FORM;
    if (extra == 8 && h->payload_len <= UINT16_MAX) return WS_ERROR_LENGTH_FORM;
    if (h->payload_len >> 63) return WS_ERROR_LENGTH_SIGN;
    return WS_ERROR_NONE;
}

/* Control frames pass: they are bounded by themselves and no part of a message. */
static enum ws_error check_size(const struct ws_decoder *d, const struct header *h)
{
    if (h->opcode & WS_CONTROL_BIT) return WS_ERROR_NONE;
    return h->payload_len > d->message_len_max_ - d->collected_ ? WS_ERROR_TOO_BIG : WS_ERROR_NONE;
}

static enum ws_result on_close(struct ws_decoder *d, struct slice payload, struct ws_event *out)
{
    uint16_t code = 0;
    struct slice reason = { 0 };
    const uint16_t failure = ws_close_parse(payload, &code, &reason);
    if (failure == WS_CLOSE_INVALID_PAYLOAD) return broken(d, WS_ERROR_CLOSE_REASON, out);
    if (failure) return broken(d, WS_ERROR_CLOSE_CODE, out);
    d->state_ = STATE_CLOSED;
    *out = (struct ws_event){ .payload = reason, .code = code };
    return WS_CLOSE;
}

static enum ws_result on_message(struct ws_decoder *d, const struct header *h, struct slice payload,
                                 struct ws_event *out)
{
    const bool is_text = h->opcode == WS_OPCODE_TEXT;
    if (is_text && !h->is_compressed && !utf8_valid(payload)) return broken(d, WS_ERROR_TEXT, out);
    *out = (struct ws_event){
        .payload = payload, .is_text = is_text, .is_compressed = h->is_compressed, .is_first = true, .is_last = true
    };
    return WS_MESSAGE;
}

static enum ws_result on_fragment(struct ws_decoder *d, const struct header *h, struct slice payload,
                                  struct ws_event *out)
{
    const bool is_first = h->opcode != WS_OPCODE_CONTINUATION;
    if (is_first) {
        d->state_ = h->opcode == WS_OPCODE_TEXT ? STATE_IN_TEXT : STATE_IN_BINARY;
        d->compressed_ = h->is_compressed;
    }
    const bool is_text = d->state_ == STATE_IN_TEXT;
    const bool checks_text = is_text && !d->compressed_;
    if (checks_text && !utf8_feed(&d->utf8_, payload)) return broken(d, WS_ERROR_TEXT, out);
    if (checks_text && h->is_final && !utf8_complete(&d->utf8_)) return broken(d, WS_ERROR_TEXT, out);

    d->collected_ += (uint32_t)payload.len;
    if (h->is_final) {
        d->state_ = STATE_IDLE;
        d->collected_ = 0;
        d->utf8_ = (struct utf8){ 0 };
    }
    *out = (struct ws_event){ .payload = payload,
                              .is_text = is_text,
                              .is_compressed = d->compressed_,
                              .is_first = is_first,
                              .is_last = h->is_final };
    return WS_FRAGMENT;
}

static enum ws_result on_frame(struct ws_decoder *d, const struct header *h, struct slice payload, struct ws_event *out)
{
    switch (h->opcode) {
    case WS_OPCODE_PING: *out = (struct ws_event){ .payload = payload }; return WS_PING;
    case WS_OPCODE_PONG: *out = (struct ws_event){ .payload = payload }; return WS_PONG;
    case WS_OPCODE_CLOSE: return on_close(d, payload, out);
    case WS_OPCODE_CONTINUATION: return on_fragment(d, h, payload, out);
    default:
        if (!h->is_final) return on_fragment(d, h, payload, out);
        return on_message(d, h, payload, out);
    }
}

static enum ws_result next_frame(struct ws_decoder *d, struct ws_unread *in, struct ws_event *out)
{
    if (in->len < d->need_) return WS_NEED_MORE;

    const uint8_t *bytes = (const uint8_t *)in->ptr;
    enum ws_error error = check_start(d, bytes[0], bytes[1]);
    if (error) return broken(d, error, out);

    const size_t header_len = START_LEN + length_len(bytes[1] & WS_LENGTH_BITS) + WS_MASK_LEN;
    if (in->len < header_len) return need_more(d, header_len);

    struct header h;
    error = read_header(bytes, &h);
    if (!error) error = check_size(d, &h);
    if (error) return broken(d, error, out);

    const size_t frame_len = h.len + (size_t)h.payload_len;
    if (in->len < frame_len) return need_more(d, frame_len);

    char *payload = in->ptr + h.len;
    ws_mask(payload, (size_t)h.payload_len, h.mask);
    const enum ws_result result = on_frame(d, &h, slice_of(payload, (size_t)h.payload_len), out);
    if (result == WS_BROKEN) return result;
    d->need_ = START_LEN;
    in->ptr += frame_len;
    in->len -= frame_len;
    return result;
}

enum ws_result ws_decoder_next(struct ws_decoder *d, struct ws_unread *in, struct ws_event *out)
{
    switch ((enum state)d->state_) {
    case STATE_BROKEN: return broken(d, (enum ws_error)d->error_, out);
    case STATE_CLOSED:
        if (in->len) in->ptr += in->len;
        in->len = 0;
        return WS_NEED_MORE;
    default: return next_frame(d, in, out);
    }
}
