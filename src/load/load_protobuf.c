#include "load/load_protobuf.h"

#include "protocol/protocol_protobuf_wire.h"

/* Numbers of fields in client.proto. */
enum { COMMAND_ID = 1, COMMAND_CONNECT = 4, COMMAND_SUBSCRIBE = 5, COMMAND_PUBLISH = 7 };
enum { CONNECT_TOKEN = 1, CONNECT_NAME = 4 };
enum { SUBSCRIBE_CHANNEL = 1, SUBSCRIBE_TOKEN = 2, SUBSCRIBE_RECOVER = 3, SUBSCRIBE_EPOCH = 6, SUBSCRIBE_OFFSET = 7 };
enum { PUBLISH_CHANNEL = 1, PUBLISH_DATA = 2 };
enum { REPLY_ID = 1, REPLY_ERROR = 2, REPLY_PUSH = 4 };
enum { ERROR_CODE = 1, ERROR_MESSAGE = 2 };
enum { PUSH_CHANNEL = 2, PUSH_PUBLICATION = 4 };
enum { PUBLICATION_DATA = 4 };

struct open {
    size_t command, body;
};

static struct open begin(struct buf *out, uint32_t id, uint32_t kind)
{
    struct open open = { .command = wire_begin_bytes(out) };
    wire_append_tag(out, COMMAND_ID, WIRE_VARINT);
    wire_append_varint(out, id);
    wire_append_tag(out, kind, WIRE_BYTES);
    open.body = wire_begin_bytes(out);
    return open;
}

static void end(struct buf *out, struct open open)
{
    wire_end_bytes(out, open.body);
    wire_end_bytes(out, open.command);
}

static void text(struct buf *out, uint32_t number, struct slice value)
{
    if (value.len == 0) return;
    wire_append_tag(out, number, WIRE_BYTES);
    wire_append_bytes(out, value);
}

void load_protobuf_connect(struct buf *out, uint32_t id, struct slice token)
{
    struct open open = begin(out, id, COMMAND_CONNECT);
    text(out, CONNECT_TOKEN, token);
    text(out, CONNECT_NAME, SLICE("js"));
    end(out, open);
}

void load_protobuf_subscribe(struct buf *out, uint32_t id, const struct load_subscribe *s)
{
    struct open open = begin(out, id, COMMAND_SUBSCRIBE);
    text(out, SUBSCRIBE_CHANNEL, s->channel);
    text(out, SUBSCRIBE_TOKEN, s->token);
    if (s->recovers) {
        wire_append_tag(out, SUBSCRIBE_RECOVER, WIRE_VARINT);
        wire_append_varint(out, 1);
    }
    text(out, SUBSCRIBE_EPOCH, s->epoch);
    if (s->offset) {
        wire_append_tag(out, SUBSCRIBE_OFFSET, WIRE_VARINT);
        wire_append_varint(out, s->offset);
    }
    end(out, open);
}

void load_protobuf_publish(struct buf *out, uint32_t id, struct slice channel, struct slice data)
{
    struct open open = begin(out, id, COMMAND_PUBLISH);
    text(out, PUBLISH_CHANNEL, channel);
    text(out, PUBLISH_DATA, data);
    end(out, open);
}

/* One field of a message: its value as a number or as bytes. False at the end and on nonsense. */
struct field {
    uint32_t number;
    uint64_t value;
    struct slice bytes;
};

static bool next_field(struct wire_reader *r, struct field *out)
{
    enum wire_type type;
    *out = (struct field){ 0 };
    if (r->error || r->at == r->end || !wire_tag(r, &out->number, &type)) return false;
    if (type == WIRE_VARINT) return wire_varint(r, &out->value);
    return type == WIRE_BYTES ? wire_bytes(r, &out->bytes) : wire_skip(r, type);
}

static void read_error(struct slice bytes, struct load_message *out)
{
    struct wire_reader r = wire_reader_of(bytes);
    out->kind = LOAD_ERROR;
    for (struct field f; next_field(&r, &f);) {
        if (f.number == ERROR_CODE) out->code = (uint32_t)f.value;
        if (f.number == ERROR_MESSAGE) out->text = f.bytes;
    }
}

static void read_publication(struct slice bytes, struct load_message *out)
{
    struct wire_reader r = wire_reader_of(bytes);
    out->kind = LOAD_PUBLICATION;
    for (struct field f; next_field(&r, &f);)
        if (f.number == PUBLICATION_DATA) out->data = f.bytes;
}

static void read_push(struct slice bytes, struct load_message *out)
{
    struct wire_reader r = wire_reader_of(bytes);
    out->kind = LOAD_OTHER_PUSH;
    for (struct field f; next_field(&r, &f);) {
        if (f.number == PUSH_CHANNEL) out->channel = f.bytes;
        if (f.number == PUSH_PUBLICATION) read_publication(f.bytes, out);
    }
}

void load_protobuf_read(struct slice message, struct load_message *out)
{
    struct wire_reader r = wire_reader_of(message);
    if (message.len == 0) out->kind = LOAD_PING;
    for (struct field f; next_field(&r, &f);) {
        if (f.number == REPLY_ID) out->id = (uint32_t)f.value;
        if (f.number == REPLY_ERROR) read_error(f.bytes, out);
        if (f.number == REPLY_PUSH) read_push(f.bytes, out);
    }
    if (r.error) out->kind = LOAD_NONSENSE;
}

bool load_protobuf_next(struct slice *in, struct slice *message)
{
    struct wire_reader r = wire_reader_of(*in);
    if (in->len == 0 || !wire_bytes(&r, message)) return false;
    *in = wire_rest(&r);
    return true;
}
