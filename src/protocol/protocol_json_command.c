#include "protocol/protocol_json_command.h"

#include "json/json_reader.h"
#include "protocol/protocol_entries.h"

struct decoder {
    struct json_reader r;
    struct arena *scratch;
};

static bool read_message(struct decoder *d, const struct message_schema *schema, void *message);

static void *scratch_alloc(struct decoder *d, size_t len)
{
    void *memory = arena_alloc(d->scratch, len);
    if (!memory) json_fail(&d->r, PROTOCOL_ERROR_MEMORY);
    return memory;
}

static void *scratch_alloc_zero(struct decoder *d, size_t len)
{
    void *memory = scratch_alloc(d, len);
    return memory ? memset(memory, 0, len) : NULL;
}

/* --------------------------------------------------------------- scalars */

static bool decode_string(struct decoder *d, struct json_string s, struct slice *out)
{
    if (json_string_decode(s, d->scratch, out) == STATUS_OK) return true;
    return json_fail(&d->r, PROTOCOL_ERROR_MEMORY);
}

static bool read_string(struct decoder *d, struct slice *out)
{
    struct json_string s;
    return json_string(&d->r, &s) && decode_string(d, s, out);
}

static bool read_object_span(struct decoder *d, struct slice *out)
{
    if (json_peek(&d->r) == JSON_OBJECT) return json_raw(&d->r, out);
    return json_fail(&d->r, "object expected");
}

/* --------------------------------------------------------- lists and maps */

static bool read_element(struct decoder *d, const struct element_schema *e, char *element)
{
    void *value = element + e->value_offset;
    if (e->schema) return read_message(d, e->schema, value);
    return json_take_null(&d->r) || read_string(d, value);
}

/* A list given twice is replaced. */
static bool read_list(struct decoder *d, struct protocol_entries *e)
{
    const char *error;
    if (!json_array_begin(&d->r)) return false;
    while (json_array_next(&d->r)) {
        char *element = protocol_entries_add(e, d->scratch, &error);
        if (!element) return json_fail(&d->r, error);
        if (!read_element(d, e->element, element)) return false;
    }
    return json_ok(&d->r);
}

static bool read_map(struct decoder *d, struct protocol_entries *e)
{
    const char *error;
    struct json_string name;
    struct slice key;
    if (!json_object_begin(&d->r)) return false;
    while (json_object_next(&d->r, &name)) {
        if (!decode_string(d, name, &key)) return false;
        char *element = protocol_entries_claim(e, d->scratch, key, &error);
        if (!element) return json_fail(&d->r, error);
        if (!read_element(d, e->element, element)) return false;
    }
    return json_ok(&d->r);
}

static bool read_entries(struct decoder *d, const struct field_schema *f, void *message)
{
    struct protocol_entries e = protocol_entries_of(f, message);
    if (!e.keyed) e.at = NULL, e.count = 0; /* a map goes on where an earlier object of this name ended */
    if (json_take_null(&d->r)) {
        e.at = NULL;
        e.count = 0;
    } else if (e.keyed ? !read_map(d, &e) : !read_list(d, &e)) {
        return false;
    }
    protocol_entries_store(&e, f, message);
    return true;
}

/* --------------------------------------------------------------- messages */

/* Read into the struct that *at points to, made on first need; null takes it away. */
static bool read_pointer(struct decoder *d, const struct message_schema *schema, void **at)
{
    if (json_take_null(&d->r)) {
        *at = NULL;
        return true;
    }
    if (!*at) *at = scratch_alloc_zero(d, schema->len);
    return *at && read_message(d, schema, *at);
}

static bool read_value(struct decoder *d, const struct field_schema *f, void *message)
{
    void *at = field_at(message, f->offset);
    switch ((enum field_type)f->type) {
    case FIELD_STRING: return read_string(d, at);
    case FIELD_RAW: return json_raw(&d->r, at);
    case FIELD_OBJECT: return read_object_span(d, at);
    case FIELD_BOOL: return json_bool(&d->r, at);
    case FIELD_U32: return json_u32(&d->r, at);
    case FIELD_U64: return json_u64(&d->r, at);
    case FIELD_I32: return json_i32(&d->r, at);
    case FIELD_I64:
    case FIELD_S64: return json_i64(&d->r, at);
    case FIELD_MESSAGE: return read_pointer(d, f->schema, at);
    case FIELD_LIST:
    case FIELD_MAP: return read_entries(d, f, message);
    }
    return false;
}

