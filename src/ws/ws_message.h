/* ws_assembler collects the pieces of one fragmented message.
 *
 * Use: keep a struct ws_assembler * that is NULL; give each WS_FRAGMENT to
 *      ws_assembler_add(); after the last piece read ws_assembler_message(), then
 *      ws_assembler_free() and set the pointer to NULL again.
 * It exists only while a fragmented message is incomplete, so a connection pays
 * for it with a pointer. Messages in one frame never pass through here.
 * Source: RFC 6455 section 5.4. Called on the connection's loop thread. */
#ifndef XSHATHRA_WS_MESSAGE_H
#define XSHATHRA_WS_MESSAGE_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/status.h"
#include "ws/ws_decoder.h"

struct ws_assembler;

/* Appends the piece; the first one makes *slot, which the caller owns. fragment
 * is what ws_decoder_next() filled for WS_FRAGMENT; its bytes are copied.
 * STATUS_NO_MEMORY and STATUS_TOO_LARGE (over message_len_max, the decoder's
 * limit): *slot has been freed and is NULL, and the connection must be closed
 * (1011, 1009). The pieces must come in the decoder's order. */
MUST_CHECK enum status ws_assembler_add(struct ws_assembler **slot, const struct ws_event *fragment,
                                        size_t message_len_max);

/* The pieces so far, in order; borrows the assembler until the next call. */
struct slice ws_assembler_message(const struct ws_assembler *a);
bool ws_assembler_is_text(const struct ws_assembler *a);

/* Bytes of memory it holds, for the limits on partial messages; 0 for NULL. */
size_t ws_assembler_cost(const struct ws_assembler *a);

void ws_assembler_free(struct ws_assembler *a); /* accepts NULL */

#endif
