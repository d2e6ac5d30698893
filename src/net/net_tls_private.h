/* net_tls_private: what reader, writer and connection call of TLS; only when conn->tls_
 * is set. */
#ifndef XSHATHRA_NET_NET_TLS_PRIVATE_H
#define XSHATHRA_NET_NET_TLS_PRIVATE_H

#include <sys/types.h>

#include "net/net_tls.h"

/* Ciphertext that one look at a connection reads: a peer whose records carry nothing must
 * not hold up the others. */
#define NET_TLS_READ_BYTES_PER_TURN 131072
#define NET_TLS_RECORD_BYTES_MAX    16384

/* As recv(): bytes, 0 = the peer's end, -1 with errno. *drained: nothing more is there now.
 * A handshake that failed has closed the connection; it then says EAGAIN. */
ssize_t net_tls_recv(struct net_conn *conn, char *into, size_t len, bool *drained);
/* After the last net_tls_recv() of a look at the connection. */
void net_tls_after_read(struct net_conn *conn);

/* False: nothing can be sent now, and what can be done about it is done. */
bool net_tls_may_send(struct net_conn *conn);
/* How many of the bytes are taken over, to be sent now or from memory of its own later.
 * *all: the kernel has all of them. May call on_eof (a failure). */
size_t net_tls_send(struct net_conn *conn, const char *bytes, size_t len, bool *all);
/* Tell the peer that nothing more comes, when it can still be told. */
void net_tls_say_end(struct net_conn *conn);
void net_tls_free(struct net_conn *conn); /* conn->tls_ is NULL then */

#endif
