#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/support/config_try.h"

#include "base/check.h"
#include "base/mem.h"

static void nothing_at_all_is_a_configuration_with_defaults(void **state)
{
    struct config_try t;
    (void)state;
    config_try_source(&t, &(struct config_source){ 0 });
    const struct config *c = t.config;
    assert_non_null(c);
    assert_int_equal(t.report.count, 0);
    assert_string_equal(c->http_address, "");
    assert_int_equal(c->http_port, 3001);
    assert_int_equal(c->internal_port, 0);
    assert_int_equal(c->http_header_bytes_max, 32768);
    assert_int_equal(c->log_level, LOG_LEVEL_INFO);
    assert_int_equal(c->log_format, CONFIG_LOG_AUTO);
    assert_string_equal(c->websocket_prefix, "/connection/websocket");
    assert_string_equal(c->api_prefix, "/api");
    assert_false(c->api_disabled);
    assert_false(c->health_enabled);
    assert_string_equal(c->health_prefix, "/health");
    assert_string_equal(c->prometheus_prefix, "/metrics");
    assert_int_equal(c->shutdown_timeout_ms, 30000);
    config_try_end(&t);
}

static void the_deployment_has_the_defaults_of_centrifugo(void **state)
{
    struct config_try t;
    (void)state;
    config_try_load(&t, "{}", NULL);
    assert_non_null(t.config);
    const struct policy_deployment *d = t.config->deployment;
    const struct policy_limits *l = &d->limits;
    assert_int_equal(l->ping_interval_ms, 25000);
    assert_int_equal(l->pong_timeout_ms, 8000);
    assert_int_equal(l->expired_close_delay_ms, 25000);
    assert_int_equal(l->expired_sub_close_delay_ms, 25000);
    assert_int_equal(l->stale_close_delay_ms, 10000);
    assert_int_equal(l->channel_limit, 128);
    assert_int_equal(l->queue_bytes_max, 1048576);
    assert_int_equal(l->history_publications_max, 300);
    assert_int_equal(l->recovery_publications_max, 300);
    assert_int_equal(l->channel_len_max, 255);
    assert_int_equal(l->websocket_message_bytes_max, 65536);
    assert_int_equal(l->websocket_write_timeout_ms, 1000);
    assert_int_equal(l->presence_update_interval_ms, 27000);
    assert_int_equal(l->position_check_delay_ms, 40000);
    assert_int_equal(l->position_lag_max_ms, 0);
    assert_false(l->websocket_compression);
    assert_int_equal(l->websocket_compressed_bytes_min, 0);
    assert_int_equal(l->websocket_compression_level, 1);
    assert_int_equal(l->websocket_inflated_bytes_max, 655360);
    assert_string_equal(d->private_prefix, "$");
    assert_string_equal(d->namespace_boundary, ":");
    assert_string_equal(d->user_boundary, "#");
    assert_string_equal(d->user_separator, ",");
    assert_string_equal(d->rpc_ping_method, "ping");
    assert_string_equal(d->api_key, "");
    assert_string_equal(d->token.hmac_secret_key, "");
    assert_int_equal(d->allowed_origins.count, 0);
    assert_int_equal(d->without_namespace.options.history_meta_ttl_ms, 720ull * 3600 * 1000);
    assert_int_equal(d->without_namespace.options.subscription_type, POLICY_STREAM);
    assert_false(d->without_namespace.options.subscribe.client);
    assert_int_equal(d->without_namespace.options.data_format, POLICY_FORMAT_NOT_EMPTY);
    config_try_end(&t);
}

static void some_times_of_zero_mean_a_default(void **state)
{
    struct config_try t;
    (void)state;
    config_try_load(&t,
                    "{\"websocket\":{\"write_timeout\":\"0s\"},\"client\":{\"presence_update_interval\":\"0s\","
                    "\"channel_position_check_delay\":\"0s\"}}",
                    NULL);
    const struct policy_limits *l = &t.config->deployment->limits;
    assert_int_equal(l->websocket_write_timeout_ms, 1000);
    assert_int_equal(l->presence_update_interval_ms, 27000);
    assert_int_equal(l->position_check_delay_ms, 40000);
    config_try_end(&t);
}

