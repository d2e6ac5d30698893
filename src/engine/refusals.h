/* refusals: why somebody was refused, for the people of the project: which check, which value,
 * and what was expected. Worked out when an event is wanted, never on the usual path, and
 * never for the one who was refused. */
#ifndef XSHATHRA_ENGINE_REFUSALS_H
#define XSHATHRA_ENGINE_REFUSALS_H

#include "engine/client_parts.h"
#include "engine/connect_plan.h"

/* A connect command. */
void refusal_tell_connect(struct client *c, const struct connect_request *r, const struct refusal *refusal);
/* A handshake with a client key: before there is a client. */
void refusal_tell_key(struct engine *e, struct slice key, struct slice origin, const char *why);
/* A subscribe command. why: of its token, NULL = the token was not the reason; disconnected:
 * error is the code of a disconnect. */
void refusal_tell_subscribe(struct client *c, const struct subscribe_request *r, uint32_t error, bool disconnected,
                            const char *why);
/* A publish command. */
void refusal_tell_publish(struct client *c, const struct publish_request *r, uint32_t error);

#endif
