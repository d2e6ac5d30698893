/* auth_token: a JWT's text taken apart, nothing of it believed yet.
 * Source: RFC 7515 sections 3.1 and 7.1 (compact serialisation), RFC 7519.
 *
 * Use: s = auth_token_split(text, arena, &token, &why); then check token.signature
 *      over token.signed_part under the key that token.algorithm calls for, and only
 *      then read token.payload with claims_parse().
 * Pure. The text is hostile: it comes from anyone who can open a socket. */
#ifndef XSHATHRA_AUTH_AUTH_TOKEN_H
#define XSHATHRA_AUTH_AUTH_TOKEN_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

/* Longer text is refused before anything is copied: no message of a client is longer. */
#define AUTH_TOKEN_LEN_MAX ((size_t)64 * 1024)
/* A header is two or three short members; this bounds the work before the signature. */
#define AUTH_HEADER_DEPTH_MAX 8

/* Every algorithm that there may be a key for; keys of EdDSA come from key sets only.
 * `none` never joins. */
#define AUTH_ALGORITHM_LIST(X)                                                                                         \
    X(HS256, "HS256")                                                                                                  \
    X(HS384, "HS384")                                                                                                  \
    X(HS512, "HS512")                                                                                                  \
    X(RS256, "RS256")                                                                                                  \
    X(RS384, "RS384")                                                                                                  \
    X(RS512, "RS512")                                                                                                  \
    X(ES256, "ES256")                                                                                                  \
    X(ES384, "ES384")                                                                                                  \
    X(ES512, "ES512")                                                                                                  \
    X(EDDSA, "EdDSA")

enum auth_algorithm {
#define AUTH_ALGORITHM_ENUM(name, text) AUTH_##name,
    AUTH_ALGORITHM_LIST(AUTH_ALGORITHM_ENUM)
#undef AUTH_ALGORITHM_ENUM
        AUTH_ALGORITHM_COUNT,
    AUTH_ALGORITHM_UNKNOWN = AUTH_ALGORITHM_COUNT, /* anything else, or no alg at all */
};

/* AUTH_ALGORITHM_UNKNOWN when it is none of the list; the letter case matters. */
enum auth_algorithm auth_algorithm_named(struct slice name);

/* Under a secret that only this deployment and its backends hold? */
static inline bool auth_algorithm_is_hmac(enum auth_algorithm algorithm)
{
    return algorithm == AUTH_HS256 || algorithm == AUTH_HS384 || algorithm == AUTH_HS512;
}

struct auth_token {
    enum auth_algorithm algorithm;
    struct slice key_id;      /* kid, for key sets; empty when missing */
    struct slice signed_part; /* borrows the text: header, dot, payload, still encoded */
    struct slice payload;     /* the rest is in the arena: decoded */
    struct slice signature;   /* may be empty */
};

/* Take text apart. Base64 is strict (no padding, blanks or stray bits), so that no
 * two texts are the same token. Header members are taken in any letter case; `crit`
 * and everything unknown is ignored, as in Centrifugo.
 * OK: *out is filled. Otherwise *why is a constant sentence, and
 * MALFORMED: not a JWT; TOO_LARGE: over a limit above; NO_MEMORY: the arena is full. */
MUST_CHECK enum status auth_token_split(struct slice text, struct arena *arena, struct auth_token *out,
                                        const char **why);

#endif
