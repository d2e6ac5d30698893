#include "api/api_methods.h"
#include "api/api_request.h"

/* Row API-27. A long history is written in slices. */

/* Publications written in one turn of the loop. */
#define SLICE_COUNT 256u

struct history {
    struct slice channel, since_epoch;
    uint64_t since_offset;
    int32_t limit;
    bool reverse, since_given;
};

#define AT(member) .offset = offsetof(struct history, member)

static const struct api_field since_fields[] = {
    { .name = SLICE_INIT("offset"), .type = API_U64, AT(since_offset) },
    { .name = SLICE_INIT("epoch"), .type = API_TEXT, AT(since_epoch) },
};

static const struct api_field fields[] = {
    { .name = SLICE_INIT("channel"), .type = API_TEXT, AT(channel) },
    { .name = SLICE_INIT("limit"), .type = API_I32, AT(limit) },
    { .name = SLICE_INIT("since"),
      .type = API_MEMBERS,
      .given = offsetof(struct history, since_given),
      .members = since_fields,
      .member_count = ARRAY_COUNT(since_fields) },
    { .name = SLICE_INIT("reverse"), .type = API_BOOL, AT(reverse) },
};

struct history_state {
    struct broker_result result; /* owned */
    struct json_writer writer;
    uint32_t next; /* index of the publication to write */
};

static struct history_state *state_of(struct api_call *call)
{
    return (struct history_state *)(void *)call->state_;
}

static void drop(struct api_call *call)
{
    broker_result_deinit(&state_of(call)->result);
}

static void write_publication(struct json_writer *w, const struct publication *p)
{
    const struct publication_content *content = &p->content;
    json_write_object_begin(w);
    if (content->data.len > 0) {
        json_write_name(w, SLICE("data"));
        json_write_raw(w, content->data);
    }
    if (content->has_info) {
        json_write_name(w, SLICE("info"));
        api_write_client_info(w, &content->info);
    }
    if (p->offset > 0) {
        json_write_name(w, SLICE("offset"));
        json_write_u64(w, p->offset);
    }
    if (content->tag_count > 0) api_write_tags(w, content);
    json_write_object_end(w);
}

static enum api_outcome finish(struct api_call *call)
{
    struct history_state *s = state_of(call);
    const struct broker_position *top = &s->result.history.top;
    json_write_array_end(&s->writer);
    json_write_name(&s->writer, SLICE("epoch"));
    json_write_string(&s->writer, slice_of(top->epoch, strnlen(top->epoch, sizeof top->epoch)));
    json_write_name(&s->writer, SLICE("offset"));
    json_write_u64(&s->writer, top->offset);
    return api_result_end(call, &s->writer);
}

static enum api_outcome go_on(struct api_call *call)
{
    struct history_state *s = state_of(call);
    const struct broker_publications *publications = &s->result.history.publications;
    for (uint32_t i = 0; i < SLICE_COUNT && s->next < publications->count; i++, s->next++) {
        const struct publication *p = publications->items[s->next];
        /* row OB-06: JSON has no place for it */
        if (!publication_fits_json(p)) return api_plain(call, 500, SLICE("Internal Server Error"));
        write_publication(&s->writer, p);
    }
    return s->next < publications->count ? api_again(call, go_on) : finish(call);
}

static enum api_outcome completed(struct api_call *call, struct broker_result *result)
{
    if (result->status != STATUS_OK) return api_error_status(call, result->status);
    struct history_state *s = api_state_new(call, sizeof *s);
    if (!s) return api_error(call, API_ERROR_INTERNAL);
    s->result = *result;
    result->owns_ = BROKER_RESULT_PLAIN;
    call->drop_ = drop;
    s->writer = api_result_begin(call);
    json_write_name(&s->writer, SLICE("publications"));
    json_write_array_begin(&s->writer);
    return go_on(call);
}

static enum api_outcome ask(struct api_call *call, const struct history *r, const struct policy_channel_options *o)
{
    struct engine *e = call->engine;
    struct broker *broker = e->shared->broker;
    struct broker_result result = { 0 };
    struct broker_context context = api_broker_context(call);
    const struct broker_history request = {
        .space = call->space_,
        .channel = r->channel,
        .limit = r->limit < 0 ? -1 : r->limit,
        .has_since = r->since_given,
        .since = api_position(r->since_offset, r->since_epoch),
        .reverse = r->reverse,
        .history = { .size = o->history_size,
                     .ttl_ms = o->history_ttl_ms,
                     .meta_ttl_ms = o->history_meta_ttl_ms,
                     .policy_version = e->policy->version },
    };
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_HISTORY), 1);
    return api_after(call, broker->ops->history(broker, &context, &request, api_ticket(call), &result), &result,
                     completed);
}

static enum api_outcome run(struct api_call *call, const void *request)
{
    const struct history *r = request;
    struct rules_channel channel;
    uint32_t code = api_channel(call, r->channel, &channel);
    if (code) return api_error(call, code);
    if (!policy_history_on(channel.options)) return api_error(call, API_ERROR_NOT_AVAILABLE);
    /* row OB-06: nothing comes before the first publication */
    if (r->reverse && r->since_given && r->since_offset == 0) return api_error(call, API_ERROR_INTERNAL);
    return ask(call, r, channel.options);
}

const struct api_method api_history = {
    .name = SLICE_INIT("history"),
    .metric = METRIC_API_METHOD_HISTORY,
    .fields = fields,
    .field_count = ARRAY_COUNT(fields),
    .request_len = sizeof(struct history),
    .run = run,
};
