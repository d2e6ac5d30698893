#include "base/log.h"

_Atomic int log_level_now = LOG_LEVEL_INFO;

static log_sink_fn *sink_fn;
static void *sink_context;

void log_set_sink(log_sink_fn *sink, void *context)
{
    sink_fn = sink;
    sink_context = context;
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
}

static const char *const names[] = {
#define LOG_NAME(name, text) [LOG_LEVEL_##name] = text,
    LOG_LEVEL_LIST(LOG_NAME)
#undef LOG_NAME
};

bool log_level_from_name(struct slice name, enum log_level *out)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!slice_eq_nocase(name, slice_from_cstr(names[i]))) continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

const char *log_level_name(enum log_level level)
{
    return (size_t)level < sizeof names / sizeof names[0] ? names[level] : "unknown";
}

void log_emit(enum log_level level, const char *message, const struct log_field *fields, size_t field_count)
{
    if (sink_fn) sink_fn(level, message, fields, field_count, sink_context);
}
