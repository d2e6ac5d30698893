#include "store/store.h"

#include "base/check.h"
#include "base/mem.h"
#include "store/store_schema.h"

struct store {
    struct store_db *db;
    bool in_transaction;
};

enum status store_open(const char *path, struct store **out, char error[static STORE_ERROR_MAX])
{
    struct store_db *db;
    enum status status = store_db_open(path, &db, error);
    if (status != STATUS_OK) return status;
    status = store_schema_apply(db, store_migrations, store_migration_count, error);
    if (status != STATUS_OK) {
        store_db_close(db);
        return status;
    }
    struct store *s = mem_must_alloc_zero(sizeof *s);
    s->db = db;
    *out = s;
    return STATUS_OK;
}

void store_close(struct store *s)
{
    if (!s) return;
    store_rollback(s);
    store_db_close(s->db);
    mem_free(s);
}

const char *store_error(const struct store *s)
{
    return store_db_error(s->db);
}

enum status store_begin(struct store *s)
{
    CHECK(!s->in_transaction);
    enum status status = store_db_exec(s->db, "BEGIN IMMEDIATE");
    s->in_transaction = status == STATUS_OK;
    return status;
}

enum status store_commit(struct store *s)
{
    CHECK(s->in_transaction);
    enum status status = store_db_exec(s->db, "COMMIT");
    if (status == STATUS_OK) s->in_transaction = false;
    return status;
}

void store_rollback(struct store *s)
{
    if (!s->in_transaction) return;
    enum status status = store_db_exec(s->db, "ROLLBACK"); /* a failed COMMIT may have done it already */
    (void)status;
    s->in_transaction = false;
}

struct store_db *store_connection(struct store *s)
{
    return s->db;
}
