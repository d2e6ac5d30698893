/* session: one accepted connection end to end: HTTP requests first, then perhaps a
 * WebSocket client. It joins the connection (net), the codecs (http, ws) and the
 * client (engine); what a path means and what an API answers comes from its host.
 *
 * Each state has a deadline; see session_http.c and the client's own. One worker
 * owns it. The next transports become further modes beside SESSION_WEBSOCKET. */
#ifndef XSHATHRA_SESSION_SESSION_H
#define XSHATHRA_SESSION_SESSION_H

#include <netinet/in.h>

#include "base/slab.h"
#include "engine/client.h"
#include "http/http_parser.h"
#include "net/net_loop.h"
#include "ws/ws_decoder.h"
#include "ws/ws_message.h"

struct session;
struct session_host;

/* Time limits of HTTP, rows TR-08 and OB-24. */
#define SESSION_HEAD_TIMEOUT_MS   10000
#define SESSION_BODY_TIMEOUT_MS   30000
#define SESSION_IDLE_TIMEOUT_MS   30000
#define SESSION_ANSWER_TIMEOUT_MS 10000 /* a pending API call is answered with error 100 */
#define SESSION_LINGER_MS         5000  /* after our close frame or last answer */

/* With so many bytes of answers unsent, no further request of the connection is read. */
#define SESSION_HTTP_QUEUE_MAX ((size_t)256 << 10)
/* Bodies in pieces that one worker holds at a time, whoever sends them; more is 503. */
#define SESSION_BODIES_BYTES_MAX ((size_t)256 << 20)

enum session_route_kind {
    SESSION_ROUTE_WEBSOCKET, /* the bidirectional client transport */
    SESSION_ROUTE_HANDLER,   /* a request with one answer */
};

struct session_route {
    enum session_route_kind kind;
    size_t body_bytes_max;
    uint32_t handler; /* the host's number for it */
};

/* An answer; everything is borrowed until the next call into the host. */
struct session_answer {
    int status;
    struct slice content_type; /* empty: none */
    struct slice body;
    const struct http_header *headers;
    size_t header_count;
};

enum session_outcome {
    SESSION_ANSWERED, /* *answer is filled */
    SESSION_PENDING,  /* session_take_…() will bring it */
    SESSION_AGAIN,    /* long work: the host is asked again in a later turn */
};

/* What the program around the sessions does; one static table. */
struct session_app {
    /* What the head asks for; never fails: unknown paths are handlers that answer 404. */
    struct session_route (*route)(struct session_host *host, struct session *s, const struct http_request *request);
    /* The head alone: true when the request is refused before a byte of its body is
     * read, with *answer filled. *exchange is NULL; what the app puts there is handed
     * back below, and to release() in the end. */
    bool (*refuse)(struct session_host *host, struct session *s, const struct session_route *route,
                   const struct http_request *request, void **exchange, struct session_answer *answer);
    /* The whole request. */
    enum session_outcome (*start)(struct session_host *host, struct session *s, const struct session_route *route,
                                  const struct http_request *request, struct slice body, void **exchange,
                                  struct session_answer *answer);
    enum session_outcome (*completed)(struct session_host *host, void *exchange, struct broker_completion *completion,
                                      struct session_answer *answer);
    enum session_outcome (*effect_done)(struct session_host *host, void *exchange, uint32_t operation,
                                        uint32_t affected, struct session_answer *answer);
    enum session_outcome (*again)(struct session_host *host, void *exchange, struct session_answer *answer);
    /* The answer did not come in time. */
    void (*timed_out)(struct session_host *host, void *exchange, struct session_answer *answer);
    void (*release)(struct session_host *host, void *exchange); /* accepts NULL */
    /* A request has its answer, or is a WebSocket from now on (status 101). */
    void (*answered)(struct session_host *host, struct session *s, const struct http_request *request, int status);
};

/* Connections of one space take turns with those of others. */
struct session_group;

