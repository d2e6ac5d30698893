#include "config/config_settings.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/hash.h"
#include "config/config_value.h"

#define FULL_PATH_LEN_MAX 256 /* of options that we know */

static void *must_alloc(const struct config_settings *s, size_t len)
{
    void *memory = arena_alloc(s->arena, len);
    if (!memory) check_failed("out of memory for the configuration", __FILE__, __LINE__);
    return memory;
}

void config_settings_init(struct config_settings *s, struct arena *a, struct config_report *report, bool strict)
{
    *s = (struct config_settings){ .arena = a, .report = report };
    s->unknown_severity = strict ? CONFIG_SEVERITY_ERROR : CONFIG_SEVERITY_WARNING;
    s->names = config_names_new(a, config_table_top());
    s->last_ = &s->first;
    map_init(&s->by_path_);
    size_t lists = 0;
    for (size_t i = 0; i < s->names->count; i++) {
        const struct config_name *name = &s->names->items[i];
        if (name->option->type != CONFIG_ITEMS) continue;
        CHECK(lists < CONFIG_ITEM_LISTS);
        s->items[lists++] = (struct config_items){ .name = name, .names = config_names_new(a, name->option->table) };
    }
    CHECK(lists == CONFIG_ITEM_LISTS);
}

void config_settings_deinit(struct config_settings *s)
{
    map_deinit(&s->by_path_);
}

struct slice config_copy(const struct config_settings *s, struct slice text)
{
    char *copy = must_alloc(s, text.len + 1);
    if (text.len) memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return slice_of(copy, text.len);
}

struct slice config_format(const struct config_settings *s, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(len >= 0);
    char *out = must_alloc(s, (size_t)len + 1);
    (void)vsnprintf(out, (size_t)len + 1, format, again);
    va_end(again);
    return slice_of(out, (size_t)len);
}

static struct config_setting *find(const struct config_settings *s, struct slice path)
{
    for (struct map_node *n = map_first(&s->by_path_, hash_bytes(path, 0)); n; n = map_next_same(n)) {
        struct config_setting *setting = container_of(n, struct config_setting, node_);
        if (slice_eq(setting->path, path)) return setting;
    }
    return NULL;
}

struct config_setting *config_find(const struct config_settings *s, const char *path)
{
    return find(s, slice_from_cstr(path));
}

void config_set(struct config_settings *s, const struct config_name *name, struct slice path, struct config_value value,
                struct config_origin origin)
{
    struct config_setting *setting = find(s, path);
    if (!setting) {
        setting = must_alloc(s, sizeof *setting);
        *setting = (struct config_setting){ .path = path };
        setting->node_.hash = hash_bytes(path, 0);
        if (map_insert(&s->by_path_, &setting->node_) != STATUS_OK)
            check_failed("out of memory for the configuration", __FILE__, __LINE__);
        *s->last_ = setting;
        s->last_ = &setting->next;
    }
    setting->name = name;
    setting->value = value;
    setting->origin = origin;
}

void config_forget(struct config_settings *s, const char *path)
{
    struct config_setting *setting = config_find(s, path);
    if (!setting) return;
    map_remove(&s->by_path_, &setting->node_);
    struct config_setting **at = &s->first;
    while (*at != setting) at = &(*at)->next;
    *at = setting->next;
    if (s->last_ == &setting->next) s->last_ = at;
}

const struct config_items *config_items_of(const struct config_settings *s, const char *path)
{
    for (size_t i = 0; i < CONFIG_ITEM_LISTS; i++) {
        if (slice_eq(s->items[i].name->path, slice_from_cstr(path))) return &s->items[i];
    }
    check_failed("a list of items with this name", __FILE__, __LINE__);
}

struct slice config_item_path(const struct config_settings *s, const struct config_items *items, size_t index,
                              struct slice relative)
{
    return config_format(s, "%s[%zu]%s%.*s", items->name->path.ptr, index, relative.len ? "." : "",
                         SLICE_ARG(relative));
}

