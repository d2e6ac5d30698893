/* http_get: one GET request, for commands that ask a running server. Blocks; follows no redirects. */
#ifndef XSHATHRA_CLI_HTTP_GET_H
#define XSHATHRA_CLI_HTTP_GET_H

#include <stdbool.h>

#include "base/buf.h"

#define HTTP_GET_ERROR_MAX  512
#define HTTP_GET_TIMEOUT_MS 10000

/* The body of a 200 is appended to out, within its limit. False: error is a sentence that names the URL; *status is the
 * answer's, 0 when there was none. */
bool http_get(const char *url, struct buf *out, long *status, char error[static HTTP_GET_ERROR_MAX]);

#endif
