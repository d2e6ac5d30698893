#include "config/config_report.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "json/json_writer.h"

/* Long enough for a sentence with a long value in it; the rest is cut. */
#define SENTENCE_LEN_MAX 1024
#define ORIGIN_LEN_MAX   512

void config_report_init(struct config_report *r)
{
    *r = (struct config_report){ 0 };
}

void config_report_deinit(struct config_report *r)
{
    for (size_t i = 0; i < r->count; i++) {
        mem_free(r->items[i].path);
        mem_free(r->items[i].sentence);
        mem_free(r->items[i].origin);
    }
    mem_free(r->items);
    config_report_init(r);
}

bool config_report_has_room(const struct config_report *r)
{
    return r->count < CONFIG_REPORT_ITEMS_MAX;
}

static char *must_copy(const char *text)
{
    const size_t len = strlen(text);
    char *copy = mem_must_alloc(len + 1);
    memcpy(copy, text, len + 1);
    return copy;
}

static char *origin_text(struct config_origin origin)
{
    char text[ORIGIN_LEN_MAX] = "";
    if (origin.kind == CONFIG_FROM_FILE && origin.line)
        (void)snprintf(text, sizeof text, "%s, line %u", origin.name, origin.line);
    else if (origin.kind != CONFIG_FROM_NOWHERE)
        (void)snprintf(text, sizeof text, "%s", origin.name);
    return must_copy(text);
}

/* A value may hold any bytes of the file: nothing that moves a terminal's cursor comes out. */
static void blank_controls(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = ' ';
    }
}

void config_report_add(struct config_report *r, enum config_severity severity, const char *path,
                       struct config_origin origin, const char *format, ...)
{
    if (severity == CONFIG_SEVERITY_ERROR)
        r->error_count++;
    else
        r->warning_count++;
    if (!config_report_has_room(r)) return;
    if (!r->items) r->items = mem_must_alloc_zero(CONFIG_REPORT_ITEMS_MAX * sizeof *r->items);
    char sentence[SENTENCE_LEN_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    blank_controls(sentence);
    struct config_report_item *item = &r->items[r->count++];
    *item = (struct config_report_item){ severity, must_copy(path), must_copy(sentence), origin_text(origin) };
    blank_controls(item->path);
    blank_controls(item->origin);
}

static size_t kept(const struct config_report *r, enum config_severity severity)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) count += r->items[i].severity == severity;
    return count;
}

static void write_text(const struct config_report *r, enum config_severity severity, struct buf *out)
{
    const bool is_error = severity == CONFIG_SEVERITY_ERROR;
    const char *word = is_error ? "error" : "warning";
    for (size_t i = 0; i < r->count; i++) {
        const struct config_report_item *item = &r->items[i];
        if (item->severity != severity) continue;
        buf_printf(out, "%s: %s", word, item->sentence);
        if (item->origin[0]) buf_printf(out, " (from %s)", item->origin);
        buf_append_char(out, '\n');
    }
    const size_t all = is_error ? r->error_count : r->warning_count, shown = kept(r, severity);
    if (all > shown) buf_printf(out, "%s: and %zu more\n", word, all - shown);
}

static void write_json(const struct config_report *r, enum config_severity severity, struct json_writer *w)
{
    json_write_array_begin(w);
    for (size_t i = 0; i < r->count; i++) {
        const struct config_report_item *item = &r->items[i];
        if (item->severity != severity) continue;
        json_write_object_begin(w);
        json_write_name(w, SLICE("option"));
        json_write_string(w, slice_from_cstr(item->path));
        json_write_name(w, SLICE("message"));
        json_write_string(w, slice_from_cstr(item->sentence));
        json_write_name(w, SLICE("source"));
        json_write_string(w, slice_from_cstr(item->origin));
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

void config_report_write(const struct config_report *r, struct buf *out, bool json)
{
    if (!json) {
        write_text(r, CONFIG_SEVERITY_ERROR, out);
        write_text(r, CONFIG_SEVERITY_WARNING, out);
        return;
    }
    struct json_writer w = json_writer_to(out);
    json_write_object_begin(&w);
    json_write_name(&w, SLICE("ok"));
    json_write_bool(&w, r->error_count == 0);
    json_write_name(&w, SLICE("errors"));
    write_json(r, CONFIG_SEVERITY_ERROR, &w);
    json_write_name(&w, SLICE("warnings"));
    write_json(r, CONFIG_SEVERITY_WARNING, &w);
    json_write_object_end(&w);
    buf_append_char(out, '\n');
}
