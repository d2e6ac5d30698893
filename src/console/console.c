#include "console/console.h"

#include "base/check.h"
#include "base/mem.h"
#include "console/console_call.h"
#include "crypto/crypto_secret.h"

#define ARENA_BYTES_MAX (4 * CONSOLE_BODY_BYTES_MAX)

/* What the worker keeps of a call. While the call is away nobody here touches it. */
struct console_exchange {
    struct console_host *host;
    struct console_call *call; /* owned once it is back */
    struct handle handle;
    bool released; /* nobody waits any more: it goes when the call is back */
    struct http_header headers[CONSOLE_HEADERS_MAX];
    size_t header_count;
};

static void call_free(struct console_call *call)
{
    if (call->answer.cap) crypto_wipe(call->answer.ptr, call->answer.cap); /* keys and tokens are in it */
    buf_deinit(&call->answer);
    arena_deinit(&call->arena);
    crypto_wipe(call, sizeof *call);
    mem_free(call);
}

static void exchange_free(struct console_exchange *exchange)
{
    if (exchange->call) call_free(exchange->call);
    mem_free(exchange);
}

static void add_header(struct console_exchange *exchange, struct slice name, struct slice value)
{
    CHECK(exchange->header_count < CONSOLE_HEADERS_MAX);
    exchange->headers[exchange->header_count++] = (struct http_header){ name, value };
}

static void on_done(struct mail *mail, void *owner)
{
    (void)owner;
    struct console_call *call = container_of(container_of(mail, struct control_job, mail), struct console_call, job);
    struct console_exchange *exchange = call->exchange;
    exchange->call = call;
    exchange->host->away--;
    if (exchange->released) {
        exchange_free(exchange);
        return;
    }
    add_header(exchange, SLICE("Cache-Control"), SLICE("no-store"));
    add_header(exchange, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
    if (call->cookie[0]) add_header(exchange, SLICE("Set-Cookie"), slice_from_cstr(call->cookie));
    exchange->host->ready(exchange->host->context, exchange->handle);
}

static void on_drop(struct control_job *job)
{
    struct console_call *call = container_of(job, struct console_call, job);
    struct console_exchange *exchange = call->exchange;
    exchange->call = call;
    if (exchange->released) exchange_free(exchange);
}

/* ---- the copy of the request ---- */

static bool copy(struct arena *arena, struct slice from, struct slice *out)
{
    if (!from.ptr) return true;
    *out = arena_copy(arena, from);
    return out->ptr != NULL;
}

/* The value of our cookie among all that the browser sent (RFC 6265 section 5.4). */
static struct slice session_cookie(const struct http_request *http)
{
    const struct slice name = SLICE(CONSOLE_COOKIE "=");
    size_t index = 0;
    struct slice line;
    while (http_request_header_next(http, SLICE("cookie"), &index, &line)) {
        while (line.len > 0) {
            const ptrdiff_t end = slice_index(line, ';');
            const struct slice pair = slice_trim(end < 0 ? line : slice_head(line, (size_t)end));
            if (slice_starts_with(pair, name)) return slice_from(pair, name.len);
            line = end < 0 ? slice_from(line, line.len) : slice_from(line, (size_t)end + 1);
        }
    }
    return (struct slice){ 0 };
}

static struct slice bearer_token(const struct http_request *http)
{
    const struct slice value = http_request_header(http, SLICE("authorization")), scheme = SLICE("Bearer ");
    if (value.len <= scheme.len || !slice_eq_nocase(slice_head(value, scheme.len), scheme)) return (struct slice){ 0 };
    return slice_trim(slice_from(value, scheme.len));
}

/* RFC 9110 section 8.3.1; parameters such as charset change nothing. */
static bool is_json(const struct http_request *http)
{
    const struct slice type = http_request_header(http, SLICE("content-type"));
    const ptrdiff_t end = slice_index(type, ';');
    return slice_eq_nocase(slice_trim(end < 0 ? type : slice_head(type, (size_t)end)), SLICE("application/json"));
}

static bool copy_request(struct console_call *call, const struct console_request *request)
{
    const struct http_request *http = request->http;
    struct arena *arena = &call->arena;
    call->method = http->method;
    call->secure = request->secure;
    call->is_json = is_json(http);
    return copy(arena, slice_from(http->path, sizeof CONSOLE_PREFIX - 1), &call->path) &&
           copy(arena, http->query, &call->query) && copy(arena, request->body, &call->body) &&
           copy(arena, session_cookie(http), &call->session) && copy(arena, bearer_token(http), &call->bearer) &&
           copy(arena, http_request_header(http, SLICE("x-xshathra-csrf")), &call->csrf) &&
           copy(arena, http_request_header(http, SLICE("origin")), &call->origin) &&
           copy(arena, http_request_header(http, SLICE("user-agent")), &call->agent) &&
           copy(arena, http->host, &call->host) && copy(arena, request->address, &call->address);
}

/* ---- for the worker ---- */

struct console_exchange *console_start(struct console_host *host, const struct console_request *request)
{
    if (host->away == CONSOLE_AWAY_MAX) return NULL;
    struct console_exchange *exchange = mem_alloc_zero(sizeof *exchange);
    struct console_call *call = mem_alloc_zero(sizeof *call);
    if (!exchange || !call) {
        mem_free(exchange);
        mem_free(call);
        return NULL;
    }
    arena_init(&call->arena, ARENA_BYTES_MAX);
    buf_init(&call->answer, CONSOLE_ANSWER_MAX);
    exchange->host = host;
    exchange->handle = request->handle;
    call->exchange = exchange;
    call->home = host;
    if (!copy_request(call, request)) {
        call_free(call);
        mem_free(exchange);
        return NULL;
    }
    call->job = (struct control_job){ .run = console_run, .home = host->home, .done = on_done, .drop = on_drop };
    host->away++;
    control_post_job(host->control, &call->job);
    return exchange;
}

struct handle console_handle(const struct console_exchange *exchange)
{
    return exchange->handle;
}

struct console_errand console_errand(const struct console_exchange *exchange)
{
    if (!exchange->call || exchange->call->job.abandoned) return (struct console_errand){ 0 };
    return exchange->call->errand;
}

struct console_answer console_answer(const struct console_exchange *exchange)
{
    const struct console_call *call = exchange->call;
    if (!call || call->job.abandoned) {
        const struct slice waiting = SLICE(
            "{\"error\":{\"code\":\"unavailable\",\"message\":\"the server is stopping or too busy; try again\"}}");
        return (struct console_answer){ .status = 503, .body = waiting };
    }
    return (struct console_answer){ .status = call->status,
                                    .body = buf_slice(&call->answer),
                                    .headers = exchange->headers,
                                    .header_count = exchange->header_count };
}

void console_release(struct console_exchange *exchange)
{
    if (!exchange) return;
    if (exchange->call) {
        exchange_free(exchange);
        return;
    }
    exchange->released = true;
}
