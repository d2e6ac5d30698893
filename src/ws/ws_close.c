#include "ws/ws_close.h"

#include "base/utf8.h"

/* 3000 to 3999 are for libraries, 4000 to 4999 for applications. */
#define CODE_FREE_FIRST 3000
#define CODE_FREE_LAST  4999

bool ws_close_code_on_wire(uint16_t code)
{
    if (code >= WS_CLOSE_NORMAL && code <= WS_CLOSE_UNSUPPORTED_DATA) return true;
    if (code >= WS_CLOSE_INVALID_PAYLOAD && code <= WS_CLOSE_BAD_GATEWAY) return true;
    return code >= CODE_FREE_FIRST && code <= CODE_FREE_LAST;
}

uint16_t ws_close_parse(struct slice payload, uint16_t *code, struct slice *reason)
{
    if (payload.len == 0) {
        *code = WS_CLOSE_NO_STATUS;
        *reason = payload;
        return 0;
    }
    if (payload.len < WS_CLOSE_CODE_LEN) return WS_CLOSE_PROTOCOL_ERROR;

    const uint16_t sent = (uint16_t)((uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1]);
    if (!ws_close_code_on_wire(sent)) return WS_CLOSE_PROTOCOL_ERROR;

    const struct slice text = slice_from(payload, WS_CLOSE_CODE_LEN);
    if (!utf8_valid(text)) return WS_CLOSE_INVALID_PAYLOAD;
    *code = sent;
    *reason = text;
    return 0;
}
