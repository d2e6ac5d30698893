/* broker_rig: a broker under test with the mailboxes of its workers, and calls that
 * wait for a pending answer. All on the test's thread; the clock is rig.now_ms. */
#ifndef XSHATHRA_TESTS_BROKER_RIG_H
#define XSHATHRA_TESTS_BROKER_RIG_H

#include "base/support/cm.h"

#include "broker/broker.h"
#include "broker/memory/memory_map_broker.h"

#define RIG_WORKERS_MAX 64
#define RIG_EVENTS_MAX  8192

typedef struct broker *(*rig_maker)(const struct broker_links *links, const struct memory_broker_options *options);

struct rig_worker {
    struct mailbox box;
    struct rig *rig;
    struct publication *events[RIG_EVENTS_MAX]; /* shares */
    uint32_t event_count;
    uint32_t gap_count;
    char gap_channel[64];
    struct broker_completion *completion; /* the last one, not yet fetched */
};

struct rig {
    struct post_office office;
    struct broker_links links;
    struct broker *broker;   /* or NULL */
    struct map_broker *maps; /* or NULL */
    struct mailbox_wakes wakes;
    uint64_t now_ms;
    uint32_t operation;
    struct rig_worker *workers;
};

struct rig_options {
    uint32_t workers;             /* 0 = 2 */
    struct mailbox_limits limits; /* zero = default */
    struct memory_broker_options memory;
};

void rig_open(struct rig *rig, rig_maker make, struct rig_options options);
/* Mailboxes and links alone: the caller makes a broker with rig->links and options.memory. */
void rig_open_links(struct rig *rig, struct rig_options options);
void rig_close(struct rig *rig);
struct broker_context rig_context(struct rig *rig, uint32_t worker);

struct broker_ticket rig_ticket(struct rig *rig, uint32_t worker);
/* The result of a call that was given the last ticket. */
struct broker_result rig_wait(struct rig *rig, uint32_t worker, enum broker_answer answer,
                              struct broker_result *result);

/* Deliver the mail of one worker; of all. */
void rig_drain(struct rig *rig, uint32_t worker);
void rig_forget_events(struct rig *rig, uint32_t worker);

/* Each returns the result, waited for; the caller deinits it. */
struct broker_result rig_publish(struct rig *rig, uint32_t worker, const struct broker_publish *r);
struct broker_result rig_subscribe(struct rig *rig, uint32_t worker, const struct broker_subscribe *r);
struct broker_result rig_regain(struct rig *rig, uint32_t worker, const struct broker_subscribe *r);
struct broker_result rig_history(struct rig *rig, uint32_t worker, const struct broker_history *r);
struct broker_result rig_presence(struct rig *rig, uint32_t worker, struct slice channel, bool stats_only);
void rig_history_remove(struct rig *rig, uint32_t worker, struct slice channel);
void rig_unsubscribe(struct rig *rig, uint32_t worker, struct slice channel);
/* Calls of the channel that nobody waits for have been carried out. */
void rig_settle(struct rig *rig, struct slice channel);

/* Short forms, in space 1. */
#define RIG_SPACE 1
#define RIG_HISTORY(size_)                                                                                             \
    ((struct broker_history_options){ .size = (size_), .ttl_ms = 60000, .meta_ttl_ms = 600000, .policy_version = 1 })
/* Publish data with history, must be OK; returns the offset. */
uint64_t rig_store(struct rig *rig, struct slice channel, struct slice data, uint32_t size);
uint64_t rig_store_many(struct rig *rig, struct slice channel, uint32_t count, uint32_t size);
struct broker_position rig_top(struct rig *rig, struct slice channel);

#endif
