/* protocol_protobuf_wire: the few forms that Protobuf fields take on the wire: varints,
 * and bytes with their length before them. Used in this folder, and by src/load, which speaks for clients. Source: the
 * Protocol Buffers encoding guide (protobuf.dev/programming-guides/encoding).
 *
 * Reading: the input is hostile. The first failure sticks: at stays where it was
 * noticed and every later call fails; lengths are believed only as far as there are
 * bytes. Writing: the buffer remembers a failure, check buf_ok() once. One thread at
 * a time. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_PROTOBUF_WIRE_H
#define XSHATHRA_PROTOCOL_PROTOCOL_PROTOBUF_WIRE_H

#include "base/buf.h"

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2, /* strings, bytes, messages, map entries */
    WIRE_FIXED32 = 5,
};

#define WIRE_VARINT_LEN_MAX 10

struct wire_reader {
    const char *at, *end;
    const char *error; /* NULL, or a static text */
};

static inline struct wire_reader wire_reader_of(struct slice bytes)
{
    return (struct wire_reader){ .at = bytes.ptr, .end = bytes.ptr ? bytes.ptr + bytes.len : NULL };
}

static inline struct slice wire_rest(const struct wire_reader *r)
{
    return slice_of(r->at, (size_t)(r->end - r->at));
}

/* Returns false; a first failure stays. */
bool wire_fail(struct wire_reader *r, const char *error);
/* Bits beyond 64 are dropped, as the reference does. */
bool wire_varint(struct wire_reader *r, uint64_t *out);
/* Field numbers are cut to 32 bits; groups are refused. */
bool wire_tag(struct wire_reader *r, uint32_t *number, enum wire_type *type);
/* A length and so many bytes, borrowed from the input. */
bool wire_bytes(struct wire_reader *r, struct slice *out);
/* A field whose tag was taken. */
bool wire_skip(struct wire_reader *r, enum wire_type type);

void wire_append_varint(struct buf *b, uint64_t value);
void wire_append_tag(struct buf *b, uint32_t number, enum wire_type type);
void wire_append_bytes(struct buf *b, struct slice s);
/* Whatever is appended between the two gets its length before it. begin returns what
 * end wants. */
size_t wire_begin_bytes(struct buf *b);
void wire_end_bytes(struct buf *b, size_t start);

#endif
