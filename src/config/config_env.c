#include "config/config_env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "config/config_file.h"
#include "config/config_value.h"

#define PREFIX SLICE("CENTRIFUGO_")

struct variable {
    struct slice name; /* without the prefix; NUL-terminated after the value's '=' is gone */
    struct slice value;
    struct config_origin origin;
    struct variable *next;
};

struct variables {
    struct variable *first, **last;
};

static const struct variable *find(const struct variables *all, struct slice name)
{
    for (const struct variable *v = all->first; v; v = v->next) {
        if (slice_eq(v->name, name)) return v;
    }
    return NULL;
}

/* Names that are not ours and empty values are as good as absent; the first of a name counts. */
static void add(struct config_settings *s, struct variables *all, struct slice name, struct slice value,
                const char *file)
{
    if (!slice_starts_with(name, PREFIX) || value.len == 0) return;
    const struct slice rest = slice_from(name, PREFIX.len);
    if (find(all, rest)) return;
    struct variable *v = arena_alloc(s->arena, sizeof *v);
    if (!v) check_failed("out of memory for the configuration", __FILE__, __LINE__);
    const struct slice whole = config_copy(s, name);
    const char *shown = file ? config_format(s, "%s in %s", whole.ptr, file).ptr : whole.ptr;
    *v = (struct variable){ slice_from(whole, PREFIX.len), config_copy(s, value), { CONFIG_FROM_ENV, shown, 0 }, NULL };
    *all->last = v;
    all->last = &v->next;
}

static void add_environ(struct config_settings *s, struct variables *all, char *const *list)
{
    for (; list && *list; list++) {
        const struct slice entry = slice_from_cstr(*list);
        const ptrdiff_t equals = slice_index(entry, '=');
        if (equals > 0) add(s, all, slice_head(entry, (size_t)equals), slice_from(entry, (size_t)equals + 1), NULL);
    }
}

static struct slice trim(struct slice text)
{
    text = slice_trim(text);
    if (text.len && text.ptr[text.len - 1] == '\r') text = slice_trim(slice_head(text, text.len - 1));
    return text;
}

/* In double quotes \n and \r are those characters, and a backslash before another one goes. */
static struct slice unquote(struct config_settings *s, struct slice text)
{
    const struct slice copy = config_copy(s, text);
    char *out = (char *)(uintptr_t)copy.ptr;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\\' && i + 1 < text.len) {
            c = text.ptr[++i];
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c;
        }
        out[len++] = c;
    }
    return slice_of(out, len);
}

/* Length up to the closing quote, or -1. */
static ptrdiff_t quoted_len(struct slice text, char quote)
{
    for (size_t i = 0; i < text.len; i++) {
        if (quote == '"' && text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == quote)
            return (ptrdiff_t)i;
    }
    return -1;
}

static struct slice dotenv_value(struct config_settings *s, struct slice text)
{
    const char quote = text.len ? text.ptr[0] : '\0';
    if (quote == '"' || quote == '\'') {
        const struct slice inner = slice_from(text, 1);
        const ptrdiff_t len = quoted_len(inner, quote);
        if (len >= 0 && quote == '"') return unquote(s, slice_head(inner, (size_t)len));
        if (len >= 0) return slice_head(inner, (size_t)len);
    }
    const char *comment = text.len ? memmem(text.ptr, text.len, " #", 2) : NULL;
    return comment ? trim(slice_head(text, (size_t)(comment - text.ptr))) : text;
}

static void add_dotenv_line(struct config_settings *s, struct variables *all, struct slice line, const char *path)
{
    line = trim(line);
    if (line.len == 0 || line.ptr[0] == '#') return;
    if (slice_starts_with(line, SLICE("export "))) line = slice_trim(slice_from(line, 7));
    const ptrdiff_t equals = slice_index(line, '=');
    if (equals <= 0) return;
    const struct slice value = dotenv_value(s, slice_trim(slice_from(line, (size_t)equals + 1)));
    add(s, all, slice_trim(slice_head(line, (size_t)equals)), value, path);
}

