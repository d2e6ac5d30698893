#include "crypto/crypto_password.h"

#include <sodium.h>

#include "base/check.h"

_Static_assert(CRYPTO_PASSWORD_TEXT_MAX == crypto_pwhash_argon2id_STRBYTES, "as libsodium writes it");

enum status crypto_password_hash(struct slice password, char out[static CRYPTO_PASSWORD_TEXT_MAX])
{
    CHECK(sodium_init() >= 0); /* 1 when it was called before, from any thread */
    int failed = crypto_pwhash_argon2id_str(out, password.ptr ? password.ptr : "", password.len,
                                            crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                                            crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE);
    return failed ? STATUS_NO_MEMORY : STATUS_OK;
}

bool crypto_password_verify(const char *text, struct slice password)
{
    CHECK(sodium_init() >= 0);
    return crypto_pwhash_argon2id_str_verify(text, password.ptr ? password.ptr : "", password.len) == 0;
}
