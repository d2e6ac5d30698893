#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "metrics/metrics.h"

/* The whole text, NUL-terminated; freed with mem_free(). */
static char *text_of(const struct metrics *const *sets, size_t count, struct slice version)
{
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    metrics_write(sets, count, version, &out);
    assert_true(buf_ok(&out));
    size_t len;
    char *text = buf_take(&out, &len);
    assert_non_null(text);
    return text;
}

static char *text_of_one(const struct metrics *m)
{
    return text_of(&m, 1, SLICE("0.1.0"));
}

static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at += len)
        if ((at == text || at[-1] == '\n') && at[len] == '\n') return true;
    return false;
}

static void assert_line(const char *text, const char *line)
{
    if (!has_line(text, line)) fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void a_fresh_set_shows_what_is_always_there_at_zero(void **state)
{
    struct metrics *m = metrics_new();
    char *text = text_of_one(m);
    assert_line(text, "# HELP centrifugo_node_num_clients Number of clients connected.");
    assert_line(text, "# TYPE centrifugo_node_num_clients gauge");
    assert_line(text, "centrifugo_node_num_clients 0");
    assert_line(text, "centrifugo_node_num_users 0");
    assert_line(text, "centrifugo_node_num_subscriptions 0");
    assert_line(text, "centrifugo_node_num_channels 0");
    assert_line(text, "centrifugo_node_num_nodes 0");
    assert_line(text, "centrifugo_node_build{version=\"0.1.0\"} 1");
    assert_line(text, "centrifugo_node_client_connection_limit 0");
    assert_line(text, "# TYPE centrifugo_node_action_count counter");
    assert_line(text, "centrifugo_node_action_count{action=\"add_client\",channel_namespace=\"\"} 0");
    assert_line(text, "centrifugo_node_messages_sent_count{type=\"publication\",channel_namespace=\"\"} 0");
    assert_null(strstr(text, "client_num_reply_errors"));
    assert_null(strstr(text, "_bucket"));
    mem_free(text);
    metrics_free(m);
}

/* Every counter that is known from Centrifugo, with its label names in whatever order. */
static void each_metric_has_its_name_and_labels(void **state)
{
    const struct {
        unsigned slot;
        const char *line;
    } rows[] = {
        { METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_NOTIFY),
          "centrifugo_node_action_count{action=\"notify\",channel_namespace=\"\"} 7" },
        { METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_HISTORY_RECOVER),
          "centrifugo_node_action_count{action=\"history_recover\",channel_namespace=\"\"} 7" },
        { METRIC_NODE_NUM_CHANNELS, "centrifugo_node_num_channels 7" },
        { METRIC_AT1(NODE_MESSAGES_RECEIVED, METRIC_MESSAGE_CONTROL),
          "centrifugo_node_messages_received_count{type=\"control\",channel_namespace=\"\"} 7" },
        { METRIC_NODE_CLIENT_CONNECTION_LIMIT, "centrifugo_node_client_connection_limit 7" },
        { METRIC_AT2(CLIENT_REPLY_ERRORS, METRIC_METHOD_SUBSCRIBE, metrics_error_code(103)),
          "centrifugo_client_num_reply_errors{method=\"subscribe\",code=\"103\",channel_namespace=\"\"} 7" },
        { METRIC_AT2(CLIENT_REPLY_ERRORS, METRIC_METHOD_RPC, metrics_error_code(4000)),
          "centrifugo_client_num_reply_errors{method=\"rpc\",code=\"other\",channel_namespace=\"\"} 7" },
        { METRIC_AT1(CLIENT_SERVER_UNSUBSCRIBES, metrics_unsubscribe_code(2500)),
          "centrifugo_client_num_server_unsubscribes{code=\"2500\",channel_namespace=\"\"} 7" },
        { METRIC_AT1(CLIENT_SERVER_DISCONNECTS, metrics_disconnect_code(3008)),
          "centrifugo_client_num_server_disconnects{code=\"3008\"} 7" },
        { METRIC_AT2(CLIENT_RECOVER, METRIC_RECOVERED_YES, METRIC_HAS_PUBLICATIONS_NO),
          "centrifugo_client_recover{recovered=\"yes\",has_recovered_publications=\"no\",channel_namespace=\"\"} 7" },
        { METRIC_AT3(CLIENT_CONNECTIONS_ACCEPTED, METRIC_TRANSPORT_WEBSOCKET, METRIC_CLIENT_NAME_UNREGISTERED,
                     METRIC_CLIENT_VERSION_UNVERSIONED),
          "centrifugo_client_connections_accepted{transport=\"websocket\",client_name=\"unregistered\","
          "client_version=\"unversioned\",accept_protocol=\"\"} 7" },
        { METRIC_AT3(CLIENT_CONNECTIONS_INFLIGHT, METRIC_TRANSPORT_SSE, METRIC_CLIENT_NAME_UNNAMED,
                     METRIC_CLIENT_VERSION_UNREGISTERED),
          "centrifugo_client_connections_inflight{transport=\"sse\",client_name=\"unnamed\","
          "client_version=\"unregistered\",accept_protocol=\"\"} 7" },
        { METRIC_AT1(CLIENT_SUBSCRIPTIONS_INFLIGHT, METRIC_CLIENT_NAME_UNNAMED),
          "centrifugo_client_subscriptions_inflight{client_name=\"unnamed\",channel_namespace=\"\"} 7" },
        { METRIC_AT2(TRANSPORT_MESSAGES_SENT, METRIC_TRANSPORT_WEBSOCKET, METRIC_FRAME_PUSH_PUBLICATION),
          "centrifugo_transport_messages_sent{transport=\"websocket\",frame_type=\"push_publication\","
          "channel_namespace=\"\"} 7" },
        { METRIC_AT2(TRANSPORT_MESSAGES_SENT_SIZE, METRIC_TRANSPORT_WEBSOCKET, METRIC_METHOD_CONNECT),
          "centrifugo_transport_messages_sent_size{transport=\"websocket\",frame_type=\"connect\","
          "channel_namespace=\"\"} 7" },
        { METRIC_AT2(TRANSPORT_MESSAGES_RECEIVED, METRIC_TRANSPORT_UNI_GRPC, METRIC_FRAME_CLIENT_PONG),
          "centrifugo_transport_messages_received{transport=\"uni_grpc\",frame_type=\"client_pong\","
          "channel_namespace=\"\"} 7" },
        { METRIC_AT2(TRANSPORT_MESSAGES_RECEIVED_SIZE, METRIC_TRANSPORT_WEBSOCKET, METRIC_FRAME_PUBLISH),
          "centrifugo_transport_messages_received_size{transport=\"websocket\",frame_type=\"publish\","
          "channel_namespace=\"\"} 7" },
        { METRIC_AT2(TRANSPORT_OUTGOING_CLOSE, METRIC_TRANSPORT_WEBSOCKET, metrics_close_code(1009)),
          "centrifugo_transport_outgoing_close_count{transport=\"websocket\",code=\"1009\"} 7" },
        { METRIC_AT2(TRANSPORT_OUTGOING_CLOSE, METRIC_TRANSPORT_WEBSOCKET, metrics_close_code(3500)),
          "centrifugo_transport_outgoing_close_count{transport=\"websocket\",code=\"3500\"} 7" },
        { METRIC_AT1(BROKER_PUBLISH_SUPPRESSED, METRIC_SUPPRESSED_VERSION),
          "centrifugo_broker_publish_suppressed_count{reason=\"version\",channel_namespace=\"\"} 7" },
        { METRIC_AT2(API_COMMAND_ERRORS, METRIC_API_METHOD_PUBLISH, metrics_error_code(102)),
          "centrifugo_api_command_errors_total{method=\"publish\",error=\"102\",protocol=\"http\"} 7" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct metrics *m = metrics_new();
        metrics_add(m, rows[i].slot, 7);
        char *text = text_of_one(m);
        assert_line(text, rows[i].line);
        mem_free(text);
        metrics_free(m);
    }
}

