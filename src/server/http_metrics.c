#include "server/http_metrics.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/mem.h"
#include "metrics/metrics.h"

/* Statuses that we answer; any other is the last. */
#define ANSWERED_LIST(X)                                                                                               \
    X(101) X(200) X(204) X(400) X(401) X(403) X(404) X(405) X(413) X(415) X(426) X(429) X(500) X(503)
#define COUNTED_METHOD_LIST(X) HTTP_METHOD_LIST(X) X(OTHER)

#define NUMBER(number) number,
static const int statuses[] = { ANSWERED_LIST(NUMBER) };
#define STATUS_TEXT(number) #number,
static const char *const status_texts[] = { ANSWERED_LIST(STATUS_TEXT) "other" };
#define METHOD_TEXT(name) #name,
static const char *const methods[] = { COUNTED_METHOD_LIST(METHOD_TEXT) };
#define NAME_TEXT(kind, name, text) text,
static const char *const names[] = { METRIC_API_METHOD_LIST(NAME_TEXT, ) "token", "subscription-token" };

#define STATUS_COUNT ARRAY_COUNT(status_texts)
#define METHOD_COUNT ARRAY_COUNT(methods)
#define NAME_COUNT   (ARRAY_COUNT(names) + 1) /* the first is no name */

struct http_metrics {
    _Atomic uint64_t counts[HTTP_METRICS_PATH_COUNT][NAME_COUNT][METHOD_COUNT][STATUS_COUNT];
};

struct http_metrics *http_metrics_new(void)
{
    return mem_must_alloc_zero(sizeof(struct http_metrics));
}

void http_metrics_free(struct http_metrics *m)
{
    mem_free(m);
}

/* 0 for none, NAME_COUNT for one that is not known. */
static size_t name_index(struct slice name)
{
    size_t i = 0;
    if (name.len == 0) return 0;
    while (i < ARRAY_COUNT(names) && !slice_eq(name, slice_from_cstr(names[i]))) i++;
    return i + 1;
}

static size_t status_index(int status)
{
    size_t i = 0;
    while (i < ARRAY_COUNT(statuses) && statuses[i] != status) i++;
    return i;
}

void http_metrics_count(struct http_metrics *m, enum http_metrics_path path, struct slice name, enum http_method method,
                        int status)
{
    const size_t index = name_index(name);
    if (index >= NAME_COUNT || (name.len > 0 && status == 404)) return;
    _Atomic uint64_t *count = &m->counts[path][index][method][status_index(status)];
    /* relaxed, and no read-modify-write: the owner is the only writer */
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1, memory_order_relaxed);
}

static const char *path_text(const struct config *config, size_t path)
{
    const char *const texts[HTTP_METRICS_PATH_COUNT] = {
        [HTTP_METRICS_WEBSOCKET] = config->websocket_prefix, [HTTP_METRICS_API] = config->api_prefix,
        [HTTP_METRICS_PROJECT_API] = "/api/realtime",        [HTTP_METRICS_HEALTH] = config->health_prefix,
        [HTTP_METRICS_METRICS] = config->prometheus_prefix,  [HTTP_METRICS_INIT] = config->init_prefix,
    };
    return texts[path];
}

/* A prefix may be "/" itself, and may hold what a label must not. */
static void put_path(struct buf *out, const char *prefix, size_t name)
{
    const bool is_root = strcmp(prefix, "/") == 0;
    for (const char *at = is_root && name > 0 ? "" : prefix; *at; at++) {
        if (*at == '"' || *at == '\\') buf_append_char(out, '\\');
        buf_append_char(out, *at);
    }
    if (name > 0) buf_printf(out, "/%s", names[name - 1]);
}

static void put_line(struct buf *out, const char *prefix, size_t name, size_t method, size_t status, uint64_t count)
{
    buf_printf(out, "centrifugo_node_incoming_http_requests_total{path=\"");
    put_path(out, prefix, name);
    buf_printf(out, "\",method=\"%s\",status=\"%s\"} %llu\n", methods[method], status_texts[status],
               (unsigned long long)count);
}

static uint64_t sum(const struct http_metrics *const *sets, size_t set_count, size_t offset)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < set_count; i++) {
        if (!sets[i]) continue;
        sum += atomic_load_explicit(&(&((struct http_metrics *)(uintptr_t)sets[i])->counts[0][0][0][0])[offset],
                                    memory_order_relaxed);
    }
    return sum;
}

void http_metrics_write(const struct http_metrics *const *sets, size_t set_count, const struct config *config,
                        struct buf *out)
{
    bool headed = false;
    for (size_t i = 0; i < (size_t)HTTP_METRICS_PATH_COUNT * NAME_COUNT * METHOD_COUNT * STATUS_COUNT; i++) {
        const uint64_t count = sum(sets, set_count, i);
        if (count == 0) continue;
        if (!headed)
            buf_printf(out, "# HELP centrifugo_node_incoming_http_requests_total Number of incoming HTTP requests\n"
                            "# TYPE centrifugo_node_incoming_http_requests_total counter\n");
        headed = true;
        const size_t method = i / STATUS_COUNT % METHOD_COUNT, name = i / STATUS_COUNT / METHOD_COUNT % NAME_COUNT;
        put_line(out, path_text(config, i / STATUS_COUNT / METHOD_COUNT / NAME_COUNT), name, method, i % STATUS_COUNT,
                 count);
    }
}
