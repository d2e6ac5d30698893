/* net_conn: one accepted TCP connection on a loop: its descriptor, unread bytes,
 * output queue and timer. It moves bytes only; what they mean is its owner's.
 *
 * Embed it in your own object (one allocation for both) and give it ops. Everything
 * is called on the loop's thread. An idle connection owns no buffers.
 *
 * Closing is two steps: net_conn_close() now, ops->on_closed() after the turn; only
 * there may the memory go. */
#ifndef XSHATHRA_NET_NET_CONN_H
#define XSHATHRA_NET_NET_CONN_H

#include <netinet/in.h>

#include "base/blob.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/status.h"
#include "net/timer_wheel.h"

struct net_conn;
struct net_loop;
struct net_tls;

struct net_conn_ops {
    /* Unread bytes, writable (WebSocket unmasks in place). Return how many from the
     * front were taken; the rest is kept and comes again, with what follows. Borrowed
     * during the call. After net_conn_close() the return value does not matter. */
    size_t (*on_data)(struct net_conn *conn, char *bytes, size_t len);
    /* The peer will send no more (EOF, error 0), or the socket failed or memory for it
     * is out (error, errno; the queue is dropped). The connection is still open for
     * writing on EOF; usually close it here. A failure may come after an EOF. */
    void (*on_eof)(struct net_conn *conn, int error);
    /* The deadline set by net_conn_set_deadline() has passed. */
    void (*on_deadline)(struct net_conn *conn);
    /* Last call: unlinked everywhere, descriptor closed; free the object here. */
    void (*on_closed)(struct net_conn *conn);
    /* How many bytes more than what is unread are needed to make progress; reserved
     * at once. May be NULL. */
    size_t (*bytes_wanted)(struct net_conn *conn);
};

/* How pending messages become bytes; one static object per protocol. */
struct net_framing {
    /* Header for a merged frame with this payload, at most NET_FRAME_HEADER_MAX bytes. */
    size_t (*header)(uint8_t blob_flags, size_t payload_len, uint8_t out[]);
    size_t payload_len_max; /* merge at most this many bytes into one frame */
};
#define NET_FRAME_HEADER_MAX 16

/* Fairness: dirty connections are flushed in turn by group (one per space), and within a
 * group those that have only crowd deliveries take turns with the others. */
struct net_group {
    struct list link_;  /* in the loop's ring of groups with work */
    struct list dirty_; /* its connections with output */
    struct list crowd_; /* those that have nothing but crowd deliveries */
    bool crowds_turn_;
};
void net_group_init(struct net_group *g);

/* The order within a turn: deliveries go out before answers to publishers. A crowd delivery
 * is one of so many copies that another channel's must not wait behind them all. */
enum net_flush { NET_FLUSH_DELIVERY, NET_FLUSH_CROWD, NET_FLUSH_ANSWER };

struct net_conn {
    struct net_loop *loop;
    const struct net_conn_ops *ops;
    const struct net_framing *framing; /* NULL: BLOB_RAW only */
    struct net_group *group_;
    struct list dirty_;    /* in a list of group_, the loop's answers, its stalled ones or those to be closed */
    struct list readable_; /* in the loop's list of those with more to read */
    struct net_timer timer_;
    struct blob *first_;          /* output queue: the usual single message … */
    struct net_chunk *more_;      /* … and what follows it */
    struct net_partial *partial_; /* the frame that the kernel took only part of */
    struct net_tls *tls_;         /* NULL: bytes go as they are */
    char *unread_;                /* NULL while nothing is incomplete */
    uint32_t unread_len_, unread_cap_;
    uint32_t queued_bytes_; /* sum of blob_cost() of what is queued */
    int fd;
    uint32_t stalled_since_; /* low bits of the time: the peer has taken nothing since */
    uint16_t flags_;
    uint8_t state_;
};

/* Take over fd (nonblocking) as a new connection. framing may be set later.
 * Status is not OK when the kernel refuses to poll it; fd is then still the caller's. */
MUST_CHECK enum status net_conn_init(struct net_conn *conn, struct net_loop *loop, int fd,
                                     const struct net_conn_ops *ops, struct net_group *group);
/* Another space's turn from now on (after authentication). A group must outlive its connections. */
void net_conn_set_group(struct net_conn *conn, struct net_group *group);

/* Queue one reference of blob, taking it over. Nothing is sent before the flush
 * phase of this turn. NO_MEMORY: dropped, and the caller should close. Ignored once
 * closing or after a failure. There is no limit here: the owner compares net_conn_queued()
 * with its own. */
enum status net_conn_send(struct net_conn *conn, struct blob *blob, enum net_flush when);
static inline size_t net_conn_queued(const struct net_conn *conn)
{
    return conn->queued_bytes_;
}

/* Stop and go on reading (parking). Bytes already received are kept. After resume
 * on_data comes again for kept bytes, from the loop, not from inside this call. While
 * paused neither the peer's end nor its reset is noticed, only a failing write. */
void net_conn_pause(struct net_conn *conn);
void net_conn_resume(struct net_conn *conn);
/* A pause that ends by itself once all that is queued is sent: a peer that reads nothing
 * is not read from. */
void net_conn_pause_until_sent(struct net_conn *conn);

/* From now on a peer that takes nothing of what is queued for so long ends like a socket
 * that fails: on_eof() with ETIMEDOUT. The loop has one time-out, that of the last call.
 * A closing connection has its linger time instead. */
void net_conn_time_writes(struct net_conn *conn, uint64_t timeout_ms);

/* One deadline at a time; 0 = none. Ignored once closing. */
void net_conn_set_deadline(struct net_conn *conn, uint64_t due_ms);

enum net_close {
    NET_CLOSE_NOW,   /* drop the queue */
    NET_CLOSE_FLUSH, /* send what is queued, then close; read no more */
    NET_CLOSE_FINAL, /* finish the partly written frame, drop the rest of the queue, send `last`, then close */
};
/* last: one reference taken over, or NULL. linger_ms: how long sending (and, for
 * FLUSH and FINAL, waiting for the peer's end after a shutdown of our side) may take;
 * what the peer sends meanwhile is thrown away. A connection that is closing already can
 * only be closed harder: FLUSH < FINAL < NOW; otherwise the call just drops `last`. */
void net_conn_close(struct net_conn *conn, enum net_close how, struct blob *last, uint64_t linger_ms);
static inline bool net_conn_closing(const struct net_conn *conn)
{
    return conn->state_ != 0;
}

/* Text of the peer's address ("127.0.0.1", "::1"), without port; its length. An IPv4
 * peer of an IPv6 socket shows as IPv4. Empty when there is none (Unix sockets). */
size_t net_conn_peer(const struct net_conn *conn, char out[static INET6_ADDRSTRLEN]);

#endif
