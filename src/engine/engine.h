/* engine: the product's rules on one worker: who may do what, subscriptions,
 * recovery, presence, and the effects of the server API. It decides; sockets,
 * frames and closing are carried out by the port of each client's transport.
 *
 * One engine per worker, one thread: everything here is called on that worker's
 * loop thread, but for engine_shared_*. Source of behaviour: the Centrifuge client
 * protocol and docs/compatibility.md. */
#ifndef XSHATHRA_ENGINE_ENGINE_H
#define XSHATHRA_ENGINE_ENGINE_H

#include "auth/auth_verifier.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "broker/broker.h"
#include "broker/map_broker.h"
#include "engine/events.h"
#include "engine/hub.h"
#include "engine/key_uses.h"
#include "engine/registry.h"
#include "engine/sdk_names.h"
#include "engine/space_counts.h"
#include "keys/key_store.h"
#include "mailbox/countdown.h"
#include "metrics/metrics_snapshot.h"
#include "policy/policy.h"

struct client;
struct engine;

/* What this node says of itself; lives as long as the process. */
struct engine_node {
    char uid[37];
    char name[256];
    const char *version; /* "0.1.0" */
    uint64_t started_ms; /* monotonic */
};

/* Shared by the engines of all workers. */
struct engine_shared {
    struct post_office *office;
    uint32_t worker_count;
    struct broker *broker;
    struct map_broker *map_broker;
    struct registry *registry;
    struct key_store *keys; /* of key sets; may be NULL where no deployment has one */
    struct engine_node node;
    struct metrics *metrics[POST_OFFICE_MAX]; /* one set per worker; read by anyone */
    struct metrics_snapshot *snapshot;        /* of all sets, for info; NULL = totals are shown instead */
    /* Workers' clients in all, for client.connection_limit. */
    atomic_uint client_count;
    atomic_ullong connects; /* numbers connections in the order of their connect */
    struct events events;
    const uint8_t *console_secret; /* of tokens for the console's space, see console_space.h; NULL = there are none */
};

/* What the engine needs of its worker. */
struct engine_worker {
    uint64_t (*clock_ns)(void); /* monotonic, for durations; NULL = they are not measured */
    void *context;              /* the worker: what mail is delivered to */
    /* The client behind a handle of this worker, or NULL. */
    struct client *(*client_of)(void *context, struct handle handle);
    /* Walk over all connected clients: start with *slot = 0; NULL at the end. */
    struct client *(*client_next)(void *context, uint32_t *slot);
    /* A pending answer for a handle that is no client (an API call). Takes it over. */
    void (*complete)(void *context, struct broker_completion *completion);
    /* An effect of an API call is complete on every worker. */
    void (*effect_done)(void *context, struct handle handle, uint32_t operation, uint32_t affected);
};

/* Work that would be too long for one turn: a step each turn until it says it is done. */
struct engine_task {
    struct list link_;
    bool (*step)(struct engine *engine, struct engine_task *task); /* false: done, and freed by step */
};

struct engine {
    struct engine_shared *shared;
    struct engine_worker worker;
    uint32_t index;                                         /* of this worker */
    struct policy *policy;                                  /* one reference */
    struct auth_verifier *verifier, *subscription_verifier; /* the second may be the first */
    struct auth_verifier *console_verifier;                 /* NULL = no token leads to the console's space */
    struct auth_scratch *auth_scratch;
    bool keys_were_asked_for; /* the token in work has waited for its key set */
    struct hub hub;
    struct sdk_names sdks;
    struct space_table spaces;
    struct key_uses key_uses;
    struct metrics *metrics;
    struct mailbox_wakes *wakes; /* of the loop */
    uint64_t now_ms;             /* set by the worker at the start of each turn */
    int64_t wall_ms;
    struct arena arena; /* of the message in work */
    struct buf scratch; /* for encoding; cleared before each use */
    struct list tasks;
    struct list position_questions; /* position_check.h */
    uint64_t next_position_ms;
    bool position_round;
    struct list orphans;                        /* pending subscribe operations whose client has gone */
    uint32_t next_operation;                    /* numbers pending calls */
    struct blob *pings[PUBLICATION_FORM_COUNT]; /* the server ping, made once per wire form */
};

MUST_CHECK enum status engine_init(struct engine *e, struct engine_shared *shared, uint32_t index,
                                   const struct engine_worker *worker, struct policy *policy,
                                   struct mailbox_wakes *wakes);
void engine_deinit(struct engine *e);

/* Switch to another version (one reference taken over; an older one is dropped).
 * Clients that may stay no longer are closed in slices; then done is counted down
 * (NULL = nobody waits). */
void engine_set_policy(struct engine *e, struct policy *policy, struct countdown *done);

/* Give the pending tasks one step each; true = some are left. Each turn. */
bool engine_turn(struct engine *e);
void engine_task_start(struct engine *e, struct engine_task *task);

static inline uint64_t engine_clock_ns(const struct engine *e)
{
    return e->worker.clock_ns ? e->worker.clock_ns() : 0;
}

static inline struct broker_context engine_broker_context(struct engine *e)
{
    return (struct broker_context){ .worker = e->index, .now_ms = e->now_ms, .wall_ms = e->wall_ms, .wakes = e->wakes };
}

/* Encode a publication, join or leave as the push that JSON subscribers get. Any
 * thread. False: data or an info of it is not JSON (clients of JSON are closed with 3506), or
 * memory is out (see buf_ok). */
bool engine_encode_push_json(const struct publication *p, enum publication_variant variant, struct buf *out);
/* The same for subscribers of Protobuf. False: memory is out. */
bool engine_encode_push_protobuf(const struct publication *p, enum publication_variant variant, struct buf *out);

/* The functions that a broker's mail calls on this worker (struct broker_links); the map
 * broker has its own for publications and gaps. */
void engine_deliver_publication(struct mail *mail, void *worker_context);
void engine_deliver_gap(struct mail *mail, void *worker_context);
void engine_deliver_map_publication(struct mail *mail, void *worker_context);
void engine_deliver_map_gap(struct mail *mail, void *worker_context);
void engine_deliver_completion(struct mail *mail, void *worker_context);
/* The mail of struct key_wait. */
void engine_deliver_keys(struct mail *mail, void *worker_context);
/* These need to find the engine from the mail's owner. Set once, before threads start. */
void engine_set_worker_lookup(struct engine *(*engine_of)(void *worker_context));
/* The engine of the worker that a mail is delivered to. */
struct engine *engine_of_worker(void *worker_context);

#endif
