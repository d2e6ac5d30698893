#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "control/project_answer.h"
#include "control/project_request.h"
#include "control/project_service.h"

static bool read_line(struct slice line, struct arena *arena, struct project_request *out, struct project_error *error)
{
    arena_reset(arena);
    return project_request_read(line, arena, out, error);
}

static void what_is_written_is_read_back(void **state)
{
    const struct project_request rows[] = {
        { .command = PROJECT_CREATE,
          .name = SLICE("a \"quoted\" \xe2\x80\x94 name"),
          .grace_s = PROJECT_GRACE_DEFAULT_S },
        { .command = PROJECT_LIST, .grace_s = PROJECT_GRACE_DEFAULT_S },
        { .command = PROJECT_SHOW, .id = SLICE("proj_a"), .grace_s = PROJECT_GRACE_DEFAULT_S },
        { .command = PROJECT_ROTATE, .id = SLICE("proj_a"), .which = STORE_KEY_CLIENT, .grace_s = 0 },
        { .command = PROJECT_ROTATE, .id = SLICE("proj_a"), .which = STORE_KEY_SERVER, .grace_s = 77 },
        { .command = PROJECT_REVOKE, .id = SLICE("proj_a"), .key_id = SLICE("kb"), .grace_s = PROJECT_GRACE_DEFAULT_S },
        { .command = PROJECT_ARCHIVE, .id = SLICE("proj_a"), .grace_s = PROJECT_GRACE_DEFAULT_S },
    };
    struct arena arena;
    arena_init(&arena, 8192);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct project_request out;
        struct project_error error;
        struct buf line;
        buf_init(&line, BUF_NO_LIMIT);
        project_request_write(&rows[i], &line);
        if (!read_line(buf_slice(&line), &arena, &out, &error)) fail_msg("row %zu: %s", i, error.text);
        assert_int_equal(out.command, rows[i].command);
        assert_true(slice_eq(out.name, rows[i].name));
        assert_true(slice_eq(out.id, rows[i].id));
        assert_true(slice_eq(out.key_id, rows[i].key_id));
        assert_int_equal(out.which, rows[i].which);
        assert_int_equal(out.grace_s, rows[i].grace_s);
        buf_deinit(&line);
    }
    arena_deinit(&arena);
}

static void the_grace_has_a_default(void **state)
{
    struct arena arena;
    struct project_request out;
    struct project_error error;
    arena_init(&arena, 8192);
    assert_true(read_line(SLICE("{\"command\":\"rotate\",\"id\":\"p\",\"which\":\"server\"}"), &arena, &out, &error));
    assert_int_equal(out.grace_s, 86400);
    arena_deinit(&arena);
}

static void a_malformed_request_is_refused_with_a_sentence(void **state)
{
    const struct {
        struct slice line;
        const char *expected;
    } rows[] = {
        { SLICE(""), "not a JSON object" },
        { SLICE("hello"), "not a JSON object" },
        { SLICE("[]"), "not a JSON object" },
        { SLICE("{"), "not a JSON object" },
        { SLICE("{\"command\":\"list\"} {}"), "more follows" },
        { SLICE("{\"command\":\"list\",}"), "not a JSON object" },
        { SLICE("{\"command\":\"list\xff\"}"), "not a JSON object" },
        { SLICE("{}"), "\"command\" is missing" },
        { SLICE("{\"command\":7}"), "\"command\" is not a string" },
        { SLICE("{\"command\":\"drop\"}"), "\"drop\" is unknown: create, list" },
        { SLICE("{\"command\":\"List\"}"), "\"List\" is unknown" },
        { SLICE("{\"command\":\"list\",\"command\":\"list\"}"), "\"command\" is given twice" },
        { SLICE("{\"command\":\"list\",\"colour\":1}"), "\"colour\" is unknown" },
        { SLICE("{\"command\":\"list\",\"id\":\"p\"}"), "\"id\" is not allowed with \"list\"" },
        { SLICE("{\"command\":\"create\"}"), "\"name\" is missing" },
        { SLICE("{\"command\":\"create\",\"name\":null}"), "\"name\" is not a string" },
        { SLICE("{\"command\":\"show\"}"), "\"id\" is missing" },
        { SLICE("{\"command\":\"revoke\",\"id\":\"p\"}"), "\"key_id\" is missing" },
        { SLICE("{\"command\":\"rotate\",\"id\":\"p\"}"), "\"which\" is missing" },
        { SLICE("{\"command\":\"rotate\",\"id\":\"p\",\"which\":\"both\"}"), "which is \"both\"" },
        { SLICE("{\"command\":\"rotate\",\"id\":\"p\",\"which\":\"server\",\"grace_seconds\":-1}"),
          "grace_seconds is \"-1\"" },
        { SLICE("{\"command\":\"rotate\",\"id\":\"p\",\"which\":\"server\",\"grace_seconds\":1.5}"), "\"1.5\"" },
        { SLICE("{\"command\":\"rotate\",\"id\":\"p\",\"which\":\"server\",\"grace_seconds\":99999999999999999999}"),
          "grace_seconds is" },
        { SLICE("{\"command\":\"show\",\"id\":\"p\",\"grace_seconds\":1}"), "\"grace_seconds\" is not allowed" },
        { SLICE("{\"command\":\"show\",\"id\":{\"a\":{\"b\":{\"c\":{\"d\":1}}}}}"), "\"id\" is not a string" },
    };
    struct arena arena;
    arena_init(&arena, 8192);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct project_request out;
        struct project_error error = { 0 };
        if (read_line(rows[i].line, &arena, &out, &error)) fail_msg("row %zu is accepted", i);
        if (!strstr(error.text, rows[i].expected)) fail_msg("row %zu: %s", i, error.text);
    }
    arena_deinit(&arena);
}

