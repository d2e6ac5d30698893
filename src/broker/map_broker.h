/* map_broker: the interface for map channels: keys with values, and the stream of
 * their changes. Behind it the memory of this process (memory/memory_map_*), later
 * Redis and PostgreSQL.
 *
 * An interface of its own beside broker.h because map_broker.type is chosen apart
 * from broker.type, and because a map's channels share nothing with the others: the
 * same name in both is two channels, each with its subscribers and its seq. What a
 * worker needs for both is one thing, though: contexts, tickets, positions, links,
 * mails (publication_mail, broker_gap) and completions are those of broker.h, with
 * DONE and PENDING as there, and so are the requests that mean the same
 * (struct broker_subscribe, struct broker_history; their `history` is the map's
 * stream). Which of the two a mail comes from is told by its function: give each
 * broker links of its own.
 *
 * Three modes (row HI-55), told by the options alone:
 *   ephemeral    key_ttl_ms > 0, stream.size 0: offsets stay 0
 *   recoverable  key_ttl_ms > 0, stream.size > 0
 *   persistent   key_ttl_ms 0, stream.size > 0, stream.meta_ttl_ms BROKER_NEVER_MS
 *
 * A change is a publication with a key (publication_key()), a removal one with
 * content.removed. Every change takes the next seq, also without a stream; it is in
 * the state, in the stream and in the mailboxes of all registered workers in one
 * step. So what broker.h says of order holds for maps: what has seq <= result.seq is
 * covered by the result, everything later comes by mail.
 *
 * To go live without a hole: with a stream, read the pages of the state, freeze
 * offset and epoch of the first one, leave out of later ones what has a greater
 * offset, then subscribe with recover since that position. Without a stream there is
 * nothing to read back: subscribe first, keep what comes by mail, read the pages with
 * seq_max = the seq of the subscribe, then give out the kept.
 *
 * After clear the epoch is another one, and every registered worker gets a
 * broker_gap: regain answers with recovered = false, and the subscribers of this
 * worker hear of insufficient state at once instead of at the next change. Who has
 * subscribed between the clear and the gap is of the new epoch already: compare each
 * subscriber's epoch with result.top before handing it what was missed. */
#ifndef XSHATHRA_BROKER_MAP_BROKER_H
#define XSHATHRA_BROKER_MAP_BROKER_H

#include "broker/broker.h"

struct map_options {                      /* resolved by the caller from its policy version */
    uint64_t key_ttl_ms;                  /* 0 = keys stay */
    struct broker_history_options stream; /* size 0 = none; policy_version counts for both */
};

enum map_key_mode { MAP_KEY_REPLACE, MAP_KEY_IF_NEW, MAP_KEY_IF_EXISTS };

/* One value for one key; or, with kind join or leave and no key, an event, which is
 * only passed on in order. Checked in this order, the first that says no is the
 * answer: idempotency key, version, key mode, position. MALFORMED: a version or an
 * expected position without a stream. TOO_LARGE: the key has more than
 * PUBLICATION_KEY_MAX bytes, or the space would hold too much. */
struct map_publish {
    uint32_t space;
    struct slice channel, key;
    struct publication_content content;
    struct map_options options;
    enum map_key_mode key_mode;
    bool refresh_suppressed; /* a key that IF_NEW finds there lives its TTL anew */
    bool delta;
    struct slice idempotency_key; /* "" = none; shared with removals, remembered 300 s */
    uint64_t version;             /* 0 = none: the key keeps the one it has; else it must be greater than the key's */
    struct slice version_epoch;   /* "" = compare with whatever epoch the key has */
    bool has_expected;
    struct broker_position expected; /* the key's publication must have this offset, the map this epoch */
};

struct map_removal {
    uint32_t space;
    struct slice channel, key;
    struct map_options options;
    struct slice idempotency_key;
    bool has_tags; /* else the removal carries the tags of the value */
    const struct publication_tag *tags;
    uint32_t tag_count;
    bool has_expected;
    struct broker_position expected;
};