static void no_two_metrics_share_a_slot(void **state)
{
    static const unsigned ends[][2] = {
#define RANGE(id, type, name, a, b, c, constant, when, help) { METRIC_##id, METRIC_LAST_##id },
        METRIC_LIST(RANGE)
#undef RANGE
    };
    unsigned next = 0;
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        assert_int_equal(ends[i][0], next);
        assert_true(ends[i][1] >= ends[i][0]);
        next = ends[i][1] + 1;
    }
    assert_int_equal(next, METRIC_SLOT_COUNT);
    assert_int_equal(METRIC_AT3(CLIENT_CONNECTIONS_ACCEPTED, METRIC_COUNT_TRANSPORT - 1, 1, 1),
                     METRIC_LAST_CLIENT_CONNECTIONS_ACCEPTED);
    assert_int_equal(METRIC_AT2(CLIENT_REPLY_ERRORS, METRIC_METHOD_UNKNOWN, METRIC_COUNT_ERROR_CODE - 1),
                     METRIC_LAST_CLIENT_REPLY_ERRORS);
}

static void every_slot_makes_one_line_of_its_own(void **state)
{
    struct metrics *m = metrics_new();
    for (unsigned slot = 0; slot < METRIC_SLOT_COUNT; slot++) metrics_set(m, slot, 1000000 + slot);
    char *text = text_of_one(m);
    for (unsigned slot = 0; slot < METRIC_SLOT_COUNT; slot++) {
        char value[32];
        snprintf(value, sizeof value, " %u\n", 1000000 + slot);
        const char *at = strstr(text, value);
        if (at == NULL) fail_msg("slot %u is not shown", slot);
        assert_null(strstr(at + 1, value));
    }
    mem_free(text);
    metrics_free(m);
}

