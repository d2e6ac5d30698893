#include "broker/memory/memory_map_expire.h"

#include "base/mem.h"

/* Keys of one map whose time has come, found in one hold and removed in the next ones: their removals are made in
 * between. */
#define BATCH_MAX 32

struct batch {
    struct publication *values[BATCH_MAX]; /* share */
    uint32_t count;
    uint64_t lag_ms; /* of the first */
};

static void collect_due(struct batch *batch, const struct memory_map *map, uint64_t now_ms)
{
    struct memory_map_key *key = memory_map_oldest(map);
    batch->lag_ms = now_ms - memory_map_deadline(map);
    for (; key && batch->count < BATCH_MAX && memory_map_expired(map, key, now_ms); key = memory_map_younger(map, key))
        batch->values[batch->count++] = publication_ref(key->publication);
}

/* From the map that is the first in the shard to have something due. */
static void collect(struct batch *batch, struct memory_shard *shard, uint64_t now_ms)
{
    batch->count = 0;
    pthread_mutex_lock(&shard->lock);
    struct heap_node *top = heap_top(&shard->expiry);
    const struct memory_map *map = top ? container_of(top, struct memory_entry, expiry)->map : NULL;
    if (map && memory_map_deadline(map) <= now_ms) collect_due(batch, map, now_ms);
    pthread_mutex_unlock(&shard->lock);
}

/* In the hold. False: memory is out. */
static bool take_out(struct memory_map_change *m, struct memory_hold *h, const struct publication *value)
{
    struct memory_map *map = h->entry ? h->entry->map : NULL;
    struct memory_map_key *key = map ? memory_map_find(map, m->key) : NULL;
    if (!key || key->publication != value || !memory_map_expired(map, key, h->now_ms)) return true; /* written anew */
    struct broker_history_options none = { .size = 0 };
    const struct broker_history_options *stream = h->entry->stream ? &h->entry->stream->options : &none;
    struct map_update_result result;
    if (memory_map_take_out(m, h, key, stream, SIZE_MAX, &result) != STATUS_OK) return false;
    memory_map_count(&m->mb->expired);
    return true;
}

static bool expire_one(struct memory_map_broker *mb, const struct broker_context *c, const struct publication *value)
{
    struct memory_map_change m = {
        .mb = mb, .c = c, .space = value->space, .channel = value->channel, .key = publication_key(value)
    };
    struct publication_content content = memory_map_removal_of(value);
    struct memory_hold h;
    memory_map_change_init(&m);
    bool ok = memory_map_change_make(&m, &content, false);
    if (ok) {
        memory_post_prepare_gaps(&m.post, m.space, m.channel); /* time is not refused */
        memory_hold_begin(&h, &mb->channels.table, m.space, m.channel, c->now_ms);
        ok = take_out(&m, &h, value);
        memory_hold_end(&h);
    }
    memory_map_change_deinit(&m);
    if (!ok) memory_map_count(&mb->expiry_errors);
    return ok;
}

/* Returns how many were looked at; 0 when memory is out, too: the next sweep tries again. */
static uint32_t expire(struct memory_map_broker *mb, const struct broker_context *c, struct batch *batch)
{
    bool ok = true;
    for (uint32_t i = 0; i < batch->count; i++) {
        ok = ok && expire_one(mb, c, batch->values[i]);
        publication_unref(batch->values[i]);
    }
    return ok ? batch->count : 0;
}

/* Returns what is left of the budget. */
static uint32_t sweep_shard(struct memory_map_broker *mb, const struct broker_context *c, uint32_t index,
                            uint32_t budget, uint64_t *lag_ms)
{
    struct memory_table *t = &mb->channels.table;
    struct batch batch;
    uint32_t done;
    do {
        collect(&batch, &t->shards[index], c->now_ms);
        if (batch.count && batch.lag_ms > *lag_ms) *lag_ms = batch.lag_ms;
        done = batch.count ? expire(mb, c, &batch) : memory_table_sweep_shard(t, index, c->now_ms, 1);
        budget -= done < budget ? done : budget;
    } while (done && budget);
    return budget;
}

bool memory_map_sweep(struct map_broker *b, const struct broker_context *c)
{
    struct memory_map_broker *mb = memory_map_broker_of(b);
    uint32_t workers = mb->channels.links.worker_count, left = MEMORY_HOLD_ITEMS;
    uint32_t own = (mb->channels.table.shard_count + workers - 1 - c->worker) / workers;
    uint32_t *next = &mb->channels.sweep_next[c->worker];
    uint64_t lag_ms = 0;
    for (uint32_t i = 0; i < own && left; i++) {
        left = sweep_shard(mb, c, *next * workers + c->worker, left, &lag_ms);
        if (left) *next = (*next + 1) % own;
    }
    atomic_store_explicit(&mb->lag_ms[c->worker], lag_ms, memory_order_relaxed);
    bool more = left == 0;
    if (c->worker == 0) more |= memory_spaces_sweep(&mb->channels.table.spaces, c->now_ms);
    return more;
}
