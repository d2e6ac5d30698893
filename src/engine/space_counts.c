#include "engine/space_counts.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"

void space_table_init(struct space_table *t)
{
    *t = (struct space_table){ 0 };
    map_init(&t->map_);
}

static void free_counts(struct map_node *node, void *context)
{
    struct space_table *t = context;
    map_remove(&t->map_, node);
    mem_free(container_of(node, struct space_counts, node_));
}

void space_table_deinit(struct space_table *t)
{
    uint64_t cursor = 0;
    while (map_scan(&t->map_, &cursor, 1024, free_counts, t)) continue;
    map_deinit(&t->map_);
}

static struct space_counts *find(const struct space_table *t, uint32_t space, uint64_t hash)
{
    for (struct map_node *n = map_first(&t->map_, hash); n; n = map_next_same(n)) {
        struct space_counts *counts = container_of(n, struct space_counts, node_);
        if (counts->space == space) return counts;
    }
    return NULL;
}

static struct space_counts *add(struct space_table *t, uint32_t space, uint64_t hash)
{
    struct space_counts *counts = mem_alloc_zero(sizeof *counts);
    if (!counts) return &t->lost_;
    counts->space = space;
    counts->node_.hash = hash;
    if (map_insert(&t->map_, &counts->node_) == STATUS_OK) return counts;
    mem_free(counts);
    return &t->lost_;
}

struct space_counts *space_counts_of(struct space_table *t, uint32_t space)
{
    if (t->last_ && t->last_->space == space) return t->last_;
    const uint64_t hash = hash_bytes(slice_of(&space, sizeof space), 0);
    struct space_counts *counts = find(t, space, hash);
    if (!counts) counts = add(t, space, hash);
    if (counts != &t->lost_) t->last_ = counts;
    return counts;
}