static void options_reach_the_place_they_name(void **state)
{
    struct config_try t;
    (void)state;
    config_try_load(
        &t,
        "{\"HTTP_Server\":{\"Port\":\"8000\",\"internal_port\":9000,\"internal_address\":\"::1\"},"
        "\"log\":{\"level\":\"WARN\",\"format\":\"json\",\"file\":\"/tmp/x\"},"
        "\"websocket\":{\"handler_prefix\":\"/ws/"
        "\",\"write_timeout\":\"3s\",\"message_size_limit\":70000,\"compression\":true,"
        "\"compression_min_size\":300,\"compression_level\":-2,\"decompressed_message_size_limit\":90000},"
        "\"http_api\":{\"key\":\"k\",\"error_mode\":\"transport\",\"external\":true,\"handler_prefix\":\"/\"},"
        "\"client\":{\"presence_update_interval\":\"4s\",\"channel_position_check_delay\":\"5s\","
        "\"channel_position_max_time_lag\":\"6s\",\"ping_interval\":\"1m\",\"pong_timeout\":2000000000,\"stale_close_"
        "delay\":\"1500us\",\"allowed_"
        "origins\":[\"*\",\"a\"],"
        "\"token\":{\"hmac_secret_key\":\"s\",\"hmac_previous_secret_key_valid_until\":4102444800,"
        "\"audience_regex\":\"^a\"},"
        "\"subscription_token\":{\"enabled\":true,\"hmac_secret_key\":\"z\"},"
        "\"subscribe_to_user_personal_channel\":{\"enabled\":\"true\",\"personal_channel_namespace\":\"me\","
        "\"single_connection\":1}},"
        "\"channel\":{\"private_prefix\":\"\",\"publication_data_format\":\"json\",\"history_meta_ttl\":\"48h\","
        "\"without_namespace\":{\"allow_publish_for_anonymous\":true},"
        "\"namespaces\":[{\"name\":\"zz\",\"history_size\":10,\"history_ttl\":\"60s\",\"history_meta_ttl\":\"2m\","
        "\"force_recovery\":true,\"publication_data_format\":\"binary\",\"channel_regex\":\"^[0-9]+$\","
        "\"allow_history_for_subscriber\":true,\"allowed_delta_types\":[\"fossil\"],\"delta_publish\":true},"
        "{\"name\":\"me\",\"presence\":true,\"map\":{\"min_page_size\":7}}]},"
        "\"rpc\":{\"ping\":{\"enabled\":true}},\"trusted_proxies\":\"10.0.0.0/8\",\"pid_file\":null,"
        "\"client.connection_limit\":7}",
        NULL);
    if (!t.config) fail_msg("%s", t.text.ptr);
    assert_int_equal(t.report.count, 0);
    const struct config *c = t.config;
    const struct policy_deployment *d = c->deployment;
    assert_int_equal(c->http_port, 8000);
    assert_int_equal(c->internal_port, 9000);
    assert_string_equal(c->internal_address, "::1");
    assert_int_equal(c->log_level, LOG_LEVEL_WARN);
    assert_int_equal(c->log_format, CONFIG_LOG_JSON);
    assert_string_equal(c->log_file, "/tmp/x");
    assert_string_equal(c->websocket_prefix, "/ws");
    assert_string_equal(c->api_prefix, "/");
    assert_true(c->api_external && d->api_errors_as_status);
    assert_string_equal(d->api_key, "k");
    assert_int_equal(d->limits.ping_interval_ms, 60000);
    assert_int_equal(d->limits.pong_timeout_ms, 2000);
    assert_int_equal(d->limits.stale_close_delay_ms, 2);
    assert_int_equal(d->limits.connection_limit, 7);
    assert_int_equal(d->limits.websocket_message_bytes_max, 70000);
    assert_int_equal(d->limits.websocket_write_timeout_ms, 3000);
    assert_int_equal(d->limits.presence_update_interval_ms, 4000);
    assert_int_equal(d->limits.position_check_delay_ms, 5000);
    assert_int_equal(d->limits.position_lag_max_ms, 6000);
    assert_true(d->limits.websocket_compression);
    assert_int_equal(d->limits.websocket_compressed_bytes_min, 300);
    assert_int_equal(d->limits.websocket_compression_level, -2);
    assert_int_equal(d->limits.websocket_inflated_bytes_max, 90000);
    assert_int_equal(d->allowed_origins.count, 2);
    assert_string_equal(d->allowed_origins.items[1], "a");
    assert_string_equal(d->trusted_proxies.items[0], "10.0.0.0/8");
    assert_string_equal(d->token.hmac_secret_key, "s");
    assert_int_equal(d->token.hmac_previous_valid_until_s, 4102444800);
    assert_true(d->subscription_token_enabled);
    assert_string_equal(d->subscription_token.hmac_secret_key, "z");
    assert_true(d->personal_channel_enabled && d->personal_single_connection && d->rpc_ping_enabled);
    assert_string_equal(d->private_prefix, "");
    assert_int_equal(d->namespace_count, 2);
    assert_string_equal(d->namespaces[0].name, "me");
    assert_true(d->namespaces[0].options.presence);
    assert_int_equal(d->namespaces[0].options.history_meta_ttl_ms, 48ull * 3600 * 1000);
    assert_int_equal(d->namespaces[0].options.data_format, POLICY_FORMAT_JSON);
    const struct policy_channel_options *o = &d->namespaces[1].options;
    assert_true(policy_history_on(o) && o->force_recovery && o->history_access.subscriber);
    assert_int_equal(o->history_ttl_ms, 60000);
    assert_int_equal(o->history_meta_ttl_ms, 120000);
    assert_int_equal(o->data_format, POLICY_FORMAT_BINARY);
    assert_true(policy_regex_match(o->channel_regex, SLICE("12")));
    assert_false(policy_regex_match(o->channel_regex, SLICE("a")));
    assert_true(o->allow_delta_fossil && o->delta_publish);
    assert_false(d->namespaces[0].options.allow_delta_fossil || d->namespaces[0].options.delta_publish);
    assert_true(d->without_namespace.options.publish.anonymous);
    config_try_end(&t);
}

