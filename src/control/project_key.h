/* project_key: how ids and keys of projects look, and how they are made. Source: the
 * design, 1.3.
 *
 *   proj_<16 base32 letters>                        a project's id
 *   k<10 base32 letters>                            a key's public id
 *   sk_<key id>_<43 base64url letters>              a server key: 256 random bits
 *   ck_<key id>_<43 base64url letters>              a client key
 *
 * Only the SHA-256 of the whole text is kept. With 256 random bits no slow hash is
 * needed: there is nothing to guess. Any thread. */
#ifndef XSHATHRA_CONTROL_PROJECT_KEY_H
#define XSHATHRA_CONTROL_PROJECT_KEY_H

#include "base/slice.h"
#include "store/store_key.h"

#define PROJECT_KEY_SECRET_LEN 32
#define PROJECT_KEY_TEXT_MAX   64 /* with NUL */

/* A key in clear: shown once, then wiped by whoever holds it. */
struct project_key {
    char id[STORE_KEY_ID_MAX];
    char text[PROJECT_KEY_TEXT_MAX]; /* "" = there is no new key of this kind */
};

void project_id_make(char out[static STORE_PROJECT_ID_MAX]);
/* hash is what the store gets. */
void project_key_make(enum store_key_kind kind, struct project_key *out, uint8_t hash[static STORE_KEY_HASH_LEN]);
/* True for text that begins like a whole key: it must not be repeated anywhere. */
bool project_key_is_secret(struct slice text);

#endif
