/* space_counts: what one worker counts of each space, for the people of its project.
 *
 * Use: space_counts_of(&e->spaces, space)->publications++;
 * Owned by one worker; others get the numbers by a survey. A space, once seen, stays: there
 * is one for each project, and a project is known before its space gets here. */
#ifndef XSHATHRA_ENGINE_SPACE_COUNTS_H
#define XSHATHRA_ENGINE_SPACE_COUNTS_H

#include "base/map.h"

struct space_counts {
    struct map_node node_;
    uint32_t space;
    /* Now. Of one worker a number may be below zero: a user is counted by the worker of its first
     * connection, and struck off by that of its last. */
    int64_t connections, users, subscriptions;
    uint64_t connection_bytes; /* of the connections' own objects */
    /* since the start */
    uint64_t publications, deliveries, errors;
};

struct space_table {
    struct map map_;
    struct space_counts *last_; /* the one that was asked for last */
    struct space_counts lost_;  /* counted for nobody: memory was out */
};

void space_table_init(struct space_table *t);
void space_table_deinit(struct space_table *t);
/* Never NULL; the address stays good until the table ends. */
struct space_counts *space_counts_of(struct space_table *t, uint32_t space);

#endif