struct row {
    const char *json, *sentence;
};

#define PEM        "-----BEGIN X-----\\nAA==\\n-----END X-----\\n"
#define PEM_BASE64 "LS0tLS1CRUdJTiBYLS0tLS0KQUE9PQotLS0tLUVORCBYLS0tLS0K"
#define PEM_TEXT   "-----BEGIN X-----\nAA==\n-----END X-----\n"

static void certificates_are_pem_text_or_base64_of_it_or_a_file(void **state)
{
    char path[] = "/tmp/xshathra-pem-XXXXXX";
    struct config_try t;
    struct buf json;
    (void)state;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, PEM_TEXT, sizeof PEM_TEXT - 1), sizeof PEM_TEXT - 1);
    close(fd);
    buf_init(&json, BUF_NO_LIMIT);
    buf_printf(&json,
               "{\"http_server\":{\"tls_external\":true,\"tls\":{\"enabled\":true,\"cert_pem\":\"%s\",\"key_pem\":"
               "\"%s\",\"client_ca_pem\":\"%s\"},\"internal_tls\":{\"cert_pem\":\"/not/looked/at\"}}}",
               PEM, PEM_BASE64, path);
    buf_append_char(&json, '\0');
    config_try_load(&t, json.ptr, NULL);
    if (!t.config || t.report.count) fail_msg("%s", t.text.ptr);
    assert_true(t.config->tls.enabled && t.config->tls_external && !t.config->internal_tls.enabled);
    assert_string_equal(t.config->tls.cert_pem, PEM_TEXT);
    assert_string_equal(t.config->tls.key_pem, PEM_TEXT);
    assert_string_equal(t.config->tls.client_ca_pem, PEM_TEXT);
    assert_string_equal(t.config->internal_tls.cert_pem, "");
    config_try_end(&t);
    buf_deinit(&json);
    unlink(path);
}

static void expect(const struct row *rows, size_t count, bool refused)
{
    for (size_t i = 0; i < count; i++) {
        struct config_try t;
        config_try_load(&t, rows[i].json, NULL);
        if (!t.config != refused) fail_msg("%s gave: %s", rows[i].json, t.text.ptr);
        if (rows[i].sentence && !config_try_says(&t, rows[i].sentence))
            fail_msg("%s gave: %s", rows[i].json, t.text.ptr);
        if (!rows[i].sentence && t.report.count) fail_msg("%s gave: %s", rows[i].json, t.text.ptr);
        config_try_end(&t);
    }
}