/* null is a value of its own for a raw field, means "none" for a container, and
 * leaves a scalar as it is. */
static bool read_field(struct decoder *d, const struct field_schema *f, void *message)
{
    bool scalar = f->type != FIELD_RAW && f->type != FIELD_OBJECT && f->type < FIELD_MESSAGE;
    if (scalar && json_take_null(&d->r)) return true;
    if (f->type == FIELD_OBJECT && json_take_null(&d->r)) {
        memset(field_at(message, f->offset), 0, sizeof(struct slice));
        return true;
    }
    return read_value(d, f, message);
}

static bool key_is(struct json_string key, struct slice name)
{
    if (key.escaped) return json_string_eq_nocase(key, name);
    return key.raw.len == name.len && slice_eq_nocase(key.raw, name);
}

static const struct field_schema *find_field(const struct message_schema *schema, struct json_string key)
{
    for (size_t i = 0; i < schema->field_count; i++)
        if (key_is(key, schema->fields[i].name)) return &schema->fields[i];
    return NULL;
}

static bool read_message(struct decoder *d, const struct message_schema *schema, void *message)
{
    struct json_string key;
    if (!json_object_begin(&d->r)) return false;
    while (json_object_next(&d->r, &key)) {
        const struct field_schema *f = find_field(schema, key);
        if (f ? !read_field(d, f, message) : !json_skip(&d->r)) return false;
    }
    return json_ok(&d->r);
}

/* --------------------------------------------------------------- commands */

/* Whatever requests one command holds; one of them will be chosen. */
struct requests {
    uint32_t id;
    void *by_kind[COMMAND_KIND_COUNT];
};

static enum command_kind find_kind(struct json_string key)
{
    static const struct slice names[COMMAND_KIND_COUNT] = {
#define X(kind, name, number) [COMMAND_##kind] = SLICE(#name),
        COMMAND_LIST(X)
#undef X
    };
    for (int kind = COMMAND_NONE + 1; kind < COMMAND_KIND_COUNT; kind++)
        if (key_is(key, names[kind])) return kind;
    return COMMAND_NONE;
}

static bool read_member(struct decoder *d, struct json_string key, struct requests *q)
{
    if (key_is(key, SLICE("id"))) return json_take_null(&d->r) || json_u32(&d->r, &q->id);
    enum command_kind kind = find_kind(key);
    if (kind == COMMAND_NONE) return json_skip(&d->r);
    return read_pointer(d, command_schema(kind), &q->by_kind[kind]);
}

static bool read_requests(struct decoder *d, struct requests *q)
{
    struct json_string key;
    if (json_take_null(&d->r)) return true; /* as an empty object */
    if (!json_object_begin(&d->r)) return false;
    while (json_object_next(&d->r, &key))
        if (!read_member(d, key, q)) return false;
    return json_ok(&d->r);
}

static void choose_request(const struct requests *q, size_t len, struct command *out)
{
    *out = (struct command){ .id = q->id, .len = len, .has_send = q->by_kind[COMMAND_SEND] != NULL };
    for (int kind = COMMAND_NONE + 1; kind < COMMAND_KIND_COUNT && out->kind == COMMAND_NONE; kind++) {
        out->request = q->by_kind[kind];
        if (out->request) out->kind = kind;
    }
}

static enum protocol_result broken(struct protocol_batch *b, const char *text, size_t position)
{
    b->error_text = text;
    b->error_position = b->position_ + position;
    return PROTOCOL_BROKEN;
}

static void batch_take(struct protocol_batch *b, size_t len)
{
    b->rest_ = slice_from(b->rest_, len);
    b->position_ += len;
}

enum protocol_result protocol_json_next(struct protocol_batch *b, struct arena *scratch, struct command *out)
{
    if (b->error_text) return PROTOCOL_BROKEN;
    if (b->rest_.len == 0) return b->position_ ? PROTOCOL_END : broken(b, "empty message", 0);

    ptrdiff_t newline = slice_index(b->rest_, '\n');
    struct slice line = newline < 0 ? b->rest_ : slice_head(b->rest_, (size_t)newline);
    size_t len = newline < 0 ? line.len : line.len + 1;

    struct decoder d = { .scratch = scratch };
    struct requests q = { 0 };
    json_reader_init(&d.r, line, PROTOCOL_JSON_DEPTH_MAX);
    if (!read_requests(&d, &q)) return broken(b, d.r.error.text, d.r.error.position);
    choose_request(&q, len, out);
    batch_take(b, len);
    return PROTOCOL_COMMAND;
}
