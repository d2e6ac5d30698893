#include "http/http_error.h"

#include "base/check.h"

static const struct http_refusal REFUSALS[] = {
#define HTTP_ERROR_ROW(name, status, code, sentence) { status, code, sentence },
    HTTP_ERROR_LIST(HTTP_ERROR_ROW)
#undef HTTP_ERROR_ROW
};

const struct http_refusal *http_error_refusal(enum http_error error)
{
    CHECK((unsigned)error < ARRAY_COUNT(REFUSALS));
    return &REFUSALS[error];
}
