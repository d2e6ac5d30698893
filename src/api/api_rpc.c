#include "api/api_methods.h"
#include "api/api_request.h"

/* Row API-31: there are no methods of the deployment's own to call, so each is unknown. */
struct rpc {
    struct slice method, params;
};

static const struct api_field fields[] = {
    { .name = SLICE_INIT("method"), .type = API_TEXT, .offset = offsetof(struct rpc, method) },
    { .name = SLICE_INIT("params"), .type = API_RAW, .offset = offsetof(struct rpc, params) },
};

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct rpc *r = request;
    return api_error(call, r->method.len == 0 ? API_ERROR_BAD_REQUEST : API_ERROR_NOT_FOUND);
}

const struct api_method api_rpc = {
    .name = SLICE_INIT("rpc"),
    .metric = METRIC_API_METHOD_RPC,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct rpc),
    .run = run,
};