static void a_wrong_value_stops_with_a_sentence(void **state)
{
    static const struct row rows[] = {
        { "{\"http_server\":{\"port\":0.5}}", "error: option \"http_server.port\" is \"0.5\", allowed is a whole "
                                              "number from 1 to 65535 (from c.json, line 1)" },
        { "{\"http_server\":{\"port\":65536}}", "is \"65536\", allowed is" },
        { "{\"http_server\":{\"port\":\"x\"}}", "is \"x\", allowed is" },
        { "{\"http_server\":{\"port\":true}}", "is \"true\", allowed is" },
        { "{\"http_server\":{\"port\":{}}}", "is an object, allowed is" },
        { "{\"http_server\":{\"port\":[]}}", "is a list, allowed is" },
        { "{\"http_server\":{\"internal_port\":\"x\"}}", "\"http_server.internal_port\" is \"x\", allowed is a port" },
        { "{\"http_server\":{\"internal_port\":65536}}", "is \"65536\", allowed is a port" },
        { "{\"http_server\":{\"tls\":{\"enabled\":true}}}",
          "option \"http_server.tls.cert_pem\" is not set, but http_server.tls.enabled is true, which needs it" },
        { "{\"http_server\":{\"internal_tls\":{\"enabled\":true,\"cert_pem\":\"" PEM "\"}}}",
          "option \"http_server.internal_tls.key_pem\" is not set" },
        { "{\"http_server\":{\"tls\":{\"enabled\":true,\"cert_pem\":\"/no/such.pem\",\"key_pem\":\"" PEM "\"}}}",
          "cert_pem\" is no PEM text, no base64 of it, and as a file: No such file or directory; allowed are" },
        { "{\"http_server\":{\"tls\":{\"enabled\":true,\"cert_pem\":\"" PEM "\",\"key_pem\":\"/dev/null\"}}}",
          "option \"http_server.tls.key_pem\" names a file without a PEM block" },
        { "{\"http_server\":{\"tls\":{\"enabled\":true,\"cert_pem\":\"" PEM "\",\"key_pem\":\"" PEM
          "\",\"client_ca_pem\":\"bm8gcGVt\"}}}",
          "option \"http_server.tls.client_ca_pem\" is no PEM text" },
        { "{\"http_server\":5}", "option \"http_server\" is a section, allowed is an object" },
        { "{\"health\":{\"enabled\":\"yes\"}}", "\"health.enabled\" is \"yes\", allowed is true or false" },
        { "{\"health\":{\"enabled\":2}}", "is \"2\", allowed is true or false" },
        { "{\"client\":{\"ping_interval\":\"25\"}}",
          "\"client.ping_interval\" is \"25\", allowed is a time with a unit such as \"25s\", \"1m30s\" or \"300ms\"" },
        { "{\"client\":{\"ping_interval\":25}}", "is \"25\", allowed is a time" },
        { "{\"client\":{\"ping_interval\":\"-5s\"}}", "is \"-5s\", allowed is a time" },
        { "{\"client\":{\"ping_interval\":\"8s\"}}",
          "\"client.pong_timeout\" is \"8s\", allowed is less than client.ping_interval, \"8s\"" },
        { "{\"client\":{\"channel_limit\":-1}}", "is \"-1\", allowed is a whole number from 1" },
        { "{\"client\":{\"channel_limit\":2147483648}}", "is \"2147483648\", allowed is" },
        { "{\"client\":{\"allowed_origins\":[1]}}", "a list with something other than strings in it" },
        { "{\"client\":{\"allowed_origins\":[\"[\"]}}", "\"client.allowed_origins\" has \"[\", allowed are patterns" },
        { "{\"client\":{\"token\":{\"user_id_claim\":\"a.b\"}}}", "is \"a.b\", allowed are letters and \"_\"" },
        { "{\"client\":{\"token\":{\"audience\":\"a\",\"audience_regex\":\"b\"}}}", "is set beside audience" },
        { "{\"client\":{\"token\":{\"issuer_regex\":\"(\"}}}", "is \"(\", allowed is a regular expression" },
        { "{\"client\":{\"token\":{\"hmac_secret_key\":[\"hush\"]}}}", "is a list, allowed is a string" },
        { "{\"client\":{\"subscribe_to_user_personal_channel\":{\"enabled\":true,\"personal_channel_namespace\":\"x\"}}"
          "}",
          "is \"x\", allowed is the name of one of channel.namespaces" },
        { "{\"client\":{\"subscribe_to_user_personal_channel\":{\"enabled\":true,\"single_connection\":true}}}",
          "needs \"channel.without_namespace.presence\"" },
        { "{\"channel\":{\"history_meta_ttl\":\"1500ms\"}}", "allowed is a time in whole seconds" },
        { "{\"channel\":{\"publication_data_format\":\"xml\"}}", "is \"xml\", allowed is \"json\"" },
        { "{\"channel\":{\"namespaces\":{}}}", "is not a list, allowed is a list of objects" },
        { "{\"channel\":{\"namespaces\":[7]}}", "\"channel.namespaces[0]\" is not an object" },
        { "{\"channel\":{\"namespaces\":[{}]}}", "\"channel.namespaces[0].name\" is \"\", allowed are two or more" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"a\"}]}}", "is \"a\", allowed are two or more" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"a:b\"}]}}", "is \"a:b\", allowed are" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\"},{\"name\":\"ab\"}]}}",
          "\"channel.namespaces[1].name\" is \"ab\"" },
        { "{\"channel\":{\"without_namespace\":{\"history_size\":1}}}",
          "history_ttl\" is not set in channels without a namespace" },
        { "{\"channel\":{\"without_namespace\":{\"history_ttl\":\"1s\"}}}", "history_size\" is not set" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\",\"force_recovery\":true}]}}",
          "is \"true\" in namespace \"ab\", but recovery needs history_size and history_ttl" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\",\"history_size\":1,\"history_ttl\":\"2m\",\"history_meta_"
          "ttl\":\"1m\"}]}}",
          "is \"2m0s\" in namespace \"ab\", allowed is at most its history_meta_ttl, \"1m0s\"" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\",\"channel_regex\":\"[\"}]}}",
          "allowed is a regular expression" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\",\"allowed_delta_types\":[\"x\"]}]}}",
          "has \"x\" in namespace \"ab\", allowed is \"fossil\"" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\",\"publication_data_format\":\"x\"}]}}",
          "is \"x\" in namespace \"ab\"" },
        { "{\"rpc\":{\"namespaces\":[{\"name\":\"?\"}]}}", "\"rpc.namespaces[0].name\" is \"?\"" },
        { "{\"consumers\":[{\"name\":\"a-b\"}]}", "\"consumers[0].name\" is \"a-b\"" },
        { "{\"trusted_proxies\":[\"10.0.0.1/8\"]}", "has \"10.0.0.1/8\", allowed are addresses and blocks" },
        { "{\"log\":{\"format\":\"xml\"}}", "\"log.format\" is \"xml\", allowed is \"text\" or \"json\"" },
        { "{\"http_api\":{\"error_mode\":\"x\"}}", "is \"x\", allowed is \"transport\"" },
        { "{\"http_api\":{\"handler_prefix\":\"api\"}}", "is \"api\", allowed is a path such as \"/a/b\"" },
        { "{\"http_api\":{\"handler_prefix\":\"/health\"}}",
          "as http_api.handler_prefix is, allowed is a path of its own" },
        { "{\"engine\":{\"type\":\"etcd\"}}", "option \"engine.type\" is \"etcd\", allowed is \"memory\"" },
    };
    (void)state;
    expect(rows, ARRAY_COUNT(rows), true);
}

