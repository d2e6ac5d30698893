/* memory_map_calls: the calls of the memory map broker, one file for each family;
 * private to memory/. Contracts: struct map_broker_ops in broker/map_broker.h. */
#ifndef XSHATHRA_BROKER_MEMORY_MAP_CALLS_H
#define XSHATHRA_BROKER_MEMORY_MAP_CALLS_H

#include "broker/memory/memory_calls.h"
#include "broker/memory/memory_map_broker.h"

struct memory_map_broker {
    struct map_broker broker;
    /* Subscribers, streams and listing are those of every channel: its calls run on this table of maps. Without ops. */
    struct memory_broker channels;
    /* Statistics, so relaxed. */
    atomic_ullong publishes_suppressed[MAP_SUPPRESS_COUNT], removals_suppressed[MAP_SUPPRESS_COUNT];
    atomic_ullong expired, expiry_errors;
    _Atomic uint64_t lag_ms[POST_OFFICE_MAX]; /* per worker, of its last sweep */
};

static inline struct memory_map_broker *memory_map_broker_of(struct map_broker *b)
{
    return container_of(b, struct memory_map_broker, broker);
}

static inline void memory_map_count(atomic_ullong *count)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

enum broker_answer memory_map_publish(struct map_broker *b, const struct broker_context *c, const struct map_publish *r,
                                      struct broker_ticket ticket, struct broker_result *result);
enum broker_answer memory_map_removal(struct map_broker *b, const struct broker_context *c, const struct map_removal *r,
                                      struct broker_ticket ticket, struct broker_result *result);
enum broker_answer memory_map_clear(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                    struct slice channel, struct broker_ticket ticket, struct broker_result *result);
enum broker_answer memory_map_read_state(struct map_broker *b, const struct broker_context *c,
                                         const struct map_read_state *r, struct broker_ticket ticket,
                                         struct broker_result *result);
enum broker_answer memory_map_read_stream(struct map_broker *b, const struct broker_context *c,
                                          const struct broker_history *r, struct broker_ticket ticket,
                                          struct broker_result *result);
enum broker_answer memory_map_stats(struct map_broker *b, const struct broker_context *c, uint32_t space,
                                    struct slice channel, struct broker_ticket ticket, struct broker_result *result);
enum broker_answer memory_map_subscribe(struct map_broker *b, const struct broker_context *c,
                                        const struct broker_subscribe *r, struct broker_ticket ticket,
                                        struct broker_result *result);
enum broker_answer memory_map_regain(struct map_broker *b, const struct broker_context *c,
                                     const struct broker_subscribe *r, struct broker_ticket ticket,
                                     struct broker_result *result);
bool memory_map_sweep(struct map_broker *b, const struct broker_context *c);

/* The entries in the table, for tests: nothing leaks. */
size_t memory_map_broker_entry_count(struct map_broker *b);

#endif
