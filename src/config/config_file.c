#include "config/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config_value.h"

struct reading {
    struct config_settings *s;
    struct json_reader r;
    struct slice text;
    struct config_origin origin; /* of the value being read; its line moves on */
    size_t counted_to;           /* newlines before this byte are in origin.line */
};

static void count_lines(struct reading *in, size_t position)
{
    for (; in->counted_to < position && in->counted_to < in->text.len; in->counted_to++)
        in->origin.line += in->text.ptr[in->counted_to] == '\n';
}

/* The origin of what comes next; only a file has lines. */
static struct config_origin here(struct reading *in)
{
    if (in->origin.kind == CONFIG_FROM_FILE) {
        (void)json_peek(&in->r);
        count_lines(in, json_position(&in->r));
    }
    return in->origin;
}

/* The key in lower case, in the arena. */
static struct slice take_key(struct config_settings *s, struct json_string key)
{
    const struct slice room = config_copy(s, key.raw);
    char *out = (char *)(uintptr_t)room.ptr;
    const size_t len = json_string_decode_to(key, out);
    for (size_t i = 0; i < len; i++) {
        if (out[i] >= 'A' && out[i] <= 'Z') out[i] = (char)(out[i] - 'A' + 'a');
        if (out[i] == '\0') out[i] = '?';
    }
    out[len] = '\0';
    return slice_of(out, len);
}

static struct slice below(struct config_settings *s, struct slice base, struct slice key)
{
    return base.len ? config_format(s, "%.*s.%.*s", SLICE_ARG(base), SLICE_ARG(key)) : key;
}

static void report_unknown(struct reading *in, const struct config_names *names, struct slice path, struct slice base,
                           struct config_origin origin)
{
    struct config_settings *s = in->s;
    const char *shown = below(s, base, path).ptr;
    const struct config_name *near = config_report_has_room(s->report) ? config_names_nearest(names, path) : NULL;
    const char *guess = near ? below(s, base, near->path).ptr : NULL;
    config_report_add(s->report, s->unknown_severity, shown, origin, "option \"%s\" is not known%s%s%s", shown,
                      guess ? ", did you mean \"" : "", guess ? guess : "", guess ? "\"?" : "");
}

static void report_twice(struct reading *in, struct slice path, struct config_origin origin)
{
    const struct config_setting *before = config_find(in->s, path.ptr);
    if (!before || before->origin.kind != CONFIG_FROM_FILE) return;
    config_report_add(in->s->report, CONFIG_SEVERITY_WARNING, path.ptr, origin,
                      "option \"%s\" is given twice, first in line %u, and the last one counts", path.ptr,
                      before->origin.line);
}

static struct config_items *find_items(struct config_settings *s, const struct config_name *name)
{
    size_t i = 0;
    while (s->items[i].name != name) i++;
    return &s->items[i];
}

static void read_items(struct reading *in, struct config_items *items);

static void read_option(struct reading *in, const struct config_name *name, struct slice base)
{
    const struct slice path = below(in->s, base, name->path);
    const struct config_origin origin = here(in);
    if (name->option->type == CONFIG_ITEMS) {
        read_items(in, find_items(in->s, name));
        return;
    }
    report_twice(in, path, origin);
    config_value_set_json(in->s, name, path, &in->r, origin);
}

/* A value that is no option's. */
static void pass_over(struct reading *in, const struct config_names *names, struct slice base, struct slice path,
                      bool is_section)
{
    const struct config_origin origin = here(in);
    const bool is_null = json_take_null(&in->r);
    if (!is_null && !json_skip(&in->r)) return;
    if (!is_section) {
        report_unknown(in, names, path, base, origin);
    } else if (!is_null) {
        const char *shown = below(in->s, base, path).ptr;
        config_report_add(in->s->report, CONFIG_SEVERITY_ERROR, shown, origin,
                          "option \"%s\" is a section, allowed is an object", shown);
    }
}

/* base is of the item whose options these are, empty at the top; section is relative to it. */
static void read_object(struct reading *in, const struct config_names *names, struct slice base, struct slice section)
{
    struct json_string key;
    if (!json_object_begin(&in->r)) return;
    while (json_object_next(&in->r, &key)) {
        const struct slice path = below(in->s, section, take_key(in->s, key));
        const struct config_name *name = config_names_find(names, path);
        const bool is_section = config_names_is_section(names, path);
        const enum json_type type = json_peek(&in->r);
        if (name && !(is_section && type == JSON_OBJECT)) {
            read_option(in, name, base);
        } else if (is_section && type == JSON_OBJECT) {
            read_object(in, names, base, path);
        } else {
            pass_over(in, names, base, path, is_section);
        }
    }
}

static void read_item(struct reading *in, struct config_items *items)
{
    const struct slice base = config_item_path(in->s, items, items->count, SLICE(""));
    const struct config_origin origin = here(in);
    if (json_peek(&in->r) != JSON_OBJECT || items->count == CONFIG_ITEMS_MAX) {
        const bool full = items->count == CONFIG_ITEMS_MAX;
        if (!json_skip(&in->r)) return;
        config_report_add(in->s->report, CONFIG_SEVERITY_ERROR, base.ptr, origin,
                          full ? "\"%s\" is one too many, allowed are %d" : "\"%s\" is not an object", base.ptr,
                          CONFIG_ITEMS_MAX);
        return;
    }
    items->count++;
    read_object(in, items->names, base, (struct slice){ 0 });
}

