#include "control/project_change.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "crypto/crypto_secret.h"
#include "store/store_audit.h"

static bool add_project(const struct project_service *p, struct slice name, uint32_t space,
                        struct project_new_keys *out, struct project_error *error)
{
    struct store_project row = { .space = space, .created_at_s = p->now_s };
    project_id_make(row.id);
    memcpy(row.name, name.ptr, name.len);
    *out = (struct project_new_keys){ 0 };
    memcpy(out->id, row.id, sizeof out->id);
    memcpy(out->name, row.name, sizeof out->name);
    enum status status = store_project_insert(p->store, &row);
    if (status != STATUS_OK) return project_storage_failed(p, "adding a project", status, error);
    return project_add_key(p, row.id, STORE_KEY_SERVER, &(struct project_key_wish){ 0 }, &out->server, error) &&
           project_add_key(p, row.id, STORE_KEY_CLIENT, &(struct project_key_wish){ 0 }, &out->client, error) &&
           project_audit(p, row.id, error, "create project %s in space %" PRIu32 " with keys %s and %s", row.id, space,
                         out->server.id, out->client.id);
}

static bool add_in_next_space(const struct project_service *p, struct slice name, struct project_new_keys *out,
                              struct project_error *error)
{
    uint32_t space;
    enum status status = store_project_take_space(p->store, &space);
    if (status != STATUS_OK) return project_storage_failed(p, "taking a space", status, error);
    return add_project(p, name, space, out, error);
}

bool project_service_create(const struct project_service *p, struct slice name, struct project_new_keys *out,
                            struct project_error *error)
{
    if (!project_name_allowed(name, error) || !project_change_begin(p, error)) return false;
    struct project_new_keys made = { 0 };
    bool good = project_change_end(p, add_in_next_space(p, name, &made, error), error);
    if (good) *out = made;
    crypto_wipe(&made, sizeof made);
    return good;
}

bool project_service_ensure_default(const struct project_service *p, bool *made, struct project_new_keys *out,
                                    struct project_error *error)
{
    struct store_project present = { 0 };
    if (!project_change_begin(p, error)) return false;
    enum status status = store_project_get_by_space(p->store, 0, &present);
    store_project_deinit(&present);
    if (status == STATUS_OK) {
        store_rollback(p->store);
        *made = false;
        return true;
    }
    bool good = status == STATUS_NOT_FOUND ? add_project(p, SLICE(PROJECT_DEFAULT_NAME), 0, out, error)
                                           : project_storage_failed(p, "reading the Default project", status, error);
    *made = project_change_end(p, good, error);
    return *made;
}

bool project_service_list(const struct project_service *p, struct store_project **out, size_t *count,
                          struct project_error *error)
{
    enum status status = store_project_list(p->store, out, count);
    return status == STATUS_OK || project_storage_failed(p, "reading the projects", status, error);
}

bool project_service_find(const struct project_service *p, struct slice id, struct store_project *out,
                          struct project_error *error)
{
    char quoted[PROJECT_QUOTED_MAX];
    enum status status = store_project_get(p->store, id, out);
    if (status == STATUS_OK) return true;
    if (status != STATUS_NOT_FOUND) return project_storage_failed(p, "reading a project", status, error);
    return project_refuse(error, PROJECT_ERROR_PROJECT_NOT_FOUND,
                          "there is no project %s: an id looks like proj_..., and \"project list\" shows them all",
                          project_quoted(id, quoted));
}

bool project_service_keys(const struct project_service *p, struct slice id, struct store_key **out, size_t *count,
                          struct project_error *error)
{
    enum status status = store_key_list(p->store, id, out, count);
    return status == STATUS_OK || project_storage_failed(p, "reading the keys", status, error);
}

/* What rotation does to one key that is still good. */
static enum status end_key(const struct project_service *p, const struct store_key *key, uint64_t grace_s)
{
    struct slice id = slice_from_cstr(key->id);
    int64_t until = p->now_s + (int64_t)grace_s;
    if (grace_s == 0) return store_key_set_revoked(p->store, id, p->now_s);
    if (key->valid_until_s != 0 && key->valid_until_s <= until) return STATUS_OK;
    return store_key_set_valid_until(p->store, id, until);
}

static bool end_keys(const struct project_service *p, struct slice project, enum store_key_kind which, uint64_t grace_s,
                     struct project_error *error)
{
    struct store_key *keys;
    size_t count;
    if (!project_service_keys(p, project, &keys, &count, error)) return false;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        if (keys[i].kind == which && keys[i].revoked_at_s == 0) status = end_key(p, &keys[i], grace_s);
    mem_free(keys);
    return status == STATUS_OK || project_storage_failed(p, "ending the old key", status, error);
}

