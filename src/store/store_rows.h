/* store_rows: small helpers that the files of rows share. Inside src/store only. */
#ifndef XSHATHRA_STORE_STORE_ROWS_H
#define XSHATHRA_STORE_STORE_ROWS_H

#include "store/store_db.h"

/* Copy a column to a field with room for room bytes and the NUL. Text that does not
 * fit was not written by us: the statement fails with MALFORMED. */
void store_rows_copy(struct store_stmt *st, int column, char *out, size_t room);

/* An array that grows by doubling; item_len bytes each. NULL when memory is out,
 * and the array is as before. */
MUST_CHECK void *store_rows_grow(void *items, size_t count, size_t *cap, size_t item_len);

/* Run a statement that changes one row: NOT_FOUND when there was none. */
enum status store_rows_change_one(struct store_stmt *st, struct store_db *db);

#endif