/* A list that comes again replaces the one before. */
static void forget_items(struct config_settings *s, struct config_items *items)
{
    const struct slice prefix = config_format(s, "%s[", items->name->path.ptr);
    for (struct config_setting *i = s->first, *next; i; i = next) {
        next = i->next;
        if (slice_starts_with(i->path, prefix)) config_forget(s, i->path.ptr);
    }
    items->count = 0;
}

static void read_items(struct reading *in, struct config_items *items)
{
    if (json_take_null(&in->r)) return;
    if (json_peek(&in->r) != JSON_ARRAY) {
        const struct config_origin origin = here(in);
        if (json_skip(&in->r))
            config_report_add(in->s->report, CONFIG_SEVERITY_ERROR, items->name->path.ptr, origin,
                              "option \"%s\" is not a list, allowed is a list of objects", items->name->path.ptr);
        return;
    }
    if (items->count) forget_items(in->s, items);
    if (!json_array_begin(&in->r)) return;
    while (json_array_next(&in->r)) read_item(in, items);
}

static void report_syntax(struct reading *in, const char *what)
{
    const size_t at = in->r.error.text ? in->r.error.position : json_position(&in->r);
    size_t column = 1, line = 1;
    for (size_t i = 0; i < at && i < in->text.len; i++) {
        column = in->text.ptr[i] == '\n' ? 1 : column + 1;
        line += in->text.ptr[i] == '\n';
    }
    config_report_add(in->s->report, CONFIG_SEVERITY_ERROR, "", (struct config_origin){ 0 }, "%s:%zu:%zu: %s",
                      in->origin.name, line, column, in->r.error.text ? in->r.error.text : what);
}

static void reading_init(struct reading *in, struct config_settings *s, struct slice text, struct config_origin origin)
{
    *in = (struct reading){ .s = s, .text = text, .origin = origin };
    json_reader_init(&in->r, text, JSON_DEPTH_DEFAULT);
}

void config_file_parse(struct config_settings *s, const char *name, struct slice text)
{
    struct reading in;
    reading_init(&in, s, text, (struct config_origin){ CONFIG_FROM_FILE, name, 1 });
    if (json_peek(&in.r) == JSON_OBJECT)
        read_object(&in, s->names, (struct slice){ 0 }, (struct slice){ 0 });
    else if (json_ok(&in.r))
        (void)json_fail(&in.r, "a configuration is a JSON object");
    if (!json_ok(&in.r))
        report_syntax(&in, "");
    else if (!json_at_end(&in.r))
        report_syntax(&in, "nothing may follow the object");
}

void config_file_parse_items(struct config_settings *s, struct config_items *items, struct slice text,
                             struct config_origin origin)
{
    struct reading in;
    reading_init(&in, s, text, origin);
    read_items(&in, items);
    if (!json_ok(&in.r) || !json_at_end(&in.r)) report_syntax(&in, "nothing may follow the list");
}

/* JSON by its name; the other formats have readers of their own, which are not here yet. */
static bool check_extension(struct config_settings *s, const char *path)
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    const char *extension = dot && (!slash || dot > slash) ? dot : "";
    if (slice_eq_nocase(slice_from_cstr(extension), SLICE(".json"))) return true;
    config_report_add(s->report, CONFIG_SEVERITY_ERROR, "", (struct config_origin){ 0 },
                      "configuration file \"%s\" has the extension \"%s\", allowed is \".json\"", path, extension);
    return false;
}

static void report_file(struct config_settings *s, const char *path, enum config_severity severity, const char *why)
{
    config_report_add(s->report, severity, "", (struct config_origin){ 0 }, "configuration file \"%s\": %s", path, why);
}

/* All of the file, or NULL with a report. */
static char *read_all(struct config_settings *s, const char *path, int fd, size_t *len)
{
    char *text = mem_must_alloc(CONFIG_FILE_BYTES_MAX + 1);
    ssize_t got = 1;
    *len = 0;
    while (got > 0 && *len <= CONFIG_FILE_BYTES_MAX) {
        got = read(fd, text + *len, CONFIG_FILE_BYTES_MAX + 1 - *len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            *len += (size_t)got;
    }
    if (got == 0) return text;
    report_file(s, path, CONFIG_SEVERITY_ERROR, got < 0 ? strerror(errno) : "is larger than 1 MiB");
    mem_free(text);
    return NULL;
}

void config_file_read(struct config_settings *s, const char *path, bool required)
{
    if (!check_extension(s, path)) return;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        const bool may_miss = errno == ENOENT && !required;
        report_file(s, path, may_miss ? CONFIG_SEVERITY_WARNING : CONFIG_SEVERITY_ERROR,
                    may_miss ? "not found, going on with defaults and environment" : strerror(errno));
        return;
    }
    size_t len;
    char *text = read_all(s, path, fd, &len);
    (void)close(fd);
    if (!text) return;
    config_file_parse(s, path, slice_of(text, len));
    mem_free(text);
}
