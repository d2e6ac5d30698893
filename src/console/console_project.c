/* Projects: made, shown, changed, archived and deleted. */
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "console/console_route.h"
#include "console/console_shapes.h"
#include "control/project_answer.h"
#include "crypto/crypto_secret.h"

void console_write_new_keys(struct json_writer *w, const struct project_new_keys *keys)
{
    const struct project_key *made[] = { &keys->server, &keys->client };
    static const char *const names[][2] = { { "server_api_key", "server_key_id" },
                                            { "client_api_key", "client_key_id" } };
    for (size_t i = 0; i < ARRAY_COUNT(made); i++) {
        if (!made[i]->text[0]) continue;
        console_write_text(w, names[i][0], made[i]->text);
        console_write_text(w, names[i][1], made[i]->id);
    }
}

bool console_write_projects(struct console_call *call,
                            void (*write)(struct json_writer *w, const struct store_project *project,
                                          enum store_role role),
                            struct account_error *error)
{
    struct store_project *projects = NULL;
    struct project_error refused;
    size_t count = 0;
    const struct project_service service = console_project_service(call);
    if (!project_service_list(&service, &projects, &count, &refused))
        return account_refuse(error, ACCOUNT_ERROR_STORAGE_FAILED, NULL, "%s", refused.text);
    bool good = true;
    struct json_writer *w = &call->json;
    json_write_name(w, SLICE("projects"));
    json_write_array_begin(w);
    for (size_t i = 0; i < count && good; i++) {
        enum store_role role = STORE_ROLE_NONE;
        good = account_role(&call->accounts, &call->who, slice_from_cstr(projects[i].id), &role, error);
        if (role == STORE_ROLE_NONE) continue;
        json_write_object_begin(w);
        write(w, &projects[i], role);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    store_project_list_free(projects, count);
    return good;
}

static void list(struct console_call *call)
{
    struct account_error error;
    console_begin(call, 200);
    if (console_write_projects(call, console_write_project, &error))
        console_done(call);
    else
        console_refuse_account(call, &error);
}

void console_write_project(struct json_writer *w, const struct store_project *project, enum store_role role)
{
    console_write_text(w, "id", project->id);
    console_write_text(w, "name", project->name);
    console_write_text(w, "role", account_role_name(role));
    console_write_bool(w, "default", project->space == 0);
    console_write_i64(w, "created_at", project->created_at_s);
    console_write_i64(w, "archived_at", project->archived_at_s);
    json_write_name(w, SLICE("allowed_origins"));
    json_write_raw(w, slice_from_cstr(project->allowed_origins_json));
}

static void create(struct console_call *call)
{
    struct project_new_keys keys;
    struct project_error refused;
    struct account_error error;
    const struct project_service service = console_project_service(call);
    if (!project_service_create(&service, call->fields.name, &keys, &refused)) {
        console_refuse_project(call, &refused);
        return;
    }
    if (account_own_project(&call->accounts, &call->who, slice_from_cstr(keys.id), &error)) {
        struct json_writer *w = console_begin(call, 201);
        console_write_text(w, "id", keys.id);
        console_write_text(w, "name", keys.name);
        console_write_new_keys(w, &keys);
        console_done_in_force(call);
    } else {
        console_refuse_account(call, &error);
    }
    crypto_wipe(&keys, sizeof keys);
}

/* The project of the path, when nothing is in the way; false: refused. */
static bool take_project(struct console_call *call, struct store_project *out)
{
    struct project_error refused;
    const struct project_service service = console_project_service(call);
    if (project_service_find(&service, call->params[0], out, &refused)) return true;
    console_refuse_project(call, &refused);
    return false;
}

static void show(struct console_call *call)
{
    struct store_project project;
    if (!take_project(call, &project)) return;
    console_write_project(console_begin(call, 200), &project, call->role);
    store_project_deinit(&project);
    console_done(call);
}

static void answer_change(struct console_call *call, bool good, const struct project_error *refused)
{
    struct store_project project;
    if (!good) {
        console_refuse_project(call, refused);
        return;
    }
    if (!take_project(call, &project)) return;
    console_write_project(console_begin(call, 200), &project, call->role);
    store_project_deinit(&project);
    console_done_in_force(call);
}

static void patch(struct console_call *call)
{
    struct project_error refused;
    const struct project_service service = console_project_service(call);
    if (call->fields.has_name && call->fields.name.len == 0) {
        console_refuse(call, 422, "invalid_name", "name", "the name is empty: 1 to %d bytes are allowed",
                       PROJECT_NAME_LEN_MAX);
        return;
    }
    const bool good =
        project_service_update(&service, call->params[0], call->fields.name, call->fields.allowed_origins, &refused);
    answer_change(call, good, &refused);
}

static void archive(struct console_call *call)
{
    struct project_error refused;
    const struct project_service service = console_project_service(call);
    const bool good = project_service_archive(&service, call->params[0], &refused);
    answer_change(call, good, &refused);
}

static void restore(struct console_call *call)
{
    struct project_error refused;
    const struct project_service service = console_project_service(call);
    const bool good = project_service_restore(&service, call->params[0], &refused);
    answer_change(call, good, &refused);
}

/* Typed again, so that nobody deletes the wrong one. */
static void delete_project(struct console_call *call)
{
    struct store_project project;
    struct project_error refused;
    if (!take_project(call, &project)) return;
    const bool confirmed = slice_eq(call->fields.confirm, slice_from_cstr(project.name));
    store_project_deinit(&project);
    if (!confirmed) {
        console_refuse(call, 422, "not_confirmed", "confirm", "confirm must be the project's name, letter by letter");
        return;
    }
    const struct project_service service = console_project_service(call);
    if (!project_service_remove(&service, call->params[0], &refused)) {
        console_refuse_project(call, &refused);
        return;
    }
    console_begin(call, 200);
    console_done_in_force(call);
}

static const struct api_field name_fields[] = {
    { SLICE_INIT("name"), API_TEXT, offsetof(struct console_fields, name), 0, "a string", NULL, 0 },
};
static const struct api_field patch_fields[] = {
    { SLICE_INIT("name"), API_TEXT, offsetof(struct console_fields, name), offsetof(struct console_fields, has_name),
      "a string", NULL, 0 },
    { SLICE_INIT("allowed_origins"), API_RAW, offsetof(struct console_fields, allowed_origins), 0,
      "an array of strings", NULL, 0 },
};
static const struct api_field confirm_fields[] = {
    { SLICE_INIT("confirm"), API_TEXT, offsetof(struct console_fields, confirm), 0, "a string", NULL, 0 },
};

static const struct console_route routes[] = {
    { HTTP_METHOD_GET, "/projects", CONSOLE_ACCOUNT, list, NULL, 0 },
    { HTTP_METHOD_POST, "/projects", CONSOLE_ACCOUNT, create, name_fields, ARRAY_COUNT(name_fields) },
    { HTTP_METHOD_GET, "/projects/*", CONSOLE_VIEWER, show, NULL, 0 },
    { HTTP_METHOD_PATCH, "/projects/*", CONSOLE_ADMIN, patch, patch_fields, ARRAY_COUNT(patch_fields) },
    { HTTP_METHOD_DELETE, "/projects/*", CONSOLE_OWNER, delete_project, confirm_fields, ARRAY_COUNT(confirm_fields) },
    { HTTP_METHOD_POST, "/projects/*/archive", CONSOLE_OWNER, archive, NULL, 0 },
    { HTTP_METHOD_POST, "/projects/*/restore", CONSOLE_OWNER, restore, NULL, 0 },
};

const struct console_routes console_project_routes = { routes, ARRAY_COUNT(routes) };
