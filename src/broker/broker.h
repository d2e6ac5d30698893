/* broker: the interface for publish, history and presence, whatever is behind it:
 * the memory of this process (memory/), later Redis, PostgreSQL, NATS.
 *
 * Every call answers BROKER_DONE with *result filled, or BROKER_PENDING: then the
 * broker has copied what it needs of the request, *result is untouched, and a
 * struct broker_completion comes later by mail to worker ticket.handle.worker. It
 * never calls back into its caller. Slices of a request are borrowed during the
 * call. Called on worker threads (worker = the caller's index).
 *
 * Order: each publication, join and leave of a channel takes the next seq and is
 * posted to the mailboxes of all registered workers in one step, so every worker
 * gets them in seq order. broker_subscribe registers the worker and reads the
 * position in one step too: what has seq <= result.seq is covered by the result,
 * everything later comes by mail. */
#ifndef XSHATHRA_BROKER_BROKER_H
#define XSHATHRA_BROKER_BROKER_H

#include "base/status.h"
#include "broker/publication.h"
#include "mailbox/handle.h"
#include "mailbox/mailbox.h"

enum broker_answer { BROKER_DONE, BROKER_PENDING };

/* Where a pending answer goes. */
struct broker_ticket {
    struct handle handle;
    uint32_t operation; /* the caller's own number, handed back */
};

struct broker_position {
    uint64_t offset; /* 0 = nothing stored yet */
    char epoch[BROKER_EPOCH_MAX];
};

/* A counted array of references, owned by the result: broker_result_deinit(). */
struct broker_publications {
    struct publication **items;
    uint32_t count;
};

/* ---- requests: channel keys are (space, name) everywhere ---- */

#define BROKER_NEVER_MS UINT64_MAX /* a time to live without an end */

struct broker_history_options { /* resolved by the caller from its policy version */
    uint32_t size;              /* 0 = history off */
    uint64_t ttl_ms;            /* 0 = history off */
    uint64_t meta_ttl_ms;
    uint64_t policy_version; /* the highest seen wins */
};

struct broker_publish {
    uint32_t space;
    struct slice channel;
    struct publication_content content;
    struct broker_history_options history;
    bool skip_history;
    bool delta;
    struct slice idempotency_key; /* "" = none; remembered 300 s per space and channel */
    uint64_t version;             /* 0 = none, row HI-10 */
    struct slice version_epoch;
};

/* Why a publish stored and delivered nothing. */
enum broker_suppressed { BROKER_NOT_SUPPRESSED, BROKER_SUPPRESSED_BY_IDEMPOTENCY, BROKER_SUPPRESSED_BY_VERSION };

struct broker_publish_result {
    uint64_t offset; /* 0 without history */
    char epoch[BROKER_EPOCH_MAX];
    uint8_t suppressed; /* enum broker_suppressed; not 0: the first result, or the top, stands here */
};

struct broker_subscribe {
    uint32_t space;
    struct slice channel;
    bool position;                /* make a stream position if there is none (positioned, recoverable) */
    bool recover;                 /* read what was missed since `since` */
    bool cache;                   /* with recover: at most the latest publication (row HI-26) */
    bool cache_all;               /* with cache: up to recover_max of the latest, for a filter to choose (row HI-28) */
    struct broker_position since; /* epoch "" = do not compare epochs (row HI-18) */
    uint32_t recover_max;         /* more missed than this = not recovered */
    struct broker_history_options history;
};

struct broker_subscribe_result {
    uint64_t seq;               /* covered by this result */
    struct broker_position top; /* epoch "" when the channel has no stream and none was asked for */
    bool recovered;
    bool latest; /* missed are the latest ones of a cache (cache_all): one of them is what was missed */
    struct broker_publications missed; /* in offset order; only when recovered */
};

struct broker_history {
    uint32_t space;
    struct slice channel;
    int64_t limit; /* 0 = only the position, -1 = all */
    bool has_since;
    struct broker_position since; /* epoch "" = do not compare */
    bool reverse;
    struct broker_history_options history;
};

struct broker_history_result {
    struct broker_position top;
    struct broker_publications publications;
};

struct broker_presence_entry {
    struct publication_info info; /* info.client is the key */
};

struct broker_presence_result {
    /* owned: one allocation behind entries */
    struct broker_presence_entry *entries;
    uint32_t entry_count;
    uint32_t client_count, user_count; /* filled for presence and stats */
};

/* ---- results of a map broker (map_broker.h) ---- */

enum map_suppress {
    MAP_SUPPRESS_NONE,
    MAP_SUPPRESS_IDEMPOTENCY,
    MAP_SUPPRESS_VERSION,
    MAP_SUPPRESS_KEY_EXISTS,
    MAP_SUPPRESS_KEY_NOT_FOUND,
    MAP_SUPPRESS_POSITION_MISMATCH,
    MAP_SUPPRESS_COUNT,
};
/* "key_exists"; "" for NONE. */
struct slice map_suppress_name(enum map_suppress suppress);

struct map_update_result {
    struct broker_position position; /* of the change; when suppressed: of the map, for a repeat the first one */
    enum map_suppress suppress;      /* not NONE: nothing has changed */
};

struct map_state_result {
    struct broker_position top;              /* of the page's first step */
    uint64_t seq;                            /* at the same moment */
    struct broker_publications publications; /* the values, in the order of their keys */
    struct slice cursor;                     /* owned: begins the next page; "" = this is the last */
};

