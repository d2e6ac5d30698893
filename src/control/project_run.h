/* project_run: carry out one request over the project service. The control thread and
 * the command line without a server both go through here, so that they cannot differ.
 *
 * Use: if (!project_run(&service, line, &result, &changed, &error)) … error
 * The thread of the store; blocks on the disk. */
#ifndef XSHATHRA_CONTROL_PROJECT_RUN_H
#define XSHATHRA_CONTROL_PROJECT_RUN_H

#include "base/buf.h"
#include "control/project_service.h"

#define PROJECT_REQUEST_BYTES_MAX 4096        /* a name of 100 bytes, all of them escaped, fits many times */
#define PROJECT_RESULT_BYTES_MAX  (16u << 20) /* a list of some 50,000 projects */

/* Appends the result as JSON to *result. *changed: workers must be told. The result
 * may hold keys: project_result_wipe(). False: nothing happened, *error says why. */
MUST_CHECK bool project_run(const struct project_service *service, struct slice line, struct buf *result, bool *changed,
                            struct project_error *error);
/* Overwrite and free a buffer that may hold keys. */
void project_result_wipe(struct buf *b);

#endif
