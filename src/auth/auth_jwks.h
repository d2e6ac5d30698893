/* auth_jwks: a key set (JWK Set) as it comes from a key server, and one key of it.
 * Sources: RFC 7517 sections 4 and 5, RFC 7518 section 6, RFC 8037 section 2; which keys
 * count as in Centrifugo v6: `use` is "sig", and there is a kid.
 *
 * Use: s = auth_jwks_parse(text, &set, &why); key = auth_jwk_ref(set.keys[i]);
 *      auth_jwks_deinit(&set); r = auth_jwk_verify(key, &token, &why); auth_jwk_unref(key);
 *
 * Pure, no I/O. The text is as hostile as whoever answers at the endpoint. A key is
 * immutable and shared by reference count: any thread may check under it. */
#ifndef XSHATHRA_AUTH_AUTH_JWKS_H
#define XSHATHRA_AUTH_AUTH_JWKS_H

#include "auth/auth_token.h"
#include "base/slice.h"
#include "base/status.h"

/* Sets hold a handful of keys of less than 1 KB; these bound what a broken or hostile
 * key server can make us read, check and keep. */
#define AUTH_JWKS_BYTES_MAX ((size_t)512 * 1024)
#define AUTH_JWKS_KEYS_MAX  256
#define AUTH_JWKS_DEPTH_MAX 16

struct auth_jwk; /* opaque, immutable, shared */

struct auth_jwks {
    struct auth_jwk **keys; /* owned, one reference each; no kid twice */
    size_t count;
};

/* Read a set. A key that is of another use, or that nobody could sign a token of ours
 * with (another kty or curve, symmetric, unsafe, or published with its private half), is
 * left out, as RFC 7517 section 5 wants it; of keys with the same kid the last counts.
 * OK: *out is filled, perhaps with no key. Otherwise *why is a constant sentence, and
 * MALFORMED: no key set; TOO_LARGE: a limit above; NO_MEMORY. */
MUST_CHECK enum status auth_jwks_parse(struct slice text, struct auth_jwks *out, const char **why);
void auth_jwks_deinit(struct auth_jwks *set); /* accepts a zeroed one */

struct auth_jwk *auth_jwk_ref(struct auth_jwk *key);
void auth_jwk_unref(struct auth_jwk *key); /* accepts NULL */
/* The kid; lives as long as the key. */
struct slice auth_jwk_id(const struct auth_jwk *key);

/* OK: the token's algorithm is one that the key is for (its `alg`, or any of its kind),
 * and the signature is good. Otherwise *why is a constant sentence, and
 * DENIED: it is not; NO_MEMORY. */
MUST_CHECK enum status auth_jwk_verify(const struct auth_jwk *key, const struct auth_token *token, const char **why);

#endif
