#include "ws/ws_encoder.h"

#include "base/check.h"
#include "base/utf8.h"

size_t ws_frame_header(uint8_t opcode, uint64_t payload_len, uint8_t out[static WS_SERVER_HEADER_LEN_MAX])
{
    size_t extra = 0;
    out[0] = (uint8_t)(WS_FIN_BIT | opcode);
    if (payload_len < WS_LENGTH_16) {
        out[1] = (uint8_t)payload_len;
    } else if (payload_len <= UINT16_MAX) {
        out[1] = WS_LENGTH_16;
        extra = 2;
    } else {
        out[1] = WS_LENGTH_64;
        extra = 8;
    }
    for (size_t i = 0; i < extra; i++) out[2 + i] = (uint8_t)(payload_len >> 8 * (extra - 1 - i));
    return 2 + extra;
}

static void copy_bytes(char *to, struct slice from)
{
    if (from.len) memcpy(to, from.ptr, from.len);
}

struct blob *ws_message_new(enum ws_opcode opcode, size_t body_len)
{
    CHECK(opcode == WS_OPCODE_TEXT || opcode == WS_OPCODE_BINARY);
    if (body_len > WS_BODY_LEN_MAX) return NULL;

    uint8_t header[WS_SERVER_HEADER_LEN_MAX];
    const size_t header_len = ws_frame_header((uint8_t)opcode, body_len, header);
    const size_t separator_len = opcode == WS_OPCODE_TEXT ? 1 : 0;
    struct blob *b = blob_new(BLOB_MESSAGE, header_len, body_len, separator_len);
    if (!b) return NULL;
    b->flags = (uint8_t)opcode;
    memcpy(blob_header(b), header, header_len);
    if (separator_len) blob_body(b)[body_len] = WS_TEXT_SEPARATOR;
    return b;
}

static struct blob *message_of(enum ws_opcode opcode, struct slice body)
{
    struct blob *b = ws_message_new(opcode, body.len);
    if (b) copy_bytes(blob_body(b), body);
    return b;
}

struct blob *ws_text_message(struct slice body)
{
    return message_of(WS_OPCODE_TEXT, body);
}

struct blob *ws_binary_message(struct slice body)
{
    return message_of(WS_OPCODE_BINARY, body);
}

static struct blob *control_frame(enum ws_opcode opcode, struct slice payload)
{
    CHECK(payload.len <= WS_CONTROL_PAYLOAD_MAX);
    uint8_t frame[WS_SERVER_HEADER_LEN_MAX + WS_CONTROL_PAYLOAD_MAX];
    const size_t header_len = ws_frame_header((uint8_t)opcode, payload.len, frame);
    copy_bytes((char *)frame + header_len, payload);
    return blob_new_raw(slice_of(frame, header_len + payload.len));
}

struct blob *ws_ping_frame(struct slice payload)
{
    return control_frame(WS_OPCODE_PING, payload);
}

struct blob *ws_pong_frame(struct slice payload)
{
    return control_frame(WS_OPCODE_PONG, payload);
}

/* The longest start of valid UTF-8 text that fits in len_max bytes and ends with a whole character. */
static struct slice cut_text(struct slice text, size_t len_max)
{
    if (text.len <= len_max) return text;
    while (len_max > 0 && ((uint8_t)text.ptr[len_max] & 0xc0) == 0x80) len_max--;
    return slice_head(text, len_max);
}

struct blob *ws_close_frame(uint16_t code, struct slice reason)
{
    if (code == WS_CLOSE_NO_STATUS) return control_frame(WS_OPCODE_CLOSE, (struct slice){ 0 });
    if (!ws_close_code_on_wire(code)) code = WS_CLOSE_INTERNAL_ERROR;
    if (!utf8_valid(reason)) reason = (struct slice){ 0 };
    reason = cut_text(reason, WS_CLOSE_REASON_LEN_MAX);
    char payload[WS_CONTROL_PAYLOAD_MAX];
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    copy_bytes(payload + WS_CLOSE_CODE_LEN, reason);
    return control_frame(WS_OPCODE_CLOSE, slice_of(payload, WS_CLOSE_CODE_LEN + reason.len));
}
