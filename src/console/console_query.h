/* console_query: parameters of a call's query. False: refused already, with the parameter and
 * its value. What is absent leaves *out as it is. Inside src/console only. */
#ifndef XSHATHRA_CONSOLE_CONSOLE_QUERY_H
#define XSHATHRA_CONSOLE_CONSOLE_QUERY_H

#include "console/console_call.h"

MUST_CHECK bool console_query_text(struct console_call *call, const char *name, struct slice *out); /* in the arena */
MUST_CHECK bool console_query_number(struct console_call *call, const char *name, uint64_t low, uint64_t high,
                                     uint64_t *out);

#endif
