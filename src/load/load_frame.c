#include "load/load_frame.h"

size_t load_frame_take(struct slice in, struct load_frame *out)
{
    const uint8_t *byte = (const uint8_t *)in.ptr;
    if (in.len < 2) return 0;
    if ((byte[0] & (WS_RSV2_BIT | WS_RSV3_BIT)) || (byte[1] & WS_MASK_BIT)) return LOAD_FRAME_BROKEN;
    size_t header_len = byte[1] < WS_LENGTH_16 ? 2 : byte[1] == WS_LENGTH_16 ? 4 : 10;
    if (in.len < header_len) return 0;
    uint64_t len = header_len == 2 ? byte[1] : 0;
    for (size_t i = 2; i < header_len; i++) len = len << 8 | byte[i];
    if (len > LOAD_FRAME_PAYLOAD_MAX) return LOAD_FRAME_BROKEN;
    if (in.len - header_len < len) return 0;
    *out = (struct load_frame){
        .payload = slice_of(in.ptr + header_len, (size_t)len),
        .opcode = byte[0] & WS_OPCODE_BITS,
        .is_last = (byte[0] & WS_FIN_BIT) != 0,
        .is_compressed = (byte[0] & WS_RSV1_BIT) != 0,
    };
    return header_len + (size_t)len;
}

void load_frame_begin(struct buf *out)
{
    buf_clear(out);
    if (buf_reserve(out, WS_CLIENT_HEADER_LEN_MAX) != NULL) out->len = WS_CLIENT_HEADER_LEN_MAX;
}

struct slice load_frame_end(struct buf *out, enum ws_opcode opcode)
{
    /* Any key does: what it hides from proxies matters in browsers only. */
    static const uint8_t mask[WS_MASK_LEN] = { 0x37, 0xfa, 0x21, 0x3d };
    if (!buf_ok(out)) return (struct slice){ 0 };
    size_t len = out->len - WS_CLIENT_HEADER_LEN_MAX;
    size_t length_bytes = len < WS_LENGTH_16 ? 0 : len <= UINT16_MAX ? 2 : 8;
    uint8_t *header = (uint8_t *)out->ptr + WS_CLIENT_HEADER_LEN_MAX - WS_MASK_LEN - length_bytes - 2;
    header[0] = (uint8_t)(WS_FIN_BIT | opcode);
    header[1] = (uint8_t)(WS_MASK_BIT | (length_bytes == 0 ? len : length_bytes == 2 ? WS_LENGTH_16 : WS_LENGTH_64));
    for (size_t i = 0; i < length_bytes; i++) header[2 + i] = (uint8_t)((uint64_t)len >> (8 * (length_bytes - 1 - i)));
    memcpy(header + 2 + length_bytes, mask, WS_MASK_LEN);
    ws_mask(out->ptr + WS_CLIENT_HEADER_LEN_MAX, len, mask);
    return slice_of(header, 2 + length_bytes + WS_MASK_LEN + len);
}
