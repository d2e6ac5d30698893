/* Who did what, newest first. */
#include "base/check.h"
#include "base/mem.h"
#include "console/console_query.h"
#include "console/console_route.h"
#include "store/store_audit.h"

#define ENTRIES_DEFAULT 50
#define ENTRIES_MAX     200

static void write_entries(struct console_call *call, const struct store_audit *entries, size_t count, bool full)
{
    struct json_writer *w = console_begin(call, 200);
    json_write_name(w, SLICE("entries"));
    json_write_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(w);
        console_write_i64(w, "number", entries[i].number);
        console_write_i64(w, "at", entries[i].at_s);
        console_write_text(w, "who", entries[i].who);
        console_write_text(w, "what", entries[i].what);
        console_write_text(w, "project", entries[i].project);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    console_write_i64(w, "next", full ? entries[count - 1].number : 0);
    console_done(call);
}

static void answer(struct console_call *call, struct slice project)
{
    struct store_audit_filter filter = { .project = project };
    uint64_t limit = ENTRIES_DEFAULT, before = 0;
    size_t count = 0;
    if (!console_query_number(call, "limit", 1, ENTRIES_MAX, &limit) ||
        !console_query_number(call, "before", 1, INT64_MAX, &before) || !console_query_text(call, "who", &filter.who) ||
        !console_query_text(call, "what", &filter.what))
        return;
    filter.before = (int64_t)before;
    struct store_audit *entries = mem_alloc(limit * sizeof *entries);
    if (!entries) {
        console_refuse(call, 503, "unavailable", NULL, "the server is out of memory; try again later");
        return;
    }
    const enum status status = store_audit_list(call->accounts.store, &filter, entries, limit, &count);
    if (status == STATUS_OK)
        write_entries(call, entries, count, count == limit);
    else
        console_refuse(call, 503, "storage_failed", NULL, "the audit cannot be read: %s",
                       store_error(call->accounts.store));
    mem_free(entries);
}

static void of_project(struct console_call *call)
{
    answer(call, call->params[0]);
}

static void of_instance(struct console_call *call)
{
    if (call->who.account.instance_owner)
        answer(call, SLICE(""));
    else
        console_refuse(call, 403, "forbidden", NULL, "only an owner of the instance may see all of the audit");
}

static const struct console_route routes[] = {
    { HTTP_METHOD_GET, "/projects/*/audit", CONSOLE_ADMIN, of_project, NULL, 0 },
    { HTTP_METHOD_GET, "/audit", CONSOLE_ACCOUNT, of_instance, NULL, 0 },
};

const struct console_routes console_audit_routes = { routes, ARRAY_COUNT(routes) };
