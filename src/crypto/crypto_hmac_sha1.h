/* crypto_hmac_sha1: HMAC with SHA-1, one-shot. For one-time passwords only (RFC 6238),
 * which every authenticator app computes with it. Source: RFC 2104. Any thread. */
#ifndef XSHATHRA_CRYPTO_CRYPTO_HMAC_SHA1_H
#define XSHATHRA_CRYPTO_CRYPTO_HMAC_SHA1_H

#include "crypto/crypto_hash.h"

/* A context that cannot be had stops the process. */
void crypto_hmac_sha1(struct slice key, struct slice message, uint8_t out[static CRYPTO_SHA1_LEN]);

#endif
