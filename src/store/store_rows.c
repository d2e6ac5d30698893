#include "store/store_rows.h"

#include "base/mem.h"

void store_rows_copy(struct store_stmt *st, int column, char *out, size_t room)
{
    struct slice text = store_stmt_slice(st, column);
    if (text.len >= room || memchr(text.ptr ? text.ptr : "", 0, text.len)) {
        store_stmt_fail(st, STATUS_MALFORMED);
        text.len = 0;
    }
    if (text.len) memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

void *store_rows_grow(void *items, size_t count, size_t *cap, size_t item_len)
{
    if (count < *cap) return items;
    size_t bigger = *cap ? *cap * 2 : 8;
    void *moved = mem_realloc(items, bigger * item_len);
    if (moved) *cap = bigger;
    return moved;
}

enum status store_rows_change_one(struct store_stmt *st, struct store_db *db)
{
    store_stmt_step(st);
    enum status status = store_stmt_end(st);
    if (status == STATUS_OK && store_db_changes(db) == 0) return STATUS_NOT_FOUND;
    return status;
}
