/* delayed_map_broker: the delayed broker's twin for maps; see delayed_broker.h. */
#ifndef XSHATHRA_BROKER_DELAYED_MAP_BROKER_H
#define XSHATHRA_BROKER_DELAYED_MAP_BROKER_H

#include "broker/map_broker.h"

struct map_broker *delayed_map_broker_new(struct map_broker *inner, const struct broker_links *links,
                                          uint32_t delay_ms);

#endif
