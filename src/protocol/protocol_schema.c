#include "protocol/protocol_schema.h"

#include "base/check.h"

#define FIELD(type_, number_, name_, struct_, member_)                                                                 \
    {                                                                                                                  \
        .name = SLICE(name_), .number = (number_), .type = FIELD_##type_, .offset = offsetof(struct struct_, member_)  \
    }
#define ALWAYS(type_, number_, name_, struct_, member_)                                                                \
    {                                                                                                                  \
        .name = SLICE(name_), .number = (number_), .type = FIELD_##type_, .always = true,                              \
        .offset = offsetof(struct struct_, member_)                                                                    \
    }
#define NESTED(number_, name_, struct_, member_, schema_)                                                              \
    {                                                                                                                  \
        .name = SLICE(name_), .number = (number_), .type = FIELD_MESSAGE, .offset = offsetof(struct struct_, member_), \
        .schema = &(schema_)                                                                                           \
    }
#define MANY(type_, number_, name_, struct_, member_, count_, element_, always_)                                       \
    {                                                                                                                  \
        .name = SLICE(name_), .number = (number_), .type = FIELD_##type_, .always = (always_),                         \
        .offset = offsetof(struct struct_, member_), .count_offset = offsetof(struct struct_, count_),                 \
        .element = &(element_)                                                                                         \
    }
#define SCHEMA(struct_, fields_)                                                                                       \
    {                                                                                                                  \
        .fields = (fields_), .field_count = ARRAY_COUNT(fields_), .len = sizeof(struct struct_)                        \
    }
#define SCHEMA_OF(name_, struct_) static const struct message_schema name_##_schema = SCHEMA(struct_, name_##_fields)

static const struct element_schema string_element = { NULL, sizeof(struct slice), 0 };
static const struct element_schema string_pair_element = { NULL, sizeof(struct string_pair),
                                                           offsetof(struct string_pair, value) };

/* -------------------------------------------------------------- commands */

static const struct field_schema subscribe_request_fields[] = {
    FIELD(STRING, 1, "channel", subscribe_request, channel),
    FIELD(STRING, 2, "token", subscribe_request, token),
    FIELD(BOOL, 3, "recover", subscribe_request, recover),
    FIELD(STRING, 6, "epoch", subscribe_request, epoch),
    FIELD(U64, 7, "offset", subscribe_request, offset),
    FIELD(RAW, 8, "data", subscribe_request, data),
    FIELD(BOOL, 9, "positioned", subscribe_request, positioned),
    FIELD(BOOL, 10, "recoverable", subscribe_request, recoverable),
    FIELD(BOOL, 11, "join_leave", subscribe_request, join_leave),
    FIELD(STRING, 12, "delta", subscribe_request, delta),
    FIELD(OBJECT, 13, "tf", subscribe_request, tf),
    FIELD(I64, 14, "flag", subscribe_request, flag),
    FIELD(I32, 15, "type", subscribe_request, type),
    FIELD(I32, 16, "phase", subscribe_request, phase),
    FIELD(STRING, 17, "cursor", subscribe_request, cursor),
    FIELD(I32, 18, "limit", subscribe_request, limit),
    FIELD(BOOL, 19, "asc", subscribe_request, asc),
};
SCHEMA_OF(subscribe_request, subscribe_request);

static const struct element_schema connect_sub_element = { &subscribe_request_schema, sizeof(struct connect_sub),
                                                           offsetof(struct connect_sub, request) };
static const struct field_schema connect_request_fields[] = {
    FIELD(STRING, 1, "token", connect_request, token),
    FIELD(RAW, 2, "data", connect_request, data),
    MANY(MAP, 3, "subs", connect_request, subs, sub_count, connect_sub_element, false),
    FIELD(STRING, 4, "name", connect_request, name),
    FIELD(STRING, 5, "version", connect_request, version),
    MANY(MAP, 6, "headers", connect_request, headers, header_count, string_pair_element, false),
    FIELD(I64, 7, "flag", connect_request, flag),
};
SCHEMA_OF(connect_request, connect_request);

