/* config_check: what must hold between options, and what is set but not built. Adds to
 * the report of the settings. Source of truth: what Centrifugo v6 refuses at start
 * (row CF-19), and the table of options. */
#ifndef XSHATHRA_CONFIG_CONFIG_CHECK_H
#define XSHATHRA_CONFIG_CONFIG_CHECK_H

#include "config/config_settings.h"

void config_check(struct config_settings *s);
/* Options of one namespace: base is "channel.without_namespace" or "channel.namespaces[2]". */
void config_check_channel(struct config_settings *s, struct slice base);
/* The key set of client.token or client.subscription_token, which base is. */
void config_check_jwks(struct config_settings *s, struct slice base);
/* The same of the parts about maps. */
void config_check_map(struct config_settings *s, struct slice base);
/* `namespace "chat"`, for sentences. */
const char *config_channel_owner(struct config_settings *s, struct slice base);

/* What a map has when nobody says otherwise, rows CH-52 and CH-57 to CH-59. */
#define CONFIG_MAP_STREAM_SIZE      100
#define CONFIG_MAP_STREAM_TTL_MS    60000
#define CONFIG_MAP_META_STREAM_TTLS 10 /* meta_ttl, in lengths of stream_ttl */
#define CONFIG_MAP_PAGE_SIZE        100
#define CONFIG_MAP_PAGE_SIZE_MAX    1000
#define CONFIG_MAP_CATCH_UP_MS      5000

/* An error about an option, with the value that it has: "option … is "…", <allowed>". */
void config_refuse(struct config_settings *s, struct slice path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void config_warn(struct config_settings *s, struct slice path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "30s", in the arena. */
const char *config_ms_text(const struct config_settings *s, uint64_t ms);

#endif
