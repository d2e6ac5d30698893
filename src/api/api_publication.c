#include "api/api_publication.h"

#include "json/json_reader.h"

enum api_publication_problem api_publication_prepare(struct api_call *call, struct api_publication *p)
{
    uint32_t code = api_binary(call, p->data, p->b64data, &p->bytes);
    if (code) return code == API_ERROR_INTERNAL ? API_PUBLICATION_NO_MEMORY : API_PUBLICATION_BASE64;
    /* raw data came through the reader */
    p->bytes_are_json = p->b64data.len == 0 ? p->bytes.len > 0 : json_valid(p->bytes, JSON_DEPTH_DEFAULT);
    for (uint32_t i = 0; i < p->tags.count; i++) {
        const struct publication_tag *tag = &p->tags.items[i];
        if (tag->key.len > API_TAG_KEY_LEN_MAX || tag->value.len > API_TAG_VALUE_LEN_MAX)
            return API_PUBLICATION_TAG_LEN;
    }
    if (p->idempotency_key.len > API_IDEMPOTENCY_KEY_LEN_MAX) return API_PUBLICATION_IDEMPOTENCY_LEN;
    if (p->version_epoch.len > API_VERSION_EPOCH_LEN_MAX) return API_PUBLICATION_EPOCH_LEN;
    return API_PUBLICATION_FINE;
}

size_t api_publication_len(const struct api_publication *p, struct slice channel)
{
    size_t len = p->bytes.len + channel.len;
    for (uint32_t i = 0; i < p->tags.count; i++) len += p->tags.items[i].key.len + p->tags.items[i].value.len;
    return len;
}

size_t api_publication_len_max(const struct policy *p)
{
    return p->deployment->limits.queue_bytes_max / 2;
}

enum api_publication_problem api_publication_check(struct api_call *call, const struct api_publication *p,
                                                   struct slice channel, struct rules_channel *resolved)
{
    uint32_t code = api_channel(call, channel, resolved);
    if (code == API_ERROR_BAD_REQUEST) return API_PUBLICATION_NO_CHANNEL;
    if (code) return API_PUBLICATION_UNKNOWN_CHANNEL;
    if (!rules_data_fits(resolved->options, p->bytes, p->bytes_are_json)) return API_PUBLICATION_FORMAT;
    if (api_publication_len(p, channel) > api_publication_len_max(call->engine->policy))
        return API_PUBLICATION_TOO_LARGE;
    return API_PUBLICATION_FINE;
}

uint32_t api_publication_code(enum api_publication_problem problem)
{
    switch (problem) {
    case API_PUBLICATION_FINE: return 0;
    case API_PUBLICATION_NO_MEMORY: return API_ERROR_INTERNAL;
    case API_PUBLICATION_UNKNOWN_CHANNEL: return API_ERROR_UNKNOWN_CHANNEL;
    default: return API_ERROR_BAD_REQUEST;
    }
}

static void tell(struct api_call *call, const struct api_publication *p, struct slice channel)
{
    struct event ev;
    if (!event_begin(&ev, call->engine, call->space_, "publish")) return;
    event_text(&ev, "channel", channel);
    event_text(&ev, "by", SLICE("api"));
    event_data(&ev, p->bytes, p->bytes_are_json);
    event_send(&ev);
}

enum broker_answer api_publication_send(struct api_call *call, const struct api_publication *p, struct slice channel,
                                        const struct rules_channel *resolved, struct broker_result *result)
{
    struct engine *e = call->engine;
    const struct policy_channel_options *o = resolved->options;
    const struct broker_publish request = {
        .space = call->space_,
        .channel = channel,
        .content = { .kind = PUBLICATION_DATA,
                     .data = p->bytes,
                     .data_is_json = p->bytes_are_json,
                     .tags = p->tags.items,
                     .tag_count = p->tags.count,
                     .version = p->version },
        .history = { .size = o->history_size,
                     .ttl_ms = o->history_ttl_ms,
                     .meta_ttl_ms = o->history_meta_ttl_ms,
                     .policy_version = e->policy->version },
        .skip_history = p->skip_history,
        .delta = p->delta || o->delta_publish,
        .idempotency_key = p->idempotency_key,
        .version = p->version,
        .version_epoch = p->version_epoch,
    };
    struct broker_context context = api_broker_context(call);
    metrics_add(e->metrics, METRIC_AT1(NODE_MESSAGES_SENT, METRIC_MESSAGE_PUBLICATION), 1);
    space_counts_of(&e->spaces, call->space_)->publications++;
    tell(call, p, channel);
    return e->shared->broker->ops->publish(e->shared->broker, &context, &request, api_ticket(call), result);
}

static void count_suppressed(const struct api_call *call, uint8_t suppressed)
{
    const unsigned reason =
        suppressed == BROKER_SUPPRESSED_BY_VERSION ? METRIC_SUPPRESSED_VERSION : METRIC_SUPPRESSED_IDEMPOTENCY;
    if (suppressed) metrics_add(call->engine->metrics, METRIC_AT1(BROKER_PUBLISH_SUPPRESSED, reason), 1);
}

void api_publication_result(const struct api_call *call, struct json_writer *w,
                            const struct broker_publish_result *result)
{
    count_suppressed(call, result->suppressed);
    if (result->offset > 0) {
        json_write_name(w, SLICE("offset"));
        json_write_u64(w, result->offset);
    }
    struct slice epoch = slice_of(result->epoch, strnlen(result->epoch, sizeof result->epoch));
    if (epoch.len > 0) {
        json_write_name(w, SLICE("epoch"));
        json_write_string(w, epoch);
    }
}
