/* config_option: the table of every option there is, as data: what it is called, what
 * it may be, what it is when nobody sets it, and whether we have built it.
 *
 * Use: const struct config_table *t = config_table_top(); each row's path is relative
 *      to its table, and a row of type BLOCK or ITEMS stands for a table below it.
 * Source of truth: the options of Centrifugo v6 (configuration reference), and our own,
 * which are marked so. Static data; any thread. */
#ifndef XSHATHRA_CONFIG_CONFIG_OPTION_H
#define XSHATHRA_CONFIG_CONFIG_OPTION_H

#include "base/slice.h"

enum config_type {
    CONFIG_BOOL,
    CONFIG_INT,
    CONFIG_TEXT,
    CONFIG_DURATION,
    CONFIG_STRINGS, /* list of strings; in the environment separated by spaces */
    CONFIG_ANY,     /* objects and lists of something not built: passed over unread */
    CONFIG_BLOCK,   /* a table under this path */
    CONFIG_ITEMS,   /* list of objects with a name, each with the options of a table */
};

/* What happens when an option is set to something other than its default. */
enum config_state {
    CONFIG_BUILT,
    CONFIG_WARN,   /* not built; the server works without it */
    CONFIG_REFUSE, /* not built; decides who may do what, about encryption or about storage */
    CONFIG_PART,   /* not built, and idle until another option switches it on, which is told */
};

enum config_flag_bits {
    CONFIG_SECRET = 1,        /* the value is never shown */
    CONFIG_EMPTY_COUNTS = 2,  /* "" is a value of its own and does not mean the default */
    CONFIG_WHOLE_SECONDS = 4, /* no smaller part of a second */
};

struct config_table;

struct config_option {
    const char *path;
    enum config_type type;
    const char *standard; /* the default as text; NULL = false, 0, "" or an empty list */
    enum config_state state;
    unsigned flags;
    int64_t min, max;                 /* INT: both 0 = 0 to 2147483647 */
    const struct config_table *table; /* BLOCK and ITEMS */
};

struct config_table {
    const struct config_option *rows;
    size_t count;
};

/* All options by their full names. */
const struct config_table *config_table_top(void);

/* Repeated blocks, for the top table. */
extern const struct config_table CONFIG_TABLE_TLS, CONFIG_TABLE_SERVER_TLS, CONFIG_TABLE_PROXY, CONFIG_TABLE_TOKEN,
    CONFIG_TABLE_CHANNEL, CONFIG_TABLE_NAMESPACE, CONFIG_TABLE_RPC, CONFIG_TABLE_RPC_NAMESPACE,
    CONFIG_TABLE_NAMED_PROXY, CONFIG_TABLE_CONSUMER, CONFIG_TABLE_REDIS, CONFIG_TABLE_REDIS_ENGINE,
    CONFIG_TABLE_REDIS_BROKER, CONFIG_TABLE_REDIS_PRESENCE, CONFIG_TABLE_REDIS_MAP, CONFIG_TABLE_POSTGRES_STREAM,
    CONFIG_TABLE_POSTGRES_MAP, CONFIG_TABLE_POSTGRES_CONTROLLER, CONFIG_TABLE_NATS;

#endif
