#include "api/api_answer.h"

#include <time.h>

#include "base/check.h"

/* ---- engine family ---- */

static void begin_body(struct api_call *call, int http_status)
{
    if (!call->place_.among_others)
        buf_clear(&call->body);
    else if (buf_ok(&call->body)) /* else the whole answer is lost, which is found out at its end */
        call->body.len = call->place_.start;
    call->status = http_status;
    call->content_type = API_JSON;
}

/* An answer that memory or the limit was not enough for. */
static enum api_outcome end_body(struct api_call *call)
{
    if (buf_ok(&call->body) || call->place_.among_others) return API_ANSWERED;
    buf_clear(&call->body);
    call->status = 500;
    call->content_type = (struct slice){ 0 };
    return API_ANSWERED;
}

/* {"id":…, if it has one. */
static struct json_writer begin_answer(struct api_call *call)
{
    struct json_writer w = json_writer_to(&call->body);
    json_write_object_begin(&w);
    if (call->place_.id == 0) return w;
    json_write_name(&w, SLICE("id"));
    json_write_u64(&w, call->place_.id);
    return w;
}

struct json_writer api_result_begin(struct api_call *call)
{
    struct slice name = call->place_.result_name;
    begin_body(call, 200);
    struct json_writer w = begin_answer(call);
    json_write_name(&w, name.len > 0 ? name : SLICE("result"));
    json_write_object_begin(&w);
    return w;
}

enum api_outcome api_result_end(struct api_call *call, struct json_writer *w)
{
    json_write_object_end(w);
    json_write_object_end(w);
    return end_body(call);
}

enum api_outcome api_result_empty(struct api_call *call)
{
    struct json_writer w = api_result_begin(call);
    return api_result_end(call, &w);
}

void api_write_error(struct json_writer *w, uint32_t code, struct slice message)
{
    json_write_object_begin(w);
    json_write_name(w, SLICE("code"));
    json_write_u64(w, code);
    json_write_name(w, SLICE("message"));
    json_write_string(w, message);
    json_write_object_end(w);
}

enum api_outcome api_error_with(struct api_call *call, int http_status, uint32_t code, struct slice message)
{
    begin_body(call, http_status);
    metrics_add(call->engine->metrics, METRIC_AT2(API_COMMAND_ERRORS, call->metric_method_, metrics_error_code(code)),
                1);
    if (call->errors_as_status_) {
        struct json_writer bare = json_writer_to(&call->body);
        api_write_error(&bare, code, message);
        return end_body(call);
    }
    struct json_writer w = begin_answer(call);
    json_write_name(&w, SLICE("error"));
    api_write_error(&w, code, message);
    json_write_object_end(&w);
    return end_body(call);
}

enum api_outcome api_error(struct api_call *call, uint32_t code)
{
    int http_status = call->errors_as_status_ ? api_error_http_status(code) : 200;
    return api_error_with(call, http_status, code, api_error_message(code));
}

uint32_t api_code_of_status(enum status status)
{
    switch (status) {
    case STATUS_NOT_FOUND: return API_ERROR_UNRECOVERABLE_POSITION;
    case STATUS_CONFLICT: return API_ERROR_CONFLICT;
    default: return API_ERROR_INTERNAL;
    }
}

enum api_outcome api_error_status(struct api_call *call, enum status status)
{
    uint32_t code = api_code_of_status(status);
    if (status == STATUS_OVERLOADED) return api_error_with(call, 503, code, api_error_message(code));
    return api_error(call, code);
}

enum api_outcome api_json_end(struct api_call *call)
{
    call->status = 200;
    call->content_type = API_JSON;
    return end_body(call);
}

enum api_outcome api_plain(struct api_call *call, int http_status, struct slice text)
{
    begin_body(call, http_status);
    call->content_type = API_TEXT_PLAIN;
    buf_append(&call->body, text);
    buf_append_char(&call->body, '\n');
    return end_body(call);
}

enum api_outcome api_bare(struct api_call *call, int http_status)
{
    begin_body(call, http_status);
    call->content_type = (struct slice){ 0 };
    return API_ANSWERED;
}

/* ---- project family ---- */

