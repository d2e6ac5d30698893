#include "net/net_writer.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/mem_part.h"
#include "net/net_conn_private.h"
#include "net/net_loop.h"
#include "net/net_merged.h"
#include "net/net_queue.h"
#include "net/net_stall_private.h"
#include "net/net_tls_private.h"

/* What one system call is to send. */
struct plan {
    struct net_cursor cursor;
    size_t bytes;
    unsigned frame_count, piece_count;
    struct net_partial frames[NET_PIECES_MAX];
    struct iovec pieces[NET_PIECES_MAX];
};

/* A message's bytes inside its frame: alone, or merged and perhaps the last of it. */
static struct slice piece_of(const struct blob *blob, bool merged, bool last)
{
    if (!merged) return blob_frame(blob);
    return slice_of(blob->bytes + blob->header_len, blob->body_len + (last ? 0u : blob->separator_len));
}

static void add_piece(struct plan *p, const void *bytes, size_t len)
{
    CHECK(p->piece_count < NET_PIECES_MAX);
    /* iovec has no const; sendmsg only reads */
    p->pieces[p->piece_count++] = (struct iovec){ (void *)(uintptr_t)bytes, len };
    p->bytes += len;
}

/* Add a frame, whole or begun before, and step over its messages. */
static void add_frame(struct plan *p, const struct net_partial *frame)
{
    struct net_partial *f = &p->frames[p->frame_count++];
    *f = *frame;
    if (f->header_sent < f->header_len)
        add_piece(p, f->header + f->header_sent, (size_t)(f->header_len - f->header_sent));
    size_t offset = f->offset;
    for (uint32_t i = 1; i <= f->count; i++) {
        const struct slice piece = piece_of(net_cursor_next(&p->cursor), f->merged, i == f->count);
        add_piece(p, piece.ptr + offset, piece.len - offset);
        offset = 0;
    }
}

/* How many messages from the cursor on can go into one frame, and its payload. */
static uint32_t measure_run(const struct net_conn *conn, struct net_cursor ahead, unsigned room, size_t *payload_len)
{
    const struct blob *blob = net_cursor_next(&ahead);
    if (!conn->framing || blob->kind != BLOB_MESSAGE) return 1;
    const uint8_t flags = blob->flags;
    uint32_t count = 1;
    size_t len = blob->body_len, separator_len = blob->separator_len;
    while (count + 1 < room && (blob = net_cursor_next(&ahead)) != NULL) { /* one piece is the header */
        const size_t more = separator_len + blob->body_len;
        if (blob->kind != BLOB_MESSAGE || blob->flags != flags) break;
        if (len >= NET_WRITE_BYTES_MAX || len + more > conn->framing->payload_len_max) break;
        len += more;
        separator_len = blob->separator_len;
        count++;
    }
    *payload_len = len;
    return count;
}

/* The next frame; false when the plan is full or the queue at its end. */
static bool add_next_frame(struct plan *p, const struct net_conn *conn)
{
    const unsigned room = NET_PIECES_MAX - p->piece_count;
    struct net_cursor ahead = p->cursor;
    const struct blob *blob = net_cursor_next(&ahead);
    if (room == 0 || p->bytes >= NET_WRITE_BYTES_MAX || !blob) return false;
    size_t payload_len = 0;
    struct net_partial frame = { .count = measure_run(conn, p->cursor, room, &payload_len) };
    if (frame.count > 1) {
        const size_t header_len = conn->framing->header(blob->flags, payload_len, frame.header);
        CHECK(header_len <= NET_FRAME_HEADER_MAX);
        frame.header_len = (uint8_t)header_len;
        frame.merged = true;
    }
    add_frame(p, &frame);
    return true;
}

/* Take from the queue what `sent` bytes of this frame cover; true = the frame is complete. */
static bool take_sent(struct net_conn *conn, struct net_partial *f, size_t *sent)
{
    const size_t header_left = (size_t)(f->header_len - f->header_sent);
    const size_t header_sent = *sent < header_left ? *sent : header_left;
    f->header_sent += (uint8_t)header_sent;
    *sent -= header_sent;
    if (header_sent < header_left) return false;
    for (; f->count > 0; f->count--) {
        struct net_cursor front = net_queue_begin(conn);
        const size_t left = piece_of(net_cursor_next(&front), f->merged, f->count == 1).len - f->offset;
        if (*sent < left) {
            f->offset += *sent;
            *sent = 0;
            return false;
        }
        *sent -= left;
        f->offset = 0;
        blob_unref(net_queue_pop(conn));
        conn->loop->messages_out++;
    }
    return true;
}

/* Keep (or free) the state of the frame at the front of the queue. */
static enum status remember(struct net_conn *conn, const struct net_partial *f)
{
    if (!f) {
        mem_part_free(MEM_OUTPUT_QUEUES, conn->partial_);
        conn->partial_ = NULL;
        return STATUS_OK;
    }
    if (!conn->partial_) conn->partial_ = mem_part_alloc(MEM_OUTPUT_QUEUES, sizeof *conn->partial_);
    if (!conn->partial_) return STATUS_NO_MEMORY;
    *conn->partial_ = *f;
    return STATUS_OK;
}

