#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "metrics/metrics_snapshot.h"

#define ADDED    METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_ADD_CLIENT)
#define ADDED_IS "centrifugo_node_action_count{action=\"add_client\",channel_namespace=\"\"} "

static struct metrics *one, *other;
static const struct metrics *sets[2];
static struct metrics_snapshot *snapshot;

static int set_up(void **state)
{
    (void)state;
    sets[0] = one = metrics_new();
    sets[1] = other = metrics_new();
    snapshot = metrics_snapshot_new(1000, 5000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    metrics_snapshot_free(snapshot);
    metrics_free(one);
    metrics_free(other);
    return 0;
}

static void tick(uint64_t now_ms)
{
    metrics_snapshot_tick(snapshot, sets, 2, now_ms);
}

static void assert_line(const char *line)
{
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    metrics_snapshot_write(snapshot, SLICE("1"), &out);
    buf_append_char(&out, 0);
    assert_true(buf_ok(&out));
    const char *at = strstr(out.ptr, line);
    if (!at || at[strlen(line)] != '\n') fail_msg("no line \"%s\" in:\n%s", line, out.ptr);
    buf_deinit(&out);
}

static void all_is_zero_before_the_first_interval_is_over(void **state)
{
    (void)state;
    metrics_add(one, ADDED, 5);
    tick(5999);
    assert_line(ADDED_IS "0");
    tick(6000);
    assert_line(ADDED_IS "5");
}

static void counters_are_what_was_added_in_the_last_interval(void **state)
{
    (void)state;
    metrics_add(one, ADDED, 5);
    metrics_add(other, ADDED, 2);
    tick(6000);
    assert_line(ADDED_IS "7");
    metrics_add(one, ADDED, 3);
    tick(6999);
    assert_line(ADDED_IS "7"); /* the interval is not over */
    tick(7000);
    assert_line(ADDED_IS "3");
    tick(8000);
    assert_line(ADDED_IS "0");
}

static void gauges_are_what_they_were_at_its_end(void **state)
{
    (void)state;
    metrics_add(one, METRIC_NODE_NUM_CLIENTS, 5);
    metrics_sub(other, METRIC_NODE_NUM_CLIENTS, 2); /* one set may be below zero */
    tick(6000);
    assert_line("centrifugo_node_num_clients 3");
    tick(7000);
    assert_line("centrifugo_node_num_clients 3");
}

static void durations_are_those_of_the_last_interval(void **state)
{
    (void)state;
    metrics_observe(one, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_INFO, 8);
    tick(6000);
    metrics_observe(one, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_INFO, 0.001);
    metrics_observe(other, METRIC_API_COMMAND_DURATION, METRIC_API_METHOD_INFO, 0.001);
    tick(7000);
    assert_line("centrifugo_api_command_duration_seconds_count{method=\"info\",protocol=\"http\"} 2");
    assert_line("centrifugo_api_command_duration_seconds_sum{method=\"info\",protocol=\"http\"} 0.002000000");
    assert_line("centrifugo_api_command_duration_seconds{method=\"info\",protocol=\"http\",quantile=\"0.5\"} 0.0025");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_is_zero_before_the_first_interval_is_over),
        TEST(counters_are_what_was_added_in_the_last_interval),
        TEST(gauges_are_what_they_were_at_its_end),
        TEST(durations_are_those_of_the_last_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