static void a_request_cut_at_any_byte_is_refused(void **state)
{
    struct slice line =
        SLICE("{\"command\":\"rotate\",\"id\":\"proj_\\u0061\",\"which\":\"client\",\"grace_seconds\":60}");
    struct arena arena;
    struct project_request out;
    struct project_error error;
    arena_init(&arena, 8192);
    for (size_t len = 0; len < line.len; len++) assert_false(read_line(slice_head(line, len), &arena, &out, &error));
    assert_true(read_line(line, &arena, &out, &error));
    assert_true(slice_eq(out.id, SLICE("proj_a")));
    arena_deinit(&arena);
}

static void a_refused_value_is_quoted_on_one_line_and_cut(void **state)
{
    static char long_text[400];
    char out[PROJECT_QUOTED_MAX];
    assert_string_equal(project_quoted(SLICE("plain"), out), "\"plain\"");
    assert_string_equal(project_quoted(SLICE("a\r\n\x1b[0m"), out), "\"a???[0m\"");
    assert_string_equal(project_quoted(SLICE("K\xc3\xb6ln"), out), "\"K\xc3\xb6ln\"");
    assert_string_equal(project_quoted(SLICE("\xff\xfe"), out), "\"??\"");
    memset(long_text, 'x', sizeof long_text);
    memcpy(long_text + PROJECT_ERROR_VALUE_MAX - 1, "\xc3\xb6", 2); /* the cut falls into this one */
    project_quoted(slice_of(long_text, sizeof long_text), out);
    assert_int_equal(strlen(out), PROJECT_ERROR_VALUE_MAX - 1 + 5);
    assert_string_equal(out + strlen(out) - 5, "x...\"");
}

static void an_answer_is_read_back(void **state)
{
    struct project_error error;
    struct project_answer answer;
    struct arena arena;
    struct buf line;
    arena_init(&arena, 8192);
    buf_init(&line, BUF_NO_LIMIT);
    project_refuse(&error, PROJECT_ERROR_NOT_EFFECTIVE_YET, "stored, \"but\"");
    project_answer_write_error(&line, &error, SLICE("{\"id\":1}"));
    assert_true(project_answer_read(buf_slice(&line), &arena, &answer));
    assert_false(answer.ok);
    assert_true(slice_eq(answer.error_code, SLICE("not_effective_yet")));
    assert_true(slice_eq(answer.message, SLICE("stored, \"but\"")));
    assert_true(slice_eq(answer.result, SLICE("{\"id\":1}")));
    buf_clear(&line);
    project_answer_write(&line, SLICE("[1,2]"));
    assert_true(project_answer_read(buf_slice(&line), &arena, &answer));
    assert_true(answer.ok);
    assert_true(slice_eq(answer.result, SLICE("[1,2]")));
    for (size_t len = 0; len < line.len; len++)
        assert_false(project_answer_read(slice_head(buf_slice(&line), len), &arena, &answer));
    buf_deinit(&line);
    arena_deinit(&arena);
}

static void new_keys_have_exactly_the_promised_members(void **state)
{
    struct project_new_keys keys = {
        .id = "proj_a", .name = "N", .server = { "ks", "sk_ks_x" }, .client = { "kc", "ck_kc_y" }
    };
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    project_answer_write_keys(&out, &keys);
    assert_true(
        slice_eq(buf_slice(&out),
                 SLICE("{\"id\":\"proj_a\",\"name\":\"N\",\"server_api_key\":\"sk_ks_x\",\"server_key_id\":\"ks\","
                       "\"client_api_key\":\"ck_kc_y\",\"client_key_id\":\"kc\"}")));
    buf_clear(&out);
    keys.server.text[0] = '\0';
    project_answer_write_keys(&out, &keys);
    assert_true(slice_eq(buf_slice(&out), SLICE("{\"id\":\"proj_a\",\"name\":\"N\",\"client_api_key\":\"ck_kc_y\","
                                                "\"client_key_id\":\"kc\"}")));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(the_grace_has_a_default),
        cmocka_unit_test(a_malformed_request_is_refused_with_a_sentence),
        cmocka_unit_test(a_request_cut_at_any_byte_is_refused),
        cmocka_unit_test(a_refused_value_is_quoted_on_one_line_and_cut),
        cmocka_unit_test(an_answer_is_read_back),
        cmocka_unit_test(new_keys_have_exactly_the_promised_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
