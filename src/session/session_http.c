#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/http_date.h"
#include "http/http_response.h"
#include "session/session_parts.h"

#define DISCARDED_BODY_MAX 65536

static void arm(struct session *s, uint64_t timeout_ms)
{
    net_conn_set_deadline(&s->conn, s->host->loop->now_ms + timeout_ms);
}

void session_http_init(struct session *s)
{
    s->http = (struct session_http){ 0 };
    http_parser_init(&s->http.parser, &s->host->http_limits);
    buf_init(&s->http.body, BUF_NO_LIMIT);
    list_init(&s->http.again);
    s->http.head_begun = true; /* silence counts from the beginning */
    arm(s, SESSION_HEAD_TIMEOUT_MS);
}

static void drop_body(struct session *s)
{
    struct buf *body = &s->http.body;
    s->host->body_bytes -= body->cap;
    buf_deinit(body);
}

/* False: out of memory, or all peers together have sent more than is kept. */
static bool keep_body(struct session *s, struct slice piece)
{
    struct buf *body = &s->http.body;
    size_t before = body->cap;
    if (s->host->body_bytes + piece.len > SESSION_BODIES_BYTES_MAX) return false;
    buf_append(body, piece);
    s->host->body_bytes += body->cap - before;
    return buf_ok(body);
}

void session_http_deinit(struct session *s)
{
    struct session_http *h = &s->http;
    list_remove(&h->again);
    s->host->app->release(s->host, h->exchange);
    h->exchange = NULL;
    mem_free(h->request);
    h->request = NULL;
    drop_body(s);
}

/* ---- answers ---- */

static struct slice date_now(struct session_host *host)
{
    uint64_t now_s = (uint64_t)host->loop->wall_ms / 1000;
    if (now_s != host->date_s) {
        host->date_s = now_s;
        http_date_format((int64_t)now_s, host->date);
        host->date_len = strlen(host->date);
    }
    return slice_of(host->date, host->date_len);
}

void session_http_write(struct session *s, const struct http_request *request, const struct session_answer *answer)
{
    struct session_host *host = s->host;
    bool keep_alive =
        request && request->keep_alive && !host->draining && !s->http.last && !http_parser_is_finished(&s->http.parser);
    struct http_response response = {
        .status = answer->status,
        .date = date_now(host),
        .content_type = answer->content_type,
        .headers = answer->headers,
        .header_count = answer->header_count,
        .body = answer->body,
        .minor_version = request ? request->minor_version : 1,
        .keep_alive = keep_alive,
        .head_only = request && request->method == HTTP_METHOD_HEAD,
    };
    if (http_response_write(&host->out, &response) != STATUS_OK) {
        net_conn_close(&s->conn, NET_CLOSE_NOW, NULL, 0);
    } else if (!keep_alive) {
        http_parser_finish(&s->http.parser);
    }
    if (request && host->app->answered) host->app->answered(host, s, request, answer->status);
}

void session_http_flush(struct session *s)
{
    struct session_host *host = s->host;
    if (host->out.len == 0) return;
    struct blob *bytes = blob_new_raw(buf_slice(&host->out));
    buf_clear(&host->out);
    if (!bytes || net_conn_send(&s->conn, bytes, NET_FLUSH_ANSWER) != STATUS_OK)
        net_conn_close(&s->conn, NET_CLOSE_NOW, NULL, 0);
}

/* After an answer: the next request, or the end. */
static void after_answer(struct session *s)
{
    if (net_conn_closing(&s->conn)) return;
    if (s->http.last || http_parser_is_finished(&s->http.parser)) {
        session_http_flush(s);
        net_conn_close(&s->conn, NET_CLOSE_FLUSH, NULL, SESSION_LINGER_MS);
    } else {
        s->http.head_begun = false;
        arm(s, SESSION_IDLE_TIMEOUT_MS);
    }
}

static void release_exchange(struct session *s)
{
    s->host->app->release(s->host, s->http.exchange);
    s->http.exchange = NULL;
}

static void release_request(struct session *s)
{
    struct session_http *h = &s->http;
    mem_free(h->request);
    h->request = NULL;
    drop_body(s);
    h->reading_body = false;
}

