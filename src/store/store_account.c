#include "store/store_account.h"

#include "store/store_rows.h"

#define COLUMNS "id, email, name, password, totp_secret, totp_pending, totp_step, instance_owner, created_at"

static struct slice secret_or_none(bool has, const uint8_t secret[STORE_TOTP_SECRET_LEN])
{
    return has ? slice_of(secret, STORE_TOTP_SECRET_LEN) : SLICE("");
}

static void bind_row(struct store_stmt *st, const struct store_account *a)
{
    store_stmt_bind_text(st, 1, slice_from_cstr(a->id));
    store_stmt_bind_text(st, 2, slice_from_cstr(a->email));
    store_stmt_bind_text(st, 3, slice_from_cstr(a->name));
    store_stmt_bind_text(st, 4, slice_from_cstr(a->password));
    store_stmt_bind_blob(st, 5, secret_or_none(a->has_totp, a->totp_secret));
    store_stmt_bind_blob(st, 6, secret_or_none(a->has_totp_pending, a->totp_pending));
    store_stmt_bind_i64(st, 7, a->totp_step);
}

enum status store_account_insert(struct store *s, const struct store_account *a)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "INSERT INTO accounts (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    bind_row(&st, a);
    store_stmt_bind_i64(&st, 8, a->instance_owner);
    store_stmt_bind_i64(&st, 9, a->created_at_s);
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

static bool read_secret(struct store_stmt *st, int column, uint8_t out[STORE_TOTP_SECRET_LEN])
{
    struct slice secret = store_stmt_slice(st, column);
    if (secret.len == 0) return false;
    if (secret.len != STORE_TOTP_SECRET_LEN) {
        store_stmt_fail(st, STATUS_MALFORMED);
        return false;
    }
    memcpy(out, secret.ptr, secret.len);
    return true;
}

static void read_row(struct store_stmt *st, void *item)
{
    struct store_account *out = item;
    *out = (struct store_account){ 0 };
    store_rows_copy(st, 0, out->id, sizeof out->id);
    store_rows_copy(st, 1, out->email, sizeof out->email);
    store_rows_copy(st, 2, out->name, sizeof out->name);
    store_rows_copy(st, 3, out->password, sizeof out->password);
    out->has_totp = read_secret(st, 4, out->totp_secret);
    out->has_totp_pending = read_secret(st, 5, out->totp_pending);
    out->totp_step = store_stmt_i64(st, 6);
    out->instance_owner = store_stmt_i64(st, 7) != 0;
    out->created_at_s = store_stmt_i64(st, 8);
}

static enum status get(struct store *s, const char *sql, struct slice key, struct store_account *out)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), sql);
    store_stmt_bind_text(&st, 1, key);
    return store_rows_one(&st, read_row, out);
}

enum status store_account_get(struct store *s, struct slice id, struct store_account *out)
{
    return get(s, "SELECT " COLUMNS " FROM accounts WHERE id = ?1", id, out);
}

enum status store_account_get_by_email(struct store *s, struct slice email, struct store_account *out)
{
    return get(s, "SELECT " COLUMNS " FROM accounts WHERE email = ?1", email, out);
}

enum status store_account_update(struct store *s, const struct store_account *a)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "UPDATE accounts SET email = ?2, name = ?3, password = ?4, totp_secret = ?5, totp_pending = ?6,"
                     " totp_step = ?7 WHERE id = ?1");
    bind_row(&st, a);
    return store_rows_change_one(&st, store_connection(s));
}

enum status store_account_count(struct store *s, uint64_t *count)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT count(*) FROM accounts");
    uint64_t found = store_stmt_step(&st) ? (uint64_t)store_stmt_i64(&st, 0) : 0;
    enum status status = store_stmt_end(&st);
    if (status == STATUS_OK) *count = found;
    return status;
}

static enum status insert_code(struct store *s, struct slice account, const uint8_t hash[STORE_SECRET_HASH_LEN])
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "INSERT INTO recovery_codes (account, hash) VALUES (?1, ?2)");
    store_stmt_bind_text(&st, 1, account);
    store_stmt_bind_blob(&st, 2, slice_of(hash, STORE_SECRET_HASH_LEN));
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

enum status store_account_set_recovery_codes(struct store *s, struct slice account,
                                             const uint8_t hashes[][STORE_SECRET_HASH_LEN], size_t count)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "DELETE FROM recovery_codes WHERE account = ?1");
    store_stmt_bind_text(&st, 1, account);
    store_stmt_step(&st);
    enum status status = store_stmt_end(&st);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) status = insert_code(s, account, hashes[i]);
    return status;
}

enum status store_account_take_recovery_code(struct store *s, struct slice account,
                                             const uint8_t hash[static STORE_SECRET_HASH_LEN])
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "DELETE FROM recovery_codes WHERE account = ?1 AND hash = ?2");
    store_stmt_bind_text(&st, 1, account);
    store_stmt_bind_blob(&st, 2, slice_of(hash, STORE_SECRET_HASH_LEN));
    return store_rows_change_one(&st, store_connection(s));
}
