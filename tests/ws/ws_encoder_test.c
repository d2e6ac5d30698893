#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "ws/ws_encoder.h"

static void expect_frame(struct blob *b, struct slice expected)
{
    assert_non_null(b);
    assert_int_equal(b->kind, BLOB_RAW);
    assert_int_equal(b->body_len, expected.len);
    assert_memory_equal(blob_body(b), expected.ptr, expected.len);
    blob_unref(b);
}

static void a_header_has_the_shortest_length(void **state)
{
    static const struct {
        uint8_t opcode;
        uint64_t len;
        struct slice expected;
    } cases[] = {
        { WS_OPCODE_TEXT, 0, SLICE("\x81\x00") },
        { WS_OPCODE_TEXT, 5, SLICE("\x81\x05") },
        { WS_OPCODE_PONG, 125, SLICE("\x8a\x7d") },
        { WS_OPCODE_BINARY, 126, SLICE("\x82\x7e\x00\x7e") },
        { WS_OPCODE_BINARY, 256, SLICE("\x82\x7e\x01\x00") }, /* RFC 6455 section 5.7 */
        { WS_OPCODE_BINARY, 65535, SLICE("\x82\x7e\xff\xff") },
        { WS_OPCODE_BINARY, 65536, SLICE("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00") }, /* section 5.7 */
        { WS_OPCODE_TEXT, INT64_MAX, SLICE("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff") },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint8_t header[WS_SERVER_HEADER_LEN_MAX];
        const size_t len = ws_frame_header(cases[i].opcode, cases[i].len, header);
        assert_int_equal(len, cases[i].expected.len);
        assert_memory_equal(header, cases[i].expected.ptr, len);
    }
}

static void a_text_message_is_header_body_and_separator(void **state)
{
    struct blob *b = ws_text_message(SLICE("Hello"));
    assert_non_null(b);
    assert_int_equal(b->kind, BLOB_MESSAGE);
    assert_int_equal(b->flags, WS_OPCODE_TEXT);
    assert_true(slice_eq(blob_frame(b), SLICE("\x81\x05Hello")));
    assert_int_equal(b->separator_len, 1);
    assert_int_equal(blob_body(b)[b->body_len], '\n');
    blob_unref(b);
}

static void a_binary_message_has_no_separator(void **state)
{
    struct blob *b = ws_binary_message((struct slice){ 0 });
    assert_non_null(b);
    assert_int_equal(b->flags, WS_OPCODE_BINARY);
    assert_int_equal(b->separator_len, 0);
    assert_true(slice_eq(blob_frame(b), SLICE("\x82\x00")));
    blob_unref(b);
}

static void a_message_body_may_be_written_later(void **state)
{
    struct blob *b = ws_message_new(WS_OPCODE_TEXT, 300);
    assert_non_null(b);
    assert_int_equal(b->header_len, 4);
    memset(blob_body(b), 'a', 300);
    assert_int_equal(blob_body(b)[300], '\n');
    assert_memory_equal(blob_header(b),
                        "\x81\x7e\x01\x2c"
                        "aaa",
                        7);
    blob_unref(b);
    assert_null(ws_message_new(WS_OPCODE_TEXT, WS_BODY_LEN_MAX + 1ULL));
}

static void ping_and_pong_carry_their_payload(void **state)
{
    char payload[WS_CONTROL_PAYLOAD_MAX];
    memset(payload, 'p', sizeof(payload));
    expect_frame(ws_ping_frame((struct slice){ 0 }), SLICE("\x89\x00"));
    expect_frame(ws_ping_frame(SLICE("Hello")), SLICE("\x89\x05Hello")); /* RFC 6455 section 5.7 */
    struct blob *b = ws_pong_frame(slice_of(payload, sizeof(payload)));
    assert_non_null(b);
    assert_int_equal(b->body_len, 127);
    assert_memory_equal(blob_body(b), "\x8a\x7dppp", 5);
    blob_unref(b);
}

