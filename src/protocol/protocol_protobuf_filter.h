/* protocol_protobuf_filter: the tags filter of a subscribe command, a tree of
 * FilterNode, from its Protobuf form to its JSON form, so that all who work with
 * filters know but one. Private to this folder. Source: centrifugal/protocol,
 * client.proto; compatibility row CP-37.
 *
 * The input is hostile. Pure; any thread. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_PROTOBUF_FILTER_H
#define XSHATHRA_PROTOCOL_PROTOCOL_PROTOBUF_FILTER_H

#include "base/buf.h"

/* Nodes within nodes; more than any filter may have that is accepted later. */
#define PROTOCOL_FILTER_DEPTH_MAX 64

/* Appends the object. NULL, or what is wrong with the node, a static text; whether
 * memory was enough is told by buf_ok(). */
const char *protocol_protobuf_filter_json(struct slice node, struct buf *json);

#endif
