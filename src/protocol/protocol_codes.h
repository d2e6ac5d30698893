/* protocol_codes: the numbers by which server and client tell each other what went
 * wrong, each list written once. Source: the Centrifuge protocol, as Centrifugo v6
 * sends it; compatibility rows ER-01 to ER-49. Pure; any thread.
 *
 * Applications may add client errors 400 to 1999, disconnects 4000 to 4999 and
 * unsubscribes of their own; the functions here know only the built-in ones. */
#ifndef XSHATHRA_PROTOCOL_PROTOCOL_CODES_H
#define XSHATHRA_PROTOCOL_PROTOCOL_CODES_H

#include "base/slice.h"

/* Errors in a reply: name, code, message, temporary (the client should try again). */
#define CLIENT_ERROR_LIST(X)                                                                                           \
    X(INTERNAL, 100, "internal server error", true)                                                                    \
    X(UNAUTHORIZED, 101, "unauthorized", false)                                                                        \
    X(UNKNOWN_CHANNEL, 102, "unknown channel", false)                                                                  \
    X(PERMISSION_DENIED, 103, "permission denied", false)                                                              \
    X(METHOD_NOT_FOUND, 104, "method not found", false)                                                                \
    X(ALREADY_SUBSCRIBED, 105, "already subscribed", false)                                                            \
    X(LIMIT_EXCEEDED, 106, "limit exceeded", false)                                                                    \
    X(BAD_REQUEST, 107, "bad request", false)                                                                          \
    X(NOT_AVAILABLE, 108, "not available", false)                                                                      \
    X(TOKEN_EXPIRED, 109, "token expired", false)                                                                      \
    X(EXPIRED, 110, "expired", false)                                                                                  \
    X(TOO_MANY_REQUESTS, 111, "too many requests", true)                                                               \
    X(UNRECOVERABLE_POSITION, 112, "unrecoverable position", false)                                                    \
    X(CONCURRENT_PAGINATION, 113, "concurrent pagination", true)

enum client_error {
    CLIENT_ERROR_NONE = 0,
#define CLIENT_ERROR_ENUM(name, code, message, temporary) CLIENT_ERROR_##name = code,
    CLIENT_ERROR_LIST(CLIENT_ERROR_ENUM)
#undef CLIENT_ERROR_ENUM
};

/* Errors of the server HTTP API: name, code, message, HTTP status in transport mode. */
#define API_ERROR_LIST(X)                                                                                              \
    X(INTERNAL, 100, "internal server error", 500)                                                                     \
    X(UNKNOWN_CHANNEL, 102, "unknown channel", 404)                                                                    \
    X(NOT_FOUND, 104, "not found", 404)                                                                                \
    X(BAD_REQUEST, 107, "bad request", 400)                                                                            \
    X(NOT_AVAILABLE, 108, "not available", 400)                                                                        \
    X(UNRECOVERABLE_POSITION, 112, "unrecoverable position", 416)                                                      \
    X(CONFLICT, 113, "conflict", 409)

enum api_error {
    API_ERROR_NONE = 0,
#define API_ERROR_ENUM(name, code, message, http_status) API_ERROR_##name = code,
    API_ERROR_LIST(API_ERROR_ENUM)
#undef API_ERROR_ENUM
};

/* Why a connection is closed: name, code, reason. The client connects again after
 * 3000 to 3499, 4000 to 4499 and from 5000 on. */
#define DISCONNECT_LIST(X)                                                                                             \
    X(CONNECTION_CLOSED, 3000, "connection closed") /* never sent */                                                   \
    X(SHUTDOWN, 3001, "shutdown")                                                                                      \
    X(INTERNAL, 3004, "internal server error")                                                                         \
    X(EXPIRED, 3005, "connection expired")                                                                             \
    X(SUBSCRIPTION_EXPIRED, 3006, "subscription expired")                                                              \
    X(SLOW, 3008, "slow")                                                                                              \
    X(WRITE_ERROR, 3009, "write error")                                                                                \
    X(INSUFFICIENT_STATE, 3010, "insufficient state")                                                                  \
    X(FORCE_RECONNECT, 3011, "force reconnect")                                                                        \
    X(NO_PONG, 3012, "no pong")                                                                                        \
    X(TOO_MANY_REQUESTS, 3013, "too many requests")                                                                    \
    X(STATE_INVALIDATED, 3014, "state invalidated")                                                                    \
    X(INVALID_TOKEN, 3500, "invalid token")                                                                            \
    X(BAD_REQUEST, 3501, "bad request")                                                                                \
    X(STALE, 3502, "stale")                                                                                            \
    X(FORCE_NO_RECONNECT, 3503, "force disconnect")                                                                    \
    X(CONNECTION_LIMIT, 3504, "connection limit")                                                                      \
    X(CHANNEL_LIMIT, 3505, "channel limit")                                                                            \
    X(INAPPROPRIATE_PROTOCOL, 3506, "inappropriate protocol")                                                          \
    X(PERMISSION_DENIED, 3507, "permission denied")                                                                    \
    X(NOT_AVAILABLE, 3508, "not available")                                                                            \
    X(TOO_MANY_ERRORS, 3509, "too many errors")

enum disconnect_code {
    DISCONNECT_NONE = 0,
#define DISCONNECT_ENUM(name, code, reason) DISCONNECT_##name = code,
    DISCONNECT_LIST(DISCONNECT_ENUM)
#undef DISCONNECT_ENUM
};

/* Longer reasons do not fit a WebSocket close frame. */
#define DISCONNECT_REASON_MAX 123

/* Why a subscription ended: name, code, reason. From 2500 on the client subscribes again. */
#define UNSUBSCRIBE_LIST(X)                                                                                            \
    X(CLIENT, 0, "client unsubscribed")     /* never sent */                                                           \
    X(DISCONNECT, 1, "client disconnected") /* never sent */                                                           \
    X(SERVER, 2000, "server unsubscribe")                                                                              \
    X(INSUFFICIENT_STATE, 2500, "insufficient state")                                                                  \
    X(EXPIRED, 2501, "subscription expired")                                                                           \
    X(STATE_INVALIDATED, 2502, "state invalidated")

enum unsubscribe_code {
#define UNSUBSCRIBE_ENUM(name, code, reason) UNSUBSCRIBE_##name = code,
    UNSUBSCRIBE_LIST(UNSUBSCRIBE_ENUM)
#undef UNSUBSCRIBE_ENUM
};

/* Static texts; the empty slice, false or 0 for a code that is not in the list. */
struct slice client_error_message(uint32_t code);
bool client_error_temporary(uint32_t code);
struct slice api_error_message(uint32_t code);
int api_error_http_status(uint32_t code);
struct slice disconnect_reason(uint32_t code);
struct slice unsubscribe_reason(uint32_t code);

/* Whether a client that was closed with this code connects again by itself. */
static inline bool disconnect_reconnects(uint32_t code)
{
    return (code >= 3000 && code < 3500) || (code >= 4000 && code < 4500) || code >= 5000;
}

#endif
