#include "account/account_error.h"

#include <stdarg.h>
#include <stdio.h>

const char *account_error_name(enum account_error_code code)
{
    static const char *const names[] = {
#define ACCOUNT_ERROR_NAME(name, text) [ACCOUNT_ERROR_##name] = text,
        ACCOUNT_ERROR_LIST(ACCOUNT_ERROR_NAME)
#undef ACCOUNT_ERROR_NAME
    };
    return names[code];
}

bool account_refuse(struct account_error *error, enum account_error_code code, const char *field, const char *format,
                    ...)
{
    *error = (struct account_error){ .code = code, .field = field };
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return false;
}
