/* load_conn: one WebSocket connection as a client: TCP, TLS, upgrade, messages. Small: of ten thousands in a process
 * none owns a buffer while it has nothing unfinished.
 *
 * Use: load_net_init(&net, &loop, &target, &handler);
 *      load_conn_open(&conn, &net, index); … handler.on_open(conn): the upgrade is done
 *      load_conn_begin(conn); append a command to net.out; load_conn_send(conn);
 *      handler.on_message(conn, message) for each protocol message, however frames hold them;
 *      handler.on_closed(conn, &end) when it ended or failed; there, or later, it may be opened again.
 * Pings of WebSocket are answered here; those of the protocol are the caller's. Source: RFC 6455, RFC 7692. What the
 * server sends is not trusted. One thread. */
#ifndef XSHATHRA_LOAD_LOAD_CONN_H
#define XSHATHRA_LOAD_LOAD_CONN_H

#include "base/buf.h"
#include "load/load_loop.h"
#include "load/load_target.h"

/* An inflated message may be so long. */
#define LOAD_MESSAGE_LEN_MAX (4u << 20)
/* What the kernel did not take may be so much; a connection that does not drain ends. */
#define LOAD_UNSENT_LEN_MAX (1u << 20)

struct load_conn;

struct load_end {
    uint32_t code;    /* of the server's close frame; 0 = none came */
    const char *text; /* why; borrowed for the call */
};

struct load_handler {
    void (*on_open)(struct load_conn *conn);
    void (*on_message)(struct load_conn *conn, struct slice message);
    void (*on_closed)(struct load_conn *conn, const struct load_end *end);
};

/* What connections share. */
struct load_net {
    struct load_loop *loop;             /* borrowed */
    const struct load_target *target;   /* borrowed */
    const struct load_handler *handler; /* borrowed */
    struct buf out;                     /* the message that is being made */
    struct ws_inflater *inflater;       /* owned; NULL until one is needed */
    uint64_t received_bytes, sent_bytes;
};

struct load_conn {
    struct load_source source;
    struct load_net *net;  /* borrowed */
    struct ssl_st *tls;    /* owned; NULL without */
    char *rest;            /* the start of an incomplete frame; owned, mostly NULL */
    struct buf *fragments; /* of an incomplete message; owned, mostly NULL */
    struct buf *unsent;    /* what the kernel did not take; owned, mostly NULL */
    uint32_t rest_len;
    uint32_t index;
    uint8_t state_;
    bool is_compressed_; /* the message that the fragments are of */
};

void load_net_init(struct load_net *net, struct load_loop *loop, const struct load_target *target,
                   const struct load_handler *handler);
void load_net_deinit(struct load_net *net);

/* conn is zeroed or closed. STATUS_IO: no socket, errno says why; nothing was opened. */
MUST_CHECK enum status load_conn_open(struct load_conn *conn, struct load_net *net, uint32_t index);
/* Empties net->out for a message. */
struct buf *load_conn_begin(struct load_conn *conn);
/* Sends what was appended since as one message; what fails comes as on_closed in a later turn. */
void load_conn_send(struct load_conn *conn);
/* Without on_closed. says_good_bye: with a close frame of 1000 first, and in the order of TCP; else by a reset. */
void load_conn_close(struct load_conn *conn, bool says_good_bye);
bool load_conn_is_open(const struct load_conn *conn); /* the upgrade is done, and it has not ended */

#endif
