#include "engine/tags_filter.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/mem_part.h"
#include "json/json_reader.h"

#define CMP_LIST(X)                                                                                                    \
    X(EQ, "eq")                                                                                                        \
    X(NEQ, "neq")                                                                                                      \
    X(IN, "in")                                                                                                        \
    X(NIN, "nin")                                                                                                      \
    X(EX, "ex")                                                                                                        \
    X(NEX, "nex")                                                                                                      \
    X(SW, "sw")                                                                                                        \
    X(EW, "ew")                                                                                                        \
    X(CT, "ct")                                                                                                        \
    X(LT, "lt")                                                                                                        \
    X(LTE, "lte")                                                                                                      \
    X(GT, "gt")                                                                                                        \
    X(GTE, "gte")

enum cmp {
#define CMP_ENUM(name, text) CMP_##name,
    CMP_LIST(CMP_ENUM)
#undef CMP_ENUM
        CMP_COUNT
};

static const struct slice cmp_names[CMP_COUNT] = {
#define CMP_NAME(name, text) { text, sizeof text - 1 },
    CMP_LIST(CMP_NAME)
#undef CMP_NAME
};

enum op { OP_LEAF, OP_AND, OP_OR, OP_NOT, OP_COUNT };
static const struct slice op_names[OP_COUNT] = { { "", 0 }, { "and", 3 }, { "or", 2 }, { "not", 3 } };

struct node {
    enum op op;
    enum cmp cmp;
    struct slice key, val;
    struct slice_list {
        struct slice value;
        struct slice_list *next;
    } * vals;
    struct node *children, *next;
    uint32_t child_count;
};

struct tags_filter {
    struct arena arena; /* owns everything below */
    struct node *root;
};

/* ---- reading ---- */

struct reading {
    struct json_reader reader;
    struct arena *arena;
    uint32_t nodes, depth;
    enum status failed; /* the first failure that is not the text's */
};

static bool fail(struct reading *r, enum status status, const char *why)
{
    if (r->failed == STATUS_OK) r->failed = status;
    return json_fail(&r->reader, why);
}

static bool read_text(struct reading *r, struct slice *out)
{
    struct json_string s;
    struct slice decoded;
    if (json_take_null(&r->reader)) return true;
    if (!json_string(&r->reader, &s)) return false;
    if (json_string_decode(s, r->arena, &decoded) != STATUS_OK)
        return fail(r, STATUS_TOO_LARGE, "the filter is too large");
    *out = arena_copy(r->arena, decoded);
    return out->ptr || fail(r, STATUS_TOO_LARGE, "the filter is too large");
}

/* The index of a name in a list; false when it is not there. */
static bool read_name(struct reading *r, const struct slice *names, int count, int *out)
{
    struct slice text = { 0 };
    if (!read_text(r, &text)) return false;
    for (int i = 0; i < count; i++) {
        if (!slice_eq(text, names[i])) continue;
        *out = i;
        return true;
    }
    return fail(r, STATUS_MALFORMED, "unknown operator");
}

static bool read_values(struct reading *r, struct node *n)
{
    if (json_take_null(&r->reader)) return true;
    if (!json_array_begin(&r->reader)) return false;
    while (json_array_next(&r->reader)) {
        struct slice_list *item = arena_alloc(r->arena, sizeof *item);
        if (!item) return fail(r, STATUS_TOO_LARGE, "the filter is too large");
        *item = (struct slice_list){ .next = n->vals };
        n->vals = item;
        if (!read_text(r, &item->value)) return false;
    }
    return json_ok(&r->reader);
}

static struct node *read_node(struct reading *r);

static bool read_children(struct reading *r, struct node *n)
{
    if (json_take_null(&r->reader)) return true;
    if (!json_array_begin(&r->reader)) return false;
    struct node **end = &n->children;
    while (json_array_next(&r->reader)) {
        struct node *child = read_node(r);
        if (!child) return false;
        *end = child;
        end = &child->next;
        n->child_count++;
    }
    return json_ok(&r->reader);
}

