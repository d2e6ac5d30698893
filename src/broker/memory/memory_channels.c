/* Listing channels: a few buckets of one shard in a hold, their names copied, then
 * visited outside it. The cursor is the shard in the high half, the place in its
 * map in the low half. */
#include "base/buf.h"
#include "broker/memory/memory_calls.h"

#define SLICE_BUCKETS    16 /* about 32 entries: the map's load is at most 2 */
#define SLICE_BYTES_HINT 4096

struct copied_channel {
    uint32_t subscribers, len;
};

struct collector {
    uint32_t space;
    struct buf names; /* struct copied_channel and the name, again and again */
};

static void collect(struct map_node *node, void *context)
{
    struct collector *collector = context;
    const struct memory_entry *e = container_of(node, struct memory_entry, node);
    if (e->subscribers == 0 || e->space->id != collector->space) return;
    struct copied_channel head = { e->subscribers, e->name_len };
    if (!buf_reserve(&collector->names, sizeof head + e->name_len)) return;
    buf_append(&collector->names, slice_of(&head, sizeof head));
    buf_append(&collector->names, slice_of(e->name, e->name_len));
}

static void visit_all(struct slice copied, void (*visit)(struct slice channel, uint32_t subscribers, void *context),
                      void *context)
{
    struct copied_channel head;
    while (copied.len) {
        memcpy(&head, copied.ptr, sizeof head);
        copied = slice_from(copied, sizeof head);
        visit(slice_head(copied, head.len), head.subscribers, context);
        copied = slice_from(copied, head.len);
    }
}

bool memory_channels(struct broker *b, uint32_t space, uint64_t *cursor,
                     void (*visit)(struct slice channel, uint32_t subscribers, void *context), void *context)
{
    struct memory_table *t = &memory_broker_of(b)->table;
    uint64_t index = *cursor >> 32, place = *cursor & UINT32_MAX;
    if (index >= t->shard_count) return false;
    struct memory_shard *shard = &t->shards[index];
    struct collector collector = { .space = space };
    buf_init(&collector.names, BUF_NO_LIMIT);
    (void)buf_reserve(&collector.names, SLICE_BYTES_HINT); /* before the hold; a failure shows again inside */
    pthread_mutex_lock(&shard->lock);
    bool more = map_scan(&shard->entries, &place, SLICE_BUCKETS, collect, &collector);
    pthread_mutex_unlock(&shard->lock);
    visit_all(buf_slice(&collector.names), visit, context);
    buf_deinit(&collector.names);
    *cursor = more ? index << 32 | place : (index + 1) << 32;
    return more || index + 1 < t->shard_count;
}
