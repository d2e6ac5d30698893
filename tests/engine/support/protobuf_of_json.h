/* protobuf_of_json: the commands of a JSON message as the Protobuf message that says the same, for the kinds of
 * commands that tests of both encodings use. */
#ifndef XSHATHRA_TESTS_ENGINE_PROTOBUF_OF_JSON_H
#define XSHATHRA_TESTS_ENGINE_PROTOBUF_OF_JSON_H

#include "base/buf.h"

/* out is made here and the caller's. */
void protobuf_of_json(const char *message, struct buf *out);

#endif
