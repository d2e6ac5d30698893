#include <stdio.h>

#include "api/api_project.h"
#include "api/api_publication.h"

/* POST /api/realtime/publish: the engine's publish for a project's own space. */

struct project_publish {
    struct slice channel;
    struct api_publication publication;
    bool has_channel;
};

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channel"),
      .type = API_TEXT,
      .offset = offsetof(struct project_publish, channel),
      .given = offsetof(struct project_publish, has_channel),
      .allowed = API_CHANNEL_ALLOWED },
    API_PUBLICATION_FIELDS(struct project_publish, publication),
};

static const char *format_text(enum policy_data_format format)
{
    switch (format) {
    case POLICY_FORMAT_JSON: return "JSON, as the namespace's publication_data_format says";
    case POLICY_FORMAT_JSON_OBJECT: return "a JSON object, as the namespace's publication_data_format says";
    default: return "not empty";
    }
}

static enum api_outcome refuse_size(struct api_call *call)
{
    char text[128];
    int len = snprintf(text, sizeof text,
                       "The publication is too large: data, tags and channel must be at most %zu bytes together.",
                       api_publication_len_max(call->engine->policy));
    return API_PROJECT_ERROR(call, 422, "publication_too_large", slice_of(text, (size_t)len));
}

static enum api_outcome refuse(struct api_call *call, const struct project_publish *r,
                               const struct rules_channel *channel, enum api_publication_problem problem)
{
    const struct api_publication *p = &r->publication;
    switch (problem) {
    case API_PUBLICATION_BASE64: return api_project_invalid(call, SLICE("b64data"), p->b64data, "base64 with padding");
    case API_PUBLICATION_TAG_LEN:
        return API_PROJECT_ERROR(
            call, 422, "invalid_field",
            SLICE("A key in the field \"tags\" must be at most 256 bytes and a value at most 4096."));
    case API_PUBLICATION_IDEMPOTENCY_LEN:
        return api_project_invalid(call, SLICE("idempotency_key"), p->idempotency_key, "at most 256 bytes");
    case API_PUBLICATION_EPOCH_LEN:
        return api_project_invalid(call, SLICE("version_epoch"), p->version_epoch, "at most 256 bytes");
    case API_PUBLICATION_NOT_STREAM:
        return API_PROJECT_ERROR(call, 422, "invalid_field", SLICE("The channel "), r->channel,
                                 SLICE(" is in a namespace whose subscription_type does not take publish."));
    case API_PUBLICATION_FORMAT:
        return api_project_invalid(call, SLICE("data"), p->bytes, format_text(channel->options->data_format));
    case API_PUBLICATION_TOO_LARGE: return refuse_size(call);
    default: return api_project_error_status(call, STATUS_NO_MEMORY);
    }
}

static enum api_outcome completed(struct api_call *call, struct broker_result *result)
{
    if (result->status != STATUS_OK) return api_project_error_status(call, result->status);
    struct json_writer w = api_result_begin(call);
    api_publication_result(call, &w, &result->publish);
    return api_result_end(call, &w);
}

/* False: answered. */
static bool read_request(struct api_call *call, struct slice body, struct project_publish *r)
{
    const struct api_publication *p = &r->publication;
    if (!api_project_read(call, body, fields, ARRAY_COUNT(fields), r)) return false;
    if (!r->has_channel) {
        api_project_missing(call, SLICE("channel"), API_CHANNEL_ALLOWED);
        return false;
    }
    if (p->data.len > 0 || p->b64data.len > 0) return true;
    api_project_missing(call, SLICE("data"), "JSON; or give b64data");
    return false;
}

enum api_outcome api_project_publish(struct api_call *call, const struct policy_project *project, struct slice body)
{
    struct project_publish request = { 0 };
    struct rules_channel channel = { 0 };
    struct broker_result result = { 0 };
    (void)project; /* its space is the call's */
    if (!read_request(call, body, &request)) return API_ANSWERED;
    if (!api_project_channel(call, SLICE("channel"), request.channel, 404, &channel)) return API_ANSWERED;
    enum api_publication_problem problem = api_publication_prepare(call, &request.publication);
    if (!problem) problem = api_publication_check(call, &request.publication, request.channel, &channel);
    if (!problem && channel.options->subscription_type != POLICY_STREAM) problem = API_PUBLICATION_NOT_STREAM;
    if (problem) return refuse(call, &request, &channel, problem);
    enum broker_answer answer = api_publication_send(call, &request.publication, request.channel, &channel, &result);
    return api_after(call, answer, &result, completed);
}
