/* map_rig: a map broker under test, and calls that wait for a pending answer; the
 * mailboxes and the clock are those of broker_rig. */
#ifndef XSHATHRA_TESTS_MAP_RIG_H
#define XSHATHRA_TESTS_MAP_RIG_H

#include "broker/support/broker_rig.h"

typedef struct map_broker *(*map_rig_maker)(const struct broker_links *links,
                                            const struct memory_broker_options *options);

/* The map broker under test, set by map_contract_run(). */
extern map_rig_maker map_contract_make;
/* The contract that every map broker keeps; returns the number of failed tests. */
int map_contract_run(const char *name, map_rig_maker make);

/* Each runs one group of tests and returns the number of failed ones. */
int map_contract_publish_run(const char *name);
int map_contract_state_run(const char *name);
int map_contract_subscribe_run(const char *name);
int map_contract_expiry_run(const char *name);

#define MAP_OPEN(rig_, ...)                                                                                            \
    struct rig rig_;                                                                                                   \
    map_rig_open(&rig_, (struct rig_options){ __VA_ARGS__ })

#define MAP ((struct slice){ "map:room", 8 })

#define EPHEMERAL ((struct map_options){ .key_ttl_ms = 60000, .stream.policy_version = 1 })
#define RECOVERABLE                                                                                                    \
    ((struct map_options){ .key_ttl_ms = 60000,                                                                        \
                           .stream = { .size = 100, .ttl_ms = 60000, .meta_ttl_ms = 600000, .policy_version = 1 } })
#define PERSISTENT                                                                                                     \
    ((struct map_options){                                                                                             \
        .stream = { .size = 100, .ttl_ms = 60000, .meta_ttl_ms = BROKER_NEVER_MS, .policy_version = 1 } })

void map_rig_open(struct rig *rig, struct rig_options options);

/* Each returns the result, waited for; the caller deinits it. */
struct broker_result map_rig_publish(struct rig *rig, uint32_t worker, const struct map_publish *r);
struct broker_result map_rig_remove(struct rig *rig, uint32_t worker, const struct map_removal *r);
struct broker_result map_rig_read_state(struct rig *rig, uint32_t worker, const struct map_read_state *r);
struct broker_result map_rig_read_stream(struct rig *rig, uint32_t worker, const struct broker_history *r);
struct broker_result map_rig_subscribe(struct rig *rig, uint32_t worker, const struct broker_subscribe *r);
struct broker_result map_rig_regain(struct rig *rig, uint32_t worker, const struct broker_subscribe *r);
void map_rig_clear(struct rig *rig);
uint64_t map_rig_count(struct rig *rig);
void map_rig_unsubscribe(struct rig *rig, uint32_t worker);
/* Until there is no more to do, on each worker. */
void map_rig_sweep(struct rig *rig);

/* Short forms, of MAP in space 1. */
struct map_publish map_put(struct map_options options, const char *key, const char *data);
struct map_removal map_drop(struct map_options options, const char *key);
struct broker_subscribe map_join(struct map_options options);
/* Must be OK and change something; the position. */
struct broker_position map_rig_put(struct rig *rig, struct map_options options, const char *key, const char *data);
struct broker_position map_rig_drop(struct rig *rig, struct map_options options, const char *key);
/* The state as text: "a=1 b=2". Valid until the next call. */
const char *map_rig_state(struct rig *rig);
/* The stream as text: "1:a=1 2:-a". */
const char *map_rig_stream(struct rig *rig);
/* The events that a worker got since the last time: "a=1 -a", with offsets if there are any. */
const char *map_rig_events(struct rig *rig, uint32_t worker);
const char *map_text(struct publication *const *items, uint32_t count);

#endif
