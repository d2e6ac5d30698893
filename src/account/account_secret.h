/* account_secret: what somebody shows to prove who asks, and how it looks:
 *
 *   ses_<43 base64url letters>    the session cookie of a browser
 *   pat_<43 base64url letters>    a personal access token of a script
 *   inv_<43 base64url letters>    the secret in an invite's or the set-up link
 *   xxxxx-xxxxx                   a recovery code: 50 random bits, guessed at only behind the throttle
 *
 * Only the SHA-256 of the whole text is kept: there is nothing to guess. Any thread. */
#ifndef XSHATHRA_ACCOUNT_ACCOUNT_SECRET_H
#define XSHATHRA_ACCOUNT_ACCOUNT_SECRET_H

#include "store/store_account.h"

#define ACCOUNT_SECRET_TEXT_MAX 48 /* with NUL */
#define ACCOUNT_RECOVERY_CODES  10

enum account_secret_kind { ACCOUNT_SECRET_SESSION, ACCOUNT_SECRET_ACCESS_TOKEN, ACCOUNT_SECRET_INVITE };

/* In clear: shown once, then wiped by whoever holds it. */
struct account_secret {
    char text[ACCOUNT_SECRET_TEXT_MAX];
};

void account_secret_make(enum account_secret_kind kind, struct account_secret *out,
                         uint8_t hash[static STORE_SECRET_HASH_LEN]);
/* False: text is no secret of this kind. */
MUST_CHECK bool account_secret_hash(enum account_secret_kind kind, struct slice text,
                                    uint8_t hash[static STORE_SECRET_HASH_LEN]);

void account_recovery_code_make(struct account_secret *out, uint8_t hash[static STORE_SECRET_HASH_LEN]);
/* Letters of any case, blanks and dashes are as people type them. False: it is none. */
MUST_CHECK bool account_recovery_code_hash(struct slice text, uint8_t hash[static STORE_SECRET_HASH_LEN]);

/* "<prefix>_<14 letters>": ids of accounts, sessions, invites and tokens; 24 bytes of room. */
void account_id_make(const char *prefix, char out[static STORE_ACCOUNT_ID_MAX]);

#endif
