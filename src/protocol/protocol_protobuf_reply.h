/* protocol_protobuf_reply appends replies and pushes in their Protobuf form, byte for
 * byte as Centrifugo writes them: the length of the message, a varint, then its fields
 * in the order of their numbers, zero fields left out.
 * Source: centrifugal/protocol, client.proto; compatibility rows CP-04, CP-14.
 *
 * Several replies of one transport message follow each other without a separator.
 * The buffer remembers a failure: check buf_ok() once. Any thread. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_PROTOBUF_REPLY_H
#define XSHATHRA_PROTOCOL_PROTOCOL_PROTOBUF_REPLY_H

#include "base/buf.h"
#include "protocol/protocol_reply.h"

/* The server ping of bidirectional transports: a length of zero. */
#define PROTOCOL_PROTOBUF_PING "\0"

void protocol_protobuf_encode_reply(const struct reply *r, struct buf *b);

/* The push of a publication, as a reply. For the fan-out path: room is reserved once,
 * unless there are tags. */
void protocol_protobuf_encode_publication_push(struct slice channel, const struct publication_fields *pub,
                                               struct buf *b);

#endif
