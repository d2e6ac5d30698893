/* session_rig: a loop, an engine and a host of sessions in one thread, an application
 * made for tests, and peers over loopback TCP.
 *
 * Use: struct session_rig *r = session_rig_new(0); int fd = session_rig_dial(r);
 *      session_rig_write(r, fd, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n", …);
 *      session_rig_read(r, fd, &text, 1) … session_rig_free(r);
 * Paths of the application: /ws upgrades; /now answers 200 with method and body; /later
 * answers when session_rig_finish() is called; /again after three turns; /refused has
 * its answer (401) at the head. */
#ifndef XSHATHRA_TESTS_SESSION_RIG_H
#define XSHATHRA_TESTS_SESSION_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "session/session.h"
#include "session/session_gate.h"

struct session_rig {
    struct net_loop loop;
    struct mailbox box;
    struct post_office office;
    struct engine_shared shared;
    struct engine engine;
    struct session_host host;
    struct session_gate gate;
    int listener;
    uint16_t port;
    struct exchange *later; /* the last that waits */
    unsigned exchanges;     /* that are not released */
    unsigned starts;
    struct buf answer;
};

typedef void session_rig_policy_fn(struct policy_deployment *d);

/* delay_ms: of each answer of the broker; 0 = answers at once. */
struct session_rig *session_rig_new(uint32_t delay_ms, session_rig_policy_fn *change);
/* Aborts what is left and checks that nothing stays behind. */
void session_rig_free(struct session_rig *r);

int session_rig_dial(struct session_rig *r);
/* The session that was accepted last, or NULL when all are gone. */
struct session *session_rig_session(struct session_rig *r);
void session_rig_turns(struct session_rig *r, int count);
void session_rig_write(struct session_rig *r, int fd, const void *bytes, size_t len);
void session_rig_say(struct session_rig *r, int fd, const char *text);
/* Turns until out holds this text, or the peer sees the end; fails after some seconds. */
void session_rig_read_until(struct session_rig *r, int fd, struct buf *out, const char *text);
/* Turns until the peer sees the end of the stream; everything before goes to out. */
void session_rig_read_end(struct session_rig *r, int fd, struct buf *out);
void session_rig_finish(struct session_rig *r); /* the exchange that waits */
/* Milliseconds from now to the connection's deadline; 0 = none. */
uint64_t session_rig_deadline(struct session_rig *r);
/* Its deadline passes. */
void session_rig_expire(struct session_rig *r);

/* A client's frame, masked. Returns its length. */
size_t session_rig_frame(char *out, uint8_t first_byte, const char *payload, size_t len);
extern const char session_rig_handshake[]; /* a request that is accepted */
bool session_rig_holds(const struct buf *b, const char *text);

#endif
