/* routes: what answers where, and what it answers: the session's view of the APIs,
 * health and metrics. Paths are those of the product (below /realtime) and, where
 * software written for Centrifugo looks for them, the same at the root. */
#include "base/check.h"
#include "base/log.h"
#include "base/mem_part.h"
#include "console/console_assets.h"
#include "json/json_writer.h"
#include "server/memory_report.h"
#include "server/process_metrics.h"
#include "server/worker.h"
#include "session/session.h"

#define ENGINE_PREFIX   "/realtime"
#define PROJECT_PREFIX  "/api/realtime"
#define QUOTED_PATH_MAX 64

enum handler {
    HANDLER_NOT_FOUND,
    HANDLER_ENGINE_API,
    HANDLER_PROJECT_API,
    HANDLER_CONSOLE_API,
    HANDLER_CONSOLE_PAGE,
    HANDLER_HEALTH,
    HANDLER_METRICS,
    HANDLER_WEBSOCKET,
    HANDLER_INIT,
};

/* ---- which handler ---- */

/* Is path exactly prefix? */
static bool at(struct slice path, const char *prefix)
{
    return slice_eq(path, slice_from_cstr(prefix));
}

/* Is path prefix, '/', and one more part? That part in *name. */
static bool below(struct slice path, const char *prefix, struct slice *name)
{
    struct slice p = slice_from_cstr(prefix);
    if (slice_eq(p, SLICE("/"))) p.len = 0;
    if (!slice_starts_with(path, p) || path.len <= p.len || path.ptr[p.len] != '/') return false;
    *name = slice_from(path, p.len + 1);
    return name->len > 0 && slice_index(*name, '/') < 0;
}

static enum handler classify(const struct config *config, bool internal_listener, struct slice path, struct slice *name)
{
    bool split = config->internal_port != 0;
    bool public_side = !internal_listener;
    bool internal_side = internal_listener || !split;
    *name = (struct slice){ 0 };
    if (public_side && below(path, PROJECT_PREFIX, name)) return HANDLER_PROJECT_API;
    if (public_side && slice_starts_with(path, SLICE(CONSOLE_PREFIX "/"))) return HANDLER_CONSOLE_API;
    struct slice rest;
    if (slice_starts_with(path, SLICE(ENGINE_PREFIX "/"))) {
        rest = slice_from(path, sizeof ENGINE_PREFIX - 1);
    } else {
        rest = path;
    }
    if (public_side && !config->websocket_disabled && at(rest, config->websocket_prefix)) return HANDLER_WEBSOCKET;
    if (public_side && config->init_enabled && at(rest, config->init_prefix)) return HANDLER_INIT;
    if (!config->api_disabled && (internal_side || config->api_external)) {
        if (below(rest, config->api_prefix, name)) return HANDLER_ENGINE_API;
        *name = (struct slice){ 0 }; /* the form of many commands has none */
        if (at(rest, config->api_prefix)) return HANDLER_ENGINE_API;
    }
    if (internal_side && config->health_enabled && at(rest, config->health_prefix)) return HANDLER_HEALTH;
    if (internal_side && config->prometheus_enabled && at(rest, config->prometheus_prefix)) return HANDLER_METRICS;
    /* Last, so that a page is never in the way of a path that the configuration names. */
    if (public_side && console_assets_at(path)) return HANDLER_CONSOLE_PAGE;
    return HANDLER_NOT_FOUND;
}

static struct worker *worker_of(struct session_host *host)
{
    return host->context;
}

