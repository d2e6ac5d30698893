#include "broker/memory/memory_table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem_part.h"

static uint32_t power_of_two(uint32_t n)
{
    uint32_t power = 1;
    while (power < n && power < (1u << 20)) power *= 2;
    return power;
}

static uint64_t random_u64(void)
{
    uint64_t value;
    ssize_t got;
    do got = getrandom(&value, sizeof value, 0);
    while (got < 0 && errno == EINTR);
    CHECK(got == sizeof value);
    return value;
}

void memory_table_init(struct memory_table *t, enum memory_table_kind kind, uint32_t shard_count, uint32_t worker_count)
{
    t->shard_count = power_of_two(shard_count);
    t->worker_count = worker_count;
    t->epoch_seed_ = random_u64();
    t->shards = aligned_alloc(_Alignof(struct memory_shard), t->shard_count * sizeof *t->shards);
    CHECK(t->shards);
    for (uint32_t i = 0; i < t->shard_count; i++) {
        struct memory_shard *shard = &t->shards[i];
        memset(shard, 0, sizeof *shard);
        shard->maps = kind == MEMORY_TABLE_MAPS;
        pthread_mutex_init(&shard->lock, NULL);
        map_init(&shard->entries);
        heap_init(&shard->expiry);
    }
}

uint64_t memory_table_subscribed(const struct memory_table *t)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < t->shard_count; i++)
        count += atomic_load_explicit(&t->shards[i].subscribed, memory_order_relaxed);
    return count;
}

size_t memory_table_entry_count(struct memory_table *t)
{
    size_t count = 0;
    for (uint32_t i = 0; i < t->shard_count; i++) {
        pthread_mutex_lock(&t->shards[i].lock);
        count += t->shards[i].entries.count;
        pthread_mutex_unlock(&t->shards[i].lock);
    }
    return count;
}

uint64_t memory_table_hash(uint32_t space, struct slice channel)
{
    return hash_bytes(channel, space);
}

/* The high bits, since the map in the shard uses the low ones. */
static struct memory_shard *shard_of(struct memory_table *t, uint64_t hash)
{
    return &t->shards[(hash >> 40) & (t->shard_count - 1)];
}

static struct memory_entry *find_entry(const struct memory_shard *shard, uint64_t hash, uint32_t space,
                                       struct slice channel)
{
    for (struct map_node *n = map_first(&shard->entries, hash); n; n = map_next_same(n)) {
        struct memory_entry *e = container_of(n, struct memory_entry, node);
        if (e->space->id == space && slice_eq(slice_of(e->name, e->name_len), channel)) return e;
    }
    return NULL;
}

static void drop_stream(struct memory_shard *shard, struct memory_entry *e, struct memory_garbage *garbage)
{
    if (e->stream->top > 0) e->epoch_generation = ++shard->epoch_generation;
    if (!shard->maps || !e->map) heap_remove(&shard->expiry, &e->expiry);
    memory_stream_discard(e->stream, e->space, garbage);
    e->stream = NULL;
}

static void drop_map(struct memory_shard *shard, struct memory_entry *e, struct memory_garbage *garbage)
{
    if (!e->stream) heap_remove(&shard->expiry, &e->expiry);
    memory_map_discharge(e->map, e->space);
    memory_garbage_map(garbage, e->map);
    e->map = NULL;
}

/* What has expired goes, but for the keys of maps: somebody has to hear of each. While there are subscribers the meta
 * stays; without it there is nobody to tell, and the keys, which it must outlive, go too. */
static void update(struct memory_shard *shard, struct memory_entry *e, uint64_t now_ms, struct memory_garbage *garbage)
{
    if (!e->stream) return;
    memory_stream_expire(e->stream, e->space, now_ms, garbage);
    if (now_ms < e->stream->meta_expires_ms || e->subscribers) return;
    if (shard->maps && e->map) drop_map(shard, e, garbage);
    drop_stream(shard, e, garbage);
}

