#include "api/api_methods.h"
#include "api/api_request.h"
#include "base/hash.h"
#include "base/map.h"
#include "policy/policy_glob.h"

/* Row API-29. The brokers walk through their channels in slices; one that is moved
 * meanwhile may be shown twice, so what was written is remembered. */

/* Slices asked for in one turn of the loop. */
#define SLICE_COUNT 64u

struct channels {
    struct slice pattern;
};

static const struct api_field fields[] = {
    { .name = SLICE_INIT("pattern"), .type = API_TEXT, .offset = offsetof(struct channels, pattern) },
};

struct seen { /* in the arena */
    struct map_node node;
    struct slice name;
};

struct channels_state {
    struct slice pattern;
    struct map seen; /* buckets owned */
    uint64_t cursor;
    bool in_maps; /* the other channels are done */
    uint64_t started_ns;
    struct json_writer writer;
    bool failed; /* memory was out */
};

static struct channels_state *state_of(struct api_call *call)
{
    return (struct channels_state *)(void *)call->state_;
}

static void drop(struct api_call *call)
{
    map_deinit(&state_of(call)->seen);
}

static bool is_seen(const struct channels_state *s, struct slice name, uint64_t hash)
{
    for (struct map_node *n = map_first(&s->seen, hash); n; n = map_next_same(n))
        if (slice_eq(container_of(n, struct seen, node)->name, name)) return true;
    return false;
}

static bool remember(struct api_call *call, struct slice name, uint64_t hash)
{
    struct seen *seen = arena_alloc(&call->arena, sizeof *seen);
    if (!seen) return false;
    *seen = (struct seen){ .node.hash = hash, .name = arena_copy(&call->arena, name) };
    return seen->name.ptr && map_insert(&state_of(call)->seen, &seen->node) == STATUS_OK;
}

static void on_channel(struct slice name, uint32_t subscribers, void *context)
{
    struct api_call *call = context;
    struct channels_state *s = state_of(call);
    if (s->failed || subscribers == 0) return;
    if (s->pattern.len > 0 && !policy_glob_match(s->pattern, name)) return;
    uint64_t hash = hash_bytes(name, 0);
    if (is_seen(s, name, hash)) return;
    if (!remember(call, name, hash)) {
        s->failed = true;
        return;
    }
    json_write_key(&s->writer, name);
    json_write_object_begin(&s->writer);
    json_write_name(&s->writer, SLICE("num_clients"));
    json_write_u64(&s->writer, subscribers);
    json_write_object_end(&s->writer);
}

/* One slice, of the channels of streams and then of maps; true = more. */
static bool visit_some(struct api_call *call)
{
    struct channels_state *s = state_of(call);
    struct broker *broker = call->engine->shared->broker;
    struct map_broker *maps = call->engine->shared->map_broker;
    if (s->in_maps) return maps->ops->channels(maps, call->space_, &s->cursor, on_channel, call);
    if (!broker->ops->channels(broker, call->space_, &s->cursor, on_channel, call)) {
        s->in_maps = true;
        s->cursor = 0;
    }
    return true;
}

static enum api_outcome go_on(struct api_call *call)
{
    struct channels_state *s = state_of(call);
    bool more = true;
    for (unsigned i = 0; i < SLICE_COUNT && more; i++) more = visit_some(call);
    if (s->failed) return api_error(call, API_ERROR_INTERNAL);
    if (more) return api_again(call, go_on);
    json_write_object_end(&s->writer);
    metrics_observe(call->engine->metrics, METRIC_NODE_SURVEY_DURATION, METRIC_SURVEY_CHANNELS,
                    (double)(engine_clock_ns(call->engine) - s->started_ns) / 1e9);
    return api_result_end(call, &s->writer);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct channels *r = request;
    /* row OB-06 */
    if (!policy_glob_valid(r->pattern)) return api_error(call, API_ERROR_INTERNAL);
    struct channels_state *s = api_state_new(call, sizeof *s);
    if (s) s->pattern = arena_copy(&call->arena, r->pattern);
    if (!s || !s->pattern.ptr) return api_error(call, API_ERROR_INTERNAL);
    s->started_ns = engine_clock_ns(call->engine);
    map_init(&s->seen);
    call->drop_ = drop;
    metrics_add(call->engine->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_SURVEY), 1);
    s->writer = api_result_begin(call);
    json_write_name(&s->writer, SLICE("channels"));
    json_write_object_begin(&s->writer);
    return go_on(call);
}

const struct api_method api_channels = {
    .name = SLICE_INIT("channels"),
    .metric = METRIC_API_METHOD_CHANNELS,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct channels),
    .run = run,
};
