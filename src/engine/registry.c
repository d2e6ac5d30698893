#include "engine/registry.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/mem_part.h"
#include "mailbox/mailbox.h"

#define SHARD_COUNT 64

/* Most users have one connection; the counts of further workers come when needed. */
struct user_entry {
    struct map_node node;
    uint32_t space;
    uint32_t total;
    uint64_t workers;    /* bit i: per-worker count is not zero */
    uint32_t *by_worker; /* POST_OFFICE_MAX counts, once there is more than one connection */
    uint32_t user_len;
    char user[];
};

struct shard {
    pthread_mutex_t lock;
    struct map users;
};

struct registry {
    struct shard shards[SHARD_COUNT];
    atomic_ullong user_count; /* relaxed: a number for people */
};

struct registry *registry_new(void)
{
    struct registry *r = mem_must_alloc_zero(sizeof *r);
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        pthread_mutex_init(&r->shards[i].lock, NULL);
        map_init(&r->shards[i].users);
    }
    return r;
}

static void free_entry(struct map_node *node, void *context)
{
    struct map *users = context;
    struct user_entry *u = container_of(node, struct user_entry, node);
    map_remove(users, node);
    mem_part_free(MEM_USERS, u->by_worker);
    mem_part_free(MEM_USERS, u);
}

void registry_free(struct registry *r)
{
    if (!r) return;
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        struct map *users = &r->shards[i].users;
        uint64_t cursor = 0;
        while (map_scan(users, &cursor, 1024, free_entry, users)) {
        }
        map_deinit(users);
        pthread_mutex_destroy(&r->shards[i].lock);
    }
    mem_free(r);
}

static uint64_t key_hash(uint32_t space, struct slice user)
{
    return hash_bytes(user, UINT64_C(1) << 32 | space);
}

/* Locks the shard; the caller unlocks it. */
static struct shard *lock_shard(struct registry *r, uint64_t hash)
{
    struct shard *s = &r->shards[hash >> 58];
    pthread_mutex_lock(&s->lock);
    return s;
}

static struct user_entry *find(const struct shard *s, uint32_t space, struct slice user, uint64_t hash)
{
    for (struct map_node *n = map_first(&s->users, hash); n; n = map_next_same(n)) {
        struct user_entry *u = container_of(n, struct user_entry, node);
        if (u->space == space && slice_eq(slice_of(u->user, u->user_len), user)) return u;
    }
    return NULL;
}

static struct user_entry *entry_new(struct shard *s, uint32_t space, struct slice user, uint64_t hash)
{
    if (user.len > UINT32_MAX) return NULL;
    struct user_entry *u = mem_part_alloc(MEM_USERS, sizeof *u + user.len);
    if (!u) return NULL;
    *u = (struct user_entry){ .space = space, .user_len = (uint32_t)user.len };
    u->node.hash = hash;
    if (user.len) memcpy(u->user, user.ptr, user.len);
    if (map_insert(&s->users, &u->node) == STATUS_OK) return u;
    mem_part_free(MEM_USERS, u);
    return NULL;
}

/* From the second connection on each worker has a count of its own. */
static bool split_counts(struct user_entry *u)
{
    if (u->by_worker || u->total == 0) return true;
    u->by_worker = mem_part_alloc_zero(MEM_USERS, POST_OFFICE_MAX * sizeof *u->by_worker);
    if (!u->by_worker) return false;
    u->by_worker[__builtin_ctzll(u->workers)] = u->total;
    return true;
}

enum status registry_add(struct registry *r, uint32_t space, struct slice user, uint32_t worker, uint32_t limit,
                         bool *first)
{
    uint64_t hash = key_hash(space, user);
    struct shard *s = lock_shard(r, hash);
    struct user_entry *u = find(s, space, user, hash);
    enum status status = STATUS_OK;
    bool is_new = !u;
    if (!u) u = entry_new(s, space, user, hash);
    if (!u || !split_counts(u)) {
        status = STATUS_NO_MEMORY;
    } else if (limit > 0 && u->total >= limit) {
        status = STATUS_TOO_LARGE;
    } else {
        u->total++;
        u->workers |= UINT64_C(1) << worker;
        if (u->by_worker) u->by_worker[worker]++;
    }
    pthread_mutex_unlock(&s->lock);
    if (is_new && status == STATUS_OK) atomic_fetch_add_explicit(&r->user_count, 1, memory_order_relaxed);
    if (first) *first = is_new;
    return status;
}

bool registry_remove(struct registry *r, uint32_t space, struct slice user, uint32_t worker)
{
    uint64_t hash = key_hash(space, user);
    struct shard *s = lock_shard(r, hash);
    struct user_entry *u = find(s, space, user, hash);
    CHECK(u && u->total > 0);
    u->total--;
    if (u->by_worker && --u->by_worker[worker] == 0) u->workers &= ~(UINT64_C(1) << worker);
    bool last = u->total == 0;
    if (last) map_remove(&s->users, &u->node);
    pthread_mutex_unlock(&s->lock);
    if (!last) return false;
    atomic_fetch_sub_explicit(&r->user_count, 1, memory_order_relaxed);
    mem_part_free(MEM_USERS, u->by_worker);
    mem_part_free(MEM_USERS, u);
    return true;
}

uint64_t registry_workers(struct registry *r, uint32_t space, struct slice user)
{
    uint64_t hash = key_hash(space, user);
    struct shard *s = lock_shard(r, hash);
    struct user_entry *u = find(s, space, user, hash);
    uint64_t workers = u ? u->workers : 0;
    pthread_mutex_unlock(&s->lock);
    return workers;
}

uint64_t registry_user_count(struct registry *r)
{
    return atomic_load_explicit(&r->user_count, memory_order_relaxed);
}