static void codes_that_are_not_known_count_as_other(void **state)
{
    assert_int_equal(metrics_error_code(100), 0);
    assert_int_equal(metrics_error_code(113), METRIC_COUNT_ERROR_CODE - 2);
    assert_int_equal(metrics_error_code(114), METRIC_COUNT_ERROR_CODE - 1);
    assert_int_equal(metrics_error_code(0), METRIC_COUNT_ERROR_CODE - 1);
    assert_int_equal(metrics_disconnect_code(4000), METRIC_COUNT_DISCONNECT_CODE - 1);
    assert_int_equal(metrics_unsubscribe_code(UINT32_MAX), METRIC_COUNT_UNSUBSCRIBE_CODE - 1);
    assert_int_equal(metrics_close_code(4999), METRIC_COUNT_CLOSE_CODE - 1);
}

static void the_sets_are_summed_and_gauges_may_be_negative_in_one(void **state)
{
    struct metrics *sets[] = { metrics_new(), metrics_new(), metrics_new() };
    const struct metrics *const all[] = { sets[0], sets[1], sets[2] };
    metrics_add(sets[0], METRIC_NODE_NUM_CLIENTS, 10);
    metrics_sub(sets[1], METRIC_NODE_NUM_CLIENTS, 4);
    metrics_add(sets[2], METRIC_NODE_NUM_CLIENTS, 1);
    metrics_set(sets[2], METRIC_NODE_NUM_USERS, 3);
    metrics_set(sets[2], METRIC_NODE_NUM_USERS, 2);
    metrics_sub(sets[1], METRIC_NODE_NUM_CHANNELS, 5);
    assert_int_equal(metrics_sum(all, 3, METRIC_NODE_NUM_CLIENTS), 7);
    char *text = text_of(all, 3, SLICE("1"));
    assert_line(text, "centrifugo_node_num_clients 7");
    assert_line(text, "centrifugo_node_num_users 2");
    assert_line(text, "centrifugo_node_num_channels -5");
    mem_free(text);
    for (size_t i = 0; i < 3; i++) metrics_free(sets[i]);
}

