/* client_map: a client's subscriptions to maps, rows HI-54 to HI-65. Private to the
 * engine.
 *
 * A client first reads the state of the map in pages (phase 2), then perhaps its
 * stream since the first page (phase 1), and goes live in the answer to the last of
 * these requests (phase 0). From then on it has a struct subscription with SUB_MAP,
 * like any other one. Until then there is a struct map_catch_up, and what few clients
 * have stands in a struct client_map beside them: plain subscriptions pay nothing.
 *
 * With a stream nothing is registered before the last step: the broker reads what was
 * changed since the first page and registers the worker in one hold. Without a stream
 * nothing can be read back, so the subscription is made before the first page; it stays
 * pending, and keeps what comes meanwhile, until the last page has been answered.
 *
 * Source of truth: centrifuge client_map.go. */
#ifndef XSHATHRA_ENGINE_CLIENT_MAP_H
#define XSHATHRA_ENGINE_CLIENT_MAP_H

#include "broker/map_broker.h"
#include "engine/client_parts.h"

/* Publications in one answer, whatever the namespace says: they are worked on in scratch memory. */
#define MAP_PAGE_MAX 5000

/* A map that the client reads to go live. */
struct map_catch_up {
    struct map_catch_up *next;
    struct subscription *sub;     /* made at the beginning where there is no stream; else NULL */
    struct tags_filter *filter;   /* owned; NULL = every key is wanted */
    struct held_bytes *chan_info; /* owned; NULL = none */
    struct broker_position first; /* of the first page, once begun; else what the client came with */
    uint64_t late_ms;             /* when it has taken too long; 0 = never */
    uint64_t seq_max;             /* without a stream: the subscription covers what was published later */
    uint64_t stream_top;          /* where the stream stood at the first request of phase 1, once known */
    int64_t expire_at_s;          /* 0 or less = never */
    uint16_t flags;               /* of the subscription to be */
    bool has_stream, begun, top_known;
    bool late; /* took too long: what it held has gone, the next request closes the client */
    /* the request that is worked on */
    struct broker_position since;
    uint32_t limit;
    bool has_since, recover, delta;
    uint32_t channel_len;
    char channel[];
};

/* A subscription for which the server keeps keys in maps. */
struct map_keys {
    struct map_keys *next;
    struct subscription *sub;
    bool own; /* its own map has the client's id as a key that goes with it */
    uint16_t clients_len, users_len;
    char channels[]; /* of map_clients, then of map_users */
};

/* What the client has of maps; allocated with the first of it. */
struct client_map {
    struct map_catch_up *catch_ups;
    struct map_keys *keys;
    uint64_t refresh_due_ms; /* keys live anew; 0 = none */
    uint64_t late_due_ms;    /* a catch-up will have taken too long; 0 = none */
};

static inline struct slice map_catch_up_channel(const struct map_catch_up *cu)
{
    return slice_of(cu->channel, cu->channel_len);
}
struct client_map *client_map_need(struct client *c); /* NULL when memory is out */

/* ---- the command, client_map.c ---- */

void client_on_map_subscribe(struct client *c, uint32_t command_id, const struct subscribe_request *r);

/* ---- catch-ups, client_map_catch_up.c ---- */

struct map_catch_up *client_map_find(const struct client *c, struct slice channel);
/* How many there are that have no subscription yet; the others count among these. */
uint32_t client_map_count(const struct client *c);
/* Give it up: nothing is left of it. */
void client_map_drop(struct client *c, struct map_catch_up *cu);
/* The subscription that was made for a catch-up ends. */
void client_map_forget(struct client *c, const struct subscription *sub);
/* Row CH-59. */
bool client_map_is_late(const struct client *c, const struct map_catch_up *cu);
/* The client has turned to something else: what it left behind counts no more. */
void client_map_drop_late(struct client *c, const struct map_catch_up *but);
/* It has a subscription that keeps what comes: not for longer than it may take. */
void client_map_watch(struct client *c, const struct map_catch_up *cu);
struct map_options client_map_options(const struct engine *e, const struct policy_channel_options *o);
/* What is due now; sets when to look again. */
void client_map_deadline(struct client *c);
/* The soonest time that it waits for; 0 = none. */
uint64_t client_map_due_ms(const struct client *c);
/* The client has gone. */
void client_map_free(struct client *c);

/* ---- the phases, client_map_pages.c: each answers the command, at once or later ---- */

void client_map_state_phase(struct client *c, uint32_t command_id, const struct subscribe_request *r,
                            struct map_catch_up *cu, const struct policy_channel_options *o);
void client_map_stream_phase(struct client *c, uint32_t command_id, struct map_catch_up *cu,
                             const struct policy_channel_options *o);
void client_map_live_phase(struct client *c, uint32_t command_id, struct map_catch_up *cu);
/* It ends with an error. cu: NULL = it has ended already. */
void client_map_fail(struct client *c, uint32_t command_id, struct map_catch_up *cu, uint32_t error);

/* ---- going live, client_map_live.c ---- */

/* How a catch-up goes live; from the heap, owned by the operation. */
struct map_live {
    struct broker_position since; /* what the stream is read from; without a stream only told */
    struct broker_position cut;   /* when has_cut: newer publications are left out of the page */
    struct broker_result page;    /* owned: the last page of the state; zeroed when there is none */
    bool has_cut;
    bool recovering; /* not from the state: the answer speaks of recovery, as the client wished */
    bool recover;
};
/* NULL when memory is out. */
struct map_live *map_live_new(const struct map_catch_up *cu);
void map_live_free(struct map_live *live); /* accepts NULL */
/* The catch-up becomes a subscription, or ends with an error; the command is answered. Takes live over. */
void client_map_go_live(struct client *c, uint32_t command_id, struct map_catch_up *cu, struct map_live *live);
/* Without a stream, before the first page: the subscription, which stays pending. The answer
 * comes through op->finish, with op->sub. False: memory was out; op is freed. */
bool client_map_register(struct client *c, struct map_catch_up *cu, const struct policy_channel_options *o,
                         struct operation *op);

/* Publications as protocol fields, in the engine's arena. */
struct map_fields {
    const struct publication_fields *items;
    size_t count;
};
/* Which publications of a list go into an answer, and how. */
struct map_selection {
    const struct tags_filter *filter;    /* NULL = all */
    const struct broker_position *cut;   /* none that is newer; NULL = all */
    const struct broker_position *since; /* they are the stream since then; NULL = values, or a page of the stream */
    bool delta;                          /* the subscription has delta compression, or will have it */
};
/* False: memory was out, or the client is closed for what it cannot read. */
bool client_map_fields(struct client *c, const struct map_selection *which, const struct broker_publications *list,
                       struct map_fields *out);

/* ---- writing, client_map_publish.c ---- */

void client_on_map_publish(struct client *c, uint32_t command_id, const struct publish_request *r);

/* ---- keys that the server keeps, client_map_keys.c ---- */

/* The flags that a plan gets for it: SUB_MAP_KEYS or none. */
uint16_t client_map_keys_flags(const struct policy_channel_options *o);
/* A subscription with SUB_MAP_KEYS is live: its keys appear. */
void client_map_keys_add(struct client *c, struct subscription *sub);
/* It ends: those of the client go; those of the user live on as long as they may. */
void client_map_keys_remove(struct client *c, const struct subscription *sub);
/* All live anew. */
void client_map_keys_refresh(struct client *c);

#endif
