#include "base/check.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "session/session_parts.h"

/* The connections of one space on this worker. Space 0 is the loop's default group. */
struct session_group {
    struct map_node node;
    struct net_group net;
    uint32_t space;
    uint32_t members;
};

static uint64_t space_hash(uint32_t space)
{
    return hash_bytes(slice_of(&space, sizeof space), 0);
}

static struct session_group *find(struct session_host *host, uint32_t space)
{
    for (struct map_node *n = map_first(&host->groups, space_hash(space)); n; n = map_next_same(n)) {
        struct session_group *g = container_of(n, struct session_group, node);
        if (g->space == space) return g;
    }
    return NULL;
}

void session_join_group(struct session *s, uint32_t space)
{
    if (space == 0 || s->group) return;
    struct session_host *host = s->host;
    struct session_group *g = find(host, space);
    if (!g) {
        g = mem_alloc_zero(sizeof *g);
        if (!g) return; /* it stays in the default group: fairness suffers, nothing else */
        g->space = space;
        g->node.hash = space_hash(space);
        net_group_init(&g->net);
        if (map_insert(&host->groups, &g->node) != STATUS_OK) {
            mem_free(g);
            return;
        }
    }
    g->members++;
    s->group = g;
    net_conn_set_group(&s->conn, &g->net);
}

void session_leave_group(struct session *s)
{
    struct session_group *g = s->group;
    s->group = NULL;
    if (!g || --g->members > 0) return;
    map_remove(&s->host->groups, &g->node);
    /* The loop has the group in its ring only while it has connections with output. */
    list_remove(&g->net.link_);
    mem_free(g);
}