/* The sessions of one worker. */
struct session_host {
    struct net_loop *loop;
    struct engine *engine;
    const struct session_app *app;
    void *context; /* the worker */
    struct slab sessions;
    struct http_limits http_limits;
    struct http_event event; /* of the request being read */
    struct buf out;          /* answers of one turn of one connection */
    size_t body_bytes;       /* of the sessions' bodies in pieces */
    struct list ended;       /* clients that were closed and still have to leave */
    struct list again;       /* exchanges with long work */
    struct map groups;       /* space -> struct session_group */
    uint64_t date_s;         /* second that date is for */
    char date[64];
    size_t date_len;
    struct session_deflate *deflate; /* owned; NULL until a message needs it */
    struct session_gate *gate;       /* shared by all workers: connection and rate limits */
    bool draining;                   /* shutdown: no keep-alive any more */
};

enum session_mode { SESSION_HTTP, SESSION_WEBSOCKET };

struct session_http {
    struct http_parser parser;
    struct http_request *request; /* owned copy while a body is incomplete or an answer pending */
    struct buf body;              /* of a body in pieces */
    struct session_route route;
    void *exchange;    /* the app's, from the head to the answer */
    struct list again; /* in host->again */
    bool reading_body, waiting, continue_owed;
    bool head_begun; /* its deadline runs, however slowly its bytes come */
    bool last;       /* the answer to this request is the last: its body is not waited for */
};

struct session_websocket {
    struct ws_decoder decoder;
    struct ws_assembler *assembler; /* of a fragmented message */
    struct client client;
    struct list ended; /* in host->ended */
    char *parked;      /* what is left of a message whose command is pending */
    size_t parked_len;
};

struct session {
    struct slab_object object;
    struct net_conn conn;
    struct session_host *host;
    struct session_group *group; /* NULL: the loop's default group */
    uint8_t mode;                /* enum session_mode */
    uint8_t listener;            /* the listener's number: public or internal */
    uint8_t window_bits;         /* of messages compressed for the client; 0: permessage-deflate was not agreed */
    union {                      /* the arm that mode names */
        struct session_http http;
        struct session_websocket ws;
    };
};

void session_host_init(struct session_host *host, struct net_loop *loop, struct engine *engine,
                       const struct session_app *app, void *context, const struct http_limits *limits,
                       struct session_gate *gate);
void session_host_deinit(struct session_host *host);
/* Each turn after the mailbox: clients that ended leave, long exchanges get a step.
 * True = more to do. */
bool session_host_turn(struct session_host *host);

/* A new connection: takes fd over (closed at once when memory is out). tls: borrowed, NULL = without. */
void session_accept(struct session_host *host, int fd, uint8_t listener, struct net_tls_context *tls);

/* What speaks against one more client of this node, in a word for the peer: client.connection_limit or
 * client.connection_rate_limit, of which one connection is used up. NULL = nothing. */
const char *session_limits_objection(const struct session *s);

/* For engine_worker: the client or the exchange behind a handle. */
struct client *session_client_of(struct session_host *host, struct handle handle);
struct client *session_client_next(struct session_host *host, uint32_t *slot);
void session_take_completion(struct session_host *host, struct broker_completion *completion);
void session_take_effect_done(struct session_host *host, struct handle handle, uint32_t operation, uint32_t affected);

/* Shutdown: start to close at most count connections with 3001, HTTP ones after the
 * answer they are owed. True while connections are left that were not yet told. */
bool session_host_drain(struct session_host *host, uint32_t *slot, uint32_t count);

/* Close all that are left, now. */
void session_host_abort(struct session_host *host);

static inline struct handle session_handle(const struct session *s)
{
    return (struct handle){ s->object.slot, s->object.generation, s->host->engine->index };
}
/* It came over TLS: ours, or that of a trusted proxy. */
bool session_is_secure(const struct session *s, const struct http_request *request);
/* Address of the peer as trusted proxies name it, for logs. */
struct slice session_peer(const struct session *s, const struct http_request *request,
                          char out[static INET6_ADDRSTRLEN]);

#endif
