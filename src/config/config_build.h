/* config_build: settings that have passed config_check() become a struct config.
 * Copies everything; stops when memory is out. */
#ifndef XSHATHRA_CONFIG_CONFIG_BUILD_H
#define XSHATHRA_CONFIG_CONFIG_BUILD_H

#include "config/config.h"
#include "config/config_settings.h"

struct config *config_build(const struct config_settings *s);
/* Its reloadable part; one reference. */
struct policy_deployment *config_build_deployment(const struct config_settings *s);

#endif
