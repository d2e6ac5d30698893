/* session_parts: what the files of the session share. Private to the folder. */
#ifndef XSHATHRA_SESSION_SESSION_PARTS_H
#define XSHATHRA_SESSION_SESSION_PARTS_H

#include "session/session.h"

/* session_http.c */
void session_http_init(struct session *s);
void session_http_deinit(struct session *s);
size_t session_http_data(struct session *s, char *bytes, size_t len);
void session_http_deadline(struct session *s);
void session_http_eof(struct session *s);
/* An answer for the exchange under way, or not yet. */
void session_http_outcome(struct session *s, enum session_outcome outcome, const struct session_answer *answer);
/* Append an answer to host->out. */
void session_http_write(struct session *s, const struct http_request *request, const struct session_answer *answer);
/* Send what host->out holds. */
void session_http_flush(struct session *s);
/* After shutdown has begun: close when nothing is owed. */
void session_http_drain(struct session *s);

/* session_upgrade.c: answer the handshake; true when the session is a WebSocket now. */
bool session_upgrade(struct session *s, const struct http_request *request);

/* session_ws.c */
/* window_bits as in struct session. */
const struct client_port *session_ws_port(bool protobuf, uint8_t window_bits);
extern const struct net_framing session_ws_framing;
size_t session_ws_data(struct session *s, char *bytes, size_t len);
size_t session_ws_wanted(struct session *s);
void session_ws_deinit(struct session *s);
void session_ws_eof(struct session *s, int error);

/* session_deflate.c: permessage-deflate over what all connections of a worker share */
/* This thread's publications are compressed with what host has; call it when a client agreed. */
void session_deflate_use(struct session_host *host);
void session_deflate_deinit(struct session_host *host);
/* The compressed wire form of a publication, from its plain one; one reference. */
MUST_CHECK struct blob *session_deflate_publication(struct blob *plain);
/* message for this client: compressed, or as it is. Takes the reference, returns one. */
MUST_CHECK struct blob *session_deflate_message(struct session *s, struct blob *message);
/* See ws_inflater_message(); release when the message is done with. */
MUST_CHECK enum status session_deflate_open(struct session_host *host, struct slice payload, struct slice *message);
void session_deflate_release(struct session_host *host);

/* session_group.c */
void session_join_group(struct session *s, uint32_t space);
void session_leave_group(struct session *s);

static inline struct session *session_of_client(const struct client *c)
{
    return (struct session *)((char *)(uintptr_t)c - offsetof(struct session, ws.client));
}

#endif
