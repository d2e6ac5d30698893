#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "ws/support/ws_client.h"
#include "ws/ws_close.h"
#include "ws/ws_decoder.h"
#include "ws/ws_frame.h"

#define LIMIT 65536

/* A frame as the tables below write it. */
struct piece {
    uint8_t first_byte;
    struct slice payload;
};
#define PIECES_MAX 6

struct conversation {
    const char *name;
    struct piece pieces[PIECES_MAX];
    const char *expected;
};

static void expect_conversations(const struct conversation *c, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf wire;
        buf_init(&wire, BUF_NO_LIMIT);
        for (size_t k = 0; k < PIECES_MAX && (c[i].pieces[k].payload.ptr); k++)
            ws_client_frame(&wire, c[i].pieces[k].first_byte, c[i].pieces[k].payload);
        print_message("  %s\n", c[i].name);
        ws_client_expect(&wire, LIMIT, slice_from_cstr(c[i].expected));
        buf_deinit(&wire);
    }
}

static void the_masked_hello_of_the_rfc_is_a_text_message(void **state)
{
    /* RFC 6455 section 5.7, byte by byte as printed there. */
    struct buf wire;
    buf_init(&wire, BUF_NO_LIMIT);
    buf_append(&wire, SLICE("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
    ws_client_expect(&wire, LIMIT, SLICE("message text:Hello\n"));
    buf_clear(&wire);
    buf_append(&wire, SLICE("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
    ws_client_expect(&wire, LIMIT, SLICE("pong:Hello\n"));
    buf_deinit(&wire);
}

static void the_unmasked_frames_of_the_rfc_are_refused_from_a_client(void **state)
{
    static const struct slice frames[] = { SLICE("\x81\x05\x48\x65\x6c\x6c\x6f"), SLICE("\x01\x03\x48\x65\x6c"),
                                           SLICE("\x89\x05\x48\x65\x6c\x6c\x6f") };
    for (size_t i = 0; i < ARRAY_COUNT(frames); i++) {
        struct buf wire;
        buf_init(&wire, BUF_NO_LIMIT);
        buf_append(&wire, frames[i]);
        ws_client_expect(&wire, LIMIT, SLICE("broken 1002:a client's frame is not masked\n"));
        buf_deinit(&wire);
    }
}

static void frames_in_a_right_order_give_their_events_at_every_split(void **state)
{
    static const struct conversation right[] = {
        { "empty messages", { { TEXT, SLICE("") }, { BINARY, SLICE("") } }, "message text:\nmessage binary:\n" },
        { "two messages",
          { { TEXT, SLICE("one") }, { BINARY, SLICE("\xff") } },
          "message text:one\nmessage binary:\xff\n" },
        { "fragments",
          { { TEXT_START, SLICE("Hel") }, { MIDDLE, SLICE("") }, { LAST, SLICE("lo") }, { TEXT, SLICE("x") } },
          "fragment text first:Hel\nfragment text:\nfragment text last:lo\nmessage text:x\n" },
        { "binary fragments need not be UTF-8",
          { { BINARY_START, SLICE("\xc3") }, { LAST, SLICE("\xff") } },
          "fragment binary first:\xc3\nfragment binary last:\xff\n" },
        { "control frames between fragments",
          { { TEXT_START, SLICE("a") }, { PING, SLICE("p") }, { PONG, SLICE("") }, { LAST, SLICE("b") } },
          "fragment text first:a\nping:p\npong:\nfragment text last:b\n" },
        { "a control frame inside a character",
          { { TEXT_START, SLICE("\xe2\x82") }, { PING, SLICE("\xff") }, { LAST, SLICE("\xac") } },
          "fragment text first:\xe2\x82\nping:\xff\nfragment text last:\xac\n" },
        { "two fragmented messages, the second's state is fresh",
          { { TEXT_START, SLICE("\xc3") },
            { LAST, SLICE("\xa4") },
            { BINARY_START, SLICE("x") },
            { LAST, SLICE("y") } },
          "fragment text first:\xc3\nfragment text last:\xa4\nfragment binary first:x\nfragment binary last:y\n" },
        { "close",
          { { CLOSE, SLICE("\x03\xe8"
                           "bye") } },
          "close 1000:bye\n" },
        { "close without a code", { { CLOSE, SLICE("") } }, "close 1005:\n" },
        { "close inside a message",
          { { TEXT_START, SLICE("a") }, { CLOSE, SLICE("\x0f\xa0") } },
          "fragment text first:a\nclose 4000:\n" },
        { "nothing counts after close",
          { { CLOSE, SLICE("\x03\xe8") }, { 0xff, SLICE("x") }, { TEXT, SLICE("y") } },
          "close 1000:\n" },
    };
    expect_conversations(right, ARRAY_COUNT(right));
}

static void frames_in_a_wrong_order_break_the_connection(void **state)
{
    static const struct conversation wrong[] = {
        { "continuation first", { { LAST, SLICE("a") } }, "broken 1002:a continuation without a first frame\n" },
        { "continuation after the last",
          { { TEXT_START, SLICE("a") }, { LAST, SLICE("b") }, { MIDDLE, SLICE("c") } },
          "fragment text first:a\nfragment text last:b\nbroken 1002:a continuation without a first frame\n" },
        { "continuation after a whole message",
          { { TEXT, SLICE("a") }, { LAST, SLICE("b") } },
          "message text:a\nbroken 1002:a continuation without a first frame\n" },
        { "new text inside",
          { { TEXT_START, SLICE("a") }, { TEXT, SLICE("b") } },
          "fragment text first:a\nbroken 1002:a new message inside a fragmented one\n" },
        { "new binary inside",
          { { BINARY_START, SLICE("a") }, { BINARY_START, SLICE("b") } },
          "fragment binary first:a\nbroken 1002:a new message inside a fragmented one\n" },
        { "fragmented ping", { { PING & ~WS_FIN_BIT, SLICE("a") } }, "broken 1002:a control frame is fragmented\n" },
        { "fragmented close", { { CLOSE & ~WS_FIN_BIT, SLICE("") } }, "broken 1002:a control frame is fragmented\n" },
    };
    expect_conversations(wrong, ARRAY_COUNT(wrong));
}

static void every_first_byte_is_accepted_or_refused_by_its_bits(void **state)
{
    for (unsigned first = 0; first < 256; first++) {
        const unsigned opcode = first & WS_OPCODE_BITS;
        const bool has_rsv = first & 0x70;
        const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
        struct ws_decoder d;
        struct ws_event event;
        char frame[] = { (char)first, (char)0x80, 1, 2, 3, 4 };
        struct ws_unread in = { frame, sizeof(frame) };
        ws_decoder_init(&d, LIMIT);
        const enum ws_result result = ws_decoder_next(&d, &in, &event);
        const bool right = !has_rsv && known && opcode != 0 && ((first & WS_FIN_BIT) || opcode < 8);
        assert_int_equal(result == WS_BROKEN, !right);
        if (right) continue;
        assert_int_equal(event.code, WS_CLOSE_PROTOCOL_ERROR);
        if (has_rsv) assert_int_equal(event.error, WS_ERROR_RSV);
        if (!has_rsv && !known) assert_int_equal(event.error, WS_ERROR_OPCODE);
    }
}

static void a_broken_decoder_stays_broken_and_takes_nothing(void **state)
{
    struct ws_decoder d;
    struct ws_event event;
    char bytes[] = "\xff\x80"
                   "123456\x81\x80"
                   "abcd";
    struct ws_unread in = { bytes, sizeof(bytes) - 1 };
    ws_decoder_init(&d, LIMIT);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ws_decoder_next(&d, &in, &event), WS_BROKEN);
        assert_int_equal(event.code, WS_CLOSE_PROTOCOL_ERROR);
        assert_int_equal(event.error, WS_ERROR_RSV);
        assert_ptr_equal(in.ptr, bytes);
        in.ptr = bytes + 8; /* a right frame does not mend it */
        in.len = 6;
        assert_int_equal(ws_decoder_next(&d, &in, &event), WS_BROKEN);
        in.ptr = bytes;
    }
}

struct length_case {
    uint8_t first_byte;
    uint64_t len;
    size_t length_len;
    size_t limit;
    int error; /* WS_ERROR_NONE: waits for the payload */
};

/* What the decoder says when only the header has come, and one byte before that. */
static void expect_header(const struct length_case *c)
{
    struct buf wire;
    struct ws_decoder d;
    struct ws_event event;
    buf_init(&wire, BUF_NO_LIMIT);
    ws_client_header(&wire, c->first_byte, c->len, c->length_len);
    ws_decoder_init(&d, c->limit);

    struct ws_unread in = { wire.ptr, wire.len };
    const enum ws_result result = ws_decoder_next(&d, &in, &event);
    if (c->error == WS_ERROR_NONE) {
        assert_int_equal(result, WS_NEED_MORE);
        assert_int_equal(ws_decoder_need(&d), wire.len + c->len);
    } else {
        assert_int_equal(result, WS_BROKEN);
        assert_int_equal(event.error, c->error);
        assert_int_equal(event.code, c->error == WS_ERROR_TOO_BIG ? WS_CLOSE_TOO_BIG : WS_CLOSE_PROTOCOL_ERROR);
    }
    buf_deinit(&wire);
}

static void a_length_is_judged_as_soon_as_the_header_is_there(void **state)
{
    static const struct length_case cases[] = {
        { TEXT, 125, 0, LIMIT, WS_ERROR_NONE },
        { TEXT, 125, 2, LIMIT, WS_ERROR_LENGTH_FORM },
        { TEXT, 0, 2, LIMIT, WS_ERROR_LENGTH_FORM },
        { TEXT, 126, 2, LIMIT, WS_ERROR_NONE },
        { TEXT, 65535, 2, LIMIT, WS_ERROR_NONE },
        { TEXT, 0, 8, LIMIT, WS_ERROR_LENGTH_FORM },
        { TEXT, 125, 8, LIMIT, WS_ERROR_LENGTH_FORM },
        { TEXT, 65535, 8, LIMIT, WS_ERROR_LENGTH_FORM },
        { TEXT, 65536, 8, LIMIT, WS_ERROR_NONE },
        { TEXT, 65537, 8, LIMIT, WS_ERROR_TOO_BIG },
        { BINARY_START, 65537, 8, LIMIT, WS_ERROR_TOO_BIG },
        { TEXT, 1ULL << 32, 8, LIMIT, WS_ERROR_TOO_BIG },
        { TEXT, (1ULL << 32) + 10, 8, (size_t)-1, WS_ERROR_TOO_BIG },
        { TEXT, WS_MESSAGE_LEN_MAX, 8, (size_t)-1, WS_ERROR_NONE },
        { TEXT, WS_MESSAGE_LEN_MAX + 1ULL, 8, (size_t)-1, WS_ERROR_TOO_BIG },
        { TEXT, INT64_MAX, 8, LIMIT, WS_ERROR_TOO_BIG },
        { TEXT, 1ULL << 63, 8, LIMIT, WS_ERROR_LENGTH_SIGN },
        { TEXT, UINT64_MAX, 8, (size_t)-1, WS_ERROR_LENGTH_SIGN },
        { TEXT, 100, 0, 100, WS_ERROR_NONE },
        { TEXT, 101, 0, 100, WS_ERROR_TOO_BIG },
        { TEXT, 1, 0, 0, WS_ERROR_TOO_BIG },
        { PING, 125, 0, 100, WS_ERROR_NONE },
        { PING, 126, 2, LIMIT, WS_ERROR_CONTROL_LONG },
        { PONG, 65536, 8, LIMIT, WS_ERROR_CONTROL_LONG },
        { CLOSE, 126, 2, LIMIT, WS_ERROR_CONTROL_LONG },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) expect_header(&cases[i]);
}

static void fragments_are_summed_under_the_limit(void **state)
{
    struct buf wire;
    buf_init(&wire, BUF_NO_LIMIT);
    for (int i = 0; i < 2; i++) { /* twice: the sum begins anew */
        ws_client_frame(&wire, BINARY_START, SLICE("12345"));
        ws_client_frame(&wire, PING, SLICE("control frames do not count"));
        ws_client_frame(&wire, MIDDLE, SLICE("678"));
        ws_client_frame(&wire, LAST, SLICE("90"));
    }
    static const char whole[] = "fragment binary first:12345\nping:control frames do not count\n"
                                "fragment binary:678\nfragment binary last:90\n"
                                "fragment binary first:12345\nping:control frames do not count\n"
                                "fragment binary:678\nfragment binary last:90\n";
    ws_client_expect(&wire, 10, slice_from_cstr(whole));
    ws_client_expect(&wire, 9,
                     SLICE("fragment binary first:12345\nping:control frames do not count\n"
                           "fragment binary:678\nbroken 1009:the message is over the size limit\n"));
    buf_deinit(&wire);
}

static void a_sum_over_the_limit_is_refused_when_only_the_header_has_come(void **state)
{
    struct buf wire;
    buf_init(&wire, BUF_NO_LIMIT);
    ws_client_frame(&wire, TEXT_START, SLICE("12345"));
    ws_client_header(&wire, MIDDLE, 6, 0);
    ws_client_expect(&wire, 10, SLICE("fragment text first:12345\nbroken 1009:the message is over the size limit\n"));
    buf_deinit(&wire);
}

static void need_grows_from_the_start_to_the_header_to_the_frame(void **state)
{
    struct buf wire;
    struct ws_decoder d;
    struct ws_event event;
    char payload[300];
    memset(payload, 'a', sizeof(payload));
    buf_init(&wire, BUF_NO_LIMIT);
    ws_client_frame(&wire, TEXT, slice_of(payload, sizeof(payload)));
    assert_int_equal(wire.len, 308);
    ws_decoder_init(&d, LIMIT);
    for (size_t len = 0; len < wire.len; len++) {
        struct ws_unread in = { wire.ptr, len };
        assert_int_equal(ws_decoder_next(&d, &in, &event), WS_NEED_MORE);
        assert_int_equal(in.len, len);
        assert_int_equal(ws_decoder_need(&d), len < 2 ? 2 : len < 8 ? 8 : 308);
    }
    struct ws_unread in = { wire.ptr, wire.len };
    assert_int_equal(ws_decoder_next(&d, &in, &event), WS_MESSAGE);
    assert_ptr_equal(event.payload.ptr, wire.ptr + 8);
    assert_int_equal(ws_decoder_need(&d), 2);
    buf_deinit(&wire);
}

static void bytes_are_unmasked_only_when_the_frame_is_complete(void **state)
{
    struct buf wire;
    struct ws_decoder d;
    struct ws_event event;
    char before[64];
    buf_init(&wire, BUF_NO_LIMIT);
    ws_client_frame(&wire, TEXT, SLICE("not touched until it is whole"));
    memcpy(before, wire.ptr, wire.len);
    ws_decoder_init(&d, LIMIT);
    for (size_t len = 0; len < wire.len; len++) {
        struct ws_unread in = { wire.ptr, len };
        assert_int_equal(ws_decoder_next(&d, &in, &event), WS_NEED_MORE);
        assert_memory_equal(wire.ptr, before, wire.len);
    }
    buf_deinit(&wire);
}

static void the_decoder_knows_when_a_message_is_incomplete(void **state)
{
    struct buf wire;
    struct ws_decoder d;
    struct ws_event event;
    buf_init(&wire, BUF_NO_LIMIT);
    ws_client_frame(&wire, TEXT_START, SLICE("a"));
    ws_client_frame(&wire, PING, SLICE(""));
    ws_client_frame(&wire, LAST, SLICE("b"));
    ws_decoder_init(&d, LIMIT);
    struct ws_unread in = { wire.ptr, wire.len };
    assert_false(ws_decoder_in_message(&d));
    assert_int_equal(ws_decoder_next(&d, &in, &event), WS_FRAGMENT);
    assert_true(ws_decoder_in_message(&d));
    assert_int_equal(ws_decoder_next(&d, &in, &event), WS_PING);
    assert_true(ws_decoder_in_message(&d));
    assert_int_equal(ws_decoder_next(&d, &in, &event), WS_FRAGMENT);
    assert_false(ws_decoder_in_message(&d));
    buf_deinit(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_masked_hello_of_the_rfc_is_a_text_message),
        cmocka_unit_test(the_unmasked_frames_of_the_rfc_are_refused_from_a_client),
        cmocka_unit_test(frames_in_a_right_order_give_their_events_at_every_split),
        cmocka_unit_test(frames_in_a_wrong_order_break_the_connection),
        cmocka_unit_test(every_first_byte_is_accepted_or_refused_by_its_bits),
        cmocka_unit_test(a_broken_decoder_stays_broken_and_takes_nothing),
        cmocka_unit_test(a_length_is_judged_as_soon_as_the_header_is_there),
        cmocka_unit_test(fragments_are_summed_under_the_limit),
        cmocka_unit_test(a_sum_over_the_limit_is_refused_when_only_the_header_has_come),
        cmocka_unit_test(need_grows_from_the_start_to_the_header_to_the_frame),
        cmocka_unit_test(bytes_are_unmasked_only_when_the_frame_is_complete),
        cmocka_unit_test(the_decoder_knows_when_a_message_is_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