static void a_close_frame_carries_code_and_reason(void **state)
{
    expect_frame(ws_close_frame(1000, (struct slice){ 0 }), SLICE("\x88\x02\x03\xe8"));
    expect_frame(ws_close_frame(3001, SLICE("shutdown")), SLICE("\x88\x0a\x0b\xb9shutdown"));
    expect_frame(ws_close_frame(WS_CLOSE_NO_STATUS, SLICE("dropped")), SLICE("\x88\x00"));
    expect_frame(ws_close_frame(1000, SLICE("\xff not UTF-8")), SLICE("\x88\x02\x03\xe8"));
}

static void a_code_that_may_not_be_sent_goes_as_internal_error(void **state)
{
    static const uint16_t codes[] = { 0, 100, 999, 1004, 1006, 1015, 2999, 5000, 65535 };
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++)
        expect_frame(ws_close_frame(codes[i], SLICE("x")), SLICE("\x88\x03\x03\xf3x"));
}

/* A reason of filler_len letters and then copies of character. */
static void expect_cut(size_t filler_len, const char *character, size_t expected_len)
{
    struct buf reason;
    buf_init(&reason, BUF_NO_LIMIT);
    for (size_t i = 0; i < filler_len; i++) buf_append_char(&reason, 'r');
    while (reason.len < 140) buf_append(&reason, slice_from_cstr(character));

    struct blob *b = ws_close_frame(4000, buf_slice(&reason));
    assert_non_null(b);
    assert_int_equal(b->body_len, 2 + WS_CLOSE_CODE_LEN + expected_len);
    assert_int_equal((uint8_t)blob_body(b)[1], WS_CLOSE_CODE_LEN + expected_len);
    assert_memory_equal(blob_body(b) + 4, reason.ptr, expected_len);
    blob_unref(b);
    buf_deinit(&reason);
}

static void a_long_reason_is_cut_at_the_border_of_a_character(void **state)
{
    expect_cut(122, "r", 123);
    expect_cut(123, "\xc3\xa4", 123);
    expect_cut(122, "\xc3\xa4", 122);
    expect_cut(121, "\xc3\xa4", 123);
    expect_cut(121, "\xe2\x82\xac", 121);
    expect_cut(120, "\xe2\x82\xac", 123);
    expect_cut(120, "\xf0\x9f\x98\x80", 120);
    expect_cut(119, "\xf0\x9f\x98\x80", 123);
}

static void a_reason_of_123_bytes_is_kept_whole(void **state)
{
    char reason[WS_CLOSE_REASON_LEN_MAX];
    memset(reason, 'r', sizeof(reason));
    struct blob *b = ws_close_frame(1000, slice_of(reason, sizeof(reason)));
    assert_non_null(b);
    assert_int_equal(b->body_len, 127);
    blob_unref(b);
}

static void without_memory_there_is_no_blob(void **state)
{
    mem_fail_after(1);
    assert_null(ws_text_message(SLICE("a")));
    mem_fail_after(1);
    assert_null(ws_close_frame(1000, SLICE("a")));
    mem_fail_after(1);
    assert_null(ws_pong_frame(SLICE("a")));
    mem_fail_after(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_has_the_shortest_length),
        cmocka_unit_test(a_text_message_is_header_body_and_separator),
        cmocka_unit_test(a_binary_message_has_no_separator),
        cmocka_unit_test(a_message_body_may_be_written_later),
        cmocka_unit_test(ping_and_pong_carry_their_payload),
        cmocka_unit_test(a_close_frame_carries_code_and_reason),
        cmocka_unit_test(a_code_that_may_not_be_sent_goes_as_internal_error),
        cmocka_unit_test(a_long_reason_is_cut_at_the_border_of_a_character),
        cmocka_unit_test(a_reason_of_123_bytes_is_kept_whole),
        cmocka_unit_test(without_memory_there_is_no_blob),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