static void what_is_not_built_and_decides_something_stops_the_start(void **state)
{
    static const struct row rows[] = {
        { "{\"engine\":{\"type\":\"redis\"}}", "is \"redis\", which is not built yet, allowed is \"memory\"" },
        { "{\"broker\":{\"enabled\":true,\"type\":\"nats\"}}", "is \"nats\", which is not built yet" },
        { "{\"presence_manager\":{\"enabled\":true,\"type\":\"redis\"}}", "is \"redis\", which is not built yet" },
        { "{\"map_broker\":{\"type\":\"postgres\"}}", "is \"postgres\", which is not built yet" },
        { "{\"controller\":{\"enabled\":true}}", "option \"controller.enabled\" is set, but" },
        { "{\"http_server\":{\"tls_autocert\":{\"enabled\":true}}}", "http_server.tls_autocert.enabled" },
        { "{\"client\":{\"proxy\":{\"connect\":{\"enabled\":true}}}}", "client.proxy.connect.enabled" },
        { "{\"rpc\":{\"without_namespace\":{\"proxy_enabled\":true}}}", "rpc.without_namespace.proxy_enabled" },
        { "{\"rpc\":{\"namespaces\":[{\"name\":\"ab\",\"proxy_enabled\":true}]}}", "rpc.namespaces[0].proxy_enabled" },
        { "{\"consumers\":[{\"name\":\"ab\",\"enabled\":true}]}", "consumers[0].enabled" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\",\"subscribe_proxy_enabled\":true}]}}",
          "subscribe_proxy_enabled" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\",\"subscription_type\":\"shared_poll\"}]}}",
          "is \"shared_poll\" in namespace \"ab\", which is not built" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\",\"auto_cache_recover\":true}]}}",
          "needs force_recovery and force_recovery_mode \"cache\"" },
    };
    (void)state;
    expect(rows, ARRAY_COUNT(rows), true);
}

