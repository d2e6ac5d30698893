/* protocol_json_reply appends replies and pushes in their JSON form, one object
 * without blanks or newlines, byte for byte as Centrifugo writes it: fields in the
 * order of their Protobuf numbers, zero fields left out but for those of CP-06.
 * Source: compatibility rows CP-06 to CP-08, CP-14, OB-21.
 *
 * Several replies of one transport message are parted by '\n': the transport's
 * business. The buffer remembers a failure: check buf_ok() once. Any thread. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_JSON_REPLY_H
#define XSHATHRA_PROTOCOL_PROTOCOL_JSON_REPLY_H

#include "base/buf.h"
#include "protocol/protocol_reply.h"

/* The server ping of bidirectional transports, and of unidirectional ones. */
#define PROTOCOL_JSON_PING "{}"

void protocol_json_encode_reply(const struct reply *r, struct buf *b);

/* A push by itself, as unidirectional transports send it. */
void protocol_json_encode_push(const struct push *p, struct buf *b);

/* The push of a publication, as a reply: {"push":{"channel":…,"pub":{…}}}. For the
 * fan-out path: room is reserved once, unless tags or escapes make it longer. */
void protocol_json_encode_publication_push(struct slice channel, const struct publication_fields *pub, struct buf *b);

#endif
