/* memory_presence: who is in one channel: client -> info, and how many users that
 * are. Made at the first presence_add of the channel, gone with its last client.
 * Under the shard's lock, except where it says so. Rows HI-30 to HI-32.
 *
 * A client's info is immutable and shared by reference count, so that a reader
 * takes references in its holds and copies afterwards. */
#ifndef XSHATHRA_BROKER_MEMORY_PRESENCE_H
#define XSHATHRA_BROKER_MEMORY_PRESENCE_H

#include "base/map.h"
#include "broker/memory/memory_garbage.h"

struct memory_presence_user;

struct memory_presence_client {
    struct map_node node;
    atomic_uint refs_;
    struct memory_presence_user *user_; /* borrowed from the presence while inside */
    struct publication_info info;       /* slices into bytes */
    char bytes[];
};

struct memory_presence {
    struct map clients, users;
    struct memory_presence *next_garbage;
};

/* A copy with one reference; NULL when memory is out. Outside holds. */
MUST_CHECK struct memory_presence_client *memory_presence_client_new(const struct publication_info *info);
void memory_presence_client_unref(struct memory_presence_client *c); /* accepts NULL; any thread */

MUST_CHECK struct memory_presence *memory_presence_new(void);
/* With all clients left inside. Long: outside holds. */
void memory_presence_free(struct memory_presence *p);
/* Takes the reference when OK; who had the same client id before goes to the garbage. */
MUST_CHECK enum status memory_presence_add(struct memory_presence *p, struct memory_presence_client *c,
                                           struct memory_garbage *garbage);
void memory_presence_remove(struct memory_presence *p, struct slice client, struct memory_garbage *garbage);

/* References to clients, taken in several holds. */
struct memory_presence_reader {
    struct memory_presence_client **clients;
    uint32_t count, cap;
    uint64_t cursor;
    bool out_of_memory;
};
/* One hold's worth; true = more. p may be NULL. */
bool memory_presence_read(struct memory_presence *p, struct memory_presence_reader *r);
/* Outside holds: one block with the entries and their bytes, sorted by client, none
 * twice. NO_MEMORY leaves *result as it was. */
MUST_CHECK enum status memory_presence_copy(struct memory_presence_reader *r, struct broker_presence_result *result);
void memory_presence_reader_deinit(struct memory_presence_reader *r);

#endif
