#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "base/mem.h"
#include "net/net_tls.h"

/* Resumed sessions carry it, so that one of another program with the same key is none of ours. */
#define SESSION_CONTEXT "xshathra"
#define ALPN_NAME       "http/1.1"

/* A net_tls_context is OpenSSL's context by another name: it counts references itself. */
static SSL_CTX *ssl_of(struct net_tls_context *context)
{
    return (SSL_CTX *)context;
}

struct net_tls_context *net_tls_context_ref(struct net_tls_context *context)
{
    if (context) SSL_CTX_up_ref(ssl_of(context));
    return context;
}

void net_tls_context_unref(struct net_tls_context *context)
{
    SSL_CTX_free(ssl_of(context));
}

/* OpenSSL would ask on the terminal. */
static int no_password(char *into, int size, int for_writing, void *context)
{
    (void)into;
    (void)size;
    (void)for_writing;
    (void)context;
    return -1;
}

static enum status refuse(char error[static NET_TLS_ERROR_MAX], const char *sentence)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(error, NET_TLS_ERROR_MAX, "%s%s%s%s", sentence, reason ? " (" : "", reason ? reason : "",
             reason ? ")" : "");
    ERR_clear_error();
    return STATUS_MALFORMED;
}

/* True when the reader ended because there is no further block; anything else is damage. */
static bool at_end_of_pem(void)
{
    const unsigned long last = ERR_peek_last_error();
    const bool end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    if (end) ERR_clear_error();
    return end;
}

static BIO *open_pem(struct slice text)
{
    return text.len > INT32_MAX ? NULL : BIO_new_mem_buf(text.ptr, (int)text.len);
}

/* The server's certificate, then the rest of its chain. */
static enum status use_chain(SSL_CTX *ssl, BIO *pem, char error[static NET_TLS_ERROR_MAX])
{
    X509 *cert = PEM_read_bio_X509_AUX(pem, NULL, no_password, NULL);
    if (!cert) return refuse(error, "cert_pem holds no certificate that can be read");
    const bool used = SSL_CTX_use_certificate(ssl, cert) == 1;
    X509_free(cert);
    if (!used) return refuse(error, "the certificate of cert_pem cannot be used");
    while ((cert = PEM_read_bio_X509(pem, NULL, no_password, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(ssl, cert) == 1) continue;
        X509_free(cert);
        return refuse(error, "a further certificate of cert_pem cannot be used");
    }
    return at_end_of_pem() ? STATUS_OK : refuse(error, "a further certificate of cert_pem cannot be read");
}

static enum status use_key(SSL_CTX *ssl, BIO *pem, char error[static NET_TLS_ERROR_MAX])
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_password, NULL);
    if (!key) return refuse(error, "key_pem holds no private key that can be read; it must not be encrypted");
    const bool used = SSL_CTX_use_PrivateKey(ssl, key) == 1 && SSL_CTX_check_private_key(ssl) == 1;
    EVP_PKEY_free(key);
    return used ? STATUS_OK : refuse(error, "key_pem is not the key of the certificate in cert_pem");
}

static enum status require_client(SSL_CTX *ssl, BIO *pem, char error[static NET_TLS_ERROR_MAX])
{
    int count = 0;
    for (X509 *cert; (cert = PEM_read_bio_X509(pem, NULL, no_password, NULL)) != NULL; count++) {
        const bool added =
            X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), cert) == 1 && SSL_CTX_add_client_CA(ssl, cert) == 1;
        X509_free(cert);
        if (!added) return refuse(error, "a certificate of client_ca_pem cannot be used");
    }
    if (!at_end_of_pem() || count == 0) return refuse(error, "client_ca_pem holds no certificate that can be read");
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return STATUS_OK;
}

/* RFC 7301: a client that names protocols and not ours gets an alert. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offered,
                           unsigned int offered_len, void *context)
{
    static const size_t name_len = sizeof ALPN_NAME - 1;
    (void)ssl;
    (void)context;
    for (unsigned int at = 0; at < offered_len; at += 1 + offered[at]) {
        const unsigned int len = offered[at];
        if (len > offered_len - at - 1) break;
        if (len != name_len || memcmp(offered + at + 1, ALPN_NAME, name_len) != 0) continue;
        *out = offered + at + 1;
        *out_len = (unsigned char)len;
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Peers often leave without a close_notify; HTTP and WebSocket know by themselves whether all
 * is there, so that is an end like any other. */
#define OPTIONS                                                                                                        \
    (SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF)
#define MODES (SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)

static bool set_rules(SSL_CTX *ssl)
{
    SSL_CTX_set_options(ssl, OPTIONS);
    SSL_CTX_set_mode(ssl, MODES);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
    /* sessions are resumed by tickets; memory of them would be one lock for all threads */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_session_id_context(ssl, (const unsigned char *)SESSION_CONTEXT, sizeof SESSION_CONTEXT - 1) == 1;
}

typedef enum status use_function(SSL_CTX *ssl, BIO *pem, char error[static NET_TLS_ERROR_MAX]);

static enum status use(SSL_CTX *ssl, struct slice text, use_function *function, char error[static NET_TLS_ERROR_MAX])
{
    BIO *pem = open_pem(text);
    if (!pem) return refuse(error, "there is no memory for the certificate");
    const enum status status = function(ssl, pem, error);
    BIO_free(pem);
    return status;
}

enum status net_tls_context_new(const struct net_tls_options *options, struct net_tls_context **out,
                                char error[static NET_TLS_ERROR_MAX])
{
    error[0] = '\0';
    ERR_clear_error();
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
    if (!ssl || !set_rules(ssl)) {
        SSL_CTX_free(ssl);
        (void)refuse(error, "there is no memory for TLS");
        return STATUS_NO_MEMORY;
    }
    enum status status = use(ssl, options->cert_pem, use_chain, error);
    if (status == STATUS_OK) status = use(ssl, options->key_pem, use_key, error);
    if (status == STATUS_OK && options->client_ca_pem.len > 0)
        status = use(ssl, options->client_ca_pem, require_client, error);
    if (status != STATUS_OK) {
        SSL_CTX_free(ssl);
        return status;
    }
    *out = (struct net_tls_context *)ssl;
    return STATUS_OK;
}
