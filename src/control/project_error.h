/* project_error: why a request about projects was refused: a code for programs and
 * a sentence for people, with the value in quotes and what was allowed. Pure. */
#ifndef XSHATHRA_CONTROL_PROJECT_ERROR_H
#define XSHATHRA_CONTROL_PROJECT_ERROR_H

#include "base/slice.h"

#define PROJECT_ERROR_LIST(X)                                                                                          \
    X(BAD_REQUEST, "bad_request")                                                                                      \
    X(BUSY, "busy")                                                                                                    \
    X(INVALID_NAME, "invalid_name")                                                                                    \
    X(INVALID_GRACE, "invalid_grace")                                                                                  \
    X(INVALID_ORIGINS, "invalid_origins")                                                                              \
    X(INVALID_KEY_ID, "invalid_key_id")                                                                                \
    X(PROJECT_NOT_FOUND, "project_not_found")                                                                          \
    X(KEY_NOT_FOUND, "key_not_found")                                                                                  \
    X(PROJECT_ARCHIVED, "project_archived")                                                                            \
    X(DEFAULT_PROJECT, "default_project")                                                                              \
    X(NOT_EFFECTIVE_YET, "not_effective_yet")                                                                          \
    X(STORAGE_FAILED, "storage_failed")

enum project_error_code {
#define PROJECT_ERROR_ENUM(name, text) PROJECT_ERROR_##name,
    PROJECT_ERROR_LIST(PROJECT_ERROR_ENUM)
#undef PROJECT_ERROR_ENUM
};

#define PROJECT_ERROR_TEXT_MAX 512
/* At most so many bytes of a refused value are repeated. */
#define PROJECT_ERROR_VALUE_MAX 120

struct project_error {
    enum project_error_code code;
    char text[PROJECT_ERROR_TEXT_MAX];
};

const char *project_error_name(enum project_error_code code); /* static */
/* Fill *error; always false, so that a refusal is one line. */
bool project_refuse(struct project_error *error, enum project_error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A refused value in quotes, on one line, cut: bytes that are not printable ASCII or
 * valid UTF-8 come out as '?'. Returns out. */
#define PROJECT_QUOTED_MAX (PROJECT_ERROR_VALUE_MAX + 8)
const char *project_quoted(struct slice value, char out[static PROJECT_QUOTED_MAX]);

#endif
