#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "json/json_reader.h"

#define VECTORS XSH_SOURCE_DIR "/../shared/vectors/json/test_parsing"

static struct json_reader reader_of(struct slice text)
{
    struct json_reader r;
    json_reader_init(&r, text, JSON_DEPTH_DEFAULT);
    return r;
}

/* A copy without a byte to spare, so that a read past the end is seen by ASan. */
static struct slice exact_copy(struct slice s, char **owned)
{
    *owned = malloc(s.len ? s.len : 1);
    assert_non_null(*owned);
    memcpy(*owned, s.ptr, s.len);
    return slice_of(*owned, s.len);
}

static bool is_valid(struct slice text)
{
    char *owned;
    bool valid = json_valid(exact_copy(text, &owned), JSON_DEPTH_DEFAULT);
    free(owned);
    return valid;
}

static void valid_texts_are_accepted_and_their_prefixes_are_not(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "\"\"",
        "[null,true,false,0,-0,1.5e+10,\"a\"]",
        "{\"a\":{\"b\":[{},[],{\"c\":\"\\u00e9\\ud83d\\ude00\"}]},\"\":1}",
        "[[[[1]]],{\"x\":[{}]}]",
        "\"plain text longer than one machine word \xc3\xa9 and more\"",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct slice text = slice_from_cstr(texts[i]);
        assert_true(is_valid(text));
        for (size_t len = 0; len < text.len; len++) assert_false(is_valid(slice_head(text, len)));
    }
}

static void blanks_are_allowed_between_all_tokens_and_nothing_else_is(void **state)
{
    assert_true(is_valid(SLICE(" \t\r\n{ \"a\"\n:\t[ 1 , 2 ]\r, \"b\" : { } } \n")));
    static const char *const blanks[] = { "\v", "\f", "\xc2\xa0", "\xef\xbb\xbf", "/**/", "#" };
    for (size_t i = 0; i < ARRAY_COUNT(blanks); i++) {
        char text[64];
        snprintf(text, sizeof text, "%s[1]", blanks[i]);
        assert_false(is_valid(slice_from_cstr(text)));
        snprintf(text, sizeof text, "[%s1]", blanks[i]);
        assert_false(is_valid(slice_from_cstr(text)));
        snprintf(text, sizeof text, "[1]%s", blanks[i]);
        assert_false(is_valid(slice_from_cstr(text)));
    }
}

