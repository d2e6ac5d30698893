#include "net/support/net_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

static struct net_loop loop;
static struct test_conn t;

static int set_up(void **state)
{
    test_loop_init(&loop);
    test_conn_open(&t, &loop);
    return 0;
}

static int tear_down(void **state)
{
    test_conn_end(&t);
    net_loop_deinit(&loop);
    return 0;
}

static void assert_got(const char *text)
{
    assert_int_equal(t.got.len, strlen(text));
    if (t.got.len) assert_memory_equal(t.got.ptr, text, t.got.len);
}

static void bytes_that_are_not_taken_come_again_with_what_follows(void **state)
{
    t.take_multiple = 4;
    test_peer_write(&t, "abcde", 5);
    test_turns(&loop, 2);
    assert_got("abcd");
    assert_int_equal(t.data_calls, 1);
    assert_non_null(t.conn.unread_);
    test_peer_write(&t, "fg", 2);
    test_turns(&loop, 1);
    assert_got("abcd");
    test_peer_write(&t, "h", 1);
    test_turns(&loop, 1);
    assert_got("abcdefgh");
    assert_null(t.conn.unread_); /* an idle connection owns no buffer */
}

static void a_stream_echoed_in_random_pieces_comes_back_whole(void **state)
{
    enum { TOTAL = 3000000 };
    char *sent = malloc(TOTAL);
    struct buf back;
    buf_init(&back, BUF_NO_LIMIT);
    srand(3);
    for (int i = 0; i < TOTAL; i++) sent[i] = (char)rand();
    t.echo = true;
    for (size_t at = 0; back.len < TOTAL - 16;) {
        t.take_multiple = (size_t)rand() % 16 + 1;
        t.take_max = (size_t)rand() % 100000 + 16;
        t.wanted = rand() % 2 ? (size_t)rand() % 40000 : 0;
        size_t len = (size_t)rand() % 50000;
        if (len > TOTAL - at) len = TOTAL - at;
        const ssize_t wrote = write(t.peer, sent + at, len);
        if (wrote > 0) at += (size_t)wrote;
        net_conn_resume(&t.conn);
        net_loop_turn(&loop, 0);
        if (rand() % 8 == 0) net_conn_pause(&t.conn);
        test_peer_read(&t, &back);
    }
    assert_memory_equal(back.ptr, sent, back.len);
    buf_deinit(&back);
    free(sent);
}

static void a_long_message_is_read_straight_into_the_connections_own_buffer(void **state)
{
    enum { LONG = 40000 };
    static char bytes[LONG];
    memset(bytes, 'x', LONG);
    t.take_multiple = LONG;
    test_peer_write(&t, bytes, 1000);
    test_turns(&loop, 1);
    t.wanted = LONG - 1000;
    test_peer_write(&t, bytes, 2000);
    test_turns(&loop, 1);
    assert_int_equal(t.conn.unread_cap_, LONG);
    assert_int_equal(t.conn.unread_len_, 3000);
    t.wanted = LONG - 3000;
    test_peer_write(&t, bytes, LONG - 3000);
    test_turns(&loop, 2);
    assert_int_equal(t.got.len, LONG);
    assert_null(t.conn.unread_);
}

static void kept_bytes_of_unknown_length_grow_without_a_limit_of_the_loop(void **state)
{
    static char bytes[100000];
    t.take_max = 0;
    for (int i = 0; i < 3; i++) {
        test_peer_write(&t, bytes, sizeof bytes);
        test_turns(&loop, 4);
    }
    assert_int_equal(t.conn.unread_len_, 3 * sizeof bytes);
    t.take_max = SIZE_MAX;
    test_peer_write(&t, "z", 1);
    test_turns(&loop, 1);
    assert_int_equal(t.got.len, 3 * sizeof bytes + 1);
}

static void a_connection_reads_its_budget_and_comes_again(void **state)
{
    static char bytes[3 * NET_READ_BYTES_PER_TURN / 2];
    test_peer_write(&t, bytes, sizeof bytes);
    net_loop_turn(&loop, 1000);
    assert_int_equal(t.got.len, NET_READ_BYTES_PER_TURN);
    net_loop_turn(&loop, 1000000); /* does not wait: something is left */
    assert_int_equal(t.got.len, sizeof bytes);
    assert_int_equal(loop.reads, 2);
}