void session_http_outcome(struct session *s, enum session_outcome outcome, const struct session_answer *answer)
{
    struct session_http *h = &s->http;
    if (outcome == SESSION_AGAIN) {
        if (list_empty(&h->again)) list_push_back(&s->host->again, &h->again);
        return;
    }
    if (outcome == SESSION_PENDING) return;
    h->waiting = false;
    list_remove(&h->again);
    if (!net_conn_closing(&s->conn)) session_http_write(s, h->request, answer);
    release_exchange(s);
    release_request(s);
    session_http_flush(s);
    after_answer(s);
    if (!net_conn_closing(&s->conn)) net_conn_resume(&s->conn);
}

/* ---- requests ---- */

/* The answer has to wait: keep the request, read no further. */
static void park(struct session *s, const struct http_request *request)
{
    struct session_http *h = &s->http;
    if (!h->request) h->request = http_request_copy(request);
    if (!h->request) {
        net_conn_close(&s->conn, NET_CLOSE_NOW, NULL, 0);
        return;
    }
    h->waiting = true;
    net_conn_pause(&s->conn);
    arm(s, SESSION_ANSWER_TIMEOUT_MS);
}

static void on_request(struct session *s, const struct http_request *request, struct slice body)
{
    struct session_http *h = &s->http;
    struct session_answer answer = { 0 };
    h->reading_body = false;
    enum session_outcome outcome = s->host->app->start(s->host, s, &h->route, request, body, &h->exchange, &answer);
    if (outcome == SESSION_ANSWERED) {
        session_http_write(s, request, &answer);
        release_exchange(s);
        release_request(s);
        after_answer(s);
        return;
    }
    park(s, request);
    if (!net_conn_closing(&s->conn)) session_http_outcome(s, outcome, &answer);
}

/* The parser's own refusal, after the answers still owed. */
static void on_broken(struct session *s)
{
    const struct http_refusal *refusal = http_parser_error(&s->http.parser);
    char text[512];
    int len = snprintf(text, sizeof text, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", refusal->code,
                       refusal->sentence);
    struct session_answer answer = { .status = refusal->status,
                                     .content_type = SLICE("application/json"),
                                     .body = slice_of(text, (size_t)len) };
    session_http_write(s, NULL, &answer);
    session_http_flush(s);
    net_conn_close(&s->conn, NET_CLOSE_FLUSH, NULL, SESSION_LINGER_MS);
}

enum head_result {
    HEAD_REQUEST,  /* goes on to its body */
    HEAD_UPGRADED, /* the session is a WebSocket now */
    HEAD_REFUSED,  /* an upgrade that had its answer */
};

/* A refused request's body: a small one is read past, so that the connection can go
 * on; for another the connection ends with the answer. Before the answer is written. */
static void give_up_body(struct session *s, const struct http_request *request)
{
    bool small = !request->chunked && !request->expects_continue && request->content_length <= DISCARDED_BODY_MAX;
    if (small) return;
    s->http.last = true;
    http_parser_finish(&s->http.parser);
}

static enum head_result on_head(struct session *s, const struct http_request *request)
{
    struct session_http *h = &s->http;
    h->route = s->host->app->route(s->host, s, request);
    if (h->route.kind == SESSION_ROUTE_WEBSOCKET) {
        give_up_body(s, request);
        if (session_upgrade(s, request)) return HEAD_UPGRADED;
        after_answer(s);
        return HEAD_REFUSED;
    }
    struct session_answer answer = { 0 };
    if (s->host->app->refuse(s->host, s, &h->route, request, &h->exchange, &answer)) {
        give_up_body(s, request);
        session_http_write(s, request, &answer);
        release_exchange(s);
        after_answer(s);
        return HEAD_REFUSED;
    }
    http_parser_limit_body(&h->parser, h->route.body_bytes_max);
    h->reading_body = true;
    h->continue_owed = request->expects_continue;
    return HEAD_REQUEST;
}

/* A piece of the body: used in place when it is the whole, else collected. */
static bool on_body(struct session *s, const struct http_request *request, struct slice piece, struct slice *body)
{
    struct session_http *h = &s->http;
    if (h->body.len == 0 && !request->chunked && piece.len == request->content_length) {
        *body = piece;
        return true;
    }
    if (!keep_body(s, piece)) return false;
    *body = buf_slice(&h->body);
    return true;
}

/* The deadline of a head counts from its first byte, also when that came with the
 * request before. */
