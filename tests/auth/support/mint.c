#include "auth/support/mint.h"

#include "base/base64.h"
#include "base/mem.h"
#include "crypto/crypto_hmac.h"

#define MINTED_MAX 1024

static char *minted[MINTED_MAX];
static size_t minted_count;

static char *keep(size_t len)
{
    if (minted_count == MINTED_MAX) mint_free_all();
    return minted[minted_count++] = mem_must_alloc(len + 1);
}

void mint_free_all(void)
{
    while (minted_count > 0) mem_free(minted[--minted_count]);
}

struct slice mint_raw(struct slice header, struct slice payload, struct slice signature)
{
    char *text =
        keep(BASE64_ENCODED_LEN(header.len) + BASE64_ENCODED_LEN(payload.len) + BASE64_ENCODED_LEN(signature.len) + 2);
    size_t len = base64url_encode(header, text);
    text[len++] = '.';
    len += base64url_encode(payload, text + len);
    text[len++] = '.';
    len += base64url_encode(signature, text + len);
    return slice_of(text, len);
}

struct slice mint(const char *header, const char *payload, enum crypto_digest digest, struct slice key)
{
    uint8_t tag[CRYPTO_HMAC_LEN_MAX];
    struct slice unsigned_text = mint_raw(slice_from_cstr(header), slice_from_cstr(payload), (struct slice){ 0 });
    struct crypto_hmac *mac = crypto_hmac_new(digest, key);
    size_t len = mac ? crypto_hmac_sign(mac, slice_head(unsigned_text, unsigned_text.len - 1), tag) : 0;
    crypto_hmac_free(mac);
    return mint_raw(slice_from_cstr(header), slice_from_cstr(payload), slice_of(tag, len));
}

struct slice mint_hs256(const char *payload)
{
    return mint(HS256_HEADER, payload, CRYPTO_SHA256, SLICE("secret"));
}
