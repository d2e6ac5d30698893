#include "store/store_login.h"
#include "store/store_rows.h"

#define COLUMNS "id, hash, account, name, created_at, valid_until, last_used_at"

enum status store_access_token_insert(struct store *s, const struct store_access_token *token)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "INSERT INTO access_tokens (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    store_stmt_bind_text(&st, 1, slice_from_cstr(token->id));
    store_stmt_bind_blob(&st, 2, slice_of(token->hash, sizeof token->hash));
    store_stmt_bind_text(&st, 3, slice_from_cstr(token->account));
    store_stmt_bind_text(&st, 4, slice_from_cstr(token->name));
    store_stmt_bind_i64(&st, 5, token->created_at_s);
    store_stmt_bind_i64(&st, 6, token->valid_until_s);
    store_stmt_bind_i64(&st, 7, token->last_used_at_s);
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

static void read_row(struct store_stmt *st, void *item)
{
    struct store_access_token *out = item;
    *out = (struct store_access_token){ 0 };
    store_rows_copy(st, 0, out->id, sizeof out->id);
    store_rows_copy_hash(st, 1, out->hash, sizeof out->hash);
    store_rows_copy(st, 2, out->account, sizeof out->account);
    store_rows_copy(st, 3, out->name, sizeof out->name);
    out->created_at_s = store_stmt_i64(st, 4);
    out->valid_until_s = store_stmt_i64(st, 5);
    out->last_used_at_s = store_stmt_i64(st, 6);
}

enum status store_access_token_get_by_hash(struct store *s, const uint8_t hash[static STORE_SECRET_HASH_LEN],
                                           struct store_access_token *out)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT " COLUMNS " FROM access_tokens WHERE hash = ?1");
    store_stmt_bind_blob(&st, 1, slice_of(hash, STORE_SECRET_HASH_LEN));
    return store_rows_one(&st, read_row, out);
}

enum status store_access_token_list(struct store *s, struct slice account, struct store_access_token **out,
                                    size_t *count)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "SELECT " COLUMNS " FROM access_tokens WHERE account = ?1 ORDER BY rowid");
    store_stmt_bind_text(&st, 1, account);
    return store_rows_list(&st, sizeof **out, read_row, (void **)out, count);
}

enum status store_access_token_touch(struct store *s, struct slice id, int64_t at_s)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "UPDATE access_tokens SET last_used_at = ?2 WHERE id = ?1");
    store_stmt_bind_text(&st, 1, id);
    store_stmt_bind_i64(&st, 2, at_s);
    return store_rows_change_one(&st, store_connection(s));
}

enum status store_access_token_remove(struct store *s, struct slice account, struct slice id)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "DELETE FROM access_tokens WHERE account = ?1 AND id = ?2");
    store_stmt_bind_text(&st, 1, account);
    store_stmt_bind_text(&st, 2, id);
    return store_rows_change_one(&st, store_connection(s));
}

enum status store_access_token_remove_all(struct store *s, struct slice account, uint64_t *removed)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "DELETE FROM access_tokens WHERE account = ?1");
    store_stmt_bind_text(&st, 1, account);
    store_stmt_step(&st);
    enum status status = store_stmt_end(&st);
    if (status == STATUS_OK) *removed = store_db_changes(store_connection(s));
    return status;
}
