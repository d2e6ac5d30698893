#include "control/project_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

const char *project_error_name(enum project_error_code code)
{
    static const char *const names[] = {
#define PROJECT_ERROR_NAME(name, text) [PROJECT_ERROR_##name] = text,
        PROJECT_ERROR_LIST(PROJECT_ERROR_NAME)
#undef PROJECT_ERROR_NAME
    };
    return names[code];
}

bool project_refuse(struct project_error *error, enum project_error_code code, const char *format, ...)
{
    error->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return false;
}

/* A cut may fall into the middle of a character: up to 3 bytes of one are dropped. */
static struct slice cut(struct slice value)
{
    if (value.len <= PROJECT_ERROR_VALUE_MAX) return value;
    struct slice head = slice_head(value, PROJECT_ERROR_VALUE_MAX);
    for (size_t i = 0; i < 3 && !utf8_valid(head); i++) head.len--;
    return head;
}

const char *project_quoted(struct slice value, char out[static PROJECT_QUOTED_MAX])
{
    struct slice head = cut(value);
    bool text = utf8_valid(head);
    size_t len = 0;
    out[len++] = '"';
    for (size_t i = 0; i < head.len; i++) {
        unsigned char c = (unsigned char)head.ptr[i];
        bool plain = c >= 0x20 && c != 0x7f && (c < 0x80 || text);
        out[len++] = plain ? (char)c : '?';
    }
    if (head.len < value.len) {
        memcpy(out + len, "...", 3);
        len += 3;
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}