static void each_kind_of_malformed_text_is_refused_at_its_byte(void **state)
{
    static const struct {
        const char *text, *error;
        size_t position;
    } cases[] = {
        { "", "unexpected end of the text", 0 },
        { "  ", "unexpected end of the text", 2 },
        { "{", "unexpected end of the text", 1 },
        { "{,}", "member name expected", 1 },
        { "{\"a\":1,}", "member name expected", 7 },
        { "{\"a\" 1}", "':' expected after a member name", 5 },
        { "{\"a\":}", "value expected", 5 },
        { "{\"a\":1 \"b\":2}", "',' or '}' expected", 7 },
        { "{a:1}", "member name expected", 1 },
        { "{\"a\":1]", "',' or '}' expected", 6 },
        { "[1,]", "value expected", 3 },
        { "[,1]", "value expected", 1 },
        { "[1 2]", "',' or ']' expected", 3 },
        { "[1}", "',' or ']' expected", 2 },
        { "]", "value expected", 0 },
        { "nul", "true, false or null misspelt", 0 },
        { "[True]", "value expected", 1 },
        { "[tru]", "true, false or null misspelt", 1 },
        { "01", "digit misplaced or missing in a number", 1 },
        { "-", "digit misplaced or missing in a number", 1 },
        { "-a", "digit misplaced or missing in a number", 1 },
        { "+1", "value expected", 0 },
        { ".5", "value expected", 0 },
        { "1.", "digit misplaced or missing in a number", 2 },
        { "1.e1", "digit misplaced or missing in a number", 2 },
        { "1e", "digit misplaced or missing in a number", 2 },
        { "1e+", "digit misplaced or missing in a number", 3 },
        { "\"abc", "unfinished string", 4 },
        { "\"a\nb\"", "control character in a string", 2 },
        { "\"a\\x\"", "invalid escape in a string", 2 },
        { "\"\\u12g4\"", "invalid escape in a string", 1 },
        { "\"\\u123\"", "invalid escape in a string", 1 },
        { "\"\\\"", "unfinished string", 3 },
        { "[\"\xff\"]", "invalid UTF-8 in a string", 2 },
        { "[\"\xed\xa0\x80\"]", "invalid UTF-8 in a string", 2 },
        { "[\"\xc3\"]", "invalid UTF-8 in a string", 2 },
        { "{\"\xc0\x80\":1}", "invalid UTF-8 in a string", 2 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct json_reader r = reader_of(slice_from_cstr(cases[i].text));
        assert_false(json_skip(&r));
        assert_string_equal(r.error.text, cases[i].error);
        assert_int_equal(r.error.position, cases[i].position);
    }
}

static void trailing_content_is_reported_by_itself(void **state)
{
    struct json_reader r = reader_of(SLICE("{} x"));
    assert_true(json_skip(&r));
    assert_true(json_ok(&r));
    assert_false(json_at_end(&r));
    assert_int_equal(json_position(&r), 2);
    r = reader_of(SLICE("1 \r\n"));
    assert_true(json_skip(&r));
    assert_true(json_at_end(&r));
}

/* open * count, then 1, then close * count. */
static struct slice nest(char *room, const char *open, const char *close, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) len += (size_t)sprintf(room + len, "%s", open);
    len += (size_t)sprintf(room + len, "1");
    for (size_t i = 0; i < count; i++) len += (size_t)sprintf(room + len, "%s", close);
    return slice_of(room, len);
}

static void nesting_is_accepted_up_to_the_limit_and_not_beyond(void **state)
{
    static const uint32_t limits[] = { 1, 2, 63, 64, 65, 128, JSON_DEPTH_CEILING };
    static char room[(JSON_DEPTH_CEILING + 1) * 16];
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        assert_true(json_valid(nest(room, "[", "]", limits[i]), limits[i]));
        assert_false(json_valid(nest(room, "[", "]", limits[i] + 1), limits[i]));
        assert_true(json_valid(nest(room, "{\"a\":", "}", limits[i]), limits[i]));
        assert_false(json_valid(nest(room, "{\"a\":", "}", limits[i] + 1), limits[i]));
    }
    assert_true(json_valid(nest(room, "[{\"a\":", "}]", 32), 64));
    assert_false(json_valid(nest(room, "[{\"a\":", "}]", 32), 63));
}

static void a_very_deep_text_is_refused_without_recursion(void **state)
{
    size_t len = 4 << 20;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '[', len);
    struct json_reader r;
    json_reader_init(&r, slice_of(text, len), 64);
    assert_false(json_skip(&r));
    assert_string_equal(r.error.text, "nested too deeply");
    assert_int_equal(r.error.position, 64);
    free(text);
}

static void an_object_is_walked_member_by_member(void **state)
{
    struct json_reader r = reader_of(
        SLICE(" {\"id\" : 7, \"skip\":[{\"id\":1}], \"n\":null,\"s\":\"a\\nb\",\"raw\": [1, 2] ,\"ok\":true}"));
    struct json_string key, s = { 0 };
    struct slice raw = { 0 };
    uint32_t id = 0;
    bool ok = false, null = false;
    assert_true(json_object_begin(&r));
    while (json_object_next(&r, &key)) {
        if (json_string_eq(key, SLICE("id")))
            assert_true(json_u32(&r, &id));
        else if (json_string_eq(key, SLICE("n")))
            null = json_take_null(&r);
        else if (json_string_eq(key, SLICE("s")))
            assert_true(json_string(&r, &s));
        else if (json_string_eq(key, SLICE("raw")))
            assert_true(json_raw(&r, &raw));
        else if (json_string_eq(key, SLICE("ok")))
            assert_true(json_bool(&r, &ok));
        else
            assert_true(json_skip(&r));
    }
    assert_true(json_ok(&r) && json_at_end(&r));
    assert_int_equal(id, 7);
    assert_true(ok && null && s.escaped);
    assert_true(slice_eq(s.raw, SLICE("a\\nb")));
    assert_true(slice_eq(raw, SLICE("[1, 2]")));
}