static void begin_head(struct session *s)
{
    if (s->http.head_begun) return;
    s->http.head_begun = true;
    arm(s, SESSION_HEAD_TIMEOUT_MS);
}

static void refuse_body(struct session *s)
{
    struct session_answer answer = {
        .status = 503,
        .content_type = SLICE("application/json"),
        .body = SLICE("{\"error\":{\"code\":\"unavailable\",\"message\":\"the server has no room for this body now; "
                      "try again later\"}}"),
    };
    LOG_WARN("request bodies take too much memory: one was refused", LOG_U64("bytes", s->host->body_bytes));
    session_http_write(s, NULL, &answer);
    session_http_flush(s);
    net_conn_close(&s->conn, NET_CLOSE_FLUSH, NULL, SESSION_LINGER_MS);
}

/* A peer that asks and does not read its answers has to wait: else they would pile up. */
static bool congested(const struct session *s)
{
    return s->host->out.len + net_conn_queued(&s->conn) >= SESSION_HTTP_QUEUE_MAX;
}

size_t session_http_data(struct session *s, char *bytes, size_t len)
{
    struct session_host *host = s->host;
    struct session_http *h = &s->http;
    struct slice in = slice_of(bytes, len);
    const struct http_request *request = h->request ? h->request : &host->event.request;
    struct slice body = buf_slice(&h->body);
    if (!h->reading_body && !h->waiting) begin_head(s);
    while (!h->waiting && !net_conn_closing(&s->conn) && (h->reading_body || !congested(s))) {
        switch (http_parser_next(&h->parser, &in, &host->event)) {
        case HTTP_HEAD:
            request = &host->event.request;
            body = (struct slice){ 0 };
            if (on_head(s, request) == HEAD_UPGRADED) return len - in.len;
            continue;
        case HTTP_BODY:
            if (h->reading_body && !on_body(s, request, host->event.body, &body)) refuse_body(s);
            continue;
        case HTTP_DONE:
            if (h->reading_body)
                on_request(s, request, body);
            else if (http_parser_is_finished(&h->parser))
                after_answer(s); /* it had its answer at the head, and that was the last */
            continue;
        case HTTP_BROKEN: on_broken(s); continue;
        case HTTP_NEED_MORE: break;
        }
        break;
    }
    if (h->reading_body && !net_conn_closing(&s->conn)) {
        /* The bytes of the head are about to go: keep the request. */
        if (!h->request) arm(s, SESSION_BODY_TIMEOUT_MS);
        if (!h->request && !(h->request = http_request_copy(request))) {
            net_conn_close(&s->conn, NET_CLOSE_NOW, NULL, 0);
        } else {
            if (body.len > 0 && h->body.len == 0 && !keep_body(s, body)) refuse_body(s);
            if (h->continue_owed) {
                h->continue_owed = false;
                buf_append(&host->out, SLICE(HTTP_CONTINUE));
            }
        }
    } else if (in.len > 0 && !h->waiting && !net_conn_closing(&s->conn)) {
        begin_head(s);
    }
    session_http_flush(s);
    if (!h->waiting && !h->reading_body && !net_conn_closing(&s->conn) && congested(s)) {
        h->head_begun = false;
        net_conn_pause_until_sent(&s->conn);
        arm(s, SESSION_IDLE_TIMEOUT_MS);
    }
    return len - in.len;
}

/* ---- deadlines and ends ---- */

void session_http_deadline(struct session *s)
{
    struct session_http *h = &s->http;
    if (!h->waiting) {
        net_conn_close(&s->conn, NET_CLOSE_NOW, NULL, 0);
        return;
    }
    struct session_answer answer = { 0 };
    s->host->app->timed_out(s->host, h->exchange, &answer);
    session_http_outcome(s, SESSION_ANSWERED, &answer);
}

void session_http_eof(struct session *s)
{
    /* A peer that has sent its request and shut down its side still gets its answer. */
    if (s->http.waiting) {
        http_parser_finish(&s->http.parser);
    } else {
        net_conn_close(&s->conn, NET_CLOSE_FLUSH, NULL, SESSION_LINGER_MS);
    }
}

void session_http_drain(struct session *s)
{
    if (s->http.waiting || s->http.reading_body) return; /* its answer says Connection: close */
    net_conn_close(&s->conn, NET_CLOSE_FLUSH, NULL, SESSION_LINGER_MS);
}
