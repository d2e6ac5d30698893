#include "http/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"

#define S(text)                                                                                                        \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

static const struct http_header HEADERS[] = {
    { S("Host"), S("h") },
    { S("Sec-WebSocket-Protocol"), S("a, b") },
    { S("X-Empty"), S("") },
    { S("sec-websocket-protocol"), S(" ,c,") },
};
static const struct http_request REQUEST = { .headers = HEADERS, .header_count = ARRAY_COUNT(HEADERS) };

static void headers_are_found_without_regard_to_case(void **state)
{
    (void)state;
    assert_true(slice_eq(http_request_header(&REQUEST, SLICE("HOST")), SLICE("h")));
    assert_true(slice_eq(http_request_header(&REQUEST, SLICE("sec-websocket-protocol")), SLICE("a, b")));
    assert_non_null(http_request_header(&REQUEST, SLICE("x-empty")).ptr);
    assert_int_equal(http_request_header(&REQUEST, SLICE("x-empty")).len, 0);
    assert_null(http_request_header(&REQUEST, SLICE("hos")).ptr);
    assert_null(http_request_header(&REQUEST, SLICE("")).ptr);
}

static void each_header_of_a_name_is_found_in_order(void **state)
{
    (void)state;
    size_t index = 0;
    struct slice value;
    assert_true(http_request_header_next(&REQUEST, SLICE("Sec-Websocket-Protocol"), &index, &value));
    assert_true(slice_eq(value, SLICE("a, b")));
    assert_true(http_request_header_next(&REQUEST, SLICE("Sec-Websocket-Protocol"), &index, &value));
    assert_true(slice_eq(value, SLICE(" ,c,")));
    assert_false(http_request_header_next(&REQUEST, SLICE("Sec-Websocket-Protocol"), &index, &value));
    assert_false(http_request_header_next(&REQUEST, SLICE("Sec-Websocket-Protocol"), &index, &value));
}

static void members_of_lists_are_whole_tokens(void **state)
{
    (void)state;
    static const struct {
        struct slice value;
        bool has;
    } CASES[] = {
        { S("upgrade"), true },         { S("keep-alive, Upgrade"), true },
        { S(" \tUPGRADE\t ,x"), true }, { S(",,upgrade,,"), true },
        { S("upgrades"), false },       { S("xupgrade"), false },
        { S("up grade"), false },       { S(""), false },
        { S(",, ,"), false },           { S("upgrade;q=1"), false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++)
        assert_int_equal(http_header_has_token(CASES[i].value, SLICE("upgrade")), CASES[i].has);
    assert_true(http_request_has_token(&REQUEST, SLICE("sec-websocket-protocol"), SLICE("C")));
    assert_true(http_request_has_token(&REQUEST, SLICE("sec-websocket-protocol"), SLICE("b")));
    assert_false(http_request_has_token(&REQUEST, SLICE("sec-websocket-protocol"), SLICE("d")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_found_without_regard_to_case),
        cmocka_unit_test(each_header_of_a_name_is_found_in_order),
        cmocka_unit_test(members_of_lists_are_whole_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
