#include "net/net_queue.h"

#include "base/mem_part.h"
#include "net/net_loop.h"

_Static_assert(sizeof(struct net_chunk) == 128, "two cache lines");

static struct net_chunk *take_chunk(struct net_loop *loop)
{
    struct net_chunk *chunk = loop->free_chunks_;
    if (chunk) {
        loop->free_chunks_ = chunk->next;
        loop->free_chunk_count_--;
    } else {
        chunk = mem_part_alloc(MEM_OUTPUT_QUEUES, sizeof *chunk);
        if (!chunk) return NULL;
    }
    chunk->first = chunk->count = 0;
    return chunk;
}

static void give_chunk(struct net_loop *loop, struct net_chunk *chunk)
{
    if (loop->free_chunk_count_ >= NET_FREE_CHUNKS_MAX) {
        mem_part_free(MEM_OUTPUT_QUEUES, chunk);
        return;
    }
    chunk->next = loop->free_chunks_;
    loop->free_chunks_ = chunk;
    loop->free_chunk_count_++;
}

void net_queue_free_chunks(struct net_loop *loop)
{
    while (loop->free_chunks_) {
        struct net_chunk *chunk = loop->free_chunks_;
        loop->free_chunks_ = chunk->next;
        mem_part_free(MEM_OUTPUT_QUEUES, chunk);
    }
    loop->free_chunk_count_ = 0;
}

/* The last chunk, with room for one more; NULL when memory is out. */
static struct net_chunk *chunk_with_room(struct net_conn *conn)
{
    struct net_chunk *last = conn->more_;
    if (last && last->first + last->count < NET_CHUNK_BLOBS) return last;
    struct net_chunk *chunk = take_chunk(conn->loop);
    if (!chunk) return NULL;
    if (last) {
        chunk->next = last->next;
        last->next = chunk;
    } else {
        chunk->next = chunk;
    }
    return conn->more_ = chunk;
}

enum status net_queue_push(struct net_conn *conn, struct blob *blob)
{
    const size_t cost = blob_cost(blob);
    struct net_chunk *chunk = NULL;
    if (cost > UINT32_MAX - conn->queued_bytes_) goto no_room;
    if (net_queue_empty(conn)) {
        conn->first_ = blob;
    } else {
        chunk = chunk_with_room(conn);
        if (!chunk) goto no_room;
        chunk->blobs[chunk->first + chunk->count++] = blob;
    }
    conn->queued_bytes_ += (uint32_t)cost;
    return STATUS_OK;
no_room:
    blob_unref(blob);
    return STATUS_NO_MEMORY;
}

static struct blob *pop_from_chunks(struct net_conn *conn)
{
    struct net_chunk *last = conn->more_;
    if (!last) return NULL;
    struct net_chunk *chunk = last->next;
    struct blob *blob = chunk->blobs[chunk->first++];
    if (--chunk->count == 0) {
        if (chunk == last)
            conn->more_ = NULL;
        else
            last->next = chunk->next;
        give_chunk(conn->loop, chunk);
    }
    return blob;
}

struct blob *net_queue_pop(struct net_conn *conn)
{
    struct blob *blob = conn->first_;
    if (blob)
        conn->first_ = NULL;
    else
        blob = pop_from_chunks(conn);
    if (blob) conn->queued_bytes_ -= (uint32_t)blob_cost(blob);
    return blob;
}

static void drop(struct net_conn *conn, struct blob *blob)
{
    conn->queued_bytes_ -= (uint32_t)blob_cost(blob);
    blob_unref(blob);
}

/* Drop what follows the first `keep` (at least 1) messages of the chunks. */
static void truncate_chunks(struct net_conn *conn, size_t keep)
{
    struct net_chunk *last = conn->more_, *first = last->next, *chunk = first;
    for (; keep > chunk->count; chunk = chunk->next) {
        if (chunk == last) return;
        keep -= chunk->count;
    }
    while (chunk->count > keep) drop(conn, chunk->blobs[chunk->first + --chunk->count]);
    while (chunk != last) {
        struct net_chunk *next = chunk->next;
        chunk->next = next->next;
        while (next->count > 0) drop(conn, next->blobs[next->first + --next->count]);
        if (next == last) last = chunk;
        give_chunk(conn->loop, next);
    }
    conn->more_ = chunk;
}

void net_queue_truncate(struct net_conn *conn, size_t keep)
{
    if (keep == 0) {
        struct blob *blob;
        while ((blob = net_queue_pop(conn)) != NULL) blob_unref(blob);
        return;
    }
    if (conn->first_) keep--;
    if (keep > 0 && conn->more_) {
        truncate_chunks(conn, keep);
        return;
    }
    struct blob *blob;
    while ((blob = pop_from_chunks(conn)) != NULL) drop(conn, blob);
}

struct net_cursor net_queue_begin(const struct net_conn *conn)
{
    struct net_cursor c = { .first_ = conn->first_, .last_ = conn->more_ };
    if (conn->more_) c.chunk_ = conn->more_->next;
    return c;
}

struct blob *net_cursor_next(struct net_cursor *c)
{
    if (c->first_) {
        struct blob *blob = c->first_;
        c->first_ = NULL;
        return blob;
    }
    if (c->chunk_ && c->index_ == c->chunk_->count) {
        c->chunk_ = c->chunk_ == c->last_ ? NULL : c->chunk_->next;
        c->index_ = 0;
    }
    if (!c->chunk_) return NULL;
    return c->chunk_->blobs[c->chunk_->first + c->index_++];
}