static void a_member_whose_value_is_not_taken_is_a_failure(void **state)
{
    struct json_reader r = reader_of(SLICE("{\"a\":1,\"b\":2}"));
    struct json_string key;
    assert_true(json_object_begin(&r));
    assert_true(json_object_next(&r, &key));
    assert_false(json_object_next(&r, &key));
    assert_false(json_ok(&r));
}

static void nested_containers_are_walked_and_left_in_order(void **state)
{
    struct json_reader r = reader_of(SLICE("[[],[1],{\"a\":[]},2]"));
    struct json_string key;
    uint32_t n = 0;
    assert_true(json_array_begin(&r) && json_array_next(&r));
    assert_true(json_array_begin(&r));
    assert_false(json_array_next(&r));
    assert_true(json_array_next(&r) && json_array_begin(&r) && json_array_next(&r) && json_u32(&r, &n));
    assert_false(json_array_next(&r));
    assert_true(json_array_next(&r) && json_object_begin(&r) && json_object_next(&r, &key));
    assert_true(json_array_begin(&r));
    assert_false(json_array_next(&r));
    assert_false(json_object_next(&r, &key));
    assert_true(json_array_next(&r) && json_u32(&r, &n));
    assert_false(json_array_next(&r));
    assert_int_equal(n, 2);
    assert_true(json_ok(&r) && json_at_end(&r));
}

static void the_first_failure_sticks_and_leaves_results_alone(void **state)
{
    struct json_reader r = reader_of(SLICE("[\"x\",1]"));
    uint32_t number = 42;
    struct slice raw = SLICE("kept");
    assert_true(json_array_begin(&r) && json_array_next(&r));
    assert_false(json_u32(&r, &number));
    assert_string_equal(r.error.text, "number expected");
    assert_int_equal(r.error.position, 1);
    assert_false(json_raw(&r, &raw));
    assert_false(json_array_next(&r));
    assert_false(json_fail(&r, "later"));
    assert_int_equal(json_peek(&r), JSON_BROKEN);
    assert_string_equal(r.error.text, "number expected");
    assert_int_equal(number, 42);
    assert_true(slice_eq(raw, SLICE("kept")));
}

