/* store_account: the rows of people who sign in, and of their recovery codes. See store.h
 * for threads and failures. */
#ifndef XSHATHRA_STORE_STORE_ACCOUNT_H
#define XSHATHRA_STORE_STORE_ACCOUNT_H

#include "store/store.h"

#define STORE_ACCOUNT_ID_MAX       24  /* with NUL */
#define STORE_ACCOUNT_EMAIL_MAX    255 /* with NUL */
#define STORE_ACCOUNT_NAME_MAX     101 /* with NUL */
#define STORE_ACCOUNT_PASSWORD_MAX 129 /* with NUL: a hash in its text form, with its parameters */
#define STORE_TOTP_SECRET_LEN      20
#define STORE_SECRET_HASH_LEN      32

struct store_account {
    char id[STORE_ACCOUNT_ID_MAX];
    char email[STORE_ACCOUNT_EMAIL_MAX]; /* unique, whatever the case of its letters */
    char name[STORE_ACCOUNT_NAME_MAX];
    char password[STORE_ACCOUNT_PASSWORD_MAX];
    bool has_totp, has_totp_pending;
    uint8_t totp_secret[STORE_TOTP_SECRET_LEN];
    uint8_t totp_pending[STORE_TOTP_SECRET_LEN]; /* until a first code confirms it */
    int64_t totp_step;                           /* of the last code that was taken: none is taken twice */
    bool instance_owner;
    int64_t created_at_s;
};

/* EXISTS: the id or the e-mail address is taken. */
MUST_CHECK enum status store_account_insert(struct store *s, const struct store_account *a);
/* NOT_FOUND. */
MUST_CHECK enum status store_account_get(struct store *s, struct slice id, struct store_account *out);
MUST_CHECK enum status store_account_get_by_email(struct store *s, struct slice email, struct store_account *out);
/* All but the id, instance_owner and created_at_s. NOT_FOUND; EXISTS as insert. */
MUST_CHECK enum status store_account_update(struct store *s, const struct store_account *a);
MUST_CHECK enum status store_account_count(struct store *s, uint64_t *count);

/* The codes of an account are replaced by these. */
MUST_CHECK enum status store_account_set_recovery_codes(struct store *s, struct slice account,
                                                        const uint8_t hashes[][STORE_SECRET_HASH_LEN], size_t count);
/* Use one up. NOT_FOUND: it is none of them, or used. */
MUST_CHECK enum status store_account_take_recovery_code(struct store *s, struct slice account,
                                                        const uint8_t hash[static STORE_SECRET_HASH_LEN]);

#endif
