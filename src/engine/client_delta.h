/* client_delta: delta compression of subscriptions. Private to the engine. Who asked for
 * it and may (SUB_DELTA) gets a publication full or as the delta from the one before.
 *
 * A delta goes only to whoever certainly has its base: SUB_DELTA_READY says that the last
 * publication which the subscriber got is the newest of the stream. In JSON the data of
 * both, full and delta, is a string. Source: rows HI-35 to HI-46 of docs/compatibility.md. */
#ifndef XSHATHRA_ENGINE_CLIENT_DELTA_H
#define XSHATHRA_ENGINE_CLIENT_DELTA_H

#include "engine/client.h"

/* SUB_DELTA or 0: is the kind that the client named allowed in the channel? */
uint16_t client_delta_flag(const struct policy_channel_options *o, struct slice wanted);
/* What the subscriber, which has SUB_DELTA, gets of an event that it now gets. */
enum publication_variant client_delta_variant(const struct client *c, struct subscription *sub,
                                              const struct publication *p);

/* The publications of a subscribe's answer, as rows HI-38 to HI-42 have them. Zero it, then give it each that
 * the subscriber shall have, in order. */
struct client_delta_chain {
    const struct publication *before; /* borrowed: the one given last */
    size_t computed; /* bytes that deltas were made for here, which none of the publications had ready */
};
/* Change the fields of p. Its data may go to memory from the engine's arena. False: memory is out. */
bool client_delta_recovered(struct client *c, struct client_delta_chain *chain, const struct publication *p,
                            struct publication_fields *fields);
/* The answer is complete, and the stream stands at top. */
void client_delta_recovered_all(struct subscription *sub, const struct client_delta_chain *chain, uint64_t top);

/* Fields of a publication whose data is in another form. */
static inline void client_delta_fields(struct publication_fields *fields, struct slice data, bool is_delta)
{
    fields->data = data;
    fields->delta = is_delta;
    fields->epoch = (struct slice){ 0 }; /* as the reference leaves it and the version out there */
    fields->version = 0;
}

#endif
