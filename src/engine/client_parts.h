/* client_parts: what the files of the client share with each other. Private to the
 * engine. Each command has a function that takes it from a connected client. */
#ifndef XSHATHRA_ENGINE_CLIENT_PARTS_H
#define XSHATHRA_ENGINE_CLIENT_PARTS_H

#include "engine/client_delta.h"
#include "engine/client_out.h"
#include "engine/operation.h"
#include "engine/rules.h"

/* client_connect.c */
void client_on_connect(struct client *c, uint32_t command_id, const struct connect_request *r);
/* client_subscribe.c */
void client_on_subscribe(struct client *c, uint32_t command_id, const struct subscribe_request *r);
void client_on_unsubscribe(struct client *c, uint32_t command_id, const struct unsubscribe_request *r);
/* client_refresh.c */
void client_on_refresh(struct client *c, uint32_t command_id, const struct refresh_request *r);
void client_on_sub_refresh(struct client *c, uint32_t command_id, const struct sub_refresh_request *r);
/* client_channel.c */
void client_on_publish(struct client *c, uint32_t command_id, const struct publish_request *r);
void client_on_history(struct client *c, uint32_t command_id, const struct history_request *r);
void client_on_presence(struct client *c, uint32_t command_id, struct slice channel, bool stats_only);

/* ---- subscriptions, client_subscription.c ---- */

/* A subscription that is being made: what the channel's options, the token and the
 * client together ask for. */
struct subscription_plan {
    struct slice channel;
    const struct policy_channel_options *options;
    uint16_t flags;
    struct slice chan_info;     /* raw */
    int64_t expire_at_s;        /* Unix seconds; 0 or less = never */
    struct tags_filter *filter; /* taken over; NULL = none */
    bool recover;               /* asked by the client, or automatic: client_recovers_by_itself() */
    uint64_t since_offset;
    struct slice since_epoch;
};

/* Row HI-27: every subscription recovers from nothing, and so gets the latest publication. */
static inline bool client_recovers_by_itself(const struct policy_channel_options *o, uint16_t flags)
{
    return o->auto_cache_recover && o->recovery_mode == POLICY_RECOVERY_CACHE && (flags & SUB_RECOVERABLE);
}

/* To a stream or a map; a client cannot have both of one name. */
struct subscription *client_find_subscription(const struct client *c, struct slice channel);

/* Whether a client may subscribe: all zero, or a client error, or a disconnect code. */
struct subscribe_verdict {
    uint32_t error, disconnect;
    const char *why; /* of its token, for the operator and the project's people */
    bool later;      /* its key set is being fetched: the command begins again with it */
};
/* By the name, the type, and the token or the namespace's rules; *claims stays as it is without a token. */
struct subscribe_verdict client_may_subscribe(struct client *c, const struct subscribe_request *r,
                                              struct rules_channel *channel, struct claims *claims);
/* Row HI-51: 0, or the error. *out stays as it is without a filter. */
uint32_t client_make_filter(const struct policy_channel_options *o, struct slice tf, struct tags_filter **out);
/* The flags that the namespace gives, changed by the token's override. */
uint16_t client_plan_flags(const struct policy_channel_options *o, const struct claims_override *override);
/* Into the hub and to the broker; the answer comes through op->finish, with op->sub.
 * False: memory was out; op is freed. */
bool client_start_subscription(struct client *c, const struct subscription_plan *plan, struct operation *op);
/* The broker has answered: from here on the subscription takes live events from
 * result->seq on. Presence and join follow with client_announce(). */
void client_settle_subscription(struct client *c, struct subscription *sub,
                                const struct broker_subscribe_result *result);
void client_announce(struct client *c, struct subscription *sub);
/* The info of the connection is another now: presence shows it, too. */
void client_renew_presence(struct client *c);
/* Send what came while it was pending, in order. May end it. */
void client_flush_backlog(struct client *c, struct subscription *sub);
/* Row HI-28: of the latest publications of a cache the newest that passes the filter is
 * what was missed; without any the cache counts as empty. */
