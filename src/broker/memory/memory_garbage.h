/* memory_garbage: what a hold took out of the table, freed after the hold, so that
 * no lock is held while memory goes back. On the stack of a call. */
#ifndef XSHATHRA_BROKER_MEMORY_GARBAGE_H
#define XSHATHRA_BROKER_MEMORY_GARBAGE_H

#include "base/mem_part.h"
#include "broker/memory/memory_broker.h"

struct memory_map;
struct memory_ring;
struct memory_presence;
struct memory_presence_client;

/* A block of plain memory, of at least a pointer's size: its first bytes are the link. */
struct memory_block {
    struct memory_block *next;
};

struct memory_garbage {
    struct memory_ring *rings;
    struct memory_presence *presences;
    struct memory_map *maps;
    struct memory_presence_client *client; /* at most one in a hold */
    struct memory_block *blocks;
    uint32_t publication_count;
    struct publication *publications[MEMORY_HOLD_ITEMS];
};

void memory_garbage_init(struct memory_garbage *g);
/* Frees all; afterwards as after init. Outside holds. */
void memory_garbage_free(struct memory_garbage *g);

static inline bool memory_garbage_full(const struct memory_garbage *g)
{
    return g->publication_count == MEMORY_HOLD_ITEMS;
}
/* Must not be full. Takes the reference over. */
void memory_garbage_publication(struct memory_garbage *g, struct publication *p);
void memory_garbage_ring(struct memory_garbage *g, struct memory_ring *ring); /* accepts NULL */
void memory_garbage_map(struct memory_garbage *g, struct memory_map *map);    /* with its keys */
void memory_garbage_presence(struct memory_garbage *g, struct memory_presence *presence);
/* Memory from base/mem.h of at least a pointer's size; accepts NULL. */
/* From mem_part_alloc() of that part. */
void memory_garbage_block(struct memory_garbage *g, enum mem_part part, void *block);

#endif
