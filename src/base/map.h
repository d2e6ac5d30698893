/* map: an intrusive hash table. The node lives in the caller's object; the map
 * owns only its bucket array. Growing and shrinking move a few buckets with
 * each insert or remove, so no single call is long.
 *
 * Use: node->hash = hash_bytes(name, salt); map_insert(&m, node);
 *      for (n = map_first(&m, hash); n; n = map_next_same(n)) if (equal) ...
 * One thread at a time, or under the owner's lock. */
#ifndef XSHATHRA_BASE_MAP_H
#define XSHATHRA_BASE_MAP_H

#include "base/slice.h"
#include "base/status.h"

struct map_node {
    struct map_node *next_; /* private */
    uint64_t hash;          /* set before map_insert, not changed while inside */
};

struct map {
    struct map_node **buckets_, **old_buckets_; /* old_: being emptied, or NULL */
    uint32_t bucket_count_, old_bucket_count_;  /* powers of two */
    uint32_t moved_;                            /* old buckets below this index are empty */
    bool scanning_;
    size_t count; /* nodes inside; read only */
};

void map_init(struct map *m);   /* allocates nothing yet */
void map_deinit(struct map *m); /* frees the buckets; nodes are the caller's */

/* Duplicates are the caller's business. NO_MEMORY only for the first buckets:
 * a failed growth just leaves longer chains. */
MUST_CHECK enum status map_insert(struct map *m, struct map_node *node);
/* node must be inside. */
void map_remove(struct map *m, struct map_node *node);

/* First node with this hash, and the next one with the same hash; NULL = none. */
struct map_node *map_first(const struct map *m, uint64_t hash);
struct map_node *map_next_same(const struct map_node *node);

/* Walk in slices: visit up to about `bucket_budget` buckets from *cursor on
 * (start with 0). Returns true while more remain. Nodes that stay inside for the
 * whole walk are seen at least once (perhaps twice if the table is resized).
 * visit may remove the node it is given, and nothing else. */
bool map_scan(struct map *m, uint64_t *cursor, size_t bucket_budget,
              void (*visit)(struct map_node *node, void *context), void *context);

#endif
