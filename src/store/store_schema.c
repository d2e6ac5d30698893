#include "store/store_schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* Times are Unix seconds, 0 = never. A space is given once: the counter only grows,
 * so that the channels of a project that is gone can never be reached by a new one. */
static const char projects_and_keys[] = "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
                                        "INSERT INTO counters VALUES ('next_space', 1);"
                                        "CREATE TABLE projects ("
                                        "  id TEXT PRIMARY KEY,"
                                        "  space INTEGER NOT NULL UNIQUE CHECK (space BETWEEN 0 AND 4294967295),"
                                        "  name TEXT NOT NULL,"
                                        "  created_at INTEGER NOT NULL,"
                                        "  archived_at INTEGER NOT NULL DEFAULT 0,"
                                        "  allowed_origins TEXT NOT NULL DEFAULT '[]'"
                                        ") STRICT;"
                                        "CREATE TABLE keys ("
                                        "  key_id TEXT PRIMARY KEY,"
                                        "  project TEXT NOT NULL REFERENCES projects (id),"
                                        "  kind TEXT NOT NULL CHECK (kind IN ('server', 'client')),"
                                        "  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
                                        "  created_at INTEGER NOT NULL,"
                                        "  valid_until INTEGER NOT NULL DEFAULT 0,"
                                        "  revoked_at INTEGER NOT NULL DEFAULT 0,"
                                        "  name TEXT NOT NULL DEFAULT ''"
                                        ") STRICT;"
                                        "CREATE INDEX keys_by_project ON keys (project);";

static const char audit[] = "CREATE TABLE audit ("
                            "  number INTEGER PRIMARY KEY,"
                            "  at INTEGER NOT NULL,"
                            "  who TEXT NOT NULL,"
                            "  what TEXT NOT NULL"
                            ") STRICT;";

/* People. Every secret that one shows (session, invite, access token, recovery code) is here
 * as its SHA-256 only; a project is '' where all of them are meant. */
static const char people[] = "CREATE TABLE accounts ("
                             "  id TEXT PRIMARY KEY,"
                             "  email TEXT NOT NULL UNIQUE COLLATE NOCASE,"
                             "  name TEXT NOT NULL,"
                             "  password TEXT NOT NULL,"
                             "  totp_secret BLOB NOT NULL DEFAULT x'',"
                             "  totp_pending BLOB NOT NULL DEFAULT x'',"
                             "  totp_step INTEGER NOT NULL DEFAULT 0,"
                             "  instance_owner INTEGER NOT NULL DEFAULT 0 CHECK (instance_owner IN (0, 1)),"
                             "  created_at INTEGER NOT NULL"
                             ") STRICT;"
                             "CREATE TABLE recovery_codes ("
                             "  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,"
                             "  hash BLOB NOT NULL CHECK (length(hash) = 32),"
                             "  PRIMARY KEY (account, hash)"
                             ") STRICT;"
                             "CREATE TABLE members ("
                             "  project TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,"
                             "  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,"
                             "  role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 4),"
                             "  created_at INTEGER NOT NULL,"
                             "  PRIMARY KEY (project, account)"
                             ") STRICT;"
                             "CREATE TABLE invites ("
                             "  id TEXT PRIMARY KEY,"
                             "  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
                             "  project TEXT NOT NULL,"
                             "  role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 4),"
                             "  email TEXT NOT NULL DEFAULT '',"
                             "  invited_by TEXT NOT NULL DEFAULT '',"
                             "  created_at INTEGER NOT NULL,"
                             "  valid_until INTEGER NOT NULL"
                             ") STRICT;"
                             "CREATE TABLE logins ("
                             "  id TEXT PRIMARY KEY,"
                             "  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
                             "  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,"
                             "  created_at INTEGER NOT NULL,"
                             "  last_used_at INTEGER NOT NULL,"
                             "  address TEXT NOT NULL DEFAULT '',"
                             "  agent TEXT NOT NULL DEFAULT ''"
                             ") STRICT;"
                             "CREATE INDEX logins_by_account ON logins (account);"
                             "CREATE TABLE access_tokens ("
                             "  id TEXT PRIMARY KEY,"
                             "  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
                             "  account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,"
                             "  name TEXT NOT NULL,"
                             "  created_at INTEGER NOT NULL,"
                             "  valid_until INTEGER NOT NULL DEFAULT 0,"
                             "  last_used_at INTEGER NOT NULL DEFAULT 0"
                             ") STRICT;"
                             "CREATE INDEX access_tokens_by_account ON access_tokens (account);"
                             "ALTER TABLE audit ADD COLUMN project TEXT NOT NULL DEFAULT '';"
                             "CREATE INDEX audit_by_project ON audit (project, number);"
                             /* scopes: bits, 0 = whatever the kind may do; a prefix of '' = every channel */
                             "ALTER TABLE keys ADD COLUMN scopes INTEGER NOT NULL DEFAULT 0;"
                             "ALTER TABLE keys ADD COLUMN channel_prefix TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE keys ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;"
                             "ALTER TABLE projects ADD COLUMN namespaces TEXT NOT NULL DEFAULT '[]';";