struct slice api_quote(struct slice value, bool *is_cut)
{
    *is_cut = value.len > API_QUOTE_MAX;
    if (!*is_cut) return value;
    size_t len = API_QUOTE_MAX;
    while (len > 0 && ((unsigned char)value.ptr[len] & 0xc0) == 0x80) len--;
    return slice_head(value, len);
}

static void append_quoted(struct buf *message, struct slice value)
{
    bool is_cut;
    buf_append_char(message, '"');
    buf_append(message, api_quote(value, &is_cut));
    buf_append(message, is_cut ? SLICE("…\"") : SLICE("\""));
}

enum api_outcome api_project_error(struct api_call *call, int http_status, const char *code, const struct slice *parts,
                                   size_t part_count)
{
    struct buf *message = &call->engine->scratch;
    buf_clear(message);
    for (size_t i = 0; i < part_count; i++) {
        if (i % 2)
            append_quoted(message, parts[i]);
        else
            buf_append(message, parts[i]);
    }
    begin_body(call, http_status);
    struct json_writer w = json_writer_to(&call->body);
    json_write_object_begin(&w);
    json_write_name(&w, SLICE("error"));
    json_write_object_begin(&w);
    json_write_name(&w, SLICE("code"));
    json_write_string(&w, slice_from_cstr(code));
    json_write_name(&w, SLICE("message"));
    json_write_string(&w, buf_slice(message));
    json_write_object_end(&w);
    json_write_object_end(&w);
    return end_body(call);
}

/* ---- both ---- */

void api_header(struct api_call *call, struct slice name, struct slice value)
{
    CHECK(call->header_count < API_HEADERS_MAX);
    call->headers[call->header_count++] = (struct http_header){ name, value };
}

enum api_outcome api_options(struct api_call *call)
{
    api_header(call, SLICE("Allow"), SLICE("POST, OPTIONS"));
    return api_bare(call, 204);
}

struct broker_context api_broker_context(struct api_call *call)
{
    return engine_broker_context(call->engine);
}

struct broker_ticket api_ticket(struct api_call *call)
{
    call->operation_ = ++call->engine->next_operation;
    if (call->operation_ == 0) call->operation_ = ++call->engine->next_operation;
    return (struct broker_ticket){ call->handle, call->operation_ };
}

enum api_outcome api_after(struct api_call *call, enum broker_answer answer, struct broker_result *result,
                           enum api_outcome (*completed)(struct api_call *call, struct broker_result *result))
{
    if (answer == BROKER_PENDING) {
        call->completed_ = completed;
        return API_PENDING;
    }
    call->operation_ = 0;
    enum api_outcome outcome = completed(call, result);
    broker_result_deinit(result);
    return outcome;
}

enum api_outcome api_again(struct api_call *call, enum api_outcome (*next)(struct api_call *call))
{
    call->continue_ = next;
    return API_AGAIN;
}

static enum api_outcome effect_done(struct api_call *call, uint32_t affected)
{
    (void)affected;
    return api_result_empty(call);
}

enum api_outcome api_run_effect(struct api_call *call, struct effect_request *effect)
{
    enum status status = STATUS_OK;
    struct broker_ticket ticket = api_ticket(call);
    effect->space = call->space_;
    if (engine_effect_start(call->engine, effect, ticket.handle, ticket.operation, &status) == BROKER_PENDING) {
        call->effect_done_ = effect_done;
        return API_PENDING;
    }
    call->operation_ = 0;
    return status == STATUS_OK ? api_result_empty(call) : api_error_status(call, status);
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void api_command_begin(struct api_call *call, unsigned metric_method)
{
    call->metric_method_ = metric_method;
    call->started_ns_ = clock_ns();
}

void api_command_end(struct api_call *call)
{
    api_forget(call);
    double seconds = (double)(clock_ns() - call->started_ns_) / 1e9;
    metrics_observe(call->engine->metrics, METRIC_API_COMMAND_DURATION, call->metric_method_, seconds);
}

void api_forget(struct api_call *call)
{
    if (call->drop_) call->drop_(call);
    call->drop_ = NULL;
    call->state_ = NULL;
    call->completed_ = NULL;
    call->effect_done_ = NULL;
    call->continue_ = NULL;
    call->operation_ = 0;
}

void *api_state_new(struct api_call *call, size_t len)
{
    void *state = arena_alloc(&call->arena, len);
    if (state) memset(state, 0, len);
    call->state_ = state;
    return state;
}