static void integers_are_exact_and_range_checked(void **state)
{
    static const struct {
        const char *text;
        bool u32, u64, i32, i64;
    } cases[] = {
        { "0", true, true, true, true },
        { "-0", false, false, true, true },
        { "-1", false, false, true, true },
        { "2147483647", true, true, true, true },
        { "2147483648", true, true, false, true },
        { "-2147483648", false, false, true, true },
        { "-2147483649", false, false, false, true },
        { "4294967295", true, true, false, true },
        { "4294967296", false, true, false, true },
        { "9223372036854775807", false, true, false, true },
        { "9223372036854775808", false, true, false, false },
        { "-9223372036854775808", false, false, false, true },
        { "-9223372036854775809", false, false, false, false },
        { "18446744073709551615", false, true, false, false },
        { "18446744073709551616", false, false, false, false },
        { "99999999999999999999999999999999999999", false, false, false, false },
        { "1.0", false, false, false, false },
        { "1e2", false, false, false, false },
        { "1E0", false, false, false, false },
        { "\"1\"", false, false, false, false },
        { "null", false, false, false, false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct slice text = slice_from_cstr(cases[i].text);
        uint32_t u32;
        uint64_t u64;
        int32_t i32;
        int64_t i64;
        struct json_reader a = reader_of(text), b = a, c = a, d = a;
        assert_int_equal(json_u32(&a, &u32), cases[i].u32);
        assert_int_equal(json_u64(&b, &u64), cases[i].u64);
        assert_int_equal(json_i32(&c, &i32), cases[i].i32);
        assert_int_equal(json_i64(&d, &i64), cases[i].i64);
        if (cases[i].u64) assert_true(u64 == strtoull(cases[i].text, NULL, 10));
        if (cases[i].u32) assert_true(u32 == u64);
        if (cases[i].i64) assert_true(i64 == strtoll(cases[i].text, NULL, 10));
        if (cases[i].i32) assert_true(i32 == i64);
    }
}

static void a_refused_integer_names_its_position_and_why(void **state)
{
    struct json_reader r = reader_of(SLICE("  4294967296"));
    uint32_t n;
    assert_false(json_u32(&r, &n));
    assert_string_equal(r.error.text, "integer out of range");
    assert_int_equal(r.error.position, 2);
    r = reader_of(SLICE(" 1.5"));
    assert_false(json_u32(&r, &n));
    assert_string_equal(r.error.text, "integer expected");
}

static void doubles_are_read_up_to_a_length_and_must_be_finite(void **state)
{
    struct json_reader r = reader_of(SLICE("-1.5e3"));
    double value = 0;
    assert_true(json_double(&r, &value));
    assert_true(value == -1500.0);
    r = reader_of(SLICE("1e999"));
    assert_false(json_double(&r, &value));
    char digits[JSON_DOUBLE_DIGITS_MAX + 1];
    memset(digits, '1', sizeof digits);
    r = reader_of(slice_of(digits, JSON_DOUBLE_DIGITS_MAX));
    assert_true(json_double(&r, &value) && value > 1e100);
    r = reader_of(slice_of(digits, JSON_DOUBLE_DIGITS_MAX + 1));
    assert_false(json_double(&r, &value));
    assert_string_equal(r.error.text, "number too long");
}

static void the_type_of_the_next_value_is_seen_without_taking_it(void **state)
{
    static const struct {
        const char *text;
        enum json_type type;
    } cases[] = { { " {", JSON_OBJECT }, { "[", JSON_ARRAY },   { "\"", JSON_STRING },  { "-", JSON_NUMBER },
                  { "7", JSON_NUMBER },  { "true", JSON_BOOL }, { "f", JSON_BOOL },     { "null", JSON_NULL },
                  { "", JSON_BROKEN },   { "}", JSON_BROKEN },  { "\x01", JSON_BROKEN } };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct json_reader r = reader_of(slice_from_cstr(cases[i].text));
        assert_int_equal(json_peek(&r), cases[i].type);
        assert_int_equal(json_peek(&r), cases[i].type);
        assert_true(json_ok(&r));
    }
}

static void raw_spans_have_no_blanks_around_them(void **state)
{
    static const char *const values[] = { "{\"a\" : [ 1 ]}", "[ ]", "\"x \"", "-1.5", "null", "true" };
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        char text[64];
        struct slice raw;
        snprintf(text, sizeof text, " \n%s\t ", values[i]);
        struct json_reader r = reader_of(slice_from_cstr(text));
        assert_true(json_raw(&r, &raw));
        assert_true(slice_eq(raw, slice_from_cstr(values[i])));
    }
}

static void special_bytes_are_found_at_every_offset_of_a_word(void **state)
{
    static const unsigned char bytes[] = { '"', '\\', 0x00, 0x1f, '\n' };
    for (size_t at = 0; at < 41; at++) {
        for (size_t i = 0; i < ARRAY_COUNT(bytes); i++) {
            char text[64];
            memset(text, 'x', sizeof text);
            text[0] = '"';
            text[1 + at] = (char)bytes[i];
            text[44] = '"';
            struct json_reader r = reader_of(slice_of(text, 45));
            struct json_string s;
            bool taken = json_string(&r, &s);
            assert_int_equal(taken, bytes[i] == '"');
            if (taken) assert_int_equal(s.raw.len, at);
            if (!taken) assert_int_equal(r.error.position, 1 + at);
        }
        for (int c = 0x20; c < 0x80; c++) { /* what must not stop the scan */
            if (c == '"' || c == '\\') continue;
            char text[64];
            memset(text, c, sizeof text);
            text[0] = text[1 + at] = '"';
            struct json_reader r = reader_of(slice_of(text, 2 + at));
            struct json_string s;
            assert_true(json_string(&r, &s) && s.raw.len == at && !s.escaped);
        }
    }
}