static const struct field_schema unsubscribe_request_fields[] = {
    FIELD(STRING, 1, "channel", unsubscribe_request, channel),
};
SCHEMA_OF(unsubscribe_request, unsubscribe_request);

static const struct field_schema publish_request_fields[] = {
    FIELD(STRING, 1, "channel", publish_request, channel), FIELD(RAW, 2, "data", publish_request, data),
    FIELD(I32, 3, "type", publish_request, type),          FIELD(STRING, 4, "key", publish_request, key),
    FIELD(BOOL, 5, "removed", publish_request, removed),
};
SCHEMA_OF(publish_request, publish_request);

static const struct field_schema presence_request_fields[] = {
    FIELD(STRING, 1, "channel", presence_request, channel),
};
SCHEMA_OF(presence_request, presence_request);

static const struct field_schema presence_stats_request_fields[] = {
    FIELD(STRING, 1, "channel", presence_stats_request, channel),
};
SCHEMA_OF(presence_stats_request, presence_stats_request);

static const struct field_schema stream_position_fields[] = {
    FIELD(U64, 1, "offset", stream_position, offset),
    FIELD(STRING, 2, "epoch", stream_position, epoch),
};
SCHEMA_OF(stream_position, stream_position);

static const struct field_schema history_request_fields[] = {
    FIELD(STRING, 1, "channel", history_request, channel),
    FIELD(I32, 7, "limit", history_request, limit),
    NESTED(8, "since", history_request, since, stream_position_schema),
    FIELD(BOOL, 9, "reverse", history_request, reverse),
};
SCHEMA_OF(history_request, history_request);

static const struct message_schema ping_request_schema = { .len = sizeof(struct ping_request) };

static const struct field_schema rpc_request_fields[] = {
    FIELD(RAW, 1, "data", rpc_request, data),
    FIELD(STRING, 2, "method", rpc_request, method),
};
SCHEMA_OF(rpc_request, rpc_request);

static const struct field_schema send_request_fields[] = {
    FIELD(RAW, 1, "data", send_request, data),
};
SCHEMA_OF(send_request, send_request);

static const struct field_schema refresh_request_fields[] = {
    FIELD(STRING, 1, "token", refresh_request, token),
};
SCHEMA_OF(refresh_request, refresh_request);

static const struct field_schema keyed_item_fields[] = {
    FIELD(STRING, 1, "key", keyed_item, key),
    FIELD(U64, 2, "version", keyed_item, version),
};
SCHEMA_OF(keyed_item, keyed_item);
static const struct element_schema keyed_item_element = { &keyed_item_schema, sizeof(struct keyed_item), 0 };

static const struct field_schema track_batch_fields[] = {
    FIELD(STRING, 1, "signature", track_batch, signature),
    MANY(LIST, 2, "items", track_batch, items, item_count, keyed_item_element, false),
};
SCHEMA_OF(track_batch, track_batch);
static const struct element_schema track_batch_element = { &track_batch_schema, sizeof(struct track_batch), 0 };

static const struct field_schema sub_refresh_request_fields[] = {
    FIELD(STRING, 1, "channel", sub_refresh_request, channel),
    FIELD(STRING, 2, "token", sub_refresh_request, token),
    FIELD(I32, 3, "type", sub_refresh_request, type),
    MANY(LIST, 4, "track", sub_refresh_request, track, track_count, track_batch_element, false),
    MANY(LIST, 5, "untrack", sub_refresh_request, untrack, untrack_count, string_element, false),
};
SCHEMA_OF(sub_refresh_request, sub_refresh_request);

const struct message_schema *command_schema(enum command_kind kind)
{
    switch (kind) {
#define X(kind_, name, number)                                                                                         \
    case COMMAND_##kind_: return &name##_request_schema;
        COMMAND_LIST(X)
#undef X
    default: return NULL;
    }
}

