#include "ws/ws_deflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <zlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "support/ws_client.h"
#include "ws/ws_close.h"
#include "ws/ws_decoder.h"
#include "ws/ws_message.h"

#define LIMIT ((size_t)65536)
#define BYTES(text)                                                                                                    \
    {                                                                                                                  \
        (text), sizeof(text) - 1                                                                                       \
    }

static struct ws_inflater *inflater;

static int set_up(void **state)
{
    inflater = ws_inflater_new();
    return inflater ? 0 : -1;
}

static int tear_down(void **state)
{
    ws_inflater_free(inflater);
    return 0;
}

/* ---- in ---- */

static void the_examples_of_section_7_2_3_give_their_text(void **state)
{
    static const struct {
        struct slice payload, text;
    } rows[] = {
        { BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), BYTES("Hello") },
        { BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), BYTES("Hello") },         /* not compressed */
        { BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), BYTES("Hello") },                     /* a final block */
        { BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), BYTES("Hello") }, /* two blocks */
        { BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00"), BYTES("Hello") }, /* a final block and nothing after it */
        { BYTES("\x00"), BYTES("") },
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
            struct slice text;
            assert_int_equal(ws_inflater_message(inflater, rows[i].payload, LIMIT, &text), STATUS_OK);
            assert_true(slice_eq(text, rows[i].text));
        }
    }
}

static void the_context_of_the_message_before_is_gone(void **state)
{
    struct slice text;
    assert_int_equal(ws_inflater_message(inflater, SLICE("\xf2\x48\xcd\xc9\xc9\x07\x00"), LIMIT, &text), STATUS_OK);
    /* "Hello" by reference to the "Hello" before it, as section 7.2.3.2 has it */
    assert_int_equal(ws_inflater_message(inflater, SLICE("\xf2\x00\x11\x00\x00"), LIMIT, &text), STATUS_MALFORMED);
}

