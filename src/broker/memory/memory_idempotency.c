#include "broker/memory/memory_idempotency.h"

#include "base/hash.h"
#include "base/mem_part.h"

#define DROP_PER_ADD 4 /* more than one, so that the table shrinks while it is used */

struct memory_idempotency_key {
    struct map_node node;
    struct list age;
    uint64_t expires_ms;
    struct broker_publish_result result;
    uint32_t channel_len, key_len;
    char bytes[]; /* channel, key */
};

void memory_idempotency_init(struct memory_idempotency *t, size_t count_max, uint64_t ttl_ms)
{
    pthread_mutex_init(&t->lock_, NULL);
    map_init(&t->keys_);
    list_init(&t->oldest_first_);
    t->count_max_ = count_max;
    t->ttl_ms_ = ttl_ms;
}

static struct memory_idempotency_key *oldest(struct memory_idempotency *t)
{
    return LIST_ENTRY(t->oldest_first_.next, struct memory_idempotency_key, age);
}

static void drop(struct memory_idempotency *t, struct memory_idempotency_key *key, struct memory_garbage *garbage)
{
    map_remove(&t->keys_, &key->node);
    list_remove(&key->age);
    memory_garbage_block(garbage, MEM_IDEMPOTENCY, key);
}

void memory_idempotency_deinit(struct memory_idempotency *t)
{
    while (!list_empty(&t->oldest_first_)) {
        struct memory_idempotency_key *key = oldest(t);
        list_remove(&key->age);
        mem_part_free(MEM_IDEMPOTENCY, key);
    }
    map_deinit(&t->keys_);
    pthread_mutex_destroy(&t->lock_);
}

struct memory_idempotency_key *memory_idempotency_key_new(uint64_t channel_hash, struct slice channel, struct slice key)
{
    struct memory_idempotency_key *k = mem_part_alloc(MEM_IDEMPOTENCY, sizeof *k + channel.len + key.len);
    if (!k) return NULL;
    *k = (struct memory_idempotency_key){
        .node.hash = hash_bytes(key, channel_hash),
        .channel_len = (uint32_t)channel.len,
        .key_len = (uint32_t)key.len,
    };
    list_init(&k->age);
    if (channel.len) memcpy(k->bytes, channel.ptr, channel.len);
    if (key.len) memcpy(k->bytes + channel.len, key.ptr, key.len);
    return k;
}

static bool equal(const struct memory_idempotency_key *a, const struct memory_idempotency_key *b)
{
    return a->channel_len == b->channel_len && a->key_len == b->key_len &&
           memcmp(a->bytes, b->bytes, (size_t)a->channel_len + a->key_len) == 0;
}

static struct memory_idempotency_key *lookup(struct memory_idempotency *t, const struct memory_idempotency_key *key)
{
    for (struct map_node *n = map_first(&t->keys_, key->node.hash); n; n = map_next_same(n)) {
        struct memory_idempotency_key *known = container_of(n, struct memory_idempotency_key, node);
        if (equal(known, key)) return known;
    }
    return NULL;
}

bool memory_idempotency_find(struct memory_idempotency *t, const struct memory_idempotency_key *key, uint64_t now_ms,
                             struct broker_publish_result *result)
{
    pthread_mutex_lock(&t->lock_);
    const struct memory_idempotency_key *known = lookup(t, key);
    bool found = known && now_ms < known->expires_ms;
    if (found) {
        *result = known->result;
        result->suppressed = BROKER_SUPPRESSED_BY_IDEMPOTENCY;
    }
    pthread_mutex_unlock(&t->lock_);
    return found;
}

static void drop_old(struct memory_idempotency *t, uint64_t now_ms, struct memory_garbage *garbage)
{
    for (int i = 0; i < DROP_PER_ADD && !list_empty(&t->oldest_first_); i++) {
        if (t->keys_.count < t->count_max_ && now_ms < oldest(t)->expires_ms) return;
        drop(t, oldest(t), garbage);
    }
}

enum status memory_idempotency_add(struct memory_idempotency *t, struct memory_idempotency_key *key, uint64_t now_ms,
                                   const struct broker_publish_result *result, struct memory_garbage *garbage)
{
    pthread_mutex_lock(&t->lock_);
    struct memory_idempotency_key *expired = lookup(t, key);
    if (expired) drop(t, expired, garbage);
    drop_old(t, now_ms, garbage);
    key->expires_ms = now_ms + t->ttl_ms_;
    key->result = *result;
    enum status status = map_insert(&t->keys_, &key->node);
    if (status == STATUS_OK) list_push_back(&t->oldest_first_, &key->age);
    pthread_mutex_unlock(&t->lock_);
    return status;
}

struct forgetting {
    struct memory_idempotency *table;
    struct slice channel;
    struct memory_garbage garbage;
};

static void forget_one(struct map_node *node, void *context)
{
    struct forgetting *f = context;
    struct memory_idempotency_key *key = container_of(node, struct memory_idempotency_key, node);
    if (slice_eq(slice_of(key->bytes, key->channel_len), f->channel)) drop(f->table, key, &f->garbage);
}

void memory_idempotency_forget(struct memory_idempotency *t, struct slice channel)
{
    struct forgetting f = { .table = t, .channel = channel };
    uint64_t cursor = 0;
    bool more;
    do {
        memory_garbage_init(&f.garbage);
        pthread_mutex_lock(&t->lock_);
        more = map_scan(&t->keys_, &cursor, MEMORY_HOLD_ITEMS, forget_one, &f);
        pthread_mutex_unlock(&t->lock_);
        memory_garbage_free(&f.garbage);
    } while (more);
}

bool memory_idempotency_sweep(struct memory_idempotency *t, uint64_t now_ms)
{
    struct memory_garbage garbage;
    memory_garbage_init(&garbage);
    int left = MEMORY_HOLD_ITEMS;
    pthread_mutex_lock(&t->lock_);
    for (; left && !list_empty(&t->oldest_first_) && now_ms >= oldest(t)->expires_ms; left--)
        drop(t, oldest(t), &garbage);
    pthread_mutex_unlock(&t->lock_);
    memory_garbage_free(&garbage);
    return left == 0;
}

size_t memory_idempotency_count(struct memory_idempotency *t)
{
    pthread_mutex_lock(&t->lock_);
    size_t count = t->keys_.count;
    pthread_mutex_unlock(&t->lock_);
    return count;
}
