/* Deltas in Fossil's format: what is written can be read, is what others write, and is never long or slow. */
#include "base/support/cm.h"

#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "delta/delta_encoder.h"
#include "delta/delta_format.h"
#include "delta/support/delta_decoder.h"

#define LETTERS "0123456789abcdefghijklmnopqrstuvwxyz"
#define FOSSIL  XSH_SOURCE_DIR "/../shared/vectors/fossil"

static struct buf encoded(struct slice base, struct slice target, enum delta_text text)
{
    struct buf delta;
    buf_init(&delta, BUF_NO_LIMIT);
    assert_int_equal(delta_encode(base, target, text, &delta), STATUS_OK);
    return delta;
}

static void check_decodes(struct slice base, struct slice delta, struct slice target)
{
    struct buf got;
    buf_init(&got, BUF_NO_LIMIT);
    assert_int_equal(delta_decode(base, delta, &got), STATUS_OK);
    assert_true(slice_eq(buf_slice(&got), target));
    buf_deinit(&got);
}

/* Both ways of cutting; returns the length of the delta of bytes. */
static size_t check_round_trip(struct slice base, struct slice target)
{
    size_t len = 0;
    for (int text = DELTA_TEXT_COUNT - 1; text >= 0; text--) {
        struct buf delta = encoded(base, target, (enum delta_text)text);
        check_decodes(base, buf_slice(&delta), target);
        if (text == DELTA_UTF8 && utf8_valid(target)) assert_true(utf8_valid(buf_slice(&delta)));
        len = delta.len;
        buf_deinit(&delta);
    }
    return len;
}

