#include "net/net_merged.h"

#include "base/mem_part.h"
#include "net/net_loop.h"
#include "net/net_queue.h"

struct slice net_merged_find(const struct net_conn *conn)
{
    const struct net_merged *m = conn->loop->merged_;
    if (!m || m->count == 0 || conn->partial_ || conn->framing != m->framing) return slice_of(NULL, 0);
    struct net_cursor cursor = net_queue_begin(conn);
    for (uint32_t i = 0; i < m->count; i++)
        if (net_cursor_next(&cursor) != m->blobs[i]) return slice_of(NULL, 0);
    return net_cursor_next(&cursor) ? slice_of(NULL, 0) : slice_of(m->bytes, m->len);
}

uint32_t net_merged_count(const struct net_loop *loop)
{
    return loop->merged_ ? loop->merged_->count : 0;
}

/* True when the list before began and was as long as this one; it is the hint for the next. */
static bool is_second(struct net_merged *m, const struct blob *first, uint32_t count)
{
    const bool second = m->seen_first == first && m->seen_count == count;
    m->seen_first = first;
    m->seen_count = count;
    return second;
}

static void drop(struct net_merged *m)
{
    while (m->count > 0) blob_unref(m->blobs[--m->count]);
}

static void keep(struct net_merged *m, const struct net_conn *conn, uint32_t count, const struct iovec *pieces,
                 size_t piece_count)
{
    drop(m);
    m->framing = conn->framing;
    m->len = 0;
    for (size_t i = 0; i < piece_count; i++) {
        memcpy(m->bytes + m->len, pieces[i].iov_base, pieces[i].iov_len);
        m->len += pieces[i].iov_len;
    }
    struct net_cursor cursor = net_queue_begin(conn);
    while (m->count < count) m->blobs[m->count++] = blob_ref(net_cursor_next(&cursor));
}

void net_merged_offer(const struct net_conn *conn, uint32_t count, const struct iovec *pieces, size_t piece_count,
                      size_t len)
{
    struct net_loop *loop = conn->loop;
    if (count > NET_MERGED_BLOBS_MAX || len > NET_MERGED_LEN_MAX) return;
    if (!loop->merged_) loop->merged_ = mem_part_alloc_zero(MEM_WORKERS, sizeof *loop->merged_);
    if (!loop->merged_) return; /* it is only faster with it */
    struct net_cursor cursor = net_queue_begin(conn);
    if (is_second(loop->merged_, net_cursor_next(&cursor), count))
        keep(loop->merged_, conn, count, pieces, piece_count);
}

void net_merged_forget(struct net_loop *loop)
{
    if (!loop->merged_) return;
    drop(loop->merged_);
    loop->merged_->seen_count = 0;
}

void net_merged_free(struct net_loop *loop)
{
    net_merged_forget(loop);
    mem_part_free(MEM_WORKERS, loop->merged_);
    loop->merged_ = NULL;
}
