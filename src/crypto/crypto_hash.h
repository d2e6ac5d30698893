/* crypto_hash: one-shot digests. Source: FIPS 180-4.
 *
 * Use: uint8_t digest[CRYPTO_SHA256_LEN]; crypto_sha256(SLICE("abc"), digest);
 * Any thread. SHA-1 is here for the WebSocket handshake only (RFC 6455 section
 * 4.2.2), where nothing depends on its strength. A digest context that cannot be
 * had stops the process. */
#ifndef XSHATHRA_CRYPTO_CRYPTO_HASH_H
#define XSHATHRA_CRYPTO_CRYPTO_HASH_H

#include "base/slice.h"

#define CRYPTO_SHA1_LEN   20
#define CRYPTO_SHA256_LEN 32
#define CRYPTO_SHA384_LEN 48
#define CRYPTO_SHA512_LEN 64
#define CRYPTO_DIGEST_MAX CRYPTO_SHA512_LEN

/* The digests that MACs and signatures are made over. */
enum crypto_digest { CRYPTO_SHA256, CRYPTO_SHA384, CRYPTO_SHA512 };

void crypto_sha1(struct slice in, uint8_t out[static CRYPTO_SHA1_LEN]);
void crypto_sha256(struct slice in, uint8_t out[static CRYPTO_SHA256_LEN]);

#endif
