/* config_env: reads variables of the environment into settings, over what is there.
 *
 * Use: config_env_read(&settings, environ, ".env");
 * Source of truth: rows CF-04 to CF-07: CENTRIFUGO_ and the option's path in upper case
 * with '_' for '.'; an empty value is not set; items of lists by their names. A .env
 * file adds variables that the environment does not have; `$` has no meaning in it.
 * Two secrets have names of the time before version 6 too. One thread. */
#ifndef XSHATHRA_CONFIG_CONFIG_ENV_H
#define XSHATHRA_CONFIG_CONFIG_ENV_H

#include "config/config_settings.h"

#define CONFIG_DOTENV_BYTES_MAX 65536

/* environ ends in NULL; either may be NULL. A .env file that is absent is no matter. */
void config_env_read(struct config_settings *s, char *const *environ_list, const char *dotenv_path);

#endif
