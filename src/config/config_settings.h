/* config_settings: what was set, by whom, before it becomes a struct config. Later
 * settings of the same option win, so they are made in the order of precedence.
 *
 * Use: config_settings_init(&s, &arena, report, strict); config_file_read(&s, ...);
 *      config_env_read(&s, ...); n = config_get_int(&s, "client.channel_limit");
 * All memory is the arena's, which outlives it. One thread; stops when memory is out
 * (start-up and reload only). */
#ifndef XSHATHRA_CONFIG_CONFIG_SETTINGS_H
#define XSHATHRA_CONFIG_CONFIG_SETTINGS_H

#include "base/arena.h"
#include "base/map.h"
#include "config/config_names.h"
#include "config/config_report.h"

/* Lists longer than this are a slip, and would make the checks on them slow. */
#define CONFIG_ITEMS_MAX 4096

struct config_value {
    bool is_default;   /* equal to the option's default */
    int64_t number;    /* BOOL, INT, DURATION in nanoseconds */
    const char *text;  /* TEXT; NULL = none */
    const char **list; /* STRINGS */
    size_t list_count;
};

struct config_setting {
    struct map_node node_;
    const struct config_name *name;
    struct slice path; /* full: "channel.namespaces[2].presence"; NUL-terminated */
    struct config_value value;
    struct config_origin origin;
    struct config_setting *next; /* in the order of first setting */
};

/* An option of type ITEMS. */
struct config_items {
    const struct config_name *name;
    struct config_names *names; /* of its items */
    size_t count;
};
#define CONFIG_ITEM_LISTS 4

struct config_settings {
    struct arena *arena;
    struct config_report *report;
    enum config_severity unknown_severity; /* of an option that nobody knows */
    struct config_names *names;
    struct config_items items[CONFIG_ITEM_LISTS];
    struct map by_path_;
    struct config_setting *first, **last_;
};

void config_settings_init(struct config_settings *s, struct arena *a, struct config_report *report, bool strict);
void config_settings_deinit(struct config_settings *s);

/* A copy that ends in NUL. */
struct slice config_copy(const struct config_settings *s, struct slice text);
/* printf into the arena. */
struct slice config_format(const struct config_settings *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct config_setting *config_find(const struct config_settings *s, const char *path);
/* Sets or overrides. path is kept: it lies in the arena. */
void config_set(struct config_settings *s, const struct config_name *name, struct slice path, struct config_value value,
                struct config_origin origin);
/* As if it had never been set. */
void config_forget(struct config_settings *s, const char *path);

/* The list whose option has this path; there is one. */
const struct config_items *config_items_of(const struct config_settings *s, const char *path);
/* "channel.namespaces[2].presence", in the arena */
struct slice config_item_path(const struct config_settings *s, const struct config_items *items, size_t index,
                              struct slice relative);

/* What the item is called, "" when it has no name. */
const char *config_item_name(const struct config_settings *s, const struct config_items *items, size_t index);

/* The value or the option's default; names are known to be right. Text is never NULL. */
bool config_get_bool(const struct config_settings *s, const char *path);
int64_t config_get_int(const struct config_settings *s, const char *path);
const char *config_get_text(const struct config_settings *s, const char *path);
/* Milliseconds, rounded up. */
uint64_t config_get_ms(const struct config_settings *s, const char *path);
/* The same for an option of an item or a block: base and relative are put together. */
bool config_get_bool_at(const struct config_settings *s, struct slice base, const char *relative);
int64_t config_get_int_at(const struct config_settings *s, struct slice base, const char *relative);
const char *config_get_text_at(const struct config_settings *s, struct slice base, const char *relative);
uint64_t config_get_ms_at(const struct config_settings *s, struct slice base, const char *relative);
const struct config_setting *config_find_at(const struct config_settings *s, struct slice base, const char *relative);
/* Where it was set, for a report. */
struct config_origin config_origin_of(const struct config_settings *s, const char *path);

#endif