static bool read_member(struct reading *r, const struct json_string key, struct node *n, bool *has_cmp)
{
    int index = 0;
    if (json_string_eq_nocase(key, SLICE("op"))) {
        if (!read_name(r, op_names, OP_COUNT, &index)) return false;
        n->op = (enum op)index;
        return true;
    }
    if (json_string_eq_nocase(key, SLICE("cmp"))) {
        if (!read_name(r, cmp_names, CMP_COUNT, &index)) return false;
        n->cmp = (enum cmp)index;
        *has_cmp = true;
        return true;
    }
    if (json_string_eq_nocase(key, SLICE("key"))) return read_text(r, &n->key);
    if (json_string_eq_nocase(key, SLICE("val"))) return read_text(r, &n->val);
    if (json_string_eq_nocase(key, SLICE("vals"))) return read_values(r, n);
    if (json_string_eq_nocase(key, SLICE("nodes"))) return read_children(r, n);
    return json_skip(&r->reader);
}

/* Rows HI-48 and HI-51: what each kind of node must and must not have. */
static bool is_well_formed(const struct node *n, bool has_cmp)
{
    switch (n->op) {
    case OP_AND:
    case OP_OR: return n->child_count > 0;
    case OP_NOT: return n->child_count == 1;
    default: break;
    }
    if (!has_cmp) return false;
    switch (n->cmp) {
    case CMP_EX:
    case CMP_NEX: return n->val.len == 0 && !n->vals;
    case CMP_IN:
    case CMP_NIN: return n->key.len > 0 && n->val.len == 0 && n->vals;
    default: return n->key.len > 0 && n->val.len > 0 && !n->vals;
    }
}

static struct node *read_node(struct reading *r)
{
    struct node *n = arena_alloc(r->arena, sizeof *n);
    if (!n || ++r->nodes > TAGS_FILTER_NODES_MAX || ++r->depth > TAGS_FILTER_DEPTH_MAX) {
        (void)fail(r, STATUS_TOO_LARGE, "the filter is too large");
        return NULL;
    }
    *n = (struct node){ 0 };
    bool has_cmp = false;
    struct json_string key;
    if (!json_object_begin(&r->reader)) return NULL;
    while (json_object_next(&r->reader, &key))
        if (!read_member(r, key, n, &has_cmp)) return NULL;
    if (!json_ok(&r->reader)) return NULL;
    if (!is_well_formed(n, has_cmp)) {
        (void)fail(r, STATUS_MALFORMED, "a node of the filter lacks something, or has too much");
        return NULL;
    }
    r->depth--;
    return n;
}

struct tags_filter *tags_filter_new(struct slice json, enum status *status)
{
    *status = STATUS_TOO_LARGE;
    if (json.len > TAGS_FILTER_BYTES_MAX) return NULL;
    *status = STATUS_NO_MEMORY;
    struct tags_filter *f = mem_part_alloc(MEM_SUBSCRIPTIONS, sizeof *f);
    if (!f) return NULL;
    arena_init(&f->arena, 4 * TAGS_FILTER_BYTES_MAX);
    struct reading r = { .arena = &f->arena };
    json_reader_init(&r.reader, json, 2 * TAGS_FILTER_DEPTH_MAX + 2);
    f->root = read_node(&r);
    if (f->root) {
        *status = STATUS_OK;
        return f;
    }
    *status = r.failed == STATUS_OK ? STATUS_MALFORMED : r.failed;
    tags_filter_free(f);
    return NULL;
}

void tags_filter_free(struct tags_filter *f)
{
    if (!f) return;
    arena_deinit(&f->arena);
    mem_part_free(MEM_SUBSCRIPTIONS, f);
}

/* ---- decimal numbers ---- */

#define DECIMAL_LEN_MAX      200 /* as the reference's decimal library */
#define DECIMAL_FRACTION_MAX 19

struct decimal {
    bool negative;
    struct slice whole, fraction; /* without zeros that do not count */
};

static size_t count_digits(struct slice s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9') n++;
    return n;
}

