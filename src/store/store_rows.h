/* store_rows: small helpers that the files of rows share. Inside src/store only. */
#ifndef XSHATHRA_STORE_STORE_ROWS_H
#define XSHATHRA_STORE_STORE_ROWS_H

#include "store/store_db.h"

/* Copy a column to a field with room for room bytes and the NUL. Text that does not
 * fit was not written by us: the statement fails with MALFORMED. */
void store_rows_copy(struct store_stmt *st, int column, char *out, size_t room);

/* The same for a hash of exactly len bytes. */
void store_rows_copy_hash(struct store_stmt *st, int column, uint8_t *out, size_t len);

/* An array that grows by doubling; item_len bytes each. NULL when memory is out,
 * and the array is as before. */
MUST_CHECK void *store_rows_grow(void *items, size_t count, size_t *cap, size_t item_len);

/* Read all rows of a statement and end it: *out is an array of *count items of item_len
 * bytes, the caller's to mem_free(), NULL when there is none; items own nothing. */
MUST_CHECK enum status store_rows_list(struct store_stmt *st, size_t item_len,
                                       void (*read)(struct store_stmt *st, void *item), void **out, size_t *count);
/* Read the one row of a statement and end it. NOT_FOUND when there is none. */
MUST_CHECK enum status store_rows_one(struct store_stmt *st, void (*read)(struct store_stmt *st, void *item),
                                      void *out);

/* Run a statement that changes one row: NOT_FOUND when there was none. */
enum status store_rows_change_one(struct store_stmt *st, struct store_db *db);

#endif
