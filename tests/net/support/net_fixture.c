#include "net/support/net_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/platform_clock.h"

static size_t test_header(uint8_t flags, size_t payload_len, uint8_t out[])
{
    out[0] = 'F';
    out[1] = flags;
    for (int i = 0; i < 4; i++) out[2 + i] = (uint8_t)(payload_len >> (8 * i));
    return TEST_HEADER_LEN;
}

const struct net_framing test_framing = { .header = test_header, .payload_len_max = 20000 };

static struct test_conn *test_of(struct net_conn *conn)
{
    return container_of(conn, struct test_conn, conn);
}

static size_t on_data(struct net_conn *conn, char *bytes, size_t len)
{
    struct test_conn *t = test_of(conn);
    t->data_calls++;
    t->last_bytes = bytes;
    size_t take = len < t->take_max ? len : t->take_max;
    take -= take % t->take_multiple;
    buf_append(&t->got, slice_of(bytes, take));
    if (t->echo && take > 0)
        assert_int_equal(net_conn_send(conn, blob_new_raw(slice_of(bytes, take)), NET_FLUSH_ANSWER), STATUS_OK);
    if (t->on_data) t->on_data(t);
    return net_conn_closing(conn) ? SIZE_MAX : take; /* what is returned then does not matter */
}

static void on_eof(struct net_conn *conn, int error)
{
    struct test_conn *t = test_of(conn);
    t->eof_calls++;
    t->eof_error = error;
    if (t->on_eof) t->on_eof(t);
}

static void on_deadline(struct net_conn *conn)
{
    struct test_conn *t = test_of(conn);
    t->deadline_calls++;
    if (t->on_deadline) t->on_deadline(t);
}

static void on_closed(struct net_conn *conn)
{
    test_of(conn)->closed_calls++;
}

static size_t bytes_wanted(struct net_conn *conn)
{
    return test_of(conn)->wanted;
}

const struct net_conn_ops test_ops = { .on_data = on_data,
                                       .on_eof = on_eof,
                                       .on_deadline = on_deadline,
                                       .on_closed = on_closed,
                                       .bytes_wanted = bytes_wanted };

void test_loop_init(struct net_loop *loop)
{
    assert_int_equal(net_loop_init(loop, &(struct net_loop_options){ 0 }), STATUS_OK);
}

static void open_with(struct test_conn *t, struct net_loop *loop, int fd, int peer)
{
    *t = (struct test_conn){ .peer = peer, .take_max = SIZE_MAX, .take_multiple = 1 };
    buf_init(&t->got, BUF_NO_LIMIT);
    fcntl(peer, F_SETFL, fcntl(peer, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    assert_int_equal(net_conn_init(&t->conn, loop, fd, &test_ops, &loop->default_group), STATUS_OK);
}

void test_conn_open(struct test_conn *t, struct net_loop *loop)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    open_with(t, loop, fds[0], fds[1]);
}

void test_conn_open_tcp(struct test_conn *t, struct net_loop *loop)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    const int peer = socket(AF_INET, SOCK_STREAM, 0), small = SMALL_BUFFER;
    setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(connect(peer, (struct sockaddr *)&address, len), 0);
    const int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    close(listener);
    open_with(t, loop, fd, peer);
}

void test_turns(struct net_loop *loop, int count)
{
    while (count-- > 0) net_loop_turn(loop, 0);
}

void test_turns_until(struct net_loop *loop, const int *value, int at_least)
{
    const uint64_t end_ms = platform_clock_ms() + 20000;
    while (*value < at_least) {
        assert_true(platform_clock_ms() < end_ms);
        net_loop_turn(loop, 20);
    }
}

void test_conn_deinit(struct test_conn *t)
{
    if (t->peer >= 0) close(t->peer);
    t->peer = -1;
    buf_deinit(&t->got);
}

void test_conn_end(struct test_conn *t)
{
    if (t->closed_calls == 0) {
        net_conn_close(&t->conn, NET_CLOSE_NOW, NULL, 0);
        test_turns_until(t->conn.loop, &t->closed_calls, 1);
    }
    assert_int_equal(t->closed_calls, 1);
    test_conn_deinit(t);
}

struct blob *test_raw(const char *text)
{
    const size_t len = strlen(text);
    struct blob *b = blob_new(BLOB_RAW, 0, len + 2, 0);
    blob_body(b)[0] = 'R';
    blob_body(b)[1] = (char)len;
    memcpy(blob_body(b) + 2, text, len);
    return b;
}

struct blob *test_message(const void *body, size_t len, uint8_t flags)
{
    struct blob *b = blob_new(BLOB_MESSAGE, TEST_HEADER_LEN, len, 1);
    test_header(flags, len, (uint8_t *)blob_header(b));
    if (len) memcpy(blob_body(b), body, len);
    blob_body(b)[len] = '\n';
    b->flags = flags;
    return b;
}

bool test_peer_read(struct test_conn *t, struct buf *into)
{
    for (;;) {
        char bytes[65536];
        const ssize_t got = read(t->peer, bytes, sizeof bytes);
        if (got < 0 && errno == EAGAIN) return true;
        assert_true(got >= 0 || errno == ECONNRESET);
        if (got <= 0) return false;
        buf_append(into, slice_of(bytes, (size_t)got));
    }
}

void test_peer_write(struct test_conn *t, const char *bytes, size_t len)
{
    assert_int_equal(write(t->peer, bytes, len), (ssize_t)len);
}

/* The length of the unit at the front, 0 when it is not all there. */
static size_t unit_len(struct slice s, size_t *header_len)
{
    if (s.len < 2) return 0;
    const uint8_t *bytes = (const uint8_t *)s.ptr;
    size_t len = bytes[1];
    *header_len = 2;
    if (s.ptr[0] != 'R') {
        assert_int_equal(s.ptr[0], 'F');
        if (s.len < TEST_HEADER_LEN) return 0;
        *header_len = TEST_HEADER_LEN;
        len = 0;
        for (int i = 3; i >= 0; i--) len = len << 8 | bytes[2 + i];
    }
    return s.len >= *header_len + len ? *header_len + len : 0;
}

size_t test_parse(struct slice stream, struct buf *out, size_t *frame_count)
{
    size_t done = 0, header_len, len;
    while ((len = unit_len(slice_from(stream, done), &header_len)) > 0) {
        buf_append(out, slice_of(stream.ptr + done + header_len, len - header_len));
        buf_append_char(out, '\n');
        *frame_count += stream.ptr[done] == 'F';
        done += len;
    }
    return done;
}
