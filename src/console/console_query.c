#include "console/console_query.h"

#include "http/http_uri.h"

#define VALUE_MAX 1024

bool console_query_text(struct console_call *call, const char *name, struct slice *out)
{
    struct buf value;
    buf_init(&value, VALUE_MAX);
    const enum http_query_result result = http_query_get(call->query, slice_from_cstr(name), &value);
    bool good = result == HTTP_QUERY_ABSENT;
    if (result == HTTP_QUERY_FOUND) {
        *out = arena_copy(&call->arena, buf_slice(&value));
        good = out->ptr != NULL;
    }
    buf_deinit(&value);
    if (!good)
        console_refuse(call, 422, "invalid_value", name,
                       "the parameter %s is not well-formed: at most %d percent-encoded bytes are allowed", name,
                       VALUE_MAX);
    return good;
}

bool console_query_number(struct console_call *call, const char *name, uint64_t low, uint64_t high, uint64_t *out)
{
    struct slice text = { 0 };
    uint64_t value;
    if (!console_query_text(call, name, &text)) return false;
    if (!text.ptr) return true;
    if (slice_to_u64(text, &value) && value >= low && value <= high) {
        *out = value;
        return true;
    }
    console_refuse(call, 422, "invalid_value", name,
                   "the parameter %s is \"%.*s\": a number from %llu to %llu is allowed", name,
                   SLICE_ARG(slice_head(text, 40)), (unsigned long long)low, (unsigned long long)high);
    return false;
}
