/* protocol_reply: what the server says to a client, as plain structs that know
 * nothing of the encoding. Source: the Centrifuge client protocol "v2"
 * (centrifugal/protocol, client.proto); compatibility rows CP-06, CP-08, CP-22 to
 * CP-58, CP-79 to CP-86.
 *
 * Use: struct reply r = { .id = 3, .kind = REPLY_PUBLISH };
 *      protocol_json_encode_reply(&r, &buf);
 *
 * Zero means absent, and is left out. All slices and pointers are borrowed during
 * the call that encodes. Slices marked raw must hold one valid JSON value when the
 * encoding is JSON (the encoder does not look again), or be empty. Maps and lists
 * come out in the order given; keys must differ from each other. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_REPLY_H
#define XSHATHRA_PROTOCOL_PROTOCOL_REPLY_H

#include "base/slice.h"
#include "protocol/protocol_command.h"

struct client_info {
    struct slice user, client;         /* written even when empty */
    struct slice conn_info, chan_info; /* raw */
};

/* A publication as clients see it: in a push, in history and in recovery. */
struct publication_fields {
    struct slice data;              /* raw; for a JSON delta a JSON string */
    const struct client_info *info; /* the publisher; NULL when a backend published */
    const struct string_pair *tags;
    size_t tag_count;
    struct slice channel;   /* only when it differs from the subscribed one */
    struct slice key;       /* map and shared poll */
    struct slice epoch;     /* set on the publication with offset 1 (OB-18) */
    struct slice prev_data; /* raw */
    uint64_t offset;
    int64_t time; /* Unix ms */
    int64_t score;
    uint64_t version;
    bool delta, removed;
};

struct subscribe_result {
    struct slice epoch;
    struct slice data; /* raw */
    struct slice cursor;
    const struct publication_fields *publications;
    size_t publication_count;
    const struct publication_fields *state;
    size_t state_count;
    uint64_t offset;
    int64_t numeric_id; /* field "id": a numeric channel id; the server never sends it */
    uint32_t ttl;       /* seconds */
    uint32_t publish_debounce_ms;
    int32_t type, phase;
    bool expires, recoverable, recovered, positioned, was_recovering, delta;
};

/* A server-side subscription in a connect result. */
struct connect_result_sub {
    struct slice channel;
    struct subscribe_result result;
};

struct connect_result {
    struct slice client, version;
    struct slice data; /* raw */
    struct slice session, node;
    const struct connect_result_sub *subs;
    size_t sub_count;
    int64_t time;  /* Unix ms */
    uint32_t ttl;  /* seconds */
    uint32_t ping; /* seconds between server pings */
    bool expires, pong;
};

struct refresh_result {
    struct slice client, version;
    uint32_t ttl;
    bool expires;
};

struct sub_refresh_result {
    const struct publication_fields *items;
    size_t item_count;
    uint32_t ttl;
    bool expires;
};

struct presence_entry {
    struct slice client; /* the key: the id of a connection */
    struct client_info info;
};

struct presence_result {
    const struct presence_entry *presence;
    size_t presence_count;
};

struct presence_stats_result {
    uint32_t num_clients, num_users;
};

struct history_result {
    const struct publication_fields *publications;
    size_t publication_count;
    struct slice epoch;
    uint64_t offset;
};

struct rpc_result {
    struct slice data; /* raw */
};

struct error_reply {
    uint32_t code;
    struct slice message;
    bool temporary;
};

/* Pushes. */

struct member_push { /* join and leave */
    const struct client_info *info;
};

struct unsubscribe_push {
    uint32_t code;
    struct slice reason;
};

struct message_push {
    struct slice data; /* raw */
};

struct subscribe_push {
    struct slice epoch;
    struct slice data; /* raw */
    uint64_t offset;
    bool recoverable, positioned;
};

struct disconnect_push {
    uint32_t code;
    struct slice reason;
    bool reconnect;
};

struct refresh_push {
    uint32_t ttl;
    bool expires;
};

enum push_kind {
    PUSH_NONE, /* an empty push: the server ping of unidirectional transports */
    PUSH_PUBLICATION,
    PUSH_JOIN,
    PUSH_LEAVE,
    PUSH_UNSUBSCRIBE,
    PUSH_MESSAGE,
    PUSH_SUBSCRIBE,
    PUSH_CONNECT,
    PUSH_DISCONNECT,
    PUSH_REFRESH,
    PUSH_KIND_COUNT
};

struct push {
    enum push_kind kind;
    struct slice channel;
    union { /* the arm that kind names */
        struct publication_fields pub;
        struct member_push join, leave;
        struct unsubscribe_push unsubscribe;
        struct message_push message;
        struct subscribe_push subscribe;
        struct connect_result connect; /* same content, other field numbers */
        struct disconnect_push disconnect;
        struct refresh_push refresh;
    };
};

enum reply_kind {
    REPLY_EMPTY, /* with id 0: the server ping */
    REPLY_ERROR,
    REPLY_PUSH, /* id is 0 */
    REPLY_CONNECT,
    REPLY_SUBSCRIBE,
    REPLY_UNSUBSCRIBE, /* no content */
    REPLY_PUBLISH,     /* no content */
    REPLY_PRESENCE,
    REPLY_PRESENCE_STATS,
    REPLY_HISTORY,
    REPLY_PING, /* no content */
    REPLY_RPC,
    REPLY_REFRESH,
    REPLY_SUB_REFRESH,
    REPLY_KIND_COUNT
};

struct reply {
    uint32_t id; /* of the command; 0 for pushes and pings */
    enum reply_kind kind;
    union { /* the arm that kind names */
        struct error_reply error;
        struct push push;
        struct connect_result connect;
        struct subscribe_result subscribe;
        struct presence_result presence;
        struct presence_stats_result presence_stats;
        struct history_result history;
        struct rpc_result rpc;
        struct refresh_result refresh;
        struct sub_refresh_result sub_refresh;
    };
};

#endif