static void observations_fall_into_cumulative_buckets(void **state)
{
    struct metrics *a = metrics_new(), *b = metrics_new();
    const struct metrics *const all[] = { a, b };
    metrics_observe(a, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_PUBLISH, 0.005); /* a bound belongs below */
    metrics_observe(a, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_PUBLISH, 0.0051);
    metrics_observe(b, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_PUBLISH, 2.5);
    metrics_observe(b, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_PUBLISH, 11);
    char *text = text_of(all, 2, SLICE("1"));
    static const char *const lines[] = {
        "# TYPE centrifugo_api_command_duration_seconds summary",
        "centrifugo_api_command_duration_seconds_sum{method=\"publish\",protocol=\"http\"} 13.510100000",
        "centrifugo_api_command_duration_seconds_count{method=\"publish\",protocol=\"http\"} 4",
        "# TYPE centrifugo_api_command_duration_seconds_histogram histogram",
        "centrifugo_api_command_duration_seconds_histogram_bucket{method=\"publish\",protocol=\"http\",le=\"0.005\"} 1",
        "centrifugo_api_command_duration_seconds_histogram_bucket{method=\"publish\",protocol=\"http\",le=\"0.01\"} 2",
        "centrifugo_api_command_duration_seconds_histogram_bucket{method=\"publish\",protocol=\"http\",le=\"1\"} 2",
        "centrifugo_api_command_duration_seconds_histogram_bucket{method=\"publish\",protocol=\"http\",le=\"2.5\"} 3",
        "centrifugo_api_command_duration_seconds_histogram_bucket{method=\"publish\",protocol=\"http\",le=\"10\"} 3",
        "centrifugo_api_command_duration_seconds_histogram_bucket{method=\"publish\",protocol=\"http\",le=\"+Inf\"} 4",
        "centrifugo_api_command_duration_seconds_histogram_sum{method=\"publish\",protocol=\"http\"} 13.510100000",
        "centrifugo_api_command_duration_seconds_histogram_count{method=\"publish\",protocol=\"http\"} 4",
    };
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) assert_line(text, lines[i]);
    assert_null(strstr(text, "method=\"broadcast\""));
    mem_free(text);
    metrics_free(a);
    metrics_free(b);
}

static void quantiles_are_estimated_within_their_bucket(void **state)
{
    static const struct {
        double seconds[4];
        const char *line; /* behind the labels */
    } rows[] = {
        { { 0.003, 0.003, 0.003, 0.003 }, "quantile=\"0.5\"} 0.0025" },
        { { 0.003, 0.003, 0.003, 0.003 }, "quantile=\"0.99\"} 0.00495" },
        { { 0.003, 0.003, 0.02, 0.02 }, "quantile=\"0.5\"} 0.005" },
        { { 0.003, 0.02, 0.02, 0.02 }, "quantile=\"0.5\"} 0.015" },
        { { 0.003, 0.02, 0.02, 99 }, "quantile=\"0.999\"} 10" }, /* nothing is known above the last bound */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct metrics *m = metrics_new();
        char line[256];
        for (size_t j = 0; j < 4; j++)
            metrics_observe(m, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_PUBLISH, rows[i].seconds[j]);
        char *text = text_of_one(m);
        (void)snprintf(line, sizeof line,
                       "centrifugo_api_command_duration_seconds{method=\"publish\",protocol=\"http\",%s", rows[i].line);
        assert_line(text, line);
        mem_free(text);
        metrics_free(m);
    }
}

