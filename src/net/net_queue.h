/* net_queue: a connection's pending messages in order: one slot in the connection,
 * then chunks from the loop's free list, so that a delivery allocates nothing. */
#ifndef XSHATHRA_NET_NET_QUEUE_H
#define XSHATHRA_NET_NET_QUEUE_H

#include "net/net_conn.h"

/* With its header a chunk is 128 bytes. */
#define NET_CHUNK_BLOBS 14
/* The loop keeps at most this many unused ones (128 KB). */
#define NET_FREE_CHUNKS_MAX 1024

struct net_chunk {
    struct net_chunk *next; /* a ring: conn->more_ is the last chunk, its next the first */
    uint32_t first, count;  /* blobs[first] to blobs[first + count - 1] */
    struct blob *blobs[NET_CHUNK_BLOBS];
};

/* Takes over the reference. NO_MEMORY: it was dropped. */
enum status net_queue_push(struct net_conn *conn, struct blob *blob);
/* The oldest, now the caller's reference; NULL when empty. */
struct blob *net_queue_pop(struct net_conn *conn);
static inline bool net_queue_empty(const struct net_conn *conn)
{
    return !conn->first_ && !conn->more_;
}
/* Drop all but the first `keep` messages. */
void net_queue_truncate(struct net_conn *conn, size_t keep);

/* A place in the queue; a copy of it looks ahead. */
struct net_cursor {
    struct blob *first_; /* still to come, before the chunks */
    const struct net_chunk *chunk_, *last_;
    uint32_t index_;
};

struct net_cursor net_queue_begin(const struct net_conn *conn);
/* The next message, borrowed; NULL at the end. */
struct blob *net_cursor_next(struct net_cursor *c);

void net_queue_free_chunks(struct net_loop *loop); /* of the free list */

#endif
