/* memory_map_broker: the map broker inside one process. Its channels are a channel
 * table of their own (memory_table), each entry with the keys of its map; locks,
 * bounds of a hold and lock order as memory_broker.h says. It answers every call
 * with DONE. */
#ifndef XSHATHRA_BROKER_MEMORY_MAP_BROKER_H
#define XSHATHRA_BROKER_MEMORY_MAP_BROKER_H

#include "broker/map_broker.h"
#include "broker/memory/memory_broker.h"

/* Stops when memory is out (start-up). links are copied. options.history_bytes_max
 * bounds keys, values and streams of a space together. */
struct map_broker *memory_map_broker_new(const struct broker_links *links, const struct memory_broker_options *options);

#endif
