/* config_pem: the value of an option that names a certificate or key: PEM text, base64 of
 * PEM text, or a file with PEM text, tried in that order.
 *
 * Use: const char *why; struct slice pem = config_pem_read(&s, text, &why);
 * The result lies in the arena of the settings. Source of truth: row CF-20. Whether the PEM
 * holds what it should is seen by whoever uses it. */
#ifndef XSHATHRA_CONFIG_CONFIG_PEM_H
#define XSHATHRA_CONFIG_CONFIG_PEM_H

#include "config/config_settings.h"

#define CONFIG_PEM_BYTES_MAX (1u << 20)

/* NULL ptr: none of the three; *why is a part of a sentence that shows nothing of the value. */
struct slice config_pem_read(const struct config_settings *s, const char *text, const char **why);

#endif
