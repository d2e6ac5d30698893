#include "broker/memory/memory_map.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/mem_part.h"

#define LEVEL_SALT 0x6c6576656c736c65u

/* One more level for every two zero bits. */
static uint32_t level_count_of(struct slice key)
{
    uint64_t hash = hash_bytes(key, LEVEL_SALT) | (uint64_t)1 << (2 * (MEMORY_MAP_LEVELS_MAX - 1));
    return 1 + (uint32_t)__builtin_ctzll(hash) / 2;
}

struct memory_map_key *memory_map_key_new(struct publication *p)
{
    uint32_t levels = level_count_of(publication_key(p));
    struct memory_map_key *key = mem_part_alloc(MEM_HISTORY, sizeof *key + levels * sizeof *key->next_);
    if (!key) return NULL;
    *key = (struct memory_map_key){ .publication = publication_ref(p), .level_count = levels };
    list_init(&key->age);
    publication_count_stored(p, true);
    return key;
}

struct memory_map_version *memory_map_version_new(uint64_t version, struct slice epoch)
{
    struct memory_map_version *v = mem_part_alloc(MEM_HISTORY, sizeof *v + epoch.len);
    if (!v) return NULL;
    *v = (struct memory_map_version){ .version = version, .epoch_len = epoch.len };
    if (epoch.len) memcpy(v->epoch, epoch.ptr, epoch.len);
    return v;
}

void memory_map_key_free(struct memory_map_key *key)
{
    if (!key) return;
    publication_count_stored(key->publication, false);
    publication_unref(key->publication);
    mem_part_free(MEM_HISTORY, key->version);
    mem_part_free(MEM_HISTORY, key);
}

void memory_map_free(struct memory_map *map)
{
    struct memory_map_key *key = map->first_[0];
    while (key) {
        struct memory_map_key *next = key->next_[0];
        memory_map_key_free(key);
        key = next;
    }
    mem_part_free(MEM_HISTORY, map);
}

void memory_map_use(struct memory_map *map, const struct map_options *options)
{
    if (options->stream.policy_version < map->policy_version) return;
    map->policy_version = options->stream.policy_version;
    map->key_ttl_ms = options->key_ttl_ms;
}

/* ---- the skip list ---- */

