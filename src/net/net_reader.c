#include "net/net_reader.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/mem_part.h"
#include "net/net_conn_private.h"
#include "net/net_loop.h"
#include "net/net_tls_private.h"

void net_reader_forget(struct net_conn *conn)
{
    mem_part_free(MEM_INPUT, conn->unread_);
    conn->unread_ = NULL;
    conn->unread_len_ = conn->unread_cap_ = 0;
}

static enum status reserve_unread(struct net_conn *conn, size_t cap)
{
    if (cap <= conn->unread_cap_) return STATUS_OK;
    if (cap > UINT32_MAX) return STATUS_NO_MEMORY;
    char *grown = mem_part_realloc(MEM_INPUT, conn->unread_, cap);
    if (!grown) return STATUS_NO_MEMORY;
    conn->unread_ = grown;
    conn->unread_cap_ = (uint32_t)cap;
    return STATUS_OK;
}

/* Give back most of a buffer that a long message has left nearly empty. */
static void shrink_unread(struct net_conn *conn)
{
    if (conn->unread_cap_ <= NET_SHARED_KEPT_MAX || conn->unread_len_ > conn->unread_cap_ / 4) return;
    char *smaller = mem_part_realloc(MEM_INPUT, conn->unread_, conn->unread_len_);
    if (!smaller) return;
    conn->unread_ = smaller;
    conn->unread_cap_ = conn->unread_len_;
}

/* Keep what on_data left, at least one byte; own: it lies in the connection's own buffer. */
static enum status keep(struct net_conn *conn, const char *from, size_t len, bool own)
{
    if (!own && reserve_unread(conn, len) != STATUS_OK) return STATUS_NO_MEMORY;
    memmove(conn->unread_, from, len);
    conn->unread_len_ = (uint32_t)len;
    return STATUS_OK;
}

/* Show len bytes, which lie in the shared or in the own buffer, and keep the rest. */
static void show(struct net_conn *conn, char *bytes, size_t len)
{
    const bool own = bytes == conn->unread_;
    net_conn_put(conn, NET_FLAG_IN_DATA);
    const size_t taken = conn->ops->on_data(conn, bytes, len);
    net_conn_drop(conn, NET_FLAG_IN_DATA);
    if (net_conn_closing(conn) || taken == len) {
        net_reader_forget(conn);
        return;
    }
    CHECK(taken < len);
    if (keep(conn, bytes + taken, len - taken, own) != STATUS_OK) {
        net_reader_forget(conn);
        net_conn_fail(conn, ENOMEM);
        return;
    }
    if (taken > 0) shrink_unread(conn);
}

/* Where the next bytes go: `kept` old ones are in front of them. */
struct room {
    char *ptr;
    size_t kept, len; /* len: free behind the kept ones */
};

/* Small kept bytes move to the front of the shared buffer; a long message grows in the
 * connection's own, to what is wanted or by half. */
static enum status find_room(struct net_conn *conn, struct room *room)
{
    const size_t kept = conn->unread_len_;
    const size_t wanted = kept > 0 && conn->ops->bytes_wanted ? conn->ops->bytes_wanted(conn) : 0;
    if (kept + wanted <= NET_SHARED_KEPT_MAX) {
        char *shared = conn->loop->read_buffer_;
        if (kept > 0) memcpy(shared, conn->unread_, kept);
        *room = (struct room){ shared, kept, NET_READ_BYTES_PER_TURN - kept };
        return STATUS_OK;
    }
    const size_t more = wanted > 0 ? wanted : kept / 2;
    if (reserve_unread(conn, kept + more) != STATUS_OK) return STATUS_NO_MEMORY;
    *room = (struct room){ conn->unread_, kept, conn->unread_cap_ - kept };
    return STATUS_OK;
}

static void end_of_input(struct net_conn *conn)
{
    net_conn_drop(conn, NET_FLAG_MORE);
    net_conn_put(conn, NET_FLAG_EOF);
    if (conn->state_ == NET_STATE_OPEN)
        conn->ops->on_eof(conn, 0);
    else if (conn->state_ == NET_STATE_LINGERING)
        net_conn_end(conn);
}

static ssize_t take_bytes(struct net_conn *conn, char *into, size_t len, bool *drained)
{
    if (conn->tls_) return net_tls_recv(conn, into, len, drained);
    const ssize_t got = recv(conn->fd, into, len, MSG_DONTWAIT);
    conn->loop->reads++;
    *drained = got < (ssize_t)len;
    return got;
}

/* One recv. 0: the connection has no bytes to look at now (drained, ended, failed). */
static size_t receive(struct net_conn *conn, char *into, size_t len)
{
    bool drained;
    const ssize_t got = take_bytes(conn, into, len, &drained);
    if (got > 0) {
        conn->loop->bytes_in += (uint64_t)got;
        /* unless the end comes behind it, which makes no further edge */
        if (drained && !net_conn_has(conn, NET_FLAG_HUNG_UP)) net_conn_drop(conn, NET_FLAG_MORE);
        return (size_t)got;
    }
    if (got == 0)
        end_of_input(conn);
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
        net_conn_drop(conn, NET_FLAG_MORE);
    else if (errno != EINTR)
        net_conn_fail(conn, errno);
    return 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t read_once(struct net_conn *conn, size_t budget)
{
    struct room room;
    if (net_conn_closing(conn)) /* its sender should see our last bytes, not a reset */
        return receive(conn, conn->loop->read_buffer_, smaller(budget, NET_READ_BYTES_PER_TURN));
    if (find_room(conn, &room) != STATUS_OK) {
        net_conn_fail(conn, ENOMEM);
        return 0;
    }
    const size_t got = receive(conn, room.ptr + room.kept, smaller(budget, room.len));
    if (got > 0) show(conn, room.ptr, room.kept + got);
    return got;
}

static bool may_read(const struct net_conn *conn)
{
    return conn->state_ != NET_STATE_CLOSED && !net_conn_has(conn, NET_FLAG_EOF) &&
           !net_conn_has(conn, NET_FLAG_PAUSED);
}

static bool may_redeliver(const struct net_conn *conn)
{
    return net_conn_has(conn, NET_FLAG_REDELIVER) && conn->unread_len_ > 0 && !net_conn_closing(conn) &&
           !net_conn_has(conn, NET_FLAG_PAUSED) && !net_conn_has(conn, NET_FLAG_FAILED);
}

static void read_in_budget(struct net_conn *conn)
{
    if (may_redeliver(conn)) {
        net_conn_drop(conn, NET_FLAG_REDELIVER);
        show(conn, conn->unread_, conn->unread_len_);
    }
    size_t budget = NET_READ_BYTES_PER_TURN;
    while (net_conn_has(conn, NET_FLAG_MORE) && may_read(conn)) {
        if (budget == 0) {
            net_conn_mark_readable(conn);
            return;
        }
        budget -= read_once(conn, budget);
    }
}

void net_reader_read(struct net_conn *conn)
{
    read_in_budget(conn);
    if (conn->tls_) net_tls_after_read(conn);
}
