/* protocol_command: what a client may ask, as plain structs that know nothing of
 * the encoding, and the walk over one transport message, which holds one command or
 * several. Source: the Centrifuge client protocol "v2" (centrifugal/protocol,
 * client.proto); compatibility rows CP-02, CP-09, CP-10, CP-22 to CP-58.
 *
 * Use: struct protocol_batch b; struct command c;
 *      protocol_batch_init(&b, message);
 *      while (protocol_json_next(&b, &arena, &c) == PROTOCOL_COMMAND) ...
 *
 * Every slice and pointer borrows the message or the arena, until the message's
 * bytes move or the arena is reset. An absent field is zero: an empty slice, 0,
 * false, NULL. Slices marked raw hold one JSON value as it was written, when the
 * encoding is JSON, and any bytes when it is Protobuf. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_COMMAND_H
#define XSHATHRA_PROTOCOL_PROTOCOL_COMMAND_H

#include "base/slice.h"

/* Entries of one map or list in a command. More is refused: beyond any sensible
 * channel limit, and entries cost us more memory than they cost the sender. */
#define PROTOCOL_ENTRIES_MAX 4096

struct string_pair {
    struct slice key, value;
};

struct stream_position {
    uint64_t offset;
    struct slice epoch;
};

/* Bits of subscribe_request.flag. */
#define SUBSCRIBE_FLAG_CHANNEL_COMPACTION 1 /* may send numeric channel ids: we never do */
#define SUBSCRIBE_FLAG_STRICT_RECOVERY    2 /* error 112 instead of recovered: false */

enum subscription_type {
    SUBSCRIPTION_STREAM = 0,
    SUBSCRIPTION_MAP = 1,
    SUBSCRIPTION_MAP_CLIENTS = 2,
    SUBSCRIPTION_MAP_USERS = 3,
    SUBSCRIPTION_SHARED_POLL = 4,
};

enum subscription_phase {
    SUBSCRIPTION_PHASE_LIVE = 0,
    SUBSCRIPTION_PHASE_STREAM = 1,
    SUBSCRIPTION_PHASE_STATE = 2,
};

struct subscribe_request {
    struct slice channel; /* empty inside a connect request: see connect_sub */
    struct slice token;
    struct slice epoch;
    struct slice data; /* raw */
    struct slice delta;
    struct slice tf; /* the tags filter, a JSON object whatever the encoding (inside a connect
                      * request, where it means nothing, as it was written); ptr NULL when absent */
    struct slice cursor;
    uint64_t offset;
    int64_t flag;
    int32_t type;  /* enum subscription_type, unchecked */
    int32_t phase; /* enum subscription_phase, unchecked */
    int32_t limit;
    bool recover, positioned, recoverable, join_leave, asc;
};

/* What the client knows of a server-side subscription: for recovery. */
struct connect_sub {
    struct slice channel;
    struct subscribe_request request;
};

struct connect_request {
    struct slice token;
    struct slice data; /* raw */
    struct slice name, version;
    const struct connect_sub *subs; /* channels differ from each other */
    size_t sub_count;
    const struct string_pair *headers; /* emulated HTTP headers; keys differ */
    size_t header_count;
    int64_t flag;
};

struct unsubscribe_request {
    struct slice channel;
};

struct publish_request {
    struct slice channel;
    struct slice data; /* raw */
    struct slice key;
    int32_t type; /* 0 stream, 1 map */
    bool removed;
};

struct presence_request {
    struct slice channel;
};

struct presence_stats_request {
    struct slice channel;
};

struct history_request {
    struct slice channel;
    const struct stream_position *since; /* NULL: from the beginning */
    int32_t limit;
    bool reverse;
};

struct rpc_request {
    struct slice data; /* raw */
    struct slice method;
};

struct send_request {
    struct slice data; /* raw */
};

struct refresh_request {
    struct slice token;
};

struct keyed_item {
    struct slice key;
    uint64_t version;
};

struct track_batch {
    struct slice signature;
    const struct keyed_item *items;
    size_t item_count;
};

struct sub_refresh_request {
    struct slice channel, token;
    const struct track_batch *track;
    size_t track_count;
    const struct slice *untrack;
    size_t untrack_count;
    int32_t type; /* 0 token refresh, 1 track, 2 untrack */
};

struct ping_request {
    char nothing_; /* the message has no fields */
};

/* In the order in which the server chooses when a command holds several (CP-10):
 * kind, JSON name, Protobuf field number. */
#define COMMAND_LIST(X)                                                                                                \
    X(CONNECT, connect, 4)                                                                                             \
    X(PING, ping, 11)                                                                                                  \
    X(SUBSCRIBE, subscribe, 5)                                                                                         \
    X(UNSUBSCRIBE, unsubscribe, 6)                                                                                     \
    X(PUBLISH, publish, 7)                                                                                             \
    X(PRESENCE, presence, 8)                                                                                           \
    X(PRESENCE_STATS, presence_stats, 9)                                                                               \
    X(HISTORY, history, 10)                                                                                            \
    X(RPC, rpc, 13)                                                                                                    \
    X(SEND, send, 12)                                                                                                  \
    X(REFRESH, refresh, 14)                                                                                            \
    X(SUB_REFRESH, sub_refresh, 15)

enum command_kind {
    COMMAND_NONE, /* no request inside: a pong when id is 0, else a bad request */
#define COMMAND_ENUM(kind, name, number) COMMAND_##kind,
    COMMAND_LIST(COMMAND_ENUM)
#undef COMMAND_ENUM
        COMMAND_KIND_COUNT
};

struct command {
    uint32_t id;
    enum command_kind kind;
    bool has_send; /* a send request is inside, chosen or not: it needs no id */
    size_t len;    /* bytes it took of the message, separator included */
    union {        /* the arm that kind names; never NULL */
        const struct connect_request *connect;
        const struct ping_request *ping;
        const struct subscribe_request *subscribe;
        const struct unsubscribe_request *unsubscribe;
        const struct publish_request *publish;
        const struct presence_request *presence;
        const struct presence_stats_request *presence_stats;
        const struct history_request *history;
        const struct rpc_request *rpc;
        const struct send_request *send;
        const struct refresh_request *refresh;
        const struct sub_refresh_request *sub_refresh;
        const void *request; /* whatever it is */
    };
};

/* The answer to a server ping: any command without an id that is no send, as the
 * reference server sees it (CP-09). */
static inline bool command_is_pong(const struct command *c)
{
    return c->id == 0 && !c->has_send;
}

/* The name of the kind in the protocol, "" for COMMAND_NONE; static. */
const char *command_kind_name(enum command_kind kind);

enum protocol_result {
    PROTOCOL_COMMAND, /* a command was taken */
    PROTOCOL_END,     /* the message held no more, and was not empty */
    PROTOCOL_BROKEN,  /* terminal: close the peer with 3501; error_text says why */
};

/* A walk over the commands of one transport message; borrows its bytes. */
struct protocol_batch {
    struct slice rest_;
    size_t position_;       /* of rest_ in the message */
    const char *error_text; /* static; for the log, after PROTOCOL_BROKEN */
    size_t error_position;  /* index of the byte in the message */
};

static inline void protocol_batch_init(struct protocol_batch *b, struct slice message)
{
    *b = (struct protocol_batch){ .rest_ = message };
}

#endif
