#include "broker/memory/memory_read.h"

#include "base/mem.h"

static void take_chunk(struct memory_read *r, const struct memory_stream *stream)
{
    r->chunk_count_ = 0;
    while (r->left && r->chunk_count_ < MEMORY_HOLD_ITEMS) {
        r->chunk_[r->chunk_count_++] = publication_ref(memory_ring_at(stream->ring, r->next));
        r->next += r->reverse ? UINT64_MAX : 1;
        r->left--;
    }
}

void memory_read_begin(struct memory_read *r, const struct memory_hold *h)
{
    r->generation_ = memory_hold_epoch_generation(h);
    r->chunk_count_ = 0;
    if (r->left) take_chunk(r, h->entry->stream);
}

static void drop_chunk(struct memory_read *r)
{
    for (uint32_t i = 0; i < r->chunk_count_; i++) publication_unref(r->chunk_[i]);
    r->chunk_count_ = 0;
}

static void drop_items(struct broker_publications *out)
{
    for (uint32_t i = 0; i < out->count; i++) publication_unref(out->items[i]);
    out->count = 0;
}

static void keep_chunk(struct memory_read *r, struct broker_publications *out)
{
    memcpy(out->items + out->count, r->chunk_, r->chunk_count_ * sizeof *r->chunk_);
    out->count += r->chunk_count_;
    r->chunk_count_ = 0;
}

/* What is left to read of a range whose next offset has gone. */
static void cut_range(struct memory_read *r, const struct memory_stream *stream)
{
    uint64_t end = r->next + r->left; /* behind the last, when forward */
    uint64_t first = stream ? memory_stream_first(stream) : end;
    r->left = r->reverse || first >= end ? 0 : end - first;
    r->next = first;
}

/* One more hold. True when the stream was still the same and held the next offset. */
static bool read_more(struct memory_read *r, struct memory_table *t, uint32_t space, struct slice channel,
                      uint64_t now_ms)
{
    struct memory_hold h;
    memory_hold_begin(&h, t, space, channel, now_ms);
    const struct memory_stream *stream = h.entry ? h.entry->stream : NULL;
    if (stream && (memory_hold_epoch_generation(&h) != r->generation_ || !stream->ring)) stream = NULL;
    bool there = stream && r->next >= stream->ring->first;
    if (!there)
        cut_range(r, stream);
    else if (r->reverse && r->left > r->next - stream->ring->first + 1)
        r->left = r->next - stream->ring->first + 1;
    if (stream) take_chunk(r, stream);
    memory_hold_end(&h);
    return there;
}

enum memory_read_result memory_read_end(struct memory_read *r, struct memory_table *t, uint32_t space,
                                        struct slice channel, uint64_t now_ms, struct broker_publications *out)
{
    *out = (struct broker_publications){ 0 };
    size_t total = r->chunk_count_ + r->left;
    if (total == 0) return MEMORY_READ_OK;
    out->items = mem_alloc(total * sizeof(struct publication *));
    if (!out->items) {
        drop_chunk(r);
        return MEMORY_READ_NO_MEMORY;
    }
    keep_chunk(r, out);
    bool moved = false;
    while (r->left) {
        if (!read_more(r, t, space, channel, now_ms)) {
            moved = true;
            if (!r->reverse) drop_items(out);
        }
        keep_chunk(r, out);
    }
    return moved || out->count < total ? MEMORY_READ_MOVED : MEMORY_READ_OK;
}
