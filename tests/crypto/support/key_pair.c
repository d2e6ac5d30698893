#include "crypto/support/key_pair.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/check.h"

#define MUST(call) CHECK((call) == 1)

EVP_PKEY *key_pair_rsa(unsigned bits)
{
    EVP_PKEY *pair = EVP_RSA_gen(bits);
    CHECK(pair);
    return pair;
}

EVP_PKEY *key_pair_named(const char *type)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pair = NULL;
    MUST(EVP_PKEY_keygen_init(ctx));
    MUST(EVP_PKEY_generate(ctx, &pair));
    EVP_PKEY_CTX_free(ctx);
    return pair;
}

EVP_PKEY *key_pair_ec(const char *curve)
{
    EVP_PKEY *pair = EVP_EC_gen(curve);
    CHECK(pair);
    return pair;
}

EVP_PKEY *key_pair_rsa_odd(unsigned bits, unsigned long exponent)
{
    BIGNUM *n = BN_new(), *e = BN_new();
    CHECK(n && e);
    MUST(BN_set_word(e, exponent));
    for (unsigned bit = 0; bit < bits; bit++) MUST(BN_set_bit(n, (int)bit));
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    MUST(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n));
    MUST(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e));
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    MUST(EVP_PKEY_fromdata_init(ctx));
    MUST(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params));
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

static void take(BIO *bio, struct buf *out)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    buf_append(out, slice_of(text, (size_t)len));
    BIO_free(bio);
}

void key_pair_public_pem(EVP_PKEY *pair, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_PUBKEY(bio, pair));
    take(bio, out);
}

void key_pair_private_pem(EVP_PKEY *pair, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL));
    take(bio, out);
}

void key_pair_pkcs1_pem(EVP_PKEY *pair, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_PrivateKey_traditional(bio, pair, NULL, NULL, 0, NULL, NULL));
    take(bio, out);
}

void key_pair_certificate_pem(EVP_PKEY *pair, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *certificate = X509_new();
    CHECK(certificate);
    MUST(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1));
    CHECK(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    CHECK(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    MUST(X509_set_pubkey(certificate, pair));
    CHECK(X509_sign(certificate, pair, EVP_sha256()) > 0);
    MUST(PEM_write_bio_X509(bio, certificate));
    X509_free(certificate);
    take(bio, out);
}

void key_pair_block(const char *name, struct slice der, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    CHECK(PEM_write_bio(bio, name, "", (const unsigned char *)der.ptr, (long)der.len) > 0);
    take(bio, out);
}

void key_pair_public_der(EVP_PKEY *pair, struct buf *out)
{
    unsigned char *bytes = NULL;
    int len = i2d_PUBKEY(pair, &bytes);
    CHECK(len > 0);
    buf_append(out, slice_of(bytes, (size_t)len));
    OPENSSL_free(bytes);
}

/* The library's sequence of r and s as two numbers of the curve's length. */
static void append_numbers(const unsigned char *der, size_t len, size_t number_len, struct buf *out)
{
    unsigned char numbers[2 * 66];
    const BIGNUM *r, *s;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    CHECK(pair);
    ECDSA_SIG_get0(pair, &r, &s);
    CHECK(BN_bn2binpad(r, numbers, (int)number_len) > 0 && BN_bn2binpad(s, numbers + number_len, (int)number_len) > 0);
    buf_append(out, slice_of(numbers, 2 * number_len));
    ECDSA_SIG_free(pair);
}

void key_pair_sign(EVP_PKEY *pair, enum crypto_scheme scheme, struct slice message, struct buf *out)
{
    static const char *const digests[] = { "SHA256", "SHA384", "SHA512" };
    unsigned char signature[4096];
    size_t len = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    MUST(EVP_DigestSignInit_ex(ctx, NULL, digests[scheme % 3], NULL, NULL, pair, NULL));
    MUST(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)message.ptr, message.len));
    EVP_MD_CTX_free(ctx);
    buf_clear(out);
    if (EVP_PKEY_is_a(pair, "RSA"))
        buf_append(out, slice_of(signature, len));
    else
        append_numbers(signature, len, (size_t)(EVP_PKEY_get_bits(pair) + 7) / 8, out);
}
