/* net_tls: TLS on a connection, and the certificate and rules that its listener gives it.
 *
 * Use: net_tls_context_new(&options, &context, error); then for each accepted connection,
 *      right after net_conn_init(): net_tls_start(&conn, context). What the owner sees of
 *      the connection does not change: bytes in on_data, net_conn_send(), net_conn_close().
 * TLS 1.2 or later; no renegotiation, session tickets on, ALPN "http/1.1". A handshake that
 * fails closes the connection: its owner hears on_closed only. The handshake has no deadline
 * of its own: the owner's counts. A connection without TLS pays one pointer.
 * Source of truth: RFC 8446, RFC 5246, RFC 7301; OpenSSL 3.
 * A context is shared by references and never changes: any thread. The rest: the loop's. */
#ifndef XSHATHRA_NET_NET_TLS_H
#define XSHATHRA_NET_NET_TLS_H

#include "base/slice.h"
#include "base/status.h"

struct net_conn;
struct net_tls_context;

#define NET_TLS_ERROR_MAX 256

struct net_tls_options {
    struct slice cert_pem; /* the server's certificate, then those of its issuers */
    struct slice key_pem;  /* its private key, not encrypted */
    /* Authorities of clients; when there are any, a client must show a certificate of one of them. */
    struct slice client_ca_pem;
};

/* One reference. MALFORMED: the certificate or key is no good, and error holds a sentence
 * that names which (never the key). NO_MEMORY. */
MUST_CHECK enum status net_tls_context_new(const struct net_tls_options *options, struct net_tls_context **out,
                                           char error[static NET_TLS_ERROR_MAX]);
struct net_tls_context *net_tls_context_ref(struct net_tls_context *context); /* accepts NULL */
void net_tls_context_unref(struct net_tls_context *context);                  /* accepts NULL */

/* The peer's first byte must not be read yet. Keeps a reference of its own. NO_MEMORY:
 * the connection is as it was; close it. */
MUST_CHECK enum status net_tls_start(struct net_conn *conn, struct net_tls_context *context);

#endif
