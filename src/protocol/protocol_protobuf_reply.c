#include "protocol/protocol_protobuf_reply.h"

#include "protocol/protocol_protobuf_wire.h"
#include "protocol/protocol_schema.h"

/* Fields of Reply and Push that the schema tables do not hold. */
enum { REPLY_FIELD_ID = 1, REPLY_FIELD_PUSH = 4, PUSH_FIELD_CHANNEL = 2 };

/* Fields of an entry of a map. */
enum { ENTRY_FIELD_KEY = 1, ENTRY_FIELD_VALUE = 2 };

static void write_message(struct buf *b, const struct message_schema *schema, const void *message);

/* ------------------------------------------------------------ any message */

static void write_number(struct buf *b, uint32_t number, uint64_t value)
{
    if (value == 0) return;
    wire_append_tag(b, number, WIRE_VARINT);
    wire_append_varint(b, value);
}

static void write_bytes(struct buf *b, uint32_t number, struct slice bytes)
{
    wire_append_tag(b, number, WIRE_BYTES);
    wire_append_bytes(b, bytes);
}

static void write_nested(struct buf *b, uint32_t number, const struct message_schema *schema, const void *message)
{
    wire_append_tag(b, number, WIRE_BYTES);
    size_t start = wire_begin_bytes(b);
    write_message(b, schema, message);
    wire_end_bytes(b, start);
}

static void write_element(struct buf *b, uint32_t number, const struct element_schema *e, const char *element)
{
    const void *value = element + e->value_offset;
    if (e->schema)
        write_nested(b, number, e->schema, value);
    else
        write_bytes(b, number, *(const struct slice *)value);
}

static void write_entry(struct buf *b, const struct field_schema *f, const char *element)
{
    if (f->type == FIELD_LIST) {
        write_element(b, f->number, f->element, element);
        return;
    }
    wire_append_tag(b, f->number, WIRE_BYTES);
    size_t start = wire_begin_bytes(b);
    write_bytes(b, ENTRY_FIELD_KEY, *(const struct slice *)(const void *)element);
    write_element(b, ENTRY_FIELD_VALUE, f->element, element);
    wire_end_bytes(b, start);
}

static void write_entries(struct buf *b, const struct field_schema *f, const void *message)
{
    const char *element = *(const char *const *)field_in(message, f->offset);
    size_t count = *(const size_t *)field_in(message, f->count_offset);
    for (size_t i = 0; i < count; i++, element += f->element->len) write_entry(b, f, element);
}

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static void write_field(struct buf *b, const struct field_schema *f, const void *message)
{
    const void *at = field_in(message, f->offset);
    switch ((enum field_type)f->type) {
    case FIELD_STRING:
    case FIELD_RAW:
    case FIELD_OBJECT:
        if (((const struct slice *)at)->len > 0) write_bytes(b, f->number, *(const struct slice *)at);
        break;
    case FIELD_BOOL: write_number(b, f->number, *(const bool *)at); break;
    case FIELD_U32: write_number(b, f->number, *(const uint32_t *)at); break;
    case FIELD_I32: write_number(b, f->number, (uint64_t)(int64_t) * (const int32_t *)at); break;
    case FIELD_U64:
    case FIELD_I64: write_number(b, f->number, *(const uint64_t *)at); break;
    case FIELD_S64: write_number(b, f->number, zigzag(*(const int64_t *)at)); break;
    case FIELD_MESSAGE:
        if (*(const void *const *)at) write_nested(b, f->number, f->schema, *(const void *const *)at);
        break;
    case FIELD_LIST:
    case FIELD_MAP: write_entries(b, f, message); break;
    }
}

static void write_message(struct buf *b, const struct message_schema *schema, const void *message)
{
    for (size_t i = 0; i < schema->field_count; i++) write_field(b, &schema->fields[i], message);
}

/* ---------------------------------------------------- replies and pushes */

static void write_push(struct buf *b, const struct push *p)
{
    const struct envelope_schema *e = push_envelope_schema(p->kind);
    if (p->channel.len) write_bytes(b, PUSH_FIELD_CHANNEL, p->channel);
    if (e) write_nested(b, e->number, e->schema, &p->pub); /* every arm begins where this one does */
}

void protocol_protobuf_encode_reply(const struct reply *r, struct buf *b)
{
    const struct envelope_schema *e = reply_envelope_schema(r->kind);
    size_t start = wire_begin_bytes(b);
    write_number(b, REPLY_FIELD_ID, r->id);
    if (r->kind == REPLY_PUSH) {
        wire_append_tag(b, REPLY_FIELD_PUSH, WIRE_BYTES);
        size_t push_start = wire_begin_bytes(b);
        write_push(b, &r->push);
        wire_end_bytes(b, push_start);
    } else if (e) {
        write_nested(b, e->number, e->schema, &r->connect); /* as in write_push() */
    }
    wire_end_bytes(b, start);
}

/* --------------------------------------------------------------- fan-out */

/* All tags, lengths and numbers of a publication push with every field set. */
#define PUSH_FIXED_LEN_MAX 200

/* One growth instead of several; a guess that passes the limit is no failure. */
static void reserve_ahead(struct buf *b, struct slice channel, const struct publication_fields *pub)
{
    size_t len = PUSH_FIXED_LEN_MAX + channel.len + pub->data.len + pub->prev_data.len;
    len += pub->channel.len + pub->key.len + pub->epoch.len;
    if (pub->info) len += pub->info->user.len + pub->info->client.len;
    if (pub->info) len += pub->info->conn_info.len + pub->info->chan_info.len;
    if (len <= b->len_max - b->len) (void)buf_reserve(b, len);
}

void protocol_protobuf_encode_publication_push(struct slice channel, const struct publication_fields *pub,
                                               struct buf *b)
{
    struct reply r = { .kind = REPLY_PUSH, .push = { .kind = PUSH_PUBLICATION, .channel = channel, .pub = *pub } };
    reserve_ahead(b, channel, pub);
    protocol_protobuf_encode_reply(&r, b);
}
