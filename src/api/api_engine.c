/* The engine's server API: whoever has the deployment's key may do everything. */
#include "api/api_answer.h"
#include "api/api_family.h"
#include "api/api_methods.h"
#include "api/api_request.h"

const struct api_method *const api_methods[API_METHOD_COUNT] = {
#define METHOD_ROW(name) &api_##name,
    API_METHOD_LIST(METHOD_ROW)
#undef METHOD_ROW
};

/* What a path below /api can name: a method, or a form that runs many. */
static const struct endpoint {
    struct slice name;
    const struct api_method *method; /* NULL: form */
    enum api_outcome (*form)(struct api_call *call, struct slice body);
} endpoints[] = {
#define METHOD_ROW(name) { SLICE_INIT(#name), &api_##name, NULL },
    API_METHOD_LIST(METHOD_ROW)
#undef METHOD_ROW
        { SLICE_INIT("batch"), NULL, api_batch },
    { SLICE_INIT(""), NULL, api_legacy }, /* /api itself */
};

static const struct endpoint *find_endpoint(struct slice name)
{
    for (size_t i = 0; i < ARRAY_COUNT(endpoints); i++)
        if (slice_eq(name, endpoints[i].name)) return &endpoints[i];
    return NULL;
}

static enum api_outcome refuse_verb(struct api_call *call)
{
    api_header(call, SLICE("Allow"), SLICE("POST"));
    return api_error_with(call, 405, API_ERROR_BAD_REQUEST, SLICE("method not allowed: POST is"));
}

/* A header with an unknown id must never fall back on space 0. False: answered. */
static bool choose_space(struct api_call *call, const struct api_request *request)
{
    struct slice id = request->granted;
    if (!id.ptr) id = http_request_header(request->http, SLICE("x-xshathra-project"));
    if (!id.ptr) return true;
    const struct policy_project *project = policy_project_by_id(call->engine->policy, id);
    if (project && !project->archived) {
        call->space_ = project->space;
        return true;
    }
    bool is_cut;
    struct buf *message = &call->engine->scratch;
    buf_clear(message);
    buf_append(message, project ? SLICE("archived project \"") : SLICE("unknown project \""));
    buf_append(message, api_quote(id, &is_cut));
    buf_append(message, is_cut ? SLICE("…\"") : SLICE("\""));
    api_error_with(call, 404, API_ERROR_NOT_FOUND, buf_slice(message));
    return false;
}

static bool wants_errors_as_status(struct api_call *call, const struct http_request *http)
{
    struct slice mode = http_request_header(http, SLICE("x-centrifugo-error-mode"));
    return call->engine->policy->deployment->api_errors_as_status || slice_eq(mode, SLICE("transport"));
}

static enum api_outcome refuse_size(struct api_call *call)
{
    return api_error_with(call, 413, API_ERROR_BAD_REQUEST, SLICE("request body too large"));
}

/* False: answered. */
static bool admit_head(struct api_call *call, const struct api_request *request)
{
    const struct http_request *http = request->http;
    if (http->method == HTTP_METHOD_OPTIONS) {
        api_options(call);
    } else if (http->method != HTTP_METHOD_POST) {
        refuse_verb(call);
    } else if (!request->granted.ptr &&
               !api_engine_key_fits(call->engine->policy->deployment, http, &call->engine->scratch)) {
        api_bare(call, 401);
    } else if (choose_space(call, request)) {
        if (http->content_length <= api_body_max(API_ENGINE)) return true;
        refuse_size(call);
    }
    return false;
}

bool api_engine_admit(struct api_call *call, const struct api_request *request)
{
    const struct endpoint *endpoint = find_endpoint(request->name);
    call->errors_as_status_ = wants_errors_as_status(call, request->http);
    if (!endpoint) {
        api_error_with(call, 404, API_ERROR_NOT_FOUND, api_error_message(API_ERROR_NOT_FOUND));
        return false;
    }
    call->command_ = endpoint->name;
    call->metric_method_ = endpoint->method ? endpoint->method->metric : METRIC_API_METHOD_BATCH;
    if (!admit_head(call, request)) return false;
    call->admission_.name = endpoint->name;
    call->admission_.method = endpoint;
    return true;
}

void *api_method_request(struct api_call *call, const struct api_method *method)
{
    size_t len = method->request_len + 1; /* one without fields is none the less there */
    void *request = arena_alloc(&call->arena, len);
    if (request) memset(request, 0, len);
    return request;
}

static enum api_outcome start(struct api_call *call, const struct api_method *method, struct slice body)
{
    void *request = api_method_request(call, method);
    struct slice copy = method->keeps_request ? arena_copy(&call->arena, body) : body;
    if (!request || (method->keeps_request && !copy.ptr)) return api_error(call, API_ERROR_INTERNAL);
    if (!api_read(call, copy, method->fields, method->field_count, request)) return API_ANSWERED;
    return method->run(call, request);
}

enum api_outcome api_engine_start(struct api_call *call, struct slice body)
{
    const struct endpoint *endpoint = call->admission_.method;
    if (body.len > api_body_max(API_ENGINE)) return refuse_size(call); /* its length was not announced */
    return endpoint->method ? start(call, endpoint->method, body) : endpoint->form(call, body);
}
