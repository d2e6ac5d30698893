#include "engine/hub.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/mem_part.h"
#include "engine/held_bytes.h"

/* Channels and users of one space and name must not meet in one chain more often
 * than others do: the space is the salt. */
static uint64_t key_hash(uint32_t space, struct slice name)
{
    return hash_bytes(name, space);
}

void hub_init(struct hub *h)
{
    *h = (struct hub){ 0 };
    map_init(&h->channels_);
    map_init(&h->users_);
}

void hub_deinit(struct hub *h)
{
    map_deinit(&h->channels_);
    map_deinit(&h->users_);
}

static struct hub_channel *find_channel(const struct hub *h, uint32_t space, struct slice name, uint64_t hash,
                                        bool is_map)
{
    for (struct map_node *n = map_first(&h->channels_, hash); n; n = map_next_same(n)) {
        struct hub_channel *c = container_of(n, struct hub_channel, node_);
        if (c->space == space && c->is_map == is_map && slice_eq(hub_channel_name(c), name)) return c;
    }
    return NULL;
}

struct hub_channel *hub_channel_find(const struct hub *h, uint32_t space, struct slice channel)
{
    return find_channel(h, space, channel, key_hash(space, channel), false);
}

struct hub_channel *hub_map_find(const struct hub *h, uint32_t space, struct slice channel)
{
    return find_channel(h, space, channel, key_hash(space, channel), true);
}

static struct hub_channel *channel_new(struct hub *h, uint32_t space, struct slice name, uint64_t hash, bool is_map)
{
    if (name.len > UINT16_MAX) return NULL;
    struct hub_channel *c = mem_part_alloc(MEM_CHANNELS, sizeof *c + name.len);
    if (!c) return NULL;
    *c = (struct hub_channel){ .space = space, .is_map = is_map, .name_len = (uint16_t)name.len };
    c->node_.hash = hash;
    list_init(&c->subscriptions);
    memcpy(c->name, name.ptr, name.len);
    if (map_insert(&h->channels_, &c->node_) == STATUS_OK) return c;
    mem_part_free(MEM_CHANNELS, c);
    return NULL;
}

static void channel_free(struct hub *h, struct hub_channel *c)
{
    map_remove(&h->channels_, &c->node_);
    mem_part_free(MEM_CHANNELS, c);
}

static struct subscription *subscribe(struct hub *h, struct client *client, struct list *client_subs, uint32_t space,
                                      struct slice channel, bool is_map)
{
    struct subscription *sub = mem_part_alloc_zero(MEM_SUBSCRIPTIONS, sizeof *sub);
    if (!sub) return NULL;
    uint64_t hash = key_hash(space, channel);
    struct hub_channel *c = find_channel(h, space, channel, hash, is_map);
    if (!c) c = channel_new(h, space, channel, hash, is_map);
    if (!c) {
        mem_part_free(MEM_SUBSCRIPTIONS, sub);
        return NULL;
    }
    sub->channel = c;
    sub->client = client;
    sub->pending = true;
    list_push_back(&c->subscriptions, &sub->in_channel);
    list_push_back(client_subs, &sub->in_client);
    c->subscriber_count++;
    h->subscription_count++;
    return sub;
}

struct subscription *hub_subscribe(struct hub *h, struct client *client, struct list *client_subs, uint32_t space,
                                   struct slice channel)
{
    return subscribe(h, client, client_subs, space, channel, false);
}

struct subscription *hub_subscribe_map(struct hub *h, struct client *client, struct list *client_subs, uint32_t space,
                                       struct slice channel)
{
    return subscribe(h, client, client_subs, space, channel, true);
}

static void backlog_free(struct subscription_backlog *b)
{
    if (!b) return;
    for (uint32_t i = 0; i < b->count; i++) publication_unref(b->items[i]);
    mem_part_free(MEM_SUBSCRIPTIONS, b);
}

void hub_drop_backlog(struct subscription *sub)
{
    backlog_free(sub->backlog);
    sub->backlog = NULL;
}

void hub_unsubscribe(struct hub *h, struct subscription *sub)
{
    struct hub_channel *c = sub->channel;
    list_remove(&sub->in_channel);
    list_remove(&sub->in_client);
    backlog_free(sub->backlog);
    tags_filter_free(sub->filter);
    held_bytes_free(sub->chan_info);
    mem_part_free(MEM_SUBSCRIPTIONS, sub);
    h->subscription_count--;
    if (--c->subscriber_count == 0) channel_free(h, c);
}

static struct hub_user *find_user(const struct hub *h, uint32_t space, struct slice user, uint64_t hash)
{
    for (struct map_node *n = map_first(&h->users_, hash); n; n = map_next_same(n)) {
        struct hub_user *u = container_of(n, struct hub_user, node_);
        if (u->space == space && slice_eq(hub_user_id(u), user)) return u;
    }
    return NULL;
}

struct hub_user *hub_user_find(const struct hub *h, uint32_t space, struct slice user)
{
    return find_user(h, space, user, key_hash(space, user));
}

struct hub_user *hub_user_add(struct hub *h, uint32_t space, struct slice user, struct list *in_user)
{
    uint64_t hash = key_hash(space, user);
    struct hub_user *u = find_user(h, space, user, hash);
    if (!u) {
        if (user.len > UINT32_MAX) return NULL;
        u = mem_part_alloc(MEM_USERS, sizeof *u + user.len);
        if (!u) return NULL;
        *u = (struct hub_user){ .space = space, .id_len = (uint32_t)user.len };
        u->node_.hash = hash;
        list_init(&u->clients);
        if (user.len) memcpy(u->id, user.ptr, user.len);
        if (map_insert(&h->users_, &u->node_) != STATUS_OK) {
            mem_part_free(MEM_USERS, u);
            return NULL;
        }
    }
    list_push_back(&u->clients, in_user);
    u->client_count++;
    return u;
}

void hub_user_remove(struct hub *h, struct hub_user *user, struct list *in_user)
{
    list_remove(in_user);
    if (--user->client_count > 0) return;
    map_remove(&h->users_, &user->node_);
    mem_part_free(MEM_USERS, user);
}
