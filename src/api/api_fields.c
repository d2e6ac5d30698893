#include "api/api_fields.h"

#include "base/check.h"
#include "json/json_reader.h"

/* Longer names are unknown and are compared with nothing. */
#define NAME_LEN_MAX 32u
/* So many wrong letters still look like a slip. */
#define DISTANCE_MAX 2u
#define TEXTS_FIRST  16u
/* One bit a field tells repeated members apart. */
#define FIELDS_MAX 32u

struct reading {
    struct json_reader json;
    enum api_fields_mode mode;
    struct arena *arena;
    char *out;
    struct api_fields_problem *problem;
};

static bool fail(struct reading *r, enum api_fields_kind kind)
{
    if (r->problem->kind == API_FIELDS_FINE) r->problem->kind = kind;
    return false;
}

/* "skip_history" is also "skipHistory": equal without the underscores. */
static bool is_camel_case_of(struct slice name, struct slice known)
{
    char bare[NAME_LEN_MAX];
    size_t len = 0;
    for (size_t i = 0; i < known.len && len < sizeof bare; i++)
        if (known.ptr[i] != '_') bare[len++] = known.ptr[i];
    return len < known.len && slice_eq_nocase(name, slice_of(bare, len));
}

/* Index of the field that name means, or field_count. */
static size_t find_field(enum api_fields_mode mode, const struct api_field *fields, size_t field_count,
                         struct slice name)
{
    for (size_t i = 0; i < field_count; i++)
        if (slice_eq(name, fields[i].name)) return i;
    if (mode == API_FIELDS_STRICT) return field_count;
    for (size_t i = 0; i < field_count; i++)
        if (slice_eq_nocase(name, fields[i].name) || is_camel_case_of(name, fields[i].name)) return i;
    return field_count;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Levenshtein distance without regard to letter case, one row at a time. */
static unsigned distance(struct slice a, struct slice b)
{
    unsigned row[NAME_LEN_MAX + 1];
    for (unsigned i = 0; i <= b.len; i++) row[i] = i;
    for (unsigned i = 0; i < a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (unsigned k = 0; k < b.len; k++) {
            unsigned change = diagonal + (lower(a.ptr[i]) != lower(b.ptr[k]));
            diagonal = row[k + 1];
            row[k + 1] = least(least(row[k], row[k + 1]) + 1, change);
        }
    }
    return row[b.len];
}

const struct api_field *api_fields_nearest(const struct api_field *fields, size_t field_count, struct slice name)
{
    const struct api_field *nearest = NULL;
    unsigned best = DISTANCE_MAX + 1;
    if (name.len > NAME_LEN_MAX) return NULL;
    for (size_t i = 0; i < field_count; i++) {
        if (fields[i].name.len > NAME_LEN_MAX) continue;
        unsigned d = is_camel_case_of(name, fields[i].name) ? 0 : distance(name, fields[i].name);
        /* a name of which less than half is right is no slip */
        if (d < best && d * 2 <= name.len) {
            best = d;
            nearest = &fields[i];
        }
    }
    return nearest;
}

static bool decode(struct reading *r, struct json_string s, struct slice *out)
{
    if (json_string_decode(s, r->arena, out) == STATUS_OK) return true;
    return fail(r, API_FIELDS_NO_MEMORY);
}

static bool read_text(struct reading *r, struct slice *out)
{
    struct json_string s;
    return json_string(&r->json, &s) && decode(r, s, out);
}

/* Room for one more; false when memory is out or there are too many. */
static bool grow_texts(struct reading *r, struct api_texts *texts, uint32_t *cap)
{
    if (texts->count < *cap) return true;
    uint32_t more = *cap ? *cap * 2 : TEXTS_FIRST;
    struct slice *items = arena_alloc(r->arena, more * sizeof *items);
    if (!items) return fail(r, API_FIELDS_NO_MEMORY);
    if (texts->count) memcpy(items, texts->items, texts->count * sizeof *items);
    texts->items = items;
    *cap = more;
    return true;
}

static bool read_texts(struct reading *r, struct api_texts *out)
{
    struct api_texts texts = { 0 };
    uint32_t cap = 0;
    if (!json_array_begin(&r->json)) return false;
    while (json_array_next(&r->json)) {
        struct slice text = { 0 };
        if (texts.count == API_TEXTS_MAX) return json_fail(&r->json, "too many entries");
        /* a null entry is an empty string, as a null member is */
        bool is_null = r->mode == API_FIELDS_LENIENT && json_take_null(&r->json);
        if (!is_null && !read_text(r, &text)) return false;
        if (!grow_texts(r, &texts, &cap)) return false;
        texts.items[texts.count++] = text;
    }
    *out = texts;
    return json_ok(&r->json);
}

static void set_tag(struct api_tags *tags, struct slice key, struct slice value)
{
    uint32_t i = 0;
    while (i < tags->count && !slice_eq(tags->items[i].key, key)) i++;
    if (i == tags->count) tags->count++;
    tags->items[i] = (struct publication_tag){ key, value };
}

static bool read_tags(struct reading *r, struct api_tags *out)
{
    struct json_string name;
    struct api_tags tags = { 0 };
    if (!json_object_begin(&r->json)) return false;
    while (json_object_next(&r->json, &name)) {
        struct slice key, value = { 0 };
        if (tags.count == API_TAGS_MAX) return json_fail(&r->json, "too many tags");
        if (!tags.items) tags.items = arena_alloc(r->arena, API_TAGS_MAX * sizeof *tags.items);
        if (!tags.items) return fail(r, API_FIELDS_NO_MEMORY);
        if (!decode(r, name, &key)) return false;
        bool is_null = r->mode == API_FIELDS_LENIENT && json_take_null(&r->json);
        if (!is_null && !read_text(r, &value)) return false;
        set_tag(&tags, key, value);
    }
    *out = tags;
    return json_ok(&r->json);
}

static bool read_members(struct reading *r, const struct api_field *fields, size_t field_count);

static bool read_typed(struct reading *r, const struct api_field *f)
{
    void *to = r->out + f->offset;
    switch (f->type) {
    case API_TEXT: return read_text(r, to);
    case API_RAW: return json_raw(&r->json, to);
    case API_BOOL: return json_bool(&r->json, to);
    case API_U32: return json_u32(&r->json, to);
    case API_U64: return json_u64(&r->json, to);
    case API_I32: return json_i32(&r->json, to);
    case API_I64: return json_i64(&r->json, to);
    case API_TEXTS: return read_texts(r, to);
    case API_TAGS: return read_tags(r, to);
    case API_MEMBERS: return read_members(r, f->members, f->member_count);
    }
    return false;
}

/* The reader stops at the first thing that it does not expect. Whether that is a
 * wrong value or broken text is found out by reading the value once more. */
static bool explain_value(struct reading *r, const struct api_field *f, struct json_reader before)
{
    struct slice value;
    if (r->problem->kind != API_FIELDS_FINE || !json_raw(&before, &value)) return false;
    r->problem->field = f;
    r->problem->value = value;
    return fail(r, API_FIELDS_TYPE);
}

/* A null after a list or an object was given: it is not given (row OB-05, as Go's
 * pointers). After a string, a number or a bool it changes nothing. */
static void take_back(struct reading *r, const struct api_field *f)
{
    void *to = r->out + f->offset;
    if (f->type == API_TEXTS) *(struct api_texts *)to = (struct api_texts){ 0 };
    if (f->type == API_TAGS) *(struct api_tags *)to = (struct api_tags){ 0 };
    if (f->type == API_MEMBERS && f->given) *(bool *)(void *)(r->out + f->given) = false;
}

static bool read_value(struct reading *r, const struct api_field *f)
{
    bool *given = f->given ? (bool *)(void *)(r->out + f->given) : NULL;
    if (f->type != API_RAW && json_take_null(&r->json)) {
        take_back(r, f);
        return true;
    }
    struct json_reader before = r->json;
    if (!read_typed(r, f)) return explain_value(r, f, before);
    if (given) *given = true;
    return true;
}

static bool refuse_name(struct reading *r, struct slice name, enum api_fields_kind kind,
                        const struct api_field *nearest)
{
    r->problem->name = name;
    if (nearest) r->problem->nearest = nearest->name;
    return fail(r, kind);
}

static bool read_member(struct reading *r, const struct api_field *fields, size_t field_count, struct slice name,
                        uint32_t *seen)
{
    size_t i = find_field(r->mode, fields, field_count, name);
    if (i == field_count) {
        if (r->mode == API_FIELDS_LENIENT) return json_skip(&r->json);
        return refuse_name(r, name, API_FIELDS_UNKNOWN, api_fields_nearest(fields, field_count, name));
    }
    uint32_t bit = UINT32_C(1) << i;
    if (r->mode == API_FIELDS_STRICT && (*seen & bit)) return refuse_name(r, name, API_FIELDS_REPEATED, NULL);
    *seen |= bit;
    return read_value(r, &fields[i]);
}

static bool read_members(struct reading *r, const struct api_field *fields, size_t field_count)
{
    uint32_t seen = 0;
    struct json_string key;
    struct slice name;
    CHECK(field_count <= FIELDS_MAX);
    if (!json_object_begin(&r->json)) return false;
    while (json_object_next(&r->json, &key)) {
        if (!decode(r, key, &name)) return false;
        if (!read_member(r, fields, field_count, name, &seen)) return false;
    }
    return json_ok(&r->json);
}

static bool read_body(struct reading *r, const struct api_field *fields, size_t field_count)
{
    enum json_type type = json_peek(&r->json);
    if (r->mode == API_FIELDS_LENIENT && json_take_null(&r->json)) return true;
    if (type == JSON_OBJECT) return read_members(r, fields, field_count);
    if (type == JSON_BROKEN) {
        (void)json_skip(&r->json);
        return false;
    }
    return json_raw(&r->json, &r->problem->value) && fail(r, API_FIELDS_NOT_OBJECT);
}

/* Text that is not JSON at all is told as that, whatever else was found before. */
static void explain_text(struct reading *r, struct slice body)
{
    struct json_reader whole;
    json_reader_init(&whole, body, JSON_DEPTH_DEFAULT);
    if (json_skip(&whole) && !json_at_end(&whole)) json_fail(&whole, "text after the value");
    if (json_ok(&whole)) return;
    *r->problem = (struct api_fields_problem){ .kind = API_FIELDS_SYNTAX,
                                               .text = whole.error.text,
                                               .position = whole.error.position };
}

bool api_fields_read(struct slice body, enum api_fields_mode mode, const struct api_field *fields, size_t field_count,
                     struct arena *arena, void *out, struct api_fields_problem *problem)
{
    struct reading r = { .mode = mode, .arena = arena, .out = out, .problem = problem };
    *problem = (struct api_fields_problem){ 0 };
    json_reader_init(&r.json, body, JSON_DEPTH_DEFAULT);
    if (read_body(&r, fields, field_count) && json_at_end(&r.json)) return true;
    if (problem->kind != API_FIELDS_NO_MEMORY) explain_text(&r, body);
    CHECK(problem->kind != API_FIELDS_FINE);
    return false;
}
