#include "store/store_db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

/* Another process holds the file only for one short transaction. */
#define BUSY_TIMEOUT_MS 5000

struct store_db {
    sqlite3 *sqlite;
};

static enum status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return STATUS_OK;
    case SQLITE_NOMEM: return STATUS_NO_MEMORY;
    case SQLITE_CONSTRAINT: return STATUS_EXISTS;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return STATUS_UNAVAILABLE;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN: return STATUS_DENIED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return STATUS_MALFORMED;
    case SQLITE_FULL:
    case SQLITE_IOERR: return STATUS_IO;
    default: return STATUS_INTERNAL;
    }
}

/* SQLite would make the file with the process's umask; its -wal and -shm files take
 * the mode of the main one. */
static enum status make_private_file(const char *path, char *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        int reason = errno;
        snprintf(error, STORE_ERROR_MAX, "the database \"%s\" cannot be opened: %s", path, strerror(reason));
        return reason == EACCES || reason == EROFS || reason == EPERM ? STATUS_DENIED : STATUS_IO;
    }
    close(fd);
    return STATUS_OK;
}

/* WAL: readers and the writer do not wait for each other, and a crash loses nothing
 * that was committed. FULL: a revocation that was answered survives a power cut. */
static int set_up(sqlite3 *sqlite)
{
    sqlite3_extended_result_codes(sqlite, 1);
    sqlite3_busy_timeout(sqlite, BUSY_TIMEOUT_MS);
    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return sqlite3_exec(sqlite,
                        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                        "PRAGMA trusted_schema = OFF;",
                        NULL, NULL, NULL);
}

enum status store_db_open(const char *path, struct store_db **out, char error[static STORE_ERROR_MAX])
{
    enum status made = make_private_file(path, error);
    if (made != STATUS_OK) return made;
    struct store_db *db = mem_must_alloc_zero(sizeof *db);
    int code = sqlite3_open_v2(path, &db->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) code = set_up(db->sqlite);
    if (code != SQLITE_OK) {
        snprintf(error, STORE_ERROR_MAX, "the database \"%s\" cannot be opened: %s", path,
                 db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(code));
        store_db_close(db);
        return status_of(code);
    }
    *out = db;
    return STATUS_OK;
}

void store_db_close(struct store_db *db)
{
    if (!db) return;
    sqlite3_close_v2(db->sqlite);
    mem_free(db);
}

enum status store_db_exec(struct store_db *db, const char *sql)
{
    return status_of(sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

const char *store_db_error(const struct store_db *db)
{
    return sqlite3_errmsg(db->sqlite);
}

uint64_t store_db_changes(const struct store_db *db)
{
    return (uint64_t)sqlite3_changes64(db->sqlite);
}

static void take_result(struct store_stmt *st, int code)
{
    if (st->failed_ == STATUS_OK) st->failed_ = status_of(code);
}

void store_stmt_begin(struct store_stmt *st, struct store_db *db, const char *sql)
{
    *st = (struct store_stmt){ .db_ = db, .failed_ = STATUS_OK };
    sqlite3_stmt *handle = NULL;
    take_result(st, sqlite3_prepare_v2(db->sqlite, sql, -1, &handle, NULL));
    st->handle_ = handle;
}

void store_stmt_bind_text(struct store_stmt *st, int index, struct slice text)
{
    if (st->failed_ != STATUS_OK) return;
    const char *ptr = text.ptr ? text.ptr : "";
    take_result(st, sqlite3_bind_text64(st->handle_, index, ptr, text.len, SQLITE_STATIC, SQLITE_UTF8));
}

void store_stmt_bind_blob(struct store_stmt *st, int index, struct slice bytes)
{
    if (st->failed_ != STATUS_OK) return;
    take_result(st, sqlite3_bind_blob64(st->handle_, index, bytes.ptr ? bytes.ptr : "", bytes.len, SQLITE_STATIC));
}

void store_stmt_bind_i64(struct store_stmt *st, int index, int64_t value)
{
    if (st->failed_ != STATUS_OK) return;
    take_result(st, sqlite3_bind_int64(st->handle_, index, value));
}

bool store_stmt_step(struct store_stmt *st)
{
    if (st->failed_ != STATUS_OK) return false;
    int code = sqlite3_step(st->handle_);
    take_result(st, code);
    return code == SQLITE_ROW;
}

struct slice store_stmt_slice(struct store_stmt *st, int column)
{
    const void *ptr = sqlite3_column_blob(st->handle_, column);
    return slice_of(ptr, ptr ? (size_t)sqlite3_column_bytes(st->handle_, column) : 0);
}

int64_t store_stmt_i64(struct store_stmt *st, int column)
{
    return sqlite3_column_int64(st->handle_, column);
}

void store_stmt_fail(struct store_stmt *st, enum status status)
{
    if (st->failed_ == STATUS_OK) st->failed_ = status;
}

enum status store_stmt_end(struct store_stmt *st)
{
    sqlite3_finalize(st->handle_);
    st->handle_ = NULL;
    return st->failed_;
}
