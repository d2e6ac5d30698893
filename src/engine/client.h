/* client: one connection as the protocol sees it: its identity, subscriptions,
 * pending operations and deadlines. Embedded in the session that carries it.
 *
 * Use: client_init(&c, engine, &port, handle); bytes = client_receive(&c, message);
 *      …; client_gone(&c) exactly once, when the connection has ended.
 * Owned by one worker. */
#ifndef XSHATHRA_ENGINE_CLIENT_H
#define XSHATHRA_ENGINE_CLIENT_H

#include "auth/claims.h"
#include "engine/engine.h"
#include "protocol/protocol_codes.h"
#include "protocol/protocol_command.h"
#include "protocol/protocol_encoding.h"
#include "protocol/protocol_reply.h"

struct client;
struct client_map;

#define CLIENT_PEER_MAX 46 /* as INET6_ADDRSTRLEN */

/* How a transport carries out what the engine decides; one static table each. The
 * next transports (SSE, HTTP streaming) are further tables. */
/* When a message leaves, beside the others of its turn. */
enum client_order {
    CLIENT_DELIVERY,
    CLIENT_ANSWER, /* after the deliveries of the turn */
    CLIENT_CROWD,  /* a delivery with very many copies: other channels' need not wait for all of them */
};

struct client_port {
    enum protocol_encoding encoding; /* of commands, replies and pushes */
    enum publication_form form;
    unsigned metric_transport; /* METRIC_TRANSPORT_… */
    /* A wire form of a publication; see publication_wire(). */
    publication_encoder *encode_publication;
    /* A blob for one encoded reply or push; NULL when memory is out. */
    struct blob *(*message)(struct slice body);
    /* Queue one reference, taken over. */
    void (*send)(struct client *c, struct blob *message, enum client_order order);
    /* Say why and end the connection; client_gone() follows, after this call. */
    void (*close)(struct client *c, uint32_t code, struct slice reason);
    /* Call client_deadline() then (0 = never); replaces the deadline before. */
    void (*set_deadline)(struct client *c, uint64_t due_ms);
    /* A parked client goes on: call client_receive() with what is left, later in the turn. */
    void (*resume)(struct client *c);
    /* Bytes queued for the peer. */
    size_t (*queued)(const struct client *c);
    /* A ping of the transport's own, for clients with frame_pings. May be NULL without such. */
    void (*frame_ping)(struct client *c);
    /* After connect: turns are shared out by space. */
    void (*joined_space)(struct client *c, uint32_t space);
    /* Text of the peer's address, and its length; NULL = a transport without. */
    size_t (*peer)(const struct client *c, char out[static CLIENT_PEER_MAX]);
    size_t object_bytes; /* what a connection occupies by itself */
};

enum client_state {
    CLIENT_NEW,        /* waits for connect, until stale_close_delay */
    CLIENT_CONNECTING, /* connect is being worked on */
    CLIENT_CONNECTED,
    CLIENT_REFUSED, /* connect was answered with an error: nothing more is read (OB-13) */
    CLIENT_CLOSING, /* close was decided; nothing is sent or read any more */
};

/* Of the command in work: was its token's key set asked for? */
enum client_keys {
    CLIENT_KEYS_NONE,
    CLIENT_KEYS_WAIT, /* it is being fetched: the command will be worked on again from its beginning */
    CLIENT_KEYS_ASKED,
};

/* What few connections have; allocated when the first of it comes. */
struct client_extra {
    struct held_bytes *conn_info;            /* owned or NULL */
    struct held_bytes *meta;                 /* owned or NULL */
    char *header_user;                       /* owned; from client.user_id_http_header, until connect */
    struct client_map *map;                  /* owned or NULL; see client_map.h */
    char *origin;                            /* owned; header of the HTTP request, until connect */
    uint8_t client_key[POLICY_KEY_HASH_LEN]; /* hash of the key that let it in */
    bool has_client_key;
};

struct client {
    struct engine *engine;
    const struct client_port *port;
    struct hub_user *user; /* NULL until connected */
    struct list in_user;
    struct list subscriptions; /* struct subscription.in_client */
    struct list operations;    /* struct operation.in_client */
    struct client_extra *extra;
    uint64_t stale_or_expire_ms; /* until connected: stale close; then connection expiry with its grace; 0 = never */
    uint64_t next_ping_ms;       /* 0 = no pings */
    uint64_t pong_due_ms;        /* 0 = no pong is owed */
    uint64_t next_check_ms;      /* subscription expiry; 0 = no subscription expires */
    uint64_t connect_number;     /* later connects have higher ones; 0 = not yet */
    uint32_t slot, generation;   /* the session's handle */
    uint32_t space;
    uint32_t subscription_count;
    uint32_t connected_at_s; /* Unix time of its connect */
    uint8_t id[16];          /* shown as a UUID */
    uint8_t sdk;             /* see sdk_names.h */
    uint8_t state;           /* enum client_state */
    uint8_t parked;          /* operations that commands wait for */
    uint8_t keys;            /* enum client_keys */
    bool expires;
    bool got_project;                    /* a client key has named the space */
    bool gone;                           /* client_gone() has been here */
    bool has_name, has_version, counted; /* for the gauge of connections */
    bool console_only : 1;               /* came from the console's own page: no token but its is taken */
    bool end_told : 1;                   /* its end is in the project's events already */
    bool frame_pings;                    /* pings are the transport's, not the protocol's (CP-90) */
};

#define CLIENT_ID_LEN 36

void client_init(struct client *c, struct engine *e, const struct client_port *port, struct handle handle);
/* What the HTTP request said, before the first message: the header Origin, and the
 * user named by client.user_id_http_header. False: memory is out. */
MUST_CHECK bool client_set_origin(struct client *c, struct slice origin);
MUST_CHECK bool client_set_header_user(struct client *c, struct slice user);

/* A client key as a connection names it: in its URL or headers (the session asks at
 * the upgrade), or emulated in the connect command. */
enum client_key_result {
    CLIENT_KEY_OK,
    CLIENT_KEY_UNKNOWN, /* no such key, revoked, at its end, of the wrong kind, or of an archived project */
    CLIENT_KEY_ORIGIN,  /* the project's allowed origins do not have this one */
};
/* *key borrows the policy. Otherwise *why is a sentence for the log of the operator. */
enum client_key_result client_check_key(const struct engine *e, struct slice text, struct slice origin,
                                        const struct policy_key **key, const char **why);
/* The client is from now on one of the key's project. False: memory is out. */
MUST_CHECK bool client_set_key(struct client *c, const struct policy_key *key);

/* Work on one transport message. Returns how many bytes from its front were taken:
 * all, unless an operation is pending: then keep the rest and give it again after
 * port->resume(). What is left then may be empty: do not give it. */
size_t client_receive(struct client *c, struct slice message);
void client_deadline(struct client *c);
/* The transport's own pong came (frame_pings). */
void client_frame_pong(struct client *c);
/* The connection ends: leave everything. Not from inside a port function, nor while a
 * channel's subscriptions are walked. A second call does nothing. */
void client_gone(struct client *c);

/* Close with a code of the list (its reason) or with words of one's own. */
void client_disconnect(struct client *c, uint32_t code);
void client_disconnect_with(struct client *c, uint32_t code, struct slice reason);

void client_id_text(const struct client *c, char out[static CLIENT_ID_LEN + 1]);
static inline struct slice client_user(const struct client *c)
{
    return c->user ? hub_user_id(c->user) : (struct slice){ 0 };
}
static inline struct handle client_handle(const struct client *c)
{
    return (struct handle){ c->slot, c->generation, c->engine->index };
}

#endif
