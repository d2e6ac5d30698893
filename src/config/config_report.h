/* config_report: what reading a configuration has to say: errors that stop the start
 * and warnings that do not. Sentences for people; nothing is printed here.
 *
 * Use: config_report_init(&r); c = config_load(&source, &r);
 *      config_report_write(&r, &buf, false); config_report_deinit(&r);
 * A sentence names the option, the value in quotes, what is allowed and where it came
 * from. Values of secrets are never in it. One thread. */
#ifndef XSHATHRA_CONFIG_CONFIG_REPORT_H
#define XSHATHRA_CONFIG_CONFIG_REPORT_H

#include "base/buf.h"

enum config_severity { CONFIG_SEVERITY_WARNING, CONFIG_SEVERITY_ERROR };

/* Where an option was set. A file's line counts from 1, 0 = unknown. */
struct config_origin {
    enum config_origin_kind {
        CONFIG_FROM_NOWHERE, /* the default, or the whole of the configuration */
        CONFIG_FROM_FILE,
        CONFIG_FROM_ENV,
        CONFIG_FROM_FLAG,
    } kind;
    const char *name; /* file, variable or flag; borrows the scratch memory of the load */
    unsigned line;
};

struct config_report_item {
    enum config_severity severity;
    char *path;     /* owned; the option, "" = none in particular */
    char *sentence; /* owned */
    char *origin;   /* owned; "config.json, line 7", "CENTRIFUGO_X", "--port", "" */
};

/* More items than this are only counted: a broken file must not fill the memory. */
#define CONFIG_REPORT_ITEMS_MAX 200

struct config_report {
    struct config_report_item *items; /* owned */
    size_t count;
    size_t error_count, warning_count; /* all of them, also those not kept */
};

void config_report_init(struct config_report *r);
void config_report_deinit(struct config_report *r);

/* False when an item more would only be counted. */
bool config_report_has_room(const struct config_report *r);
/* The sentence, without its full stop and origin, in printf form. */
void config_report_add(struct config_report *r, enum config_severity severity, const char *path,
                       struct config_origin origin, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Text: one line each, "error: …" before "warning: …". JSON: one object
 * {"ok","errors":[{"option","message","source"}],"warnings":[…]} and a newline. */
void config_report_write(const struct config_report *r, struct buf *out, bool json);

#endif