const char *config_item_name(const struct config_settings *s, const struct config_items *items, size_t index)
{
    char path[FULL_PATH_LEN_MAX];
    const int len = snprintf(path, sizeof path, "%s[%zu].name", items->name->path.ptr, index);
    CHECK(len > 0 && len < FULL_PATH_LEN_MAX);
    const struct config_setting *setting = config_find(s, path);
    return setting && setting->value.text ? setting->value.text : "";
}

/* The option behind a full path, in the table of items when there is an index in it. */
static const struct config_option *option_of(const struct config_settings *s, struct slice path)
{
    const ptrdiff_t bracket = slice_index(path, '['), end = slice_index(path, ']');
    const struct config_names *names = s->names;
    struct slice relative = path;
    for (size_t i = 0; bracket >= 0 && i < CONFIG_ITEM_LISTS; i++) {
        if (!slice_eq(s->items[i].name->path, slice_head(path, (size_t)bracket))) continue;
        names = s->items[i].names;
        relative = slice_from(path, (size_t)end + 2);
    }
    const struct config_name *name = config_names_find(names, relative);
    CHECK(name != NULL);
    return name->option;
}

static struct config_value get(const struct config_settings *s, struct slice path, enum config_type type)
{
    const struct config_option *option = option_of(s, path);
    CHECK(option->type == type);
    const struct config_setting *setting = find(s, path);
    return setting ? setting->value : config_value_default(option);
}

static uint64_t ms_of(int64_t ns)
{
    return ns <= 0 ? 0 : (uint64_t)(ns / CONFIG_MS_NS) + (ns % CONFIG_MS_NS != 0);
}

static const char *text_of(struct config_value value)
{
    return value.text ? value.text : "";
}

bool config_get_bool(const struct config_settings *s, const char *path)
{
    return get(s, slice_from_cstr(path), CONFIG_BOOL).number != 0;
}

int64_t config_get_int(const struct config_settings *s, const char *path)
{
    return get(s, slice_from_cstr(path), CONFIG_INT).number;
}

const char *config_get_text(const struct config_settings *s, const char *path)
{
    return text_of(get(s, slice_from_cstr(path), CONFIG_TEXT));
}

uint64_t config_get_ms(const struct config_settings *s, const char *path)
{
    return ms_of(get(s, slice_from_cstr(path), CONFIG_DURATION).number);
}

/* base and relative in one buffer of the caller's. */
static struct slice join(char out[static FULL_PATH_LEN_MAX], struct slice base, const char *relative)
{
    const int len = snprintf(out, FULL_PATH_LEN_MAX, "%.*s.%s", SLICE_ARG(base), relative);
    CHECK(len > 0 && len < FULL_PATH_LEN_MAX);
    return slice_of(out, (size_t)len);
}

bool config_get_bool_at(const struct config_settings *s, struct slice base, const char *relative)
{
    char path[FULL_PATH_LEN_MAX];
    return get(s, join(path, base, relative), CONFIG_BOOL).number != 0;
}

int64_t config_get_int_at(const struct config_settings *s, struct slice base, const char *relative)
{
    char path[FULL_PATH_LEN_MAX];
    return get(s, join(path, base, relative), CONFIG_INT).number;
}

const char *config_get_text_at(const struct config_settings *s, struct slice base, const char *relative)
{
    char path[FULL_PATH_LEN_MAX];
    return text_of(get(s, join(path, base, relative), CONFIG_TEXT));
}

uint64_t config_get_ms_at(const struct config_settings *s, struct slice base, const char *relative)
{
    char path[FULL_PATH_LEN_MAX];
    return ms_of(get(s, join(path, base, relative), CONFIG_DURATION).number);
}

const struct config_setting *config_find_at(const struct config_settings *s, struct slice base, const char *relative)
{
    char path[FULL_PATH_LEN_MAX];
    return find(s, join(path, base, relative));
}

struct config_origin config_origin_of(const struct config_settings *s, const char *path)
{
    const struct config_setting *setting = config_find(s, path);
    return setting ? setting->origin : (struct config_origin){ 0 };
}
