#include "api/api_channel_request.h"
#include "api/api_methods.h"

/* Row API-28. */

static enum api_outcome completed(struct api_call *call, struct broker_result *result)
{
    return result->status == STATUS_OK ? api_result_empty(call) : api_error_status(call, result->status);
}

enum api_outcome api_history_remove(struct api_call *call, struct slice body)
{
    struct api_channel_request request;
    struct broker_result result = { 0 };
    struct broker *broker = call->engine->shared->broker;
    struct broker_context context = api_broker_context(call);
    if (!api_channel_request_read(call, body, &request)) return API_ANSWERED;
    if (!policy_history_on(request.resolved.options)) return api_error(call, API_ERROR_NOT_AVAILABLE);
    metrics_add(call->engine->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_HISTORY_REMOVE), 1);
    enum broker_answer answer =
        broker->ops->history_remove(broker, &context, call->space_, request.channel, api_ticket(call), &result);
    return api_after(call, answer, &result, completed);
}
