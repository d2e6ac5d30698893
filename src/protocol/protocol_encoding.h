/* protocol_encoding: the two ways in which the client protocol's messages are
 * written. A connection keeps one for its whole life, chosen by its transport. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_ENCODING_H
#define XSHATHRA_PROTOCOL_PROTOCOL_ENCODING_H

enum protocol_encoding {
    PROTOCOL_JSON,     /* one object a line; protocol_json_*.h */
    PROTOCOL_PROTOBUF, /* varint length before each message */
};

#endif
