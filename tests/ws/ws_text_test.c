/* UTF-8 in text messages, whole and cut into frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "ws/support/ws_client.h"

#define LIMIT 65536

static const struct slice valid[] = {
    SLICE("plain"), SLICE("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"), /* Greek, two and three bytes */
    SLICE("\xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf"),                            /* four bytes; the last code point */
    SLICE("\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xc2\x80"),                 /* both sides of the surrogates */
};

static const struct slice invalid[] = {
    SLICE("ab\x80"
          "cd"),                           /* continuation alone */
    SLICE("ab\xff"),                       /* never a byte of UTF-8 */
    SLICE("\xc0\xaf"),                     /* overlong */
    SLICE("\xe0\x80\xaf"),                 /* overlong */
    SLICE("\xf0\x80\x80\xaf"),             /* overlong */
    SLICE("\xed\xa0\x80"),                 /* surrogate */
    SLICE("\xf4\x90\x80\x80"),             /* over the last code point */
    SLICE("\xce\xba\xe1\xbd\xed\xa0\x80"), /* cut character, then a surrogate */
    SLICE("abc\xe2\x82"),                  /* ends inside a character */
    SLICE("\xf0\x9f\x98"),                 /* the same of four bytes */
};

static bool is_broken_text(const struct buf *wire)
{
    struct buf log;
    buf_init(&log, BUF_NO_LIMIT);
    ws_client_transcript(buf_slice(wire), LIMIT, wire->len, 1, &log);
    static const char end[] = "broken 1007:a text message is not valid UTF-8\n";
    const size_t end_len = sizeof(end) - 1;
    const bool broken = log.len >= end_len && memcmp(log.ptr + log.len - end_len, end, end_len) == 0;
    assert_false(broken && memmem(log.ptr, log.len, " last", 5)); /* nothing was delivered */
    assert_false(broken && memmem(log.ptr, log.len, "message", 7) != memmem(log.ptr, log.len, "message is not", 7));
    buf_deinit(&log);
    return broken;
}

static bool whole_is_broken(struct slice text)
{
    struct buf wire;
    buf_init(&wire, BUF_NO_LIMIT);
    ws_client_frame(&wire, TEXT, text);
    const bool broken = is_broken_text(&wire);
    buf_deinit(&wire);
    return broken;
}

static bool cut_is_broken(struct slice text, size_t cut1, size_t cut2)
{
    struct buf wire;
    buf_init(&wire, BUF_NO_LIMIT);
    ws_client_frame(&wire, TEXT_START, slice_head(text, cut1));
    ws_client_frame(&wire, PING, SLICE("\xff"));
    ws_client_frame(&wire, MIDDLE, slice_head(slice_from(text, cut1), cut2 - cut1));
    ws_client_frame(&wire, LAST, slice_from(text, cut2));
    const bool broken = is_broken_text(&wire);
    buf_deinit(&wire);
    return broken;
}

static void expect_at_every_cut(struct slice text, bool broken)
{
    assert_int_equal(whole_is_broken(text), broken);
    for (size_t cut1 = 0; cut1 <= text.len; cut1++) {
        for (size_t cut2 = cut1; cut2 <= text.len; cut2++) assert_int_equal(cut_is_broken(text, cut1, cut2), broken);
    }
}

static void valid_text_passes_in_fragments_cut_at_every_two_bytes(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(valid); i++) expect_at_every_cut(valid[i], false);
}

static void invalid_text_is_1007_in_fragments_cut_at_every_two_bytes(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(invalid); i++) expect_at_every_cut(invalid[i], true);
}

static void invalid_text_is_1007_at_every_split_of_the_bytes(void **state)
{
    struct buf wire;
    buf_init(&wire, BUF_NO_LIMIT);
    ws_client_frame(&wire, TEXT_START, SLICE("fine"));
    ws_client_frame(&wire, MIDDLE, SLICE("\xe2\x82"));
    ws_client_frame(&wire, LAST, SLICE("x"));
    ws_client_frame(&wire, TEXT, SLICE("never reached"));
    ws_client_expect(&wire, LIMIT,
                     SLICE("fragment text first:fine\nfragment text:\xe2\x82\n"
                           "broken 1007:a text message is not valid UTF-8\n"));
    buf_deinit(&wire);
}

static void bytes_that_are_invalid_as_text_pass_as_binary(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(invalid); i++) {
        struct buf wire;
        buf_init(&wire, BUF_NO_LIMIT);
        ws_client_frame(&wire, BINARY, invalid[i]);
        assert_false(is_broken_text(&wire));
        buf_deinit(&wire);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_text_passes_in_fragments_cut_at_every_two_bytes),
        cmocka_unit_test(invalid_text_is_1007_in_fragments_cut_at_every_two_bytes),
        cmocka_unit_test(invalid_text_is_1007_at_every_split_of_the_bytes),
        cmocka_unit_test(bytes_that_are_invalid_as_text_pass_as_binary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
