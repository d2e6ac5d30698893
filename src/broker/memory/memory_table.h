/* memory_table: the channel table: what the workers share of a channel. Sharded by
 * the hash of (space, name); each shard has one lock. Maps have a table of their own.
 *
 * Use: struct memory_hold h; memory_hold_begin(&h, table, space, channel, now_ms);
 *      a handful of steps on h.entry (NULL: unknown); memory_hold_end(&h);
 * Beginning brings the entry up to date (what has expired is gone); ending drops an
 * entry that nothing keeps, unlocks, and then frees what was taken out. */
#ifndef XSHATHRA_BROKER_MEMORY_TABLE_H
#define XSHATHRA_BROKER_MEMORY_TABLE_H

#include <pthread.h>

#include "base/heap.h"
#include "base/map.h"
#include "broker/memory/memory_map.h"
#include "broker/memory/memory_presence.h"
#include "broker/memory/memory_stream.h"

/* An idle channel costs this, its name and its share of the map: keep it small. */
struct memory_entry {
    struct map_node node;
    struct heap_node expiry;      /* inside while there is a stream or a map; the key may be early */
    struct memory_space *space;   /* borrows, lives as long as the table */
    struct memory_stream *stream; /* owns; NULL = never stored */
    union {
        struct memory_presence *presence; /* owns; NULL = empty */
        struct memory_map *map;           /* in a table of maps: owns; NULL = no keys */
    };
    uint64_t epoch_generation; /* fixes the epoch, see memory_table_epoch() */
    uint64_t workers;          /* bit w: worker w has subscribers */
    uint64_t gapped;           /* bit w: worker w lost events, a gap mail is under way */
    union {
        uint32_t one;     /* the count of the only worker */
        uint32_t *counts; /* owns; per worker, when there are two or more */
    } subscribers_;
    uint32_t subscribers; /* of all workers */
    uint32_t name_len;
    char name[];
};

struct memory_shard {
    pthread_mutex_t lock;
    struct map entries;
    struct heap expiry;
    uint64_t seq; /* the last given in this shard: so it grows over the lives of an entry too */
    uint64_t epoch_generation;
    bool maps;              /* it is of a table of maps */
    atomic_uint subscribed; /* entries with subscribers; written under the lock, read by anyone */
} __attribute__((aligned(64)));

struct memory_table {
    struct memory_shard *shards;
    uint32_t shard_count; /* a power of two */
    uint32_t worker_count;
    uint64_t epoch_seed_;
    struct memory_spaces spaces;
};

enum memory_table_kind { MEMORY_TABLE_CHANNELS, MEMORY_TABLE_MAPS };

/* Stops when memory is out. shard_count is rounded up to a power of two. */
void memory_table_init(struct memory_table *t, enum memory_table_kind kind, uint32_t shard_count,
                       uint32_t worker_count);
void memory_table_deinit(struct memory_table *t);

/* Entries with subscribers; all entries, one lock after the other. Any thread. */
uint64_t memory_table_subscribed(const struct memory_table *t);
size_t memory_table_entry_count(struct memory_table *t);

struct memory_hold {
    struct memory_table *table;
    struct memory_shard *shard;
    struct memory_entry *entry; /* NULL = unknown channel */
    uint64_t hash;
    uint64_t now_ms;
    uint32_t space;
    struct slice channel;
    struct memory_garbage garbage;
};

uint64_t memory_table_hash(uint32_t space, struct slice channel);
void memory_hold_begin(struct memory_hold *h, struct memory_table *t, uint32_t space, struct slice channel,
                       uint64_t now_ms);
void memory_hold_end(struct memory_hold *h);

/* h->entry, made if it is not there. */
MUST_CHECK enum status memory_hold_need_entry(struct memory_hold *h);
/* h->entry and its stream, made if not there; otherwise a use of it. */
MUST_CHECK enum status memory_hold_need_stream(struct memory_hold *h, const struct broker_history_options *options);
/* h->entry and its map, made if not there; otherwise a use of it. A map that is empty in the end is dropped. */
MUST_CHECK enum status memory_hold_need_map(struct memory_hold *h, const struct map_options *options);
/* Keys and stream go, and with them the epoch. False: there was nothing. */
bool memory_hold_clear_map(struct memory_hold *h);
/* After a change to h->entry's stream or map that can bring its deadline forward. */
void memory_hold_schedule(struct memory_hold *h);

/* One more, one less subscriber of this worker. */
MUST_CHECK enum status memory_hold_register(struct memory_hold *h, uint32_t worker);
void memory_hold_unregister(struct memory_hold *h, uint32_t worker);
uint32_t memory_entry_subscribers(const struct memory_entry *e, uint32_t worker);

/* The epoch that the channel's stream has, or would get if it were made now. It is
 * not stored: it follows from the channel and a generation of the shard, which
 * moves on whenever a stream with offsets goes. So an unpublished channel has a
 * stable epoch without memory, and no epoch ever names two different streams. */
void memory_hold_epoch(const struct memory_hold *h, char epoch[static BROKER_EPOCH_MAX]);
uint64_t memory_hold_epoch_generation(const struct memory_hold *h);
/* top offset and epoch */
void memory_hold_position(const struct memory_hold *h, struct broker_position *position);

/* Expiry in one shard, at most budget entries; returns how many were looked at. Expired keys of maps are not touched:
 * see memory_map_expire.h. */
uint32_t memory_table_sweep_shard(struct memory_table *t, uint32_t shard, uint64_t now_ms, uint32_t budget);

#endif
