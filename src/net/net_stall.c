#include "net/net_stall_private.h"

#include <errno.h>

#include "net/net_conn_private.h"
#include "net/net_loop.h"

/* How late the end of a stalled connection may come. */
#define LOOK_EVERY_MS 100

static uint32_t stalled_ms(const struct net_conn *conn)
{
    return (uint32_t)conn->loop->now_ms - conn->stalled_since_;
}

static void arm(struct net_loop *loop, uint64_t wait_ms)
{
    timer_arm(&loop->wheel, &loop->stall_timer_, loop->now_ms + wait_ms);
}

void net_stall_begin(struct net_conn *conn, bool took_some)
{
    net_conn_put(conn, NET_FLAG_BLOCKED);
    if (took_some || !net_conn_has(conn, NET_FLAG_STALLED)) conn->stalled_since_ = (uint32_t)conn->loop->now_ms;
    net_conn_put(conn, NET_FLAG_STALLED);
    net_stall_watch(conn);
}

void net_stall_watch(struct net_conn *conn)
{
    struct net_loop *loop = conn->loop;
    if (!net_conn_has(conn, NET_FLAG_WRITE_TIMED) || net_conn_closing(conn) || !list_empty(&conn->dirty_)) return;
    list_push_back(&loop->stalled_, &conn->dirty_);
    if (!timer_armed(&loop->stall_timer_)) arm(loop, loop->write_timeout_ms);
}

void net_stall_end(struct net_conn *conn)
{
    const bool is_dirty = net_conn_has(conn, NET_FLAG_DELIVERY) || net_conn_has(conn, NET_FLAG_CROWD) ||
                          net_conn_has(conn, NET_FLAG_ANSWER);
    net_conn_drop(conn, NET_FLAG_BLOCKED);
    if (!is_dirty) list_remove(&conn->dirty_);
}

/* They stand in the order in which they began to wait, but for those that were told of
 * room and could send nothing: all are looked at. */
void net_stall_on_timer(struct net_timer *timer, void *context)
{
    struct net_loop *loop = container_of(timer, struct net_loop, stall_timer_);
    (void)context;
    LIST_EACH(node, next, &loop->stalled_)
    {
        struct net_conn *conn = LIST_ENTRY(node, struct net_conn, dirty_);
        if (stalled_ms(conn) < loop->write_timeout_ms) continue;
        net_stall_end(conn);
        net_conn_fail(conn, ETIMEDOUT);
    }
    if (!list_empty(&loop->stalled_)) arm(loop, LOOK_EVERY_MS);
}

void net_conn_time_writes(struct net_conn *conn, uint64_t timeout_ms)
{
    net_loop_assert_thread(conn->loop);
    conn->loop->write_timeout_ms = timeout_ms;
    net_conn_put(conn, NET_FLAG_WRITE_TIMED);
}
