#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/api_fields.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

struct thing {
    struct slice text, raw;
    bool flag, inner_given, text_given;
    uint32_t u32;
    uint64_t u64;
    int32_t i32;
    int64_t i64;
    struct api_texts texts;
    struct api_tags tags;
    struct slice inner_text;
};

#define AT(member) .offset = offsetof(struct thing, member)

static const struct api_field inner[] = { { .name = SLICE_INIT("inner_text"), .type = API_TEXT, AT(inner_text) } };

static const struct api_field fields[] = {
    { .name = SLICE_INIT("text"), .type = API_TEXT, AT(text), .given = offsetof(struct thing, text_given) },
    { .name = SLICE_INIT("raw"), .type = API_RAW, AT(raw) },
    { .name = SLICE_INIT("the_flag"), .type = API_BOOL, AT(flag) },
    { .name = SLICE_INIT("u32"), .type = API_U32, AT(u32) },
    { .name = SLICE_INIT("u64"), .type = API_U64, AT(u64) },
    { .name = SLICE_INIT("i32"), .type = API_I32, AT(i32) },
    { .name = SLICE_INIT("i64"), .type = API_I64, AT(i64) },
    { .name = SLICE_INIT("texts"), .type = API_TEXTS, AT(texts) },
    { .name = SLICE_INIT("tags"), .type = API_TAGS, AT(tags) },
    { .name = SLICE_INIT("inner"),
      .type = API_MEMBERS,
      .given = offsetof(struct thing, inner_given),
      .members = inner,
      .member_count = 1 },
};

static struct arena arena;

static bool read_it(const char *body, enum api_fields_mode mode, struct thing *out, struct api_fields_problem *problem)
{
    *out = (struct thing){ 0 };
    arena_reset(&arena);
    return api_fields_read(slice_from_cstr(body), mode, fields, ARRAY_COUNT(fields), &arena, out, problem);
}

#define assert_slice(s, text) assert_true(slice_eq((s), SLICE(text)))

static void every_type_is_read(void **state)
{
    static const char body[] =
        "{\"text\":\"a\\u0062c\",\"raw\": {\"x\":[1]} ,\"the_flag\":true,\"u32\":4294967295,"
        "\"u64\":18446744073709551615,\"i32\":-2147483648,\"i64\":-9223372036854775808,"
        "\"texts\":[\"a\",\"b\\n\"],\"tags\":{\"k\":\"v\",\"l\":\"w\"},\"inner\":{\"inner_text\":\"z\"}}";
    struct thing t;
    struct api_fields_problem problem;
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        assert_true(read_it(body, mode ? API_FIELDS_STRICT : API_FIELDS_LENIENT, &t, &problem));
        assert_slice(t.text, "abc");
        assert_slice(t.raw, "{\"x\":[1]}");
        assert_true(t.flag && t.text_given && t.inner_given);
        assert_true(t.u32 == UINT32_MAX && t.u64 == UINT64_MAX && t.i32 == INT32_MIN && t.i64 == INT64_MIN);
        assert_int_equal(t.texts.count, 2);
        assert_slice(t.texts.items[1], "b\n");
        assert_int_equal(t.tags.count, 2);
        assert_slice(t.tags.items[1].key, "l");
        assert_slice(t.tags.items[1].value, "w");
        assert_slice(t.inner_text, "z");
    }
}

static void lenient_reading_takes_what_the_reference_takes(void **state)
{
    struct thing t;
    struct api_fields_problem problem;
    (void)state;
    assert_true(read_it(" null ", API_FIELDS_LENIENT, &t, &problem));
    assert_false(t.text_given);
    assert_true(read_it("{\"TEXT\":\"a\",\"theFlag\":true,\"INNERTEXT\":3,\"Inner\":{\"innerText\":\"q\"}}",
                        API_FIELDS_LENIENT, &t, &problem));
    assert_slice(t.text, "a");
    assert_slice(t.inner_text, "q");
    assert_true(t.flag);
    assert_true(read_it("{\"text\":\"a\",\"text\":\"b\",\"nobody\":[{}]}", API_FIELDS_LENIENT, &t, &problem));
    assert_slice(t.text, "b");
    assert_true(read_it("{\"text\":null,\"u32\":null,\"texts\":null,\"tags\":null,\"inner\":null,\"raw\":null}",
                        API_FIELDS_LENIENT, &t, &problem));
    assert_slice(t.raw, "null");
    assert_false(t.text_given || t.inner_given);
    assert_true(read_it("{\"texts\":[null,\"a\"],\"tags\":{\"a\":null,\"b\":\"1\",\"b\":\"2\"}}", API_FIELDS_LENIENT,
                        &t, &problem));
    assert_int_equal(t.texts.count, 2);
    assert_int_equal(t.texts.items[0].len, 0);
    assert_int_equal(t.tags.count, 2);
    assert_slice(t.tags.items[1].value, "2");
}

