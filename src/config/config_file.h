/* config_file: reads the JSON configuration file into settings.
 *
 * Use: found = config_file_read(&settings, "config.json", required);
 * Source of truth: rows CF-01, CF-02 and CF-06 of Centrifugo v6's behaviour: nested
 * objects, names in any letter case, a missing file is a warning. One thread. */
#ifndef XSHATHRA_CONFIG_CONFIG_FILE_H
#define XSHATHRA_CONFIG_CONFIG_FILE_H

#include "config/config_settings.h"

/* A configuration is written by hand; a larger one is some other file. */
#define CONFIG_FILE_BYTES_MAX (1024 * 1024)

/* What is wrong goes to the report. A missing file is an error when required. */
void config_file_read(struct config_settings *s, const char *path, bool required);

/* The same for text that is already here; name stands for the file in reports. */
void config_file_parse(struct config_settings *s, const char *name, struct slice text);

/* A list of items in JSON, from the variable that origin names; replaces what was there. */
void config_file_parse_items(struct config_settings *s, struct config_items *items, struct slice text,
                             struct config_origin origin);

#endif
