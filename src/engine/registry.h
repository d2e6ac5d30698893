/* registry: (space, user) -> on how many connections and on which workers. Shared
 * by all workers; it gives the targets of effects and the user connection limit.
 * Sharded; each shard has a mutex held for one look-up. Lock order: a shard of the
 * registry is taken with no other lock held, and takes none. Any thread. */
#ifndef XSHATHRA_ENGINE_REGISTRY_H
#define XSHATHRA_ENGINE_REGISTRY_H

#include "base/slice.h"
#include "base/status.h"

struct registry;

struct registry *registry_new(void); /* stops when memory is out */
void registry_free(struct registry *r);

/* Count one more connection of the user on this worker. limit 0 = none.
 * TOO_LARGE: the user has limit connections already; NO_MEMORY. *first: it is the only one;
 * may be NULL. */
MUST_CHECK enum status registry_add(struct registry *r, uint32_t space, struct slice user, uint32_t worker,
                                    uint32_t limit, bool *first);
/* True: it was the user's last. */
bool registry_remove(struct registry *r, uint32_t space, struct slice user, uint32_t worker);
/* Bit i: worker i has connections of the user. */
uint64_t registry_workers(struct registry *r, uint32_t space, struct slice user);
/* Users with a connection, over all spaces. */
uint64_t registry_user_count(struct registry *r);

#endif
