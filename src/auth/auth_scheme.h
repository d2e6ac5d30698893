/* auth_scheme: the signature scheme behind a token's algorithm. Source: RFC 7518
 * section 3.1, RFC 8037 section 3.1. Inner part of src/auth. */
#ifndef XSHATHRA_AUTH_AUTH_SCHEME_H
#define XSHATHRA_AUTH_AUTH_SCHEME_H

#include "auth/auth_token.h"
#include "crypto/crypto_signature.h"

/* Of one that is under a public key. */
static inline enum crypto_scheme auth_scheme_of(enum auth_algorithm algorithm)
{
    static const enum crypto_scheme schemes[AUTH_ALGORITHM_COUNT] = {
        [AUTH_RS256] = CRYPTO_RS256, [AUTH_RS384] = CRYPTO_RS384, [AUTH_RS512] = CRYPTO_RS512,
        [AUTH_ES256] = CRYPTO_ES256, [AUTH_ES384] = CRYPTO_ES384, [AUTH_ES512] = CRYPTO_ES512,
        [AUTH_EDDSA] = CRYPTO_EDDSA,
    };
    return schemes[algorithm];
}

#endif
