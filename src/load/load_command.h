/* load_command: what a client says to a server, and what it hears, as far as a load generator must understand it.
 * Commands go out; replies, pushes and pings come back as a kind and what matters of them. No sockets.
 * Source: centrifugal/protocol, client.proto, and its JSON form; schema in src/protocol.
 *
 * Use: load_command_subscribe(&out, LOAD_JSON, 2, &request);
 *      load_message_read(LOAD_JSON, bytes, &message); if (message.kind == LOAD_PUBLICATION) …
 * What comes in is not trusted. Messages are without what parts them from the next: newline or length. Commands in
 * Protobuf are with their length. Pure; the buffer remembers a failure. */
#ifndef XSHATHRA_LOAD_LOAD_COMMAND_H
#define XSHATHRA_LOAD_LOAD_COMMAND_H

#include "base/buf.h"

enum load_encoding { LOAD_JSON, LOAD_PROTOBUF };

struct load_subscribe {
    struct slice channel;
    struct slice token; /* empty = none */
    bool recovers;
    struct slice epoch;
    uint64_t offset;
};

void load_command_connect(struct buf *out, enum load_encoding encoding, uint32_t id, struct slice token);
void load_command_subscribe(struct buf *out, enum load_encoding encoding, uint32_t id, const struct load_subscribe *s);
/* data: one JSON value; in Protobuf any bytes. */
void load_command_publish(struct buf *out, enum load_encoding encoding, uint32_t id, struct slice channel,
                          struct slice data);
/* The answer to a server's ping. */
void load_command_pong(struct buf *out, enum load_encoding encoding);

enum load_kind {
    LOAD_PING,
    LOAD_PUBLICATION, /* channel, data */
    LOAD_OTHER_PUSH,
    LOAD_REPLY, /* id */
    LOAD_ERROR, /* id, code, text */
    LOAD_NONSENSE,
};

/* Slices borrow the message. */
struct load_message {
    enum load_kind kind;
    uint32_t id, code;
    struct slice text;
    struct slice channel; /* in JSON as it is written, without the quotes */
    struct slice data;
};

void load_message_read(enum load_encoding encoding, struct slice message, struct load_message *out);

#endif
