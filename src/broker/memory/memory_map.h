/* memory_map: the keys of one map channel with their values, in byte order of the
 * keys (a skip list) and in the order in which they were last written. Made with the
 * first key, gone with the last. Under the shard's lock, except where it says so.
 *
 * All keys of a map live equally long since their last write, so that order is the
 * order of their deadlines too, and a new time to live counts for every key at once.
 * A key's place in the list's levels follows from a keyed hash of it: who chooses
 * keys cannot make the list long. */
#ifndef XSHATHRA_BROKER_MEMORY_MAP_H
#define XSHATHRA_BROKER_MEMORY_MAP_H

#include "base/list.h"
#include "broker/map_broker.h"
#include "broker/memory/memory_space.h"

#define MEMORY_MAP_LEVELS_MAX 16 /* a quarter of each level is in the next: enough for 4 to the 16th keys */

struct memory_map_version {
    uint64_t version;
    size_t epoch_len;
    char epoch[];
};

struct memory_map_key {
    struct list age;
    uint64_t touched_ms;
    struct publication *publication;    /* shares; its key is the key */
    struct memory_map_version *version; /* owns; NULL = none */
    uint32_t level_count;
    struct memory_map_key *next_[];
};

struct memory_map {
    struct memory_map_key *first_[MEMORY_MAP_LEVELS_MAX];
    struct list oldest_first_;
    uint64_t key_ttl_ms; /* 0 = keys stay */
    uint64_t policy_version;
    size_t bytes;   /* of space->history_bytes; read only */
    uint32_t count; /* read only */
    struct memory_map *next_garbage;
};

/* ---- outside holds ---- */

/* NULL when memory is out; shares the publication. */
MUST_CHECK struct memory_map_key *memory_map_key_new(struct publication *p);
/* NULL when memory is out. */
MUST_CHECK struct memory_map_version *memory_map_version_new(uint64_t version, struct slice epoch);
void memory_map_key_free(struct memory_map_key *key); /* accepts NULL */
void memory_map_free(struct memory_map *map);         /* with all keys; long */

/* ---- under the lock ---- */

/* Counts itself and entry_bytes of its entry in the space. NULL when memory is out. */
MUST_CHECK struct memory_map *memory_map_new(struct memory_space *space, size_t entry_bytes);
/* The options of the highest policy version stay. */
void memory_map_use(struct memory_map *map, const struct map_options *options);

struct memory_map_key *memory_map_find(const struct memory_map *map, struct slice key); /* NULL = not there */
/* The first key behind this one, which need not be there; NULL at the end. */
struct memory_map_key *memory_map_after(const struct memory_map *map, struct slice key);
static inline struct memory_map_key *memory_map_next(const struct memory_map_key *key)
{
    return key->next_[0];
}

/* Bytes that the key counts for in its space. */
size_t memory_map_key_cost(const struct memory_map_key *key);
/* No equal key may be inside. */
void memory_map_insert(struct memory_map *map, struct memory_space *space, struct memory_map_key *key, uint64_t now_ms);
/* key and spare, which is of the same key, change values; a spare without a version leaves key the one it has. */
void memory_map_replace(struct memory_map *map, struct memory_space *space, struct memory_map_key *key,
                        struct memory_map_key *spare, uint64_t now_ms);
/* It lives its time to live anew. */
void memory_map_touch(struct memory_map *map, struct memory_map_key *key, uint64_t now_ms);
/* The caller owns it then. */
void memory_map_remove(struct memory_map *map, struct memory_space *space, struct memory_map_key *key);
/* The map is about to be freed: the space counts it no more. */
void memory_map_discharge(const struct memory_map *map, struct memory_space *space);

/* When the oldest key expires; UINT64_MAX = never. */
uint64_t memory_map_deadline(const struct memory_map *map);
/* In the order of deadlines; NULL at the end. */
struct memory_map_key *memory_map_oldest(const struct memory_map *map);
struct memory_map_key *memory_map_younger(const struct memory_map *map, const struct memory_map_key *key);
bool memory_map_expired(const struct memory_map *map, const struct memory_map_key *key, uint64_t now_ms);

#endif
