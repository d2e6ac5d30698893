/* memory_map_change: what publishing, removing and expiring have in common: one
 * publication with a key on its way into a map. On the stack of a call.
 *
 * Use: fill the first fields, init, make what is needed; in a hold: repeated, own
 * checks, take_place, remember, the change of the keys, commit; then deinit. */
#ifndef XSHATHRA_BROKER_MEMORY_MAP_CHANGE_H
#define XSHATHRA_BROKER_MEMORY_MAP_CHANGE_H

#include "broker/memory/memory_map_calls.h"
#include "broker/memory/memory_post.h"

struct memory_map_change {
    /* set at first */
    struct memory_map_broker *mb;
    const struct broker_context *c;
    uint32_t space;
    struct slice channel, key;
    /* owned: freed by deinit, unless the hold took them over */
    struct publication *publication;
    struct memory_map_key *spare;              /* what the hold puts in, or what it took out; NULL = none */
    struct memory_idempotency_key *idempotent; /* NULL = none */
    struct memory_post post;
};

void memory_map_change_init(struct memory_map_change *m);
void memory_map_change_deinit(struct memory_map_change *m);

/* The publication, perhaps marked for deltas; false when memory is out. */
MUST_CHECK bool memory_map_change_make(struct memory_map_change *m, const struct publication_content *content,
                                       bool delta);
MUST_CHECK bool memory_map_change_make_idempotent(struct memory_map_change *m, struct slice idempotency_key);

/* ---- in a hold ---- */

/* Where the map stands now. */
void memory_map_change_suppress(const struct memory_hold *h, enum map_suppress why, struct map_update_result *result);
/* True: *result is what the first one answered. */
bool memory_map_change_repeated(const struct memory_map_change *m, const struct memory_hold *h,
                                struct map_update_result *result);
bool memory_map_change_expected(const struct memory_hold *h, const struct memory_map_key *key,
                                const struct broker_position *expected);
/* Room in the stream, if the map has one, and the position that the publication will have. */
MUST_CHECK enum status memory_map_change_take_place(struct memory_map_change *m, struct memory_hold *h,
                                                    const struct broker_history_options *stream, size_t bytes_max,
                                                    struct broker_position *position);
MUST_CHECK enum status memory_map_change_remember(struct memory_map_change *m, struct memory_hold *h,
                                                  const struct broker_position *position);
/* Into the stream and to the workers; cannot fail. The keys are in order already. */
void memory_map_change_commit(struct memory_map_change *m, struct memory_hold *h,
                              const struct broker_position *position);

#endif