static bool drop_if_idle(struct memory_shard *shard, struct memory_entry *e, struct memory_garbage *garbage)
{
    if (shard->maps && e->map && e->map->count == 0) drop_map(shard, e, garbage);
    if (e->subscribers || e->presence) return false; /* or a map with keys, which is in the same place */
    if (e->stream && e->stream->top > 0) return false;
    if (e->stream) drop_stream(shard, e, garbage);
    heap_remove(&shard->expiry, &e->expiry); /* where a map could not be made */
    map_remove(&shard->entries, &e->node);
    memory_garbage_block(garbage, MEM_CHANNELS, e);
    return true;
}

void memory_hold_begin(struct memory_hold *h, struct memory_table *t, uint32_t space, struct slice channel,
                       uint64_t now_ms)
{
    h->table = t;
    h->space = space;
    h->channel = channel;
    h->now_ms = now_ms;
    h->hash = memory_table_hash(space, channel);
    h->shard = shard_of(t, h->hash);
    memory_garbage_init(&h->garbage);
    pthread_mutex_lock(&h->shard->lock);
    h->entry = find_entry(h->shard, h->hash, space, channel);
    if (!h->entry) return;
    update(h->shard, h->entry, now_ms, &h->garbage);
    if (drop_if_idle(h->shard, h->entry, &h->garbage)) h->entry = NULL;
}

void memory_hold_end(struct memory_hold *h)
{
    if (h->entry) drop_if_idle(h->shard, h->entry, &h->garbage);
    h->entry = NULL;
    pthread_mutex_unlock(&h->shard->lock);
    memory_garbage_free(&h->garbage);
}

static struct memory_entry *entry_new(const struct memory_hold *h, struct memory_space *space)
{
    struct memory_entry *e = mem_part_alloc(MEM_CHANNELS, sizeof *e + h->channel.len);
    if (!e) return NULL;
    *e = (struct memory_entry){
        .node.hash = h->hash,
        .expiry.index = HEAP_OUTSIDE,
        .space = space,
        .epoch_generation = h->shard->epoch_generation,
        .name_len = (uint32_t)h->channel.len,
    };
    if (h->channel.len) memcpy(e->name, h->channel.ptr, h->channel.len);
    return e;
}

enum status memory_hold_need_entry(struct memory_hold *h)
{
    if (h->entry) return STATUS_OK;
    struct memory_space *space = memory_spaces_get(&h->table->spaces, h->space);
    struct memory_entry *e = space ? entry_new(h, space) : NULL;
    if (!e) return STATUS_NO_MEMORY;
    enum status status = map_insert(&h->shard->entries, &e->node);
    if (status != STATUS_OK)
        mem_part_free(MEM_CHANNELS, e);
    else
        h->entry = e;
    return status;
}

/* In the heap, with this deadline or an earlier one. */
static enum status need_deadline(struct memory_shard *shard, struct memory_entry *e, uint64_t deadline)
{
    if (e->expiry.index != HEAP_OUTSIDE && e->expiry.key <= deadline) return STATUS_OK;
    return heap_set(&shard->expiry, &e->expiry, deadline);
}

enum status memory_hold_need_stream(struct memory_hold *h, const struct broker_history_options *options)
{
    enum status status = memory_hold_need_entry(h);
    if (status != STATUS_OK) return status;
    struct memory_entry *e = h->entry;
    if (e->stream) {
        memory_stream_use(e->stream, options, h->now_ms);
        return STATUS_OK;
    }
    struct memory_stream *stream = memory_stream_new(options, h->now_ms);
    if (!stream) return STATUS_NO_MEMORY;
    status = need_deadline(h->shard, e, memory_stream_deadline(stream));
    if (status != STATUS_OK) {
        memory_stream_discard(stream, e->space, &h->garbage);
        return status;
    }
    e->stream = stream;
    memory_stream_charge(stream, e->space, sizeof *e + e->name_len);
    return STATUS_OK;
}

/* Moving inside the heap cannot fail. */
static void set_deadline(struct memory_shard *shard, struct memory_entry *e, uint64_t deadline)
{
    CHECK(e->expiry.index != HEAP_OUTSIDE);
    CHECK(heap_set(&shard->expiry, &e->expiry, deadline) == STATUS_OK);
}

