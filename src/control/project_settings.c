/* What the console changes about a project beyond the command line's requests. */
#include <stdio.h>

#include "base/mem.h"
#include "control/project_change.h"
#include "crypto/crypto_secret.h"
#include "json/json_reader.h"

#define ORIGINS_MAX    100
#define ORIGIN_LEN_MAX 255

static bool own_space(const struct store_project *project, const char *what, struct project_error *error)
{
    if (project->space != 0) return true;
    return project_refuse(error, PROJECT_ERROR_DEFAULT_PROJECT,
                          "the project \"%s\" owns the deployment's own space and cannot be %s", project->name, what);
}

static bool restore(const struct project_service *p, const struct store_project *project, struct project_error *error)
{
    if (project->archived_at_s == 0) return true;
    const enum status status = store_project_set_archived(p->store, slice_from_cstr(project->id), 0);
    if (status != STATUS_OK) return project_storage_failed(p, "restoring a project", status, error);
    return project_audit(p, project->id, error, "restore project %s", project->id);
}

bool project_service_restore(const struct project_service *p, struct slice id, struct project_error *error)
{
    struct store_project project = { 0 };
    if (!project_change_begin(p, error)) return false;
    const bool good = project_service_find(p, id, &project, error) && restore(p, &project, error);
    store_project_deinit(&project);
    return project_change_end(p, good, error);
}

static bool remove_project(const struct project_service *p, const struct store_project *project,
                           struct project_error *error)
{
    if (!own_space(project, "deleted", error)) return false;
    const enum status status = store_project_remove(p->store, slice_from_cstr(project->id));
    if (status != STATUS_OK) return project_storage_failed(p, "deleting a project", status, error);
    return project_audit(p, project->id, error, "delete project %s", project->id);
}

bool project_service_remove(const struct project_service *p, struct slice id, struct project_error *error)
{
    struct store_project project = { 0 };
    if (!project_change_begin(p, error)) return false;
    const bool good = project_service_find(p, id, &project, error) && remove_project(p, &project, error);
    store_project_deinit(&project);
    return project_change_end(p, good, error);
}

/* ---- name and origins ---- */

/* As client.allowed_origins: "*", or scheme://host with "*" in it. */
static bool is_origin(struct json_string text)
{
    if (text.raw.len == 0 || text.raw.len > ORIGIN_LEN_MAX || text.escaped) return false;
    return slice_eq(text.raw, SLICE("*")) || memmem(text.raw.ptr, text.raw.len, "://", 3) != NULL;
}

static bool origins_allowed(struct slice json, struct project_error *error)
{
    struct json_reader r;
    struct json_string item;
    uint32_t count = 0;
    bool good = true;
    json_reader_init(&r, json, JSON_DEPTH_DEFAULT);
    if (json_array_begin(&r))
        while (json_array_next(&r)) good = json_string(&r, &item) && is_origin(item) && ++count <= ORIGINS_MAX && good;
    if (good && json_ok(&r) && json_at_end(&r)) return true;
    return project_refuse(error, PROJECT_ERROR_INVALID_ORIGINS,
                          "allowed_origins must be at most %d strings such as \"https://shop.example\", "
                          "\"https://*.example\" or \"*\"",
                          ORIGINS_MAX);
}

static bool update(const struct project_service *p, struct store_project *project, struct slice name,
                   struct slice origins, struct project_error *error)
{
    if (name.len) snprintf(project->name, sizeof project->name, "%.*s", SLICE_ARG(name));
    if (origins.len) {
        mem_free(project->allowed_origins_json);
        project->allowed_origins_json = mem_copy(origins);
        if (!project->allowed_origins_json)
            return project_storage_failed(p, "changing a project", STATUS_NO_MEMORY, error);
    }
    const enum status status = store_project_update(p->store, project);
    if (status != STATUS_OK) return project_storage_failed(p, "changing a project", status, error);
    return project_audit(p, project->id, error, "change%s%s of project %s", name.len ? " name" : "",
                         origins.len ? " allowed origins" : "", project->id);
}

bool project_service_update(const struct project_service *p, struct slice id, struct slice name,
                            struct slice allowed_origins_json, struct project_error *error)
{
    struct store_project project = { 0 };
    if (name.len && !project_name_allowed(name, error)) return false;
    if (allowed_origins_json.len && !origins_allowed(allowed_origins_json, error)) return false;
    if (!project_change_begin(p, error)) return false;
    const bool good =
        project_service_find(p, id, &project, error) && update(p, &project, name, allowed_origins_json, error);
    store_project_deinit(&project);
    return project_change_end(p, good, error);
}

/* ---- namespaces ---- */

static bool set_namespaces(const struct project_service *p, const struct store_project *project, struct slice json,
                           struct project_error *error)
{
    const enum status status = store_project_set_namespaces(p->store, slice_from_cstr(project->id), json);
    if (status != STATUS_OK) return project_storage_failed(p, "changing namespaces", status, error);
    return project_audit(p, project->id, error, "change namespaces of project %s", project->id);
}

bool project_service_set_namespaces(const struct project_service *p, struct slice id, struct slice json,
                                    struct project_error *error)
{
    struct store_project project = { 0 };
    if (!project_change_begin(p, error)) return false;
    const bool good = project_service_find(p, id, &project, error) && set_namespaces(p, &project, json, error);
    store_project_deinit(&project);
    return project_change_end(p, good, error);
}

/* ---- one more key ---- */

static bool add(const struct project_service *p, const struct store_project *project, enum store_key_kind which,
                const struct project_key_wish *wish, struct project_new_keys *out, struct project_error *error)
{
    struct project_key *fresh = which == STORE_KEY_SERVER ? &out->server : &out->client;
    memcpy(out->id, project->id, sizeof out->id);
    memcpy(out->name, project->name, sizeof out->name);
    if (project->archived_at_s != 0)
        return project_refuse(error, PROJECT_ERROR_PROJECT_ARCHIVED,
                              "the project \"%s\" is archived: only projects in use get new keys", project->name);
    return project_add_key(p, project->id, which, wish, fresh, error) &&
           project_audit(p, project->id, error, "add %s key %s", store_key_kind_name(which), fresh->id);
}

bool project_service_add_key(const struct project_service *p, struct slice id, enum store_key_kind which,
                             const struct project_key_wish *wish, struct project_new_keys *out,
                             struct project_error *error)
{
    struct store_project project = { 0 };
    struct project_new_keys made = { 0 };
    if (wish->name.len && !project_name_allowed(wish->name, error)) return false;
    if (!project_change_begin(p, error)) return false;
    bool good = project_service_find(p, id, &project, error) && add(p, &project, which, wish, &made, error);
    good = project_change_end(p, good, error);
    if (good) *out = made;
    crypto_wipe(&made, sizeof made);
    store_project_deinit(&project);
    return good;
}
