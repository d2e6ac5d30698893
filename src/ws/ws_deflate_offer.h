/* ws_deflate_offer reads what a client offers in Sec-WebSocket-Extensions and
 * chooses the terms of permessage-deflate. No sockets, no zlib, no allocation.
 *
 * Use: if (ws_deflate_choose(header, &terms)) ws_deflate_write_terms(&terms, &out);
 *      and the text goes into the 101; otherwise the 101 names no extension.
 * Source: RFC 7692 sections 5.1 and 7.1, RFC 6455 section 9.1 for the grammar. The
 * input is hostile. Pure; any thread.
 *
 * The offers are looked at in the client's order and the first one that can be met
 * is taken. One with an unknown parameter, one given twice or one with a wrong
 * value is declined, as section 7.1 asks for. Text that breaks the grammar ends the
 * search: what follows it has no certain meaning.
 *
 * Each message is compressed by itself in both directions, whatever was offered:
 * an idle connection then holds no window. The client is told so
 * (client_no_context_takeover), which a server may do unasked (section 7.1.1.2).
 * client_max_window_bits needs no answer: every window of a client can be read. */
#ifndef XSHATHRA_WS_WS_DEFLATE_OFFER_H
#define XSHATHRA_WS_WS_DEFLATE_OFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define WS_DEFLATE_WINDOW_BITS_MIN 8
#define WS_DEFLATE_WINDOW_BITS_MAX 15

struct ws_deflate_terms {
    uint8_t server_window_bits; /* 8 to 15: the server's messages may refer back by 1 << this many bytes */
    bool server_window_named;   /* the client asked for it, so the answer repeats it */
};

/* header is the value of Sec-WebSocket-Extensions, of several lines joined by
 * commas, or empty. False: no offer can be met, and *terms is unset. */
bool ws_deflate_choose(struct slice header, struct ws_deflate_terms *terms);

/* Appends the value for the 101. Failure is remembered in out, see buf_ok(). */
void ws_deflate_write_terms(const struct ws_deflate_terms *terms, struct buf *out);

#endif