static void a_delta_brings_the_base_to_the_target(void **state)
{
    static const char *const texts[] = {
        "",
        "a",
        "0123456789abcde",
        "0123456789abcdef",
        "0123456789abcdefg",
        "0123456789abcdefghijklmnopqrstuvwxyz",
        "XX0123456789abcdefghijklmnopqrstuvwxyz",
        "0123456789abcdefghijklmnopqrstuvwxyzYY",
        "0123456789abcdefgh--ijklmnopqrstuvwxyz",
        "ijklmnopqrstuvwxyz0123456789abcdefgh",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "{\"price\":1,\"name\":\"something long enough\",\"list\":[1,2,3,4,5,6,7,8,9]}",
        "{\"price\":2,\"name\":\"something long enough\",\"list\":[1,2,3,4,5,6,7,8,9,10]}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        for (size_t j = 0; j < ARRAY_COUNT(texts); j++)
            check_round_trip(slice_from_cstr(texts[i]), slice_from_cstr(texts[j]));
    check_round_trip((struct slice){ 0 }, (struct slice){ 0 });
    check_round_trip(SLICE(LETTERS), (struct slice){ 0 });
}

/* Each length of base and target around the block, each place of a change. */
static void every_border_is_right(void **state)
{
    char base[80], target[80];
    for (size_t i = 0; i < sizeof base; i++) base[i] = (char)('!' + i);
    for (size_t base_len = 0; base_len <= sizeof base; base_len++)
        for (size_t target_len = 0; target_len <= sizeof target; target_len++) {
            memcpy(target, base, sizeof target);
            check_round_trip(slice_of(base, base_len), slice_of(target, target_len));
            check_round_trip(slice_of(base, base_len), slice_of(target + sizeof target - target_len, target_len));
        }
    for (size_t at = 0; at < sizeof base; at++) {
        memcpy(target, base, sizeof target);
        target[at] = '\x7f';
        check_round_trip(slice_of(base, sizeof base), slice_of(target, sizeof target));
    }
}

static void the_bytes_are_those_of_centrifugo(void **state)
{
    /* recorded from its encoder */
    static const struct {
        const char *base, *target, *delta;
    } cases[] = {
        { "", "", "0\n0:0;" },
        { "", "abc", "3\n3:abc1XObC0;" },
        { LETTERS, "", "0\n0;" },
        { LETTERS, LETTERS, "_\n_@0,iDbPh;" },
        { LETTERS, "ghijklmnopqrstuvwxyz-" LETTERS, "u\nK@G,1:-_@0,39NrrT;" },
        { "{\"price\":1,\"name\":\"something long enough\"}", "{\"price\":27,\"name\":\"something long enough\"}",
          "g\nB:{\"price\":27W@A,vEVuT;" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf delta = encoded(slice_from_cstr(cases[i].base), slice_from_cstr(cases[i].target), DELTA_BYTES);
        assert_true(slice_eq(buf_slice(&delta), slice_from_cstr(cases[i].delta)));
        buf_deinit(&delta);
    }
}

/* ---- characters ---- */

static void write_marked(char text[static 200], size_t before, const char *mark)
{
    snprintf(text, 200, "%.*s%s one text that stays as it is %s.", (int)before,
             "0123456789012345678901234567890123456789", mark, mark);
}

static void a_delta_for_a_string_is_never_cut_inside_a_character(void **state)
{
    /* the same last bytes of different characters, at every place of the block */
    static const char *const marks[] = { "é", "è", "ж", "з", "€", "₭", "😀", "😁", "a" };
    char base[200], target[200];
    for (size_t before = 0; before < 40; before++)
        for (size_t i = 0; i < ARRAY_COUNT(marks); i++)
            for (size_t j = 0; j < ARRAY_COUNT(marks); j++) {
                write_marked(base, before, marks[i]);
                write_marked(target, before, marks[j]);
                check_round_trip(slice_from_cstr(base), slice_from_cstr(target));
            }
}

static void where_no_character_is_cut_both_texts_are_the_same(void **state)
{
    struct slice base = SLICE("{\"name\":\"Øystein from Åsgårdstrand\",\"seats\":[1,2,3,4,5,6]}");
    struct slice target = SLICE("{\"name\":\"Øystein from Åsgårdstrand\",\"seats\":[1,2,3,4,5,7]}");
    struct buf bytes = encoded(base, target, DELTA_BYTES), text = encoded(base, target, DELTA_UTF8);
    assert_true(slice_eq(buf_slice(&bytes), buf_slice(&text)));
    assert_true(bytes.len < target.len);
    buf_deinit(&bytes);
    buf_deinit(&text);
}

/* ---- limits ---- */

static void a_delta_is_given_up_when_it_is_not_shorter(void **state)
{
    struct slice base = SLICE(LETTERS), target = SLICE("0123456789abcdefghijklmnopqrXYZ");
    struct buf whole = encoded(base, target, DELTA_BYTES);
    for (size_t limit = 0; limit <= whole.len; limit++) {
        struct buf delta;
        buf_init(&delta, limit);
        assert_int_equal(delta_encode(base, target, DELTA_BYTES, &delta),
                         limit < whole.len ? STATUS_TOO_LARGE : STATUS_OK);
        buf_deinit(&delta);
    }
    buf_deinit(&whole);
}

static void a_delta_is_chosen_only_where_it_is_shorter(void **state)
{
    static const struct {
        const char *base, *target;
        bool chosen;
    } cases[] = {
        { LETTERS, LETTERS, true },
        { LETTERS, "", false },
        { LETTERS, "0123456789", false },
        { "", LETTERS, false },
        { LETTERS, "another text altogether, with nothing in common", false },
        { LETTERS, "efghijklmnopqrstuv", true }, /* 18 bytes in 12 */
    };
    struct buf room; /* one for all: what was before does not matter */
    buf_init(&room, 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct slice base = slice_from_cstr(cases[i].base), target = slice_from_cstr(cases[i].target);
        struct slice delta = delta_choose(base, target, DELTA_BYTES, &room);
        assert_int_equal(delta.len > 0, cases[i].chosen);
        if (cases[i].chosen) check_decodes(base, delta, target);
        if (cases[i].chosen) assert_true(delta.len < target.len);
    }
    mem_fail_after(1);
    assert_int_equal(delta_choose(SLICE(LETTERS), SLICE(LETTERS), DELTA_BYTES, &room).len, 0);
    mem_fail_after(0);
    buf_deinit(&room);
}

static void memory_that_is_out_is_told(void **state)
{
    struct slice text = SLICE(LETTERS);
    for (size_t n = 1; n <= 2; n++) {
        struct buf delta;
        buf_init(&delta, BUF_NO_LIMIT);
        mem_fail_after(n);
        assert_int_equal(delta_encode(text, text, DELTA_BYTES, &delta), STATUS_NO_MEMORY);
        buf_deinit(&delta);
    }
    mem_fail_after(0);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

#define BIG (1u << 20)

static void a_small_change_of_a_large_text_is_a_small_delta(void **state)
{
    char *base = mem_must_alloc(BIG), *target = mem_must_alloc(BIG);
    uint32_t seed = 7;
    for (size_t i = 0; i < BIG; i++) base[i] = (char)('a' + next_random(&seed) % 26);
    memcpy(target, base, BIG);
    for (size_t i = 0; i < 10; i++) target[next_random(&seed) * 16 % BIG] = '!';
    assert_true(check_round_trip(slice_of(base, BIG), slice_of(target, BIG)) < 300);
    mem_free(base);
    mem_free(target);
}

/* Blocks whose hash is that of sixteen times 'm', for the differences of three neighbours cancel out in both sums, and
 * with no more than two 'm' in a row: each place of a target of 'm' has all of them for candidates, and none pays. */
static void fill_slow(char *base, size_t len)
{
    memset(base, 'm', len);
    for (size_t i = 0; i + 5 <= len; i += i % 16 == 10 ? 6 : 5) {
        base[i]++;
        base[i + 1] = (char)(base[i + 1] - 2);
        base[i + 2]++;
    }
}

static void inputs_made_to_be_slow_are_not(void **state)
{
    char *base = mem_must_alloc(BIG), *target = mem_must_alloc(BIG);
    struct slice tail = SLICE(LETTERS LETTERS);
    fill_slow(base, BIG);
    memset(target, 'm', BIG);
    memcpy(base + BIG - tail.len, tail.ptr, tail.len);
    memcpy(target + BIG - tail.len, tail.ptr, tail.len);
    clock_t began = clock();
    /* some ten million steps; with all candidates it would be hundreds */
    check_round_trip(slice_of(base, BIG), slice_of(target, BIG));
    assert_true((clock() - began) / CLOCKS_PER_SEC < 2);
    /* nothing is cut short where it does not matter: the end is found */
    assert_true(check_round_trip(slice_of(base, BIG), slice_of(target, BIG)) < BIG);
    check_round_trip(slice_of(target, BIG), slice_of(target, BIG));
    memset(target, 0x80, BIG); /* no character begins: no match may be trimmed again and again */
    check_round_trip(slice_of(target, BIG), slice_of(target, BIG));
    printf("slow inputs of 1 MB: %ld ms of processor time for eight deltas\n",
           (clock() - began) * 1000 / CLOCKS_PER_SEC);
    mem_free(base);
    mem_free(target);
}

/* ---- the reader that the tests trust ---- */

static void bytes_that_are_no_delta_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "3",
        "3\n",
        "\n3:abc1XOCn0;",
        "3 3:abc1XOCn0;",
        "3\n3:abc",
        "3\n3:abc1XOCn0",
        "3\n4:ab",
        "3\n3:abc0;",
        "3\n2:ab;",
        "2\n3:abc1XOCn0;",
        "3\n3@0;",
        "3\n3@0",
        "3\n3@,",
        "3\n9@0,",
        "3\n1@9,",
        "3\n?",
        "3\n3?",
        "3\n~~~~~~@0,",
        "~~~~~~\n",
        "3\n1@~~~~~,",
        "0\n0;x",
        "3\n3:abc1XOCn0;0;",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct buf out;
        buf_init(&out, 1000);
        assert_int_equal(delta_decode(SLICE("12345678"), slice_from_cstr(bad[i]), &out), STATUS_MALFORMED);
        buf_deinit(&out);
    }
}

static void a_delta_for_another_base_is_noticed(void **state)
{
    struct slice base = SLICE(LETTERS), other = SLICE("0123456789abcdefghijklmnopqrstuvwxyZ");
    struct buf delta = encoded(base, base, DELTA_BYTES), out;
    buf_init(&out, BUF_NO_LIMIT);
    assert_int_equal(delta_decode(other, buf_slice(&delta), &out), STATUS_MALFORMED);
    buf_deinit(&out);
    buf_deinit(&delta);
}

/* ---- published vectors ---- */

static struct buf read_file(int number, const char *name)
{
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    char path[sizeof FOSSIL + 40];
    snprintf(path, sizeof path, "%s/%d/%s", FOSSIL, number, name);
    FILE *f = fopen(path, "rb");
    if (!f) return b;
    char piece[4096];
    size_t len;
    while ((len = fread(piece, 1, sizeof piece, f)) > 0) buf_append(&b, slice_of(piece, len));
    fclose(f);
    return b;
}

static void the_published_deltas_are_read_and_written_alike(void **state)
{
    int found = 0;
    for (int number = 1; number <= 5; number++) {
        struct buf origin = read_file(number, "origin"), target = read_file(number, "target");
        struct buf delta = read_file(number, "delta");
        if (delta.len > 0) {
            found++;
            check_decodes(buf_slice(&origin), buf_slice(&delta), buf_slice(&target));
            struct buf own = encoded(buf_slice(&origin), buf_slice(&target), DELTA_BYTES);
            assert_true(slice_eq(buf_slice(&own), buf_slice(&delta)));
            buf_deinit(&own);
        }
        buf_deinit(&origin);
        buf_deinit(&target);
        buf_deinit(&delta);
    }
    if (found == 0) printf("the published vectors are not there (%s): nothing was compared\n", FOSSIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delta_brings_the_base_to_the_target),
        cmocka_unit_test(every_border_is_right),
        cmocka_unit_test(the_bytes_are_those_of_centrifugo),
        cmocka_unit_test(a_delta_for_a_string_is_never_cut_inside_a_character),
        cmocka_unit_test(where_no_character_is_cut_both_texts_are_the_same),
        cmocka_unit_test(a_delta_is_given_up_when_it_is_not_shorter),
        cmocka_unit_test(a_delta_is_chosen_only_where_it_is_shorter),
        cmocka_unit_test(memory_that_is_out_is_told),
        cmocka_unit_test(a_small_change_of_a_large_text_is_a_small_delta),
        cmocka_unit_test(inputs_made_to_be_slow_are_not),
        cmocka_unit_test(bytes_that_are_no_delta_are_refused),
        cmocka_unit_test(a_delta_for_another_base_is_noticed),
        cmocka_unit_test(the_published_deltas_are_read_and_written_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
