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

/* cmocka's programs may not write into literals, and environ is char ** */
static struct config_try with(const char *json, const char *a, const char *b, const char *c)
{
    char copies[3][256];
    char *variables[4] = { NULL };
    const char *const given[] = { a, b, c };
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(given) && given[i]; i++) {
        (void)snprintf(copies[i], sizeof copies[i], "%s", given[i]);
        variables[count++] = copies[i];
    }
    struct config_try t;
    config_try_load(&t, json, variables);
    return t;
}

static void a_variable_wins_over_the_file(void **state)
{
    (void)state;
    struct config_try t = with("{\"http_server\":{\"port\":8000},\"client\":{\"allowed_origins\":[\"x\"]}}",
                               "CENTRIFUGO_HTTP_SERVER_PORT=9000", "CENTRIFUGO_CLIENT_ALLOWED_ORIGINS=a  b c",
                               "CENTRIFUGO_CLIENT_PING_INTERVAL=1m");
    assert_non_null(t.config);
    assert_int_equal(t.report.count, 0);
    assert_int_equal(t.config->http_port, 9000);
    assert_int_equal(t.config->deployment->allowed_origins.count, 3);
    assert_string_equal(t.config->deployment->allowed_origins.items[2], "c");
    assert_int_equal(t.config->deployment->limits.ping_interval_ms, 60000);
    config_try_end(&t);
}

static void an_empty_value_is_not_set(void **state)
{
    (void)state;
    struct config_try t =
        with("{\"http_server\":{\"port\":8000}}", "CENTRIFUGO_HTTP_SERVER_PORT=", "CENTRIFUGO_UNKNOWN=", "OTHER=1");
    assert_non_null(t.config);
    assert_int_equal(t.report.count, 0);
    assert_int_equal(t.config->http_port, 8000);
    config_try_end(&t);
}

static void a_wrong_variable_is_named(void **state)
{
    (void)state;
    struct config_try t = with("{}", "CENTRIFUGO_HTTP_SERVER_PORT=http", "CENTRIFUGO_HEALTH_ENABLED=on",
                               "CENTRIFUGO_CLIENT_PING_INTERVAL=25");
    assert_null(t.config);
    assert_true(config_try_says(&t, "\"http_server.port\" is \"http\", allowed is a whole number from 1 to 65535 "
                                    "(from CENTRIFUGO_HTTP_SERVER_PORT)"));
    assert_true(config_try_says(&t, "\"health.enabled\" is \"on\", allowed is true or false"));
    assert_true(config_try_says(&t, "\"client.ping_interval\" is \"25\", allowed is a time with a unit"));
    config_try_end(&t);
}

static void all_spellings_of_a_bool_are_those_of_go(void **state)
{
    static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
    static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(yes); i++) {
        char variable[64];
        (void)snprintf(variable, sizeof variable, "CENTRIFUGO_HEALTH_ENABLED=%s", yes[i]);
        struct config_try t = with("{}", variable, NULL, NULL);
        assert_true(t.config->health_enabled);
        config_try_end(&t);
        (void)snprintf(variable, sizeof variable, "CENTRIFUGO_HEALTH_ENABLED=%s", no[i]);
        t = with("{\"health\":{\"enabled\":true}}", variable, NULL, NULL);
        assert_false(t.config->health_enabled);
        config_try_end(&t);
    }
}

