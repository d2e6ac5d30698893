/* held_broker: a broker around another one whose answers a test hands out itself.
 *
 * Use: b = held_broker_new(inner, &links);
 *      held_broker_set(b, HELD_CALLS);  … calls answer PENDING …
 *      held_broker_release(b, 0);       the oldest is carried out, its completion posted
 * Owns inner. One thread. Calls without an answer go to the inner broker at once. */
#ifndef XSHATHRA_TESTS_ENGINE_HELD_BROKER_H
#define XSHATHRA_TESTS_ENGINE_HELD_BROKER_H

#include "engine/support/held_calls.h"

struct held_broker;

struct broker *held_broker_new(struct broker *inner, const struct broker_links *links);
void held_broker_set(struct broker *b, enum held_mode mode);
size_t held_broker_count(const struct broker *b); /* calls that wait */
/* Release the call at this index of those waiting, oldest first. */
void held_broker_release(struct broker *b, size_t index);
void held_broker_release_all(struct broker *b);

#endif
