#include "crypto/crypto_hash.h"

#include <pthread.h>

#include <openssl/evp.h>

#include "base/check.h"

/* Fetched once: looking an algorithm up by name costs more than hashing a key. */
static EVP_MD *sha1_md, *sha256_md;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void free_digests(void)
{
    EVP_MD_free(sha1_md);
    EVP_MD_free(sha256_md);
}

static void fetch_digests(void)
{
    sha1_md = EVP_MD_fetch(NULL, "SHA1", NULL);
    sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
    CHECK(sha1_md && sha256_md);
    /* before the library's own clean-up, which is registered by now and so runs after it */
    OPENSSL_atexit(free_digests);
}

static void digest(const EVP_MD *md, struct slice in, uint8_t *out)
{
    CHECK(EVP_Digest(in.ptr, in.len, out, NULL, md, NULL) == 1);
}

void crypto_sha1(struct slice in, uint8_t out[static CRYPTO_SHA1_LEN])
{
    pthread_once(&fetched, fetch_digests);
    digest(sha1_md, in, out);
}

void crypto_sha256(struct slice in, uint8_t out[static CRYPTO_SHA256_LEN])
{
    pthread_once(&fetched, fetch_digests);
    digest(sha256_md, in, out);
}