static struct session_route route(struct session_host *host, struct session *s, const struct http_request *request)
{
    const struct config *config = worker_of(host)->shared->config;
    struct slice name;
    enum handler handler = classify(config, s->listener == WORKER_LISTENER_INTERNAL, request->path, &name);
    struct session_route r = { .kind = SESSION_ROUTE_HANDLER, .handler = handler };
    switch (handler) {
    case HANDLER_WEBSOCKET: r.kind = SESSION_ROUTE_WEBSOCKET; break;
    case HANDLER_ENGINE_API: r.body_bytes_max = config->api_body_bytes_max; break;
    case HANDLER_CONSOLE_API: r.body_bytes_max = CONSOLE_BODY_BYTES_MAX; break;
    case HANDLER_PROJECT_API: r.body_bytes_max = api_body_max(API_PROJECT); break;
    default: r.body_bytes_max = HTTP_BODY_BYTES_MAX_DEFAULT; break;
    }
    return r;
}

/* ---- answers of our own ---- */

static const struct http_header allow_get[] = { { { "Allow", 5 }, { "GET, HEAD, OPTIONS", 18 } } };

static void answer_json(struct worker *w, struct session_answer *answer, int status)
{
    *answer = (struct session_answer){ .status = status,
                                       .content_type = SLICE("application/json"),
                                       .body = buf_slice(&w->answer) };
}

static void write_error(struct worker *w, struct session_answer *answer, int status, struct slice code,
                        struct slice message)
{
    buf_clear(&w->answer);
    struct json_writer j = json_writer_to(&w->answer);
    json_write_object_begin(&j);
    json_write_name(&j, SLICE("error"));
    json_write_object_begin(&j);
    json_write_name(&j, SLICE("code"));
    json_write_string(&j, code);
    json_write_name(&j, SLICE("message"));
    json_write_string(&j, message);
    json_write_object_end(&j);
    json_write_object_end(&j);
    answer_json(w, answer, status);
}

static void answer_not_found(struct worker *w, const struct http_request *request, struct session_answer *answer)
{
    struct buf message;
    buf_init(&message, 1024);
    buf_append(&message, SLICE("nothing answers at \""));
    buf_append(&message, slice_head(request->path, QUOTED_PATH_MAX));
    buf_append(&message, SLICE("\"; clients connect to /realtime/connection/websocket, backends call "
                               "/api/realtime/token, /api/realtime/subscription-token and /api/realtime/publish"));
    write_error(w, answer, 404, SLICE("not_found"), buf_slice(&message));
    buf_deinit(&message);
}

static bool is_read(const struct http_request *request)
{
    return request->method == HTTP_METHOD_GET || request->method == HTTP_METHOD_HEAD;
}

/* Not GET or HEAD: OPTIONS is told what is allowed, the others are refused. */
static void answer_method(struct worker *w, const struct http_request *request, struct session_answer *answer)
{
    if (request->method == HTTP_METHOD_OPTIONS) {
        *answer = (struct session_answer){ .status = 204 };
    } else {
        write_error(w, answer, 405, SLICE("method_not_allowed"), SLICE("only GET and HEAD are allowed here"));
    }
    answer->headers = allow_get;
    answer->header_count = ARRAY_COUNT(allow_get);
}

static void answer_health(struct worker *w, const struct http_request *request, struct session_answer *answer)
{
    if (!is_read(request)) {
        answer_method(w, request, answer);
        return;
    }
    bool stopping = atomic_load_explicit(&w->shared->stopping, memory_order_relaxed);
    buf_clear(&w->answer);
    buf_append(&w->answer, SLICE("{}"));
    answer_json(w, answer, stopping ? 503 : 200);
}

static void set_suppressed(struct metrics *m, unsigned slot, const struct map_suppressed *suppressed)
{
    for (unsigned why = MAP_SUPPRESS_NONE + 1; why < MAP_SUPPRESS_COUNT; why++)
        metrics_set(m, slot + why - 1, suppressed->count[why]);
}

static void set_map_counts(struct metrics *m, struct map_broker *maps)
{
    struct map_counts counts;
    maps->ops->counts(maps, &counts);
    set_suppressed(m, METRIC_MAP_BROKER_PUBLISH_SUPPRESSED, &counts.publishes);
    set_suppressed(m, METRIC_MAP_BROKER_REMOVE_SUPPRESSED, &counts.removals);
    metrics_set(m, METRIC_MAP_BROKER_CLEANUP_LAG, counts.lag_ms / 1000);
    metrics_set(m, METRIC_MAP_BROKER_CLEANUP_REMOVED, counts.expired);
    metrics_set(m, METRIC_MAP_BROKER_CLEANUP_ERRORS, counts.expiry_errors);
}

