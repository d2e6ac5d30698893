/* server_tls: what the configuration says of TLS, as one context for each listener, and
 * its way to running workers.
 *
 * Use: server_tls_make(config, contexts, error); server_tls_free(contexts) when done.
 * Source of truth: rows CF-29, CF-37, CF-38 and CF-227: http_server.tls is for both
 * ports, unless tls_external leaves it to the public one or internal_tls gives the
 * internal one its own. Main thread. */
#ifndef XSHATHRA_SERVER_SERVER_TLS_H
#define XSHATHRA_SERVER_SERVER_TLS_H

#include "config/config.h"
#include "net/net_tls.h"
#include "server/worker.h"

#define SERVER_TLS_ERROR_MAX (NET_TLS_ERROR_MAX + 64)

/* NULL = this listener is without TLS. error: a sentence that names the option's block. */
MUST_CHECK enum status server_tls_make(const struct config *c, struct net_tls_context *contexts[WORKER_LISTENER_COUNT],
                                       char error[static SERVER_TLS_ERROR_MAX]);
void server_tls_free(struct net_tls_context *contexts[WORKER_LISTENER_COUNT]);
/* The same listeners are with TLS in both: whether a port speaks TLS is for a start to say. */
bool server_tls_same(struct net_tls_context *const a[WORKER_LISTENER_COUNT],
                     struct net_tls_context *const b[WORKER_LISTENER_COUNT]);
/* New connections of this worker get these from now on; it takes references of its own. */
void server_tls_post(struct worker *w, struct net_tls_context *const contexts[WORKER_LISTENER_COUNT]);

#endif
