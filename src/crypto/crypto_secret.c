#include "crypto/crypto_secret.h"

#include <openssl/crypto.h>

bool crypto_equal(struct slice a, struct slice b)
{
    if (a.len != b.len) return false;
    return a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0;
}

void crypto_wipe(void *secret, size_t len)
{
    if (len > 0) OPENSSL_cleanse(secret, len);
}
