#include "config/config_value.h"

#include "base/check.h"

#define SHOWN_LEN_MAX 80

/* All a setter needs to know, and to say when the value is wrong. */
struct target {
    struct config_settings *s;
    const struct config_name *name;
    struct slice path;
    struct config_origin origin;
};

const char *config_value_shown(struct config_settings *s, const struct config_name *name, struct slice text)
{
    if (name && name->option->flags & CONFIG_SECRET) return "(hidden)";
    const bool cut = text.len > SHOWN_LEN_MAX;
    return config_format(s, "%.*s%s", SLICE_ARG(slice_head(text, SHOWN_LEN_MAX)), cut ? "..." : "").ptr;
}

static void refuse(const struct target *t, struct slice text, const char *allowed)
{
    config_report_add(t->s->report, CONFIG_SEVERITY_ERROR, t->path.ptr, t->origin,
                      "option \"%s\" is \"%s\", allowed is %s", t->path.ptr, config_value_shown(t->s, t->name, text),
                      allowed);
}

static void refuse_json(const struct target *t, const char *given, const char *allowed)
{
    config_report_add(t->s->report, CONFIG_SEVERITY_ERROR, t->path.ptr, t->origin, "option \"%s\" is %s, allowed is %s",
                      t->path.ptr, given, allowed);
}

/* As Go's strconv.ParseBool. */
static bool parse_bool(struct slice text, int64_t *out)
{
    static const char *const truths[] = { "1", "t", "T", "true", "TRUE", "True" };
    static const char *const lies[] = { "0", "f", "F", "false", "FALSE", "False" };
    for (size_t i = 0; i < ARRAY_COUNT(truths); i++) {
        const bool yes = slice_eq(text, slice_from_cstr(truths[i]));
        if (!yes && !slice_eq(text, slice_from_cstr(lies[i]))) continue;
        *out = yes;
        return true;
    }
    return false;
}

static int64_t int_min(const struct config_option *o)
{
    return o->min;
}
static int64_t int_max(const struct config_option *o)
{
    return o->min == 0 && o->max == 0 ? INT32_MAX : o->max;
}

static const char *allowed_for(const struct target *t)
{
    const struct config_option *o = t->name->option;
    switch (o->type) {
    case CONFIG_BOOL: return "true or false";
    case CONFIG_INT:
        return config_format(t->s, "a whole number from %lld to %lld", (long long)int_min(o), (long long)int_max(o))
            .ptr;
    case CONFIG_DURATION:
        if (o->flags & CONFIG_WHOLE_SECONDS) return "a time in whole seconds such as \"25s\", \"1m30s\" or \"720h\"";
        return "a time with a unit such as \"25s\", \"1m30s\" or \"300ms\"";
    case CONFIG_STRINGS: return "a list of strings";
    case CONFIG_TEXT: return "a string";
    case CONFIG_ANY:
    case CONFIG_BLOCK:
    case CONFIG_ITEMS: break;
    }
    return "a list";
}

static bool parse_number(const struct config_option *o, struct slice text, int64_t *out)
{
    if (o->type == CONFIG_BOOL) return parse_bool(text, out);
    if (o->type == CONFIG_DURATION) return config_duration_parse(text, out);
    return slice_to_i64(text, out);
}

/* Options that idle may be as they like: only what we use is held to its bounds. */
static bool in_bounds(const struct target *t, int64_t number)
{
    const struct config_option *o = t->name->option;
    if (t->name->state == CONFIG_PART || o->type == CONFIG_BOOL) return true;
    if (o->type == CONFIG_INT) return number >= int_min(o) && number <= int_max(o);
    return number >= 0 && !(o->flags & CONFIG_WHOLE_SECONDS && number % CONFIG_SECOND_NS != 0);
}

struct config_value config_value_default(const struct config_option *option)
{
    struct config_value v = { .is_default = true };
    const struct slice text = slice_from_cstr(option->standard);
    if (option->type == CONFIG_TEXT)
        v.text = option->standard;
    else if (text.len && option->type != CONFIG_STRINGS)
        CHECK(parse_number(option, text, &v.number));
    return v;
}

/* 0 stands for the default where that is another number, as in Centrifugo. */
static void set_number(const struct target *t, struct slice text, int64_t number)
{
    const struct config_value standard = config_value_default(t->name->option);
    if (number == 0 && standard.number != 0) {
        config_report_add(t->s->report, CONFIG_SEVERITY_WARNING, t->path.ptr, t->origin,
                          "option \"%s\" is \"%s\", which means its default, \"%s\"", t->path.ptr,
                          config_value_shown(t->s, t->name, text), t->name->option->standard);
        number = standard.number;
    }
    if (!in_bounds(t, number)) {
        refuse(t, text, allowed_for(t));
        return;
    }
    const struct config_value v = { .number = number, .is_default = number == standard.number };
    config_set(t->s, t->name, t->path, v, t->origin);
}

/* "" means the default, unless empty is a value of its own. */
static void set_string(const struct target *t, struct slice text)
{
    const struct config_option *o = t->name->option;
    if (text.len && memchr(text.ptr, 0, text.len)) {
        refuse(t, text, "a string without NUL");
        return;
    }
    const bool standard = text.len == 0 && !(o->flags & CONFIG_EMPTY_COUNTS);
    struct config_value v = { .text = standard ? o->standard : config_copy(t->s, text).ptr };
    v.is_default = slice_eq(slice_from_cstr(v.text), slice_from_cstr(o->standard));
    config_set(t->s, t->name, t->path, v, t->origin);
}

