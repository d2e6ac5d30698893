/* console_openapi: the OpenAPI document of the console's API and the project API, as
 * docs/openapi.json has it: that file is kept by hand, and a test compares it with the tables of
 * routes. Static data. Inside src/console only. */
#ifndef XSHATHRA_CONSOLE_CONSOLE_OPENAPI_H
#define XSHATHRA_CONSOLE_CONSOLE_OPENAPI_H

#include "base/slice.h"

struct slice console_openapi(void);

#endif
