#include "account/account_secret.h"

#include <stdio.h>

#include "base/base64.h"
#include "crypto/crypto_hash.h"
#include "crypto/crypto_random.h"
#include "crypto/crypto_secret.h"

#define SECRET_LEN   32
#define SECRET_CHARS 43 /* of 32 bytes in base64url */
#define CODE_LETTERS 10
#define ID_LETTERS   14

static const char prefixes[][5] = {
    [ACCOUNT_SECRET_SESSION] = "ses_", [ACCOUNT_SECRET_ACCESS_TOKEN] = "pat_", [ACCOUNT_SECRET_INVITE] = "inv_"
};
#define PREFIX_LEN 4

void account_secret_make(enum account_secret_kind kind, struct account_secret *out,
                         uint8_t hash[static STORE_SECRET_HASH_LEN])
{
    uint8_t bytes[SECRET_LEN];
    crypto_random(bytes, sizeof bytes);
    memcpy(out->text, prefixes[kind], PREFIX_LEN);
    out->text[PREFIX_LEN + base64url_encode(slice_of(bytes, sizeof bytes), out->text + PREFIX_LEN)] = '\0';
    crypto_sha256(slice_from_cstr(out->text), hash);
    crypto_wipe(bytes, sizeof bytes);
}

bool account_secret_hash(enum account_secret_kind kind, struct slice text, uint8_t hash[static STORE_SECRET_HASH_LEN])
{
    if (text.len != PREFIX_LEN + SECRET_CHARS || memcmp(text.ptr, prefixes[kind], PREFIX_LEN) != 0) return false;
    crypto_sha256(text, hash);
    return true;
}

void account_recovery_code_make(struct account_secret *out, uint8_t hash[static STORE_SECRET_HASH_LEN])
{
    char letters[CODE_LETTERS + 1];
    crypto_random_letters(letters, CODE_LETTERS);
    crypto_sha256(slice_of(letters, CODE_LETTERS), hash);
    snprintf(out->text, sizeof out->text, "%.5s-%.5s", letters, letters + CODE_LETTERS / 2);
    crypto_wipe(letters, sizeof letters);
}

bool account_recovery_code_hash(struct slice text, uint8_t hash[static STORE_SECRET_HASH_LEN])
{
    char letters[CODE_LETTERS];
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ' ' || c == '-') continue;
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        if (len == CODE_LETTERS || !((c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'))) return false;
        letters[len++] = c;
    }
    if (len != CODE_LETTERS) return false;
    crypto_sha256(slice_of(letters, len), hash);
    crypto_wipe(letters, sizeof letters);
    return true;
}

void account_id_make(const char *prefix, char out[static STORE_ACCOUNT_ID_MAX])
{
    char letters[ID_LETTERS + 1];
    crypto_random_letters(letters, ID_LETTERS);
    snprintf(out, STORE_ACCOUNT_ID_MAX, "%.8s_%s", prefix, letters);
}
