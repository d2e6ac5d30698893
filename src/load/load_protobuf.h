/* load_protobuf: the Protobuf half of load_command. Private to this folder. Source: centrifugal/protocol,
 * client.proto. Pure. */
#ifndef XSHATHRA_LOAD_LOAD_PROTOBUF_H
#define XSHATHRA_LOAD_LOAD_PROTOBUF_H

#include "load/load_command.h"

void load_protobuf_connect(struct buf *out, uint32_t id, struct slice token);
void load_protobuf_subscribe(struct buf *out, uint32_t id, const struct load_subscribe *s);
void load_protobuf_publish(struct buf *out, uint32_t id, struct slice channel, struct slice data);
/* *out is a LOAD_REPLY without anything, and is filled. */
void load_protobuf_read(struct slice message, struct load_message *out);
/* Takes one message, without its length, from the front of *in; false: none is whole there. */
bool load_protobuf_next(struct slice *in, struct slice *message);

#endif