static bool decimal_parse(struct slice s, struct decimal *out)
{
    struct decimal d = { 0 };
    if (s.len == 0 || s.len > DECIMAL_LEN_MAX) return false;
    if (s.ptr[0] == '-' || s.ptr[0] == '+') {
        d.negative = s.ptr[0] == '-';
        s = slice_from(s, 1);
    }
    size_t whole = count_digits(s);
    if (whole == 0) return false;
    d.whole = slice_head(s, whole);
    s = slice_from(s, whole);
    if (s.len > 0) {
        d.fraction = slice_from(s, 1);
        if (s.ptr[0] != '.' || d.fraction.len == 0 || d.fraction.len > DECIMAL_FRACTION_MAX ||
            count_digits(d.fraction) != d.fraction.len)
            return false;
    }
    while (d.whole.len > 0 && d.whole.ptr[0] == '0') d.whole = slice_from(d.whole, 1);
    while (d.fraction.len > 0 && d.fraction.ptr[d.fraction.len - 1] == '0') d.fraction.len--;
    if (d.whole.len == 0 && d.fraction.len == 0) d.negative = false;
    *out = d;
    return true;
}

static int compare_magnitude(const struct decimal *a, const struct decimal *b)
{
    if (a->whole.len != b->whole.len) return a->whole.len < b->whole.len ? -1 : 1;
    int whole = slice_compare(a->whole, b->whole);
    return whole ? whole : slice_compare(a->fraction, b->fraction);
}

/* False when either is no decimal number. */
static bool decimal_compare(struct slice left, struct slice right, int *out)
{
    struct decimal a, b;
    if (!decimal_parse(left, &a) || !decimal_parse(right, &b)) return false;
    if (a.negative != b.negative) {
        *out = a.negative ? -1 : 1;
    } else {
        int magnitude = compare_magnitude(&a, &b);
        *out = a.negative ? -magnitude : magnitude;
    }
    return true;
}

/* ---- matching ---- */

static bool contains(struct slice text, struct slice part)
{
    return memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

static bool ends_with(struct slice text, struct slice end)
{
    return text.len >= end.len && slice_eq(slice_from(text, text.len - end.len), end);
}

static bool is_listed(const struct slice_list *list, struct slice value)
{
    for (; list; list = list->next)
        if (slice_eq(list->value, value)) return true;
    return false;
}

static bool match_number(const struct node *n, struct slice value)
{
    int order;
    if (!decimal_compare(value, n->val, &order)) return false;
    switch (n->cmp) {
    case CMP_LT: return order < 0;
    case CMP_LTE: return order <= 0;
    case CMP_GT: return order > 0;
    default: return order >= 0;
    }
}

/* Row HI-50: a missing key is the empty text for in and nin only. */
static bool match_leaf(const struct node *n, const struct publication_tag *tags, uint32_t tag_count)
{
    struct slice value = { "", 0 };
    bool there = false;
    for (uint32_t i = 0; i < tag_count && !there; i++) {
        if (!slice_eq(tags[i].key, n->key)) continue;
        value = tags[i].value;
        there = true;
    }
    switch (n->cmp) {
    case CMP_EQ: return there && slice_eq(value, n->val);
    case CMP_NEQ: return !there || !slice_eq(value, n->val);
    case CMP_IN: return is_listed(n->vals, value);
    case CMP_NIN: return !is_listed(n->vals, value);
    case CMP_EX: return there;
    case CMP_NEX: return !there;
    case CMP_SW: return there && slice_starts_with(value, n->val);
    case CMP_EW: return there && ends_with(value, n->val);
    case CMP_CT: return there && contains(value, n->val);
    default: return there && match_number(n, value);
    }
}

static bool match(const struct node *n, const struct publication_tag *tags, uint32_t tag_count)
{
    const struct node *child = n->children;
    switch (n->op) {
    case OP_AND:
        while (child && match(child, tags, tag_count)) child = child->next;
        return child == NULL;
    case OP_OR:
        while (child && !match(child, tags, tag_count)) child = child->next;
        return child != NULL;
    case OP_NOT: return !match(child, tags, tag_count);
    default: return match_leaf(n, tags, tag_count);
    }
}

bool tags_filter_match(const struct tags_filter *f, const struct publication_tag *tags, uint32_t tag_count)
{
    return match(f->root, tags, tag_count);
}
