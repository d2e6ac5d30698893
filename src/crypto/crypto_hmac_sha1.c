#include "crypto/crypto_hmac_sha1.h"

#include <openssl/evp.h>

#include "base/check.h"

void crypto_hmac_sha1(struct slice key, struct slice message, uint8_t out[static CRYPTO_SHA1_LEN])
{
    size_t len = 0;
    CHECK(EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, key.ptr, key.len, (const unsigned char *)message.ptr, message.len,
                    out, CRYPTO_SHA1_LEN, &len) != NULL);
    CHECK(len == CRYPTO_SHA1_LEN);
}
