/* operation: a client's call to the broker from its start to its answer, whether
 * that comes at once or by mail. Private to the engine.
 *
 * Use: op = operation_new(c, finish, channel); answer = broker->ops->x(…, operation_ticket(op), &result);
 *      operation_settle(op, answer, &result);
 * finish() runs exactly once while the client lives; a client that goes first takes
 * its operations with it, and those that have registered a subscriber are paid back
 * when their answer comes. Owned by the client's worker. */
#ifndef XSHATHRA_ENGINE_OPERATION_H
#define XSHATHRA_ENGINE_OPERATION_H

#include "engine/client.h"

struct effect_run;
struct connect_work;
struct map_catch_up;
struct map_live;

struct operation {
    struct list in_client; /* in client->operations, or engine->orphans */
    struct client *client; /* NULL once orphaned */
    void (*finish)(struct client *c, struct operation *op, struct broker_result *result);
    uint32_t number;
    uint32_t command_id;
    uint32_t space;
    bool parks;      /* commands wait for it */
    bool is_map;     /* the map broker's */
    bool subscribes; /* an answer OK has registered a subscriber: owed back when nobody takes it */
    bool stats_only; /* presence_stats */
    bool was_recovering, strict_recovery;
    uint8_t metric_method; /* of the command that waits; see operation_wait() */
    uint64_t started_ns;   /* when it was begun; 0 = it waits for nothing */
    uint64_t since_offset;
    struct subscription *sub; /* NULL when it was ended meanwhile */
    struct connect_work *connect;
    uint32_t connect_index;
    struct effect_run *effect;
    struct map_catch_up *catch_up; /* whose page is read; NULL when it was given up meanwhile */
    struct map_live *map_live;     /* owned; how a catch-up goes live */
    struct held_bytes *data;       /* owned; for the subscribe answer or push; NULL = none */
    uint32_t channel_len;
    char channel[];
};

MUST_CHECK struct operation *operation_new(struct client *c, struct slice channel,
                                           void (*finish)(struct client *, struct operation *, struct broker_result *));
struct broker_ticket operation_ticket(const struct operation *op);
/* DONE: finish now, and free both. PENDING: keep, and park the client if it parks. */
void operation_settle(struct operation *op, enum broker_answer answer, struct broker_result *result);
/* The command that has just parked the client began then: how long it took is observed when
 * the last answer that it waits for has come. */
void operation_wait(struct client *c, unsigned metric_method, uint64_t started_ns);
/* The answer to the client's pending operation of that number has come: finish it, and
 * let the client go on when it has waited. result stays the caller's. */
void operation_answer(struct engine *e, struct client *c, uint32_t number, struct broker_result *result);
/* The same for a completion, which is taken over. */
void operation_complete(struct engine *e, struct client *c, struct broker_completion *completion);
/* The answer to one whose client has gone: true when it was one, and is taken over. */
bool operation_complete_orphan(struct engine *e, struct broker_completion *completion);
/* The subscription ended before its operation did. */
void operation_forget_subscription(struct client *c, struct subscription *sub);
/* The catch-up was given up before its operation was answered. */
void operation_forget_catch_up(struct client *c, const struct map_catch_up *cu);
/* One that was not settled, or an orphan. */
void operation_free(struct operation *op);
/* The client has gone. */
void operations_drop(struct client *c);
static inline struct slice operation_channel(const struct operation *op)
{
    return slice_of(op->channel, op->channel_len);
}

#endif
