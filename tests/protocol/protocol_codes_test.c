#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "protocol/protocol_codes.h"

static void client_errors_have_message_and_temporary_flag(void **state)
{
    assert_int_equal(CLIENT_ERROR_CONCURRENT_PAGINATION, 113);
    assert_true(slice_eq(client_error_message(CLIENT_ERROR_TOKEN_EXPIRED), SLICE("token expired")));
    for (uint32_t code = 0; code < 200; code++) {
        bool known = code >= 100 && code <= 113;
        assert_int_equal(client_error_message(code).len > 0, known);
        assert_int_equal(client_error_temporary(code), code == 100 || code == 111 || code == 113);
    }
}

static void api_errors_have_message_and_http_status(void **state)
{
    static const struct {
        uint32_t code;
        int status;
        const char *message;
    } cases[] = {
        { 100, 500, "internal server error" },
        { 102, 404, "unknown channel" },
        { 104, 404, "not found" },
        { 107, 400, "bad request" },
        { 108, 400, "not available" },
        { 112, 416, "unrecoverable position" },
        { 113, 409, "conflict" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(api_error_http_status(cases[i].code), cases[i].status);
        assert_true(slice_eq(api_error_message(cases[i].code), slice_from_cstr(cases[i].message)));
    }
    assert_int_equal(api_error_http_status(103), 0);
    assert_int_equal(api_error_message(103).len, 0);
}

static void disconnect_codes_have_a_reason_that_fits_a_close_frame(void **state)
{
    size_t known = 0;
    for (uint32_t code = 0; code < 6000; code++) {
        struct slice reason = disconnect_reason(code);
        assert_true(reason.len <= DISCONNECT_REASON_MAX);
        known += reason.len > 0;
    }
    assert_int_equal(known, 22);
    assert_true(slice_eq(disconnect_reason(DISCONNECT_FORCE_NO_RECONNECT), SLICE("force disconnect")));
    assert_true(slice_eq(disconnect_reason(3010), SLICE("insufficient state")));
}

static void a_client_connects_again_by_the_range_of_the_code(void **state)
{
    static const uint32_t again[] = { 3000, 3499, 4000, 4499, 5000, 70000 };
    static const uint32_t never[] = { 0, 1009, 2999, 3500, 3999, 4500, 4999 };
    for (size_t i = 0; i < ARRAY_COUNT(again); i++) assert_true(disconnect_reconnects(again[i]));
    for (size_t i = 0; i < ARRAY_COUNT(never); i++) assert_false(disconnect_reconnects(never[i]));
}

static void unsubscribe_codes_have_a_reason(void **state)
{
    assert_true(slice_eq(unsubscribe_reason(0), SLICE("client unsubscribed")));
    assert_true(slice_eq(unsubscribe_reason(UNSUBSCRIBE_SERVER), SLICE("server unsubscribe")));
    assert_true(slice_eq(unsubscribe_reason(2500), SLICE("insufficient state")));
    assert_true(slice_eq(unsubscribe_reason(2501), SLICE("subscription expired")));
    assert_true(slice_eq(unsubscribe_reason(2502), SLICE("state invalidated")));
    assert_int_equal(unsubscribe_reason(2503).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_errors_have_message_and_temporary_flag),
        cmocka_unit_test(api_errors_have_message_and_http_status),
        cmocka_unit_test(disconnect_codes_have_a_reason_that_fits_a_close_frame),
        cmocka_unit_test(a_client_connects_again_by_the_range_of_the_code),
        cmocka_unit_test(unsubscribe_codes_have_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
