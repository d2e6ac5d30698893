/* protocol_json_command reads commands in their JSON form: one object a line.
 *
 * Use: see protocol_command.h. Source of the rules: compatibility rows CP-02, CP-07,
 * CP-09, CP-10, CP-13, OB-12, OB-16: lines are parted by exactly one newline and one
 * may end the message; what follows the object on its line is ignored (so is a CR);
 * member names match in any letter case; unknown members are skipped; a repeated
 * object merges into the earlier one, null takes an object away and leaves a scalar
 * as it was. Stricter than the reference: strings must be valid UTF-8, a null entry
 * of a map or list of objects is refused, and so are integers out of range.
 * The input is hostile. One thread at a time. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_JSON_COMMAND_H
#define XSHATHRA_PROTOCOL_PROTOCOL_JSON_COMMAND_H

#include "base/arena.h"
#include "protocol/protocol_command.h"

/* Objects and arrays open at once, those of the command itself included. */
#define PROTOCOL_JSON_DEPTH_MAX 512

/* Take the next command. scratch gives memory for decoded strings and for the
 * request structs: reset it when the commands are done with. Every result of
 * enum protocol_result; an exhausted arena is PROTOCOL_BROKEN too. *out is filled
 * only for PROTOCOL_COMMAND. */
enum protocol_result protocol_json_next(struct protocol_batch *b, struct arena *scratch, struct command *out);

#endif
