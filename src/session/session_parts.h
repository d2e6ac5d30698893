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
extern const struct client_port session_ws_port, session_ws_protobuf_port;
extern const struct net_framing session_ws_framing;
size_t session_ws_data(struct session *s, char *bytes, size_t len);
size_t session_ws_wanted(struct session *s);
void session_ws_deinit(struct session *s);
void session_ws_eof(struct session *s);

/* session_group.c */
void session_join_group(struct session *s, uint32_t space);
void session_leave_group(struct session *s);

static inline struct session *session_of_client(const struct client *c)
{
    return (struct session *)((char *)(uintptr_t)c - offsetof(struct session, ws.client));
}

#endif
