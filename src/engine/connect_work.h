/* connect_work: the server-side subscriptions of one connect command, from the first
 * call to the broker to the connect reply. Private to the engine. */
#ifndef XSHATHRA_ENGINE_CONNECT_WORK_H
#define XSHATHRA_ENGINE_CONNECT_WORK_H

#include "engine/client.h"
#include "protocol/protocol_reply.h"

struct connect_part {
    struct subscription *sub;
    struct broker_result result; /* kept until the reply is encoded */
    struct held_bytes *data;     /* owned; for the client or NULL */
    bool answered, was_recovering;
    uint64_t since_offset;
};

struct connect_work {
    struct engine *engine;
    struct list waiting; /* struct engine_task.link_: go on when this has ended, either way */
    uint32_t refs;       /* operations under way, and whoever starts them */
    uint32_t command_id;
    uint32_t ttl_s;
    bool expires;
    uint64_t expire_due_ms; /* when the connection is closed for it; 0 = never */
    uint32_t count, left;
    struct connect_part parts[];
};

/* Drop one reference; the last frees it with the results, and starts what waits. */
void connect_work_release(struct connect_work *w);
/* Of a client in CLIENT_CONNECTING. */
struct connect_work *connect_work_of(const struct client *c);

#endif
