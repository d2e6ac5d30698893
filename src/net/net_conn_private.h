/* net_conn_private: what the files of this folder know of a connection beyond
 * net_conn.h: its states, its flags, and the ways between them. */
#ifndef XSHATHRA_NET_NET_CONN_PRIVATE_H
#define XSHATHRA_NET_NET_CONN_PRIVATE_H

#include "net/net_conn.h"

enum net_state {
    NET_STATE_OPEN,
    NET_STATE_FLUSHING,  /* closing: the queue is being sent, input is thrown away */
    NET_STATE_FINISHING, /* the same, after NET_CLOSE_FINAL */
    NET_STATE_LINGERING, /* all is sent and our side shut down; waiting for the peer's end */
    NET_STATE_CLOSED,    /* in the loop's closing_ list, waiting for on_closed */
};

enum net_flag {
    NET_FLAG_PAUSED = 1,
    NET_FLAG_IN_DATA = 2,        /* on_data is running: its buffer must stay */
    NET_FLAG_REDELIVER = 4,      /* kept bytes are to be shown again */
    NET_FLAG_MORE = 8,           /* the kernel may have unread bytes */
    NET_FLAG_HUNG_UP = 16,       /* the peer's end is among them: a short read is not the last */
    NET_FLAG_EOF = 32,           /* no more reading: the end or a failure was seen */
    NET_FLAG_FAILED = 64,        /* the socket is broken: no more writing */
    NET_FLAG_BLOCKED = 128,      /* the kernel takes no more; EPOLLOUT will tell */
    NET_FLAG_DELIVERY = 256,     /* dirty_ is in group_->dirty_ */
    NET_FLAG_ANSWER = 512,       /* dirty_ is in loop->answers_ */
    NET_FLAG_UNTIL_SENT = 1024,  /* with PAUSED: until the queue is empty */
    NET_FLAG_CROWD = 2048,       /* dirty_ is in group_->crowd_ */
    NET_FLAG_WRITE_TIMED = 4096, /* net_conn_time_writes() was asked for */
    NET_FLAG_STALLED = 8192,     /* stalled_since_ is set: not all is sent since then */
};

static inline bool net_conn_has(const struct net_conn *conn, enum net_flag flag)
{
    return (conn->flags_ & flag) != 0;
}
static inline void net_conn_put(struct net_conn *conn, enum net_flag flag)
{
    conn->flags_ |= (uint16_t)flag;
}
static inline void net_conn_drop(struct net_conn *conn, enum net_flag flag)
{
    conn->flags_ &= (uint16_t)~flag;
}

/* Into the list of those to be flushed, unless it waits for EPOLLOUT. */
void net_conn_mark_dirty(struct net_conn *conn, enum net_flush when);
/* Out of that list, in whichever it is. */
void net_conn_unmark_dirty(struct net_conn *conn);
/* Into the list of those to be read. */
void net_conn_mark_readable(struct net_conn *conn);
/* The socket failed with this errno (or memory for it): tells the owner, or ends a closing. */
void net_conn_fail(struct net_conn *conn, int error);
/* TLS did not come about: nothing queued may go out as it is. last (or NULL) goes without
 * TLS, then the connection closes; its owner hears on_closed. */
void net_conn_refuse(struct net_conn *conn, struct blob *last);
/* To NET_STATE_CLOSED. */
void net_conn_end(struct net_conn *conn);
/* Everything queued is sent: shut down our side and wait for the peer's end. */
void net_conn_all_sent(struct net_conn *conn);
/* The work of the end of a turn: close the descriptor and call on_closed. */
void net_conn_finish(struct net_conn *conn);
/* loop.wheel.fire[NET_TIMER_KIND_CONN] */
void net_conn_on_timer(struct net_timer *timer, void *context);

#endif