static void set_scalar(const struct target *t, struct slice text)
{
    int64_t number;
    if (t->name->option->type == CONFIG_TEXT)
        set_string(t, text);
    else if (parse_number(t->name->option, text, &number))
        set_number(t, text, number);
    else
        refuse(t, text, allowed_for(t));
}

struct list {
    const char **items;
    size_t count, cap;
};

static void list_add(const struct target *t, struct list *l, struct slice item)
{
    if (l->count == l->cap) {
        const size_t cap = l->cap ? 2 * l->cap : 8;
        const char **items = arena_alloc(t->s->arena, cap * sizeof *items);
        if (!items) check_failed("out of memory for the configuration", __FILE__, __LINE__);
        if (l->count) memcpy(items, l->items, l->count * sizeof *items);
        l->items = items;
        l->cap = cap;
    }
    l->items[l->count++] = config_copy(t->s, item).ptr;
}

static void set_list(const struct target *t, const struct list *l)
{
    const struct config_value v = { .list = l->items, .list_count = l->count, .is_default = l->count == 0 };
    config_set(t->s, t->name, t->path, v, t->origin);
}

static void set_words(const struct target *t, struct slice text)
{
    struct list l = { 0 };
    while (text.len) {
        const ptrdiff_t space = slice_index(text, ' ');
        const struct slice word = space < 0 ? text : slice_head(text, (size_t)space);
        if (word.len) list_add(t, &l, word);
        text = slice_from(text, word.len + 1);
    }
    set_list(t, &l);
}

static void set_present(const struct target *t)
{
    config_set(t->s, t->name, t->path, (struct config_value){ 0 }, t->origin);
}

void config_value_set_text(struct config_settings *s, const struct config_name *name, struct slice path,
                           struct slice text, struct config_origin origin)
{
    const struct target t = { s, name, path, origin };
    CHECK(name->option->type != CONFIG_ITEMS);
    if (name->option->type == CONFIG_STRINGS)
        set_words(&t, text);
    else if (name->option->type == CONFIG_ANY)
        set_present(&t);
    else
        set_scalar(&t, text);
}

static struct slice decode(const struct target *t, struct json_string text)
{
    struct slice out;
    if (json_string_decode(text, t->s->arena, &out) != STATUS_OK)
        check_failed("out of memory for the configuration", __FILE__, __LINE__);
    return out;
}

static void set_json_array(const struct target *t, struct json_reader *r)
{
    struct list l = { 0 };
    bool good = true;
    if (!json_array_begin(r)) return;
    while (json_array_next(r)) {
        struct json_string item;
        if (json_peek(r) != JSON_STRING) {
            good = false;
            (void)json_skip(r);
        } else if (json_string(r, &item)) {
            const struct slice text = decode(t, item);
            good = good && !(text.len && memchr(text.ptr, 0, text.len));
            list_add(t, &l, text);
        }
    }
    if (good)
        set_list(t, &l);
    else
        refuse_json(t, "a list with something other than strings in it", allowed_for(t));
}

/* A number without a unit counts nanoseconds; nobody who writes 25 means that. */
static void set_json_duration(const struct target *t, struct slice digits)
{
    int64_t ns;
    if (!slice_to_i64(digits, &ns) || (ns != 0 && ns < CONFIG_MS_NS))
        refuse(t, digits, allowed_for(t));
    else
        set_number(t, digits, ns);
}

/* A string where a list is wanted is the list of that one. */
static void set_one(const struct target *t, struct slice text)
{
    struct list l = { 0 };
    if (text.len && memchr(text.ptr, 0, text.len)) {
        refuse(t, text, "a string without NUL");
        return;
    }
    if (text.len) list_add(t, &l, text);
    set_list(t, &l);
}

static void set_json_string(const struct target *t, struct json_reader *r)
{
    struct json_string text;
    if (!json_string(r, &text)) return;
    if (t->name->option->type == CONFIG_STRINGS)
        set_one(t, decode(t, text));
    else
        set_scalar(t, decode(t, text));
}

static void set_json_number(const struct target *t, struct json_reader *r)
{
    struct slice digits;
    if (!json_number(r, &digits)) return;
    if (t->name->option->type == CONFIG_DURATION)
        set_json_duration(t, digits);
    else if (t->name->option->type == CONFIG_STRINGS)
        refuse(t, digits, allowed_for(t));
    else
        set_scalar(t, digits);
}

static void set_json_bool(const struct target *t, struct json_reader *r)
{
    bool value;
    if (!json_bool(r, &value)) return;
    if (t->name->option->type == CONFIG_BOOL)
        set_number(t, SLICE(""), value);
    else
        refuse(t, value ? SLICE("true") : SLICE("false"), allowed_for(t));
}

static void refuse_container(const struct target *t, struct json_reader *r, const char *given)
{
    if (json_skip(r)) refuse_json(t, given, allowed_for(t));
}

void config_value_set_json(struct config_settings *s, const struct config_name *name, struct slice path,
                           struct json_reader *r, struct config_origin origin)
{
    const struct target t = { s, name, path, origin };
    if (json_take_null(r)) return;
    if (name->option->type == CONFIG_ANY) {
        if (json_skip(r)) set_present(&t);
        return;
    }
    switch (json_peek(r)) {
    case JSON_STRING: set_json_string(&t, r); break;
    case JSON_NUMBER: set_json_number(&t, r); break;
    case JSON_BOOL: set_json_bool(&t, r); break;
    case JSON_OBJECT: refuse_container(&t, r, "an object"); break;
    case JSON_ARRAY:
        if (name->option->type == CONFIG_STRINGS)
            set_json_array(&t, r);
        else
            refuse_container(&t, r, "a list");
        break;
    case JSON_NULL:
    case JSON_BROKEN: (void)json_skip(r); break;
    }
}