static bool rotate(const struct project_service *p, const struct store_project *project, enum store_key_kind which,
                   uint64_t grace_s, struct project_new_keys *out, struct project_error *error)
{
    char quoted[PROJECT_QUOTED_MAX];
    struct project_key *fresh = which == STORE_KEY_SERVER ? &out->server : &out->client;
    memcpy(out->id, project->id, sizeof out->id);
    memcpy(out->name, project->name, sizeof out->name);
    if (project->archived_at_s != 0)
        return project_refuse(error, PROJECT_ERROR_PROJECT_ARCHIVED,
                              "the project %s is archived: only projects in use get new keys",
                              project_quoted(slice_from_cstr(project->id), quoted));
    return end_keys(p, slice_from_cstr(project->id), which, grace_s, error) &&
           project_add_key(p, project->id, which, &(struct project_key_wish){ 0 }, fresh, error) &&
           project_audit(p, project->id, error, "rotate %s key of %s: new key %s, grace %" PRIu64 " s",
                         store_key_kind_name(which), project->id, fresh->id, grace_s);
}

bool project_service_rotate(const struct project_service *p, struct slice id, enum store_key_kind which,
                            uint64_t grace_s, struct project_new_keys *out, struct project_error *error)
{
    struct store_project project = { 0 };
    struct project_new_keys made = { 0 };
    if (grace_s > PROJECT_GRACE_MAX_S)
        return project_refuse(error, PROJECT_ERROR_INVALID_GRACE,
                              "the grace \"%" PRIu64 "s\" is too long: 0 to %d seconds (90 days) are allowed", grace_s,
                              PROJECT_GRACE_MAX_S);
    if (!project_change_begin(p, error)) return false;
    bool good = project_service_find(p, id, &project, error) && rotate(p, &project, which, grace_s, &made, error);
    good = project_change_end(p, good, error);
    if (good) *out = made;
    crypto_wipe(&made, sizeof made);
    store_project_deinit(&project);
    return good;
}

static bool find_key(const struct project_service *p, struct slice id, struct slice key_id, struct store_key *out,
                     struct project_error *error)
{
    char quoted_key[PROJECT_QUOTED_MAX], quoted_id[PROJECT_QUOTED_MAX];
    enum status status = store_key_get(p->store, key_id, out);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return project_storage_failed(p, "reading a key", status, error);
    if (status == STATUS_OK && slice_eq(slice_from_cstr(out->project), id)) return true;
    return project_refuse(error, PROJECT_ERROR_KEY_NOT_FOUND,
                          "there is no key %s in project %s: a key id looks like k..., and \"project show\" lists them",
                          project_quoted(key_id, quoted_key), project_quoted(id, quoted_id));
}

static bool revoke(const struct project_service *p, struct slice id, struct slice key_id, struct project_error *error)
{
    struct store_key key;
    if (!find_key(p, id, key_id, &key, error)) return false;
    if (key.revoked_at_s != 0) return true;
    enum status status = store_key_set_revoked(p->store, key_id, p->now_s);
    if (status != STATUS_OK) return project_storage_failed(p, "revoking a key", status, error);
    return project_audit(p, key.project, error, "revoke %s key %s of %s", store_key_kind_name(key.kind), key.id,
                         key.project);
}

bool project_service_revoke(const struct project_service *p, struct slice id, struct slice key_id,
                            struct project_error *error)
{
    struct store_project project = { 0 };
    if (project_key_is_secret(key_id)) /* not repeated: errors end in logs and shells */
        return project_refuse(error, PROJECT_ERROR_INVALID_KEY_ID,
                              "that is a whole key: give only its id, the part k... between the first two \"_\"");
    if (!project_change_begin(p, error)) return false;
    bool good = project_service_find(p, id, &project, error) && revoke(p, id, key_id, error);
    store_project_deinit(&project);
    return project_change_end(p, good, error);
}

static bool archive(const struct project_service *p, const struct store_project *project, struct project_error *error)
{
    if (project->space == 0)
        return project_refuse(error, PROJECT_ERROR_DEFAULT_PROJECT,
                              "the project \"%s\" (%s) owns the deployment's own space and cannot be archived: revoke "
                              "its keys instead",
                              project->id, project->name);
    if (project->archived_at_s != 0) return true;
    enum status status = store_project_set_archived(p->store, slice_from_cstr(project->id), p->now_s);
    if (status != STATUS_OK) return project_storage_failed(p, "archiving a project", status, error);
    return project_audit(p, project->id, error, "archive project %s", project->id);
}

bool project_service_archive(const struct project_service *p, struct slice id, struct project_error *error)
{
    struct store_project project = { 0 };
    if (!project_change_begin(p, error)) return false;
    bool good = project_service_find(p, id, &project, error) && archive(p, &project, error);
    store_project_deinit(&project);
    return project_change_end(p, good, error);
}
