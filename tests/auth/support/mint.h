/* Tokens for tests, from any header and payload text, also wrong ones. */
#ifndef XSHATHRA_TESTS_AUTH_MINT_H
#define XSHATHRA_TESTS_AUTH_MINT_H

#include "base/slice.h"
#include "crypto/crypto_hash.h"

#define HS256_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

/* The texts below live until mint_free_all(), which the end of a test calls. */
struct slice mint(const char *header, const char *payload, enum crypto_digest digest, struct slice key);
/* HS256 under the key "secret". */
struct slice mint_hs256(const char *payload);
/* header.payload.signature with the three parts encoded as they are. */
struct slice mint_raw(struct slice header, struct slice payload, struct slice signature);
void mint_free_all(void);

#endif