/* Keys come in byte order. A page reads on from its cursor whatever was written
 * meanwhile: a key that is there all the time is in exactly one page. */
struct map_read_state {
    uint32_t space;
    struct slice channel;
    struct slice key;    /* not "": this one alone, cursor and limit do not count */
    struct slice cursor; /* "" = from the beginning */
    int64_t limit;       /* 0 = only the position, -1 = all */
    bool has_revision;   /* NOT_FOUND when the map has another epoch */
    struct broker_position revision;
    uint64_t seq_max; /* not 0: leave out what was published after it, see above */
    struct map_options options;
};

/* How often each enum map_suppress was the answer; that of NONE stays 0. */
struct map_suppressed {
    uint64_t count[MAP_SUPPRESS_COUNT];
};

struct map_counts { /* since the start */
    struct map_suppressed publishes, removals;
    uint64_t expired, expiry_errors; /* keys that sweeping has removed; could not remove */
    uint64_t lag_ms;                 /* how late the oldest key was in the last sweep of any worker */
};

struct map_broker;

struct map_broker_ops {
    /* result.map_update */
    enum broker_answer (*publish)(struct map_broker *b, const struct broker_context *c,
                                  const struct map_publish *request, struct broker_ticket ticket,
                                  struct broker_result *result);
    /* result.map_update; a key that is not there: suppressed, MAP_SUPPRESS_KEY_NOT_FOUND */
    enum broker_answer (*remove)(struct map_broker *b, const struct broker_context *c,
                                 const struct map_removal *request, struct broker_ticket ticket,
                                 struct broker_result *result);
    /* Keys, stream and idempotency keys go, the next epoch begins. What is not there is OK. */
    enum broker_answer (*clear)(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                struct slice channel, struct broker_ticket ticket, struct broker_result *result);
    /* result.map_state */
    enum broker_answer (*read_state)(struct map_broker *b, const struct broker_context *c,
                                     const struct map_read_state *request, struct broker_ticket ticket,
                                     struct broker_result *result);
    /* result.history. NOT_FOUND (112): another epoch, or what follows a `since` with an offset has gone in part. */
    enum broker_answer (*read_stream)(struct map_broker *b, const struct broker_context *c,
                                      const struct broker_history *request, struct broker_ticket ticket,
                                      struct broker_result *result);
    /* result.map_stats */
    enum broker_answer (*stats)(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                struct slice channel, struct broker_ticket ticket, struct broker_result *result);
    /* As broker_ops.subscribe, result.subscribe; `position` and `cache` do not count: top is always there. With
     * recover and an epoch that is not "", the epoch must be the map's. */
    enum broker_answer (*subscribe)(struct map_broker *b, const struct broker_context *c,
                                    const struct broker_subscribe *request, struct broker_ticket ticket,
                                    struct broker_result *result);
    void (*unsubscribe)(struct map_broker *b, const struct broker_context *c, uint32_t space, struct slice channel);
    /* As broker_ops.regain. Without a stream nothing can be read back: recovered is false. */
    enum broker_answer (*regain)(struct map_broker *b, const struct broker_context *c,
                                 const struct broker_subscribe *request, struct broker_ticket ticket,
                                 struct broker_result *result);
    /* Expiry work of one worker's share: each expired key is removed with a removal publication that has its tags,
     * in the order of the deadlines of one map. Bounded; true = more to do now. Once a second is enough. */
    bool (*sweep)(struct map_broker *b, const struct broker_context *c);
    /* As in broker_ops. */
    bool (*channels)(struct map_broker *b, uint32_t space, uint64_t *cursor,
                     void (*visit)(struct slice channel, uint32_t subscribers, void *context), void *context);
    uint64_t (*channel_count)(struct map_broker *b);
    void (*counts)(struct map_broker *b, struct map_counts *counts); /* any thread */
    void (*stop)(struct map_broker *b);                              /* NULL when it has no threads */
    void (*free)(struct map_broker *b);                              /* after stop */
};

struct map_broker {
    const struct map_broker_ops *ops;
};

#endif
