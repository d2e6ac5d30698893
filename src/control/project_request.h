/* project_request: what the command line asks of the control thread, as one line of
 * JSON: {"command":"rotate","id":"proj_…","which":"server","grace_seconds":3600}
 *
 *   create   name                      show     id
 *   list                               rotate   id, which, grace_seconds (default 24 h)
 *   archive  id                        revoke   id, key_id
 *
 * Strict: an unknown or repeated member, a member that the command does not take, a
 * missing one and a wrong type are refused by name. No socket, no allocation but the
 * caller's arena. Any thread. */
#ifndef XSHATHRA_CONTROL_PROJECT_REQUEST_H
#define XSHATHRA_CONTROL_PROJECT_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "control/project_error.h"
#include "store/store_key.h"

enum project_command {
    PROJECT_CREATE,
    PROJECT_LIST,
    PROJECT_SHOW,
    PROJECT_ROTATE,
    PROJECT_REVOKE,
    PROJECT_ARCHIVE,
    PROJECT_COMMAND_COUNT,
};

const char *project_command_name(enum project_command command);

struct project_request {
    enum project_command command;
    struct slice name, id, key_id; /* empty where the command has none */
    enum store_key_kind which;
    uint64_t grace_s;
};

/* Append the request's line, without the newline. */
void project_request_write(const struct project_request *request, struct buf *out);
/* The slices borrow the line or the arena. False: *error says why. */
MUST_CHECK bool project_request_read(struct slice line, struct arena *arena, struct project_request *out,
                                     struct project_error *error);

#endif