static void add_dotenv(struct config_settings *s, struct variables *all, const char *path)
{
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    char *text = arena_alloc(s->arena, CONFIG_DOTENV_BYTES_MAX);
    size_t len = 0;
    ssize_t got = 1;
    while (text && got > 0 && len < CONFIG_DOTENV_BYTES_MAX) {
        got = read(fd, text + len, CONFIG_DOTENV_BYTES_MAX - len);
        if (got > 0) len += (size_t)got;
    }
    (void)close(fd);
    if (got != 0) {
        config_report_add(s->report, CONFIG_SEVERITY_ERROR, "", (struct config_origin){ 0 }, "file \"%s\": %s", path,
                          got < 0 ? strerror(errno) : "is larger than 64 KiB");
        return;
    }
    for (struct slice rest = slice_of(text, len); rest.len;) {
        const ptrdiff_t newline = slice_index(rest, '\n');
        const size_t line_len = newline < 0 ? rest.len : (size_t)newline;
        add_dotenv_line(s, all, slice_head(rest, line_len), path);
        rest = slice_from(rest, line_len + 1);
    }
}

static bool has_item(const struct config_settings *s, const struct config_items *items, struct slice name)
{
    for (size_t i = 0; i < items->count; i++) {
        if (slice_eq(slice_from_cstr(config_item_name(s, items, i)), name)) return true;
    }
    return false;
}

static void name_item(struct config_settings *s, struct config_items *items, struct slice word,
                      struct config_origin origin)
{
    if (has_item(s, items, word)) return;
    if (items->count == CONFIG_ITEMS_MAX) return;
    const struct config_name *name = config_names_find(items->names, SLICE("name"));
    const struct slice path = config_item_path(s, items, items->count++, name->path);
    config_value_set_text(s, name, path, word, origin);
}

/* Either a list in JSON, which replaces what the file says, or the names of items to add. */
static void read_list(struct config_settings *s, struct config_items *items, const struct variable *v)
{
    const struct slice value = slice_trim(v->value);
    if (value.len && value.ptr[0] == '[' && value.ptr[value.len - 1] == ']') {
        config_file_parse_items(s, items, value, v->origin);
        return;
    }
    for (struct slice rest = value; rest.len;) {
        const ptrdiff_t space = slice_index(rest, ' ');
        const struct slice word = space < 0 ? rest : slice_head(rest, (size_t)space);
        if (word.len) name_item(s, items, word, v->origin);
        rest = slice_from(rest, word.len + 1);
    }
}

/* True when variable begins with the list's name and that of the item; *rest is what follows. */
static bool names_item(const struct config_items *items, const char *item, struct slice variable, struct slice *rest)
{
    if (!slice_starts_with(variable, items->name->env)) return false;
    struct slice at = slice_from(variable, items->name->env.len);
    if (at.len == 0 || at.ptr[0] != '_') return false;
    at = slice_from(at, 1);
    for (; *item; item++, at = slice_from(at, 1)) {
        char c = *item == '.' || *item == '-' ? '_' : *item;
        if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
        if (at.len == 0 || at.ptr[0] != c) return false;
    }
    if (at.len == 0 || at.ptr[0] != '_') return false;
    *rest = slice_from(at, 1);
    return true;
}

static bool set_item_option(struct config_settings *s, struct config_items *items, const struct variable *v)
{
    bool found = false;
    for (size_t i = 0; i < items->count; i++) {
        struct slice rest;
        if (!names_item(items, config_item_name(s, items, i), v->name, &rest)) continue;
        const struct config_name *name = config_names_find_env(items->names, rest);
        if (!name) continue;
        config_value_set_text(s, name, config_item_path(s, items, i, name->path), v->value, v->origin);
        found = true;
    }
    return found;
}

