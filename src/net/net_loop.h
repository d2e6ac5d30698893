/* net_loop: one worker's event loop: epoll, edge-triggered, client sockets straight
 * on it, with one embedded libuv loop for everything off the message path.
 *
 * One turn, in this order and with these budgets; when anything is left the poll
 * that follows does not wait:
 *   1 read: 64 accepts, 64 KB a connection      4 wake each target worker once
 *   2 drain the own mailbox, 256 mails          5 flush answers to publishers
 *     and fire due timers                       6 free what was closed
 *   3 flush deliveries, 1 ms or 256 sockets,    7 set the sleeping flag, look at the
 *     round-robin by group (space)                mailbox once more, poll
 *
 * A turn begins with its poll. One thread: the first to call net_loop_turn() or
 * net_loop_run(). Another thread reaches it by mail only. */
#ifndef XSHATHRA_NET_NET_LOOP_H
#define XSHATHRA_NET_NET_LOOP_H

#include <pthread.h>
#include <uv.h>

#include "mailbox/mailbox.h"
#include "net/net_conn.h"
#include "net/net_tls.h"

#define NET_ACCEPTS_PER_TURN       64
#define NET_READ_BYTES_PER_TURN    65536
#define NET_MAILS_PER_TURN         256
#define NET_FLUSH_SOCKETS_PER_TURN 256
#define NET_FLUSH_NS_PER_TURN      1000000
/* Beyond this time the rest of the readable connections wait for the next turn, so that
 * many senders do not hold up deliveries. */
#define NET_READ_NS_PER_TURN 2000000
#define NET_TIMERS_PER_TURN  512
#define NET_CLOSES_PER_TURN  256

/* Kinds of timer in the loop's wheel: 1 to NET_TIMER_KIND_OWN_MAX are the owner's. Set
 * loop.wheel.fire[kind] after net_loop_init(); its context is the loop. */
#define NET_TIMER_KIND_CONN     0
#define NET_TIMER_KIND_OWN_MAX  5
#define NET_TIMER_KIND_STALL    6
#define NET_TIMER_KIND_LISTENER 7

struct epoll_event;

struct net_merged;

struct net_loop_options {
    struct mailbox *mailbox;    /* borrowed; drained by the loop. May be NULL */
    struct post_office *office; /* borrowed; for waking. May be NULL */
    /* After the mailbox, before the flush: slices of long work. True = more to do. May be
     * NULL. A callback that begins such work is followed by it before the next sleep. */
    bool (*on_turn)(void *context);
    /* The clocks below have just been read, before anything else of the turn. May be NULL. */
    void (*on_clock)(void *context, uint64_t now_ms, int64_t wall_ms);
    void *context;
};

/* A listening descriptor on this loop. When descriptors or memory run out it rests for
 * NET_LISTENER_REST_MS, with the backlog kept, and says so once a second. */
#define NET_LISTENER_REST_MS 100
struct net_listener {
    struct net_loop *loop;
    int fd; /* owned; -1 when closed */
    /* A new connection: fd is the callee's, nonblocking and CLOEXEC. */
    void (*on_accept)(struct net_listener *listener, int fd, const struct sockaddr *peer);
    void *context;
    struct net_tls_context *tls; /* for whoever accepts, one reference; NULL = none. Swapped on the loop's thread */
    struct net_timer rest_;
    uint64_t complained_ms_;
};

struct net_loop {
    struct net_loop_options options;
    struct mailbox_wakes wakes; /* whoever posts in this turn adds its targets here */
    struct timer_wheel wheel;
    struct net_group default_group;
    uint64_t now_ms; /* monotonic, read once per turn */
    int64_t wall_ms; /* wall clock, the same */
    uv_loop_t uv;    /* run by the loop whenever its backend has work */
    size_t conn_count;
    /* sums for metrics and tests */
    uint64_t turns, reads, writes, messages_out, bytes_in, bytes_out;
    /* private */
    int epoll_fd_;
    bool stop_, owned_, busy_; /* owned_: thread_ is set; busy_: mails, timers or slices may wait */
    pthread_t thread_;
    struct list groups_, answers_, closing_, readable_, stalled_;
    struct net_timer stall_timer_;
    uint64_t write_timeout_ms; /* of net_conn_time_writes() */
    struct net_chunk *free_chunks_;
    uint32_t free_chunk_count_;
    char *read_buffer_;
    struct net_merged *merged_;  /* owned; NULL until the first merged frame */
    struct epoll_event *events_; /* of the turn being worked on */
    int event_count_;
    uv_prepare_t uv_alive_; /* keeps uv_run() from returning before it has looked */
};

MUST_CHECK enum status net_loop_init(struct net_loop *loop, const struct net_loop_options *options);
/* All connections must be gone, listeners stopped, the owner's uv handles closed or
 * closing; waits for outstanding uv requests. */
void net_loop_deinit(struct net_loop *loop);
/* Runs turns until net_loop_stop(); the calling thread is the owner until it returns. */
void net_loop_run(struct net_loop *loop);
/* One turn with a poll of at most wait_ms: for tests. */
void net_loop_turn(struct net_loop *loop, uint32_t wait_ms);
void net_loop_stop(struct net_loop *loop); /* owner thread: from a mail, for example */
/* A CHECK that the owner calls; anybody may before the first turn. Every function of
 * net_loop, net_conn and net_listener makes it. */
void net_loop_assert_thread(const struct net_loop *loop);

/* fd: listening and nonblocking, taken over. on_accept and context are set before.
 * IO or NO_MEMORY: the kernel refuses to poll it; fd is still the caller's. */
MUST_CHECK enum status net_listener_start(struct net_listener *listener, struct net_loop *loop, int fd);
void net_listener_stop(struct net_listener *listener); /* closes fd; accepted connections stay; twice is once */

#endif