const struct store_migration store_migrations[] = {
    { 1, projects_and_keys },
    { 2, audit },
    { 3, people },
};
const size_t store_migration_count = sizeof store_migrations / sizeof *store_migrations;

static enum status read_version(struct store_db *db, int64_t *out)
{
    struct store_stmt st;
    store_stmt_begin(&st, db, "SELECT coalesce(max(version), 0) FROM schema_version");
    int64_t version = store_stmt_step(&st) ? store_stmt_i64(&st, 0) : 0;
    enum status status = store_stmt_end(&st);
    if (status == STATUS_OK) *out = version;
    return status;
}

static enum status apply_one(struct store_db *db, const struct store_migration *m)
{
    enum status status = store_db_exec(db, m->sql);
    if (status != STATUS_OK) return status;
    struct store_stmt st;
    store_stmt_begin(&st, db, "INSERT INTO schema_version (version, applied_at) VALUES (?1, ?2)");
    store_stmt_bind_i64(&st, 1, m->version);
    store_stmt_bind_i64(&st, 2, (int64_t)time(NULL));
    store_stmt_step(&st);
    return store_stmt_end(&st);
}

static enum status apply_missing(struct store_db *db, const struct store_migration *migrations, size_t count,
                                 char *error)
{
    int64_t version = 0;
    enum status status = store_db_exec(db, "CREATE TABLE IF NOT EXISTS schema_version"
                                           " (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT");
    if (status == STATUS_OK) status = read_version(db, &version);
    if (status == STATUS_OK && version > (int64_t)count) {
        snprintf(error, STORE_ERROR_MAX,
                 "the database has schema version \"%" PRId64 "\", made by a newer program; this one knows versions up "
                 "to %zu: start the newer program, or restore a backup",
                 version, count);
        return STATUS_CONFLICT;
    }
    for (size_t i = (size_t)version; status == STATUS_OK && i < count; i++) status = apply_one(db, &migrations[i]);
    return status;
}

enum status store_schema_apply(struct store_db *db, const struct store_migration *migrations, size_t count,
                               char error[static STORE_ERROR_MAX])
{
    error[0] = '\0';
    enum status status = store_db_exec(db, "BEGIN IMMEDIATE");
    if (status == STATUS_OK) status = apply_missing(db, migrations, count, error);
    if (status == STATUS_OK) status = store_db_exec(db, "COMMIT");
    if (status == STATUS_OK) return STATUS_OK;
    if (!error[0])
        snprintf(error, STORE_ERROR_MAX, "the database cannot be brought up to date: %s", store_db_error(db));
    enum status rolled_back = store_db_exec(db, "ROLLBACK"); /* fails when nothing had begun */
    (void)rolled_back;
    return status;
}
