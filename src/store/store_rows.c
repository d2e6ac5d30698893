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

void store_rows_copy_hash(struct store_stmt *st, int column, uint8_t *out, size_t len)
{
    struct slice hash = store_stmt_slice(st, column);
    if (hash.len == len)
        memcpy(out, hash.ptr, len);
    else
        store_stmt_fail(st, STATUS_MALFORMED);
}

void *store_rows_grow(void *items, size_t count, size_t *cap, size_t item_len)
{
    if (count < *cap) return items;
    size_t bigger = *cap ? *cap * 2 : 8;
    void *moved = mem_realloc(items, bigger * item_len);
    if (moved) *cap = bigger;
    return moved;
}

enum status store_rows_list(struct store_stmt *st, size_t item_len, void (*read)(struct store_stmt *st, void *item),
                            void **out, size_t *count)
{
    char *rows = NULL;
    size_t len = 0, cap = 0;
    while (store_stmt_step(st)) {
        char *moved = store_rows_grow(rows, len, &cap, item_len);
        if (!moved) {
            store_stmt_fail(st, STATUS_NO_MEMORY);
            break;
        }
        rows = moved;
        read(st, rows + item_len * len++);
    }
    enum status status = store_stmt_end(st);
    if (status != STATUS_OK) {
        mem_free(rows);
        return status;
    }
    *out = rows;
    *count = len;
    return STATUS_OK;
}

enum status store_rows_one(struct store_stmt *st, void (*read)(struct store_stmt *st, void *item), void *out)
{
    bool found = store_stmt_step(st);
    if (found) read(st, out);
    enum status status = store_stmt_end(st);
    return status == STATUS_OK && !found ? STATUS_NOT_FOUND : status;
}

enum status store_rows_change_one(struct store_stmt *st, struct store_db *db)
{
    store_stmt_step(st);
    enum status status = store_stmt_end(st);
    if (status == STATUS_OK && store_db_changes(db) == 0) return STATUS_NOT_FOUND;
    return status;
}
