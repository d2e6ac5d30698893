#include <stdio.h>
#include <time.h>

#include "console/console_route.h"
#include "crypto/crypto_secret.h"

static bool is_change(const struct console_call *call)
{
    return call->method != HTTP_METHOD_GET && call->method != HTTP_METHOD_HEAD;
}

/* The Origin of a page of ours: its authority is that of the request. Browsers send it with
 * every change; who sends none is no page of somebody else's. */
static bool is_own_origin(const struct console_call *call)
{
    if (!call->origin.ptr) return true;
    struct slice authority = call->origin;
    for (size_t i = 0; i + 3 <= authority.len; i++) {
        if (memcmp(authority.ptr + i, "://", 3) != 0) continue;
        return slice_eq_nocase(slice_from(authority, i + 3), call->host);
    }
    return false;
}

/* False: refused. */
static bool check_forgery(struct console_call *call)
{
    if (!is_change(call)) return true;
    if (!is_own_origin(call)) {
        console_refuse(call, 403, "origin_refused", NULL, "pages of \"%.*s\" may not do this: only those of \"%.*s\"",
                       SLICE_ARG(slice_head(call->origin, 100)), SLICE_ARG(slice_head(call->host, 100)));
        return false;
    }
    /* A form of another site can send text that happens to be JSON, and without asking only
     * text of other types: with Authorization the browser asks first. */
    if (call->body.len > 0 && !call->bearer.ptr && !call->is_json) {
        console_refuse(call, 415, "unsupported_media_type", NULL,
                       "the body must come with the header \"Content-Type: application/json\"");
        return false;
    }
    return call->bearer.ptr || call->route->access == CONSOLE_ANYBODY || console_check_csrf(call);
}

bool console_check_csrf(struct console_call *call)
{
    char csrf[CONSOLE_CSRF_MAX];
    console_csrf(call->session, csrf);
    if (crypto_equal(call->csrf, slice_from_cstr(csrf))) return true;
    console_refuse(call, 403, "csrf_failed", NULL,
                   "the header \"X-Xshathra-CSRF\" is missing or not this session's: GET " CONSOLE_PREFIX
                   "/session tells it as \"csrf\"");
    return false;
}

/* False: refused. */
static bool find_who(struct console_call *call)
{
    struct account_error error;
    const struct slice secret = call->bearer.ptr ? call->bearer : call->session;
    if (call->route->access == CONSOLE_ANYBODY) { /* some answer more to who is signed in */
        if (!account_session_find(&call->accounts, secret, &call->who, &error)) call->who = (struct account_who){ 0 };
        return true;
    }
    if (!account_session_find(&call->accounts, secret, &call->who, &error)) {
        console_refuse_account(call, &error);
        return false;
    }
    if (call->route->access != CONSOLE_SESSION || call->who.session[0]) return true;
    console_refuse(call, 403, "forbidden", NULL, "an access token may not do this: sign in with a password");
    return false;
}

static enum store_role role_needed(enum console_access access)
{
    return access >= CONSOLE_VIEWER ? (enum store_role)(STORE_ROLE_VIEWER + (access - CONSOLE_VIEWER))
                                    : STORE_ROLE_NONE;
}

/* A project that one has no part in looks like one that is not there. */
static bool find_role(struct console_call *call)
{
    struct account_error error;
    struct store_project project;
    const enum store_role needed = role_needed(call->route->access);
    if (needed == STORE_ROLE_NONE) return true;
    const enum status status = store_project_get(call->accounts.store, call->params[0], &project);
    if (status == STATUS_OK) {
        call->space = project.space;
        store_project_deinit(&project);
    }
    if (!account_role(&call->accounts, &call->who, call->params[0], &call->role, &error)) {
        console_refuse_account(call, &error);
        return false;
    }
    if (status != STATUS_OK || call->role == STORE_ROLE_NONE) {
        console_refuse(call, 404, "not_found", NULL, "there is no project \"%.*s\" that you take part in",
                       SLICE_ARG(slice_head(call->params[0], 60)));
        return false;
    }
    if (call->role >= needed) return true;
    console_refuse(call, 403, "forbidden", NULL, "you are %s of this project: this needs %s",
                   account_role_name(call->role), account_role_name(needed));
    return false;
}

static void refuse_fields(struct console_call *call, const struct api_fields_problem *problem)
{
    char name[64];
    const struct slice shown = problem->name;
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(slice_head(shown, sizeof name - 1)));
    switch (problem->kind) {
    case API_FIELDS_SYNTAX:
        console_refuse(call, 400, "malformed_json", NULL, "the body is not JSON: %s at byte %zu", problem->text,
                       problem->position);
        break;
    case API_FIELDS_NOT_OBJECT:
        console_refuse(call, 422, "invalid_body", NULL, "the body must be a JSON object");
        break;
    case API_FIELDS_TYPE:
        console_refuse(call, 422, "invalid_value", problem->field->name.ptr, "%s is %.*s: it must be %s",
                       problem->field->name.ptr, SLICE_ARG(slice_head(problem->value, 100)),
                       problem->field->allowed ? problem->field->allowed : "of another type");
        break;
    case API_FIELDS_UNKNOWN:
        console_refuse(call, 422, "unknown_field", NULL, "unknown field \"%s\"%s%.*s%s", name,
                       problem->nearest.len ? ": did you mean \"" : "", SLICE_ARG(problem->nearest),
                       problem->nearest.len ? "\"?" : "");
        break;
    case API_FIELDS_REPEATED:
        console_refuse(call, 422, "repeated_field", NULL, "the field \"%s\" is given more than once", name);
        break;
    default: console_refuse(call, 503, "unavailable", NULL, "the server is out of memory; try again later"); break;
    }
}

static bool read_fields(struct console_call *call)
{
    struct api_fields_problem problem;
    const struct console_route *route = call->route;
    if (!route->fields) return true;
    const struct slice body = call->body.len ? call->body : SLICE("{}");
    if (api_fields_read(body, API_FIELDS_STRICT, route->fields, route->field_count, &call->arena, &call->fields,
                        &problem))
        return true;
    refuse_fields(call, &problem);
    return false;
}

static bool find_route(struct console_call *call)
{
    bool path_known;
    call->route = console_route_find(call, &path_known);
    if (call->route) return true;
    if (path_known)
        console_refuse(call, 405, "method_not_allowed", NULL, "this path does not answer that method");
    else
        console_refuse(call, 404, "not_found", NULL, "nothing answers at \"" CONSOLE_PREFIX "%.*s\"",
                       SLICE_ARG(slice_head(call->path, 100)));
    return false;
}

void console_run(struct control_job *job)
{
    struct console_call *call = (struct console_call *)job;
    call->accounts = (struct account_service){ .store = control_job_store(job),
                                               .throttle = control_job_throttle(job),
                                               .now_s = (int64_t)time(NULL),
                                               .address = call->address,
                                               .agent = call->agent };
    if (find_route(call) && find_who(call) && check_forgery(call) && find_role(call) && read_fields(call))
        call->route->run(call);
}
