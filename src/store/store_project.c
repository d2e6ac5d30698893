#include "store/store_project.h"

#include "base/mem.h"
#include "store/store_rows.h"

#define COLUMNS "id, space, name, created_at, archived_at, allowed_origins"

void store_project_deinit(struct store_project *p)
{
    mem_free(p->allowed_origins_json);
    mem_free(p->namespaces_json);
    p->allowed_origins_json = p->namespaces_json = NULL;
}

void store_project_list_free(struct store_project *list, size_t count)
{
    for (size_t i = 0; i < count; i++) store_project_deinit(&list[i]);
    mem_free(list);
}

enum status store_project_take_space(struct store *s, uint32_t *space)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "UPDATE counters SET value = value + 1 WHERE name = 'next_space' RETURNING value - 1");
    int64_t taken = store_stmt_step(&st) ? store_stmt_i64(&st, 0) : -1;
    /* the row is written when the statement has come to its end */
    while (store_stmt_step(&st)) continue;
    enum status status = store_stmt_end(&st);
    if (status != STATUS_OK) return status;
    if (taken < 1) return STATUS_MALFORMED; /* the last number is the console's own: no project gets it */
    if (taken >= UINT32_MAX) return STATUS_TOO_LARGE;
    *space = (uint32_t)taken;
    return STATUS_OK;
}

enum status store_project_insert(struct store *s, const struct store_project *p)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "INSERT INTO projects (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    store_stmt_bind_text(&st, 1, slice_from_cstr(p->id));
    store_stmt_bind_i64(&st, 2, p->space);
    store_stmt_bind_text(&st, 3, slice_from_cstr(p->name));
    store_stmt_bind_i64(&st, 4, p->created_at_s);
    store_stmt_bind_i64(&st, 5, p->archived_at_s);
    store_stmt_bind_text(&st, 6, slice_from_cstr(p->allowed_origins_json ? p->allowed_origins_json : "[]"));
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

static void read_row(struct store_stmt *st, struct store_project *out)
{
    *out = (struct store_project){ 0 };
    store_rows_copy(st, 0, out->id, sizeof out->id);
    out->space = (uint32_t)store_stmt_i64(st, 1);
    store_rows_copy(st, 2, out->name, sizeof out->name);
    out->created_at_s = store_stmt_i64(st, 3);
    out->archived_at_s = store_stmt_i64(st, 4);
    out->allowed_origins_json = mem_copy(store_stmt_slice(st, 5));
    out->namespaces_json = mem_copy(store_stmt_slice(st, 6));
    if (!out->allowed_origins_json || !out->namespaces_json) store_stmt_fail(st, STATUS_NO_MEMORY);
}

/* Take the only row of a statement that is bound; ends it. */
static enum status take_one(struct store_stmt *st, struct store_project *out)
{
    struct store_project row = { 0 };
    bool found = store_stmt_step(st);
    if (found) read_row(st, &row);
    enum status status = store_stmt_end(st);
    if (status == STATUS_OK && !found) status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        *out = row;
    else
        store_project_deinit(&row);
    return status;
}

enum status store_project_get(struct store *s, struct slice id, struct store_project *out)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT " COLUMNS ", namespaces FROM projects WHERE id = ?1");
    store_stmt_bind_text(&st, 1, id);
    return take_one(&st, out);
}

enum status store_project_get_by_space(struct store *s, uint32_t space, struct store_project *out)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT " COLUMNS ", namespaces FROM projects WHERE space = ?1");
    store_stmt_bind_i64(&st, 1, space);
    return take_one(&st, out);
}

enum status store_project_list(struct store *s, struct store_project **out, size_t *count)
{
    struct store_stmt st;
    struct store_project *rows = NULL;
    size_t len = 0, cap = 0;
    store_stmt_begin(&st, store_connection(s), "SELECT " COLUMNS ", namespaces FROM projects ORDER BY space");
    while (store_stmt_step(&st)) {
        struct store_project *moved = store_rows_grow(rows, len, &cap, sizeof *rows);
        if (!moved) {
            store_stmt_fail(&st, STATUS_NO_MEMORY);
            break;
        }
        rows = moved;
        read_row(&st, &rows[len++]);
    }
    enum status status = store_stmt_end(&st);
    if (status != STATUS_OK) {
        store_project_list_free(rows, len);
        return status;
    }
    *out = rows;
    *count = len;
    return STATUS_OK;
}

enum status store_project_set_archived(struct store *s, struct slice id, int64_t at_s)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "UPDATE projects SET archived_at = ?2 WHERE id = ?1");
    store_stmt_bind_text(&st, 1, id);
    store_stmt_bind_i64(&st, 2, at_s);
    return store_rows_change_one(&st, store_connection(s));
}

enum status store_project_update(struct store *s, const struct store_project *p)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "UPDATE projects SET name = ?2, allowed_origins = ?3 WHERE id = ?1");
    store_stmt_bind_text(&st, 1, slice_from_cstr(p->id));
    store_stmt_bind_text(&st, 2, slice_from_cstr(p->name));
    store_stmt_bind_text(&st, 3, slice_from_cstr(p->allowed_origins_json ? p->allowed_origins_json : "[]"));
    return store_rows_change_one(&st, store_connection(s));
}

enum status store_project_set_namespaces(struct store *s, struct slice id, struct slice json)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "UPDATE projects SET namespaces = ?2 WHERE id = ?1");
    store_stmt_bind_text(&st, 1, id);
    store_stmt_bind_text(&st, 2, json);
    return store_rows_change_one(&st, store_connection(s));
}

static enum status remove_from(struct store *s, const char *sql, struct slice project)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), sql);
    store_stmt_bind_text(&st, 1, project);
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

enum status store_project_remove(struct store *s, struct slice id)
{
    struct store_stmt st;
    enum status status = remove_from(s, "DELETE FROM keys WHERE project = ?1", id);
    if (status == STATUS_OK) status = remove_from(s, "DELETE FROM invites WHERE project = ?1", id);
    if (status != STATUS_OK) return status;
    store_stmt_begin(&st, store_connection(s), "DELETE FROM projects WHERE id = ?1"); /* members go along */
    store_stmt_bind_text(&st, 1, id);
    return store_rows_change_one(&st, store_connection(s));
}
