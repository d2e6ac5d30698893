/* status: the result of anything that can fail for a reason other than our own bug.
 * One list makes the enum and the texts. Functions that return it are must-check
 * and leave their out-parameters untouched unless it is STATUS_OK. */
#ifndef XSHATHRA_BASE_STATUS_H
#define XSHATHRA_BASE_STATUS_H

#define STATUS_LIST(X)                                                                                                 \
    X(OK, "ok")                                                                                                        \
    X(NO_MEMORY, "out of memory")                                                                                      \
    X(TOO_LARGE, "limit exceeded")                                                                                     \
    X(MALFORMED, "malformed input")                                                                                    \
    X(NOT_FOUND, "not found")                                                                                          \
    X(EXISTS, "already exists")                                                                                        \
    X(DENIED, "permission denied")                                                                                     \
    X(EXPIRED, "expired")                                                                                              \
    X(GONE, "already closed")                                                                                          \
    X(OVERLOADED, "too much work queued")                                                                              \
    X(UNAVAILABLE, "not available")                                                                                    \
    X(CONFLICT, "conflict")                                                                                            \
    X(IO, "input or output failed")                                                                                    \
    X(INTERNAL, "internal error")

enum status {
#define STATUS_ENUM(name, text) STATUS_##name,
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* Static text; never NULL. */
const char *status_text(enum status status);

#endif