static void each_histogram_has_its_bounds(void **state)
{
    struct metrics *m = metrics_new();
    metrics_observe(m, METRIC_NODE_BROADCAST_DURATION, METRIC_MESSAGE_PUBLICATION, 0.000002);
    metrics_observe(m, METRIC_NODE_PUB_SUB_LAG, 0, 0.15);
    metrics_observe(m, METRIC_NODE_SURVEY_DURATION, METRIC_SURVEY_CHANNELS, 0.0001);
    metrics_observe(m, METRIC_CLIENT_RECOVERED_PUBLICATIONS, 0, 3);
    metrics_observe(m, METRIC_CLIENT_COMMAND_DURATION, METRIC_METHOD_UNKNOWN, 0.00009);
    metrics_observe(m, METRIC_CLIENT_PING_PONG_DURATION, METRIC_TRANSPORT_WEBSOCKET, 0.2);
    char *text = text_of_one(m);
    assert_line(text, "# TYPE centrifugo_node_broadcast_duration_seconds histogram");
    assert_line(text, "centrifugo_node_pub_sub_lag_seconds_bucket{channel_namespace=\"\",le=\"0.2\"} 1");
    assert_line(text, "centrifugo_node_survey_duration_seconds_histogram_bucket{op=\"channels\",le=\"0.001\"} 1");
    assert_line(text, "centrifugo_node_survey_duration_seconds_count{op=\"channels\"} 1");
    assert_line(text, "centrifugo_client_recovered_publications_bucket{channel_namespace=\"\",le=\"2\"} 0");
    assert_line(text, "centrifugo_client_recovered_publications_bucket{channel_namespace=\"\",le=\"3\"} 1");
    assert_line(text, "centrifugo_client_recovered_publications_sum{channel_namespace=\"\"} 3.000000000");
    assert_line(text, "centrifugo_node_broadcast_duration_seconds_bucket{type=\"publication\",channel_namespace=\"\","
                      "le=\"1e-06\"} 0");
    assert_line(text, "centrifugo_node_broadcast_duration_seconds_bucket{type=\"publication\",channel_namespace=\"\","
                      "le=\"5e-06\"} 1");
    assert_line(text, "centrifugo_node_broadcast_duration_seconds_sum{type=\"publication\",channel_namespace=\"\"} "
                      "0.000002000");
    assert_line(text, "centrifugo_client_command_duration_seconds_count{method=\"unknown\",channel_namespace=\"\"} 1");
    assert_line(text, "centrifugo_client_command_duration_seconds_histogram_bucket{method=\"unknown\","
                      "channel_namespace=\"\",le=\"0.0001\"} 1");
    assert_line(text, "centrifugo_client_ping_pong_duration_seconds_bucket{transport=\"websocket\",le=\"0.25\"} 1");
    mem_free(text);
    metrics_free(m);
}

static void a_clock_gone_wrong_does_not_spoil_the_sum(void **state)
{
    struct metrics *m = metrics_new();
    static const double wrong[] = { -1, -INFINITY, NAN };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        metrics_observe(m, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_INFO, wrong[i]);
    metrics_observe(m, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_INFO, INFINITY);
    char *text = text_of_one(m);
    assert_line(text, "centrifugo_api_command_duration_seconds_sum{method=\"info\",protocol=\"http\"} "
                      "1000000000.000000000");
    assert_line(text, "centrifugo_api_command_duration_seconds_count{method=\"info\",protocol=\"http\"} 4");
    mem_free(text);
    metrics_free(m);
}

static void a_version_is_escaped(void **state)
{
    struct metrics *m = metrics_new();
    const struct metrics *const all[] = { m };
    char *text = text_of(all, 1, SLICE("a\"b\\c\nd"));
    assert_line(text, "centrifugo_node_build{version=\"a\\\"b\\\\c\\nd\"} 1");
    mem_free(text);
    metrics_free(m);
}

/* name{label="value",...} number, after a head of its own family: format 0.0.4. */
static void check_sample_line(const char *line, const char *family)
{
    size_t family_len = strlen(family);
    assert_int_equal(strncmp(line, family, family_len), 0);
    const char *at = line + family_len;
    static const char *const suffixes[] = { "_bucket", "_sum", "_count" };
    for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++)
        if (strncmp(at, suffixes[i], strlen(suffixes[i])) == 0) at += strlen(suffixes[i]);
    if (*at == '{') {
        int quotes = 0;
        for (; *at && !(*at == '}' && quotes % 2 == 0); at++) quotes += *at == '"';
        assert_int_equal(*at, '}');
        assert_true(quotes > 0 && quotes % 2 == 0);
        at++;
    }
    assert_int_equal(*at, ' ');
    char *end;
    strtod(at + 1, &end);
    assert_ptr_not_equal(end, at + 1);
    assert_int_equal(*end, '\0');
}

