#include "protocol/protocol_protobuf_wire.h"

bool wire_fail(struct wire_reader *r, const char *error)
{
    if (!r->error) r->error = error;
    return false;
}

bool wire_varint(struct wire_reader *r, uint64_t *out)
{
    uint64_t value = 0;
    if (r->error) return false;
    for (unsigned i = 0; i < WIRE_VARINT_LEN_MAX; i++) {
        if (r->at == r->end) return wire_fail(r, "the bytes end within a number");
        uint8_t byte = (uint8_t)*r->at++;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return wire_fail(r, "a number takes more than ten bytes");
}

bool wire_tag(struct wire_reader *r, uint32_t *number, enum wire_type *type)
{
    uint64_t tag;
    if (!wire_varint(r, &tag)) return false;
    *number = (uint32_t)(tag >> 3);
    *type = (enum wire_type)(tag & 7);
    if (*number == 0 || *number > INT32_MAX) return wire_fail(r, "a field number is out of range");
    switch (*type) {
    case WIRE_VARINT:
    case WIRE_FIXED64:
    case WIRE_BYTES:
    case WIRE_FIXED32: return true;
    }
    return wire_fail(r, "a field is a group, or of an unknown wire type");
}

static bool take(struct wire_reader *r, uint64_t len, struct slice *out)
{
    if (len > (size_t)(r->end - r->at)) return wire_fail(r, "a length goes past the end");
    *out = slice_of(r->at, (size_t)len);
    r->at += len;
    return true;
}

bool wire_bytes(struct wire_reader *r, struct slice *out)
{
    uint64_t len;
    return wire_varint(r, &len) && take(r, len, out);
}

bool wire_skip(struct wire_reader *r, enum wire_type type)
{
    uint64_t value;
    struct slice bytes;
    switch (type) {
    case WIRE_VARINT: return wire_varint(r, &value);
    case WIRE_FIXED64: return take(r, 8, &bytes);
    case WIRE_BYTES: return wire_bytes(r, &bytes);
    case WIRE_FIXED32: return take(r, 4, &bytes);
    }
    return wire_fail(r, "a field is of an unknown wire type");
}

static size_t write_varint(char *to, uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7) to[len++] = (char)(value | 0x80);
    to[len++] = (char)value;
    return len;
}

void wire_append_varint(struct buf *b, uint64_t value)
{
    char bytes[WIRE_VARINT_LEN_MAX];
    buf_append(b, slice_of(bytes, write_varint(bytes, value)));
}

void wire_append_tag(struct buf *b, uint32_t number, enum wire_type type)
{
    wire_append_varint(b, (uint64_t)number << 3 | type);
}

void wire_append_bytes(struct buf *b, struct slice s)
{
    wire_append_varint(b, s.len);
    buf_append(b, s);
}

size_t wire_begin_bytes(struct buf *b)
{
    buf_append_char(b, 0); /* the length, if it stays below 128 */
    return b->len;
}

void wire_end_bytes(struct buf *b, size_t start)
{
    char length[WIRE_VARINT_LEN_MAX];
    if (!buf_ok(b)) return;
    size_t body_len = b->len - start, length_len = write_varint(length, body_len);
    if (length_len > 1) {
        char zeros[WIRE_VARINT_LEN_MAX] = { 0 };
        buf_append(b, slice_of(zeros, length_len - 1));
        if (!buf_ok(b)) return;
        memmove(b->ptr + start + length_len - 1, b->ptr + start, body_len);
    }
    memcpy(b->ptr + start - 1, length, length_len);
}