void client_choose_latest(const struct subscription *sub, struct broker_subscribe_result *r);
/* Fill the protocol's result, and count the recovery; publications go to memory from the engine's arena.
 * False: memory was out, or the client is closed for what it cannot read. */
bool client_subscribe_result(struct client *c, struct subscription *sub, const struct broker_subscribe_result *r,
                             bool was_recovering, uint64_t since_offset, struct subscribe_result *out);
/* The broker counts it: it is owed an unsubscribe, and stands in the gauges until it ends. */
void client_count_subscription(struct client *c, struct subscription *sub);
/* Where it stands that it ends at this time (Unix seconds); noticed once it is settled. */
void client_set_expiry(struct subscription *sub, int64_t expire_at_s);
/* It ends at this time (Unix seconds) and the grace, unless it is refreshed. */
void client_expire_subscription(struct client *c, struct subscription *sub, int64_t expire_at_s);
/* To the project's events: the client leaves it, and that is asked for by nobody else. */
void client_tell_unsubscribe(struct client *c, const struct subscription *sub);
/* Leave the channel everywhere and free it. */
void client_end_subscription(struct client *c, struct subscription *sub);
/* The same, telling the client. */
void client_unsubscribe_push(struct client *c, struct subscription *sub, uint32_t code);
/* The position is lost: 2500 for its own subscriptions, 3010 for server-side ones. */
void client_insufficient_state(struct client *c, struct subscription *sub);
/* Does the subscriber want this event, as to its kind and tags? Counts what a filter drops. */
bool client_wants(struct client *c, const struct subscription *sub, const struct publication *p);
/* The same of a live event: with delta compression each publication is wanted, for it is the base of the next
 * (row HI-46). It is counted as dropped all the same, as the reference does. */
static inline bool client_wants_live(struct client *c, const struct subscription *sub, const struct publication *p)
{
    return client_wants(c, sub, p) || ((sub->flags & SUB_DELTA) && p->content.kind == PUBLICATION_DATA);
}
/* Keep a live event of a pending subscription. */
void client_keep_for_later(struct subscription *sub, struct publication *p);

/* The place of this worker in a channel's stream is lost: all its positioned subscriptions
 * end as above. The channel may be gone afterwards. fanout.c */
void fanout_lose_position(struct hub_channel *channel);

/* ---- shared bits ---- */

/* Whoever this client is, for the rules. */
struct rules_identity client_identity(const struct client *c, const struct subscription *sub);
/* Set the client's one deadline from all that it waits for. */
void client_arm(struct client *c);
/* When an expiry in Unix seconds has passed by delay_ms, on the loop's clock. */
uint64_t client_expiry_ms(const struct engine *e, int64_t expire_at_s, uint64_t delay_ms);
struct client_extra *client_need_extra(struct client *c); /* NULL when memory is out */
/* Info of this client as it publishes, joins and leaves; id_text holds its id. */
struct publication_info client_publication_info(const struct client *c, const struct subscription *sub,
                                                char id_text[static CLIENT_ID_LEN + 1]);
/* Whether data from a command is known to be JSON. JSON commands came through a reader.
 * What Protobuf's any bytes are is asked only where the channel takes nothing but JSON;
 * else a subscriber's encoding may ask later. */
bool client_knows_json(const struct client *c, const struct policy_channel_options *o, struct slice data);
struct broker_history_options client_history_options(const struct engine *e, const struct policy_channel_options *o);
/* Whole seconds until then as a client is told them: 0 when it has passed, cut to 32 bits. */
uint32_t client_seconds_left(const struct engine *e, int64_t at_s);
/* Check a token, client_token.c. AUTH_PENDING: its key set is being fetched, and the client
 * is parked; do nothing more, the same command comes again. Other results as of auth_verify(). */
MUST_CHECK enum auth_result client_verify(struct client *c, enum auth_kind kind, struct slice token,
                                          struct claims *claims, const char **why);
/* Do the claims of a subscription token name this channel, user and client? */
bool client_token_fits(const struct client *c, const struct claims *claims, struct slice channel);
/* A claims.project_id means this space: false when it is unknown or archived. */
bool client_space_of_claims(const struct engine *e, const struct claims *claims, uint32_t *space);

#endif
