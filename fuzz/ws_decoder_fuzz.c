/* A client's bytes give the same events fed whole and in random pieces, and no event breaks a promise.
 * The first four bytes of the input: message limit (2), seed of the split (2). */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/utf8.h"
#include "ws/ws_close.h"
#include "ws/ws_decoder.h"
#include "ws/ws_frame.h"
#include "ws/ws_message.h"

#define PREFIX_LEN 4

struct peer {
    struct ws_decoder decoder;
    struct ws_assembler *assembler;
    struct buf unread, log;
    size_t limit;
};

static void check_message(const struct peer *p, struct slice message, bool is_text)
{
    CHECK(message.len <= p->limit);
    CHECK(!is_text || utf8_valid(message));
}

static void on_fragment(struct peer *p, const struct ws_event *e)
{
    CHECK(ws_assembler_add(&p->assembler, e, p->limit) == STATUS_OK);
    CHECK(ws_decoder_in_message(&p->decoder) == !e->is_last);
    if (!e->is_last) return;
    CHECK(ws_assembler_is_text(p->assembler) == e->is_text);
    check_message(p, ws_assembler_message(p->assembler), e->is_text);
    ws_assembler_free(p->assembler);
    p->assembler = NULL;
}

static void on_event(struct peer *p, enum ws_result result, const struct ws_event *e)
{
    if (result == WS_MESSAGE) check_message(p, e->payload, e->is_text);
    if (result == WS_FRAGMENT) on_fragment(p, e);
    if (result == WS_PING || result == WS_PONG) CHECK(e->payload.len <= WS_CONTROL_PAYLOAD_MAX);
    if (result == WS_CLOSE) CHECK(e->code == WS_CLOSE_NO_STATUS || ws_close_code_on_wire(e->code));
    if (result == WS_CLOSE) CHECK(utf8_valid(e->payload));
    buf_printf(&p->log, "%d %u %d%d%d %zu:", (int)result, e->code, e->is_text, e->is_first, e->is_last, e->payload.len);
    if (e->payload.len) buf_append(&p->log, e->payload);
}

/* Each arrival sees an allocation of exactly the unread bytes. Returns false when the connection is broken. */
static bool on_arrival(struct peer *p, struct slice bytes)
{
    buf_append(&p->unread, bytes);
    char *exact = malloc(p->unread.len + 1);
    CHECK(exact);
    if (p->unread.len) memcpy(exact + 1, p->unread.ptr, p->unread.len);
    struct ws_unread in = { exact + 1, p->unread.len };
    struct ws_event event;
    enum ws_result result;
    do {
        const size_t before = in.len;
        result = ws_decoder_next(&p->decoder, &in, &event);
        CHECK(in.len <= before && (result != WS_BROKEN || in.len == before));
        if (result != WS_NEED_MORE) on_event(p, result, &event);
    } while (result != WS_NEED_MORE && result != WS_BROKEN);
    if (result == WS_NEED_MORE) {
        CHECK(ws_decoder_need(&p->decoder) > in.len);
        CHECK(ws_decoder_need(&p->decoder) <= p->limit + WS_CONTROL_PAYLOAD_MAX + WS_CLIENT_HEADER_LEN_MAX);
    }
    buf_consume(&p->unread, p->unread.len - in.len);
    free(exact);
    return result != WS_BROKEN;
}

static void play(struct peer *p, struct slice wire, size_t limit, uint32_t seed)
{
    *p = (struct peer){ .limit = limit };
    ws_decoder_init(&p->decoder, limit);
    buf_init(&p->unread, BUF_NO_LIMIT);
    buf_init(&p->log, BUF_NO_LIMIT);
    while (wire.len) {
        seed = seed * 1664525 + 1013904223;
        const size_t len = seed >> 31 ? 1 : 1 + (seed >> 24) % 97;
        if (!on_arrival(p, slice_head(wire, len))) break;
        wire = slice_from(wire, len);
    }
}

static void play_whole(struct peer *p, struct slice wire, size_t limit)
{
    play(p, (struct slice){ 0 }, limit, 0);
    (void)on_arrival(p, wire);
}

static void peer_deinit(struct peer *p)
{
    ws_assembler_free(p->assembler);
    buf_deinit(&p->unread);
    buf_deinit(&p->log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < PREFIX_LEN) return 0;
    const size_t limit = (size_t)data[0] << 8 | data[1];
    const uint32_t seed = (uint32_t)data[2] << 8 | data[3];
    const struct slice wire = slice_of(data + PREFIX_LEN, size - PREFIX_LEN);
    struct peer whole, split;
    play_whole(&whole, wire, limit);
    play(&split, wire, limit, seed);
    CHECK(slice_eq(buf_slice(&whole.log), buf_slice(&split.log)));
    peer_deinit(&whole);
    peer_deinit(&split);
    return 0;
}
