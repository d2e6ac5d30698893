/* account_error: why a request about people was refused: a code for programs, the field
 * that it is about, and a sentence. Pure. */
#ifndef XSHATHRA_ACCOUNT_ACCOUNT_ERROR_H
#define XSHATHRA_ACCOUNT_ACCOUNT_ERROR_H

#include "base/slice.h"

#define ACCOUNT_ERROR_LIST(X)                                                                                          \
    X(INVALID_VALUE, "invalid_value")                                                                                  \
    X(NOT_SIGNED_IN, "not_signed_in")                                                                                  \
    X(BAD_CREDENTIALS, "bad_credentials")                                                                              \
    X(TOTP_REQUIRED, "totp_required")                                                                                  \
    X(BAD_TOTP, "bad_totp")                                                                                            \
    X(FORBIDDEN, "forbidden")                                                                                          \
    X(NOT_FOUND, "not_found")                                                                                          \
    X(CONFLICT, "conflict")                                                                                            \
    X(THROTTLED, "throttled")                                                                                          \
    X(STORAGE_FAILED, "storage_failed")

enum account_error_code {
#define ACCOUNT_ERROR_ENUM(name, text) ACCOUNT_ERROR_##name,
    ACCOUNT_ERROR_LIST(ACCOUNT_ERROR_ENUM)
#undef ACCOUNT_ERROR_ENUM
};

#define ACCOUNT_ERROR_TEXT_MAX 512

struct account_error {
    enum account_error_code code;
    const char *field;      /* static; NULL = none in particular */
    uint32_t retry_after_s; /* of THROTTLED */
    char text[ACCOUNT_ERROR_TEXT_MAX];
};

const char *account_error_name(enum account_error_code code); /* static */
/* Fill *error; always false, so that a refusal is one line. */
bool account_refuse(struct account_error *error, enum account_error_code code, const char *field, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

#endif