/* --------------------------------------------------------------- replies */

static const struct field_schema error_fields[] = {
    FIELD(U32, 1, "code", error_reply, code),
    FIELD(STRING, 2, "message", error_reply, message),
    FIELD(BOOL, 3, "temporary", error_reply, temporary),
};
SCHEMA_OF(error, error_reply);

static const struct field_schema client_info_fields[] = {
    ALWAYS(STRING, 1, "user", client_info, user),
    ALWAYS(STRING, 2, "client", client_info, client),
    FIELD(RAW, 3, "conn_info", client_info, conn_info),
    FIELD(RAW, 4, "chan_info", client_info, chan_info),
};
SCHEMA_OF(client_info, client_info);

static const struct field_schema publication_fields[] = {
    FIELD(RAW, 4, "data", publication_fields, data),
    NESTED(5, "info", publication_fields, info, client_info_schema),
    FIELD(U64, 6, "offset", publication_fields, offset),
    MANY(MAP, 7, "tags", publication_fields, tags, tag_count, string_pair_element, false),
    FIELD(BOOL, 8, "delta", publication_fields, delta),
    FIELD(I64, 9, "time", publication_fields, time),
    FIELD(STRING, 10, "channel", publication_fields, channel),
    FIELD(STRING, 11, "key", publication_fields, key),
    FIELD(BOOL, 12, "removed", publication_fields, removed),
    FIELD(S64, 13, "score", publication_fields, score),
    FIELD(STRING, 14, "epoch", publication_fields, epoch),
    FIELD(RAW, 15, "prev_data", publication_fields, prev_data),
    FIELD(U64, 16, "version", publication_fields, version),
};
const struct message_schema publication_schema = SCHEMA(publication_fields, publication_fields);
static const struct element_schema publication_element = { &publication_schema, sizeof(struct publication_fields), 0 };

static const struct field_schema subscribe_result_fields[] = {
    FIELD(BOOL, 1, "expires", subscribe_result, expires),
    FIELD(U32, 2, "ttl", subscribe_result, ttl),
    FIELD(BOOL, 3, "recoverable", subscribe_result, recoverable),
    FIELD(STRING, 6, "epoch", subscribe_result, epoch),
    MANY(LIST, 7, "publications", subscribe_result, publications, publication_count, publication_element, false),
    FIELD(BOOL, 8, "recovered", subscribe_result, recovered),
    FIELD(U64, 9, "offset", subscribe_result, offset),
    FIELD(BOOL, 10, "positioned", subscribe_result, positioned),
    FIELD(RAW, 11, "data", subscribe_result, data),
    FIELD(BOOL, 12, "was_recovering", subscribe_result, was_recovering),
    FIELD(BOOL, 13, "delta", subscribe_result, delta),
    FIELD(I64, 14, "id", subscribe_result, numeric_id),
    FIELD(I32, 15, "type", subscribe_result, type),
    FIELD(I32, 16, "phase", subscribe_result, phase),
    FIELD(STRING, 17, "cursor", subscribe_result, cursor),
    MANY(LIST, 18, "state", subscribe_result, state, state_count, publication_element, false),
    FIELD(U32, 19, "publish_debounce", subscribe_result, publish_debounce_ms),
};
SCHEMA_OF(subscribe_result, subscribe_result);
static const struct element_schema connect_result_sub_element = { &subscribe_result_schema,
                                                                  sizeof(struct connect_result_sub),
                                                                  offsetof(struct connect_result_sub, result) };

