/* store_login: the rows of what proves who asks: sessions of browsers, and personal access
 * tokens of scripts; of both the SHA-256 only. See store.h for threads and failures. */
#ifndef XSHATHRA_STORE_STORE_LOGIN_H
#define XSHATHRA_STORE_STORE_LOGIN_H

#include "store/store_account.h"

#define STORE_LOGIN_ID_MAX      24  /* with NUL */
#define STORE_LOGIN_ADDRESS_MAX 46  /* with NUL */
#define STORE_LOGIN_AGENT_MAX   201 /* with NUL */
#define STORE_TOKEN_NAME_MAX    101 /* with NUL */

struct store_login {
    char id[STORE_LOGIN_ID_MAX]; /* for lists */
    uint8_t hash[STORE_SECRET_HASH_LEN];
    char account[STORE_ACCOUNT_ID_MAX];
    int64_t created_at_s, last_used_at_s;
    char address[STORE_LOGIN_ADDRESS_MAX];
    char agent[STORE_LOGIN_AGENT_MAX]; /* what the browser says it is; a stranger's text */
};

MUST_CHECK enum status store_login_insert(struct store *s, const struct store_login *login);
/* NOT_FOUND. */
MUST_CHECK enum status store_login_get_by_hash(struct store *s, const uint8_t hash[static STORE_SECRET_HASH_LEN],
                                               struct store_login *out);
MUST_CHECK enum status store_login_get(struct store *s, struct slice id, struct store_login *out); /* NOT_FOUND */
/* Newest first; mem_free(*out). */
MUST_CHECK enum status store_login_list(struct store *s, struct slice account, struct store_login **out, size_t *count);
MUST_CHECK enum status store_login_touch(struct store *s, struct slice id, int64_t at_s);          /* NOT_FOUND */
MUST_CHECK enum status store_login_remove(struct store *s, struct slice account, struct slice id); /* NOT_FOUND */
/* All of the account but the one with the id `but` ("" = none is spared). */
MUST_CHECK enum status store_login_remove_others(struct store *s, struct slice account, struct slice but,
                                                 uint64_t *removed);
MUST_CHECK enum status store_login_remove_old(struct store *s, int64_t made_before_s, int64_t used_before_s);

struct store_access_token {
    char id[STORE_LOGIN_ID_MAX];
    uint8_t hash[STORE_SECRET_HASH_LEN];
    char account[STORE_ACCOUNT_ID_MAX];
    char name[STORE_TOKEN_NAME_MAX];
    int64_t created_at_s;
    int64_t valid_until_s;  /* 0 = no end */
    int64_t last_used_at_s; /* 0 = never */
};

MUST_CHECK enum status store_access_token_insert(struct store *s, const struct store_access_token *token);
/* NOT_FOUND. */
MUST_CHECK enum status store_access_token_get_by_hash(struct store *s, const uint8_t hash[static STORE_SECRET_HASH_LEN],
                                                      struct store_access_token *out);
/* Oldest first; mem_free(*out). */
MUST_CHECK enum status store_access_token_list(struct store *s, struct slice account, struct store_access_token **out,
                                               size_t *count);
MUST_CHECK enum status store_access_token_touch(struct store *s, struct slice id, int64_t at_s); /* NOT_FOUND */
MUST_CHECK enum status store_access_token_remove(struct store *s, struct slice account, struct slice id);
MUST_CHECK enum status store_access_token_remove_all(struct store *s, struct slice account, uint64_t *removed);

#endif
