#include "protocol/protocol_json_reply.h"

#include "json/json_writer.h"
#include "protocol/protocol_schema.h"

static void write_message(struct json_writer *w, const struct message_schema *schema, const void *message);

/* ------------------------------------------------------------ any message */

static struct slice slice_field(const void *at)
{
    return *(const struct slice *)at;
}

static const char *elements_of(const void *message, const struct field_schema *f)
{
    return *(const char *const *)field_in(message, f->offset);
}

static size_t count_of(const void *message, const struct field_schema *f)
{
    return *(const size_t *)field_in(message, f->count_offset);
}

static bool is_absent(const void *message, const struct field_schema *f)
{
    const void *at = field_in(message, f->offset);
    switch ((enum field_type)f->type) {
    case FIELD_STRING:
    case FIELD_RAW:
    case FIELD_OBJECT: return slice_field(at).len == 0;
    case FIELD_BOOL: return !*(const bool *)at;
    case FIELD_U32:
    case FIELD_I32: return *(const uint32_t *)at == 0;
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_S64: return *(const uint64_t *)at == 0;
    case FIELD_MESSAGE: return *(const void *const *)at == NULL;
    case FIELD_LIST:
    case FIELD_MAP: return count_of(message, f) == 0;
    }
    return true;
}

static void write_element(struct json_writer *w, const struct element_schema *e, const char *element)
{
    if (e->schema)
        write_message(w, e->schema, element + e->value_offset);
    else
        json_write_string(w, slice_field(element + e->value_offset));
}

static void write_list(struct json_writer *w, const struct element_schema *e, const char *element, size_t count)
{
    json_write_array_begin(w);
    for (size_t i = 0; i < count; i++, element += e->len) write_element(w, e, element);
    json_write_array_end(w);
}

static void write_map(struct json_writer *w, const struct element_schema *e, const char *element, size_t count)
{
    json_write_object_begin(w);
    for (size_t i = 0; i < count; i++, element += e->len) {
        json_write_key(w, slice_field(element));
        write_element(w, e, element);
    }
    json_write_object_end(w);
}

static void write_field(struct json_writer *w, const void *message, const struct field_schema *f)
{
    const void *at = field_in(message, f->offset);
    switch ((enum field_type)f->type) {
    case FIELD_STRING: json_write_string(w, slice_field(at)); break;
    case FIELD_RAW:
    case FIELD_OBJECT: json_write_raw(w, slice_field(at)); break;
    case FIELD_BOOL: json_write_bool(w, *(const bool *)at); break;
    case FIELD_U32: json_write_u64(w, *(const uint32_t *)at); break;
    case FIELD_U64: json_write_u64(w, *(const uint64_t *)at); break;
    case FIELD_I32: json_write_i64(w, *(const int32_t *)at); break;
    case FIELD_I64:
    case FIELD_S64: json_write_i64(w, *(const int64_t *)at); break;
    case FIELD_MESSAGE: write_message(w, f->schema, *(const void *const *)at); break;
    case FIELD_LIST: write_list(w, f->element, elements_of(message, f), count_of(message, f)); break;
    case FIELD_MAP: write_map(w, f->element, elements_of(message, f), count_of(message, f)); break;
    }
}

static void write_message(struct json_writer *w, const struct message_schema *schema, const void *message)
{
    json_write_object_begin(w);
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field_schema *f = &schema->fields[i];
        if (!f->always && is_absent(message, f)) continue;
        json_write_name(w, f->name);
        write_field(w, message, f);
    }
    json_write_object_end(w);
}

/* ---------------------------------------------------- replies and pushes */

static void write_push(struct json_writer *w, const struct push *p)
{
    const struct envelope_schema *e = push_envelope_schema(p->kind);
    json_write_object_begin(w);
    if (p->channel.len) {
        json_write_name(w, SLICE("channel"));
        json_write_string(w, p->channel);
    }
    if (e) {
        json_write_name(w, e->name);
        write_message(w, e->schema, &p->pub); /* every arm begins where this one does */
    }
    json_write_object_end(w);
}

void protocol_json_encode_push(const struct push *p, struct buf *b)
{
    struct json_writer w = json_writer_to(b);
    write_push(&w, p);
}

void protocol_json_encode_reply(const struct reply *r, struct buf *b)
{
    struct json_writer w = json_writer_to(b);
    const struct envelope_schema *e = reply_envelope_schema(r->kind);
    json_write_object_begin(&w);
    if (r->id) {
        json_write_name(&w, SLICE("id"));
        json_write_u64(&w, r->id);
    }
    if (r->kind == REPLY_PUSH) {
        json_write_name(&w, SLICE("push"));
        write_push(&w, &r->push);
    } else if (e) {
        json_write_name(&w, e->name);
        write_message(&w, e->schema, &r->connect); /* as in write_push() */
    }
    json_write_object_end(&w);
}

/* --------------------------------------------------------------- fan-out */

#define PUSH_OPEN    "{\"push\":{"
#define PUSH_CHANNEL "\"channel\":"
#define PUSH_PUB     "\"pub\":"

/* All names, quotes and numbers of a publication push with every field set. */
#define PUSH_FIXED_LEN_MAX 400

/* What the push takes when no string needs an escape and there are no tags. */
static size_t publication_push_len(struct slice channel, const struct publication_fields *pub)
{
    size_t len = PUSH_FIXED_LEN_MAX + channel.len + pub->data.len + pub->prev_data.len;
    len += pub->channel.len + pub->key.len + pub->epoch.len;
    if (pub->info) len += pub->info->user.len + pub->info->client.len;
    if (pub->info) len += pub->info->conn_info.len + pub->info->chan_info.len;
    return len;
}

/* One growth instead of several; a guess that passes the limit is no failure. */
static void reserve_ahead(struct buf *b, size_t len)
{
    if (len <= b->len_max - b->len) (void)buf_reserve(b, len);
}

void protocol_json_encode_publication_push(struct slice channel, const struct publication_fields *pub, struct buf *b)
{
    struct json_writer w = json_writer_to(b);
    reserve_ahead(b, publication_push_len(channel, pub));
    buf_append(b, SLICE(PUSH_OPEN));
    if (channel.len) {
        buf_append(b, SLICE(PUSH_CHANNEL));
        json_append_string(b, channel);
        buf_append_char(b, ',');
    }
    buf_append(b, SLICE(PUSH_PUB));
    write_message(&w, &publication_schema, pub);
    buf_append(b, SLICE("}}"));
}