/* Take what the kernel took out of the queue. */
static enum status settle(struct net_conn *conn, struct plan *p, size_t sent)
{
    for (unsigned i = 0; i < p->frame_count; i++) {
        struct net_partial *f = &p->frames[i];
        const uint32_t count = f->count;
        if (take_sent(conn, f, &sent)) continue;
        const bool begun = f->header_sent > 0 || f->offset > 0 || f->count < count;
        return remember(conn, begun ? f : NULL);
    }
    return remember(conn, NULL);
}

/* Common end of a system call that sent `sent` of `len` bytes (-1: errno says why).
 * True: it took all. */
static bool wrote_all(struct net_conn *conn, ssize_t sent, size_t len)
{
    conn->loop->writes++;
    if (sent < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            net_stall_begin(conn, false);
        } else {
            net_conn_fail(conn, errno);
        }
        return false;
    }
    conn->loop->bytes_out += (uint64_t)sent;
    if ((size_t)sent == len) {
        net_conn_drop(conn, NET_FLAG_STALLED);
        return true;
    }
    net_stall_begin(conn, sent > 0);
    return false;
}

/* The usual case: one message, nothing begun. */
static bool send_first(struct net_conn *conn)
{
    const struct slice frame = blob_frame(conn->first_);
    ssize_t sent;
    do sent = send(conn->fd, frame.ptr, frame.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (wrote_all(conn, sent, frame.len)) {
        blob_unref(net_queue_pop(conn));
        conn->loop->messages_out++;
        return true;
    }
    if (sent <= 0) return false;
    const struct net_partial begun = { .count = 1, .offset = (size_t)sent };
    if (remember(conn, &begun) != STATUS_OK) net_conn_fail(conn, ENOMEM);
    return false;
}

static void make_plan(struct plan *p, const struct net_conn *conn)
{
    p->cursor = net_queue_begin(conn);
    p->bytes = p->frame_count = p->piece_count = 0;
    if (conn->partial_) add_frame(p, conn->partial_);
    while (add_next_frame(p, conn))
        ;
}

static bool settle_or_fail(struct net_conn *conn, struct plan *p, size_t sent)
{
    if (settle(conn, p, sent) == STATUS_OK) return true;
    net_conn_fail(conn, ENOMEM);
    return false;
}

/* What the connection before got is all that this one has. */
static bool send_merged(struct net_conn *conn, struct slice frame)
{
    ssize_t sent;
    do sent = send(conn->fd, frame.ptr, frame.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (wrote_all(conn, sent, frame.len)) {
        const uint32_t count = net_merged_count(conn->loop);
        for (uint32_t i = 0; i < count; i++) blob_unref(net_queue_pop(conn));
        conn->loop->messages_out += count;
        return true;
    }
    if (sent <= 0) return false;
    struct plan p;
    make_plan(&p, conn);
    settle_or_fail(conn, &p, (size_t)sent);
    return false;
}

static bool send_several(struct net_conn *conn)
{
    const struct slice frame = net_merged_find(conn);
    if (frame.len > 0) return send_merged(conn, frame);
    struct plan p;
    make_plan(&p, conn);
    if (p.frame_count == 1 && p.frames[0].merged && !conn->partial_ && !net_cursor_next(&p.cursor))
        net_merged_offer(conn, p.frames[0].count, p.pieces, p.piece_count, p.bytes);
    const struct msghdr message = { .msg_iov = p.pieces, .msg_iovlen = p.piece_count };
    ssize_t sent;
    do sent = sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    const bool all = wrote_all(conn, sent, p.bytes);
    if (sent >= 0 && !settle_or_fail(conn, &p, (size_t)sent)) return false;
    return all;
}

/* The first bytes of the plan, side by side: records are made of them. */
static size_t gather(const struct plan *p, char *into, size_t room)
{
    size_t len = 0;
    for (unsigned i = 0; i < p->piece_count && len < room; i++) {
        const struct iovec *piece = &p->pieces[i];
        const size_t take = piece->iov_len < room - len ? piece->iov_len : room - len;
        memcpy(into + len, piece->iov_base, take);
        len += take;
    }
    return len;
}

/* The loop's read buffer is free in the flush phases. */
static bool send_tls(struct net_conn *conn)
{
    struct plan p;
    make_plan(&p, conn);
    bool all;
    const size_t len = gather(&p, conn->loop->read_buffer_, NET_READ_BYTES_PER_TURN);
    const size_t taken = net_tls_send(conn, conn->loop->read_buffer_, len, &all);
    if (net_conn_has(conn, NET_FLAG_FAILED)) return false;
    return settle_or_fail(conn, &p, taken) && all;
}

static bool send_queue(struct net_conn *conn)
{
    if (conn->tls_) return send_tls(conn);
    const bool single = conn->first_ && !conn->more_ && !conn->partial_;
    return single ? send_first(conn) : send_several(conn);
}

bool net_writer_flush(struct net_conn *conn)
{
    if (net_conn_has(conn, NET_FLAG_FAILED)) return false;
    if (net_conn_has(conn, NET_FLAG_BLOCKED)) {
        net_stall_watch(conn);
        return false;
    }
    if (conn->tls_ && !net_tls_may_send(conn)) return false;
    if (!net_queue_empty(conn)) {
        if (!send_queue(conn)) return false;
        if (!net_queue_empty(conn)) return true;
    }
    if (net_conn_has(conn, NET_FLAG_UNTIL_SENT)) net_conn_resume(conn);
    if (net_conn_closing(conn)) net_conn_all_sent(conn);
    return false;
}
