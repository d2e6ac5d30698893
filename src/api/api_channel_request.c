#include "api/api_channel_request.h"

const struct api_field api_channel_fields[1] = {
    { .name = SLICE_INIT("channel"), .type = API_TEXT, .offset = offsetof(struct api_channel_request, channel) },
};

enum api_outcome api_ask_presence(struct api_call *call, const struct api_channel_request *r, bool stats_only,
                                  enum api_outcome (*completed)(struct api_call *call, struct broker_result *result))
{
    struct rules_channel channel;
    struct broker_result result = { 0 };
    struct broker *broker = call->engine->shared->broker;
    struct broker_context context = api_broker_context(call);
    uint32_t code = api_channel(call, r->channel, &channel);
    if (code) return api_error(call, code);
    if (!channel.options->presence) return api_error(call, API_ERROR_NOT_AVAILABLE);
    unsigned action = stats_only ? METRIC_ACTION_PRESENCE_STATS : METRIC_ACTION_PRESENCE;
    metrics_add(call->engine->metrics, METRIC_AT1(NODE_ACTION_COUNT, action), 1);
    enum broker_answer answer =
        broker->ops->presence(broker, &context, call->space_, r->channel, stats_only, api_ticket(call), &result);
    return api_after(call, answer, &result, completed);
}
