#include "base/support/cm.h"

#include "base/check.h"
#include "base/utf8.h"

static const struct {
    struct slice text;
    bool valid;
} rows[] = {
    { SLICE(""), true },
    { SLICE("plain text, longer than eight bytes"), true },
    { SLICE("\0"), true },
    { SLICE("\x7f"), true },
    { SLICE("\xc2\x80"), true },
    { SLICE("\xdf\xbf"), true },
    { SLICE("\xe0\xa0\x80"), true },
    { SLICE("\xed\x9f\xbf"), true },
    { SLICE("\xee\x80\x80"), true },
    { SLICE("\xef\xbf\xbf"), true },
    { SLICE("\xf0\x90\x80\x80"), true },
    { SLICE("\xf4\x8f\xbf\xbf"), true },
    { SLICE("A\xe2\x89\xa2\xce\x91."), true },               /* RFC 3629 section 7 */
    { SLICE("\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4"), true }, /* the same */
    { SLICE("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"), true }, /* the same */
    { SLICE("\xef\xbb\xbf\xf0\xa3\x8e\xb4"), true },         /* the same, with a byte order mark */
    { SLICE("12345678\xf0\x9f\x98\x80"
            "12345678"),
      true },
    { SLICE("\x80"), false }, /* a lone continuation */
    { SLICE("\xbf"), false },
    { SLICE("a\x80"), false },
    { SLICE("\xc3"), false }, /* cut short */
    { SLICE("\xe2\x82"), false },
    { SLICE("\xf0\x9f\x98"), false },
    { SLICE("\xc3"
            "a"),
      false }, /* a letter where a continuation is owed */
    { SLICE("\xe2\x82"
            "a"),
      false },
    { SLICE("\xf0\x9f\x98"
            "a"),
      false },
    { SLICE("\xc0\x80"), false }, /* overlong */
    { SLICE("\xc1\xbf"), false },
    { SLICE("\xe0\x80\x80"), false },
    { SLICE("\xe0\x9f\xbf"), false },
    { SLICE("\xf0\x80\x80\x80"), false },
    { SLICE("\xf0\x8f\xbf\xbf"), false },
    { SLICE("\xed\xa0\x80"), false }, /* surrogates */
    { SLICE("\xed\xbf\xbf"), false },
    { SLICE("\xed\xa0\x81\xed\xb0\x80"), false },
    { SLICE("\xf4\x90\x80\x80"), false }, /* past U+10FFFF */
    { SLICE("\xf5\x80\x80\x80"), false },
    { SLICE("\xf8\x88\x80\x80\x80"), false }, /* five and six bytes */
    { SLICE("\xfc\x84\x80\x80\x80\x80"), false },
    { SLICE("\xfe"), false },
    { SLICE("\xff"), false },
    { SLICE("12345678\xff"), false },
    { SLICE("\xc3\xa4\xc3"), false },
};

static void each_class_of_text_is_judged_as_rfc_3629_says(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (utf8_valid(rows[i].text) != rows[i].valid) fail_msg("row %zu", i);
}

static bool valid_in_three(struct slice s, size_t first, size_t second)
{
    struct utf8 u = { 0 };
    return utf8_feed(&u, slice_head(s, first)) && utf8_feed(&u, slice_head(slice_from(s, first), second - first)) &&
           utf8_feed(&u, slice_from(s, second)) && utf8_complete(&u);
}

static void every_split_gives_the_same_answer(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        for (size_t first = 0; first <= rows[i].text.len; first++)
            for (size_t second = first; second <= rows[i].text.len; second++)
                if (valid_in_three(rows[i].text, first, second) != rows[i].valid)
                    fail_msg("row %zu at %zu, %zu", i, first, second);
}

static void a_broken_sequence_is_seen_at_its_first_bad_byte(void **state)
{
    struct utf8 u = { 0 };
    assert_false(utf8_feed(&u, SLICE("\xed\xa0")));
    u = (struct utf8){ 0 };
    assert_true(utf8_feed(&u, SLICE("\xf0")));
    assert_false(utf8_complete(&u));
    assert_false(utf8_feed(&u, SLICE("\x8f")));
}

static void every_code_point_is_written_and_read_back(void **state)
{
    size_t lens[5] = { 0 };
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        if (cp >= 0xd800 && cp <= 0xdfff) continue;
        char out[4];
        size_t len = utf8_encode(cp, out);
        if (!utf8_valid(slice_of(out, len))) fail_msg("U+%04x", cp);
        lens[len]++;
    }
    assert_int_equal(lens[1], 0x80);
    assert_int_equal(lens[2], 0x800 - 0x80);
    assert_int_equal(lens[3], 0x10000 - 0x800 - 0x800);
    assert_int_equal(lens[4], 0x100000);
}

/* Independent of the decoder: counts which of all two-byte texts are valid. */
static void of_all_pairs_of_bytes_the_right_ones_are_valid(void **state)
{
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            char text[2] = { (char)a, (char)b };
            bool expected = (a < 0x80 && b < 0x80) || (a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf);
            assert_int_equal(utf8_valid(slice_of(text, 2)), expected);
        }
}

static void of_all_characters_those_of_control_are_found(void **state)
{
    for (uint32_t cp = 0; cp < 0x3000; cp++) {
        char text[6] = "a";
        if (cp >= 0xd800 && cp < 0xe000) continue;
        const size_t len = utf8_encode(cp, text + 1);
        text[1 + len] = 'b';
        const bool expected = cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
        if (utf8_has_control(slice_of(text, len + 2)) != expected) fail_msg("U+%04x", cp);
    }
    assert_false(utf8_has_control(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_of_text_is_judged_as_rfc_3629_says),
        cmocka_unit_test(every_split_gives_the_same_answer),
        cmocka_unit_test(a_broken_sequence_is_seen_at_its_first_bad_byte),
        cmocka_unit_test(every_code_point_is_written_and_read_back),
        cmocka_unit_test(of_all_pairs_of_bytes_the_right_ones_are_valid),
        cmocka_unit_test(of_all_characters_those_of_control_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
