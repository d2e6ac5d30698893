#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/mem.h"
#include "load/load_frame.h"
#include "ws/ws_decoder.h"

static void frames_of_a_server_come_out_with_their_kind_and_payload(void **state)
{
    static const struct {
        struct slice bytes;
        size_t len;
        uint8_t opcode;
        bool is_last, is_compressed;
        size_t payload_len;
    } rows[] = {
        { SLICE("\x81\x02hi"), 4, WS_OPCODE_TEXT, true, false, 2 },
        { SLICE("\x82\x00"), 2, WS_OPCODE_BINARY, true, false, 0 },
        { SLICE("\x01\x01h"), 3, WS_OPCODE_TEXT, false, false, 1 },
        { SLICE("\x80\x01i rest"), 3, WS_OPCODE_CONTINUATION, true, false, 1 },
        { SLICE("\xc1\x01z"), 3, WS_OPCODE_TEXT, true, true, 1 },
        { SLICE("\x88\x02\x03\xe8"), 4, WS_OPCODE_CLOSE, true, false, 2 },
        { SLICE("\x81\x7e\x00\x02hi"), 6, WS_OPCODE_TEXT, true, false, 2 },
        { SLICE("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x02hi"), 12, WS_OPCODE_TEXT, true, false, 2 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct load_frame frame;
        assert_int_equal(load_frame_take(rows[i].bytes, &frame), rows[i].len);
        assert_int_equal(frame.opcode, rows[i].opcode);
        assert_int_equal(frame.is_last, rows[i].is_last);
        assert_int_equal(frame.is_compressed, rows[i].is_compressed);
        assert_int_equal(frame.payload.len, rows[i].payload_len);
        for (size_t len = 0; len < rows[i].len; len++)
            assert_int_equal(load_frame_take(slice_head(rows[i].bytes, len), &frame), 0);
    }
}

static void a_frame_that_no_server_sends_is_broken_at_once(void **state)
{
    static const struct slice rows[] = {
        SLICE("\x81\x82"),                                 /* masked */
        SLICE("\xa1\x00"),                                 /* RSV2 */
        SLICE("\x91\x00"),                                 /* RSV3 */
        SLICE("\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x00"), /* a mebibyte */
        SLICE("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), /* and more */
    };
    struct load_frame frame;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) assert_true(load_frame_take(rows[i], &frame) == LOAD_FRAME_BROKEN);
}

static void what_a_client_sends_is_read_by_a_server(void **state)
{
    static const size_t lengths[] = { 0, 1, 125, 126, 65535, 65536, 70000 };
    char *text = mem_must_alloc(70000);
    memset(text, 'a', 70000);
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        struct buf out;
        struct ws_decoder decoder;
        struct ws_event event;
        buf_init(&out, BUF_NO_LIMIT);
        load_frame_begin(&out);
        buf_append(&out, slice_of(text, lengths[i]));
        struct slice frame = load_frame_end(&out, WS_OPCODE_TEXT);
        struct ws_unread in = { out.ptr + (frame.ptr - out.ptr), frame.len };
        ws_decoder_init(&decoder, 100000);
        assert_int_equal(ws_decoder_next(&decoder, &in, &event), WS_MESSAGE);
        assert_true(slice_eq(event.payload, slice_of(text, lengths[i])));
        assert_int_equal(in.len, 0);
        buf_deinit(&out);
    }
    mem_free(text);
}

static void a_buffer_that_is_full_gives_no_frame(void **state)
{
    struct buf out;
    buf_init(&out, 20);
    load_frame_begin(&out);
    buf_append(&out, SLICE("longer than there is room"));
    assert_int_equal(load_frame_end(&out, WS_OPCODE_TEXT).len, 0);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_a_server_come_out_with_their_kind_and_payload),
        cmocka_unit_test(a_frame_that_no_server_sends_is_broken_at_once),
        cmocka_unit_test(what_a_client_sends_is_read_by_a_server),
        cmocka_unit_test(a_buffer_that_is_full_gives_no_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
