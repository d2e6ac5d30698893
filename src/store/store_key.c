#include "store/store_key.h"

#include "store/store_rows.h"

#define COLUMNS                                                                                                        \
    "key_id, project, kind, hash, created_at, valid_until, revoked_at, name, scopes, channel_prefix, last_used_at"

const char *store_key_kind_name(enum store_key_kind kind)
{
    return kind == STORE_KEY_SERVER ? "server" : "client";
}

enum status store_key_insert(struct store *s, const struct store_key *key)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "INSERT INTO keys (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    store_stmt_bind_text(&st, 1, slice_from_cstr(key->id));
    store_stmt_bind_text(&st, 2, slice_from_cstr(key->project));
    store_stmt_bind_text(&st, 3, slice_from_cstr(store_key_kind_name(key->kind)));
    store_stmt_bind_blob(&st, 4, slice_of(key->hash, sizeof key->hash));
    store_stmt_bind_i64(&st, 5, key->created_at_s);
    store_stmt_bind_i64(&st, 6, key->valid_until_s);
    store_stmt_bind_i64(&st, 7, key->revoked_at_s);
    store_stmt_bind_text(&st, 8, slice_from_cstr(key->name));
    store_stmt_bind_i64(&st, 9, key->scopes);
    store_stmt_bind_text(&st, 10, slice_from_cstr(key->channel_prefix));
    store_stmt_bind_i64(&st, 11, key->last_used_at_s);
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

static void read_row(struct store_stmt *st, void *item)
{
    struct store_key *out = item;
    *out = (struct store_key){ 0 };
    store_rows_copy(st, 0, out->id, sizeof out->id);
    store_rows_copy(st, 1, out->project, sizeof out->project);
    out->kind = slice_eq(store_stmt_slice(st, 2), SLICE("server")) ? STORE_KEY_SERVER : STORE_KEY_CLIENT;
    store_rows_copy_hash(st, 3, out->hash, sizeof out->hash);
    out->created_at_s = store_stmt_i64(st, 4);
    out->valid_until_s = store_stmt_i64(st, 5);
    out->revoked_at_s = store_stmt_i64(st, 6);
    store_rows_copy(st, 7, out->name, sizeof out->name);
    out->scopes = (uint32_t)store_stmt_i64(st, 8);
    store_rows_copy(st, 9, out->channel_prefix, sizeof out->channel_prefix);
    out->last_used_at_s = store_stmt_i64(st, 10);
}

enum status store_key_get(struct store *s, struct slice key_id, struct store_key *out)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT " COLUMNS " FROM keys WHERE key_id = ?1");
    store_stmt_bind_text(&st, 1, key_id);
    return store_rows_one(&st, read_row, out);
}

enum status store_key_list(struct store *s, struct slice project, struct store_key **out, size_t *count)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "SELECT " COLUMNS " FROM keys WHERE ?1 = '' OR project = ?1 ORDER BY rowid");
    store_stmt_bind_text(&st, 1, project);
    return store_rows_list(&st, sizeof **out, read_row, (void **)out, count);
}

static enum status set_time(struct store *s, const char *sql, struct slice key_id, int64_t value)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), sql);
    store_stmt_bind_text(&st, 1, key_id);
    store_stmt_bind_i64(&st, 2, value);
    return store_rows_change_one(&st, store_connection(s));
}

enum status store_key_set_valid_until(struct store *s, struct slice key_id, int64_t valid_until_s)
{
    return set_time(s, "UPDATE keys SET valid_until = ?2 WHERE key_id = ?1", key_id, valid_until_s);
}

enum status store_key_set_revoked(struct store *s, struct slice key_id, int64_t at_s)
{
    return set_time(s, "UPDATE keys SET revoked_at = ?2 WHERE key_id = ?1", key_id, at_s);
}

enum status store_key_set_last_used(struct store *s, struct slice key_id, int64_t at_s)
{
    return set_time(s, "UPDATE keys SET last_used_at = max(last_used_at, ?2) WHERE key_id = ?1", key_id, at_s);
}