/* Row TR-45: something for a client to open its connection with, or for a load balancer to
 * look at; so the limits on connections hold for it too. Browsers may read it from the allowed origins. */
static void answer_init(struct worker *w, const struct session *s, const struct http_request *request,
                        struct session_answer *answer)
{
    if (request->method != HTTP_METHOD_GET) {
        *answer = (struct session_answer){ .status = 405 };
        return;
    }
    if (session_limits_objection(s)) {
        *answer = (struct session_answer){ .status = 503 };
        return;
    }
    const struct slice origin = http_request_header(request, SLICE("origin"));
    buf_clear(&w->answer);
    buf_append(&w->answer, SLICE("{}"));
    *answer = (struct session_answer){ .status = 200,
                                       .content_type = SLICE("application/json; charset=utf-8"),
                                       .body = buf_slice(&w->answer) };
    if (!policy_origin_allowed(&w->engine.policy->deployment->allowed_origins, origin)) return;
    w->cors[0] = (struct http_header){ SLICE("Access-Control-Allow-Credentials"), SLICE("true") };
    w->cors[1] = (struct http_header){ SLICE("Access-Control-Allow-Origin"), origin };
    answer->headers = w->cors;
    answer->header_count = ARRAY_COUNT(w->cors);
}

/* Numbers of the whole node, which no single worker owns. */
static void set_node_gauges(struct worker_shared *shared)
{
    struct broker *broker = shared->engine.broker;
    struct map_broker *maps = shared->engine.map_broker;
    uint64_t channels = broker->ops->channel_count(broker) + maps->ops->channel_count(maps);
    metrics_set(shared->node_metrics, METRIC_NODE_NUM_USERS, registry_user_count(shared->engine.registry));
    metrics_set(shared->node_metrics, METRIC_NODE_NUM_CHANNELS, channels);
    metrics_set(shared->node_metrics, METRIC_NODE_NUM_NODES, 1);
    set_map_counts(shared->node_metrics, maps);
}

static void write_http_metrics(const struct worker_shared *shared, struct buf *out)
{
    const struct http_metrics *sets[POST_OFFICE_MAX];
    if (!shared->config->count_http_requests) return;
    for (uint32_t i = 0; i < shared->engine.worker_count; i++) sets[i] = shared->workers[i].http_metrics;
    http_metrics_write(sets, shared->engine.worker_count, shared->config, out);
}

static void write_memory(struct worker_shared *shared, const struct metrics *const *sets, size_t count, struct buf *out)
{
    struct memory_report_counts counts = {
        .connections = (uint64_t)metrics_sum(sets, count, METRIC_NODE_NUM_CLIENTS),
        .subscriptions = (uint64_t)metrics_sum(sets, count, METRIC_NODE_NUM_SUBSCRIPTIONS),
        .channels = (uint64_t)metrics_sum(sets, count, METRIC_NODE_NUM_CHANNELS),
        .users = (uint64_t)metrics_sum(sets, count, METRIC_NODE_NUM_USERS),
    };
    memory_report_write(&counts, out);
}

static void answer_metrics(struct worker *w, const struct http_request *request, struct session_answer *answer)
{
    if (!is_read(request)) {
        answer_method(w, request, answer);
        return;
    }
    struct worker_shared *shared = w->shared;
    const struct metrics *sets[POST_OFFICE_MAX + 1];
    size_t count = 0;
    for (uint32_t i = 0; i < shared->engine.worker_count; i++) sets[count++] = shared->engine.metrics[i];
    sets[count++] = shared->node_metrics;
    buf_clear(&w->answer);
    pthread_mutex_lock(&shared->node_metrics_lock);
    set_node_gauges(shared);
    metrics_write(sets, count, slice_from_cstr(shared->engine.node.version), &w->answer);
    write_memory(shared, sets, count, &w->answer);
    pthread_mutex_unlock(&shared->node_metrics_lock);
    process_metrics_write(&w->answer);
    write_http_metrics(shared, &w->answer);
    *answer = (struct session_answer){ .status = buf_ok(&w->answer) ? 200 : 500,
                                       .content_type = SLICE("text/plain; version=0.0.4; charset=utf-8"),
                                       .body = buf_slice(&w->answer) };
}