static void one_short_read_is_one_system_call(void **state)
{
    test_peer_write(&t, "hello", 5);
    test_turns(&loop, 5);
    assert_int_equal(loop.reads, 1);
}

static void pause_self(struct test_conn *self)
{
    net_conn_pause(&self->conn);
}

static void a_paused_connection_is_not_read_and_goes_on_where_it_was(void **state)
{
    t.on_data = pause_self;
    t.take_max = 3;
    test_peer_write(&t, "abcdef", 6);
    test_turns(&loop, 2);
    test_peer_write(&t, "ghi", 3);
    test_turns(&loop, 2);
    assert_got("abc");
    assert_int_equal(t.data_calls, 1);
    net_conn_resume(&t.conn);
    assert_int_equal(t.data_calls, 1); /* not from inside the call */
    net_loop_turn(&loop, 1000000);     /* kept bytes, before anything new is read */
    assert_got("abcdef");
    t.on_data = NULL;
    t.take_max = SIZE_MAX;
    net_conn_resume(&t.conn);
    net_loop_turn(&loop, 1000000);
    assert_got("abcdefghi");
}

static void the_end_that_came_during_a_pause_is_told_after_the_bytes(void **state)
{
    t.on_data = pause_self;
    t.take_max = 1;
    test_peer_write(&t, "xy", 2);
    shutdown(t.peer, SHUT_WR);
    test_turns(&loop, 3);
    assert_int_equal(t.eof_calls, 0);
    t.on_data = NULL;
    net_conn_resume(&t.conn);
    test_turns(&loop, 3);
    assert_got("xy");
    assert_int_equal(t.eof_calls, 1);
    assert_int_equal(t.eof_error, 0);
}

static void the_end_behind_the_last_bytes_is_told_once(void **state)
{
    test_peer_write(&t, "bye", 3);
    shutdown(t.peer, SHUT_WR);
    test_turns(&loop, 5);
    assert_got("bye");
    assert_int_equal(t.eof_calls, 1);
    assert_false(net_conn_closing(&t.conn)); /* still open for writing */
    assert_int_equal(net_conn_send(&t.conn, test_raw("still here"), NET_FLUSH_ANSWER), STATUS_OK);
    test_turns(&loop, 1);
    struct buf back;
    buf_init(&back, BUF_NO_LIMIT);
    test_peer_read(&t, &back);
    assert_int_equal(back.len, 12);
    buf_deinit(&back);
}

static void a_reset_is_told_with_its_error(void **state)
{
    static struct test_conn tcp;
    test_conn_open_tcp(&tcp, &loop);
    const struct linger reset = { .l_onoff = 1 };
    setsockopt(tcp.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(tcp.peer);
    tcp.peer = -1;
    test_turns_until(&loop, &tcp.eof_calls, 1);
    assert_int_equal(tcp.eof_error, ECONNRESET);
    test_conn_end(&tcp);
}

static void without_memory_for_the_rest_the_connection_fails(void **state)
{
    t.take_multiple = 4;
    test_peer_write(&t, "abcde", 5);
    assert_non_null(buf_reserve(&t.got, 100)); /* so that the next allocation is the loop's */
    mem_fail_after(1);
    test_turns(&loop, 1);
    assert_false(mem_fail_pending());
    assert_int_equal(t.eof_calls, 1);
    assert_int_equal(t.eof_error, ENOMEM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_that_are_not_taken_come_again_with_what_follows),
        TEST(a_stream_echoed_in_random_pieces_comes_back_whole),
        TEST(a_long_message_is_read_straight_into_the_connections_own_buffer),
        TEST(kept_bytes_of_unknown_length_grow_without_a_limit_of_the_loop),
        TEST(a_connection_reads_its_budget_and_comes_again),
        TEST(one_short_read_is_one_system_call),
        TEST(a_paused_connection_is_not_read_and_goes_on_where_it_was),
        TEST(the_end_that_came_during_a_pause_is_told_after_the_bytes),
        TEST(the_end_behind_the_last_bytes_is_told_once),
        TEST(a_reset_is_told_with_its_error),
        TEST(without_memory_for_the_rest_the_connection_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
