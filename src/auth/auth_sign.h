/* auth_sign: mints the deployment's own connection and subscription tokens, HS256.
 * Source: RFC 7515 section 5.1; the claims are those that auth_verifier reads.
 *
 * Use: mac = crypto_hmac_new(CRYPTO_SHA256, key);
 *      s = auth_sign(mac, &minted, &out); token = buf_slice(&out);
 * Pure but for mac, which belongs to the calling thread. */
#ifndef XSHATHRA_AUTH_AUTH_SIGN_H
#define XSHATHRA_AUTH_AUTH_SIGN_H

#include "auth/claims.h"
#include "base/buf.h"
#include "crypto/crypto_hmac.h"

struct auth_minted {
    enum auth_kind kind;
    struct slice user;
    struct slice user_id_claim; /* the claim that user goes into; empty = sub */
    int64_t iat_s, exp_s;
    struct slice iss, aud; /* left out when empty */
    struct slice info;     /* JSON text that was checked before; empty = left out */
    bool has_project_id;   /* left out for the deployment's own space */
    struct slice project_id;
    const struct slice *channels; /* connection: server-side subscriptions; left out when there are none */
    size_t channel_count;
    struct slice channel; /* subscription: required */
};

/* Can a minted token carry its user in this claim? False when auth_verifier reads
 * something else from it. */
bool auth_sign_takes_user_id_claim(struct slice name);

/* Append one token to out. mac is SHA-256 under the deployment's secret.
 * OK; NO_MEMORY or TOO_LARGE: out keeps what it had before;
 * MALFORMED: a string is not UTF-8, user_id_claim is not taken, or the token would
 * be longer than AUTH_TOKEN_LEN_MAX and so refused by every verifier. */
MUST_CHECK enum status auth_sign(struct crypto_hmac *mac, const struct auth_minted *minted, struct buf *out);

#endif
