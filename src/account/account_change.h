/* account_change: the frame around each change of the service, and its line in the audit.
 * Inside src/account only. */
#ifndef XSHATHRA_ACCOUNT_ACCOUNT_CHANGE_H
#define XSHATHRA_ACCOUNT_ACCOUNT_CHANGE_H

#include "account/account_service.h"

MUST_CHECK bool account_change_begin(const struct account_service *a, struct account_error *error);
/* Commit when all went well, else leave no trace. Returns whether the change stands. */
MUST_CHECK bool account_change_end(const struct account_service *a, bool good, struct account_error *error);
/* True when status is OK; else the refusal that the database failed. */
MUST_CHECK bool account_stored(const struct account_service *a, enum status status, const char *what,
                               struct account_error *error);
MUST_CHECK bool account_audit(const struct account_service *a, const char *who, const char *project,
                              struct account_error *error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Copy text that people read: 1 to max bytes of UTF-8 without control characters. */
MUST_CHECK bool account_take_text(struct slice text, const char *field, char *out, size_t max,
                                  struct account_error *error);
MUST_CHECK bool account_take_email(struct slice text, char out[static STORE_ACCOUNT_EMAIL_MAX],
                                   struct account_error *error);

#endif
