#include "ws/support/ws_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ws/ws_decoder.h"
#include "ws/ws_frame.h"

static const uint8_t mask_key[WS_MASK_LEN] = { 0x37, 0xfa, 0x21, 0x3d };

void ws_client_header(struct buf *wire, uint8_t first_byte, uint64_t payload_len, size_t length_len)
{
    const uint8_t length_bits = length_len == 8 ? WS_LENGTH_64 : length_len == 2 ? WS_LENGTH_16 : (uint8_t)payload_len;
    buf_append_char(wire, (char)first_byte);
    buf_append_char(wire, (char)(WS_MASK_BIT | length_bits));
    for (size_t i = length_len; i > 0; i--) buf_append_char(wire, (char)(payload_len >> 8 * (i - 1)));
    buf_append(wire, slice_of(mask_key, sizeof(mask_key)));
}

void ws_client_frame(struct buf *wire, uint8_t first_byte, struct slice payload)
{
    ws_client_header(wire, first_byte, payload.len, payload.len > 0xffff ? 8 : payload.len > 125 ? 2 : 0);
    for (size_t i = 0; i < payload.len; i++)
        buf_append_char(wire, (char)((uint8_t)payload.ptr[i] ^ mask_key[i % WS_MASK_LEN]));
}

static void write_data_event(struct buf *log, const char *name, const struct ws_event *e)
{
    buf_printf(log, "%s %s", name, e->is_text ? "text" : "binary");
}

static void write_event(struct buf *log, enum ws_result result, const struct ws_event *e)
{
    switch (result) {
    case WS_MESSAGE: write_data_event(log, "message", e); break;
    case WS_FRAGMENT:
        write_data_event(log, "fragment", e);
        buf_printf(log, "%s%s", e->is_first ? " first" : "", e->is_last ? " last" : "");
        break;
    case WS_PING: buf_append(log, SLICE("ping")); break;
    case WS_PONG: buf_append(log, SLICE("pong")); break;
    case WS_CLOSE: buf_printf(log, "close %u", e->code); break;
    case WS_BROKEN: buf_printf(log, "broken %u:%s", e->code, ws_error_text((enum ws_error)e->error)); break;
    case WS_NEED_MORE: break;
    }
    if (result != WS_BROKEN) {
        buf_append_char(log, ':');
        if (e->payload.len) buf_append(log, e->payload);
    }
    buf_append_char(log, '\n');
}

/* Returns false when the decoder is broken. */
static bool drain(struct ws_decoder *d, struct buf *unread, struct buf *log)
{
    /* The copy has exactly the unread bytes, so that reading past them is seen. */
    char *exact = malloc(unread->len ? unread->len : 1);
    memcpy(exact, unread->ptr, unread->len);
    struct ws_unread in = { exact, unread->len };
    struct ws_event event;
    enum ws_result result;
    while ((result = ws_decoder_next(d, &in, &event)) != WS_NEED_MORE && result != WS_BROKEN)
        write_event(log, result, &event);
    if (result == WS_BROKEN) write_event(log, result, &event);
    if (result == WS_NEED_MORE) assert_true(ws_decoder_need(d) > in.len);
    buf_consume(unread, unread->len - in.len);
    free(exact);
    return result != WS_BROKEN;
}

void ws_client_transcript(struct slice wire, size_t message_len_max, size_t first, size_t step, struct buf *log)
{
    struct ws_decoder d;
    struct buf unread;
    ws_decoder_init(&d, message_len_max);
    buf_init(&unread, BUF_NO_LIMIT);
    for (size_t arrival = first; wire.len; arrival = step) {
        buf_append(&unread, slice_head(wire, arrival));
        wire = slice_from(wire, arrival);
        if (!drain(&d, &unread, log)) break;
    }
    buf_deinit(&unread);
}

static void expect_arrivals(const struct buf *wire, size_t limit, size_t first, size_t step, struct slice expected)
{
    struct buf log;
    buf_init(&log, BUF_NO_LIMIT);
    ws_client_transcript(buf_slice(wire), limit, first, step, &log);
    if (!slice_eq(buf_slice(&log), expected)) {
        fail_msg("first %zu bytes, then %zu each:\n%.*sinstead of\n%.*s", first, step, SLICE_ARG(buf_slice(&log)),
                 SLICE_ARG(expected));
    }
    buf_deinit(&log);
}

void ws_client_expect(const struct buf *wire, size_t message_len_max, struct slice expected)
{
    for (size_t cut = 1; cut <= wire->len; cut++) expect_arrivals(wire, message_len_max, cut, wire->len, expected);
    expect_arrivals(wire, message_len_max, 1, 1, expected);
}
