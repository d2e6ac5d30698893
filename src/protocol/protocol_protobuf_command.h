/* protocol_protobuf_command reads commands in their Protobuf form: each with its
 * length, a varint, before it.
 *
 * Use: see protocol_command.h. Source of the rules: centrifugal/protocol, client.proto,
 * and compatibility rows CP-04, CP-09, CP-10, CP-13, OB-01, OB-02: a length of zero is
 * an empty command; a length with nothing behind it is ignored after a good command;
 * ids are cut to 32 bits; unknown fields are skipped; a repeated message merges into
 * the earlier one, of a repeated scalar the last one counts, of a repeated map key the
 * last value. The tags filter of a subscribe command comes out as JSON. Stricter than the
 * reference: strings must be valid UTF-8, and groups are refused.
 * The input is hostile: lengths are believed only as far as there are bytes, and nothing
 * is allocated by them. One thread at a time. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_PROTOBUF_COMMAND_H
#define XSHATHRA_PROTOCOL_PROTOCOL_PROTOBUF_COMMAND_H

#include "base/arena.h"
#include "protocol/protocol_command.h"

/* As protocol_json_next(); strings and raw slices borrow the message. */
enum protocol_result protocol_protobuf_next(struct protocol_batch *b, struct arena *scratch, struct command *out);

#endif
