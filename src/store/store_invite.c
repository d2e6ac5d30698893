#include "store/store_member.h"
#include "store/store_rows.h"

#define COLUMNS "id, hash, project, role, email, invited_by, created_at, valid_until"

enum status store_invite_insert(struct store *s, const struct store_invite *invite)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "INSERT INTO invites (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    store_stmt_bind_text(&st, 1, slice_from_cstr(invite->id));
    store_stmt_bind_blob(&st, 2, slice_of(invite->hash, sizeof invite->hash));
    store_stmt_bind_text(&st, 3, slice_from_cstr(invite->project));
    store_stmt_bind_i64(&st, 4, invite->role);
    store_stmt_bind_text(&st, 5, slice_from_cstr(invite->email));
    store_stmt_bind_text(&st, 6, slice_from_cstr(invite->invited_by));
    store_stmt_bind_i64(&st, 7, invite->created_at_s);
    store_stmt_bind_i64(&st, 8, invite->valid_until_s);
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

static void read_row(struct store_stmt *st, void *item)
{
    struct store_invite *out = item;
    *out = (struct store_invite){ 0 };
    store_rows_copy(st, 0, out->id, sizeof out->id);
    store_rows_copy_hash(st, 1, out->hash, sizeof out->hash);
    store_rows_copy(st, 2, out->project, sizeof out->project);
    out->role = (enum store_role)store_stmt_i64(st, 3);
    store_rows_copy(st, 4, out->email, sizeof out->email);
    store_rows_copy(st, 5, out->invited_by, sizeof out->invited_by);
    out->created_at_s = store_stmt_i64(st, 6);
    out->valid_until_s = store_stmt_i64(st, 7);
}

enum status store_invite_get_by_hash(struct store *s, const uint8_t hash[static STORE_SECRET_HASH_LEN],
                                     struct store_invite *out)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT " COLUMNS " FROM invites WHERE hash = ?1");
    store_stmt_bind_blob(&st, 1, slice_of(hash, STORE_SECRET_HASH_LEN));
    return store_rows_one(&st, read_row, out);
}

enum status store_invite_list(struct store *s, struct slice project, struct store_invite **out, size_t *count)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "SELECT " COLUMNS " FROM invites WHERE project = ?1 ORDER BY rowid");
    store_stmt_bind_text(&st, 1, project);
    return store_rows_list(&st, sizeof **out, read_row, (void **)out, count);
}

enum status store_invite_remove(struct store *s, struct slice project, struct slice id)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s), "DELETE FROM invites WHERE project = ?1 AND id = ?2");
    store_stmt_bind_text(&st, 1, project);
    store_stmt_bind_text(&st, 2, id);
    return store_rows_change_one(&st, store_connection(s));
}

enum status store_invite_remove_old(struct store *s, int64_t now_s, bool whole_instance)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "DELETE FROM invites WHERE valid_until <= ?1 OR (?2 <> 0 AND project = '')");
    store_stmt_bind_i64(&st, 1, now_s);
    store_stmt_bind_i64(&st, 2, whole_instance);
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

enum status store_invite_remove_by(struct store *s, struct slice project, struct slice account, enum store_role above)
{
    struct store_stmt st;
    store_stmt_begin(&st, store_connection(s),
                     "DELETE FROM invites WHERE project = ?1 AND invited_by = ?2 AND role > ?3");
    store_stmt_bind_text(&st, 1, project);
    store_stmt_bind_text(&st, 2, account);
    store_stmt_bind_i64(&st, 3, above);
    store_stmt_step(&st);
    return store_stmt_end(&st);
}
