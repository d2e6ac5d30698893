/* config_value: the value of one option, from the text of a variable or flag or from a
 * value of JSON, checked against the option's row.
 *
 * Use: if (config_value_set_text(&settings, name, path, text, origin)) ...
 * A value that is wrong becomes an error in the report, and nothing is set. Source of
 * truth: what Centrifugo takes in each place (weakly typed: "8000" is a number too). */
#ifndef XSHATHRA_CONFIG_CONFIG_VALUE_H
#define XSHATHRA_CONFIG_CONFIG_VALUE_H

#include "config/config_duration.h"
#include "config/config_settings.h"
#include "json/json_reader.h"

/* Of any type but BLOCK and ITEMS. */
struct config_value config_value_default(const struct config_option *option);

/* From a variable of the environment or a flag. ITEMS are not for it. */
void config_value_set_text(struct config_settings *s, const struct config_name *name, struct slice path,
                           struct slice text, struct config_origin origin);

/* Takes the next value of the reader, whatever it is; null sets nothing. */
void config_value_set_json(struct config_settings *s, const struct config_name *name, struct slice path,
                           struct json_reader *r, struct config_origin origin);

/* The value as a report may show it: a copy with no more than 80 bytes of it, "(hidden)" for secrets. */
const char *config_value_shown(struct config_settings *s, const struct config_name *name, struct slice text);

#endif
