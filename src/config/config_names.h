/* config_names: the option tables laid out flat, with full names and environment names,
 * for looking up what a file or a variable means.
 *
 * Use: struct config_names *n = config_names_new(arena, config_table_top());
 *      name = config_names_find(n, SLICE("client.ping_interval"));
 * All memory is the arena's. One thread. */
#ifndef XSHATHRA_CONFIG_CONFIG_NAMES_H
#define XSHATHRA_CONFIG_CONFIG_NAMES_H

#include "base/arena.h"
#include "config/config_option.h"

struct config_name {
    struct slice path; /* "client.token.audience"; relative to the item for a table of items */
    struct slice env;  /* the same as "CLIENT_TOKEN_AUDIENCE" */
    const struct config_option *option;
    enum config_state state; /* PART when a block around it is */
};

struct config_names {
    struct config_name *items; /* sorted by path */
    size_t count, cap_;
};

/* Stops when memory is out. */
struct config_names *config_names_new(struct arena *a, const struct config_table *table);

/* Paths in lower case. NULL = no such option; for is_section: no option begins with path and a dot. */
const struct config_name *config_names_find(const struct config_names *names, struct slice path);
bool config_names_is_section(const struct config_names *names, struct slice path);
/* env without the prefix. An option of type ANY also takes what is below it. */
const struct config_name *config_names_find_env(const struct config_names *names, struct slice env);

/* The best guess at what was meant by an unknown path (or variable), or NULL. */
const struct config_name *config_names_nearest(const struct config_names *names, struct slice path);

#endif
