/* store_schema: the list of migrations and how a database is brought up to the last.
 *
 * Use: store_schema_apply(db, store_migrations, store_migration_count, error);
 *
 * A migration that was released is never changed: a new one is appended. The table
 * schema_version has one row for each that was applied. All that are missing run in
 * one transaction: after a crash the database is as before or as after. A database
 * with a higher version than the list knows is refused untouched. */
#ifndef XSHATHRA_STORE_STORE_SCHEMA_H
#define XSHATHRA_STORE_STORE_SCHEMA_H

#include "store/store_db.h"

struct store_migration {
    uint32_t version; /* 1, 2, 3 … without a gap */
    const char *sql;
};

extern const struct store_migration store_migrations[];
extern const size_t store_migration_count;

/* CONFLICT: the database is newer than the program. Otherwise as store_stmt_end().
 * error is a sentence. */
MUST_CHECK enum status store_schema_apply(struct store_db *db, const struct store_migration *migrations, size_t count,
                                          char error[static STORE_ERROR_MAX]);

#endif
