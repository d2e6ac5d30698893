#include "protocol/protocol_protobuf_command.h"

#include "base/utf8.h"
#include "protocol/protocol_entries.h"
#include "protocol/protocol_protobuf_filter.h"
#include "protocol/protocol_protobuf_wire.h"

/* No message is as long: a length beyond it is no slip but an attack (OB-01). */
#define LONE_LENGTH_MAX INT32_MAX

struct decoder {
    struct wire_reader r;
    struct arena *scratch;
};

static bool read_message(struct decoder *d, const struct message_schema *schema, void *message);

static void *scratch_alloc(struct decoder *d, size_t len)
{
    void *memory = arena_alloc(d->scratch, len);
    if (!memory) wire_fail(&d->r, PROTOCOL_ERROR_MEMORY);
    return memory;
}

/* --------------------------------------------------------------- scalars */

static bool read_string(struct decoder *d, struct slice *out)
{
    return wire_bytes(&d->r, out) && (utf8_valid(*out) || wire_fail(&d->r, "a string is not valid UTF-8"));
}

/* Encoded messages one after the other are the encoding of their merger. */
static bool read_span(struct decoder *d, struct slice *out)
{
    struct slice more;
    if (!wire_bytes(&d->r, &more)) return false;
    if (out->len == 0) *out = more;
    if (out->ptr == more.ptr || more.len == 0) return true;
    char *joined = scratch_alloc(d, out->len + more.len);
    if (!joined) return false;
    memcpy(joined, out->ptr, out->len);
    memcpy(joined + out->len, more.ptr, more.len);
    *out = slice_of(joined, out->len + more.len);
    return true;
}

static bool read_number(struct decoder *d, enum field_type type, void *at)
{
    uint64_t value;
    if (!wire_varint(&d->r, &value)) return false;
    switch (type) {
    case FIELD_BOOL: *(bool *)at = value != 0; break;
    case FIELD_U32:
    case FIELD_I32: *(uint32_t *)at = (uint32_t)value; break;
    case FIELD_S64: value = (value >> 1) ^ (0 - (value & 1)); /* fall through */
    default: *(uint64_t *)at = value; break;
    }
    return true;
}

/* --------------------------------------------------------- lists and maps */

/* What bytes hold, as if they were the whole input. */
static bool read_within(struct decoder *d, struct slice bytes, const struct element_schema *e, void *value)
{
    struct wire_reader outer = d->r;
    d->r = wire_reader_of(bytes);
    if (!read_message(d, e->schema, value)) return false;
    d->r = outer;
    return true;
}

static bool read_value(struct decoder *d, struct slice bytes, const struct element_schema *e, char *element)
{
    void *value = element + e->value_offset;
    if (e->schema) return bytes.len == 0 || read_within(d, bytes, e, value);
    *(struct slice *)value = bytes;
    return utf8_valid(bytes) || wire_fail(&d->r, "a string is not valid UTF-8");
}

static bool read_list_element(struct decoder *d, struct protocol_entries *e)
{
    const char *error;
    struct slice bytes;
    if (!wire_bytes(&d->r, &bytes)) return false;
    char *element = protocol_entries_add(e, d->scratch, &error);
    return element ? read_value(d, bytes, e->element, element) : wire_fail(&d->r, error);
}

/* An entry is a message of its own: 1 is the key, 2 the value; an absent one is empty. */
static bool read_map_entry(struct decoder *d, struct slice *key, struct slice *value)
{
    struct slice entry;
    if (!wire_bytes(&d->r, &entry)) return false;
    struct wire_reader outer = d->r;
    d->r = wire_reader_of(entry);
    while (d->r.at < d->r.end) {
        uint32_t number;
        enum wire_type type;
        if (!wire_tag(&d->r, &number, &type)) return false;
        if (number > 2) {
            if (!wire_skip(&d->r, type)) return false;
        } else if (type != WIRE_BYTES) {
            return wire_fail(&d->r, "a field has the wrong wire type");
        } else if (number == 1 ? !read_string(d, key) : !wire_bytes(&d->r, value)) {
            return false;
        }
    }
    d->r = outer;
    return true;
}

static bool read_map_element(struct decoder *d, struct protocol_entries *e)
{
    const char *error;
    struct slice key = { 0 }, value = { 0 };
    if (!read_map_entry(d, &key, &value)) return false;
    char *element = protocol_entries_claim(e, d->scratch, key, &error);
    return element ? read_value(d, value, e->element, element) : wire_fail(&d->r, error);
}

static bool read_entry(struct decoder *d, const struct field_schema *f, void *message)
{
    struct protocol_entries e = protocol_entries_of(f, message);
    if (e.keyed ? !read_map_element(d, &e) : !read_list_element(d, &e)) return false;
    protocol_entries_store(&e, f, message);
    return true;
}

/* --------------------------------------------------------------- messages */

/* Read into the struct that *at points to, made on first need. */
static bool read_pointer(struct decoder *d, const struct message_schema *schema, void **at)
{
    struct slice bytes;
    const struct element_schema whole = { .schema = schema };
    if (!wire_bytes(&d->r, &bytes)) return false;
    if (!*at) {
        *at = scratch_alloc(d, schema->len);
        if (!*at) return false;
        memset(*at, 0, schema->len);
    }
    return read_value(d, bytes, &whole, *at);
}

