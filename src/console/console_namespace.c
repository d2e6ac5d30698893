/* The namespaces of a project, and what there is to set in one. */
#include "base/check.h"
#include "config/config_namespaces.h"
#include "console/console_route.h"

static void answer(struct console_call *call, struct slice json)
{
    struct json_writer *w = console_begin(call, 200);
    json_write_name(w, SLICE("namespaces"));
    json_write_raw(w, json);
}

static void show(struct console_call *call)
{
    struct store_project project;
    struct project_error refused;
    const struct project_service service = console_project_service(call);
    if (!project_service_find(&service, call->params[0], &project, &refused)) {
        console_refuse_project(call, &refused);
        return;
    }
    answer(call, slice_from_cstr(project.namespaces_json));
    store_project_deinit(&project);
    console_done(call);
}

/* False: refused, with the first thing that is wrong, and where. */
static bool check(struct console_call *call, struct slice json)
{
    struct policy_namespaces list = { 0 };
    struct config_report report;
    config_report_init(&report);
    const bool good = config_namespaces_read(json, control_job_deployment(&call->job), &list, &report);
    if (!good)
        console_refuse(call, 422, "invalid_value", report.count ? report.items[0].path : "namespaces", "%s",
                       report.count ? report.items[0].sentence : "the namespaces cannot be read");
    policy_namespaces_free(&list);
    config_report_deinit(&report);
    return good;
}

static void put(struct console_call *call)
{
    struct project_error refused;
    const struct project_service service = console_project_service(call);
    const struct slice json = call->fields.namespaces;
    if (!json.ptr || json.ptr[0] != '[') {
        console_refuse(call, 422, "invalid_value", "namespaces", "namespaces must be an array of objects");
        return;
    }
    if (!check(call, json)) return;
    if (!project_service_set_namespaces(&service, call->params[0], json, &refused)) {
        console_refuse_project(call, &refused);
        return;
    }
    answer(call, json);
    console_done_in_force(call);
}

static void schema(struct console_call *call)
{
    struct json_writer *w = console_begin(call, 200);
    json_write_name(w, SLICE("options"));
    config_namespaces_schema(w);
    console_done(call);
}

static const struct api_field put_fields[] = {
    { SLICE_INIT("namespaces"), API_RAW, offsetof(struct console_fields, namespaces), 0, "an array of objects", NULL,
      0 },
};

static const struct console_route routes[] = {
    { HTTP_METHOD_GET, "/projects/*/namespaces", CONSOLE_VIEWER, show, NULL, 0 },
    { HTTP_METHOD_PUT, "/projects/*/namespaces", CONSOLE_ADMIN, put, put_fields, ARRAY_COUNT(put_fields) },
    { HTTP_METHOD_GET, "/schema/namespace", CONSOLE_ACCOUNT, schema, NULL, 0 },
};

const struct console_routes console_namespace_routes = { routes, ARRAY_COUNT(routes) };
