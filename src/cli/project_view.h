/* project_view: results about projects as text for people. The results are the JSON of
 * control/project_answer.h. Colour only when out is a terminal and NO_COLOR is not set. */
#ifndef XSHATHRA_CLI_PROJECT_VIEW_H
#define XSHATHRA_CLI_PROJECT_VIEW_H

#include <stdio.h>

#include "base/slice.h"
#include "control/project_request.h"

/* False: the result is not what the request promises. */
bool project_view_print(const struct project_request *request, struct slice result, FILE *out);

#endif
