#include "store/store_audit.h"

#include "store/store_rows.h"

enum status store_audit_add(struct store *s, int64_t at_s, struct slice who, struct slice what)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "INSERT INTO audit (at, who, what) VALUES (?1, ?2, ?3)");
    store_stmt_bind_i64(&st, 1, at_s);
    store_stmt_bind_text(&st, 2, slice_head(who, STORE_AUDIT_WHO_MAX - 1));
    store_stmt_bind_text(&st, 3, slice_head(what, STORE_AUDIT_WHAT_MAX - 1));
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

enum status store_audit_last(struct store *s, struct store_audit *out, size_t room, size_t *count)
{
    struct store_stmt st;
    size_t len = 0;
    store_stmt_begin(&st, store_connection(s), "SELECT at, who, what FROM audit ORDER BY number DESC LIMIT ?1");
    store_stmt_bind_i64(&st, 1, (int64_t)room);
    while (len < room && store_stmt_step(&st)) {
        out[len].at_s = store_stmt_i64(&st, 0);
        store_rows_copy(&st, 1, out[len].who, sizeof out->who);
        store_rows_copy(&st, 2, out[len].what, sizeof out->what);
        len++;
    }
    enum status status = store_stmt_end(&st);
    if (status == STATUS_OK) *count = len;
    return status;
}
