#include "net/net_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem_part.h"
#include "net/net_conn_private.h"
#include "net/net_loop.h"
#include "net/net_queue.h"
#include "net/net_reader.h"
#include "net/net_stall_private.h"
#include "net/net_tls_private.h"
#include "net/net_writer.h"

/* How long a peer whose handshake failed has to take the reason. */
#define REFUSE_LINGER_MS 1000

void net_group_init(struct net_group *g)
{
    list_init(&g->link_);
    list_init(&g->dirty_);
    list_init(&g->crowd_);
    g->crowds_turn_ = false;
}

enum status net_conn_init(struct net_conn *conn, struct net_loop *loop, int fd, const struct net_conn_ops *ops,
                          struct net_group *group)
{
    net_loop_assert_thread(loop);
    /* Registered once, for good: edge-triggered, so that no later epoll_ctl is needed. */
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = conn };
    if (epoll_ctl(loop->epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0)
        return errno == ENOMEM || errno == ENOSPC ? STATUS_NO_MEMORY : STATUS_IO;
    *conn = (struct net_conn){ .loop = loop, .ops = ops, .group_ = group, .fd = fd };
    list_init(&conn->dirty_);
    list_init(&conn->readable_);
    timer_init(&conn->timer_, NET_TIMER_KIND_CONN);
    loop->conn_count++;
    return STATUS_OK;
}

void net_conn_set_group(struct net_conn *conn, struct net_group *group)
{
    net_loop_assert_thread(conn->loop);
    const bool dirty = net_conn_has(conn, NET_FLAG_DELIVERY) || net_conn_has(conn, NET_FLAG_CROWD);
    if (dirty) net_conn_unmark_dirty(conn);
    conn->group_ = group;
    if (dirty) net_conn_mark_dirty(conn, NET_FLUSH_DELIVERY);
}

void net_conn_mark_dirty(struct net_conn *conn, enum net_flush when)
{
    if (net_conn_has(conn, NET_FLAG_BLOCKED)) return;
    if (!list_empty(&conn->dirty_)) {
        /* what it has goes out in one call, so the most urgent of it says when */
        const bool sooner = net_conn_has(conn, NET_FLAG_ANSWER)  ? when != NET_FLUSH_ANSWER
                            : net_conn_has(conn, NET_FLAG_CROWD) ? when != NET_FLUSH_CROWD
                                                                 : false;
        if (!sooner) return;
        net_conn_unmark_dirty(conn);
        when = NET_FLUSH_DELIVERY;
    }
    if (when == NET_FLUSH_ANSWER) {
        net_conn_put(conn, NET_FLAG_ANSWER);
        list_push_back(&conn->loop->answers_, &conn->dirty_);
        return;
    }
    const bool crowd = when == NET_FLUSH_CROWD;
    net_conn_put(conn, crowd ? NET_FLAG_CROWD : NET_FLAG_DELIVERY);
    list_push_back(crowd ? &conn->group_->crowd_ : &conn->group_->dirty_, &conn->dirty_);
    if (list_empty(&conn->group_->link_)) list_push_back(&conn->loop->groups_, &conn->group_->link_);
}

void net_conn_unmark_dirty(struct net_conn *conn)
{
    struct net_group *group = conn->group_;
    list_remove(&conn->dirty_);
    if (list_empty(&group->dirty_) && list_empty(&group->crowd_)) list_remove(&group->link_);
    net_conn_drop(conn, NET_FLAG_DELIVERY);
    net_conn_drop(conn, NET_FLAG_CROWD);
    net_conn_drop(conn, NET_FLAG_ANSWER);
}

void net_conn_mark_readable(struct net_conn *conn)
{
    if (list_empty(&conn->readable_)) list_push_back(&conn->loop->readable_, &conn->readable_);
}

enum status net_conn_send(struct net_conn *conn, struct blob *blob, enum net_flush when)
{
    net_loop_assert_thread(conn->loop);
    if (net_conn_closing(conn) || net_conn_has(conn, NET_FLAG_FAILED)) {
        blob_unref(blob);
        return STATUS_OK;
    }
    const enum status status = net_queue_push(conn, blob);
    if (status == STATUS_OK) net_conn_mark_dirty(conn, when);
    return status;
}

void net_conn_pause(struct net_conn *conn)
{
    net_loop_assert_thread(conn->loop);
    if (net_conn_closing(conn)) return;
    net_conn_drop(conn, NET_FLAG_UNTIL_SENT);
    net_conn_put(conn, NET_FLAG_PAUSED);
    list_remove(&conn->readable_);
}

void net_conn_resume(struct net_conn *conn)
{
    net_loop_assert_thread(conn->loop);
    if (net_conn_closing(conn) || !net_conn_has(conn, NET_FLAG_PAUSED)) return;
    net_conn_drop(conn, NET_FLAG_PAUSED);
    net_conn_drop(conn, NET_FLAG_UNTIL_SENT);
    net_conn_put(conn, NET_FLAG_REDELIVER);
    net_conn_mark_readable(conn);
}

void net_conn_pause_until_sent(struct net_conn *conn)
{
    net_conn_pause(conn);
    if (net_queue_empty(conn))
        net_conn_resume(conn);
    else
        net_conn_put(conn, NET_FLAG_UNTIL_SENT);
}

void net_conn_set_deadline(struct net_conn *conn, uint64_t due_ms)
{
    net_loop_assert_thread(conn->loop);
    if (net_conn_closing(conn)) return;
    if (due_ms == 0)
        timer_disarm(&conn->loop->wheel, &conn->timer_);
    else
        timer_arm(&conn->loop->wheel, &conn->timer_, due_ms);
}

