/* project_change: the frame around each change of projects, its line in the audit, and what
 * several changes do. Inside src/control only. */
#ifndef XSHATHRA_CONTROL_PROJECT_CHANGE_H
#define XSHATHRA_CONTROL_PROJECT_CHANGE_H

#include "control/project_service.h"

/* Always false. */
bool project_storage_failed(const struct project_service *p, const char *what, enum status status,
                            struct project_error *error);
MUST_CHECK bool project_change_begin(const struct project_service *p, struct project_error *error);
/* The end of every change: commit when all went well, else leave no trace. */
MUST_CHECK bool project_change_end(const struct project_service *p, bool good, struct project_error *error);
MUST_CHECK bool project_audit(const struct project_service *p, const char *project, struct project_error *error,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));
MUST_CHECK bool project_name_allowed(struct slice name, struct project_error *error);
MUST_CHECK bool project_add_key(const struct project_service *p, const char *project, enum store_key_kind kind,
                                const struct project_key_wish *wish, struct project_key *out,
                                struct project_error *error);

#endif
