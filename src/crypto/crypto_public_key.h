/* crypto_public_key: a public key that somebody else signs under, RSA or an elliptic
 * curve. Sources: RFC 7468 (the text), RFC 5280 section 4.1.2.7 (SubjectPublicKeyInfo),
 * RFC 7518 sections 3.3 and 3.4 (which keys sign tokens), 6.2 and 6.3 and RFC 8037
 * section 2 (keys as numbers).
 *
 * Use: s = crypto_public_key_from_pem(text, CRYPTO_KEY_RSA, &key, &why);
 *      check with crypto_signature; crypto_public_key_free(key);
 * Immutable once made: any thread may work under it, until it is freed. */
#ifndef XSHATHRA_CRYPTO_CRYPTO_PUBLIC_KEY_H
#define XSHATHRA_CRYPTO_CRYPTO_PUBLIC_KEY_H

#include "base/slice.h"
#include "base/status.h"

enum crypto_key_type { CRYPTO_KEY_RSA, CRYPTO_KEY_EC, CRYPTO_KEY_ED25519 };

/* What Centrifugo takes: below, a signature can be forged with money; above, one check
 * takes longer than a peer may cost. 2048 bits are what RFC 7518 asks for. */
#define CRYPTO_RSA_BITS_MIN         1024
#define CRYPTO_RSA_BITS_RECOMMENDED 2048
#define CRYPTO_RSA_BITS_MAX         16384
/* Longer text is no key: a certificate with a large one has a tenth of it. */
#define CRYPTO_PEM_LEN_MAX ((size_t)64 * 1024)
#define CRYPTO_ED25519_LEN 32

struct crypto_public_key; /* opaque */

/* Read the first block of text: an RSA or EC public key, or a certificate that has one. The name
 * of the block and what follows it are not looked at, as in Centrifugo.
 * OK: *out is owned by the caller. Otherwise *why is a constant sentence that continues
 * "the value …" and never quotes it, and
 * MALFORMED: not such a key, or one that is not safe; NO_MEMORY. */
MUST_CHECK enum status crypto_public_key_from_pem(struct slice text, enum crypto_key_type type,
                                                  struct crypto_public_key **out, const char **why);
/* The same from numbers, big-endian, as a key set has them; curve is P-256, P-384 or
 * P-521, and its coordinates have its full length. Ed25519: the point as it is encoded. */
MUST_CHECK enum status crypto_public_key_from_rsa(struct slice modulus, struct slice exponent,
                                                  struct crypto_public_key **out, const char **why);
MUST_CHECK enum status crypto_public_key_from_ec(struct slice curve, struct slice x, struct slice y,
                                                 struct crypto_public_key **out, const char **why);
MUST_CHECK enum status crypto_public_key_from_ed25519(struct slice point, struct crypto_public_key **out,
                                                      const char **why);
void crypto_public_key_free(struct crypto_public_key *key); /* accepts NULL */

enum crypto_key_type crypto_public_key_type(const struct crypto_public_key *key);
/* Of the modulus, or of the curve's field: 256, 384, 521. */
unsigned crypto_public_key_bits(const struct crypto_public_key *key);

/* For crypto_signature: the library's own object (EVP_PKEY), which the key keeps. */
struct evp_pkey_st *crypto_public_key_native(const struct crypto_public_key *key);

#endif
