#include "store/store_member.h"

#include "store/store_rows.h"

enum status store_member_set(struct store *s, const struct store_member *m)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "INSERT INTO members (project, account, role, created_at) VALUES (?1, ?2, ?3, ?4)"
                     " ON CONFLICT (project, account) DO UPDATE SET role = excluded.role");
    store_stmt_bind_text(&st, 1, slice_from_cstr(m->project));
    store_stmt_bind_text(&st, 2, slice_from_cstr(m->account));
    store_stmt_bind_i64(&st, 3, m->role);
    store_stmt_bind_i64(&st, 4, m->created_at_s);
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

enum status store_member_remove(struct store *s, struct slice project, struct slice account)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "DELETE FROM members WHERE project = ?1 AND account = ?2");
    store_stmt_bind_text(&st, 1, project);
    store_stmt_bind_text(&st, 2, account);
    return store_rows_change_one(&st, store_connection(s));
}

enum status store_member_role(struct store *s, struct slice project, struct slice account, enum store_role *out)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT role FROM members WHERE project = ?1 AND account = ?2");
    store_stmt_bind_text(&st, 1, project);
    store_stmt_bind_text(&st, 2, account);
    enum store_role role = store_stmt_step(&st) ? (enum store_role)store_stmt_i64(&st, 0) : STORE_ROLE_NONE;
    enum status status = store_stmt_end(&st);
    if (status == STATUS_OK) *out = role;
    return status;
}

static void read_member(struct store_stmt *st, void *item)
{
    struct store_member *out = item;
    *out = (struct store_member){ 0 };
    store_rows_copy(st, 0, out->project, sizeof out->project);
    store_rows_copy(st, 1, out->account, sizeof out->account);
    store_rows_copy(st, 2, out->email, sizeof out->email);
    store_rows_copy(st, 3, out->name, sizeof out->name);
    out->role = (enum store_role)store_stmt_i64(st, 4);
    out->created_at_s = store_stmt_i64(st, 5);
}

enum status store_member_list(struct store *s, struct slice project, struct slice account, struct store_member **out,
                              size_t *count)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "SELECT m.project, m.account, a.email, a.name, m.role, m.created_at FROM members m"
                     " JOIN accounts a ON a.id = m.account"
                     " WHERE (?1 = '' OR m.project = ?1) AND (?2 = '' OR m.account = ?2) ORDER BY m.rowid");
    store_stmt_bind_text(&st, 1, project);
    store_stmt_bind_text(&st, 2, account);
    return store_rows_list(&st, sizeof **out, read_member, (void **)out, count);
}
