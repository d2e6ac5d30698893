/* net_reader: reads a connection into the loop's shared buffer, or, for the rest of a
 * long message, straight into the connection's own, and shows the bytes to its owner. */
#ifndef XSHATHRA_NET_NET_READER_H
#define XSHATHRA_NET_NET_READER_H

#include "net/net_conn.h"

/* Kept bytes up to this (with what is wanted) are copied in front of the shared buffer's
 * new ones, so that the connection's own buffer need not grow for short messages. */
#define NET_SHARED_KEPT_MAX 16384

/* At most the budget of a turn; puts the connection into the loop's list when it used
 * all of it. May call on_data and on_eof. */
void net_reader_read(struct net_conn *conn);
/* Frees the kept bytes; not while on_data runs. */
void net_reader_forget(struct net_conn *conn);

#endif