static uint64_t deadline_of(const struct memory_shard *shard, const struct memory_entry *e)
{
    uint64_t stream = e->stream ? memory_stream_deadline(e->stream) : UINT64_MAX;
    uint64_t map = shard->maps && e->map ? memory_map_deadline(e->map) : UINT64_MAX;
    return stream < map ? stream : map;
}

enum status memory_hold_need_map(struct memory_hold *h, const struct map_options *options)
{
    enum status status = memory_hold_need_entry(h);
    if (status != STATUS_OK) return status;
    struct memory_entry *e = h->entry;
    CHECK(h->shard->maps);
    if (!e->map) {
        status = need_deadline(h->shard, e, UINT64_MAX);
        if (status == STATUS_OK) e->map = memory_map_new(e->space, sizeof *e + e->name_len);
        if (!e->map) return STATUS_NO_MEMORY;
    }
    memory_map_use(e->map, options);
    return STATUS_OK;
}

bool memory_hold_clear_map(struct memory_hold *h)
{
    struct memory_entry *e = h->entry;
    if (!e || (!e->stream && !e->map)) return false;
    if (e->map) drop_map(h->shard, e, &h->garbage);
    if (e->stream) drop_stream(h->shard, e, &h->garbage);
    e->epoch_generation = ++h->shard->epoch_generation;
    return true;
}

void memory_hold_schedule(struct memory_hold *h)
{
    struct memory_entry *e = h->entry;
    uint64_t deadline = deadline_of(h->shard, e);
    /* A later deadline is found out when the early one comes: a publish costs no heap step. */
    if (deadline < e->expiry.key) set_deadline(h->shard, e, deadline);
}

uint32_t memory_entry_subscribers(const struct memory_entry *e, uint32_t worker)
{
    if (!(e->workers >> worker & 1)) return 0;
    return __builtin_popcountll(e->workers) > 1 ? e->subscribers_.counts[worker] : e->subscribers_.one;
}

/* From one worker's count to a count per worker. */
static enum status spread(struct memory_entry *e, uint32_t worker_count)
{
    uint32_t *counts = mem_part_alloc_zero(MEM_CHANNELS, worker_count * sizeof *counts);
    if (!counts) return STATUS_NO_MEMORY;
    counts[__builtin_ctzll(e->workers)] = e->subscribers_.one;
    e->subscribers_.counts = counts;
    return STATUS_OK;
}

static uint32_t *count_of(struct memory_entry *e, uint32_t worker)
{
    return __builtin_popcountll(e->workers) > 1 ? &e->subscribers_.counts[worker] : &e->subscribers_.one;
}

enum status memory_hold_register(struct memory_hold *h, uint32_t worker)
{
    struct memory_entry *e = h->entry;
    uint64_t bit = UINT64_C(1) << worker;
    CHECK(worker < h->table->worker_count);
    if (!(e->workers & bit)) {
        if (__builtin_popcountll(e->workers) == 1 && spread(e, h->table->worker_count) != STATUS_OK)
            return STATUS_NO_MEMORY;
        e->workers |= bit;
        *count_of(e, worker) = 0;
    }
    ++*count_of(e, worker);
    if (e->subscribers++ == 0) {
        atomic_fetch_add_explicit(&h->shard->subscribed, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&e->space->subscribed, 1, memory_order_relaxed);
    }
    return STATUS_OK;
}

static void worker_left(struct memory_hold *h, uint32_t worker)
{
    struct memory_entry *e = h->entry;
    bool was_spread = __builtin_popcountll(e->workers) > 1;
    e->workers &= ~(UINT64_C(1) << worker);
    e->gapped &= ~(UINT64_C(1) << worker);
    if (!was_spread || __builtin_popcountll(e->workers) > 1) return;
    uint32_t *counts = e->subscribers_.counts;
    e->subscribers_.one = counts[__builtin_ctzll(e->workers)];
    memory_garbage_block(&h->garbage, MEM_CHANNELS, counts);
}