static void answer_page(struct worker *w, const struct http_request *request, struct session_answer *answer)
{
    struct console_assets_answer *page = &w->page;
    if (!is_read(request)) {
        answer_method(w, request, answer);
        return;
    }
    console_assets_answer(request, page);
    *answer = (struct session_answer){ .status = page->status,
                                       .content_type = page->content_type,
                                       .body = page->body,
                                       .headers = page->headers,
                                       .header_count = page->header_count };
}

/* ---- the APIs ---- */

static struct worker_call *take_call(struct worker *w)
{
    if (w->spare_call_count > 0) return w->spare_calls[--w->spare_call_count];
    struct worker_call *call = mem_part_alloc(MEM_WORKERS, sizeof *call);
    if (!call) return NULL;
    api_call_init(&call->api, &w->engine);
    call->console = NULL;
    call->survey = NULL;
    call->on_errand = false;
    return call;
}

static void release(struct session_host *host, void *exchange)
{
    struct worker *w = worker_of(host);
    struct worker_call *call = exchange;
    if (!call) return;
    console_release(call->console);
    survey_release(call->survey);
    call->console = NULL;
    call->survey = NULL;
    call->on_errand = false;
    api_call_reset(&call->api);
    if (w->spare_call_count < WORKER_SPARE_CALLS_MAX) {
        w->spare_calls[w->spare_call_count++] = call;
    } else {
        api_call_deinit(&call->api);
        mem_part_free(MEM_WORKERS, call);
    }
}

/* What the console fetches elsewhere is kept by no cache either. */
static void add_console_headers(struct worker_call *call, struct session_answer *answer)
{
    const struct console_answer console = console_answer(call->console);
    size_t count = 0;
    for (size_t i = 0; i < answer->header_count; i++) call->headers[count++] = answer->headers[i];
    for (size_t i = 0; i < console.header_count; i++) call->headers[count++] = console.headers[i];
    answer->headers = call->headers;
    answer->header_count = count;
}

static enum session_outcome outcome_of(struct worker_call *call, enum api_outcome outcome,
                                       struct session_answer *answer)
{
    const struct api_call *api = &call->api;
    if (outcome == API_PENDING) return SESSION_PENDING;
    if (outcome == API_AGAIN) return SESSION_AGAIN;
    *answer = (struct session_answer){ .status = api->status,
                                       .content_type = api->content_type,
                                       .body = buf_slice(&api->body),
                                       .headers = api->headers,
                                       .header_count = api->header_count };
    if (call->console) add_console_headers(call, answer);
    return SESSION_ANSWERED;
}

/* Is it a request of an API? Then r says which. */
static bool api_request_of(struct worker *w, struct session *s, const struct session_route *route,
                           const struct http_request *request, struct api_request *r)
{
    *r = (struct api_request){ .http = request, .handle = session_handle(s) };
    (void)classify(w->shared->config, s->listener == WORKER_LISTENER_INTERNAL, request->path, &r->name);
    r->family = route->handler == HANDLER_PROJECT_API ? API_PROJECT : API_ENGINE;
    return route->handler == HANDLER_PROJECT_API || route->handler == HANDLER_ENGINE_API;
}

static bool answer_no_memory(struct worker *w, struct session_answer *answer)
{
    write_error(w, answer, 503, SLICE("unavailable"), SLICE("the server is out of memory; try again later"));
    return true;
}

