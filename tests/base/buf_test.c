#include <inttypes.h>
#include <limits.h>

#include "base/support/cm.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

static void assert_text(const struct buf *b, const char *text)
{
    if (!slice_eq(buf_slice(b), slice_from_cstr(text))) fail_msg("%.*s is not %s", SLICE_ARG(buf_slice(b)), text);
}

static void an_empty_buffer_owns_nothing(void **state)
{
    struct buf b;
    buf_init(&b, 10);
    assert_null(b.ptr);
    assert_true(buf_ok(&b));
    buf_append(&b, (struct slice){ 0 });
    buf_consume(&b, 5);
    assert_int_equal(b.len, 0);
    buf_deinit(&b);
}

static void bytes_are_appended_in_order(void **state)
{
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    for (int i = 0; i < 1000; i++) {
        buf_append(&b, SLICE("ab"));
        buf_append_char(&b, 'c');
    }
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, 3000);
    for (size_t i = 0; i < b.len; i++) assert_int_equal(b.ptr[i], "abc"[i % 3]);
    buf_deinit(&b);
    assert_null(b.ptr);
    assert_int_equal(b.len_max, BUF_NO_LIMIT);
}

static void the_limit_itself_fits_and_one_more_does_not(void **state)
{
    static const size_t limits[] = { 0, 1, 62, 63, 64, 65, 127, 128, 1000 };
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        struct buf b;
        buf_init(&b, limits[i]);
        for (size_t n = 0; n < limits[i]; n++) buf_append_char(&b, 'x');
        assert_true(buf_ok(&b));
        assert_int_equal(b.len, limits[i]);
        assert_true(b.cap <= limits[i]);
        buf_append_char(&b, 'y');
        assert_int_equal(b.failed, STATUS_TOO_LARGE);
        assert_int_equal(b.len, limits[i]);
        buf_deinit(&b);
    }
}

static void a_failure_is_remembered_until_cleared(void **state)
{
    struct buf b;
    buf_init(&b, 4);
    buf_append(&b, SLICE("abc"));
    buf_append(&b, SLICE("de"));
    buf_append(&b, SLICE("f"));
    buf_append_u64(&b, 1);
    buf_printf(&b, "%d", 1);
    assert_null(buf_reserve(&b, 0));
    assert_int_equal(b.failed, STATUS_TOO_LARGE);
    assert_text(&b, "abc");
    size_t len;
    assert_null(buf_take(&b, &len));
    buf_clear(&b);
    assert_true(buf_ok(&b));
    buf_append(&b, SLICE("wxyz"));
    assert_true(buf_ok(&b));
    assert_text(&b, "wxyz");
    buf_deinit(&b);
}

static void memory_that_is_out_is_reported(void **state)
{
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    mem_fail_after(1);
    buf_append(&b, SLICE("a"));
    assert_int_equal(b.failed, STATUS_NO_MEMORY);
    assert_int_equal(b.len, 0);
    buf_clear(&b);
    for (int i = 0; i < 63; i++) buf_append_char(&b, 'a');
    mem_fail_after(1);
    buf_append_char(&b, 'b');
    assert_int_equal(b.failed, STATUS_NO_MEMORY);
    assert_int_equal(b.len, 63);
    buf_clear(&b);
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.failed, STATUS_NO_MEMORY);
    buf_deinit(&b);
}

static void numbers_are_written_in_decimal(void **state)
{
    static const struct {
        bool is_signed;
        uint64_t bits;
        const char *text;
    } rows[] = {
        { false, 0, "0" },
        { false, 9, "9" },
        { false, 10, "10" },
        { false, UINT64_MAX, "18446744073709551615" },
        { true, 0, "0" },
        { true, (uint64_t)-1, "-1" },
        { true, INT64_MAX, "9223372036854775807" },
        { true, (uint64_t)INT64_MIN, "-9223372036854775808" },
    };
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        buf_clear(&b);
        if (rows[i].is_signed)
            buf_append_i64(&b, (int64_t)rows[i].bits);
        else
            buf_append_u64(&b, rows[i].bits);
        assert_text(&b, rows[i].text);
    }
    buf_deinit(&b);
}