static void a_broken_sequence_is_found_at_every_offset_of_a_word(void **state)
{
    for (size_t at = 0; at < 40; at++) {
        char text[64];
        memset(text, 'x', sizeof text);
        text[0] = text[42] = '"';
        text[1 + at] = (char)0xff;
        assert_false(is_valid(slice_of(text, 43)));
        if (at < 39) {
            memcpy(text + 1 + at, "\xc3\xa9", 2);
            assert_true(is_valid(slice_of(text, 43)));
        }
    }
}

static void strings_decode_as_go_does(void **state)
{
    static const struct {
        const char *raw;
        struct slice decoded;
    } cases[] = {
        { "plain", SLICE("plain") },
        { "", SLICE("") },
        { "\\\"\\\\\\/\\b\\f\\n\\r\\t", SLICE("\"\\/\b\f\n\r\t") },
        { "a\\u0000b", SLICE("a\0b") },
        { "\\u00e9\\u20AC", SLICE("\xc3\xa9\xe2\x82\xac") },
        { "\\ud83d\\ude00", SLICE("\xf0\x9f\x98\x80") },
        { "\\ud83d", SLICE("\xef\xbf\xbd") },
        { "\\ude00", SLICE("\xef\xbf\xbd") },
        { "\\ude00\\ude00", SLICE("\xef\xbf\xbd\xef\xbf\xbd") },
        { "\\ude00\\ud83d", SLICE("\xef\xbf\xbd\xef\xbf\xbd") },
        { "\\ud83dx", SLICE("\xef\xbf\xbdx") },
        { "\\ud83d\\n", SLICE("\xef\xbf\xbd\n") },
        { "\\ud83d\\u0041", SLICE("\xef\xbf\xbd"
                                  "A") },
        { "\\ud83d\\ud83d\\ude00", SLICE("\xef\xbf\xbd\xf0\x9f\x98\x80") },
        { "\xc3\xa9\\u0041\xc3\xa9", SLICE("\xc3\xa9"
                                           "A\xc3\xa9") },
        { "\\udbff\\udfff", SLICE("\xf4\x8f\xbf\xbf") },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[128];
        int len = snprintf(text, sizeof text, "\"%s\"", cases[i].raw);
        struct json_reader r = reader_of(slice_of(text, (size_t)len));
        struct json_string s;
        struct arena a;
        struct slice decoded;
        struct buf b;
        assert_true(json_string(&r, &s));
        assert_int_equal(s.escaped, strchr(cases[i].raw, '\\') != NULL);
        arena_init(&a, 4096);
        assert_int_equal(json_string_decode(s, &a, &decoded), STATUS_OK);
        assert_true(slice_eq(decoded, cases[i].decoded));
        if (!s.escaped) assert_ptr_equal(decoded.ptr, s.raw.ptr);
        arena_deinit(&a);
        buf_init(&b, BUF_NO_LIMIT);
        json_string_append(s, &b);
        assert_true(slice_eq(buf_slice(&b), cases[i].decoded));
        buf_deinit(&b);
    }
}

static void decoding_into_a_full_arena_is_reported(void **state)
{
    struct arena a;
    struct slice decoded = SLICE("kept");
    arena_init(&a, 4);
    struct json_string s = { SLICE("\\u0041 and some more text"), true };
    assert_int_equal(json_string_decode(s, &a, &decoded), STATUS_NO_MEMORY);
    assert_true(slice_eq(decoded, SLICE("kept")));
    arena_deinit(&a);
}