static void each_problem_is_told_apart(void **state)
{
    static const struct {
        const char *body;
        enum api_fields_kind kind;
        const char *name, *more; /* more: value or nearest */
    } rows[] = {
        { "", API_FIELDS_SYNTAX, NULL, NULL },
        { "{", API_FIELDS_SYNTAX, NULL, NULL },
        { "{}}", API_FIELDS_SYNTAX, NULL, NULL },
        { "{\"text\"}", API_FIELDS_SYNTAX, NULL, NULL },
        { "{\"text\":tru}", API_FIELDS_SYNTAX, NULL, NULL },
        { "{\"text\":nul}", API_FIELDS_SYNTAX, NULL, NULL },
        { "nul", API_FIELDS_SYNTAX, NULL, NULL },
        { "{\"text\":1,\"raw\":}", API_FIELDS_SYNTAX, NULL, NULL }, /* before the wrong type */
        { "{\"nobody\":1,", API_FIELDS_SYNTAX, NULL, NULL },
        { "[]", API_FIELDS_NOT_OBJECT, NULL, "[]" },
        { "null", API_FIELDS_NOT_OBJECT, NULL, "null" },
        { "\"a\"", API_FIELDS_NOT_OBJECT, NULL, "\"a\"" },
        { "{\"text\":1}", API_FIELDS_TYPE, "text", "1" },
        { "{\"the_flag\":\"true\"}", API_FIELDS_TYPE, "the_flag", "\"true\"" },
        { "{\"u32\":4294967296}", API_FIELDS_TYPE, "u32", "4294967296" },
        { "{\"u64\":1.5}", API_FIELDS_TYPE, "u64", "1.5" },
        { "{\"i32\":2147483648}", API_FIELDS_TYPE, "i32", "2147483648" },
        { "{\"texts\":[\"a\",1]}", API_FIELDS_TYPE, "texts", "[\"a\",1]" },
        { "{\"texts\":[null]}", API_FIELDS_TYPE, "texts", "[null]" },
        { "{\"tags\":{\"a\":{}}}", API_FIELDS_TYPE, "tags", "{\"a\":{}}" },
        { "{\"inner\":[]}", API_FIELDS_TYPE, "inner", "[]" },
        { "{\"inner\":{\"inner_text\":1}}", API_FIELDS_TYPE, "inner_text", "1" },
        { "{\"texxts\":1}", API_FIELDS_UNKNOWN, "texxts", "texts" },
        { "{\"theFlag\":true}", API_FIELDS_UNKNOWN, "theFlag", "the_flag" },
        { "{\"Text\":\"a\"}", API_FIELDS_UNKNOWN, "Text", "text" },
        { "{\"whatever\":1}", API_FIELDS_UNKNOWN, "whatever", "" },
        { "{\"\":1}", API_FIELDS_UNKNOWN, "", "" },
        { "{\"inner\":{\"text\":1}}", API_FIELDS_UNKNOWN, "text", "" },
        { "{\"text\":\"a\",\"text\":\"b\"}", API_FIELDS_REPEATED, "text", NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct thing t;
        struct api_fields_problem p;
        assert_false(read_it(rows[i].body, API_FIELDS_STRICT, &t, &p));
        if (p.kind != rows[i].kind) fail_msg("%s: kind %d", rows[i].body, (int)p.kind);
        struct slice name = p.field ? p.field->name : p.name;
        struct slice more = p.kind == API_FIELDS_UNKNOWN ? p.nearest : p.value;
        if (rows[i].name) assert_true(slice_eq(name, slice_from_cstr(rows[i].name)));
        if (rows[i].more && !slice_eq(more, slice_from_cstr(rows[i].more)))
            fail_msg("%s: %.*s", rows[i].body, SLICE_ARG(more));
        if (p.kind == API_FIELDS_SYNTAX) assert_non_null(p.text);
    }
}

static void a_syntax_error_knows_its_place(void **state)
{
    struct thing t;
    struct api_fields_problem p;
    (void)state;
    assert_false(read_it("{\"text\":\"a\",}", API_FIELDS_STRICT, &t, &p));
    assert_int_equal(p.position, 12);
    assert_false(read_it("{} x", API_FIELDS_STRICT, &t, &p));
    assert_int_equal(p.kind, API_FIELDS_SYNTAX);
}

static void lists_end_at_their_limit(void **state)
{
    struct buf body;
    (void)state;
    buf_init(&body, BUF_NO_LIMIT);
    for (uint32_t over = 0; over < 2; over++) {
        struct thing t = { 0 };
        struct api_fields_problem p;
        buf_clear(&body);
        buf_append(&body, SLICE("{\"texts\":["));
        for (uint32_t i = 0; i < API_TEXTS_MAX + over; i++) buf_append(&body, i ? SLICE(",\"\"") : SLICE("\"\""));
        buf_append(&body, SLICE("]}"));
        arena_reset(&arena);
        bool good = api_fields_read(buf_slice(&body), API_FIELDS_LENIENT, fields, ARRAY_COUNT(fields), &arena, &t, &p);
        assert_int_equal(good, !over);
        if (over)
            assert_int_equal(p.kind, API_FIELDS_TYPE);
        else
            assert_int_equal(t.texts.count, API_TEXTS_MAX);
    }
    buf_deinit(&body);
}

static void memory_that_runs_out_is_told(void **state)
{
    static const char body[] = "{\"text\":\"\\u0061\",\"texts\":[\"\\n\"],\"tags\":{\"a\\t\":\"b\"}}";
    struct thing t;
    struct api_fields_problem p;
    size_t failures = 0;
    (void)state;
    for (size_t n = 1;; n++) {
        arena_deinit(&arena); /* so that it has to allocate */
        t = (struct thing){ 0 };
        mem_fail_after(n);
        bool good = api_fields_read(SLICE(body), API_FIELDS_LENIENT, fields, ARRAY_COUNT(fields), &arena, &t, &p);
        bool untouched = mem_fail_pending();
        mem_fail_after(0);
        if (untouched) break;
        assert_false(good);
        assert_int_equal(p.kind, API_FIELDS_NO_MEMORY);
        failures++;
    }
    assert_true(failures > 0);
}

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, 64u << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),         cmocka_unit_test(lenient_reading_takes_what_the_reference_takes),
        cmocka_unit_test(each_problem_is_told_apart), cmocka_unit_test(a_syntax_error_knows_its_place),
        cmocka_unit_test(lists_end_at_their_limit),   cmocka_unit_test(memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