struct map_stats_result {
    uint64_t key_count;
};

/* What a finished call says: status first. OVERLOADED: refused before an offset
 * existed (a target's mailbox is above high water). NOT_FOUND from history: the
 * since position is lost or of another epoch (112). */
struct broker_result {
    enum status status;
    union {
        struct broker_publish_result publish;
        struct broker_subscribe_result subscribe;
        struct broker_history_result history;
        struct broker_presence_result presence;
        struct map_update_result map_update;
        struct map_state_result map_state;
        struct map_stats_result map_stats;
    };
    enum {
        BROKER_RESULT_PLAIN,
        BROKER_RESULT_SUBSCRIBE,
        BROKER_RESULT_HISTORY,
        BROKER_RESULT_PRESENCE,
        BROKER_RESULT_MAP_STATE,
    } owns_;
};
/* Frees what the result owns; the publications lose their references. */
void broker_result_deinit(struct broker_result *r);

/* The mail of a pending answer. The receiver takes result over and frees the
 * completion with broker_completion_free(). */
struct broker_completion {
    struct mail mail;
    struct broker_ticket ticket;
    struct broker_result result;
};
void broker_completion_free(struct broker_completion *c); /* with its result */

/* How a broker reaches the workers; all borrowed for its life. */
struct broker_links {
    struct post_office *office;
    uint32_t worker_count;                                        /* of office->boxes, at most POST_OFFICE_MAX */
    void (*deliver_publication)(struct mail *mail, void *worker); /* mail: struct publication_mail */
    void (*deliver_completion)(struct mail *mail, void *worker);  /* mail: struct broker_completion */
    void (*deliver_gap)(struct mail *mail, void *worker);         /* mail: struct broker_gap */
};

/* This worker lost events of the channel (its mailbox was full): it takes them up
 * again with the op regain. Comes on the control lane, once until regained. */
struct broker_gap {
    struct mail mail;
    uint32_t space;
    uint32_t channel_len;
    char channel[];
};

/* One bit for each mailbox that a call posted to, to be woken by the caller. */
struct broker_context {
    uint32_t worker; /* the caller */
    uint64_t now_ms; /* monotonic, as the mailboxes use */
    int64_t wall_ms;
    struct mailbox_wakes *wakes;
};

struct broker_space_usage {
    uint64_t channels;      /* with subscribers */
    uint64_t history_bytes; /* streams and what their publications hold */
};

struct broker;

struct broker_ops {
    /* Whatever is published comes to every worker that subscribed, or as a gap: positions
     * need not be compared with the top of the stream now and then (row HI-17). */
    bool delivers_reliably;
    enum broker_answer (*publish)(struct broker *b, const struct broker_context *c,
                                  const struct broker_publish *request, struct broker_ticket ticket,
                                  struct broker_result *result);
    /* Register one more subscriber of this worker. Every DONE with STATUS_OK is
     * paid back by one unsubscribe. */
    enum broker_answer (*subscribe)(struct broker *b, const struct broker_context *c,
                                    const struct broker_subscribe *request, struct broker_ticket ticket,
                                    struct broker_result *result);
    /* Fire and forget: the answer is complete for this worker when it returns. */
    void (*unsubscribe)(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel);
    enum broker_answer (*history)(struct broker *b, const struct broker_context *c,
                                  const struct broker_history *request, struct broker_ticket ticket,
                                  struct broker_result *result);
    /* status NOT_FOUND never: removing what is not there is OK. */
    enum broker_answer (*history_remove)(struct broker *b, const struct broker_context *c, uint32_t space,
                                         struct slice channel, struct broker_ticket ticket,
                                         struct broker_result *result);
    /* info.client is the key; adding again refreshes. Fire and forget. */
    enum status (*presence_add)(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                                const struct publication_info *info);
    void (*presence_remove)(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                            struct slice client);
    /* stats_only: entries stay empty */
    enum broker_answer (*presence)(struct broker *b, const struct broker_context *c, uint32_t space,
                                   struct slice channel, bool stats_only, struct broker_ticket ticket,
                                   struct broker_result *result);
    /* After a gap: clear the mark and read everything after offset `since` in one
     * step; result as of subscribe with recover. */
    enum broker_answer (*regain)(struct broker *b, const struct broker_context *c,
                                 const struct broker_subscribe *request, struct broker_ticket ticket,
                                 struct broker_result *result);
    /* Expiry work of one worker's share of the channels; bounded; true = more to do now. */
    bool (*sweep)(struct broker *b, const struct broker_context *c);
    /* Channels with subscribers, in slices: *cursor starts at 0; visit is called for
     * each with its subscriber count on this process, outside locks; true = more. */
    bool (*channels)(struct broker *b, uint32_t space, uint64_t *cursor,
                     void (*visit)(struct slice channel, uint32_t subscribers, void *context), void *context);
    /* Numbers for metrics: channels with subscribers. */
    uint64_t (*channel_count)(struct broker *b);
    /* What it knows of one space; all 0 when the space was never seen. */
    void (*space_usage)(struct broker *b, uint32_t space, struct broker_space_usage *out);
    /* Ends the broker's own threads: when it returns, nothing comes to the mailboxes any
     * more that no call has posted itself. NULL when it has no threads. */
    void (*stop)(struct broker *b);
    void (*free)(struct broker *b); /* after stop */
};

struct broker {
    const struct broker_ops *ops;
};

#endif