/* The call of a request lives from its head to its answer. */
static bool refuse(struct session_host *host, struct session *s, const struct session_route *route,
                   const struct http_request *request, void **exchange, struct session_answer *answer)
{
    struct worker *w = worker_of(host);
    struct api_request r;
    const bool api = api_request_of(w, s, route, request, &r);
    if (!api && route->handler != HANDLER_CONSOLE_API) return false;
    struct worker_call *call = take_call(w);
    if (!call) return answer_no_memory(w, answer);
    *exchange = call;
    if (!api || !api_refuse(&call->api, &r)) return false;
    (void)outcome_of(call, API_ANSWERED, answer);
    return true;
}

/* ---- the console's API ---- */

static enum session_outcome start_console(struct worker *w, struct session *s, const struct http_request *request,
                                          struct slice body, struct worker_call *call, struct session_answer *answer)
{
    char peer[INET6_ADDRSTRLEN];
    const struct console_request r = { .http = request,
                                       .body = body,
                                       .address = session_peer(s, request, peer),
                                       .secure = session_is_secure(s, request),
                                       .handle = session_handle(s) };
    call->console = console_start(&w->console, &r);
    if (call->console) return SESSION_PENDING;
    answer_no_memory(w, answer);
    return SESSION_ANSWERED;
}

static enum session_outcome run_errand(struct worker_call *call, struct handle handle,
                                       const struct console_errand *errand, struct session_answer *answer)
{
    static const struct http_request http = { .method = HTTP_METHOD_POST, .method_name = { "POST", 4 } };
    const struct api_request r = { .family = errand->family,
                                   .name = errand->name,
                                   .http = &http,
                                   .body = errand->body,
                                   .handle = handle,
                                   .granted = errand->project };
    return outcome_of(call, api_start(&call->api, &r), answer);
}

/* The errand is a survey of all workers: it has come back, or has not in time. */
static enum session_outcome answer_survey(struct worker *w, struct worker_call *call, bool in_time,
                                          struct session_answer *answer)
{
    const struct console_answer console = console_answer(call->console);
    bool failed = true;
    struct slice body = in_time ? survey_result(call->survey, &failed) : (struct slice){ 0 };
    if (failed) {
        write_error(w, answer, 503, SLICE("unavailable"), SLICE("the workers are too busy for this; try again"));
    } else if (body.len == 0) {
        write_error(w, answer, 404, SLICE("not_found"), SLICE("there is no such connection: it may have ended"));
    } else {
        *answer = (struct session_answer){ .status = 200, .content_type = SLICE("application/json"), .body = body };
    }
    answer->headers = console.headers;
    answer->header_count = console.header_count;
    return SESSION_ANSWERED;
}

static enum session_outcome start_survey(struct worker *w, struct worker_call *call,
                                         const struct survey_request *request, struct session_answer *answer)
{
    call->survey = survey_start(&w->engine, request, console_handle(call->console), 0);
    if (call->survey) return SESSION_PENDING;
    answer_no_memory(w, answer);
    return SESSION_ANSWERED;
}

static enum session_outcome answer_console(struct worker *w, struct worker_call *call, struct session_answer *answer)
{
    const struct console_errand errand = console_errand(call->console);
    if ((errand.name.ptr || errand.survey) && !call->on_errand) {
        call->on_errand = true;
        return errand.survey ? start_survey(w, call, errand.survey, answer)
                             : run_errand(call, console_handle(call->console), &errand, answer);
    }
    const struct console_answer a = console_answer(call->console);
    *answer = (struct session_answer){ .status = a.status,
                                       .content_type = SLICE("application/json"),
                                       .body = a.body,
                                       .headers = a.headers,
                                       .header_count = a.header_count };
    return SESSION_ANSWERED;
}

