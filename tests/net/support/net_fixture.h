/* net_fixture: a loop, connections over socket pairs that note what happens to them,
 * and a framing whose headers can be told from bodies. */
#ifndef XSHATHRA_TESTS_NET_FIXTURE_H
#define XSHATHRA_TESTS_NET_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "net/net_loop.h"

#define SMALL_BUFFER 4608 /* about the least that the kernel grants */

/* Raw bytes are 'R', length, then the length's bytes. A frame is 'F', flags, payload
 * length in 4 bytes, then bodies with '\n' between them. Bodies have no '\n'. */
#define TEST_HEADER_LEN 6
extern const struct net_framing test_framing;

struct test_conn {
    struct net_conn conn;
    int peer;             /* the other end; -1 when closed */
    struct buf got;       /* what on_data took */
    size_t take_max;      /* on_data takes at most this many */
    size_t take_multiple; /* and only multiples of this */
    size_t wanted;        /* what bytes_wanted says */
    int data_calls, eof_calls, deadline_calls, closed_calls;
    int eof_error;
    char *last_bytes;
    /* Called at the end of on_data, on_eof, on_deadline; may be NULL. */
    void (*on_data)(struct test_conn *t);
    void (*on_eof)(struct test_conn *t);
    void (*on_deadline)(struct test_conn *t);
    struct test_conn *other;
    bool echo;
};

extern const struct net_conn_ops test_ops;

void test_loop_init(struct net_loop *loop);
/* A connection over a socket pair of Unix stream sockets, or over loopback TCP. */
void test_conn_open(struct test_conn *t, struct net_loop *loop);
void test_conn_open_tcp(struct test_conn *t, struct net_loop *loop);
/* Closes what is still open and turns the loop until on_closed came. */
void test_conn_end(struct test_conn *t);
void test_conn_deinit(struct test_conn *t); /* memory and peer only */
/* Turns without waiting. */
void test_turns(struct net_loop *loop, int count);
/* Turns until *value is at least this, or fails after some seconds. */
void test_turns_until(struct net_loop *loop, const int *value, int at_least);

struct blob *test_raw(const char *text);
/* A BLOB_MESSAGE with header and separator. */
struct blob *test_message(const void *body, size_t len, uint8_t flags);
/* Everything the peer can read now, appended. Returns false at EOF. */
bool test_peer_read(struct test_conn *t, struct buf *into);
void test_peer_write(struct test_conn *t, const char *bytes, size_t len);
/* Parses a stream: appends each message (raw or body) and '\n' to out; counts frames.
 * Fails on anything malformed; returns the bytes of complete units. */
size_t test_parse(struct slice stream, struct buf *out, size_t *frame_count);

#endif
