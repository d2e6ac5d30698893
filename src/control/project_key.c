#include "control/project_key.h"

#include <stdio.h>

#include "base/base64.h"
#include "crypto/crypto_hash.h"
#include "crypto/crypto_random.h"
#include "crypto/crypto_secret.h"

#define PROJECT_ID_LETTERS 16
#define KEY_ID_LETTERS     10

void project_id_make(char out[static STORE_PROJECT_ID_MAX])
{
    memcpy(out, "proj_", 5);
    crypto_random_letters(out + 5, PROJECT_ID_LETTERS);
}

void project_key_make(enum store_key_kind kind, struct project_key *out, uint8_t hash[static STORE_KEY_HASH_LEN])
{
    uint8_t secret[PROJECT_KEY_SECRET_LEN];
    char secret_text[BASE64_ENCODED_LEN(PROJECT_KEY_SECRET_LEN) + 1];
    out->id[0] = 'k';
    crypto_random_letters(out->id + 1, KEY_ID_LETTERS);
    crypto_random(secret, sizeof secret);
    secret_text[base64url_encode(slice_of(secret, sizeof secret), secret_text)] = '\0';
    snprintf(out->text, sizeof out->text, "%s_%.15s_%s", kind == STORE_KEY_SERVER ? "sk" : "ck", out->id, secret_text);
    crypto_sha256(slice_from_cstr(out->text), hash);
    crypto_wipe(secret, sizeof secret);
    crypto_wipe(secret_text, sizeof secret_text);
}

bool project_key_is_secret(struct slice text)
{
    return slice_starts_with(text, SLICE("sk_")) || slice_starts_with(text, SLICE("ck_"));
}