/* Names of the time before version 6, which deployments still give their secrets. */
static const struct old_name {
    const char *name, *path;
} OLD_NAMES[] = {
    { "TOKEN_HMAC_SECRET_KEY", "client.token.hmac_secret_key" },
    { "API_KEY", "http_api.key" },
};

static void set_old(struct config_settings *s, const struct old_name *old, const struct variable *v)
{
    const struct config_setting *now = config_find(s, old->path);
    const char *before = now ? now->value.text : NULL;
    if (before && before[0] && !slice_eq(slice_from_cstr(before), v->value)) {
        config_report_add(s->report, CONFIG_SEVERITY_ERROR, old->path, v->origin,
                          "option \"%s\" is set twice to different secrets, by %s and by %s, allowed is one of them",
                          old->path, v->origin.name, now->origin.name);
        return;
    }
    const struct config_name *name = config_names_find(s->names, slice_from_cstr(old->path));
    config_value_set_text(s, name, name->path, v->value, v->origin);
}

/* NULL: not one of them. */
static const struct old_name *find_old(const struct variable *v)
{
    for (size_t i = 0; i < ARRAY_COUNT(OLD_NAMES); i++) {
        if (slice_eq(v->name, slice_from_cstr(OLD_NAMES[i].name))) return &OLD_NAMES[i];
    }
    return NULL;
}

/* Variables for values inside others, and those that Kubernetes sets for a service
 * called centrifugo: CENTRIFUGO_PORT…, CENTRIFUGO_SERVICE_…, also with a suffix. */
static bool is_foreign(struct slice name)
{
    static const struct slice marks[] = { { "PORT", 4 }, { "SERVICE_", 8 } };
    if (slice_starts_with(name, SLICE("VAR_"))) return true;
    for (size_t i = 0; i < ARRAY_COUNT(marks); i++) {
        if (slice_starts_with(name, marks[i])) return true;
        for (size_t at = 1; at + 1 < name.len; at++) {
            if (name.ptr[at] == '_' && slice_starts_with(slice_from(name, at + 1), marks[i])) return true;
        }
    }
    return false;
}

static void report_unknown(struct config_settings *s, const struct variable *v)
{
    const struct config_name *near = config_report_has_room(s->report) ? config_names_nearest(s->names, v->name) : NULL;
    config_report_add(s->report, s->unknown_severity, "", v->origin, "variable \"CENTRIFUGO_%s\" is not known%s%s%s",
                      v->name.ptr, near ? ", did you mean \"CENTRIFUGO_" : "", near ? near->env.ptr : "",
                      near ? "\"?" : "");
}

static bool set_option(struct config_settings *s, const struct variable *v)
{
    const struct config_name *name = config_names_find_env(s->names, v->name);
    if (name && name->option->type != CONFIG_ITEMS) config_value_set_text(s, name, name->path, v->value, v->origin);
    bool found = name != NULL;
    for (size_t i = 0; !found && i < CONFIG_ITEM_LISTS; i++) found = set_item_option(s, &s->items[i], v);
    return found;
}

void config_env_read(struct config_settings *s, char *const *environ_list, const char *dotenv_path)
{
    struct variables all = { NULL, &all.first };
    add_environ(s, &all, environ_list);
    add_dotenv(s, &all, dotenv_path);
    /* lists first: other variables name their items */
    for (size_t i = 0; i < CONFIG_ITEM_LISTS; i++) {
        const struct variable *v = find(&all, s->items[i].name->env);
        if (v) read_list(s, &s->items[i], v);
    }
    for (const struct variable *v = all.first; v; v = v->next) {
        if (find_old(v) || set_option(s, v) || is_foreign(v->name)) continue;
        report_unknown(s, v);
    }
    /* last, so that what the new names say is known */
    for (const struct variable *v = all.first; v; v = v->next) {
        const struct old_name *old = find_old(v);
        if (old) set_old(s, old, v);
    }
}
