#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "account/account_totp.h"
#include "base/check.h"

static const uint8_t rfc_secret[] = "12345678901234567890";

static void the_codes_of_rfc_6238_fit_at_their_times(void **state)
{
    static const struct {
        int64_t now_s;
        const char *code;
    } rows[] = { { 59, "287082" },         { 1111111109, "081804" }, { 1111111111, "050471" },
                 { 1234567890, "005924" }, { 2000000000, "279037" }, { 20000000000, "353130" } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct slice code = slice_from_cstr(rows[i].code);
        const int64_t step = rows[i].now_s / 30;
        assert_int_equal(account_totp_check(rfc_secret, code, rows[i].now_s, 0), step);
        assert_int_equal(account_totp_check(rfc_secret, code, rows[i].now_s + 30, 0), step);
        assert_int_equal(account_totp_check(rfc_secret, code, rows[i].now_s - 30, 0), step);
        assert_int_equal(account_totp_check(rfc_secret, code, rows[i].now_s + 90, 0), 0);
        assert_int_equal(account_totp_check(rfc_secret, code, rows[i].now_s, step), 0); /* used already */
    }
}

static void a_code_is_six_digits_and_may_have_blanks(void **state)
{
    assert_int_equal(account_totp_check(rfc_secret, SLICE("287 082"), 59, 0), 1);
    static const char *const bad[] = { "", "28708", "2870820", "287083", "28708x", "      " };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(account_totp_check(rfc_secret, slice_from_cstr(bad[i]), 59, 0), 0);
}

static void the_secret_comes_out_for_apps(void **state)
{
    char text[ACCOUNT_TOTP_SECRET_TEXT_MAX];
    struct buf uri;
    account_totp_text(rfc_secret, text);
    assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    buf_init(&uri, 512);
    account_totp_uri(rfc_secret, SLICE("ann+x@example.com"), &uri);
    buf_append_char(&uri, 0);
    assert_string_equal(uri.ptr, "otpauth://totp/Xshathra:ann%2Bx%40example.com?secret="
                                 "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Xshathra");
    buf_deinit(&uri);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_codes_of_rfc_6238_fit_at_their_times),
        cmocka_unit_test(a_code_is_six_digits_and_may_have_blanks),
        cmocka_unit_test(the_secret_comes_out_for_apps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
