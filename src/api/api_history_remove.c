#include "api/api_channel_request.h"
#include "api/api_methods.h"

/* Row API-28. */

static enum api_outcome completed(struct api_call *call, struct broker_result *result)
{
    return result->status == STATUS_OK ? api_result_empty(call) : api_error_status(call, result->status);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct api_channel_request *r = request;
    struct rules_channel channel;
    struct broker_result result = { 0 };
    struct broker *broker = call->engine->shared->broker;
    struct broker_context context = api_broker_context(call);
    uint32_t code = api_channel(call, r->channel, &channel);
    if (code) return api_error(call, code);
    if (!policy_history_on(channel.options)) return api_error(call, API_ERROR_NOT_AVAILABLE);
    metrics_add(call->engine->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_HISTORY_REMOVE), 1);
    enum broker_answer answer =
        broker->ops->history_remove(broker, &context, call->space_, r->channel, api_ticket(call), &result);
    return api_after(call, answer, &result, completed);
}

const struct api_method api_history_remove = {
    .name = SLICE_INIT("history_remove"),
    .metric = METRIC_API_METHOD_HISTORY_REMOVE,
    .fields = api_channel_fields,
    .field_count = ARRAY_COUNT(api_channel_fields),
    .request_len = sizeof(struct api_channel_request),
    .run = run,
};
