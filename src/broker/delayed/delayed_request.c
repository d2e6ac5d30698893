#include "broker/delayed/delayed_request.h"

#include "base/check.h"

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
static void pack_tags(struct packer *k, const struct publication_tag **tags, uint32_t count)
{
    struct slice array = slice_of(*tags, count * sizeof **tags);
    pack(k, &array);
    struct publication_tag *copied = k->at ? (struct publication_tag *)(void *)k->at : NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct publication_tag tag = (*tags)[i];
        pack(k, &tag.key);
        pack(k, &tag.value);
        if (copied) copied[i] = tag;
    }
    if (copied) *tags = copied;
}

static void pack_content(struct packer *k, struct publication_content *content)
{
    pack_tags(k, &content->tags, content->tag_count);
    pack(k, &content->data);
    pack_info(k, &content->info);
}

static void pack_publish(struct packer *k, struct broker_publish *publish)
{
    pack_content(k, &publish->content);
    pack(k, &publish->idempotency_key);
    pack(k, &publish->version_epoch);
}

static void pack_map_publish(struct packer *k, struct map_publish *publish)
{
    pack_content(k, &publish->content);
    pack(k, &publish->key);
    pack(k, &publish->idempotency_key);
    pack(k, &publish->version_epoch);
}

static void pack_map_removal(struct packer *k, struct map_removal *removal)
{
    pack_tags(k, &removal->tags, removal->tag_count);
    pack(k, &removal->key);
    pack(k, &removal->idempotency_key);
}

/* The channel is in the request too. */
static void point_at_channel(struct delayed_request *r)
{
    switch (r->call) {
    case DELAYED_PUBLISH: r->publish.channel = r->channel; break;
    case DELAYED_SUBSCRIBE:
    case DELAYED_REGAIN: r->subscribe.channel = r->channel; break;
    case DELAYED_HISTORY: r->history.channel = r->channel; break;
    case DELAYED_MAP_PUBLISH: r->map_publish.channel = r->channel; break;
    case DELAYED_MAP_REMOVE: r->map_remove.channel = r->channel; break;
    case DELAYED_MAP_READ_STATE: r->map_read_state.channel = r->channel; break;
    default: break;
    }
}

static void pack_request(struct packer *k, struct delayed_request *r)
{
    switch (r->call) {
    case DELAYED_PUBLISH: pack_publish(k, &r->publish); break;
    case DELAYED_PRESENCE_ADD: pack_info(k, &r->presence_add); break;
    case DELAYED_PRESENCE_REMOVE: pack(k, &r->presence_remove); break;
    case DELAYED_MAP_PUBLISH: pack_map_publish(k, &r->map_publish); break;
    case DELAYED_MAP_REMOVE: pack_map_removal(k, &r->map_remove); break;
    case DELAYED_MAP_READ_STATE:
        pack(k, &r->map_read_state.key);
        pack(k, &r->map_read_state.cursor);
        break;
    default: break;
    }
    pack(k, &r->channel);
    point_at_channel(r);
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

static enum broker_answer run_on_maps(const struct delayed_request *r, struct map_broker *maps,
                                      const struct broker_context *c, struct broker_ticket ticket,
                                      struct broker_result *result)
{
    const struct map_broker_ops *ops = maps->ops;
    switch (r->call) {
    case DELAYED_SUBSCRIBE: return ops->subscribe(maps, c, &r->subscribe, ticket, result);
    case DELAYED_REGAIN: return ops->regain(maps, c, &r->subscribe, ticket, result);
    case DELAYED_HISTORY: return ops->read_stream(maps, c, &r->history, ticket, result);
    case DELAYED_MAP_PUBLISH: return ops->publish(maps, c, &r->map_publish, ticket, result);
    case DELAYED_MAP_REMOVE: return ops->remove(maps, c, &r->map_remove, ticket, result);
    case DELAYED_MAP_CLEAR: return ops->clear(maps, c, r->space, r->channel, ticket, result);
    case DELAYED_MAP_READ_STATE: return ops->read_state(maps, c, &r->map_read_state, ticket, result);
    case DELAYED_MAP_STATS: return ops->stats(maps, c, r->space, r->channel, ticket, result);
    case DELAYED_UNSUBSCRIBE: ops->unsubscribe(maps, c, r->space, r->channel); break;
    default: CHECK(!"a call of channels"); break;
    }
    return BROKER_DONE;
}

static enum broker_answer run_on_channels(const struct delayed_request *r, struct broker *inner,
                                          const struct broker_context *c, struct broker_ticket ticket,
                                          struct broker_result *result)
{
    const struct broker_ops *ops = inner->ops;
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
    default: CHECK(!"a call of maps"); break;
    }
    return BROKER_DONE;
}

enum broker_answer delayed_request_run(const struct delayed_request *r, const struct delayed_target *target,
                                       const struct broker_context *c, struct broker_ticket ticket,
                                       struct broker_result *result)
{
    *result = (struct broker_result){ .status = STATUS_OK };
    return target->maps ? run_on_maps(r, target->maps, c, ticket, result)
                        : run_on_channels(r, target->channels, c, ticket, result);
}
