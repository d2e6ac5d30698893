#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/support/config_try.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "config/config_file.h"
#include "json/json_reader.h"

static void a_syntax_error_has_line_and_column(void **state)
{
    static const struct {
        const char *json, *place;
    } rows[] = {
        { "", "c.json:1:1: " },
        { "[]", "c.json:1:1: a configuration is a JSON object" },
        { "{\n  \"a\": 1,\n  \"b\" 2\n}", "c.json:3:7: " },
        { "{\n\"log\": {\"level\": \"info\"},\n}", "c.json:3:1: " },
        { "{} x", "c.json:1:" },
        { "{\"log\":{\"level\":\"info\"}", "c.json:1:" },
        { "{\"log\":{\"level\":tru}}", "c.json:1:17: " },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\"},]}}", "c.json:1:41: " },
        { "{\"a\":\"\xff\"}", "c.json:1:7: " },
        { "\xef\xbb\xbf{}", "c.json:1:1: " },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config_try t;
        config_try_load(&t, rows[i].json, NULL);
        if (t.config || !config_try_says(&t, rows[i].place)) fail_msg("%s gave: %s", rows[i].json, t.text.ptr);
        config_try_end(&t);
    }
}

static void the_line_of_an_option_is_told(void **state)
{
    struct config_try t;
    (void)state;
    config_try_load(&t, "{\n\n \"http_server\": {\n  \"port\":\n0.5\n },\n \"x\": {}\n}", NULL);
    assert_true(config_try_says(&t, "(from c.json, line 5)"));
    assert_true(config_try_says(&t, "option \"x\" is not known (from c.json, line 7)"));
    config_try_end(&t);
}

/* Cut anywhere, a file is refused or says the same as the whole. */
static void a_file_cut_at_any_byte_is_refused(void **state)
{
    static const char json[] = "{\"log\":{\"level\":\"debug\"},\"channel\":{\"namespaces\":[{\"name\":\"ab\"}]}}";
    (void)state;
    for (size_t len = 0; len < sizeof json - 1; len++) {
        struct config_report report;
        config_report_init(&report);
        assert_null(config_load_text(&(struct config_source){ 0 }, "c.json", slice_of(json, len), &report));
        assert_true(report.error_count > 0);
        config_report_deinit(&report);
    }
}

static void make_file(char *path, size_t len)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs("{}", f) >= 0);
    for (size_t i = 2; i < len; i++) assert_true(fputc(' ', f) != EOF);
    assert_int_equal(fclose(f), 0);
}

static void a_file_has_a_greatest_size(void **state)
{
    char path[64];
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/xsh_config_%d.json", (int)getpid());
    for (size_t over = 0; over <= 1; over++) {
        struct config_try t;
        make_file(path, CONFIG_FILE_BYTES_MAX + over);
        config_try_source(&t, &(struct config_source){ .file = path });
        assert_int_equal(t.config != NULL, over == 0);
        if (over) assert_true(config_try_says(&t, "is larger than 1 MiB"));
        config_try_end(&t);
    }
    assert_int_equal(unlink(path), 0);
}

static void a_missing_file_warns_or_stops(void **state)
{
    struct config_source source = { .file = "/nonexistent/config.json" };
    struct config_try t;
    (void)state;
    config_try_source(&t, &source);
    assert_non_null(t.config);
    assert_true(config_try_says(&t, "warning: configuration file \"/nonexistent/config.json\": not found"));
    config_try_end(&t);
    source.file_required = true;
    config_try_source(&t, &source);
    assert_null(t.config);
    assert_true(config_try_says(&t, "error: configuration file \"/nonexistent/config.json\": No such file"));
    config_try_end(&t);
    source.file = "/tmp"; /* no extension */
    config_try_source(&t, &source);
    assert_null(t.config);
    config_try_end(&t);
}

static void only_json_is_read(void **state)
{
    static const char *const names[] = { "c.yaml", "c.yml", "c.toml", "c.ini", "c", "json", "a.json/c", "c." };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct config_try t;
        config_try_source(&t, &(struct config_source){ .file = names[i] });
        assert_null(t.config);
        assert_true(config_try_says(&t, "allowed is \".json\""));
        config_try_end(&t);
    }
}

static void the_bundled_file_is_right_even_strictly(void **state)
{
    struct config_try t;
    const struct config_source source = { .file = XSH_SOURCE_DIR "/centrifugo/config.json",
                                          .file_required = true,
                                          .strict = true };
    (void)state;
    config_try_source(&t, &source);
    if (!t.config || t.report.count) fail_msg("%s", t.text.ptr);
    const struct policy_deployment *d = t.config->deployment;
    assert_int_equal(t.config->http_port, 3001);
    assert_true(t.config->health_enabled);
    assert_false(t.config->prometheus_enabled);
    assert_string_equal(d->token.hmac_secret_key, "");
    assert_true(policy_origin_allowed(&d->allowed_origins, SLICE("http://localhost:5173")));
    assert_false(policy_origin_allowed(&d->allowed_origins, SLICE("https://example.com")));
    assert_int_equal(d->namespace_count, 3);
    for (size_t i = 0; i < d->namespace_count; i++) {
        const struct policy_channel_options *o = &d->namespaces[i].options;
        assert_true(o->force_recovery && o->presence && policy_history_on(o));
        assert_true(o->history_access.subscriber && o->presence_access.subscriber);
        assert_int_equal(o->subscribe.client, strcmp(d->namespaces[i].name, "private") != 0);
        assert_int_equal(o->publish.subscriber, strcmp(d->namespaces[i].name, "chat") == 0);
        assert_false(o->subscribe.anonymous || o->publish.anonymous);
    }
    config_try_end(&t);
}

static void the_report_is_json_too(void **state)
{
    struct config_try t;
    struct buf json;
    (void)state;
    config_try_load(&t, "{\"sse\":{\"enabled\":true},\"log\":{\"format\":\"a\\u001b[1m\\\"\\ud800\"}}", NULL);
    buf_init(&json, BUF_NO_LIMIT);
    config_report_write(&t.report, &json, true);
    assert_true(json_valid(buf_slice(&json), JSON_DEPTH_DEFAULT));
    buf_append_char(&json, '\0');
    assert_non_null(strstr(json.ptr, "{\"ok\":false,\"errors\":[{\"option\":\"log.format\",\"message\":\"option"));
    assert_non_null(strstr(json.ptr, "\"source\":\"c.json, line 1\""));
    assert_null(strchr(t.text.ptr, 0x1b));
    buf_deinit(&json);
    config_try_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_syntax_error_has_line_and_column),      cmocka_unit_test(the_line_of_an_option_is_told),
        cmocka_unit_test(a_file_cut_at_any_byte_is_refused),       cmocka_unit_test(a_file_has_a_greatest_size),
        cmocka_unit_test(a_missing_file_warns_or_stops),           cmocka_unit_test(only_json_is_read),
        cmocka_unit_test(the_bundled_file_is_right_even_strictly), cmocka_unit_test(the_report_is_json_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
