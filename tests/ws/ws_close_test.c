#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "ws/support/ws_client.h"
#include "ws/ws_close.h"
#include "ws/ws_decoder.h"

static void every_one_of_the_65536_codes_is_allowed_or_refused_by_the_table(void **state)
{
    /* RFC 6455 section 7.4 and the IANA registry, as ranges that may be sent. */
    static const struct {
        unsigned first, last;
    } allowed[] = { { 1000, 1003 }, { 1007, 1014 }, { 3000, 4999 } };
    for (unsigned code = 0; code <= UINT16_MAX; code++) {
        bool expected = false;
        for (size_t i = 0; i < ARRAY_COUNT(allowed); i++)
            expected = expected || (code >= allowed[i].first && code <= allowed[i].last);
        assert_int_equal(ws_close_code_on_wire((uint16_t)code), expected);
    }
}

struct close_case {
    struct slice payload;
    uint16_t failure;
    uint16_t code;
    const char *reason;
};

static const struct close_case cases[] = {
    { SLICE(""), 0, WS_CLOSE_NO_STATUS, "" },
    { SLICE("\x03"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL },
    { SLICE("\x03\xe8"), 0, 1000, "" },
    { SLICE("\x03\xe9"
            "away"),
      0, 1001, "away" },
    { SLICE("\x0f\xa0\xc3\xa4"), 0, 4000, "\xc3\xa4" },
    { SLICE("\x13\x87"), 0, 4999, "" },
    { SLICE("\x13\x88"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL }, /* 5000 */
    { SLICE("\x00\x00"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL },
    { SLICE("\x03\xe7"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL }, /* 999 */
    { SLICE("\x03\xec"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL }, /* 1004 */
    { SLICE("\x03\xed"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL }, /* 1005 */
    { SLICE("\x03\xee"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL }, /* 1006 */
    { SLICE("\x03\xf6"), 0, 1014, "" },
    { SLICE("\x03\xf7"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL }, /* 1015 */
    { SLICE("\x0b\xb7"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL }, /* 2999 */
    { SLICE("\xff\xff"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL },
    { SLICE("\x03\xe8\xff"), WS_CLOSE_INVALID_PAYLOAD, 0, NULL },
    { SLICE("\x03\xe8"
            "ab\xe2\x82"),
      WS_CLOSE_INVALID_PAYLOAD, 0, NULL },
    { SLICE("\x03\xec\xff"), WS_CLOSE_PROTOCOL_ERROR, 0, NULL }, /* the code is judged first */
};

static void a_close_payload_gives_code_and_reason_or_the_code_to_fail_with(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint16_t code = 1;
        struct slice reason = SLICE("untouched");
        assert_int_equal(ws_close_parse(cases[i].payload, &code, &reason), cases[i].failure);
        assert_int_equal(code, cases[i].failure ? 1 : cases[i].code);
        assert_true(slice_eq(reason, slice_from_cstr(cases[i].failure ? "untouched" : cases[i].reason)));
    }
}

static void a_close_frame_gives_the_same_through_the_decoder(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf wire, expected;
        buf_init(&wire, BUF_NO_LIMIT);
        buf_init(&expected, BUF_NO_LIMIT);
        ws_client_frame(&wire, CLOSE, cases[i].payload);
        if (!cases[i].failure) {
            buf_printf(&expected, "close %u:%s\n", cases[i].code, cases[i].reason);
        } else {
            const bool is_code = cases[i].failure == WS_CLOSE_PROTOCOL_ERROR;
            buf_printf(&expected, "broken %u:%s\n", cases[i].failure,
                       ws_error_text(is_code ? WS_ERROR_CLOSE_CODE : WS_ERROR_CLOSE_REASON));
        }
        ws_client_expect(&wire, 0, buf_slice(&expected));
        buf_deinit(&wire);
        buf_deinit(&expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_one_of_the_65536_codes_is_allowed_or_refused_by_the_table),
        cmocka_unit_test(a_close_payload_gives_code_and_reason_or_the_code_to_fail_with),
        cmocka_unit_test(a_close_frame_gives_the_same_through_the_decoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
