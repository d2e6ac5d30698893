/* hub: channel -> the subscribers on this worker, and user -> the clients on this
 * worker. The keys are (space, name). Owned by one worker; nobody else touches it. */
#ifndef XSHATHRA_ENGINE_HUB_H
#define XSHATHRA_ENGINE_HUB_H

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"
#include "base/status.h"
#include "broker/publication.h"
#include "engine/tags_filter.h"

struct client;

/* All subscribers of one channel on this worker. */
struct hub_channel {
    struct map_node node_;
    struct list subscriptions; /* struct subscription.in_channel */
    uint64_t regained_seq;     /* after a gap: stored publications up to this were read again */
    uint64_t offset;           /* of the last publication with one, once has_position */
    char epoch[BROKER_EPOCH_MAX];
    uint32_t space;
    uint32_t subscriber_count;
    uint32_t heard_s;  /* low bits of the time when the position was last known to be right */
    bool has_position; /* a positioned subscription has told where the stream stands */
    bool is_map;       /* of the map broker: another channel than the stream of its name */
    bool doubted;      /* the broker's top was another: see position_check.h */
    uint16_t name_len;
    char name[];
};

enum subscription_flag {
    SUB_SERVER_SIDE = 1 << 0, /* made by token, API or the server: errors close the client */
    SUB_POSITIONED = 1 << 1,
    SUB_RECOVERABLE = 1 << 2,
    SUB_JOIN_LEAVE = 1 << 3, /* wants join and leave pushes */
    SUB_PRESENCE = 1 << 4,   /* is in the channel's presence */
    SUB_EMITS_JOIN_LEAVE = 1 << 5,
    SUB_EXPIRES = 1 << 6,
    SUB_REGISTERED = 1 << 7,   /* counted by the broker: owes it an unsubscribe */
    SUB_FROM_TOKEN = 1 << 8,   /* named by the connection token */
    SUB_DELTA = 1 << 9,        /* with delta compression: see client_delta.h */
    SUB_LOST_EVENTS = 1 << 10, /* while pending: its answer is followed by insufficient state */
    SUB_MAP = 1 << 11,         /* of a map: see client_map.h */
    SUB_MAP_KEYS = 1 << 12,    /* the server keeps keys in maps for it: see client_map_keys.c */
    SUB_LISTENS = 1 << 14,     /* to a project, in the console's space: see console_space.h */
    SUB_DELTA_READY = 1 << 13, /* the last publication it got is the stream's newest: a delta may follow */
};

/* Publications that came while the subscription's own answer was pending. */
struct subscription_backlog {
    uint32_t count, cap;
    size_t bytes;
    struct publication *items[]; /* one reference each */
};

/* One client on one channel. */
struct subscription {
    struct list in_channel, in_client;
    struct hub_channel *channel;
    struct client *client;
    uint64_t start_seq;                   /* events up to this are covered by the answer */
    struct subscription_backlog *backlog; /* while pending; NULL when nothing has come */
    struct tags_filter *filter;           /* owned; NULL = every publication is wanted */
    struct held_bytes *chan_info;         /* owned; NULL = none */
    uint32_t expire_at_s;
    uint16_t flags;
    bool pending; /* not answered yet: live events are kept in the backlog */
};

struct hub_user {
    struct map_node node_;
    struct list clients; /* struct client.in_user */
    uint32_t space;
    uint32_t client_count;
    uint32_t id_len;
    char id[];
};

struct hub {
    struct map channels_, users_;
    uint32_t subscription_count;
};

void hub_init(struct hub *h);
void hub_deinit(struct hub *h);

struct hub_channel *hub_channel_find(const struct hub *h, uint32_t space, struct slice channel);
/* The same among the maps. */
struct hub_channel *hub_map_find(const struct hub *h, uint32_t space, struct slice channel);
static inline struct slice hub_channel_name(const struct hub_channel *c)
{
    return slice_of(c->name, c->name_len);
}

/* A new pending subscription in the channel and in the client's list; NULL when memory is out. */
MUST_CHECK struct subscription *hub_subscribe(struct hub *h, struct client *client, struct list *client_subs,
                                              uint32_t space, struct slice channel);
MUST_CHECK struct subscription *hub_subscribe_map(struct hub *h, struct client *client, struct list *client_subs,
                                                  uint32_t space, struct slice channel);
/* What a pending subscription has kept goes. */
void hub_drop_backlog(struct subscription *sub);
/* Unlinks and frees it, its backlog, and the channel when it was the last. */
void hub_unsubscribe(struct hub *h, struct subscription *sub);

struct hub_user *hub_user_find(const struct hub *h, uint32_t space, struct slice user);
/* Finds or makes the entry and adds the client; NULL when memory is out. */
MUST_CHECK struct hub_user *hub_user_add(struct hub *h, uint32_t space, struct slice user, struct list *in_user);
void hub_user_remove(struct hub *h, struct hub_user *user, struct list *in_user);
static inline struct slice hub_user_id(const struct hub_user *u)
{
    return slice_of(u->id, u->id_len);
}

#endif
