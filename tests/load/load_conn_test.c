#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "load/load_conn.h"

#define UPGRADED "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define WAIT_MS  5000

/* One connection to a server that this test plays on the other end of the socket. */
struct stage {
    struct load_loop loop;
    struct load_target target;
    struct load_net net;
    struct load_conn conn;
    int listener, peer;
    char said[512]; /* each message, then '|' */
    bool is_open, is_closed;
    struct load_end end;
    char end_text[128];
};
static struct stage *on_stage;

static void on_open(struct load_conn *conn)
{
    on_stage->is_open = true;
}

static void on_message(struct load_conn *conn, struct slice message)
{
    size_t len = strlen(on_stage->said);
    snprintf(on_stage->said + len, sizeof on_stage->said - len, "%.*s|", SLICE_ARG(message));
}

static void on_closed(struct load_conn *conn, const struct load_end *end)
{
    on_stage->is_closed = true;
    on_stage->end = *end;
    snprintf(on_stage->end_text, sizeof on_stage->end_text, "%s", end->text);
}

static const struct load_handler handler = { on_open, on_message, on_closed };

static int set_up(void **state)
{
    struct stage *s = on_stage = mem_must_alloc_zero(sizeof *s);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    char url[64], error[LOAD_TARGET_ERROR_MAX];
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/x", ntohs(address.sin_port));
    assert_int_equal(load_target_init(&s->target, url, error), STATUS_OK);
    assert_int_equal(load_loop_init(&s->loop), STATUS_OK);
    load_net_init(&s->net, &s->loop, &s->target, &handler);
    assert_int_equal(load_conn_open(&s->conn, &s->net, 0), STATUS_OK);
    s->peer = accept(s->listener, NULL, NULL);
    *state = s;
    return s->peer < 0;
}

static int tear_down(void **state)
{
    struct stage *s = *state;
    load_conn_close(&s->conn, false);
    close(s->peer);
    close(s->listener);
    load_net_deinit(&s->net);
    load_loop_deinit(&s->loop);
    load_target_deinit(&s->target);
    mem_free(s);
    return 0;
}

