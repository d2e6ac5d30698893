#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/check.h"
#include "json/json_reader.h"
#include "json/json_writer.h"

static void assert_text(struct buf *b, const char *expected)
{
    assert_true(buf_ok(b));
    buf_append_char(b, '\0');
    assert_string_equal(b->ptr, expected);
    buf_deinit(b);
}

static void commas_and_colons_are_set_by_the_writer(void **state)
{
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    struct json_writer w = json_writer_to(&b);
    json_write_object_begin(&w);
    json_write_name(&w, SLICE("a"));
    json_write_array_begin(&w);
    json_write_u64(&w, UINT64_MAX);
    json_write_i64(&w, INT64_MIN);
    json_write_bool(&w, true);
    json_write_bool(&w, false);
    json_write_null(&w);
    json_write_array_begin(&w);
    json_write_array_end(&w);
    json_write_object_begin(&w);
    json_write_object_end(&w);
    json_write_array_end(&w);
    json_write_key(&w, SLICE("k\"<"));
    json_write_string(&w, SLICE("v"));
    json_write_name(&w, SLICE("raw"));
    json_write_raw(&w, SLICE("{ }"));
    json_write_name(&w, SLICE("none"));
    json_write_raw(&w, (struct slice){ 0 });
    json_write_object_end(&w);
    assert_text(&b, "{\"a\":[18446744073709551615,-9223372036854775808,true,false,null,[],{}],\"k\\\"\\u003c\":\"v\","
                    "\"raw\":{ },\"none\":null}");
}

/* The bytes on the right were written by Centrifugo's own writer. */
static void strings_are_escaped_as_centrifugo_escapes_them(void **state)
{
    static const struct {
        struct slice text;
        const char *expected;
    } cases[] = {
        { SLICE(""), "\"\"" },
        { { NULL, 0 }, "\"\"" },
        { SLICE("plain /text' \x7f"), "\"plain /text' \x7f\"" },
        { SLICE("\"\\\n\r\t"), "\"\\\"\\\\\\n\\r\\t\"" },
        { SLICE("\0\1\b\f\v\x1f"), "\"\\u0000\\u0001\\u0008\\u000c\\u000b\\u001f\"" },
        { SLICE("<a>&"), "\"\\u003ca\\u003e\\u0026\"" },
        { SLICE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
        { SLICE("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xa7"), "\"\\u2028\\u2029\xe2\x80\xa7\"" },
        { SLICE("a\x80z"), "\"a\\ufffdz\"" },
        { SLICE("\xed\xa0\x80\xe2\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"" },
        { SLICE("\xc0\x80\xff"), "\"\\ufffd\\ufffd\\ufffd\"" },
        { SLICE("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf b;
        buf_init(&b, BUF_NO_LIMIT);
        json_append_string(&b, cases[i].text);
        assert_text(&b, cases[i].expected);
    }
}

static void every_single_byte_gives_a_valid_string(void **state)
{
    for (int c = 0; c < 256; c++) {
        struct buf b;
        char byte = (char)c;
        buf_init(&b, BUF_NO_LIMIT);
        json_append_string(&b, slice_of(&byte, 1));
        assert_true(json_valid(buf_slice(&b), 1));
        buf_deinit(&b);
    }
}

static void newlines_are_left_out_of_raw_spans_and_nothing_else_is(void **state)
{
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    json_append_raw(&b, SLICE("\n{\n\n\"a\":\r\n \"\\n\"\t}\n"));
    assert_text(&b, "{\"a\":\r \"\\n\"\t}");
}

static void a_limit_is_respected_to_the_byte(void **state)
{
    struct slice text = SLICE("a\n<b\xc3\xa9\xff tail");
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    json_append_string(&b, text);
    size_t len = b.len;
    buf_deinit(&b);
    for (size_t max = 0; max <= len; max++) {
        buf_init(&b, max);
        json_append_string(&b, text);
        assert_int_equal(buf_ok(&b), max == len);
        assert_true(b.len <= max);
        buf_deinit(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_colons_are_set_by_the_writer),
        cmocka_unit_test(strings_are_escaped_as_centrifugo_escapes_them),
        cmocka_unit_test(every_single_byte_gives_a_valid_string),
        cmocka_unit_test(newlines_are_left_out_of_raw_spans_and_nothing_else_is),
        cmocka_unit_test(a_limit_is_respected_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