static void what_is_no_compressed_message_is_malformed(void **state)
{
    static const struct slice rows[] = {
        BYTES(""),
        BYTES("\x07"),                                         /* block type 3 */
        BYTES("\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00"), /* the length and its complement differ */
        BYTES("\x00\x09\x00\xf6\xff\x48\x65\x6c\x6c\x6f"),     /* the tail would become data */
        BYTES("\xf2\x48\xcd\xc9\xc9"),
        BYTES("\xf2\x48\xcd\xc9\xc9\x07"),
        BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x07"), /* wrong after a final block */
        BYTES("Hello, this is no deflate at all"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct slice text = SLICE("untouched");
        enum status status = ws_inflater_message(inflater, rows[i], LIMIT, &text);
        if (status != STATUS_MALFORMED) fail_msg("row %zu: %s", i, status_text(status));
        assert_true(slice_eq(text, SLICE("untouched")));
    }
}

/* len bytes of c, deflated; the payload is in out. */
static void bomb(struct buf *out, size_t len, char c)
{
    char *bytes = test_malloc(len);
    memset(bytes, c, len);
    z_stream z = { .next_in = (Bytef *)bytes, .avail_in = (uInt)len };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    buf_init(out, BUF_NO_LIMIT);
    const size_t room = deflateBound(&z, len) + 16;
    z.next_out = (Bytef *)buf_reserve(out, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    out->len = room - z.avail_out - 4;
    deflateEnd(&z);
    test_free(bytes);
}

static void a_message_of_the_limit_passes_and_of_one_byte_more_is_too_large(void **state)
{
    static const size_t lengths[] = { 1, 4095, 4096, 4097, 8192, 65536, 1000000 };
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        struct buf payload;
        struct slice text;
        bomb(&payload, lengths[i], 'x');
        assert_int_equal(ws_inflater_message(inflater, buf_slice(&payload), lengths[i], &text), STATUS_OK);
        assert_int_equal(text.len, lengths[i]);
        for (size_t at = 0; at < text.len; at++) assert_int_equal(text.ptr[at], 'x');
        assert_int_equal(ws_inflater_message(inflater, buf_slice(&payload), lengths[i] - 1, &text), STATUS_TOO_LARGE);
        ws_inflater_release(inflater);
        buf_deinit(&payload);
    }
}

static void a_bomb_is_cut_at_the_limit(void **state)
{
    struct buf payload;
    struct slice text;
    bomb(&payload, (size_t)50 << 20, 0);
    assert_true(payload.len < LIMIT);
    /* memory for all of it would need far more allocations than these */
    mem_fail_after(12);
    assert_int_equal(ws_inflater_message(inflater, buf_slice(&payload), LIMIT, &text), STATUS_TOO_LARGE);
    assert_true(mem_fail_pending());
    mem_fail_after(0);
    buf_deinit(&payload);
}

static void memory_that_runs_out_is_told_and_harms_no_later_message(void **state)
{
    struct buf payload;
    struct slice text;
    bomb(&payload, 100000, 'y');
    bool failed = false;
    for (size_t n = 1;; n++) {
        struct ws_inflater *fresh = ws_inflater_new();
        mem_fail_after(n);
        enum status status = ws_inflater_message(fresh, buf_slice(&payload), 100000, &text);
        const bool done = mem_fail_pending();
        mem_fail_after(0);
        if (!done) {
            assert_int_equal(status, STATUS_NO_MEMORY);
            assert_int_equal(ws_inflater_message(fresh, buf_slice(&payload), 100000, &text), STATUS_OK);
            failed = true;
        }
        ws_inflater_free(fresh);
        if (done) break;
    }
    assert_true(failed);
    for (size_t n = 1; n <= 6; n++) {
        mem_fail_after(n);
        struct ws_deflater *d = ws_deflater_new(1, 15);
        mem_fail_after(0);
        ws_deflater_free(d);
    }
    buf_deinit(&payload);
}

/* ---- out ---- */

/* The header of a server's frame off; its first byte in *first. */
static struct slice payload_of(const struct blob *frame, uint8_t *first)
{
    const uint8_t *bytes = (const uint8_t *)frame->bytes;
    const size_t header = bytes[1] == 126 ? 4 : bytes[1] == 127 ? 10 : 2;
    *first = bytes[0];
    assert_int_equal(frame->kind, BLOB_RAW);
    return slice_of(frame->bytes + header, frame->body_len - header);
}

static void what_is_compressed_inflates_to_the_same_at_every_level(void **state)
{
    static char body[70000];
    for (size_t i = 0; i < sizeof body; i++) body[i] = (char)('a' + (i * i / 7) % 13);
    static const size_t lengths[] = { 16, 40, 125, 126, 512, 4096, 65536, sizeof body };
    for (int level = -2; level <= 9; level++) {
        struct ws_deflater *d = ws_deflater_new(level, 15);
        assert_int_equal(ws_deflater_level(d), level);
        size_t smaller = 0;
        for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
            const enum ws_opcode opcode = i % 2 ? WS_OPCODE_TEXT : WS_OPCODE_BINARY;
            struct blob *frame = ws_deflater_frame(d, opcode, slice_of(body, lengths[i]));
            if (!frame) continue;
            smaller++;
            uint8_t first;
            struct slice payload = payload_of(frame, &first), text;
            assert_int_equal(first, WS_FIN_BIT | WS_RSV1_BIT | opcode);
            assert_true(payload.len < lengths[i]);
            assert_int_equal(ws_inflater_message(inflater, payload, sizeof body, &text), STATUS_OK);
            assert_true(slice_eq(text, slice_of(body, lengths[i])));
            blob_unref(frame);
        }
        assert_true(level == 0 ? smaller == 0 : smaller >= 4);
        ws_deflater_free(d);
    }
}

static void what_gains_nothing_is_left_plain(void **state)
{
    struct ws_deflater *d = ws_deflater_new(1, 15);
    char noise[300];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
    assert_null(ws_deflater_frame(d, WS_OPCODE_BINARY, slice_of(noise, sizeof noise)));
    assert_null(ws_deflater_frame(d, WS_OPCODE_TEXT, SLICE("{}")));
    assert_null(ws_deflater_frame(d, WS_OPCODE_TEXT, (struct slice){ 0 }));
    ws_deflater_free(d);
}

/* Inflates with a window of so many bits, in small steps, so that references go through that window. */
static void expect_readable(const struct blob *frame, int bits, struct slice body)
{
    uint8_t first;
    struct slice payload = payload_of(frame, &first);
    z_stream z = { .next_in = (Bytef *)(uintptr_t)payload.ptr, .avail_in = (uInt)payload.len };
    char out[64];
    size_t got = 0;
    assert_int_equal(inflateInit2(&z, -bits), Z_OK);
    do {
        z.next_out = (Bytef *)out;
        z.avail_out = sizeof out;
        int result = inflate(&z, Z_SYNC_FLUSH);
        assert_true(result == Z_OK || result == Z_BUF_ERROR);
        const size_t count = sizeof out - z.avail_out;
        assert_true(got + count <= body.len);
        assert_memory_equal(out, body.ptr + got, count);
        got += count;
    } while (z.avail_out == 0);
    assert_int_equal(got, body.len);
    inflateEnd(&z);
}

