#include "console/console_openapi.h"

#include "base/check.h"
#include "console/console_route.h"

__asm__(".pushsection .rodata\n"
        "console_openapi_begin: .incbin \"" XSH_OPENAPI "\"\n"
        "console_openapi_end:\n"
        ".popsection\n");
extern const char console_openapi_begin[], console_openapi_end[];

struct slice console_openapi(void)
{
    return slice_of(console_openapi_begin, (size_t)(console_openapi_end - console_openapi_begin));
}

static void show(struct console_call *call)
{
    call->status = 200;
    buf_append(&call->answer, console_openapi());
    control_job_finish(&call->job);
}

static const struct console_route routes[] = {
    { HTTP_METHOD_GET, "/openapi.json", CONSOLE_ANYBODY, show, NULL, 0 },
};

const struct console_routes console_openapi_routes = { routes, ARRAY_COUNT(routes) };
