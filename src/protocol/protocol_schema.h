/* protocol_schema: each message of the client protocol as a table of its fields, so
 * that one walk decodes or encodes any of them, and each encoding needs only one.
 * Private to this folder. Source: centrifugal/protocol, client.proto.
 *
 * Fields stand in the order of their numbers, which is the order on the wire.
 * Constant data; any thread. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_SCHEMA_H
#define XSHATHRA_PROTOCOL_PROTOCOL_SCHEMA_H

#include "protocol/protocol_command.h"
#include "protocol/protocol_reply.h"

enum field_type {
    FIELD_STRING,  /* struct slice */
    FIELD_RAW,     /* struct slice: one JSON value, or bytes in Protobuf */
    FIELD_OBJECT,  /* struct slice: as FIELD_RAW, but a JSON object or null */
    FIELD_BOOL,    /* bool */
    FIELD_U32,     /* uint32_t */
    FIELD_U64,     /* uint64_t */
    FIELD_I32,     /* int32_t */
    FIELD_I64,     /* int64_t */
    FIELD_S64,     /* int64_t, zigzag in Protobuf */
    FIELD_MESSAGE, /* pointer to a struct, NULL when absent */
    FIELD_LIST,    /* pointer to elements and their count */
    FIELD_MAP,     /* the same; an element begins with its key, a struct slice */
};

struct message_schema;

/* What a list or map holds: strings when schema is NULL, else messages. */
struct element_schema {
    const struct message_schema *schema;
    uint16_t len;          /* sizeof one element */
    uint16_t value_offset; /* of the string or message in the element */
};

struct field_schema {
    struct slice name; /* in JSON */
    uint8_t number;    /* in Protobuf */
    uint8_t type;      /* enum field_type */
    bool always;       /* written even when zero or empty */
    uint16_t offset;
    uint16_t count_offset;               /* lists and maps: of the size_t count */
    const struct message_schema *schema; /* FIELD_MESSAGE */
    const struct element_schema *element;
};

struct message_schema {
    const struct field_schema *fields;
    uint16_t field_count;
    uint16_t len; /* sizeof the struct */
};

/* The member of a reply or push that holds what its kind says. */
struct envelope_schema {
    struct slice name;
    uint8_t number;
    const struct message_schema *schema;
};

/* NULL for COMMAND_NONE. */
const struct message_schema *command_schema(enum command_kind kind);
/* NULL for PUSH_NONE. */
const struct envelope_schema *push_envelope_schema(enum push_kind kind);
/* NULL for REPLY_EMPTY, and for REPLY_PUSH, whose content is a struct push. */
const struct envelope_schema *reply_envelope_schema(enum reply_kind kind);

extern const struct message_schema publication_schema;

static inline void *field_at(void *message, size_t offset)
{
    return (char *)message + offset;
}
static inline const void *field_in(const void *message, size_t offset)
{
    return (const char *)message + offset;
}

#endif
