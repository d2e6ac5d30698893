/* store: what must survive a restart: projects, the hashes of their keys, and an
 * audit of changes. No secret is ever in it.
 *
 * Use: struct store *s; status = store_open("data/xshathra.db", &s, error);
 *      store_begin(s); store_project_insert(s, &p); … store_commit(s);   (or store_rollback)
 *      store_close(s);
 * Rows come out as plain structs: see store_project.h, store_key.h, store_audit.h.
 *
 * One thread at a time; calls may block on the disk. A failure: the status, and in
 * store_error() the reason in the database's words until the next call. */
#ifndef XSHATHRA_STORE_STORE_H
#define XSHATHRA_STORE_STORE_H

#include "base/slice.h"
#include "base/status.h"
#include "store/store_db.h"

struct store; /* opaque */

/* Opens or makes the database (0600) and brings its schema up to date. A newer
 * schema gives CONFLICT. Otherwise as store_db_open(). error is a sentence. */
MUST_CHECK enum status store_open(const char *path, struct store **out, char error[static STORE_ERROR_MAX]);
void store_close(struct store *s); /* accepts NULL; an open transaction is rolled back */
const char *store_error(const struct store *s);

/* All writes between them happen together or not at all; nothing nests. */
MUST_CHECK enum status store_begin(struct store *s);
MUST_CHECK enum status store_commit(struct store *s);
void store_rollback(struct store *s); /* also when nothing has begun */

/* The connection, for the files of this folder. */
struct store_db *store_connection(struct store *s);

#endif