void net_conn_on_timer(struct net_timer *timer, void *context)
{
    struct net_conn *conn = container_of(timer, struct net_conn, timer_);
    if (net_conn_closing(conn))
        net_conn_end(conn);
    else if (conn->ops->on_deadline)
        conn->ops->on_deadline(conn);
}

/* What is queued and begun goes; its memory, too. */
static void drop_output(struct net_conn *conn)
{
    net_queue_truncate(conn, 0);
    mem_part_free(MEM_OUTPUT_QUEUES, conn->partial_);
    conn->partial_ = NULL;
}

void net_conn_end(struct net_conn *conn)
{
    if (conn->state_ == NET_STATE_CLOSED) return;
    conn->state_ = NET_STATE_CLOSED;
    net_conn_unmark_dirty(conn);
    list_remove(&conn->readable_);
    timer_disarm(&conn->loop->wheel, &conn->timer_);
    list_push_back(&conn->loop->closing_, &conn->dirty_);
}

void net_conn_fail(struct net_conn *conn, int error)
{
    if (net_conn_has(conn, NET_FLAG_FAILED)) return;
    net_conn_drop(conn, NET_FLAG_MORE);
    net_conn_put(conn, NET_FLAG_EOF);
    net_conn_put(conn, NET_FLAG_FAILED);
    drop_output(conn);
    if (net_conn_closing(conn)) {
        net_conn_end(conn);
        return;
    }
    net_conn_unmark_dirty(conn);
    conn->loop->busy_ = true;
    conn->ops->on_eof(conn, error);
}

void net_conn_all_sent(struct net_conn *conn)
{
    if (conn->state_ != NET_STATE_FLUSHING && conn->state_ != NET_STATE_FINISHING) return;
    conn->state_ = NET_STATE_LINGERING;
    if (conn->tls_) net_tls_say_end(conn);
    /* The peer's end is here already, or the shutdown fails because all is over. */
    if (shutdown(conn->fd, SHUT_WR) != 0 || net_conn_has(conn, NET_FLAG_EOF)) net_conn_end(conn);
}

/* Only the frame that the peer has seen the beginning of stays. */
static void drop_unbegun(struct net_conn *conn)
{
    net_queue_truncate(conn, conn->partial_ ? conn->partial_->count : 0);
}

/* A close that sends first: FLUSH or FINAL. */
static void close_softly(struct net_conn *conn, enum net_close how, struct blob *last, uint64_t linger_ms)
{
    conn->state_ = how == NET_CLOSE_FLUSH ? NET_STATE_FLUSHING : NET_STATE_FINISHING;
    if (how == NET_CLOSE_FINAL) drop_unbegun(conn);
    /* without memory for it the peer sees the end without the last words */
    if (last) (void)net_queue_push(conn, last);
    if (!net_conn_has(conn, NET_FLAG_IN_DATA)) net_reader_forget(conn);
    net_conn_drop(conn, NET_FLAG_PAUSED);
    net_conn_drop(conn, NET_FLAG_REDELIVER);
    if (net_conn_has(conn, NET_FLAG_MORE)) net_conn_mark_readable(conn);
    /* with nothing to send there is no EPOLLOUT to wait for */
    if (net_queue_empty(conn)) net_stall_end(conn);
    if (net_conn_has(conn, NET_FLAG_BLOCKED)) net_conn_unmark_dirty(conn); /* the linger time holds from now on */
    net_conn_mark_dirty(conn, NET_FLUSH_DELIVERY);
    timer_arm(&conn->loop->wheel, &conn->timer_, conn->loop->now_ms + linger_ms);
}

void net_conn_close(struct net_conn *conn, enum net_close how, struct blob *last, uint64_t linger_ms)
{
    net_loop_assert_thread(conn->loop);
    const bool final_after_flush = how == NET_CLOSE_FINAL && conn->state_ == NET_STATE_FLUSHING;
    if (how == NET_CLOSE_NOW || net_conn_has(conn, NET_FLAG_FAILED)) {
        blob_unref(last);
        net_conn_end(conn);
    } else if (conn->state_ == NET_STATE_OPEN || final_after_flush) {
        close_softly(conn, how, last, linger_ms);
    } else {
        blob_unref(last);
    }
}

void net_conn_refuse(struct net_conn *conn, struct blob *last)
{
    drop_output(conn);
    net_tls_free(conn);
    net_stall_end(conn);
    net_conn_close(conn, NET_CLOSE_FINAL, last, REFUSE_LINGER_MS);
    net_conn_mark_dirty(conn, NET_FLUSH_DELIVERY); /* when it was closing already */
}

void net_conn_finish(struct net_conn *conn)
{
    list_remove(&conn->dirty_);
    CHECK(list_empty(&conn->readable_) && !timer_armed(&conn->timer_));
    drop_output(conn);
    net_reader_forget(conn);
    if (conn->tls_) net_tls_say_end(conn);
    net_tls_free(conn);
    close(conn->fd);
    conn->fd = -1;
    conn->loop->conn_count--;
    conn->loop->busy_ = true;
    conn->ops->on_closed(conn); /* conn may be gone now */
}

size_t net_conn_peer(const struct net_conn *conn, char out[static INET6_ADDRSTRLEN])
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    out[0] = '\0';
    if (getpeername(conn->fd, (struct sockaddr *)&peer, &len) != 0) return 0;
    if (peer.ss_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&peer)->sin_addr, out, INET6_ADDRSTRLEN);
    } else if (peer.ss_family == AF_INET6) {
        const struct in6_addr *address = &((const struct sockaddr_in6 *)&peer)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(address))
            inet_ntop(AF_INET, address->s6_addr + 12, out, INET6_ADDRSTRLEN);
        else
            inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
    }
    return strlen(out);
}
