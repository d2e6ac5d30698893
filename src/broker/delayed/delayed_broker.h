/* delayed_broker: another broker, with every answer made late and PENDING, as a
 * network would. The whole test suite runs on it too, so that nothing relies on
 * the memory broker's answering at once. Started by the environment variable
 * XSHATHRA_BROKER_DELAY_MS; one thread of its own carries the calls out. */
#ifndef XSHATHRA_BROKER_DELAYED_BROKER_H
#define XSHATHRA_BROKER_DELAYED_BROKER_H

#include "broker/broker.h"

/* Takes over inner. Each completion comes between 0 and 2 * delay_ms later, calls
 * of one channel in their order. Stops when memory is out. */
struct broker *delayed_broker_new(struct broker *inner, const struct broker_links *links, uint32_t delay_ms);

#endif
