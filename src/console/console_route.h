/* console_route: which function answers what, and who may ask it. Inside src/console only. */
#ifndef XSHATHRA_CONSOLE_CONSOLE_ROUTE_H
#define XSHATHRA_CONSOLE_CONSOLE_ROUTE_H

#include "api/api_fields.h"
#include "console/console_call.h"

/* Who may ask: anybody, who is signed in (by a session only, or by an access token too), or
 * who has at least this role in the project of the path. */
enum console_access {
    CONSOLE_ANYBODY,
    CONSOLE_SESSION,
    CONSOLE_ACCOUNT,
    CONSOLE_VIEWER,
    CONSOLE_DEVELOPER,
    CONSOLE_ADMIN,
    CONSOLE_OWNER,
};

struct console_route {
    enum http_method method;
    const char *path; /* below /api/console; "*" is one part, decoded into params */
    enum console_access access;
    void (*run)(struct console_call *call);
    const struct api_field *fields; /* of struct console_fields; NULL = the body is not looked at */
    size_t field_count;
};

/* Fills params. NULL: no such path, or (*path_known) not with this method. NO_MEMORY counts as no path. */
const struct console_route *console_route_find(struct console_call *call, bool *path_known);

/* The tables, by family. */
struct console_routes {
    const struct console_route *items;
    size_t count;
};
extern const struct console_routes console_account_routes, console_login_routes, console_project_routes,
    console_key_routes, console_member_routes, console_audit_routes, console_engine_routes, console_live_routes,
    console_namespace_routes, console_openapi_routes;
/* All of them. */
extern const struct console_routes *const console_families[];
extern const size_t console_family_count;

#endif
