/* platform_limit: the process's own limits. At start-up. */
#ifndef XSHATHRA_PLATFORM_PLATFORM_LIMIT_H
#define XSHATHRA_PLATFORM_PLATFORM_LIMIT_H

#include <stdint.h>

#include "base/status.h"

/* Raises the limit of open descriptors to the hard limit and tells in *soft what holds
 * now: at least as much as before. STATUS_IO (errno says why): it could not be read. */
MUST_CHECK enum status platform_raise_nofile(uint64_t *soft);

#endif
