/* memory_map_expire: taking keys out of a map with a removal publication for each,
 * whoever wants it: a call, or time. */
#ifndef XSHATHRA_BROKER_MEMORY_MAP_EXPIRE_H
#define XSHATHRA_BROKER_MEMORY_MAP_EXPIRE_H

#include "broker/memory/memory_map_change.h"

/* The content of the removal of this value: its tags, and nothing else. Borrows from it. */
struct publication_content memory_map_removal_of(const struct publication *value);

/* In a hold: take the key out, with m->publication as its removal; m->spare gets it. Answers like a publish. */
MUST_CHECK enum status memory_map_take_out(struct memory_map_change *m, struct memory_hold *h,
                                           struct memory_map_key *key, const struct broker_history_options *stream,
                                           size_t bytes_max, struct map_update_result *result);

#endif
