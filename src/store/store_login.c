#include "store/store_login.h"

#include "store/store_rows.h"

#define COLUMNS "id, hash, account, created_at, last_used_at, address, agent"

enum status store_login_insert(struct store *s, const struct store_login *login)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "INSERT INTO logins (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    store_stmt_bind_text(&st, 1, slice_from_cstr(login->id));
    store_stmt_bind_blob(&st, 2, slice_of(login->hash, sizeof login->hash));
    store_stmt_bind_text(&st, 3, slice_from_cstr(login->account));
    store_stmt_bind_i64(&st, 4, login->created_at_s);
    store_stmt_bind_i64(&st, 5, login->last_used_at_s);
    store_stmt_bind_text(&st, 6, slice_from_cstr(login->address));
    store_stmt_bind_text(&st, 7, slice_from_cstr(login->agent));
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

static void read_row(struct store_stmt *st, void *item)
{
    struct store_login *out = item;
    *out = (struct store_login){ 0 };
    store_rows_copy(st, 0, out->id, sizeof out->id);
    store_rows_copy_hash(st, 1, out->hash, sizeof out->hash);
    store_rows_copy(st, 2, out->account, sizeof out->account);
    out->created_at_s = store_stmt_i64(st, 3);
    out->last_used_at_s = store_stmt_i64(st, 4);
    store_rows_copy(st, 5, out->address, sizeof out->address);
    store_rows_copy(st, 6, out->agent, sizeof out->agent);
}

enum status store_login_get_by_hash(struct store *s, const uint8_t hash[static STORE_SECRET_HASH_LEN],
                                    struct store_login *out)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT " COLUMNS " FROM logins WHERE hash = ?1");
    store_stmt_bind_blob(&st, 1, slice_of(hash, STORE_SECRET_HASH_LEN));
    return store_rows_one(&st, read_row, out);
}

enum status store_login_get(struct store *s, struct slice id, struct store_login *out)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT " COLUMNS " FROM logins WHERE id = ?1");
    store_stmt_bind_text(&st, 1, id);
    return store_rows_one(&st, read_row, out);
}

enum status store_login_list(struct store *s, struct slice account, struct store_login **out, size_t *count)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT " COLUMNS " FROM logins WHERE account = ?1 ORDER BY rowid DESC");
    store_stmt_bind_text(&st, 1, account);
    return store_rows_list(&st, sizeof **out, read_row, (void **)out, count);
}

enum status store_login_touch(struct store *s, struct slice id, int64_t at_s)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "UPDATE logins SET last_used_at = ?2 WHERE id = ?1");
    store_stmt_bind_text(&st, 1, id);
    store_stmt_bind_i64(&st, 2, at_s);
    return store_rows_change_one(&st, store_connection(s));
}

enum status store_login_remove(struct store *s, struct slice account, struct slice id)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "DELETE FROM logins WHERE account = ?1 AND id = ?2");
    store_stmt_bind_text(&st, 1, account);
    store_stmt_bind_text(&st, 2, id);
    return store_rows_change_one(&st, store_connection(s));
}

enum status store_login_remove_others(struct store *s, struct slice account, struct slice but, uint64_t *removed)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "DELETE FROM logins WHERE account = ?1 AND id <> ?2");
    store_stmt_bind_text(&st, 1, account);
    store_stmt_bind_text(&st, 2, but);
    store_stmt_step(&st);
    enum status status = store_stmt_end(&st);
    if (status == STATUS_OK) *removed = store_db_changes(store_connection(s));
    return status;
}

enum status store_login_remove_old(struct store *s, int64_t made_before_s, int64_t used_before_s)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "DELETE FROM logins WHERE created_at < ?1 OR last_used_at < ?2");
    store_stmt_bind_i64(&st, 1, made_before_s);
    store_stmt_bind_i64(&st, 2, used_before_s);
    store_stmt_step(&st);
    return store_stmt_end(&st);
}