static void say(struct stage *s, struct slice bytes)
{
    assert_int_equal(send(s->peer, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
}

static bool is_open(void *context)
{
    return ((struct stage *)context)->is_open;
}

static bool is_closed(void *context)
{
    return ((struct stage *)context)->is_closed;
}

static void upgrade(struct stage *s)
{
    say(s, SLICE(UPGRADED));
    assert_true(load_loop_until(&s->loop, is_open, s, WAIT_MS));
}

static bool has_said(void *context)
{
    size_t len = strlen(((struct stage *)context)->said);
    return len >= 4 && strcmp(((struct stage *)context)->said + len - 4, "end|") == 0;
}

/* All that comes, until a message "end". */
static void hear(struct stage *s)
{
    say(s, SLICE("\x81\x03"
                 "end"));
    assert_true(load_loop_until(&s->loop, has_said, s, WAIT_MS));
}

static void the_upgrade_names_path_and_host(void **state)
{
    struct stage *s = *state;
    char head[1024] = "";
    s->target.origin = "http://o";
    load_loop_turn(&s->loop, 1000000000);
    assert_true(recv(s->peer, head, sizeof head - 1, 0) > 0);
    assert_ptr_equal(strstr(head, "GET /x HTTP/1.1\r\nHost: 127.0.0.1:"), head);
    assert_non_null(strstr(head, "Origin: http://o\r\n"));
    assert_non_null(strstr(head, "Sec-WebSocket-Version: 13\r\n"));
}

static void messages_come_one_by_one_however_frames_hold_them(void **state)
{
    struct stage *s = *state;
    upgrade(s);
    say(s, SLICE("\x81\x07"
                 "one\ntwo"));
    say(s, SLICE("\x01\x02th\x89\x01p\x00\x01r\x80\x02"
                 "ee")); /* in three fragments, and a ping between them */
    hear(s);
    assert_string_equal(s->said, "one|two|three|end|");
    char pong[7];
    char head[1024];
    ssize_t got = recv(s->peer, head, sizeof head, 0); /* the upgrade and the pong, or the pong alone after it */
    while (got < (ssize_t)sizeof pong || (uint8_t)head[got - 7] != 0x8a)
        got += recv(s->peer, head + got, sizeof head - (size_t)got, 0);
    assert_int_equal((uint8_t)head[got - 6], 0x81);
}

static void bytes_may_come_one_at_a_time(void **state)
{
    struct stage *s = *state;
    static const struct slice bytes = SLICE(UPGRADED "\x81\x07"
                                                     "one\ntwo\x01\x02th\x80\x03ree\x81\x03"
                                                     "end");
    for (size_t i = 0; i < bytes.len; i++) {
        say(s, slice_of(bytes.ptr + i, 1));
        load_loop_turn(&s->loop, 1000000000);
    }
    assert_true(load_loop_until(&s->loop, has_said, s, WAIT_MS));
    assert_string_equal(s->said, "one|two|three|end|");
}

static void every_end_says_why(void **state)
{
    static const struct {
        bool upgrades;
        struct slice bytes;
        uint32_t code;
        const char *text;
    } rows[] = {
        { false, SLICE("HTTP/1.1 403 Forbidden\r\nX: y\r\n\r\n"), 0, "upgrade refused: HTTP/1.1 403 Forbidden" },
        { false, SLICE("HTTP/1.1 101 x\r\n\r\n"), 0, "wrong Sec-WebSocket-Accept" },
        { true,
          SLICE("\x88\x07\x0d\xac"
                "token"),
          3500, "token" },
        { true, SLICE("\x88\x00"), 1005, "the server closed it" },
        { true, SLICE("\x81\x82"), 0, "no frame" },
        { true, SLICE("\x80\x01x"), 0, "no message" },          /* a continuation of nothing */
        { true, SLICE("\x01\x01x\x81\x01x"), 0, "no message" }, /* a new message inside one */
        { true, SLICE("\xc1\x01x"), 0, "no message" },          /* compressed, which was not asked for */
        { true, SLICE("\x83\x01x"), 0, "no message" },          /* a reserved opcode */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        void *each;
        assert_int_equal(set_up(&each), 0);
        struct stage *s = each;
        if (rows[i].upgrades) upgrade(s);
        say(s, rows[i].bytes);
        assert_true(load_loop_until(&s->loop, is_closed, s, WAIT_MS));
        assert_int_equal(s->end.code, rows[i].code);
        if (!strstr(s->end_text, rows[i].text)) fail_msg("row %zu: %s", i, s->end_text);
        assert_false(load_conn_is_open(&s->conn));
        tear_down(&each);
    }
    on_stage = *state;
}

static void what_the_kernel_does_not_take_at_once_is_sent_later_and_in_order(void **state)
{
    struct stage *s = *state;
    static char got[1 << 20];
    int small = 4096;
    size_t sent = 0, len = 0;
    upgrade(s);
    setsockopt(s->conn.source.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    while (!s->conn.unsent) {
        buf_printf(load_conn_begin(&s->conn), "%0*u", 1000, 7u);
        load_conn_send(&s->conn);
        sent += 1000 + 8; /* with a header of 8 */
        assert_true(sent < sizeof got);
    }
    while (len < sent || s->conn.unsent) { /* the upgrade comes first */
        ssize_t more = recv(s->peer, got + len, sizeof got - len, MSG_DONTWAIT);
        if (more > 0) len += (size_t)more;
        load_loop_turn(&s->loop, 1000000);
    }
    assert_true(load_conn_is_open(&s->conn));
}

static void a_peer_that_goes_away_is_an_end(void **state)
{
    struct stage *s = *state;
    upgrade(s);
    shutdown(s->peer, SHUT_RDWR);
    assert_true(load_loop_until(&s->loop, is_closed, s, WAIT_MS));
    assert_string_equal(s->end_text, "the server ended it");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_upgrade_names_path_and_host),
        TEST(messages_come_one_by_one_however_frames_hold_them),
        TEST(bytes_may_come_one_at_a_time),
        TEST(every_end_says_why),
        TEST(what_the_kernel_does_not_take_at_once_is_sent_later_and_in_order),
        TEST(a_peer_that_goes_away_is_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