static enum session_outcome start(struct session_host *host, struct session *s, const struct session_route *route,
                                  const struct http_request *request, struct slice body, void **exchange,
                                  struct session_answer *answer)
{
    struct worker *w = worker_of(host);
    struct worker_call *call = *exchange;
    struct api_request r;
    if (api_request_of(w, s, route, request, &r)) {
        r.body = body;
        return outcome_of(call, api_start(&call->api, &r), answer);
    }
    switch ((enum handler)route->handler) {
    case HANDLER_CONSOLE_API: return start_console(w, s, request, body, call, answer);
    case HANDLER_CONSOLE_PAGE: answer_page(w, request, answer); break;
    case HANDLER_HEALTH: answer_health(w, request, answer); break;
    case HANDLER_METRICS: answer_metrics(w, request, answer); break;
    case HANDLER_INIT: answer_init(w, s, request, answer); break;
    default: answer_not_found(w, request, answer); break;
    }
    return SESSION_ANSWERED;
}

static enum session_outcome completed(struct session_host *host, void *exchange, struct broker_completion *completion,
                                      struct session_answer *answer)
{
    struct worker_call *call = exchange;
    return outcome_of(call, api_completed(&call->api, completion), answer);
}

static enum session_outcome effect_done(struct session_host *host, void *exchange, uint32_t operation,
                                        uint32_t affected, struct session_answer *answer)
{
    struct worker_call *call = exchange;
    if (call->survey) return answer_survey(worker_of(host), call, true, answer);
    if (call->console && !call->on_errand) return answer_console(worker_of(host), call, answer);
    return outcome_of(call, api_effect_done(&call->api, operation, affected), answer);
}

static enum session_outcome again(struct session_host *host, void *exchange, struct session_answer *answer)
{
    struct worker_call *call = exchange;
    return outcome_of(call, api_continue(&call->api), answer);
}

static void timed_out(struct session_host *host, void *exchange, struct session_answer *answer)
{
    struct worker_call *call = exchange;
    if (call->survey) {
        (void)answer_survey(worker_of(host), call, false, answer);
        return;
    }
    if (call->console && !call->on_errand) {
        call->on_errand = true; /* the time for one is over, too */
        (void)answer_console(worker_of(host), call, answer);
        return;
    }
    api_timed_out(&call->api);
    (void)outcome_of(call, API_ANSWERED, answer);
}

static void count_request(struct worker *w, const struct session *s, const struct http_request *request, int status)
{
    static const enum http_metrics_path paths[] = {
        [HANDLER_ENGINE_API] = HTTP_METRICS_API,      [HANDLER_PROJECT_API] = HTTP_METRICS_PROJECT_API,
        [HANDLER_HEALTH] = HTTP_METRICS_HEALTH,       [HANDLER_METRICS] = HTTP_METRICS_METRICS,
        [HANDLER_WEBSOCKET] = HTTP_METRICS_WEBSOCKET, [HANDLER_INIT] = HTTP_METRICS_INIT,
    };
    struct slice name;
    const enum handler handler =
        classify(w->shared->config, s->listener == WORKER_LISTENER_INTERNAL, request->path, &name);
    if (handler != HANDLER_NOT_FOUND)
        http_metrics_count(w->http_metrics, paths[handler], name, request->method, status);
}

/* Row CF-278. Never the query: it may hold a key or a token. */
static void answered(struct session_host *host, struct session *s, const struct http_request *request, int status)
{
    struct worker *w = worker_of(host);
    if (w->http_metrics) count_request(w, s, request, status);
    if (!log_enabled(LOG_LEVEL_DEBUG)) return;
    char peer[INET6_ADDRSTRLEN];
    LOG_DEBUG("http request", LOG_STR("method", request->method_name), LOG_U64("status", status),
              LOG_STR("path", slice_head(request->path, QUOTED_PATH_MAX)),
              LOG_STR("addr", session_peer(s, request, peer)));
}

const struct session_app routes_app = {
    .route = route,
    .refuse = refuse,
    .start = start,
    .completed = completed,
    .effect_done = effect_done,
    .again = again,
    .timed_out = timed_out,
    .release = release,
    .answered = answered,
};