static void what_else_is_not_built_only_warns(void **state)
{
    static const struct row rows[] = {
        { "{\"sse\":{\"enabled\":true}}", "warning: option \"sse.enabled\" is set, but what it asks for is not built" },
        { "{\"http_stream\":{\"enabled\":true}}", "http_stream.enabled" },
        { "{\"uni_grpc\":{\"enabled\":true}}", "uni_grpc.enabled" },
        { "{\"grpc_api\":{\"enabled\":true}}", "grpc_api.enabled" },
        { "{\"admin\":{\"enabled\":true,\"password\":\"hush\"}}", "admin.enabled" },
        { "{\"opentelemetry\":{\"enabled\":true}}", "opentelemetry.enabled" },
        { "{\"client\":{\"insecure\":true}}", "option \"client.insecure\" is on" },
        { "{\"http_api\":{\"insecure\":true}}", "option \"http_api.insecure\" is on" },
        { "{\"log\":{\"level\":\"loud\"}}", "is \"loud\", allowed is none, trace" },
        { "{\"client\":{\"channel_limit\":0}}", "is \"0\", which means its default, \"128\"" },
        { "{\"client\":{\"allowed_origins\":[\"https://A.org\"]}}", "matches nothing" },
        { "{\"pid_file\":\"a\",\"PID_file\":\"b\"}", "option \"pid_file\" is given twice, first in line 1" },
        { "{\"chanel\":{\"x\":1}}", "warning: option \"chanel\" is not known" },
        { "{\"client\":{\"chanel_limit\":1}}", "did you mean \"client.channel_limit\"?" },
        { "{\"channel\":{\"namespaces\":[{\"name\":\"ab\",\"presense\":true}]}}",
          "option \"channel.namespaces[0].presense\" is not known, did you mean \"channel.namespaces[0].presence\"?" },
        /* switched off, or at its default, it is nobody's business */
        { "{\"sse\":{\"enabled\":false,\"handler_prefix\":\"/x\"},\"admin\":{\"password\":\"x\",\"secret\":\"y\"}}",
          NULL },
        { "{\"engine\":{\"type\":\"memory\",\"redis\":{\"address\":\"redis://x\",\"tls\":{\"enabled\":true}}}}", NULL },
        { "{\"broker\":{\"enabled\":true,\"type\":\"memory\",\"nats\":{\"raw_mode\":{\"channel_replacements\":{\"a\":"
          "\"b\"}}}}}",
          NULL },
        { "{\"broker\":{\"type\":\"nats\"},\"usage_stats\":{\"disabled\":true}}", NULL },
        { "{\"client\":{\"subscription_token\":{\"rsa_public_key\":\"x\"},\"proxy\":{\"connect\":{\"endpoint\":\"x\"}}}"
          "}",
          NULL },
        { "{\"consumers\":[{\"name\":\"ab\",\"type\":\"kafka\",\"kafka\":{\"brokers\":[\"x\"]}}]}", NULL },
        { "{\"proxies\":[{\"name\":\"ab\",\"endpoint\":\"x\",\"http\":{\"static_headers\":[{\"key\":\"a\"}]}}]}",
          NULL },
        { "{\"client\":{\"concurrency\":4,\"presence_update_interval\":\"5s\",\"channel_position_check_delay\":\"5s\","
          "\"channel_position_max_time_lag\":\"5s\"},\"websocket\":{\"write_timeout\":\"2s\",\"read_buffer_size\":512,"
          "\"write_buffer_size\":512,\"use_write_buffer_pool\":true}}",
          NULL },
        { "{\"client\":null,\"pid_file\":null,\"channel\":{\"namespaces\":null}}", NULL },
    };
    (void)state;
    expect(rows, ARRAY_COUNT(rows), false);
}

