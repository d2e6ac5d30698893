/* ws_close: the rules of close codes.
 *
 * Use: a received close payload goes through ws_close_parse(); what to answer is
 *      ws_close_frame(code, (struct slice){ 0 }) of ws_encoder.h with the same code,
 *      or with the code that ws_close_parse() returned.
 * Source: RFC 6455 sections 5.5.1 and 7.4, and the IANA registry of close codes
 * (1012 to 1014). Pure; any thread. */
#ifndef XSHATHRA_WS_CLOSE_H
#define XSHATHRA_WS_CLOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL_ERROR = 1002,
    WS_CLOSE_UNSUPPORTED_DATA = 1003,
    WS_CLOSE_NO_STATUS = 1005, /* never on the wire: a close frame without a code */
    WS_CLOSE_ABNORMAL = 1006,  /* never on the wire: the connection ended without a close frame */
    WS_CLOSE_INVALID_PAYLOAD = 1007,
    WS_CLOSE_POLICY_VIOLATION = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_MISSING_EXTENSION = 1010,
    WS_CLOSE_INTERNAL_ERROR = 1011,
    WS_CLOSE_SERVICE_RESTART = 1012,
    WS_CLOSE_TRY_AGAIN_LATER = 1013,
    WS_CLOSE_BAD_GATEWAY = 1014,
    WS_CLOSE_TLS_HANDSHAKE = 1015, /* never on the wire */
};

/* What the code takes of the 125 bytes of a control frame, and what is left. */
#define WS_CLOSE_CODE_LEN       2
#define WS_CLOSE_REASON_LEN_MAX 123

/* Whether a close frame may carry this code, in either direction. */
bool ws_close_code_on_wire(uint16_t code);

/* Reads the payload of a close frame. Returns 0 when it is in order: *code is the
 * peer's (WS_CLOSE_NO_STATUS for an empty payload) and *reason borrows payload.
 * Otherwise returns the code to fail the connection with, and leaves both alone:
 * WS_CLOSE_PROTOCOL_ERROR for one byte or a code that may not be sent,
 * WS_CLOSE_INVALID_PAYLOAD for a reason that is not UTF-8. */
uint16_t ws_close_parse(struct slice payload, uint16_t *code, struct slice *reason);

#endif
