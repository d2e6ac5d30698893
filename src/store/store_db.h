/* store_db: one connection to a relational database and the statements on it. The
 * rows' code (store_project, store_key, store_audit) is written against this header
 * only. store_db_sqlite.c implements it; a PostgreSQL twin implements the same
 * functions and brings its own list of migrations.
 *
 * Use: store_stmt_begin(&st, db, "SELECT … WHERE id = ?1"); store_stmt_bind_text(&st, 1, id);
 *      while (store_stmt_step(&st)) … store_stmt_slice(&st, 0) …
 *      status = store_stmt_end(&st);
 * A failure in any step sticks, later calls do nothing, and store_stmt_end()
 * reports it. One thread at a time; calls may block on the disk. Inside src/store only. */
#ifndef XSHATHRA_STORE_STORE_DB_H
#define XSHATHRA_STORE_STORE_DB_H

#include "base/slice.h"
#include "base/status.h"

#define STORE_ERROR_MAX 512

struct store_db; /* opaque */

/* Opens or makes the file at path (0600). UNAVAILABLE, DENIED, MALFORMED (not a
 * database) or IO: error is a sentence. */
MUST_CHECK enum status store_db_open(const char *path, struct store_db **out, char error[static STORE_ERROR_MAX]);
void store_db_close(struct store_db *db); /* accepts NULL */

/* One or several statements without parameters. */
MUST_CHECK enum status store_db_exec(struct store_db *db, const char *sql);
/* What the last failure was, in the database's words; valid until the next call. */
const char *store_db_error(const struct store_db *db);
/* Rows that the last INSERT, UPDATE or DELETE changed. */
uint64_t store_db_changes(const struct store_db *db);

struct store_stmt {
    void *handle_;
    struct store_db *db_;
    enum status failed_;
};

/* Always followed by store_stmt_end(). */
void store_stmt_begin(struct store_stmt *st, struct store_db *db, const char *sql);
/* Parameters count from 1. Bytes are borrowed until store_stmt_end(). */
void store_stmt_bind_text(struct store_stmt *st, int index, struct slice text);
void store_stmt_bind_blob(struct store_stmt *st, int index, struct slice bytes);
void store_stmt_bind_i64(struct store_stmt *st, int index, int64_t value);
/* True when there is a row; false at the end or after a failure. */
bool store_stmt_step(struct store_stmt *st);
/* Columns count from 0. Bytes live until the next step or the end. */
struct slice store_stmt_slice(struct store_stmt *st, int column);
int64_t store_stmt_i64(struct store_stmt *st, int column);
/* Let the caller's own objection stick like the database's. */
void store_stmt_fail(struct store_stmt *st, enum status status);
/* OK, EXISTS (a unique or foreign key objects), UNAVAILABLE (locked by another
 * process), DENIED, MALFORMED, NO_MEMORY, IO or what store_stmt_fail() was given. */
enum status store_stmt_end(struct store_stmt *st);

#endif