/* Letters without much repetition, but that the last ones are the first ones: the farthest
 * reference that there can be. */
static struct slice far_repetition(char *out, size_t len)
{
    uint32_t seed = 7;
    for (size_t i = 0; i < len; i++) out[i] = (char)('a' + ((seed = seed * 1664525 + 1013904223) >> 24) % 26);
    memcpy(out + len - 32, out, 32);
    return slice_of(out, len);
}

static void a_message_compressed_for_a_window_can_be_read_with_that_window(void **state)
{
    static char body[1 << 16];
    for (int bits = WS_DEFLATER_WINDOW_BITS_MIN; bits <= 15; bits++) {
        struct ws_deflater *d = ws_deflater_new(9, bits);
        for (size_t len = 256; len <= sizeof body; len *= 2) {
            const struct slice message = far_repetition(body, len);
            struct blob *frame = ws_deflater_frame(d, WS_OPCODE_TEXT, message);
            assert_non_null(frame);
            expect_readable(frame, bits, message);
            blob_unref(frame);
        }
        ws_deflater_free(d);
    }
}

static void a_message_no_longer_than_a_window_can_be_read_with_it_whatever_compressed_it(void **state)
{
    struct ws_deflater *d = ws_deflater_new(9, 15);
    static char body[1 << 14];
    for (int bits = 8; bits <= 14; bits++) {
        const struct slice message = far_repetition(body, (size_t)1 << bits);
        struct blob *frame = ws_deflater_frame(d, WS_OPCODE_TEXT, message);
        assert_non_null(frame);
        expect_readable(frame, bits, message);
        blob_unref(frame);
    }
    ws_deflater_free(d);
}

/* ---- over frames ---- */

/* The messages in wire, inflated, a line each; "broken CODE" or "status" at a failure. */
static void receive(struct slice wire, size_t step, struct buf *log)
{
    struct ws_decoder d;
    struct ws_assembler *assembler = NULL;
    struct buf unread;
    ws_decoder_init(&d, LIMIT);
    ws_decoder_allow_deflate(&d);
    buf_init(&unread, BUF_NO_LIMIT);
    enum ws_result result = WS_NEED_MORE;
    for (size_t at = 0; at < wire.len && result != WS_BROKEN; at += step) {
        buf_append(&unread, slice_head(slice_from(wire, at), step));
        struct ws_unread in = { unread.ptr, unread.len };
        struct ws_event event;
        while ((result = ws_decoder_next(&d, &in, &event)) != WS_NEED_MORE && result != WS_BROKEN) {
            struct slice payload = event.payload;
            if (result == WS_FRAGMENT) {
                assert_int_equal(ws_assembler_add(&assembler, &event, LIMIT), STATUS_OK);
                if (!event.is_last) continue;
                payload = ws_assembler_message(assembler);
            }
            enum status status = STATUS_OK;
            if (event.is_compressed) status = ws_inflater_message(inflater, payload, LIMIT, &payload);
            if (result == WS_PING) buf_append(log, SLICE("ping "));
            buf_append(log, status == STATUS_OK ? payload : slice_from_cstr(status_text(status)));
            buf_append_char(log, '\n');
            if (event.is_last) ws_assembler_free(assembler);
            if (event.is_last) assembler = NULL;
        }
        if (result == WS_BROKEN) buf_printf(log, "broken %d\n", event.code);
        buf_consume(&unread, unread.len - in.len);
    }
    ws_assembler_free(assembler);
    buf_deinit(&unread);
}

static void expect_received(const struct buf *wire, const char *expected)
{
    assert_true(buf_ok(wire));
    for (size_t step = 1; step <= wire->len; step++) {
        struct buf log;
        buf_init(&log, BUF_NO_LIMIT);
        receive(buf_slice(wire), step, &log);
        if (!slice_eq(buf_slice(&log), slice_from_cstr(expected)))
            fail_msg("in steps of %zu: %.*s", step, (int)log.len, log.ptr);
        buf_deinit(&log);
    }
}

#define HELLO SLICE("\xf2\x48\xcd\xc9\xc9\x07\x00")

