/* ws_handshake checks the request that asks for a WebSocket, and writes the 101.
 * No sockets; the HTTP request comes as plain fields.
 *
 * Use: result = ws_handshake_check(&request); when it is WS_HANDSHAKE_OK, choose
 *      with ws_handshake_subprotocol() and ws_handshake_write(); otherwise answer
 *      ws_handshake_status() with ws_handshake_text() and the version header.
 * Source: RFC 6455 sections 4.1 and 4.2, RFC 9110 for lists and tokens. Whether
 * the origin may connect is policy and decided by the caller (403). Extensions are
 * chosen elsewhere (ws_deflate_offer.h). The input is hostile.
 * Pure; any thread. */
#ifndef XSHATHRA_WS_HANDSHAKE_H
#define XSHATHRA_WS_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* Goes with every refusal, so that the client learns what is spoken here. */
#define WS_HANDSHAKE_VERSION_NAME  "Sec-Websocket-Version"
#define WS_HANDSHAKE_VERSION_VALUE "13"

/* 28 bytes of base64. */
#define WS_ACCEPT_LEN 28

/* One list makes the results, their HTTP status and their sentences. A method
 * other than GET is looked at after the headers that make it a handshake at all. */
#define WS_HANDSHAKE_LIST(X)                                                                                           \
    X(OK, 101, "switching protocols")                                                                                  \
    X(HTTP_VERSION, 400, "a WebSocket handshake needs HTTP/1.1")                                                       \
    X(CONNECTION, 400, "not a WebSocket handshake: header Connection must contain \"Upgrade\"")                        \
    X(UPGRADE, 400, "not a WebSocket handshake: header Upgrade must contain \"websocket\"")                            \
    X(METHOD, 405, "a WebSocket handshake must use the method GET")                                                    \
    X(HOST, 400, "a WebSocket handshake needs the header Host")                                                        \
    X(VERSION, 400, "unsupported WebSocket version: header Sec-WebSocket-Version must be 13")                          \
    X(KEY, 400, "header Sec-WebSocket-Key must be 16 bytes in base64, which are 24 characters")

enum ws_handshake_result {
#define WS_HANDSHAKE_ENUM(name, status, text) WS_HANDSHAKE_##name,
    WS_HANDSHAKE_LIST(WS_HANDSHAKE_ENUM)
#undef WS_HANDSHAKE_ENUM
};

/* All slices are borrowed for the call. A header that came several times is given
 * with its values joined by commas; one that did not come is empty. */
struct ws_handshake_request {
    struct slice method;
    uint8_t http_major;
    uint8_t http_minor;
    struct slice host;
    struct slice upgrade;
    struct slice connection;
    struct slice key;      /* Sec-WebSocket-Key */
    struct slice version;  /* Sec-WebSocket-Version */
    struct slice protocol; /* Sec-WebSocket-Protocol, read by ws_handshake_subprotocol() alone */
};

enum ws_handshake_result ws_handshake_check(const struct ws_handshake_request *request);
int ws_handshake_status(enum ws_handshake_result result);       /* 101, 400 or 405 */
const char *ws_handshake_text(enum ws_handshake_result result); /* static; never NULL */

/* The index in known of the first entry in the client's list (the value of
 * Sec-WebSocket-Protocol) that is known, in exactly its letters; -1 when there is
 * none, and then the 101 names none. */
ptrdiff_t ws_handshake_subprotocol(struct slice offered, const struct slice *known, size_t known_count);

/* The value of Sec-WebSocket-Accept for a key that ws_handshake_check() passed. */
void ws_handshake_accept(struct slice key, char out[static WS_ACCEPT_LEN]);

/* Appends the whole 101 response. subprotocol is one of the known ones or empty;
 * extensions is the value of Sec-WebSocket-Extensions or empty.
 * Failure is remembered in out, see buf_ok(). */
void ws_handshake_write(struct buf *out, struct slice key, struct slice subprotocol, struct slice extensions);

#endif
