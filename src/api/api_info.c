#include "api/api_info_metrics.h"
#include "api/api_methods.h"
#include "api/api_request.h"

/* Row API-30. Without a snapshot the counters are totals since the start, and interval is the uptime. */

static const struct metrics *const *sets_of(const struct engine_shared *shared)
{
    return (const struct metrics *const *)shared->metrics;
}

static void write_count(struct json_writer *w, struct slice name, uint64_t value)
{
    json_write_name(w, name);
    json_write_u64(w, value);
}

/* A gauge over all workers. */
static uint64_t gauge(const struct engine_shared *shared, unsigned slot)
{
    int64_t sum = metrics_sum(sets_of(shared), shared->worker_count, slot);
    return sum > 0 ? (uint64_t)sum : 0;
}

/* As Prometheus text; *interval_s is what it covers. */
static void read_metrics(const struct engine_shared *shared, uint64_t uptime_s, struct buf *text, uint64_t *interval_s)
{
    const struct slice version = slice_from_cstr(shared->node.version);
    buf_clear(text);
    *interval_s = uptime_s;
    if (shared->snapshot) {
        *interval_s = metrics_snapshot_interval_ms(shared->snapshot) / 1000;
        metrics_snapshot_write(shared->snapshot, version, text);
    } else {
        metrics_write(sets_of(shared), shared->worker_count, version, text);
    }
}

static void write_metrics(struct api_call *call, struct json_writer *w, uint64_t uptime_s)
{
    struct buf *text = &call->engine->scratch, name;
    uint64_t interval_s;
    read_metrics(call->engine->shared, uptime_s, text, &interval_s);
    buf_init(&name, BUF_NO_LIMIT);
    json_write_name(w, SLICE("metrics"));
    json_write_object_begin(w);
    write_count(w, SLICE("interval"), interval_s);
    json_write_name(w, SLICE("items"));
    json_write_object_begin(w);
    if (buf_ok(text)) api_info_metrics_write(buf_slice(text), &name, w);
    json_write_object_end(w);
    json_write_object_end(w);
    buf_deinit(&name);
}

static void write_node(struct api_call *call, struct json_writer *w)
{
    const struct engine_shared *shared = call->engine->shared;
    uint64_t uptime_s = (call->engine->now_ms - shared->node.started_ms) / 1000;
    json_write_object_begin(w);
    json_write_name(w, SLICE("uid"));
    json_write_string(w, slice_from_cstr(shared->node.uid));
    json_write_name(w, SLICE("name"));
    json_write_string(w, slice_from_cstr(shared->node.name));
    json_write_name(w, SLICE("version"));
    json_write_string(w, slice_from_cstr(shared->node.version));
    write_count(w, SLICE("num_clients"), gauge(shared, METRIC_NODE_NUM_CLIENTS));
    write_count(w, SLICE("num_users"), registry_user_count(shared->registry));
    write_count(w, SLICE("num_channels"), shared->broker->ops->channel_count(shared->broker));
    if (uptime_s > 0) write_count(w, SLICE("uptime"), uptime_s);
    write_metrics(call, w, uptime_s);
    write_count(w, SLICE("num_subs"), gauge(shared, METRIC_NODE_NUM_SUBSCRIPTIONS));
    json_write_object_end(w);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    (void)request;
    struct json_writer w = api_result_begin(call);
    json_write_name(&w, SLICE("nodes"));
    json_write_array_begin(&w);
    write_node(call, &w);
    json_write_array_end(&w);
    return api_result_end(call, &w);
}

const struct api_method api_info = {
    .name = SLICE_INIT("info"),
    .metric = METRIC_API_METHOD_INFO,
    .run = run,
};