static bool read_field(struct decoder *d, const struct field_schema *f, enum wire_type type, void *message)
{
    void *at = field_at(message, f->offset);
    bool number = f->type >= FIELD_BOOL && f->type < FIELD_MESSAGE;
    if (type != (number ? WIRE_VARINT : WIRE_BYTES)) return wire_fail(&d->r, "a field has the wrong wire type");
    switch ((enum field_type)f->type) {
    case FIELD_STRING: return read_string(d, at);
    case FIELD_RAW: return wire_bytes(&d->r, at);
    case FIELD_OBJECT: return read_span(d, at);
    case FIELD_BOOL:
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_I32:
    case FIELD_I64:
    case FIELD_S64: return read_number(d, (enum field_type)f->type, at);
    case FIELD_MESSAGE: return read_pointer(d, f->schema, at);
    case FIELD_LIST:
    case FIELD_MAP: return read_entry(d, f, message);
    }
    return false;
}

static const struct field_schema *find_field(const struct message_schema *schema, uint32_t number)
{
    for (size_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].number == number) return &schema->fields[i];
    return NULL;
}

static bool read_message(struct decoder *d, const struct message_schema *schema, void *message)
{
    while (d->r.at < d->r.end) {
        uint32_t number;
        enum wire_type type;
        if (!wire_tag(&d->r, &number, &type)) return false;
        const struct field_schema *f = find_field(schema, number);
        if (f ? !read_field(d, f, type, message) : !wire_skip(&d->r, type)) return false;
    }
    return true;
}

/* --------------------------------------------------------------- commands */

/* Whatever requests one command holds; one of them will be chosen. */
struct requests {
    uint32_t id;
    void *by_kind[COMMAND_KIND_COUNT];
};

static enum command_kind find_kind(uint32_t number)
{
    switch (number) {
#define X(kind, name, number_)                                                                                         \
    case number_: return COMMAND_##kind;
        COMMAND_LIST(X)
#undef X
    default: return COMMAND_NONE;
    }
}

static bool read_member(struct decoder *d, struct requests *q)
{
    uint32_t number;
    enum wire_type type;
    if (!wire_tag(&d->r, &number, &type)) return false;
    enum command_kind kind = find_kind(number);
    if (number != 1 && kind == COMMAND_NONE) return wire_skip(&d->r, type);
    if (type != (number == 1 ? WIRE_VARINT : WIRE_BYTES)) return wire_fail(&d->r, "a field has the wrong wire type");
    return number == 1 ? read_number(d, FIELD_U32, &q->id) : read_pointer(d, command_schema(kind), &q->by_kind[kind]);
}

static void choose_request(const struct requests *q, size_t len, struct command *out)
{
    *out = (struct command){ .id = q->id, .len = len, .has_send = q->by_kind[COMMAND_SEND] != NULL };
    for (int kind = COMMAND_NONE + 1; kind < COMMAND_KIND_COUNT && out->kind == COMMAND_NONE; kind++) {
        out->request = q->by_kind[kind];
        if (out->request) out->kind = kind;
    }
}

static enum protocol_result broken(struct protocol_batch *b, const struct wire_reader *r)
{
    b->error_text = r->error;
    b->error_position = b->position_ + (b->rest_.len ? (size_t)(r->at - b->rest_.ptr) : 0);
    return PROTOCOL_BROKEN;
}

/* How many bytes a length takes behind which nothing comes; 0 when rest is no such. */
static size_t lone_length(struct slice rest)
{
    struct wire_reader r = wire_reader_of(rest);
    uint64_t len;
    return rest.len > 0 && wire_varint(&r, &len) && r.at == r.end && len > 0 && len <= LONE_LENGTH_MAX ? rest.len : 0;
}

static bool read_command(struct decoder *d, struct requests *q)
{
    struct slice bytes;
    if (!wire_bytes(&d->r, &bytes)) return false;
    struct wire_reader outer = d->r;
    d->r = wire_reader_of(bytes);
    while (d->r.at < d->r.end)
        if (!read_member(d, q)) return false;
    d->r = outer;
    return true;
}

/* The filter of a subscribe command is handed on in its JSON form. */
static bool translate_filter(struct decoder *d, struct subscribe_request *s)
{
    struct buf json;
    if (!s || !s->tf.ptr) return true;
    buf_init(&json, BUF_NO_LIMIT);
    const char *error = protocol_protobuf_filter_json(s->tf, &json);
    if (!error) {
        s->tf = buf_ok(&json) ? arena_copy(d->scratch, buf_slice(&json)) : (struct slice){ 0 };
        if (!s->tf.ptr) error = PROTOCOL_ERROR_MEMORY;
    }
    buf_deinit(&json);
    return !error || wire_fail(&d->r, error);
}

enum protocol_result protocol_protobuf_next(struct protocol_batch *b, struct arena *scratch, struct command *out)
{
    struct decoder d = { .r = wire_reader_of(b->rest_), .scratch = scratch };
    struct requests q = { 0 };
    if (b->error_text) return PROTOCOL_BROKEN;
    if (b->rest_.len == 0 && b->position_ > 0) return PROTOCOL_END;
    if (b->rest_.len == 0) wire_fail(&d.r, "empty message");
    if (d.r.error || !read_command(&d, &q) || !translate_filter(&d, q.by_kind[COMMAND_SUBSCRIBE]))
        return broken(b, &d.r);

    /* A command that parks is given again without what came before it: the lone length
     * is taken with it, or it would stand at the front then. */
    size_t len = b->rest_.len - wire_rest(&d.r).len;
    len += lone_length(wire_rest(&d.r));
    choose_request(&q, len, out);
    b->rest_ = slice_from(b->rest_, len);
    b->position_ += len;
    return PROTOCOL_COMMAND;
}