static const struct field_schema connect_result_fields[] = {
    FIELD(STRING, 1, "client", connect_result, client),
    FIELD(STRING, 2, "version", connect_result, version),
    FIELD(BOOL, 3, "expires", connect_result, expires),
    FIELD(U32, 4, "ttl", connect_result, ttl),
    FIELD(RAW, 5, "data", connect_result, data),
    MANY(MAP, 6, "subs", connect_result, subs, sub_count, connect_result_sub_element, false),
    FIELD(U32, 7, "ping", connect_result, ping),
    FIELD(BOOL, 8, "pong", connect_result, pong),
    FIELD(STRING, 9, "session", connect_result, session),
    FIELD(STRING, 10, "node", connect_result, node),
    FIELD(I64, 11, "time", connect_result, time),
};
SCHEMA_OF(connect_result, connect_result);

static const struct field_schema refresh_result_fields[] = {
    FIELD(STRING, 1, "client", refresh_result, client),
    FIELD(STRING, 2, "version", refresh_result, version),
    FIELD(BOOL, 3, "expires", refresh_result, expires),
    FIELD(U32, 4, "ttl", refresh_result, ttl),
};
SCHEMA_OF(refresh_result, refresh_result);

static const struct field_schema sub_refresh_result_fields[] = {
    FIELD(BOOL, 1, "expires", sub_refresh_result, expires),
    FIELD(U32, 2, "ttl", sub_refresh_result, ttl),
    MANY(LIST, 3, "items", sub_refresh_result, items, item_count, publication_element, false),
};
SCHEMA_OF(sub_refresh_result, sub_refresh_result);

static const struct element_schema presence_element = { &client_info_schema, sizeof(struct presence_entry),
                                                        offsetof(struct presence_entry, info) };
static const struct field_schema presence_result_fields[] = {
    MANY(MAP, 1, "presence", presence_result, presence, presence_count, presence_element, true),
};
SCHEMA_OF(presence_result, presence_result);

static const struct field_schema presence_stats_result_fields[] = {
    ALWAYS(U32, 1, "num_clients", presence_stats_result, num_clients),
    ALWAYS(U32, 2, "num_users", presence_stats_result, num_users),
};
SCHEMA_OF(presence_stats_result, presence_stats_result);

static const struct field_schema history_result_fields[] = {
    MANY(LIST, 1, "publications", history_result, publications, publication_count, publication_element, true),
    ALWAYS(STRING, 2, "epoch", history_result, epoch),
    ALWAYS(U64, 3, "offset", history_result, offset),
};
SCHEMA_OF(history_result, history_result);

static const struct field_schema rpc_result_fields[] = {
    FIELD(RAW, 1, "data", rpc_result, data),
};
SCHEMA_OF(rpc_result, rpc_result);

/* ---------------------------------------------------------------- pushes */

static const struct field_schema member_push_fields[] = {
    NESTED(1, "info", member_push, info, client_info_schema),
};
SCHEMA_OF(member_push, member_push);

static const struct field_schema unsubscribe_push_fields[] = {
    FIELD(U32, 2, "code", unsubscribe_push, code),
    FIELD(STRING, 3, "reason", unsubscribe_push, reason),
};
SCHEMA_OF(unsubscribe_push, unsubscribe_push);

static const struct field_schema message_push_fields[] = {
    FIELD(RAW, 1, "data", message_push, data),
};
SCHEMA_OF(message_push, message_push);

static const struct field_schema subscribe_push_fields[] = {
    FIELD(BOOL, 1, "recoverable", subscribe_push, recoverable),
    FIELD(STRING, 4, "epoch", subscribe_push, epoch),
    FIELD(U64, 5, "offset", subscribe_push, offset),
    FIELD(BOOL, 6, "positioned", subscribe_push, positioned),
    FIELD(RAW, 7, "data", subscribe_push, data),
};
SCHEMA_OF(subscribe_push, subscribe_push);

