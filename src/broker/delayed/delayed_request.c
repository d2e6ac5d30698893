#include "broker/delayed/delayed_request.h"

/* With at NULL it only counts. */
struct packer {
    char *at;
    size_t len;
};

static void pack(struct packer *k, struct slice *s)
{
    if (k->at) {
        if (s->len) memcpy(k->at + k->len, s->ptr, s->len);
        s->ptr = k->at + k->len;
    }
    k->len += s->len;
}

static void pack_info(struct packer *k, struct publication_info *info)
{
    pack(k, &info->user);
    pack(k, &info->client);
    pack(k, &info->conn_info);
    pack(k, &info->chan_info);
}

/* First of all, for the alignment. */
static void pack_tags(struct packer *k, struct publication_content *content)
{
    struct slice array = slice_of(content->tags, content->tag_count * sizeof *content->tags);
    pack(k, &array);
    struct publication_tag *copied = k->at ? (struct publication_tag *)(void *)k->at : NULL;
    for (uint32_t i = 0; i < content->tag_count; i++) {
        struct publication_tag tag = content->tags[i];
        pack(k, &tag.key);
        pack(k, &tag.value);
        if (copied) copied[i] = tag;
    }
    if (copied) content->tags = copied;
}

static void pack_publish(struct packer *k, struct broker_publish *publish)
{
    pack_tags(k, &publish->content);
    pack(k, &publish->content.data);
    pack_info(k, &publish->content.info);
    pack(k, &publish->idempotency_key);
    pack(k, &publish->version_epoch);
}

static void pack_request(struct packer *k, struct delayed_request *r)
{
    switch (r->call) {
    case DELAYED_PUBLISH: pack_publish(k, &r->publish); break;
    case DELAYED_PRESENCE_ADD: pack_info(k, &r->presence_add); break;
    case DELAYED_PRESENCE_REMOVE: pack(k, &r->presence_remove); break;
    default: break;
    }
    pack(k, &r->channel);
    if (r->call == DELAYED_PUBLISH) r->publish.channel = r->channel;
    if (r->call == DELAYED_SUBSCRIBE || r->call == DELAYED_REGAIN) r->subscribe.channel = r->channel;
    if (r->call == DELAYED_HISTORY) r->history.channel = r->channel;
}

size_t delayed_request_len(const struct delayed_request *r)
{
    struct delayed_request scratch = *r;
    struct packer k = { 0 };
    pack_request(&k, &scratch);
    return k.len;
}

void delayed_request_copy(struct delayed_request *copy, const struct delayed_request *r, char *bytes)
{
    struct packer k = { .at = bytes };
    *copy = *r;
    pack_request(&k, copy);
}

bool delayed_request_is_answered(const struct delayed_request *r)
{
    return r->call != DELAYED_UNSUBSCRIBE && r->call != DELAYED_PRESENCE_ADD && r->call != DELAYED_PRESENCE_REMOVE;
}

enum broker_answer delayed_request_run(const struct delayed_request *r, struct broker *inner,
                                       const struct broker_context *c, struct broker_ticket ticket,
                                       struct broker_result *result)
{
    const struct broker_ops *ops = inner->ops;
    *result = (struct broker_result){ .status = STATUS_OK };
    switch (r->call) {
    case DELAYED_PUBLISH: return ops->publish(inner, c, &r->publish, ticket, result);
    case DELAYED_SUBSCRIBE: return ops->subscribe(inner, c, &r->subscribe, ticket, result);
    case DELAYED_REGAIN: return ops->regain(inner, c, &r->subscribe, ticket, result);
    case DELAYED_HISTORY: return ops->history(inner, c, &r->history, ticket, result);
    case DELAYED_HISTORY_REMOVE: return ops->history_remove(inner, c, r->space, r->channel, ticket, result);
    case DELAYED_PRESENCE: return ops->presence(inner, c, r->space, r->channel, r->presence_stats_only, ticket, result);
    case DELAYED_UNSUBSCRIBE: ops->unsubscribe(inner, c, r->space, r->channel); break;
    case DELAYED_PRESENCE_ADD:
        result->status = ops->presence_add(inner, c, r->space, r->channel, &r->presence_add);
        break;
    case DELAYED_PRESENCE_REMOVE: ops->presence_remove(inner, c, r->space, r->channel, r->presence_remove); break;
    }
    return BROKER_DONE;
}
