/* auth_verifier: decides whether a connection or subscription token is good.
 * Sources: RFC 7515 section 5.2, RFC 7519 section 7.2, RFC 8725 (the algorithm is
 * pinned by the keys that are configured, never chosen by the token); times and
 * the order of checks as in Centrifugo v6.
 *
 * Use: v = auth_verifier_new(&options); scratch = auth_scratch_new();
 *      r = auth_verify(v, scratch, token, now_s, AUTH_CONNECTION, arena, &claims, &why);
 *      auth_scratch_free(scratch); auth_verifier_unref(v);
 *
 * Threads: a verifier is immutable and shared by reference count, so a reload makes
 * a new one and old sessions finish on theirs. Each thread has one scratch, which
 * holds its working copies of keys; it serves any number of verifiers. */
#ifndef XSHATHRA_AUTH_AUTH_VERIFIER_H
#define XSHATHRA_AUTH_AUTH_VERIFIER_H

#include "auth/auth_jwks.h"
#include "auth/auth_token.h"
#include "auth/claims.h"

struct auth_verifier; /* opaque, immutable, shared */
struct auth_scratch;  /* opaque, one per thread */

/* Stands in for audience_regex and issuer_regex: a reentrant test that any thread
 * may call for as long as the verifier lives. */
struct auth_matcher {
    bool (*matches)(const void *context, struct slice value); /* NULL = no such check */
    const void *context;
    /* What the group of that name has matched in value, which *out borrows. False: no
     * match, or no such group. Asked only for placeholders of an endpoint. */
    bool (*group)(const void *context, struct slice value, struct slice name, struct slice *out);
};

enum auth_key_answer {
    AUTH_KEY_FOUND,
    AUTH_KEY_NONE, /* the set was asked for just now, and has no such key */
    AUTH_KEY_WAIT, /* the set must be fetched first */
};

/* Where the keys of a key set are kept. Called by auth_verify, on its thread. */
struct auth_key_source {
    /* FOUND: *out is one reference, handed over. */
    enum auth_key_answer (*find)(void *context, struct slice url, struct slice key_id, struct auth_jwk **out);
    void *context;
};

struct auth_options {
    struct slice hmac_key;               /* empty: no token with HS256, HS384 or HS512 is good */
    struct slice hmac_previous_key;      /* tried when hmac_key does not fit */
    int64_t hmac_previous_valid_until_s; /* last second in which it counts; 0 = no end */
    struct slice rsa_public_key;         /* PEM; empty: no token with RS256, RS384 or RS512 is good */
    struct slice ecdsa_public_key;       /* PEM; empty: no token with ES* is; its curve says which one may be */
    /* The address of a key set, see auth_endpoint; empty: the keys above count. Otherwise
     * they do not, and the token's kid names its key. */
    struct slice jwks_endpoint;
    struct auth_key_source key_source; /* of the key set; set when there is one */
    unsigned algorithms;               /* bits 1u << enum auth_algorithm; 0 = all that a key serves */
    struct slice audience;             /* one value of aud must equal it; empty = not checked */
    struct auth_matcher audience_matcher;
    struct slice issuer; /* iss must equal it; empty = not checked */
    struct auth_matcher issuer_matcher;
    struct slice user_id_claim;   /* empty = sub */
    bool insecure_skip_signature; /* believe every token (development only) */
};

/* Copies keys and strings; borrows the contexts of the matchers and the key source. One reference.
 * NULL when memory is out, or when a public key is none that crypto_public_key takes:
 * whoever reads the configuration asks it first, and can say why. */
MUST_CHECK struct auth_verifier *auth_verifier_new(const struct auth_options *options);
struct auth_verifier *auth_verifier_ref(struct auth_verifier *verifier); /* any thread */
void auth_verifier_unref(struct auth_verifier *verifier);                /* any thread; accepts NULL */

/* NULL when memory is out. */
MUST_CHECK struct auth_scratch *auth_scratch_new(void);
void auth_scratch_free(struct auth_scratch *scratch); /* accepts NULL */

/* The address that the last AUTH_PENDING on this scratch has asked for; in its arena. */
struct slice auth_scratch_wanted(const struct auth_scratch *scratch);

/* What the peer gets differs by kind; connection / subscription below. */
enum auth_result {
    AUTH_OK,
    AUTH_PENDING, /* fetch auth_scratch_wanted(), and ask again with the same token */
    AUTH_INVALID, /* close 3500 / error 103 */
    AUTH_EXPIRED, /* exp has come or nbf has not: error 109 */
    AUTH_ERROR,   /* error 100: memory was out, or b64info of a connection token is not base64 */
};

/* Check token at now_s (Unix seconds, rounded down): it is good while now < exp and
 * now >= nbf. AUTH_OK: *out is filled and borrows token and arena; *why is NULL.
 * AUTH_PENDING: both are untouched. Otherwise *out is untouched and *why is a constant
 * sentence that names the check that failed: for the operator's eyes, never for the peer's.
 * project_id is dropped from a token that is not under an HMAC algorithm: only the
 * deployment itself may place somebody in a project. */
MUST_CHECK enum auth_result auth_verify(const struct auth_verifier *verifier, struct auth_scratch *scratch,
                                        struct slice token, int64_t now_s, enum auth_kind kind, struct arena *arena,
                                        struct claims *out, const char **why);

#endif