static const struct field_schema connect_push_fields[] = {
    FIELD(STRING, 1, "client", connect_result, client),
    FIELD(STRING, 2, "version", connect_result, version),
    FIELD(RAW, 3, "data", connect_result, data),
    MANY(MAP, 4, "subs", connect_result, subs, sub_count, connect_result_sub_element, false),
    FIELD(BOOL, 5, "expires", connect_result, expires),
    FIELD(U32, 6, "ttl", connect_result, ttl),
    FIELD(U32, 7, "ping", connect_result, ping),
    FIELD(BOOL, 8, "pong", connect_result, pong),
    FIELD(STRING, 9, "session", connect_result, session),
    FIELD(STRING, 10, "node", connect_result, node),
    FIELD(I64, 11, "time", connect_result, time),
};
SCHEMA_OF(connect_push, connect_result);

static const struct field_schema disconnect_push_fields[] = {
    FIELD(U32, 1, "code", disconnect_push, code),
    FIELD(STRING, 2, "reason", disconnect_push, reason),
    FIELD(BOOL, 3, "reconnect", disconnect_push, reconnect),
};
SCHEMA_OF(disconnect_push, disconnect_push);

static const struct field_schema refresh_push_fields[] = {
    FIELD(BOOL, 1, "expires", refresh_push, expires),
    FIELD(U32, 2, "ttl", refresh_push, ttl),
};
SCHEMA_OF(refresh_push, refresh_push);

/* ------------------------------------------------------------- envelopes */

static const struct message_schema empty_schema = { .len = 0 };

static const struct envelope_schema push_envelope[PUSH_KIND_COUNT] = {
    [PUSH_PUBLICATION] = { SLICE("pub"), 4, &publication_schema },
    [PUSH_JOIN] = { SLICE("join"), 5, &member_push_schema },
    [PUSH_LEAVE] = { SLICE("leave"), 6, &member_push_schema },
    [PUSH_UNSUBSCRIBE] = { SLICE("unsubscribe"), 7, &unsubscribe_push_schema },
    [PUSH_MESSAGE] = { SLICE("message"), 8, &message_push_schema },
    [PUSH_SUBSCRIBE] = { SLICE("subscribe"), 9, &subscribe_push_schema },
    [PUSH_CONNECT] = { SLICE("connect"), 10, &connect_push_schema },
    [PUSH_DISCONNECT] = { SLICE("disconnect"), 11, &disconnect_push_schema },
    [PUSH_REFRESH] = { SLICE("refresh"), 12, &refresh_push_schema },
};

static const struct envelope_schema reply_envelope[REPLY_KIND_COUNT] = {
    [REPLY_ERROR] = { SLICE("error"), 2, &error_schema },
    [REPLY_CONNECT] = { SLICE("connect"), 5, &connect_result_schema },
    [REPLY_SUBSCRIBE] = { SLICE("subscribe"), 6, &subscribe_result_schema },
    [REPLY_UNSUBSCRIBE] = { SLICE("unsubscribe"), 7, &empty_schema },
    [REPLY_PUBLISH] = { SLICE("publish"), 8, &empty_schema },
    [REPLY_PRESENCE] = { SLICE("presence"), 9, &presence_result_schema },
    [REPLY_PRESENCE_STATS] = { SLICE("presence_stats"), 10, &presence_stats_result_schema },
    [REPLY_HISTORY] = { SLICE("history"), 11, &history_result_schema },
    [REPLY_PING] = { SLICE("ping"), 12, &empty_schema },
    [REPLY_RPC] = { SLICE("rpc"), 13, &rpc_result_schema },
    [REPLY_REFRESH] = { SLICE("refresh"), 14, &refresh_result_schema },
    [REPLY_SUB_REFRESH] = { SLICE("sub_refresh"), 15, &sub_refresh_result_schema },
};

const struct envelope_schema *push_envelope_schema(enum push_kind kind)
{
    return kind > PUSH_NONE && kind < PUSH_KIND_COUNT ? &push_envelope[kind] : NULL;
}

const struct envelope_schema *reply_envelope_schema(enum reply_kind kind)
{
    bool has_one = kind > REPLY_EMPTY && kind < REPLY_KIND_COUNT && kind != REPLY_PUSH;
    return has_one ? &reply_envelope[kind] : NULL;
}