static void a_secret_is_never_in_the_report(void **state)
{
    static const char *const rows[] = {
        "{\"client\":{\"token\":{\"hmac_secret_key\":{\"a\":\"hush\"}}}}",
        "{\"client\":{\"token\":{\"hmac_secret_key\":\"hush\",\"hmac_previous_secret_key\":\"hush\\u0000\"}}}",
        "{\"http_api\":{\"key\":\"hush\"},\"engine\":{\"redis\":{\"address\":5}}, "
        "\"admin\":{\"enabled\":true,\"secret\":\"hush\"}}",
        "{\"client\":{\"token\":{\"hmac_secret_key\":\"hush",
    };
    char other[] = "CENTRIFUGO_TOKEN_HMAC_SECRET_KEY=hush2", api[] = "CENTRIFUGO_API_KEY=hush3";
    char *const variables[] = { other, api, NULL };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config_try t;
        config_try_load(&t, rows[i], variables);
        assert_true(t.report.count > 0);
        if (config_try_says(&t, "hush")) fail_msg("%s", t.text.ptr);
        config_try_end(&t);
    }
}

static void strict_makes_an_unknown_option_an_error(void **state)
{
    char unknown[] = "CENTRIFUGO_NONSENSE=1";
    char *const variables[] = { unknown, NULL };
    struct config_source source = { .strict = true };
    struct config_report report;
    (void)state;
    config_report_init(&report);
    assert_null(config_load_text(&source, "c.json", SLICE("{\"client\":{\"pong_timeut\":\"1s\"}}"), &report));
    assert_int_equal(report.error_count, 1);
    source.environ = variables;
    assert_null(config_load_text(&source, "c.json", SLICE("{}"), &report));
    assert_int_equal(report.error_count, 2);
    config_report_deinit(&report);
}

static void a_very_broken_file_makes_a_short_report(void **state)
{
    struct buf json;
    struct config_try t;
    (void)state;
    buf_init(&json, BUF_NO_LIMIT);
    buf_append(&json, SLICE("{"));
    for (int i = 0; i < 5000; i++) buf_printf(&json, "\"unknown_%d\":1,", i);
    buf_append(&json, SLICE("\"log\":{}}"));
    buf_append_char(&json, '\0');
    config_try_load(&t, json.ptr, NULL);
    assert_int_equal(t.report.count, CONFIG_REPORT_ITEMS_MAX);
    assert_int_equal(t.report.warning_count, 5000);
    assert_true(config_try_says(&t, "warning: and 4800 more"));
    config_try_end(&t);
    buf_deinit(&json);
}

static void a_list_has_a_greatest_length(void **state)
{
    (void)state;
    for (int count = 4096; count <= 4097; count++) {
        struct buf json;
        struct config_try t;
        buf_init(&json, BUF_NO_LIMIT);
        buf_append(&json, SLICE("{\"channel\":{\"namespaces\":["));
        for (int i = 0; i < count; i++) buf_printf(&json, "%s{\"name\":\"n%d\"}", i ? "," : "", 10000 + i);
        buf_append(&json, slice_of("]}}", 4));
        config_try_load(&t, json.ptr, NULL);
        assert_int_equal(t.config != NULL, count == 4096);
        if (count > 4096) assert_true(config_try_says(&t, "\"channel.namespaces[4096]\" is one too many"));
        config_try_end(&t);
        buf_deinit(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_at_all_is_a_configuration_with_defaults),
        cmocka_unit_test(the_deployment_has_the_defaults_of_centrifugo),
        cmocka_unit_test(some_times_of_zero_mean_a_default),
        cmocka_unit_test(options_reach_the_place_they_name),
        cmocka_unit_test(certificates_are_pem_text_or_base64_of_it_or_a_file),
        cmocka_unit_test(a_wrong_value_stops_with_a_sentence),
        cmocka_unit_test(what_is_not_built_and_decides_something_stops_the_start),
        cmocka_unit_test(what_else_is_not_built_only_warns),
        cmocka_unit_test(a_secret_is_never_in_the_report),
        cmocka_unit_test(strict_makes_an_unknown_option_an_error),
        cmocka_unit_test(a_very_broken_file_makes_a_short_report),
        cmocka_unit_test(a_list_has_a_greatest_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
