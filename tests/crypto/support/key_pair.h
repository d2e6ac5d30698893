/* Key pairs for tests, made on the spot: good ones of every kind, and bad ones. */
#ifndef XSHATHRA_TESTS_CRYPTO_KEY_PAIR_H
#define XSHATHRA_TESTS_CRYPTO_KEY_PAIR_H

#include <openssl/evp.h>

#include "base/buf.h"
#include "crypto/crypto_signature.h"

EVP_PKEY *key_pair_rsa(unsigned bits);
EVP_PKEY *key_pair_named(const char *type); /* "RSA-PSS", "ED25519" */
EVP_PKEY *key_pair_ec(const char *curve);
/* A public key of RSA with this modulus, of bits ones, and this exponent: nobody has its other half. */
EVP_PKEY *key_pair_rsa_odd(unsigned bits, unsigned long exponent);

/* Texts, appended to out. */
void key_pair_public_pem(EVP_PKEY *pair, struct buf *out);
void key_pair_private_pem(EVP_PKEY *pair, struct buf *out);
void key_pair_pkcs1_pem(EVP_PKEY *pair, struct buf *out);
void key_pair_certificate_pem(EVP_PKEY *pair, struct buf *out);
/* DER of any kind in a block of any name. */
void key_pair_block(const char *name, struct slice der, struct buf *out);
/* SubjectPublicKeyInfo */
void key_pair_public_der(EVP_PKEY *pair, struct buf *out);

/* As RFC 7518 says: PKCS #1, or r and s side by side. out is emptied first. */
void key_pair_sign(EVP_PKEY *pair, enum crypto_scheme scheme, struct slice message, struct buf *out);

#endif
