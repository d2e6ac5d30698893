/* store_key: the rows of keys: public ids and hashes, never a key itself. See
 * store.h for threads and failures. */
#ifndef XSHATHRA_STORE_STORE_KEY_H
#define XSHATHRA_STORE_STORE_KEY_H

#include "store/store_project.h"

#define STORE_KEY_ID_MAX   24 /* with NUL */
#define STORE_KEY_HASH_LEN 32
#define STORE_KEY_NAME_MAX 101 /* with NUL */

#define STORE_KEY_PREFIX_MAX 65 /* with NUL */

enum store_key_kind { STORE_KEY_SERVER, STORE_KEY_CLIENT };

/* What a server key may do; 0 = everything. */
enum store_key_scope {
    STORE_KEY_PUBLISH = 1 << 0, /* publish */
    STORE_KEY_TOKENS = 1 << 1,  /* make tokens */
    STORE_KEY_READ = 1 << 2,    /* read history and presence */
};

struct store_key {
    char id[STORE_KEY_ID_MAX];
    char project[STORE_PROJECT_ID_MAX];
    enum store_key_kind kind;
    uint8_t hash[STORE_KEY_HASH_LEN];
    int64_t created_at_s;
    int64_t valid_until_s; /* 0 = no end */
    int64_t revoked_at_s;  /* 0 = not revoked */
    char name[STORE_KEY_NAME_MAX];
    uint32_t scopes;                           /* bits of enum store_key_scope */
    char channel_prefix[STORE_KEY_PREFIX_MAX]; /* of every channel that it may touch; "" = all */
    int64_t last_used_at_s;                    /* 0 = never */
};

const char *store_key_kind_name(enum store_key_kind kind); /* "server", "client" */

/* EXISTS: id or hash is taken, or the project is unknown. */
MUST_CHECK enum status store_key_insert(struct store *s, const struct store_key *key);
/* NOT_FOUND. */
MUST_CHECK enum status store_key_get(struct store *s, struct slice key_id, struct store_key *out);
/* The keys of one project, or of all when project is empty, in the order in which
 * they were made. The caller frees *out with mem_free(). */
MUST_CHECK enum status store_key_list(struct store *s, struct slice project, struct store_key **out, size_t *count);
/* NOT_FOUND. */
MUST_CHECK enum status store_key_set_valid_until(struct store *s, struct slice key_id, int64_t valid_until_s);
MUST_CHECK enum status store_key_set_revoked(struct store *s, struct slice key_id, int64_t at_s);
/* Never back to an earlier time. NOT_FOUND. */
MUST_CHECK enum status store_key_set_last_used(struct store *s, struct slice key_id, int64_t at_s);

#endif
