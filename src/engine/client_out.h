/* client_out: what goes to one client. Private to the engine.
 * Every function minds the limit of the output queue: over it the client is closed
 * with 3008. Nothing is sent to a client that is closing. */
#ifndef XSHATHRA_ENGINE_CLIENT_OUT_H
#define XSHATHRA_ENGINE_CLIENT_OUT_H

#include "engine/client.h"
#include "engine/held_bytes.h"

/* Encode and queue; the answer to a command. */
void client_reply(struct client *c, const struct reply *reply);
void client_reply_error(struct client *c, uint32_t command_id, enum command_kind kind, uint32_t code);
void client_reply_empty(struct client *c, uint32_t command_id, enum reply_kind kind);
/* A push that is not a publication. */
void client_push(struct client *c, const struct push *push);

/* With so many subscribers on this worker the system calls of one publication take longer
 * than a turn's budget for them. */
#define CLIENT_CROWD_MIN 200

/* A shared message: takes one reference over. */
void client_send_blob(struct client *c, struct blob *message, unsigned metric_frame, enum client_order order);
/* A publication, join or leave of the channel that it is subscribed to. */
void client_deliver(struct client *c, struct subscription *sub, struct publication *p);

/* Whether the client's encoding has a place for the bytes; if not it is closed with 3506. */
bool client_can_read(struct client *c, const struct publication *p);
bool client_can_read_info(struct client *c, const struct publication_info *info);
bool client_can_read_bytes(struct client *c, const struct held_bytes *h);

/* Publications as protocol fields, in scratch memory: out has room for count. */
void client_publication_fields(const struct publication *p, struct publication_fields *out, struct client_info *info);

#endif