static void names_are_compared_after_decoding(void **state)
{
    struct json_string plain = { SLICE("Join_Leave"), false };
    struct json_string escaped = { SLICE("\\u0069d"), true };
    assert_true(json_string_eq(plain, SLICE("Join_Leave")));
    assert_false(json_string_eq(plain, SLICE("join_leave")));
    assert_true(json_string_eq_nocase(plain, SLICE("join_leave")));
    assert_true(json_string_eq(escaped, SLICE("id")));
    assert_true(json_string_eq_nocase(escaped, SLICE("ID")));
    assert_false(json_string_eq(escaped, SLICE("\\u0069d")));
    char raw[6 * JSON_NAME_MAX + 6];
    char name[JSON_NAME_MAX];
    memset(name, 'A', sizeof name);
    for (size_t i = 0; i < sizeof raw; i += 6) memcpy(raw + i, "\\u0041", 6);
    assert_true(
        json_string_eq((struct json_string){ slice_of(raw, sizeof raw - 6), true }, slice_of(name, sizeof name)));
    assert_false(json_string_eq((struct json_string){ slice_of(raw, sizeof raw), true }, slice_of(name, sizeof name)));
}

/* ---------------------------------------------------- published vectors */

static struct slice read_whole(const char *path, char *room, size_t cap)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t len = fread(room, 1, cap, f);
    assert_true(len < cap);
    fclose(f);
    return slice_of(room, len);
}

static void the_published_parsing_vectors_are_judged_right(void **state)
{
    static char room[1 << 20];
    DIR *dir = opendir(VECTORS);
    if (!dir) {
        print_message("JSON vectors are absent: %s\n", VECTORS);
        skip();
    }
    size_t count = 0, wrong = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", VECTORS, entry->d_name);
        bool valid = is_valid(read_whole(path, room, sizeof room));
        bool bad = (entry->d_name[0] == 'y' && !valid) || (entry->d_name[0] == 'n' && valid);
        if (bad) print_message("judged wrong: %s\n", entry->d_name);
        wrong += bad;
        count++;
    }
    closedir(dir);
    print_message("JSON vectors: %zu files\n", count);
    assert_true(count > 300);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_texts_are_accepted_and_their_prefixes_are_not),
        cmocka_unit_test(blanks_are_allowed_between_all_tokens_and_nothing_else_is),
        cmocka_unit_test(each_kind_of_malformed_text_is_refused_at_its_byte),
        cmocka_unit_test(trailing_content_is_reported_by_itself),
        cmocka_unit_test(nesting_is_accepted_up_to_the_limit_and_not_beyond),
        cmocka_unit_test(a_very_deep_text_is_refused_without_recursion),
        cmocka_unit_test(an_object_is_walked_member_by_member),
        cmocka_unit_test(a_member_whose_value_is_not_taken_is_a_failure),
        cmocka_unit_test(nested_containers_are_walked_and_left_in_order),
        cmocka_unit_test(the_first_failure_sticks_and_leaves_results_alone),
        cmocka_unit_test(integers_are_exact_and_range_checked),
        cmocka_unit_test(a_refused_integer_names_its_position_and_why),
        cmocka_unit_test(doubles_are_read_up_to_a_length_and_must_be_finite),
        cmocka_unit_test(the_type_of_the_next_value_is_seen_without_taking_it),
        cmocka_unit_test(raw_spans_have_no_blanks_around_them),
        cmocka_unit_test(special_bytes_are_found_at_every_offset_of_a_word),
        cmocka_unit_test(a_broken_sequence_is_found_at_every_offset_of_a_word),
        cmocka_unit_test(strings_decode_as_go_does),
        cmocka_unit_test(decoding_into_a_full_arena_is_reported),
        cmocka_unit_test(names_are_compared_after_decoding),
        cmocka_unit_test(the_published_parsing_vectors_are_judged_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
