/* memory_calls: the calls of the memory broker, one file for each family; private
 * to memory/. Contracts: struct broker_ops in broker/broker.h. */
#ifndef XSHATHRA_BROKER_MEMORY_CALLS_H
#define XSHATHRA_BROKER_MEMORY_CALLS_H

#include "base/check.h"
#include "broker/memory/memory_table.h"

struct memory_broker {
    struct broker broker;
    struct broker_links links;
    size_t history_bytes_max;
    struct memory_table table;
    uint32_t *sweep_next; /* per worker: the shard that its next sweep begins with; the worker's own */
};

static inline struct memory_broker *memory_broker_of(struct broker *b)
{
    return container_of(b, struct memory_broker, broker);
}

/* Into zeroed memory; everything but the ops. Stops when memory is out. */
void memory_broker_init(struct memory_broker *mb, enum memory_table_kind kind, const struct broker_links *links,
                        const struct memory_broker_options *options);
void memory_broker_deinit(struct memory_broker *mb);

enum broker_answer memory_publish(struct broker *b, const struct broker_context *c, const struct broker_publish *r,
                                  struct broker_ticket ticket, struct broker_result *result);
enum broker_answer memory_subscribe(struct broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                    struct broker_ticket ticket, struct broker_result *result);
void memory_unsubscribe(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel);
enum broker_answer memory_regain(struct broker *b, const struct broker_context *c, const struct broker_subscribe *r,
                                 struct broker_ticket ticket, struct broker_result *result);
enum broker_answer memory_history(struct broker *b, const struct broker_context *c, const struct broker_history *r,
                                  struct broker_ticket ticket, struct broker_result *result);
enum broker_answer memory_history_remove(struct broker *b, const struct broker_context *c, uint32_t space,
                                         struct slice channel, struct broker_ticket ticket,
                                         struct broker_result *result);
enum status memory_present_add(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                               const struct publication_info *info);
void memory_present_remove(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                           struct slice client);
enum broker_answer memory_present(struct broker *b, const struct broker_context *c, uint32_t space,
                                  struct slice channel, bool stats_only, struct broker_ticket ticket,
                                  struct broker_result *result);
bool memory_channels(struct broker *b, uint32_t space, uint64_t *cursor,
                     void (*visit)(struct slice channel, uint32_t subscribers, void *context), void *context);

/* The entries in the table, for tests: nothing leaks. */
size_t memory_broker_entry_count(struct broker *b);

#endif
