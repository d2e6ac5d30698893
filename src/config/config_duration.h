/* config_duration: lengths of time as Go writes them ("25s", "1m30s", "1.5h", "300ms").
 *
 * Source of truth: time.ParseDuration of Go. Units ns, us (also with a micro sign), ms,
 * s, m, h; "0" needs none; a sign in front. Pure. */
#ifndef XSHATHRA_CONFIG_CONFIG_DURATION_H
#define XSHATHRA_CONFIG_CONFIG_DURATION_H

#include "base/slice.h"

#define CONFIG_MS_NS     1000000ll
#define CONFIG_SECOND_NS 1000000000ll

/* *out in nanoseconds, untouched on false. */
bool config_duration_parse(struct slice text, int64_t *out);

/* "1h30m0s", "1m30s", "300ms", "0s". */
#define CONFIG_DURATION_TEXT_LEN 40
void config_duration_format(int64_t ns, char out[static CONFIG_DURATION_TEXT_LEN]);

#endif
