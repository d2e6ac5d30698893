#include "store/store_audit.h"

#include "store/store_rows.h"

enum status store_audit_add(struct store *s, int64_t at_s, struct slice project, struct slice who, struct slice what)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "INSERT INTO audit (at, who, what, project) VALUES (?1, ?2, ?3, ?4)");
    store_stmt_bind_i64(&st, 1, at_s);
    store_stmt_bind_text(&st, 2, slice_head(who, STORE_AUDIT_WHO_MAX - 1));
    store_stmt_bind_text(&st, 3, slice_head(what, STORE_AUDIT_WHAT_MAX - 1));
    store_stmt_bind_text(&st, 4, project);
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

enum status store_audit_list(struct store *s, const struct store_audit_filter *filter, struct store_audit *out,
                             size_t room, size_t *count)
{
    struct store_stmt st;
    size_t len = 0;
    store_stmt_begin(&st, store_connection(s),
                     "SELECT number, at, who, what, project FROM audit"
                     " WHERE (?1 = 0 OR number < ?1) AND (?2 = '' OR project = ?2)"
                     " AND (?3 = '' OR instr(lower(who), lower(?3)) > 0)"
                     " AND (?4 = '' OR instr(lower(what), lower(?4)) > 0) ORDER BY number DESC LIMIT ?5");
    store_stmt_bind_i64(&st, 1, filter->before);
    store_stmt_bind_text(&st, 2, filter->project);
    store_stmt_bind_text(&st, 3, filter->who);
    store_stmt_bind_text(&st, 4, filter->what);
    store_stmt_bind_i64(&st, 5, (int64_t)room);
    while (len < room && store_stmt_step(&st)) {
        out[len].number = store_stmt_i64(&st, 0);
        out[len].at_s = store_stmt_i64(&st, 1);
        store_rows_copy(&st, 2, out[len].who, sizeof out->who);
        store_rows_copy(&st, 3, out[len].what, sizeof out->what);
        store_rows_copy(&st, 4, out[len].project, sizeof out->project);
        len++;
    }
    enum status status = store_stmt_end(&st);
    if (status == STATUS_OK) *count = len;
    return status;
}
