#include "control/project_change.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"
#include "store/store_audit.h"

bool project_storage_failed(const struct project_service *p, const char *what, enum status status,
                            struct project_error *error)
{
    const char *reason = status == STATUS_IO || status == STATUS_INTERNAL || status == STATUS_UNAVAILABLE
                             ? store_error(p->store)
                             : status_text(status);
    return project_refuse(error, PROJECT_ERROR_STORAGE_FAILED, "%s failed in the database: %s", what, reason);
}

bool project_change_begin(const struct project_service *p, struct project_error *error)
{
    enum status status = store_begin(p->store);
    return status == STATUS_OK || project_storage_failed(p, "beginning a change", status, error);
}

/* The end of every change: commit when all went well, else leave no trace. */
bool project_change_end(const struct project_service *p, bool good, struct project_error *error)
{
    if (good) {
        enum status status = store_commit(p->store);
        if (status == STATUS_OK) return true;
        project_storage_failed(p, "the change", status, error);
    }
    store_rollback(p->store);
    return false;
}

bool project_audit(const struct project_service *p, const char *project, struct project_error *error,
                   const char *format, ...)
{
    char what[STORE_AUDIT_WHAT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    enum status status =
        store_audit_add(p->store, p->now_s, slice_from_cstr(project), slice_from_cstr(p->who), slice_from_cstr(what));
    return status == STATUS_OK || project_storage_failed(p, "the audit", status, error);
}

bool project_name_allowed(struct slice name, struct project_error *error)
{
    const char *why = NULL;
    char quoted[PROJECT_QUOTED_MAX];
    if (name.len == 0)
        why = "is empty";
    else if (name.len > PROJECT_NAME_LEN_MAX)
        why = "is too long";
    else if (!utf8_valid(name))
        why = "is not UTF-8";
    else if (utf8_has_control(name))
        why = "holds a control character";
    if (!why) return true;
    return project_refuse(error, PROJECT_ERROR_INVALID_NAME,
                          "the project name %s %s: 1 to %d bytes of UTF-8 without control characters are allowed",
                          project_quoted(name, quoted), why, PROJECT_NAME_LEN_MAX);
}

bool project_add_key(const struct project_service *p, const char *project, enum store_key_kind kind,
                     const struct project_key_wish *wish, struct project_key *out, struct project_error *error)
{
    struct store_key row = { .kind = kind, .created_at_s = p->now_s, .valid_until_s = wish->valid_until_s };
    project_key_make(kind, out, row.hash);
    memcpy(row.id, out->id, sizeof row.id);
    snprintf(row.project, sizeof row.project, "%s", project);
    row.scopes = wish->scopes;
    snprintf(row.channel_prefix, sizeof row.channel_prefix, "%.*s", SLICE_ARG(wish->channel_prefix));
    snprintf(row.name, sizeof row.name, "%.*s", SLICE_ARG(wish->name));
    enum status status = store_key_insert(p->store, &row);
    return status == STATUS_OK || project_storage_failed(p, "adding a key", status, error);
}
