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
    api_write_position(&w, &result->publish);
    return api_result_end(call, &w);
}

enum api_outcome api_publish(struct api_call *call, struct slice body)
{
    struct publish request = { 0 };
    struct rules_channel channel = { 0 };
    struct broker_result result = { 0 };
    if (!api_read(call, body, fields, ARRAY_COUNT(fields), &request)) return API_ANSWERED;
    enum api_publication_problem problem = api_publication_prepare(call, &request.publication);
    if (!problem) problem = api_publication_check(call, &request.publication, request.channel, &channel);
    if (!problem && !channel.options->stream_only) problem = API_PUBLICATION_NOT_STREAM;
    if (problem) return api_error(call, api_publication_code(problem));
    enum broker_answer answer = api_publication_send(call, &request.publication, request.channel, &channel, &result);
    return api_after(call, answer, &result, completed);
}