static void the_text_is_well_formed(void **state)
{
    struct metrics *m = metrics_new();
    for (unsigned slot = 0; slot < METRIC_SLOT_COUNT; slot++) metrics_set(m, slot, slot);
    for (unsigned h = 0; h < METRIC_HISTOGRAM_COUNT; h++) metrics_observe(m, (enum metric_histogram)h, 0, 0.3);
    char *text = text_of_one(m), *rest = text;
    assert_int_equal(text[strlen(text) - 1], '\n');
    char family[200] = "", type[20] = "";
    int families = 0;
    for (char *line; (line = strsep(&rest, "\n")) && rest;) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            char previous[200];
            snprintf(previous, sizeof previous, "%s", family);
            assert_int_equal(sscanf(line, "# HELP %199s", family), 1);
            assert_string_not_equal(previous, family);
            families++;
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            char again[200];
            assert_int_equal(sscanf(line, "# TYPE %199s %19s", again, type), 2);
            assert_string_equal(again, family);
        } else {
            check_sample_line(line, family);
        }
    }
    assert_true(families > 20);
    mem_free(text);
    metrics_free(m);
}

static void a_full_buffer_is_told_and_not_overrun(void **state)
{
    struct metrics *m = metrics_new();
    const struct metrics *const all[] = { m };
    struct buf out;
    buf_init(&out, 1000);
    metrics_write(all, 1, SLICE("1"), &out);
    assert_int_equal(out.failed, STATUS_TOO_LARGE);
    assert_true(out.len <= 1000);
    buf_deinit(&out);
    metrics_free(m);
}

enum { ROUNDS = 100000 };

static void *count_up(void *context)
{
    struct metrics *m = context;
    for (int i = 0; i < ROUNDS; i++) {
        metrics_add(m, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_NOTIFY), 1);
        metrics_observe(m, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_PUBLISH, 0.001);
    }
    return NULL;
}

static void threads_count_while_another_writes_the_text(void **state)
{
    struct metrics *sets[] = { metrics_new(), metrics_new() };
    const struct metrics *const all[] = { sets[0], sets[1] };
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, count_up, sets[i]), 0);
    int64_t before = 0;
    for (int i = 0; i < 20; i++) {
        mem_free(text_of(all, 2, SLICE("1")));
        int64_t now = metrics_sum(all, 2, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_NOTIFY));
        assert_true(now >= before);
        before = now;
    }
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(metrics_sum(all, 2, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_NOTIFY)), 2 * ROUNDS);
    for (int i = 0; i < 2; i++) metrics_free(sets[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_set_shows_what_is_always_there_at_zero),
        cmocka_unit_test(each_metric_has_its_name_and_labels),
        cmocka_unit_test(no_two_metrics_share_a_slot),
        cmocka_unit_test(every_slot_makes_one_line_of_its_own),
        cmocka_unit_test(codes_that_are_not_known_count_as_other),
        cmocka_unit_test(the_sets_are_summed_and_gauges_may_be_negative_in_one),
        cmocka_unit_test(observations_fall_into_cumulative_buckets),
        cmocka_unit_test(quantiles_are_estimated_within_their_bucket),
        cmocka_unit_test(each_histogram_has_its_bounds),
        cmocka_unit_test(a_clock_gone_wrong_does_not_spoil_the_sum),
        cmocka_unit_test(a_version_is_escaped),
        cmocka_unit_test(the_text_is_well_formed),
        cmocka_unit_test(a_full_buffer_is_told_and_not_overrun),
        cmocka_unit_test(threads_count_while_another_writes_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
