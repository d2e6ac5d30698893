#include "crypto/crypto_signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto_hash.h"

/* A coordinate of P-521. */
#define NUMBER_LEN_MAX 66
/* Tag, length and a zero before the number, twice; tag and length of the sequence. */
#define DER_LEN_MAX  (2 * (3 + NUMBER_LEN_MAX) + 3)
#define DER_INTEGER  0x02
#define DER_SEQUENCE 0x30
/* Lengths from here on take a byte that says how many bytes they have. */
#define DER_LONG_LENGTH       0x80
#define ED25519_SIGNATURE_LEN 64

static const struct scheme {
    const char *digest;
    size_t digest_len;
    enum crypto_key_type type;
    unsigned curve_bits; /* 0 = any key of the type */
} schemes[] = {
    [CRYPTO_RS256] = { "SHA256", CRYPTO_SHA256_LEN, CRYPTO_KEY_RSA, 0 },
    [CRYPTO_RS384] = { "SHA384", CRYPTO_SHA384_LEN, CRYPTO_KEY_RSA, 0 },
    [CRYPTO_RS512] = { "SHA512", CRYPTO_SHA512_LEN, CRYPTO_KEY_RSA, 0 },
    [CRYPTO_ES256] = { "SHA256", CRYPTO_SHA256_LEN, CRYPTO_KEY_EC, 256 },
    [CRYPTO_ES384] = { "SHA384", CRYPTO_SHA384_LEN, CRYPTO_KEY_EC, 384 },
    [CRYPTO_ES512] = { "SHA512", CRYPTO_SHA512_LEN, CRYPTO_KEY_EC, 521 },
    [CRYPTO_EDDSA] = { NULL, 0, CRYPTO_KEY_ED25519, 0 }, /* hashes the message itself */
};

struct crypto_signature {
    EVP_PKEY_CTX *ctx; /* with the key, the digest's name and the padding */
    EVP_MD *digest;
    EVP_MD_CTX *whole; /* of EdDSA, in place of both */
    EVP_PKEY *key;     /* of EdDSA; one reference */
    const struct scheme *scheme;
    size_t signature_len; /* the only one that is taken */
};

bool crypto_signature_fits(enum crypto_scheme scheme, const struct crypto_public_key *key)
{
    const struct scheme *s = &schemes[scheme];
    if (s->type != crypto_public_key_type(key)) return false;
    return s->curve_bits == 0 || s->curve_bits == crypto_public_key_bits(key);
}

static bool set_up(struct crypto_signature *check, EVP_PKEY *key)
{
    if (check->scheme->type == CRYPTO_KEY_ED25519) {
        check->whole = EVP_MD_CTX_new();
        if (!check->whole || EVP_PKEY_up_ref(key) != 1) return false;
        check->key = key;
        return true;
    }
    check->digest = EVP_MD_fetch(NULL, check->scheme->digest, NULL);
    check->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!check->digest || !check->ctx || EVP_PKEY_verify_init(check->ctx) != 1) return false;
    if (check->scheme->type == CRYPTO_KEY_RSA && EVP_PKEY_CTX_set_rsa_padding(check->ctx, RSA_PKCS1_PADDING) != 1)
        return false;
    return EVP_PKEY_CTX_set_signature_md(check->ctx, check->digest) == 1;
}

static size_t signature_len(const struct scheme *scheme, const struct crypto_public_key *key)
{
    const size_t key_len = (crypto_public_key_bits(key) + 7) / 8;
    if (scheme->type == CRYPTO_KEY_ED25519) return ED25519_SIGNATURE_LEN;
    return scheme->type == CRYPTO_KEY_RSA ? key_len : 2 * key_len;
}

struct crypto_signature *crypto_signature_new(enum crypto_scheme scheme, const struct crypto_public_key *key)
{
    CHECK(crypto_signature_fits(scheme, key));
    struct crypto_signature *check = mem_alloc_zero(sizeof *check);
    if (!check) return NULL;
    check->scheme = &schemes[scheme];
    check->signature_len = signature_len(check->scheme, key);
    ERR_set_mark();
    const bool good = set_up(check, crypto_public_key_native(key));
    ERR_pop_to_mark();
    if (good) return check;
    crypto_signature_free(check);
    return NULL;
}

void crypto_signature_free(struct crypto_signature *check)
{
    if (!check) return;
    EVP_PKEY_CTX_free(check->ctx);
    EVP_MD_free(check->digest);
    EVP_MD_CTX_free(check->whole);
    EVP_PKEY_free(check->key);
    mem_free(check);
}

/* One number, big-endian in fixed length, as DER wants it: no zeros before it but the
 * one that keeps it positive. */
static uint8_t *put_integer(uint8_t *out, struct slice number)
{
    while (number.len > 1 && number.ptr[0] == '\0') number = slice_from(number, 1);
    const bool looks_negative = (uint8_t)number.ptr[0] & 0x80;
    *out++ = DER_INTEGER;
    *out++ = (uint8_t)(number.len + looks_negative);
    if (looks_negative) *out++ = 0;
    memcpy(out, number.ptr, number.len);
    return out + number.len;
}

/* The sequence that the library reads, from r and s side by side; returns its length. */
static size_t ecdsa_to_der(struct slice signature, uint8_t out[static DER_LEN_MAX])
{
    const size_t half = signature.len / 2;
    uint8_t body[DER_LEN_MAX];
    uint8_t *end = put_integer(put_integer(body, slice_head(signature, half)), slice_from(signature, half));
    const size_t body_len = (size_t)(end - body);
    size_t len = 0;
    out[len++] = DER_SEQUENCE;
    if (body_len >= DER_LONG_LENGTH) out[len++] = DER_LONG_LENGTH | 1;
    out[len++] = (uint8_t)body_len;
    memcpy(out + len, body, body_len);
    return len + body_len;
}

static bool verify_digest(struct crypto_signature *check, const uint8_t *digest, struct slice signature)
{
    uint8_t der[DER_LEN_MAX];
    if (check->scheme->type == CRYPTO_KEY_EC) signature = slice_of(der, ecdsa_to_der(signature, der));
    return EVP_PKEY_verify(check->ctx, (const unsigned char *)signature.ptr, signature.len, digest,
                           check->scheme->digest_len) == 1;
}

static bool verify_whole(struct crypto_signature *check, struct slice message, struct slice signature)
{
    static const unsigned char nothing[1];
    return EVP_MD_CTX_reset(check->whole) == 1 &&
           EVP_DigestVerifyInit(check->whole, NULL, NULL, NULL, check->key) == 1 &&
           EVP_DigestVerify(check->whole, (const unsigned char *)signature.ptr, signature.len,
                            message.len ? (const unsigned char *)message.ptr : nothing, message.len) == 1;
}

static bool verify_hashed(struct crypto_signature *check, struct slice message, struct slice signature)
{
    uint8_t digest[CRYPTO_DIGEST_MAX];
    return EVP_Digest(message.ptr, message.len, digest, NULL, check->digest, NULL) == 1 &&
           verify_digest(check, digest, signature);
}

bool crypto_signature_verify(struct crypto_signature *check, struct slice message, struct slice signature)
{
    if (signature.len != check->signature_len) return false;
    /* what goes wrong stays out of the thread's error queue, which TLS reads */
    ERR_set_mark();
    const bool good = check->whole ? verify_whole(check, message, signature) : verify_hashed(check, message, signature);
    ERR_pop_to_mark();
    return good;
}
