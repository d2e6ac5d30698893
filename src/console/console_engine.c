/* What the engine's server API and the project API do, for people: /projects/ID/engine/METHOD and
 * /projects/ID/realtime/NAME take and answer what those do, with a role instead of a key. */
#include <stdio.h>

#include "base/check.h"
#include "console/console_route.h"
#include "store/store_audit.h"

static const struct errand {
    const char *name;
    enum store_role role;
    bool audited; /* it acts on people, or speaks for them */
} engine_errands[] = {
    { "presence", STORE_ROLE_VIEWER },        { "presence_stats", STORE_ROLE_VIEWER },
    { "history", STORE_ROLE_VIEWER },         { "channels", STORE_ROLE_VIEWER },
    { "info", STORE_ROLE_VIEWER },            { "publish", STORE_ROLE_DEVELOPER },
    { "broadcast", STORE_ROLE_DEVELOPER },    { "subscribe", STORE_ROLE_DEVELOPER, true },
    { "unsubscribe", STORE_ROLE_DEVELOPER, true },  { "disconnect", STORE_ROLE_DEVELOPER, true },
    { "refresh", STORE_ROLE_DEVELOPER, true },      { "history_remove", STORE_ROLE_DEVELOPER, true },
}, realtime_errands[] = {
    { "token", STORE_ROLE_DEVELOPER, true },
    { "subscription-token", STORE_ROLE_DEVELOPER, true },
    { "publish", STORE_ROLE_DEVELOPER },
};

static const struct errand *find(const struct errand *errands, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(name, slice_from_cstr(errands[i].name))) return &errands[i];
    return NULL;
}

/* False: refused. */
static bool keep_audit(struct console_call *call, enum api_family family, const struct errand *errand)
{
    char what[STORE_AUDIT_WHAT_MAX];
    snprintf(what, sizeof what, "%s %s from the console", family == API_ENGINE ? "engine" : "realtime", errand->name);
    const enum status status = store_audit_add(call->accounts.store, call->accounts.now_s, call->params[0],
                                               slice_from_cstr(call->who.account.email), slice_from_cstr(what));
    if (status == STATUS_OK) return true;
    console_refuse(call, 503, "storage_failed", NULL, "the audit cannot be written; the server's log says why");
    return false;
}

static void send_off(struct console_call *call, enum api_family family, const struct errand *errand)
{
    if (!errand) {
        console_refuse(call, 404, "not_found", NULL, "there is no method \"%.*s\" here",
                       SLICE_ARG(slice_head(call->params[1], 60)));
        return;
    }
    if (call->role < errand->role) {
        console_refuse(call, 403, "forbidden", NULL, "you are %s of this project: %s needs %s",
                       account_role_name(call->role), errand->name, account_role_name(errand->role));
        return;
    }
    if (errand->audited && !keep_audit(call, family, errand)) return;
    call->errand = (struct console_errand){
        .family = family, .name = slice_from_cstr(errand->name), .project = call->params[0], .body = call->body
    };
    control_job_finish(&call->job);
}

static void engine(struct console_call *call)
{
    send_off(call, API_ENGINE, find(engine_errands, ARRAY_COUNT(engine_errands), call->params[1]));
}

static void realtime(struct console_call *call)
{
    send_off(call, API_PROJECT, find(realtime_errands, ARRAY_COUNT(realtime_errands), call->params[1]));
}

static const struct console_route routes[] = {
    { HTTP_METHOD_POST, "/projects/*/engine/*", CONSOLE_VIEWER, engine, NULL, 0 },
    { HTTP_METHOD_POST, "/projects/*/realtime/*", CONSOLE_VIEWER, realtime, NULL, 0 },
};

const struct console_routes console_engine_routes = { routes, ARRAY_COUNT(routes) };
