#include "api/api_methods.h"
#include "api/api_publication.h"

/* Row API-20: the channels are served one after the other, so that a subscriber of
 * two of them hears them in the order asked for. The subscription type of a
 * namespace is not looked at, as there. */

/* Publishes in one turn of the loop. */
#define SLICE_COUNT 64u

struct broadcast {
    struct api_texts channels;
    struct api_publication publication;
};

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channels"), .type = API_TEXTS, .offset = offsetof(struct broadcast, channels) },
    API_PUBLICATION_FIELDS(struct broadcast, publication),
};

struct broadcast_state {
    struct broadcast request; /* what it borrows is in the arena */
    struct json_writer writer;
    uint32_t next; /* index of the channel whose answer is to come */
};

static struct broadcast_state *state_of(struct api_call *call)
{
    return (struct broadcast_state *)(void *)call->state_;
}

static void write_failure(struct api_call *call, uint32_t code)
{
    struct json_writer *w = &state_of(call)->writer;
    metrics_add(call->engine->metrics,
                METRIC_AT2(API_COMMAND_ERRORS, METRIC_API_METHOD_BROADCAST_PUBLISH, metrics_error_code(code)), 1);
    json_write_object_begin(w);
    json_write_name(w, SLICE("error"));
    api_write_error(w, code, api_error_message(code));
    json_write_object_end(w);
}

static void write_outcome(struct api_call *call, const struct broker_result *result)
{
    struct broadcast_state *s = state_of(call);
    s->next++;
    if (result->status != STATUS_OK) {
        write_failure(call, api_code_of_status(result->status));
        return;
    }
    json_write_object_begin(&s->writer);
    json_write_name(&s->writer, SLICE("result"));
    json_write_object_begin(&s->writer);
    api_publication_result(call, &s->writer, &result->publish);
    json_write_object_end(&s->writer);
    json_write_object_end(&s->writer);
}

/* PENDING: the broker will answer for this channel. */
static enum broker_answer publish_next(struct api_call *call, struct broker_result *result)
{
    struct broadcast_state *s = state_of(call);
    struct slice channel = s->request.channels.items[s->next];
    struct rules_channel resolved = { 0 };
    enum api_publication_problem problem = api_publication_check(call, &s->request.publication, channel, &resolved);
    if (problem) {
        s->next++;
        write_failure(call, api_publication_code(problem));
        return BROKER_DONE;
    }
    if (api_publication_send(call, &s->request.publication, channel, &resolved, result) == BROKER_PENDING)
        return BROKER_PENDING;
    write_outcome(call, result);
    broker_result_deinit(result);
    return BROKER_DONE;
}

static enum api_outcome completed(struct api_call *call, struct broker_result *result);

static enum api_outcome go_on(struct api_call *call)
{
    struct broadcast_state *s = state_of(call);
    for (uint32_t i = 0; i < SLICE_COUNT && s->next < s->request.channels.count; i++) {
        struct broker_result result = { 0 };
        if (publish_next(call, &result) == BROKER_PENDING) {
            call->completed_ = completed;
            return API_PENDING;
        }
    }
    if (s->next < s->request.channels.count) return api_again(call, go_on);
    json_write_array_end(&s->writer);
    return api_result_end(call, &s->writer);
}

static enum api_outcome completed(struct api_call *call, struct broker_result *result)
{
    write_outcome(call, result);
    return go_on(call);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    struct broadcast_state *s = api_state_new(call, sizeof *s);
    if (!s) return api_error(call, API_ERROR_INTERNAL);
    s->request = *(const struct broadcast *)request;
    if (s->request.channels.count == 0) return api_error(call, API_ERROR_BAD_REQUEST);
    enum api_publication_problem problem = api_publication_prepare(call, &s->request.publication);
    if (problem) return api_error(call, api_publication_code(problem));
    s->writer = api_result_begin(call);
    json_write_name(&s->writer, SLICE("responses"));
    json_write_array_begin(&s->writer);
    return go_on(call);
}

const struct api_method api_broadcast = {
    .name = SLICE_INIT("broadcast"),
    .metric = METRIC_API_METHOD_BROADCAST,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct broadcast),
    .keeps_request = true,
    .run = run,
};
