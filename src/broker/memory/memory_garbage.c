#include "broker/memory/memory_garbage.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/mem_part.h"
#include "broker/memory/memory_map.h"
#include "broker/memory/memory_presence.h"
#include "broker/memory/memory_ring.h"

void memory_garbage_init(struct memory_garbage *g)
{
    g->rings = NULL;
    g->presences = NULL;
    g->maps = NULL;
    g->client = NULL;
    g->blocks = NULL;
    g->publication_count = 0;
}

static void free_rings(struct memory_ring *ring)
{
    while (ring) {
        struct memory_ring *next = ring->next_garbage;
        memory_ring_free(ring);
        ring = next;
    }
}

static void free_presences(struct memory_presence *presence)
{
    while (presence) {
        struct memory_presence *next = presence->next_garbage;
        memory_presence_free(presence);
        presence = next;
    }
}

static void free_maps(struct memory_map *map)
{
    while (map) {
        struct memory_map *next = map->next_garbage;
        memory_map_free(map);
        map = next;
    }
}

static void free_blocks(struct memory_block *block)
{
    while (block) {
        struct memory_block *next = block->next;
        mem_free(block);
        block = next;
    }
}

void memory_garbage_free(struct memory_garbage *g)
{
    for (uint32_t i = 0; i < g->publication_count; i++) publication_unref(g->publications[i]);
    free_rings(g->rings);
    free_presences(g->presences);
    free_maps(g->maps);
    memory_presence_client_unref(g->client);
    free_blocks(g->blocks);
    memory_garbage_init(g);
}

void memory_garbage_publication(struct memory_garbage *g, struct publication *p)
{
    CHECK(!memory_garbage_full(g));
    g->publications[g->publication_count++] = p;
}

void memory_garbage_ring(struct memory_garbage *g, struct memory_ring *ring)
{
    if (!ring) return;
    ring->next_garbage = g->rings;
    g->rings = ring;
}

void memory_garbage_presence(struct memory_garbage *g, struct memory_presence *presence)
{
    presence->next_garbage = g->presences;
    g->presences = presence;
}

void memory_garbage_map(struct memory_garbage *g, struct memory_map *map)
{
    map->next_garbage = g->maps;
    g->maps = map;
}

void memory_garbage_block(struct memory_garbage *g, enum mem_part part, void *block)
{
    if (!block) return;
    mem_part_drop(part, block);
    struct memory_block *node = block;
    node->next = g->blocks;
    g->blocks = node;
}
