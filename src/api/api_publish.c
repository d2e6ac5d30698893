#include "api/api_methods.h"
#include "api/api_publication.h"

/* Row API-19. */
struct publish {
    struct slice channel;
    struct api_publication publication;
};

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channel"), .type = API_TEXT, .offset = offsetof(struct publish, channel) },
    API_PUBLICATION_FIELDS(struct publish, publication),
};

static enum api_outcome completed(struct api_call *call, struct broker_result *result)
{
    if (result->status != STATUS_OK) return api_error_status(call, result->status);
    struct json_writer w = api_result_begin(call);
    api_publication_result(call, &w, &result->publish);
    return api_result_end(call, &w);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    struct publish r = *(const struct publish *)request;
    struct rules_channel channel = { 0 };
    struct broker_result result = { 0 };
    enum api_publication_problem problem = api_publication_prepare(call, &r.publication);
    if (!problem) problem = api_publication_check(call, &r.publication, r.channel, &channel);
    if (!problem && channel.options->subscription_type != POLICY_STREAM) problem = API_PUBLICATION_NOT_STREAM;
    if (problem) return api_error(call, api_publication_code(problem));
    enum broker_answer answer = api_publication_send(call, &r.publication, r.channel, &channel, &result);
    return api_after(call, answer, &result, completed);
}

const struct api_method api_publish = {
    .name = SLICE_INIT("publish"),
    .metric = METRIC_API_METHOD_PUBLISH,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct publish),
    .run = run,
};
