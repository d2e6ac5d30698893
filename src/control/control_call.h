/* control_call: one request about projects from outside the server: over DIR/control.sock
 * when a server runs on the folder, else straight on its database.
 *
 * Use: status = control_call("data", line, &answer, error); project_answer_read(…)
 *
 * While it works on the database it holds the folder's lock, so that no server starts
 * with what was before the change. Blocks; for the command line. */
#ifndef XSHATHRA_CONTROL_CONTROL_CALL_H
#define XSHATHRA_CONTROL_CONTROL_CALL_H

#include "control/data_dir.h"
#include "control/project_request.h"

/* The server's own time-out, and some. */
#define CONTROL_CALL_TIMEOUT_S 20
/* How long a folder may be locked without anyone who listens: a server that starts or
 * stops, or another command at work. */
#define CONTROL_CALL_BUSY_MS 5000

/* Appends the answer's line (see project_answer.h) without its newline; it may hold keys:
 * project_result_wipe(). A refusal is an answer too. NOT_FOUND: no such folder, or nothing
 * in it and the command is not create. UNAVAILABLE: no answer. Otherwise as the store.
 * error is a sentence. */
MUST_CHECK enum status control_call(const char *dir, const struct project_request *request, struct buf *answer,
                                    char error[static DATA_DIR_ERROR_MAX]);

#endif
