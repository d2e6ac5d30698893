/* net_listener_private: what the loop calls of a listener, and how it knows from an
 * event whose it is: the low bits of its data (objects are aligned to 8). */
#ifndef XSHATHRA_NET_NET_LISTENER_PRIVATE_H
#define XSHATHRA_NET_NET_LISTENER_PRIVATE_H

#include "net/net_loop.h"

enum net_event {
    NET_EVENT_CONN = 0, /* the rest is the connection's address */
    NET_EVENT_LISTENER = 1,
    NET_EVENT_MAILBOX = 2, /* no address */
    NET_EVENT_UV = 3,      /* no address */
    NET_EVENT_NONE = 4,    /* withdrawn */
};
#define NET_EVENT_BITS 7

/* At most NET_ACCEPTS_PER_TURN. */
void net_listener_accept(struct net_listener *listener);
/* loop.wheel.fire[NET_TIMER_KIND_LISTENER] */
void net_listener_on_timer(struct net_timer *timer, void *context);

#endif