static int compare(struct slice a, struct slice b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    if (order) return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static struct memory_map_key **links_of(struct memory_map *map, struct memory_map_key *key)
{
    return key ? key->next_ : map->first_;
}

/* For each level the last key before `key` (NULL = the head), or up to it with `through`. */
static void path_to(const struct memory_map *map, struct slice key, bool through,
                    struct memory_map_key *path[MEMORY_MAP_LEVELS_MAX])
{
    struct memory_map_key *at = NULL;
    for (int level = MEMORY_MAP_LEVELS_MAX - 1; level >= 0; level--) {
        struct memory_map_key *next;
        while ((next = at ? at->next_[level] : map->first_[level])) {
            int order = compare(publication_key(next->publication), key);
            if (order > 0 || (order == 0 && !through)) break;
            at = next;
        }
        path[level] = at;
    }
}

struct memory_map_key *memory_map_after(const struct memory_map *map, struct slice key)
{
    struct memory_map_key *path[MEMORY_MAP_LEVELS_MAX];
    if (key.len == 0) return map->first_[0];
    path_to(map, key, true, path);
    return path[0] ? path[0]->next_[0] : map->first_[0];
}

struct memory_map_key *memory_map_find(const struct memory_map *map, struct slice key)
{
    struct memory_map_key *path[MEMORY_MAP_LEVELS_MAX];
    if (key.len == 0) return NULL;
    path_to(map, key, true, path);
    return path[0] && slice_eq(publication_key(path[0]->publication), key) ? path[0] : NULL;
}

static void link_key(struct memory_map *map, struct memory_map_key *key)
{
    struct memory_map_key *path[MEMORY_MAP_LEVELS_MAX];
    path_to(map, publication_key(key->publication), false, path);
    for (uint32_t level = 0; level < key->level_count; level++) {
        struct memory_map_key **links = links_of(map, path[level]);
        key->next_[level] = links[level];
        links[level] = key;
    }
}

static void unlink_key(struct memory_map *map, struct memory_map_key *key)
{
    struct memory_map_key *path[MEMORY_MAP_LEVELS_MAX];
    path_to(map, publication_key(key->publication), false, path);
    for (uint32_t level = 0; level < key->level_count; level++) {
        struct memory_map_key **links = links_of(map, path[level]);
        CHECK(links[level] == key);
        links[level] = key->next_[level];
    }
}

/* ---- what it costs ---- */

size_t memory_map_key_cost(const struct memory_map_key *key)
{
    size_t version = key->version ? sizeof *key->version + key->version->epoch_len : 0;
    return sizeof *key + key->level_count * sizeof *key->next_ + version + publication_cost(key->publication);
}

static void charge(struct memory_map *map, struct memory_space *space, size_t bytes)
{
    map->bytes += bytes;
    /* relaxed: a count for a limit */
    atomic_fetch_add_explicit(&space->history_bytes, bytes, memory_order_relaxed);
}

static void discharge(struct memory_map *map, struct memory_space *space, size_t bytes)
{
    map->bytes -= bytes;
    atomic_fetch_sub_explicit(&space->history_bytes, bytes, memory_order_relaxed);
}

void memory_map_discharge(const struct memory_map *map, struct memory_space *space)
{
    atomic_fetch_sub_explicit(&space->history_bytes, map->bytes, memory_order_relaxed);
}

struct memory_map *memory_map_new(struct memory_space *space, size_t entry_bytes)
{
    struct memory_map *map = mem_part_alloc_zero(MEM_HISTORY, sizeof *map);
    if (!map) return NULL;
    list_init(&map->oldest_first_);
    charge(map, space, sizeof *map + entry_bytes);
    return map;
}

/* ---- changes ---- */

void memory_map_touch(struct memory_map *map, struct memory_map_key *key, uint64_t now_ms)
{
    /* the clocks of two workers may differ by a turn: the order of the list must hold all the same */
    const struct memory_map_key *youngest = LIST_ENTRY(map->oldest_first_.prev, struct memory_map_key, age);
    bool later = !list_empty(&map->oldest_first_) && youngest->touched_ms > now_ms;
    key->touched_ms = later ? youngest->touched_ms : now_ms;
    list_remove(&key->age);
    list_push_back(&map->oldest_first_, &key->age);
}

void memory_map_insert(struct memory_map *map, struct memory_space *space, struct memory_map_key *key, uint64_t now_ms)
{
    link_key(map, key);
    memory_map_touch(map, key, now_ms);
    map->count++;
    charge(map, space, memory_map_key_cost(key));
}

void memory_map_replace(struct memory_map *map, struct memory_space *space, struct memory_map_key *key,
                        struct memory_map_key *spare, uint64_t now_ms)
{
    size_t before = memory_map_key_cost(key);
    struct publication *publication = key->publication;
    key->publication = spare->publication;
    spare->publication = publication;
    if (spare->version) {
        struct memory_map_version *version = key->version;
        key->version = spare->version;
        spare->version = version;
    }
    discharge(map, space, before);
    charge(map, space, memory_map_key_cost(key));
    memory_map_touch(map, key, now_ms);
}

void memory_map_remove(struct memory_map *map, struct memory_space *space, struct memory_map_key *key)
{
    unlink_key(map, key);
    list_remove(&key->age);
    map->count--;
    discharge(map, space, memory_map_key_cost(key));
}

/* ---- expiry ---- */

static uint64_t deadline_of(const struct memory_map *map, const struct memory_map_key *key)
{
    if (map->key_ttl_ms == 0 || key->touched_ms > UINT64_MAX - map->key_ttl_ms) return UINT64_MAX;
    return key->touched_ms + map->key_ttl_ms;
}

bool memory_map_expired(const struct memory_map *map, const struct memory_map_key *key, uint64_t now_ms)
{
    return deadline_of(map, key) <= now_ms;
}

uint64_t memory_map_deadline(const struct memory_map *map)
{
    const struct memory_map_key *oldest = memory_map_oldest(map);
    return oldest ? deadline_of(map, oldest) : UINT64_MAX;
}

struct memory_map_key *memory_map_oldest(const struct memory_map *map)
{
    if (list_empty(&map->oldest_first_)) return NULL;
    return LIST_ENTRY(map->oldest_first_.next, struct memory_map_key, age);
}

struct memory_map_key *memory_map_younger(const struct memory_map *map, const struct memory_map_key *key)
{
    if (key->age.next == &map->oldest_first_) return NULL;
    return LIST_ENTRY(key->age.next, struct memory_map_key, age);
}
