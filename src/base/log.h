/* log: the interface for structured log lines. It formats nothing and does no
 * I/O: a sink installed by the program takes each line. Any thread.
 *
 * Use: LOG_WARN("client refused", LOG_STR("user", user), LOG_U64("code", 3500));
 * Message: lower case, no full stop, constant. Never a secret in a field.
 * Field values are borrowed during the call. */
#ifndef XSHATHRA_BASE_LOG_H
#define XSHATHRA_BASE_LOG_H

#include <stdatomic.h>

#include "base/slice.h"

/* Names as in the option log.level. */
#define LOG_LEVEL_LIST(X)                                                                                              \
    X(TRACE, "trace")                                                                                                  \
    X(DEBUG, "debug") X(INFO, "info") X(WARN, "warn") X(ERROR, "error") X(FATAL, "fatal") X(NONE, "none")

enum log_level {
#define LOG_ENUM(name, text) LOG_LEVEL_##name,
    LOG_LEVEL_LIST(LOG_ENUM)
#undef LOG_ENUM
};

enum log_field_type { LOG_FIELD_STR, LOG_FIELD_U64, LOG_FIELD_I64, LOG_FIELD_BOOL };

struct log_field {
    const char *key;
    enum log_field_type type;
    struct slice str;
    uint64_t number; /* also the bits of an i64 or bool */
};

#define LOG_STR(key, value)  ((struct log_field){ (key), LOG_FIELD_STR, (value), 0 })
#define LOG_CSTR(key, value) ((struct log_field){ (key), LOG_FIELD_STR, slice_from_cstr(value), 0 })
#define LOG_U64(key, value)  ((struct log_field){ (key), LOG_FIELD_U64, { 0 }, (uint64_t)(value) })
#define LOG_I64(key, value)  ((struct log_field){ (key), LOG_FIELD_I64, { 0 }, (uint64_t)(int64_t)(value) })
#define LOG_BOOL(key, value) ((struct log_field){ (key), LOG_FIELD_BOOL, { 0 }, (value) ? 1 : 0 })

typedef void log_sink_fn(enum log_level level, const char *message, const struct log_field *fields, size_t field_count,
                         void *context);

/* Before other threads start. Without a sink lines go nowhere. */
void log_set_sink(log_sink_fn *sink, void *context);
void log_set_level(enum log_level level);                         /* any thread, at any time */
bool log_level_from_name(struct slice name, enum log_level *out); /* any letter case */
const char *log_level_name(enum log_level level);

extern _Atomic int log_level_now; /* read through log_enabled() */
static inline bool log_enabled(enum log_level level)
{
    /* relaxed: a line more or less around a change of level harms nobody */
    return (int)level >= atomic_load_explicit(&log_level_now, memory_order_relaxed);
}
void log_emit(enum log_level level, const char *message, const struct log_field *fields, size_t field_count);

#define LOG_AT(level, message, ...)                                                                                    \
    do {                                                                                                               \
        if (log_enabled(level)) {                                                                                      \
            const struct log_field log_fields_[] = { __VA_ARGS__ };                                                    \
            log_emit((level), (message), log_fields_, sizeof log_fields_ / sizeof(struct log_field));                  \
        }                                                                                                              \
    } while (0)
#define LOG_DEBUG(message, ...) LOG_AT(LOG_LEVEL_DEBUG, message, ##__VA_ARGS__)
#define LOG_INFO(message, ...)  LOG_AT(LOG_LEVEL_INFO, message, ##__VA_ARGS__)
#define LOG_WARN(message, ...)  LOG_AT(LOG_LEVEL_WARN, message, ##__VA_ARGS__)
#define LOG_ERROR(message, ...) LOG_AT(LOG_LEVEL_ERROR, message, ##__VA_ARGS__)

#endif
