#include "bench/lib/bench_cert.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>

#include "bench/lib/bench_fail.h"

#define VALID_S 86400

static X509 *make_cert(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    if (!name || !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"127.0.0.1", -1, -1, 0))
        return NULL;
    bool good = X509_set_version(cert, 2) && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
                X509_gmtime_adj(X509_getm_notBefore(cert), 0) && X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S) &&
                X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key) && X509_sign(cert, key, EVP_sha256());
    return good ? cert : NULL;
}

void bench_cert_write(const char *cert_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? make_cert(key) : NULL;
    FILE *cert_file = fopen(cert_path, "we"), *key_file = fopen(key_path, "we");
    if (!cert || !cert_file || !key_file || !PEM_write_X509(cert_file, cert) ||
        !PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) || fclose(cert_file) || fclose(key_file))
        bench_fail("cannot make a certificate");
    X509_free(cert);
    EVP_PKEY_free(key);
}
