/* tls_fixture: certificates made on the spot, and OpenSSL as the client of a test_conn. What
 * the client sends stays in client->out until client_push() gives it to the socket. */
#ifndef XSHATHRA_TESTS_NET_TLS_FIXTURE_H
#define XSHATHRA_TESTS_NET_TLS_FIXTURE_H

#include "net/support/net_fixture.h"

#include <openssl/ssl.h>

#include "net/net_tls.h"

/* Self-signed for "localhost", or signed by an issuer. */
struct test_cert {
    X509 *x509;
    EVP_PKEY *key;
    struct slice cert_pem, key_pem; /* NUL-terminated */
};
void test_cert_make(struct test_cert *c, const char *name, const struct test_cert *issuer);
void test_cert_deinit(struct test_cert *c);
struct net_tls_context *test_tls_context(const struct test_cert *cert, const struct test_cert *client_ca);

struct tls_client {
    struct test_conn *t;
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
};
/* conn gets TLS; the client trusts everybody. */
void tls_client_init(struct tls_client *c, struct test_conn *t, struct net_tls_context *context);
void tls_client_deinit(struct tls_client *c);
/* At most so many bytes to the socket, as many as it takes; how many. */
size_t tls_client_push(struct tls_client *c, size_t len_max);
/* What has arrived, at most so many bytes. False: the server has ended. */
bool tls_client_pull(struct tls_client *c, size_t len_max);
/* Until the handshake is over; false when it fails. */
bool tls_client_handshake(struct tls_client *c, struct net_loop *loop);
void tls_client_write(struct tls_client *c, const char *bytes, size_t len);
/* Decrypts all that has been pulled and appends it. */
void tls_client_read(struct tls_client *c, struct buf *into);

#endif