static void a_negative_number_never_leaves_a_lone_sign(void **state)
{
    struct buf b;
    buf_init(&b, 1);
    buf_append_i64(&b, -5);
    assert_int_equal(b.failed, STATUS_TOO_LARGE);
    assert_int_equal(b.len, 0);
    buf_deinit(&b);
}

static void formatted_text_of_any_length_fits(void **state)
{
    char text[400];
    memset(text, 'q', sizeof text);
    for (int len = 0; len < 400; len++) {
        struct buf b;
        buf_init(&b, BUF_NO_LIMIT);
        buf_append(&b, SLICE(">"));
        buf_printf(&b, "%.*s", len, text);
        buf_append(&b, SLICE("<"));
        assert_true(buf_ok(&b));
        assert_int_equal(b.len, len + 2);
        assert_memory_equal(b.ptr + 1, text, (size_t)len);
        assert_int_equal(b.ptr[len + 1], '<');
        buf_deinit(&b);
    }
}

static void formatted_text_keeps_to_the_limit(void **state)
{
    struct buf b;
    buf_init(&b, 5);
    buf_printf(&b, "%d", 12345);
    assert_text(&b, "12345");
    assert_true(buf_ok(&b));
    buf_clear(&b);
    buf_printf(&b, "%d", 123456);
    assert_int_equal(b.failed, STATUS_TOO_LARGE);
    assert_int_equal(b.len, 0);
    buf_deinit(&b);
}

static void consuming_moves_the_rest_down(void **state)
{
    struct buf b;
    buf_init(&b, 10);
    buf_append(&b, SLICE("0123456789"));
    buf_consume(&b, 0);
    buf_consume(&b, 3);
    assert_text(&b, "3456789");
    buf_append(&b, SLICE("abc"));
    assert_true(buf_ok(&b));
    buf_consume(&b, 100);
    assert_int_equal(b.len, 0);
    buf_deinit(&b);
}

static void reserved_room_may_be_filled_by_hand(void **state)
{
    struct buf b;
    buf_init(&b, 1000);
    char *at = buf_reserve(&b, 1000);
    assert_non_null(at);
    memset(at, 'r', 1000);
    b.len += 1000;
    assert_non_null(buf_reserve(&b, 0));
    assert_null(buf_reserve(&b, 1));
    buf_deinit(&b);
}

static void taken_bytes_are_terminated_and_leave_the_buffer_empty(void **state)
{
    struct buf b;
    buf_init(&b, 63);
    size_t len = 99;
    char *bytes = buf_take(&b, &len);
    assert_non_null(bytes);
    assert_string_equal(bytes, "");
    assert_int_equal(len, 0);
    mem_free(bytes);
    for (int i = 0; i < 63; i++) buf_append_char(&b, 'a');
    bytes = buf_take(&b, &len);
    assert_int_equal(len, 63);
    assert_int_equal(strlen(bytes), 63);
    mem_free(bytes);
    assert_null(b.ptr);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.len_max, 63);
    mem_fail_after(1);
    assert_null(buf_take(&b, &len));
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_owns_nothing),
        cmocka_unit_test(bytes_are_appended_in_order),
        cmocka_unit_test(the_limit_itself_fits_and_one_more_does_not),
        cmocka_unit_test(a_failure_is_remembered_until_cleared),
        cmocka_unit_test(memory_that_is_out_is_reported),
        cmocka_unit_test(numbers_are_written_in_decimal),
        cmocka_unit_test(a_negative_number_never_leaves_a_lone_sign),
        cmocka_unit_test(formatted_text_of_any_length_fits),
        cmocka_unit_test(formatted_text_keeps_to_the_limit),
        cmocka_unit_test(consuming_moves_the_rest_down),
        cmocka_unit_test(reserved_room_may_be_filled_by_hand),
        cmocka_unit_test(taken_bytes_are_terminated_and_leave_the_buffer_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