static void an_unknown_variable_warns_unless_it_is_somebody_elses(void **state)
{
    static const struct {
        const char *variable, *sentence;
    } rows[] = {
        { "CENTRIFUGO_CLIENT_INSECUR=1", "warning: variable \"CENTRIFUGO_CLIENT_INSECUR\" is not known, "
                                         "did you mean \"CENTRIFUGO_CLIENT_INSECURE\"?" },
        { "CENTRIFUGO_CHANNEL_NAMESPACES_NEWS_PRESENCE=1", "is not known" },
        { "CENTRIFUGO_PORTAL=1", NULL }, /* as the reference's pattern has it */
        { "CENTRIFUGO_VAR_X=1", NULL },
        { "CENTRIFUGO_PORT=tcp://10.0.0.1:8000", NULL },
        { "CENTRIFUGO_PORT_8000_TCP=tcp://10.0.0.1:8000", NULL },
        { "CENTRIFUGO_API_PORT_10000_TCP_ADDR=10.0.0.1", NULL },
        { "CENTRIFUGO_SERVICE_HOST=10.0.0.1", NULL },
        { "CENTRIFUGO_API_SERVICE_PORT=1", NULL },
        { "CENTRIFUGO=1", NULL },
        { "centrifugo_client_insecure=1", NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config_try t = with("{}", rows[i].variable, NULL, NULL);
        assert_non_null(t.config);
        assert_false(t.config->deployment->insecure);
        if (rows[i].sentence ? !config_try_says(&t, rows[i].sentence) : t.report.count > 0)
            fail_msg("%s gave: %s", rows[i].variable, t.text.ptr);
        config_try_end(&t);
    }
}

static void items_can_be_named_and_filled_by_variables(void **state)
{
    (void)state;
    struct config_try t =
        with("{}", "CENTRIFUGO_CHANNEL_NAMESPACES=news a.b-c", "CENTRIFUGO_CHANNEL_NAMESPACES_NEWS_PRESENCE=true",
             "CENTRIFUGO_CHANNEL_NAMESPACES_A_B_C_ALLOW_SUBSCRIBE_FOR_CLIENT=true");
    if (!t.config || t.report.count) fail_msg("%s", t.text.ptr);
    const struct policy_deployment *d = t.config->deployment;
    assert_int_equal(d->namespace_count, 2);
    assert_string_equal(d->namespaces[0].name, "a.b-c");
    assert_true(d->namespaces[0].options.subscribe.client);
    assert_false(d->namespaces[0].options.presence);
    assert_string_equal(d->namespaces[1].name, "news");
    assert_true(d->namespaces[1].options.presence);
    config_try_end(&t);
}

static void items_of_the_file_can_be_changed_by_variables(void **state)
{
    (void)state;
    struct config_try t =
        with("{\"channel\":{\"namespaces\":[{\"name\":\"news\",\"presence\":true,\"join_leave\":true}]}}",
             "CENTRIFUGO_CHANNEL_NAMESPACES=news more", "CENTRIFUGO_CHANNEL_NAMESPACES_NEWS_PRESENCE=0",
             "CENTRIFUGO_CHANNEL_NAMESPACES_NEWS_MAP_MODE=persistent");
    if (!t.config || t.report.count) fail_msg("%s", t.text.ptr);
    const struct policy_deployment *d = t.config->deployment;
    assert_int_equal(d->namespace_count, 2);
    assert_string_equal(d->namespaces[1].name, "news");
    assert_false(d->namespaces[1].options.presence);
    assert_true(d->namespaces[1].options.join_leave);
    assert_int_equal(d->namespaces[1].options.map.mode, POLICY_MAP_PERSISTENT);
    config_try_end(&t);
}

static void a_json_list_replaces_the_files(void **state)
{
    (void)state;
    struct config_try t =
        with("{\"channel\":{\"namespaces\":[{\"name\":\"news\",\"presence\":true},{\"name\":\"old\"}]}}",
             "CENTRIFUGO_CHANNEL_NAMESPACES=[{\"name\":\"news\"}]", NULL, NULL);
    if (!t.config || t.report.count) fail_msg("%s", t.text.ptr);
    assert_int_equal(t.config->deployment->namespace_count, 1);
    assert_false(t.config->deployment->namespaces[0].options.presence);
    config_try_end(&t);
    t = with("{}", "CENTRIFUGO_CHANNEL_NAMESPACES=[{\"name\":]", NULL, NULL);
    assert_null(t.config);
    assert_true(config_try_says(&t, "CENTRIFUGO_CHANNEL_NAMESPACES:1:10: "));
    config_try_end(&t);
}

#define KEY_OF(t) ((t).config->deployment->token.hmac_secret_key)

static void both_generations_of_secret_names_work(void **state)
{
    (void)state;
    struct config_try t = with("{}", "CENTRIFUGO_TOKEN_HMAC_SECRET_KEY=one", "CENTRIFUGO_API_KEY=two", NULL);
    assert_string_equal(KEY_OF(t), "one");
    assert_string_equal(t.config->deployment->api_key, "two");
    assert_int_equal(t.report.count, 0);
    config_try_end(&t);
    t = with("{}", "CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY=one", "CENTRIFUGO_HTTP_API_KEY=two", NULL);
    assert_string_equal(KEY_OF(t), "one");
    assert_string_equal(t.config->deployment->api_key, "two");
    config_try_end(&t);
}

static void two_names_of_one_secret_must_agree(void **state)
{
    (void)state;
    struct config_try t =
        with("{}", "CENTRIFUGO_TOKEN_HMAC_SECRET_KEY=one", "CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY=one", NULL);
    assert_string_equal(KEY_OF(t), "one");
    config_try_end(&t);
    t = with("{}", "CENTRIFUGO_TOKEN_HMAC_SECRET_KEY=one", "CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY=ten", NULL);
    assert_null(t.config);
    assert_true(config_try_says(&t, "\"client.token.hmac_secret_key\" is set twice to different secrets, by "
                                    "CENTRIFUGO_TOKEN_HMAC_SECRET_KEY and by CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY"));
    config_try_end(&t);
    t = with("{\"http_api\":{\"key\":\"ten\"}}", "CENTRIFUGO_API_KEY=one", NULL, NULL);
    assert_null(t.config);
    config_try_end(&t);
    t = with("{\"http_api\":{\"key\":\"ten\"}}", "CENTRIFUGO_HTTP_API_KEY=one", NULL, NULL);
    assert_string_equal(t.config->deployment->api_key, "one");
    config_try_end(&t);
}

static void flags_win_over_everything_and_fallbacks_over_nothing(void **state)
{
    const struct config_preset flags[] = { { "http_server.port", "7000", "--port" } };
    const struct config_preset fallbacks[] = {
        { "client.token.hmac_secret_key", "made", "generated" },
        { "http_api.key", "made", "generated" },
    };
    char port[] = "CENTRIFUGO_HTTP_SERVER_PORT=9000", key[] = "CENTRIFUGO_API_KEY=given";
    char *const variables[] = { port, key, NULL };
    struct config_source source = {
        .environ = variables, .flags = flags, .flag_count = 1, .fallbacks = fallbacks, .fallback_count = 2
    };
    struct config_try t;
    (void)state;
    config_try_source(&t, &source);
    assert_non_null(t.config);
    assert_int_equal(t.config->http_port, 7000);
    assert_string_equal(KEY_OF(t), "made");
    assert_string_equal(t.config->deployment->api_key, "given");
    config_try_end(&t);
    source.flags = &(struct config_preset){ "http_server.port", "x", "--port" };
    config_try_source(&t, &source);
    assert_null(t.config);
    assert_true(config_try_says(&t, "(from --port)"));
    config_try_end(&t);
}

static void a_dotenv_file_adds_what_the_environment_lacks(void **state)
{
    static const char text[] = "# comment\r\n"
                               "\n"
                               "export CENTRIFUGO_HTTP_SERVER_PORT=8123 # why\n"
                               "CENTRIFUGO_TOKEN_HMAC_SECRET_KEY=\"a b\\n#c\\\"d\" rest\r\n"
                               " CENTRIFUGO_API_KEY = 'x # $y\\n'\n"
                               "CENTRIFUGO_LOG_LEVEL=debug\n"
                               "nonsense\n=x\nHOME=/\n"
                               "CENTRIFUGO_NODE_NAME=last#one";
    char path[] = "/tmp/xsh_config_env_XXXXXX", level[] = "CENTRIFUGO_LOG_LEVEL=error";
    char *const variables[] = { level, NULL };
    struct config_try t;
    (void)state;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(close(fd), 0);
    config_try_source(&t, &(struct config_source){ .environ = variables, .dotenv_file = path });
    if (!t.config || t.report.count) fail_msg("%s", t.text.ptr);
    assert_int_equal(t.config->http_port, 8123);
    assert_int_equal(t.config->log_level, LOG_LEVEL_ERROR);
    assert_string_equal(KEY_OF(t), "a b\n#c\"d");
    assert_string_equal(t.config->deployment->api_key, "x # $y\\n");
    assert_string_equal(t.config->node_name, "last#one");
    config_try_end(&t);
    assert_int_equal(unlink(path), 0);
    config_try_source(&t, &(struct config_source){ .dotenv_file = path });
    assert_int_equal(t.report.count, 0);
    config_try_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_wins_over_the_file),
        cmocka_unit_test(an_empty_value_is_not_set),
        cmocka_unit_test(a_wrong_variable_is_named),
        cmocka_unit_test(all_spellings_of_a_bool_are_those_of_go),
        cmocka_unit_test(an_unknown_variable_warns_unless_it_is_somebody_elses),
        cmocka_unit_test(items_can_be_named_and_filled_by_variables),
        cmocka_unit_test(items_of_the_file_can_be_changed_by_variables),
        cmocka_unit_test(a_json_list_replaces_the_files),
        cmocka_unit_test(both_generations_of_secret_names_work),
        cmocka_unit_test(two_names_of_one_secret_must_agree),
        cmocka_unit_test(flags_win_over_everything_and_fallbacks_over_nothing),
        cmocka_unit_test(a_dotenv_file_adds_what_the_environment_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
