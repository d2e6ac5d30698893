/* held_map_broker: as held_broker.h, for the map broker. Calls that nobody waits for go through. */
#ifndef XSHATHRA_TESTS_ENGINE_HELD_MAP_BROKER_H
#define XSHATHRA_TESTS_ENGINE_HELD_MAP_BROKER_H

#include "engine/support/held_calls.h"

/* Owns inner. */
struct map_broker *held_map_broker_new(struct map_broker *inner, const struct broker_links *links);
struct held_calls *held_map_calls(struct map_broker *b);
void held_map_broker_set(struct map_broker *b, enum held_mode mode);
size_t held_map_broker_count(struct map_broker *b);
void held_map_broker_release_all(struct map_broker *b);

#endif
