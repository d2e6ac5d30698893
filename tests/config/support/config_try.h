/* config_try: load a configuration from text and variables, and look for sentences. */
#ifndef XSHATHRA_TESTS_CONFIG_SUPPORT_CONFIG_TRY_H
#define XSHATHRA_TESTS_CONFIG_SUPPORT_CONFIG_TRY_H

#include "config/config.h"

struct config_try {
    struct config *config; /* NULL when refused */
    struct config_report report;
    struct buf text; /* the report as text, NUL-terminated */
};

/* variables is a list of "NAME=value" that ends in NULL, or NULL. */
void config_try_load(struct config_try *t, const char *json, char *const *variables);
void config_try_source(struct config_try *t, const struct config_source *source);
void config_try_end(struct config_try *t);
bool config_try_says(const struct config_try *t, const char *sentence);

#endif
