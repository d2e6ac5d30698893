#include "api/api_channel_request.h"

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channel"), .type = API_TEXT, .offset = offsetof(struct api_channel_request, channel) },
};

bool api_channel_request_read(struct api_call *call, struct slice body, struct api_channel_request *out)
{
    *out = (struct api_channel_request){ 0 };
    if (!api_read(call, body, fields, ARRAY_COUNT(fields), out)) return false;
    uint32_t code = api_channel(call, out->channel, &out->resolved);
    if (code) api_error(call, code);
    return code == 0;
}

enum api_outcome api_ask_presence(struct api_call *call, struct slice body, bool stats_only,
                                  enum api_outcome (*completed)(struct api_call *call, struct broker_result *result))
{
    struct api_channel_request request;
    struct broker_result result = { 0 };
    struct broker *broker = call->engine->shared->broker;
    struct broker_context context = api_broker_context(call);
    if (!api_channel_request_read(call, body, &request)) return API_ANSWERED;
    if (!request.resolved.options->presence) return api_error(call, API_ERROR_NOT_AVAILABLE);
    unsigned action = stats_only ? METRIC_ACTION_PRESENCE_STATS : METRIC_ACTION_PRESENCE;
    metrics_add(call->engine->metrics, METRIC_AT1(NODE_ACTION_COUNT, action), 1);
    enum broker_answer answer =
        broker->ops->presence(broker, &context, call->space_, request.channel, stats_only, api_ticket(call), &result);
    return api_after(call, answer, &result, completed);
}
