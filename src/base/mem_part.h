/* mem_part: which part of the server holds how much memory. What lives long or may become much is taken and
 * given back here instead of through mem.h, with its part's name; both ends must name the same one.
 *
 * Use: p = mem_part_alloc(MEM_USERS, sizeof *p); … mem_part_free(MEM_USERS, p);
 *
 * Counted is what the allocator took for a block, its own header included, so that the sums can be compared with
 * what the kernel says. Each thread counts in a cache line of its own, without read-modify-write: two additions
 * a block. Any thread may read the sums; they are those of a moment ago. */
#ifndef XSHATHRA_BASE_MEM_PART_H
#define XSHATHRA_BASE_MEM_PART_H

#include <stdint.h>

#include "base/mem.h"

/* X(id, label, help) */
#define MEM_PART_LIST(X)                                                                                               \
    X(CONNECTIONS, "connections", "connections with their sessions and clients")                                       \
    X(INPUT, "input", "messages and requests that are incomplete or wait")                                             \
    X(SUBSCRIPTIONS, "subscriptions", "subscriptions, their filters and infos")                                        \
    X(CHANNELS, "channels", "channels: the workers' lists and the shared table")                                       \
    X(USERS, "users", "users with connections")                                                                        \
    X(HISTORY, "history", "streams and maps, and the publications in them with their encoded forms")                   \
    X(PRESENCE, "presence", "who is in which channel")                                                                 \
    X(IDEMPOTENCY, "idempotency", "idempotency keys of publications")                                                  \
    X(OUTPUT_QUEUES, "output_queues", "messages to be sent, and publications that no history holds")                   \
    X(HASH_TABLES, "hash_tables", "buckets of hash tables")                                                            \
    X(BUFFERS, "buffers", "scratch memory, texts being made, bodies of requests")                                      \
    X(WORKERS, "workers", "what each worker has once")                                                                 \
    X(POLICY, "policy", "projects and keys in force")                                                                  \
    X(KEYS, "keys", "token keys and key sets")                                                                         \
    X(TLS, "tls", "OpenSSL: TLS, signatures, hashes")

enum mem_part {
#define MEM_PART_ENUM_(id, label, help) MEM_##id,
    MEM_PART_LIST(MEM_PART_ENUM_)
#undef MEM_PART_ENUM_
        MEM_PART_COUNT
};

/* As the functions of mem.h without "part". */
MUST_CHECK void *mem_part_alloc(enum mem_part part, size_t len);
MUST_CHECK void *mem_part_alloc_zero(enum mem_part part, size_t len);
MUST_CHECK void *mem_part_realloc(enum mem_part part, void *ptr, size_t len);
void mem_part_free(enum mem_part part, void *ptr); /* accepts NULL */

/* For a block that came from elsewhere or will be freed elsewhere. Both accept NULL. */
void mem_part_add(enum mem_part part, const void *ptr);
void mem_part_drop(enum mem_part part, const void *ptr);
/* The block is now another part's. Accepts NULL. */
void mem_part_move(enum mem_part from, enum mem_part to, const void *ptr);

struct mem_part_sum {
    uint64_t bytes, blocks;
};
void mem_part_sums(struct mem_part_sum sums[static MEM_PART_COUNT]);
const char *mem_part_label(enum mem_part part);

#endif