void memory_hold_unregister(struct memory_hold *h, uint32_t worker)
{
    struct memory_entry *e = h->entry;
    CHECK(e && memory_entry_subscribers(e, worker) > 0);
    if (--*count_of(e, worker) == 0) worker_left(h, worker);
    if (--e->subscribers > 0) return;
    atomic_fetch_sub_explicit(&h->shard->subscribed, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&e->space->subscribed, 1, memory_order_relaxed);
    if (!e->stream) return;
    struct broker_history_options options = e->stream->options;
    memory_stream_use(e->stream, &options, h->now_ms); /* the meta outlives its last subscriber */
    memory_hold_schedule(h);
}

uint64_t memory_hold_epoch_generation(const struct memory_hold *h)
{
    return h->entry ? h->entry->epoch_generation : h->shard->epoch_generation;
}

static uint64_t mix(uint64_t x) /* the finish of splitmix64 */
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void memory_hold_epoch(const struct memory_hold *h, char epoch[static BROKER_EPOCH_MAX])
{
    static const char letters[52] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint64_t bits = mix(h->hash ^ mix(h->table->epoch_seed_ + memory_hold_epoch_generation(h)));
    memset(epoch, 0, BROKER_EPOCH_MAX);
    for (int i = 0; i < 8; i++, bits /= sizeof letters) epoch[i] = letters[bits % sizeof letters];
}

void memory_hold_position(const struct memory_hold *h, struct broker_position *position)
{
    position->offset = h->entry && h->entry->stream ? h->entry->stream->top : 0;
    memory_hold_epoch(h, position->epoch);
}

static void sweep_entry(struct memory_shard *shard, struct memory_entry *e, uint64_t now_ms,
                        struct memory_garbage *garbage)
{
    update(shard, e, now_ms, garbage);
    if (drop_if_idle(shard, e, garbage) || e->expiry.index == HEAP_OUTSIDE) return;
    if (e->stream && memory_stream_deadline(e->stream) <= now_ms) { /* only subscribers keep it */
        struct broker_history_options options = e->stream->options;
        memory_stream_use(e->stream, &options, now_ms);
    }
    set_deadline(shard, e, deadline_of(shard, e));
}

uint32_t memory_table_sweep_shard(struct memory_table *t, uint32_t index, uint64_t now_ms, uint32_t budget)
{
    struct memory_shard *shard = &t->shards[index];
    struct memory_garbage garbage;
    memory_garbage_init(&garbage);
    uint32_t done = 0;
    pthread_mutex_lock(&shard->lock);
    for (; done < budget; done++) {
        struct heap_node *top = heap_top(&shard->expiry);
        if (!top || top->key > now_ms) break;
        sweep_entry(shard, container_of(top, struct memory_entry, expiry), now_ms, &garbage);
    }
    pthread_mutex_unlock(&shard->lock);
    memory_garbage_free(&garbage);
    return done;
}

static void free_entry(struct map_node *node, void *context)
{
    struct memory_shard *shard = context;
    struct memory_entry *e = container_of(node, struct memory_entry, node);
    struct memory_garbage garbage;
    memory_garbage_init(&garbage);
    map_remove(&shard->entries, node);
    if (shard->maps && e->map) drop_map(shard, e, &garbage);
    if (e->stream) drop_stream(shard, e, &garbage);
    if (e->presence) memory_garbage_presence(&garbage, e->presence);
    if (__builtin_popcountll(e->workers) > 1) mem_part_free(MEM_CHANNELS, e->subscribers_.counts);
    mem_part_free(MEM_CHANNELS, e);
    memory_garbage_free(&garbage);
}

void memory_table_deinit(struct memory_table *t)
{
    for (uint32_t i = 0; i < t->shard_count; i++) {
        struct memory_shard *shard = &t->shards[i];
        uint64_t cursor = 0;
        while (map_scan(&shard->entries, &cursor, MEMORY_HOLD_ITEMS, free_entry, shard)) continue;
        map_deinit(&shard->entries);
        heap_deinit(&shard->expiry);
        pthread_mutex_destroy(&shard->lock);
    }
    free(t->shards);
    memory_spaces_deinit(&t->spaces);
}
