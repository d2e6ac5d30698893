/* net_stall: connections that wait because the kernel takes no more of their output,
 * and the end of those whose peer takes nothing for too long. Private to this folder.
 *
 * Free for all others: a waiting connection is in the loop's list of stalled ones by the
 * link that puts it among the dirty ones at other times, and one timer serves the loop. */
#ifndef XSHATHRA_NET_NET_STALL_PRIVATE_H
#define XSHATHRA_NET_NET_STALL_PRIVATE_H

#include "net/net_conn.h"

/* The kernel took not all, or nothing, of what there is; EPOLLOUT will tell. took_some:
 * the time-out begins anew. */
void net_stall_begin(struct net_conn *conn, bool took_some);
/* A blocked connection has left the list of dirty ones: it may stand among the stalled. */
void net_stall_watch(struct net_conn *conn);
/* The kernel may take more: the connection may be marked dirty again. */
void net_stall_end(struct net_conn *conn);
/* loop.wheel.fire[NET_TIMER_KIND_STALL] */
void net_stall_on_timer(struct net_timer *timer, void *context);

#endif
