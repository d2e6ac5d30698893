#include "net/support/tls_fixture.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "base/mem.h"

#define TURNS_MAX 2000

static struct slice take_text(BIO *bio)
{
    char *bytes;
    const long len = BIO_get_mem_data(bio, &bytes);
    char *text = mem_must_alloc((size_t)len + 1);
    memcpy(text, bytes, (size_t)len);
    text[len] = '\0';
    BIO_free(bio);
    return slice_of(text, (size_t)len);
}

void test_cert_make(struct test_cert *c, const char *name, const struct test_cert *issuer)
{
    static long serial = 1;
    c->key = EVP_EC_gen("P-256");
    c->x509 = X509_new();
    X509_set_version(c->x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c->x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c->x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(c->x509), 3600);
    X509_set_pubkey(c->x509, c->key);
    X509_NAME *subject = X509_get_subject_name(c->x509);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(c->x509, issuer ? X509_get_subject_name(issuer->x509) : subject);
    X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, issuer ? "CA:FALSE" : "CA:TRUE");
    X509_add_ext(c->x509, ca, -1);
    X509_EXTENSION_free(ca);
    assert_true(X509_sign(c->x509, issuer ? issuer->key : c->key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, c->x509);
    c->cert_pem = take_text(bio);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL);
    c->key_pem = take_text(bio);
}

void test_cert_deinit(struct test_cert *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    mem_free((void *)(uintptr_t)c->cert_pem.ptr);
    mem_free((void *)(uintptr_t)c->key_pem.ptr);
}

struct net_tls_context *test_tls_context(const struct test_cert *cert, const struct test_cert *client_ca)
{
    char error[NET_TLS_ERROR_MAX];
    struct net_tls_context *context = NULL;
    struct net_tls_options options = { .cert_pem = cert->cert_pem, .key_pem = cert->key_pem };
    if (client_ca) options.client_ca_pem = client_ca->cert_pem;
    if (net_tls_context_new(&options, &context, error) != STATUS_OK) fail_msg("%s", error);
    return context;
}

void tls_client_init(struct tls_client *c, struct test_conn *t, struct net_tls_context *context)
{
    assert_int_equal(net_tls_start(&t->conn, context), STATUS_OK);
    *c = (struct tls_client){ .t = t, .context = SSL_CTX_new(TLS_client_method()) };
    SSL_CTX_set_security_level(c->context, 0);
    c->ssl = SSL_new(c->context);
    c->in = BIO_new(BIO_s_mem());
    c->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(c->in, -1);
    SSL_set_bio(c->ssl, c->in, c->out);
    SSL_set_connect_state(c->ssl);
}

void tls_client_deinit(struct tls_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    ERR_clear_error();
}

size_t tls_client_push(struct tls_client *c, size_t len_max)
{
    char *bytes;
    const long len = BIO_get_mem_data(c->out, &bytes);
    const size_t want = (size_t)len < len_max ? (size_t)len : len_max;
    if (want == 0) return 0;
    const ssize_t sent = write(c->t->peer, bytes, want);
    if (sent <= 0) {
        assert_true(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
        return 0;
    }
    char *gone = mem_must_alloc((size_t)sent);
    assert_int_equal(BIO_read(c->out, gone, (int)sent), sent);
    mem_free(gone);
    return (size_t)sent;
}

bool tls_client_pull(struct tls_client *c, size_t len_max)
{
    char bytes[65536];
    const size_t want = sizeof bytes < len_max ? sizeof bytes : len_max;
    const ssize_t got = read(c->t->peer, bytes, want);
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) return false;
    assert_int_equal(BIO_write(c->in, bytes, (int)got), got);
    return true;
}

bool tls_client_handshake(struct tls_client *c, struct net_loop *loop)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        ERR_clear_error();
        const int done = SSL_do_handshake(c->ssl);
        tls_client_push(c, SIZE_MAX);
        net_loop_turn(loop, 1);
        if (done == 1) return true;
        if (SSL_get_error(c->ssl, done) != SSL_ERROR_WANT_READ) return false;
        if (!tls_client_pull(c, SIZE_MAX)) return false;
    }
    fail_msg("a handshake without an end");
    return false;
}

void tls_client_write(struct tls_client *c, const char *bytes, size_t len)
{
    assert_int_equal(SSL_write(c->ssl, bytes, (int)len), (int)len);
}

void tls_client_read(struct tls_client *c, struct buf *into)
{
    char bytes[16384];
    int got;
    ERR_clear_error();
    while ((got = SSL_read(c->ssl, bytes, sizeof bytes)) > 0) buf_append(into, slice_of(bytes, (size_t)got));
}
