#include "crypto/crypto_public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto_secret.h"

/* Larger exponents only make a check slow; Centrifugo's library refuses them too. */
#define RSA_EXPONENT_BITS_MAX 31

struct crypto_public_key {
    EVP_PKEY *native;
    enum crypto_key_type type;
    unsigned bits;
};

/* The first block of a text, decoded; owned. */
struct block {
    char *name, *header;
    unsigned char *bytes;
    long len;
};

static void block_deinit(struct block *block)
{
    OPENSSL_free(block->name);
    OPENSSL_free(block->header);
    /* somebody may have given us a private key */
    if (block->bytes) crypto_wipe(block->bytes, (size_t)block->len);
    OPENSSL_free(block->bytes);
}

static bool block_read(struct slice text, struct block *block)
{
    BIO *in = BIO_new_mem_buf(text.ptr, (int)text.len);
    bool good = in && PEM_read_bio(in, &block->name, &block->header, &block->bytes, &block->len) == 1;
    BIO_free(in);
    return good;
}

/* NULL when the block is something else. */
static EVP_PKEY *public_key_of(const struct block *block)
{
    const unsigned char *at = block->bytes, *end = block->bytes + block->len;
    EVP_PKEY *native = d2i_PUBKEY(NULL, &at, block->len);
    if (native && at == end) return native;
    EVP_PKEY_free(native);

    at = block->bytes;
    X509 *certificate = d2i_X509(NULL, &at, block->len);
    native = certificate && at == end ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    return native;
}

/* An exponent of 1 would make every text its own signature. */
static const char *rsa_trouble(EVP_PKEY *native)
{
    BIGNUM *exponent = NULL;
    const int bits = EVP_PKEY_get_bits(native);
    if (bits < CRYPTO_RSA_BITS_MIN) return "is an RSA key of less than 1024 bits, which is not safe";
    if (bits > CRYPTO_RSA_BITS_MAX) return "is an RSA key of more than 16384 bits";
    const bool good = EVP_PKEY_get_bn_param(native, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_odd(exponent) &&
                      !BN_is_one(exponent) && BN_num_bits(exponent) <= RSA_EXPONENT_BITS_MAX;
    BN_free(exponent);
    return good ? NULL : "is an RSA key whose exponent is not an odd number from 3 to 2147483647";
}

/* The point is checked too: at infinity, every text would have a signature. */
static const char *ec_trouble(EVP_PKEY *native)
{
    static const char *const curves[] = { "prime256v1", "secp384r1", "secp521r1" };
    char name[32] = "";
    size_t at = 0;
    int is_spelt_out = 0;
    (void)EVP_PKEY_get_group_name(native, name, sizeof name, NULL);
    (void)EVP_PKEY_get_int_param(native, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_spelt_out);
    while (at < ARRAY_COUNT(curves) && strcmp(name, curves[at]) != 0) at++;
    if (at == ARRAY_COUNT(curves) || is_spelt_out)
        return "is a key on another curve, allowed are P-256 (ES256), P-384 (ES384) and P-521 (ES512)";
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, native, NULL);
    const bool good = ctx && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good ? NULL : "is a key whose point is not on its curve";
}

static const char *trouble(EVP_PKEY *native, enum crypto_key_type type)
{
    if (type == CRYPTO_KEY_RSA)
        return EVP_PKEY_is_a(native, "RSA") ? rsa_trouble(native) : "is a key, but not an RSA key";
    return EVP_PKEY_is_a(native, "EC") ? ec_trouble(native) : "is a key, but not an ECDSA key";
}

/* A key that may be used, or NULL and the reason. */
static EVP_PKEY *read_key(struct slice text, enum crypto_key_type type, const char **why)
{
    struct block block = { 0 };
    EVP_PKEY *native = NULL;
    *why = NULL;
    if (!block_read(text, &block)) {
        *why = "is not PEM text, which starts with \"-----BEGIN PUBLIC KEY-----\" and a line end";
    } else if (strstr(block.name, "PRIVATE")) {
        *why = "is a private key, which must stay with whoever signs: put its public key here";
    } else if (!(native = public_key_of(&block))) {
        *why = "is PEM text, but neither a public key (SubjectPublicKeyInfo) nor a certificate";
    } else {
        *why = trouble(native, type);
    }
    block_deinit(&block);
    if (!*why) return native;
    EVP_PKEY_free(native);
    return NULL;
}

enum status crypto_public_key_from_pem(struct slice text, enum crypto_key_type type, struct crypto_public_key **out,
                                       const char **why)
{
    if (text.len > CRYPTO_PEM_LEN_MAX) {
        *why = "is longer than 64 KB";
        return STATUS_MALFORMED;
    }
    /* what goes wrong stays out of the thread's error queue, which TLS reads */
    ERR_set_mark();
    EVP_PKEY *native = read_key(text, type, why);
    ERR_pop_to_mark();
    if (!native) return STATUS_MALFORMED;

    struct crypto_public_key *key = mem_alloc(sizeof *key);
    if (!key) {
        EVP_PKEY_free(native);
        *why = "could not be read: memory was out";
        return STATUS_NO_MEMORY;
    }
    *key = (struct crypto_public_key){ .native = native, .type = type, .bits = (unsigned)EVP_PKEY_get_bits(native) };
    *out = key;
    return STATUS_OK;
}

void crypto_public_key_free(struct crypto_public_key *key)
{
    if (!key) return;
    EVP_PKEY_free(key->native);
    mem_free(key);
}

enum crypto_key_type crypto_public_key_type(const struct crypto_public_key *key)
{
    return key->type;
}

unsigned crypto_public_key_bits(const struct crypto_public_key *key)
{
    return key->bits;
}

struct evp_pkey_st *crypto_public_key_native(const struct crypto_public_key *key)
{
    return key->native;
}
