#include "crypto/crypto_hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "crypto/crypto_secret.h"

struct crypto_hmac {
    EVP_MAC_CTX *ctx;
    size_t len;
};

/* By enum crypto_digest. The names are not const: OSSL_PARAM takes a plain pointer. */
static char digest_names[][8] = { "SHA256", "SHA384", "SHA512" };
static const size_t digest_lens[] = { CRYPTO_SHA256_LEN, CRYPTO_SHA384_LEN, CRYPTO_SHA512_LEN };

static EVP_MAC_CTX *context_new(void)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac); /* the context keeps a reference */
    return ctx;
}

static bool set_key(EVP_MAC_CTX *ctx, enum crypto_digest digest, struct slice key)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_names[digest], 0),
        OSSL_PARAM_construct_end(),
    };
    /* a NULL key would mean "keep the one you have" */
    const char *bytes = key.len ? key.ptr : "";
    return EVP_MAC_init(ctx, (const unsigned char *)bytes, key.len, params) == 1;
}

/* Takes ctx over, also when it fails. */
static struct crypto_hmac *wrap(EVP_MAC_CTX *ctx, size_t len)
{
    struct crypto_hmac *mac = ctx ? mem_alloc(sizeof *mac) : NULL;
    if (!mac) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    *mac = (struct crypto_hmac){ .ctx = ctx, .len = len };
    return mac;
}

struct crypto_hmac *crypto_hmac_new(enum crypto_digest digest, struct slice key)
{
    EVP_MAC_CTX *ctx = context_new();
    if (ctx && !set_key(ctx, digest, key)) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    return wrap(ctx, digest_lens[digest]);
}

struct crypto_hmac *crypto_hmac_dup(const struct crypto_hmac *mac)
{
    return wrap(EVP_MAC_CTX_dup(mac->ctx), mac->len);
}

void crypto_hmac_free(struct crypto_hmac *mac)
{
    if (!mac) return;
    EVP_MAC_CTX_free(mac->ctx);
    mem_free(mac);
}

size_t crypto_hmac_len(const struct crypto_hmac *mac)
{
    return mac->len;
}

size_t crypto_hmac_sign(struct crypto_hmac *mac, struct slice message, uint8_t out[static CRYPTO_HMAC_LEN_MAX])
{
    size_t len = 0;
    if (EVP_MAC_init(mac->ctx, NULL, 0, NULL) != 1) return 0;
    if (EVP_MAC_update(mac->ctx, (const unsigned char *)message.ptr, message.len) != 1) return 0;
    if (EVP_MAC_final(mac->ctx, out, &len, CRYPTO_HMAC_LEN_MAX) != 1) return 0;
    return len;
}

bool crypto_hmac_verify(struct crypto_hmac *mac, struct slice message, struct slice tag)
{
    uint8_t expected[CRYPTO_HMAC_LEN_MAX];
    size_t len = crypto_hmac_sign(mac, message, expected);
    bool good = len != 0 && crypto_equal(slice_of(expected, len), tag);
    crypto_wipe(expected, sizeof expected);
    return good;
}
