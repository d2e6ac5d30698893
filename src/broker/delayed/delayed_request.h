/* delayed_request: one call of the broker or the map broker interface as a value that
 * owns copies of all that it points to. */
#ifndef XSHATHRA_BROKER_DELAYED_REQUEST_H
#define XSHATHRA_BROKER_DELAYED_REQUEST_H

#include "broker/map_broker.h"

enum delayed_call {
    DELAYED_PUBLISH,
    DELAYED_SUBSCRIBE,
    DELAYED_REGAIN,
    DELAYED_UNSUBSCRIBE,
    DELAYED_HISTORY, /* of a map: its stream */
    DELAYED_HISTORY_REMOVE,
    DELAYED_PRESENCE_ADD,
    DELAYED_PRESENCE_REMOVE,
    DELAYED_PRESENCE,
    DELAYED_MAP_PUBLISH,
    DELAYED_MAP_REMOVE,
    DELAYED_MAP_CLEAR,
    DELAYED_MAP_READ_STATE,
    DELAYED_MAP_STATS,
};

/* Who carries it out; one of the two. */
struct delayed_target {
    struct broker *channels;
    struct map_broker *maps;
};

struct delayed_request {
    enum delayed_call call;
    uint32_t space;
    struct slice channel;
    union {
        struct broker_publish publish;
        struct broker_subscribe subscribe; /* and regain */
        struct broker_history history;
        struct publication_info presence_add;
        struct slice presence_remove; /* the client */
        bool presence_stats_only;
        struct map_publish map_publish;
        struct map_removal map_remove;
        struct map_read_state map_read_state;
    };
};

/* Bytes that delayed_request_copy() needs at `bytes`, which is aligned to 8. */
size_t delayed_request_len(const struct delayed_request *r);
void delayed_request_copy(struct delayed_request *copy, const struct delayed_request *r, char *bytes);

/* The call on the target. For calls without an answer: DONE and STATUS_OK. */
enum broker_answer delayed_request_run(const struct delayed_request *r, const struct delayed_target *target,
                                       const struct broker_context *c, struct broker_ticket ticket,
                                       struct broker_result *result);
/* Whether the caller waits for a completion. */
bool delayed_request_is_answered(const struct delayed_request *r);

#endif
