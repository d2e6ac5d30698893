#include "crypto/crypto_public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto_secret.h"

/* Larger exponents only make a check slow; Centrifugo's library refuses them too. */
#define RSA_EXPONENT_BITS_MAX 31
/* A coordinate of P-521. */
#define EC_NUMBER_LEN_MAX     66
#define EC_POINT_UNCOMPRESSED 4 /* SEC 1 section 2.3.3: before x and y */

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

/* native is taken over, NULL included: then *why says the reason already. */
static enum status wrap(EVP_PKEY *native, enum crypto_key_type type, struct crypto_public_key **out, const char **why)
{
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
    return wrap(native, type, out, why);
}

/* ---- from numbers ---- */

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *native = NULL;
    if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &native, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return native;
}

static EVP_PKEY *rsa_from_numbers(struct slice modulus, struct slice exponent)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn((const unsigned char *)modulus.ptr, (int)modulus.len, NULL);
    BIGNUM *e = BN_bin2bn((const unsigned char *)exponent.ptr, (int)exponent.len, NULL);
    EVP_PKEY *native = NULL;
    if (builder && n && e && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        native = from_params("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return native;
}

static EVP_PKEY *ec_from_numbers(const char *curve, struct slice x, struct slice y)
{
    uint8_t point[1 + 2 * EC_NUMBER_LEN_MAX] = { EC_POINT_UNCOMPRESSED };
    memcpy(point + 1, x.ptr, x.len);
    memcpy(point + 1 + x.len, y.ptr, y.len);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *native = NULL;
    if (builder && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + x.len + y.len) == 1)
        native = from_params("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return native;
}

/* The key when it may be used; otherwise it is freed, and *why says the reason. */
static EVP_PKEY *checked(EVP_PKEY *native, enum crypto_key_type type, const char *unreadable, const char **why)
{
    *why = native ? trouble(native, type) : unreadable;
    if (!*why) return native;
    EVP_PKEY_free(native);
    return NULL;
}

enum status crypto_public_key_from_rsa(struct slice modulus, struct slice exponent, struct crypto_public_key **out,
                                       const char **why)
{
    if (modulus.len > CRYPTO_RSA_BITS_MAX / 8 + 1 || exponent.len > CRYPTO_RSA_BITS_MAX / 8) {
        *why = "is an RSA key of more than 16384 bits";
        return STATUS_MALFORMED;
    }
    ERR_set_mark();
    EVP_PKEY *native = checked(rsa_from_numbers(modulus, exponent), CRYPTO_KEY_RSA, "is no RSA key", why);
    ERR_pop_to_mark();
    return wrap(native, CRYPTO_KEY_RSA, out, why);
}

enum status crypto_public_key_from_ec(struct slice curve, struct slice x, struct slice y,
                                      struct crypto_public_key **out, const char **why)
{
    static const struct {
        struct slice name;
        size_t number_len;
    } curves[] = { { SLICE("P-256"), 32 }, { SLICE("P-384"), 48 }, { SLICE("P-521"), EC_NUMBER_LEN_MAX } };
    size_t at = 0;
    while (at < ARRAY_COUNT(curves) && !slice_eq(curves[at].name, curve)) at++;
    if (at == ARRAY_COUNT(curves)) {
        *why = "is a key on another curve, allowed are P-256 (ES256), P-384 (ES384) and P-521 (ES512)";
        return STATUS_MALFORMED;
    }
    if (x.len != curves[at].number_len || y.len != curves[at].number_len) {
        *why = "is a key whose coordinates do not have the length of its curve";
        return STATUS_MALFORMED;
    }
    ERR_set_mark();
    EVP_PKEY *native = checked(ec_from_numbers(curves[at].name.ptr, x, y), CRYPTO_KEY_EC,
                               "is a key whose point is not on its curve", why);
    ERR_pop_to_mark();
    return wrap(native, CRYPTO_KEY_EC, out, why);
}

enum status crypto_public_key_from_ed25519(struct slice point, struct crypto_public_key **out, const char **why)
{
    if (point.len != CRYPTO_ED25519_LEN) {
        *why = "is an Ed25519 key of another length than 32 bytes";
        return STATUS_MALFORMED;
    }
    ERR_set_mark();
    EVP_PKEY *native =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const unsigned char *)point.ptr, point.len);
    ERR_pop_to_mark();
    *why = "is no Ed25519 key";
    return wrap(native, CRYPTO_KEY_ED25519, out, why);
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
