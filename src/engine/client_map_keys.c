/* Keys that the server keeps in maps for a subscription: who is there, in the maps that
 * the namespace names (rows CH-48, CH-49 and HI-65), and the client's own key in the map
 * itself (row CH-53), which the client writes and only its end removes. */
#include "base/log.h"
#include "base/mem_part.h"
#include "engine/client_map.h"

static bool is_set(const char *text)
{
    return text && text[0];
}

uint16_t client_map_keys_flags(const struct policy_channel_options *o)
{
    bool any = is_set(o->map_clients_prefix) || is_set(o->map_users_prefix) || o->map.remove_client_on_unsubscribe;
    return any ? SUB_MAP_KEYS : 0;
}

static struct slice clients_channel(const struct map_keys *k)
{
    return slice_of(k->channels, k->clients_len);
}

static struct slice users_channel(const struct map_keys *k)
{
    return slice_of(k->channels + k->clients_len, k->users_len);
}

static size_t joined_len(const char *prefix, struct slice channel)
{
    return is_set(prefix) ? strlen(prefix) + channel.len : 0;
}

static char *put_joined(char *at, const char *prefix, struct slice channel)
{
    if (!is_set(prefix)) return at;
    size_t len = strlen(prefix);
    memcpy(at, prefix, len);
    memcpy(at + len, channel.ptr, channel.len);
    return at + len + channel.len;
}

/* Names that no table of channels takes are left out, as if the prefix were not there. */
static struct map_keys *keys_new(const struct policy_channel_options *o, struct subscription *sub)
{
    struct slice name = hub_channel_name(sub->channel);
    const bool clients_fit = joined_len(o->map_clients_prefix, name) <= UINT16_MAX;
    const bool users_fit = joined_len(o->map_users_prefix, name) <= UINT16_MAX;
    const char *clients = clients_fit ? o->map_clients_prefix : NULL, *users = users_fit ? o->map_users_prefix : NULL;
    size_t clients_len = joined_len(clients, name), users_len = joined_len(users, name);
    struct map_keys *k = mem_part_alloc(MEM_SUBSCRIPTIONS, sizeof *k + clients_len + users_len);
    if (!k) return NULL;
    *k = (struct map_keys){ .sub = sub,
                            .own = o->map.remove_client_on_unsubscribe && (sub->flags & SUB_MAP),
                            .clients_len = (uint16_t)clients_len,
                            .users_len = (uint16_t)users_len };
    put_joined(put_joined(k->channels, clients, name), users, name);
    return k;
}

/* The options of a map that is written to; false: there is none of this name any more. */
static bool options_of(const struct client *c, struct slice channel, struct map_options *out)
{
    struct rules_channel found;
    if (rules_resolve(c->engine->policy, c->space, channel, false, &found) != 0) return false;
    if (found.options->map.mode == POLICY_MAP_OFF) return false;
    *out = client_map_options(c->engine, found.options);
    return true;
}

/* Nobody waits for the answer. */
static struct broker_ticket nobody(const struct client *c)
{
    return (struct broker_ticket){ .handle = { .worker = c->engine->index } };
}

static void done(enum broker_answer answer, struct broker_result *result, struct slice channel)
{
    if (answer != BROKER_DONE) return;
    if (result->status != STATUS_OK)
        LOG_WARN("a key of who is there could not be kept", LOG_STR("channel", channel),
                 LOG_CSTR("status", status_text(result->status)));
    broker_result_deinit(result);
}

/* The key appears; one that is there lives anew. */
static void put_key(struct client *c, struct slice channel, struct slice key, const struct publication_info *info)
{
    struct engine *e = c->engine;
    struct map_broker *maps = e->shared->map_broker;
    struct map_publish request = { .space = c->space,
                                   .channel = channel,
                                   .key = key,
                                   .content = { .kind = PUBLICATION_DATA },
                                   .key_mode = MAP_KEY_IF_NEW,
                                   .refresh_suppressed = true };
    if (channel.len == 0 || key.len == 0 || !options_of(c, channel, &request.options)) return;
    if (info) request.content.info = *info;
    request.content.has_info = info != NULL;
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_PUBLISH), 1);
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    done(maps->ops->publish(maps, &context, &request, nobody(c), &result), &result, channel);
}

static void take_key(struct client *c, struct slice channel, struct slice key)
{
    struct engine *e = c->engine;
    struct map_broker *maps = e->shared->map_broker;
    struct map_removal request = { .space = c->space, .channel = channel, .key = key };
    if (channel.len == 0 || !options_of(c, channel, &request.options)) return;
    metrics_add(e->metrics, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_REMOVE), 1);
    struct broker_context context = engine_broker_context(e);
    struct broker_result result = { 0 };
    done(maps->ops->remove(maps, &context, &request, nobody(c), &result), &result, channel);
}

static void put_keys(struct client *c, const struct map_keys *k)
{
    char id[CLIENT_ID_LEN + 1];
    struct publication_info info = client_publication_info(c, k->sub, id);
    put_key(c, clients_channel(k), slice_of(id, CLIENT_ID_LEN), &info);
    put_key(c, users_channel(k), client_user(c), NULL);
}

void client_map_keys_add(struct client *c, struct subscription *sub)
{
    struct engine *e = c->engine;
    struct rules_channel channel;
    struct client_map *m = client_map_need(c);
    bool known = rules_resolve(e->policy, c->space, hub_channel_name(sub->channel), false, &channel) == 0;
    struct map_keys *k = m && known ? keys_new(channel.options, sub) : NULL;
    if (!k) {
        if (known) client_disconnect(c, DISCONNECT_INTERNAL);
        return;
    }
    k->next = m->keys;
    m->keys = k;
    put_keys(c, k);
    uint64_t interval_ms = e->policy->deployment->limits.presence_update_interval_ms;
    if (m->refresh_due_ms || !interval_ms || k->clients_len + k->users_len == 0) return;
    m->refresh_due_ms = e->now_ms + interval_ms;
    client_arm(c);
}

void client_map_keys_remove(struct client *c, const struct subscription *sub)
{
    struct map_keys **at = c->extra && c->extra->map ? &c->extra->map->keys : NULL;
    while (at && *at && (*at)->sub != sub) at = &(*at)->next;
    struct map_keys *k = at ? *at : NULL;
    if (!k) return; /* the subscription did not come to live */
    char id[CLIENT_ID_LEN + 1];
    client_id_text(c, id);
    *at = k->next;
    take_key(c, clients_channel(k), slice_of(id, CLIENT_ID_LEN));
    if (k->own) take_key(c, hub_channel_name(sub->channel), slice_of(id, CLIENT_ID_LEN));
    mem_part_free(MEM_SUBSCRIPTIONS, k);
}

void client_map_keys_refresh(struct client *c)
{
    struct client_map *m = c->extra->map;
    uint64_t interval_ms = c->engine->policy->deployment->limits.presence_update_interval_ms;
    bool any = false;
    for (const struct map_keys *k = m->keys; k; k = k->next) {
        put_keys(c, k);
        any |= k->clients_len + k->users_len > 0;
    }
    m->refresh_due_ms = any && interval_ms ? c->engine->now_ms + interval_ms : 0;
}