static void compressed_and_plain_messages_mix_in_any_arrival(void **state)
{
    struct buf wire;
    buf_init(&wire, BUF_NO_LIMIT);
    ws_client_frame(&wire, TEXT | WS_RSV1_BIT, HELLO);
    ws_client_frame(&wire, TEXT, SLICE("plain"));
    ws_client_frame(&wire, BINARY | WS_RSV1_BIT, HELLO);
    expect_received(&wire, "Hello\nplain\nHello\n");
    buf_deinit(&wire);
}

static void a_compressed_message_cut_into_fragments_at_every_two_bytes_is_whole(void **state)
{
    for (size_t a = 0; a <= HELLO.len; a++) {
        for (size_t b = a; b <= HELLO.len; b++) {
            struct buf wire;
            buf_init(&wire, BUF_NO_LIMIT);
            ws_client_frame(&wire, TEXT_START | WS_RSV1_BIT, slice_head(HELLO, a));
            ws_client_frame(&wire, MIDDLE, slice_head(slice_from(HELLO, a), b - a));
            ws_client_frame(&wire, PING, SLICE("p"));
            ws_client_frame(&wire, LAST, slice_from(HELLO, b));
            ws_client_frame(&wire, TEXT, SLICE("plain"));
            expect_received(&wire, "ping p\nHello\nplain\n");
            buf_deinit(&wire);
        }
    }
}

static void rsv1_is_only_right_on_the_first_frame_of_a_message(void **state)
{
    static const struct {
        uint8_t first, second;
        bool broken;
    } rows[] = {
        { TEXT | WS_RSV1_BIT, TEXT, false },
        { TEXT_START | WS_RSV1_BIT, LAST, false },
        { TEXT_START | WS_RSV1_BIT, LAST | WS_RSV1_BIT, true },
        { TEXT_START, LAST | WS_RSV1_BIT, true },
        { TEXT, PING | WS_RSV1_BIT, true },
        { TEXT, PONG | WS_RSV1_BIT, true },
        { TEXT, CLOSE | WS_RSV1_BIT, true },
        { TEXT, TEXT | WS_RSV2_BIT, true },
        { TEXT, TEXT | WS_RSV3_BIT, true },
        { TEXT, TEXT | WS_RSV1_BIT | WS_RSV2_BIT, true },
        { TEXT, 0x83 | WS_RSV1_BIT, true },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct ws_decoder d;
        struct ws_event event;
        struct buf wire;
        buf_init(&wire, BUF_NO_LIMIT);
        ws_client_frame(&wire, rows[i].first, (struct slice){ 0 });
        ws_client_frame(&wire, rows[i].second, (struct slice){ 0 });
        struct ws_unread in = { wire.ptr, wire.len };
        ws_decoder_init(&d, LIMIT);
        ws_decoder_allow_deflate(&d);
        enum ws_result result = ws_decoder_next(&d, &in, &event);
        assert_true(result != WS_BROKEN);
        assert_int_equal(event.is_compressed, (rows[i].first & WS_RSV1_BIT) != 0);
        result = ws_decoder_next(&d, &in, &event);
        if ((result == WS_BROKEN) != rows[i].broken) fail_msg("row %zu", i);
        if (rows[i].broken) assert_int_equal(event.code, WS_CLOSE_PROTOCOL_ERROR);
        buf_deinit(&wire);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_section_7_2_3_give_their_text),
        cmocka_unit_test(the_context_of_the_message_before_is_gone),
        cmocka_unit_test(what_is_no_compressed_message_is_malformed),
        cmocka_unit_test(a_message_of_the_limit_passes_and_of_one_byte_more_is_too_large),
        cmocka_unit_test(a_bomb_is_cut_at_the_limit),
        cmocka_unit_test(memory_that_runs_out_is_told_and_harms_no_later_message),
        cmocka_unit_test(what_is_compressed_inflates_to_the_same_at_every_level),
        cmocka_unit_test(what_gains_nothing_is_left_plain),
        cmocka_unit_test(a_message_compressed_for_a_window_can_be_read_with_that_window),
        cmocka_unit_test(a_message_no_longer_than_a_window_can_be_read_with_it_whatever_compressed_it),
        cmocka_unit_test(compressed_and_plain_messages_mix_in_any_arrival),
        cmocka_unit_test(a_compressed_message_cut_into_fragments_at_every_two_bytes_is_whole),
        cmocka_unit_test(rsv1_is_only_right_on_the_first_frame_of_a_message),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
