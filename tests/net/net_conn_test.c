#include "net/support/net_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net_conn_private.h"

static struct net_loop loop;
static struct test_conn t, other;
static struct buf got;

static int set_up(void **state)
{
    test_loop_init(&loop);
    test_conn_open(&t, &loop);
    test_conn_open(&other, &loop);
    buf_init(&got, BUF_NO_LIMIT);
    return 0;
}

static int tear_down(void **state)
{
    test_conn_end(&t);
    test_conn_end(&other);
    assert_int_equal(loop.conn_count, 0);
    net_loop_deinit(&loop);
    buf_deinit(&got);
    return 0;
}

static void assert_peer_got(const char *bytes, bool open)
{
    assert_int_equal(test_peer_read(&t, &got), open);
    assert_int_equal(got.len, strlen(bytes));
    if (got.len) assert_memory_equal(got.ptr, bytes, got.len);
}

static struct blob *plain(const char *text)
{
    return blob_new_raw(slice_from_cstr(text));
}

static void send_plain(struct test_conn *c, const char *text)
{
    assert_int_equal(net_conn_send(&c->conn, plain(text), NET_FLUSH_ANSWER), STATUS_OK);
}

/* Closing at each moment, in each way. */

static enum net_close how;
static struct test_conn *victim;

static void close_victim(struct test_conn *self)
{
    net_conn_close(&victim->conn, how, plain("last"), 1000);
    /* later words are ignored, and nothing of it is fatal */
    assert_int_equal(net_conn_send(&victim->conn, plain("ignored"), NET_FLUSH_DELIVERY), STATUS_OK);
    net_conn_pause(&victim->conn);
    net_conn_resume(&victim->conn);
    net_conn_set_deadline(&victim->conn, 1);
    net_conn_close(&victim->conn, how, plain("ignored"), 1000);
    assert_int_equal(victim->closed_calls, 0); /* never from inside */
}

static void assert_victim_ends(void)
{
    static const char *const words[] = { [NET_CLOSE_FLUSH] = "queuedlast", [NET_CLOSE_FINAL] = "last" };
    if (how != NET_CLOSE_NOW) {
        test_turns(&loop, 2);
        buf_clear(&got);
        assert_false(test_peer_read(victim, &got)); /* our side is shut down … */
        assert_int_equal(got.len, strlen(words[how]));
        assert_memory_equal(got.ptr, words[how], got.len);
        if (victim->eof_calls == 0) assert_int_equal(victim->closed_calls, 0); /* … and waits for theirs */
        close(victim->peer);
        victim->peer = -1;
    }
    test_turns_until(&loop, &victim->closed_calls, 1);
    assert_int_equal(victim->deadline_calls, 0);
    assert_int_equal(victim->closed_calls, 1);
}

static void from_outside(void)
{
    send_plain(victim, "queued");
    close_victim(victim);
}

static void in_the_own_data(void)
{
    victim->on_data = close_victim;
    victim->take_max = 1;
    send_plain(victim, "queued");
    test_peer_write(victim, "abc", 3);
    net_loop_turn(&loop, 0);
    assert_int_equal(victim->data_calls, 1);
}

static void in_the_own_data_with_kept_bytes(void)
{
    victim->take_max = 0;
    test_peer_write(victim, "abc", 3);
    net_loop_turn(&loop, 0);
    victim->data_calls = 0;
    in_the_own_data();
}

static void in_anothers_data(void)
{
    static struct test_conn *closer;
    closer = victim == &t ? &other : &t;
    send_plain(victim, "queued");
    closer->on_data = close_victim;
    test_peer_write(closer, "x", 1);
    test_peer_write(victim, "x", 1); /* both are ready in this turn */
    net_loop_turn(&loop, 0);
    assert_int_equal(closer->data_calls, 1);
    closer->on_data = NULL;
}

static void in_the_own_end(void)
{
    victim->on_eof = close_victim;
    send_plain(victim, "queued");
    shutdown(victim->peer, SHUT_WR);
    net_loop_turn(&loop, 0);
    assert_int_equal(victim->eof_calls, 1);
}

static void queue_and_close(struct test_conn *self)
{
    send_plain(self, "queued");
    close_victim(self);
}

static void in_the_own_deadline(void)
{
    victim->on_deadline = queue_and_close;
    net_conn_set_deadline(&victim->conn, loop.now_ms + 60);
    test_turns_until(&loop, &victim->deadline_calls, 1);
    victim->deadline_calls = 0;
}

static void in_the_own_deadline_while_paused(void)
{
    net_conn_pause(&victim->conn);
    in_the_own_deadline();
}

static void while_paused_with_unread_bytes(void)
{
    net_conn_pause(&victim->conn);
    test_peer_write(victim, "abc", 3);
    net_loop_turn(&loop, 0);
    from_outside();
}

static void close_is_safe_in_each_situation(void **state)
{
    typedef void situation(void);
    static situation *const situations[] = {
        from_outside,   in_the_own_data,     in_the_own_data_with_kept_bytes,  in_anothers_data,
        in_the_own_end, in_the_own_deadline, in_the_own_deadline_while_paused, while_paused_with_unread_bytes,
    };
    for (size_t i = 0; i < ARRAY_COUNT(situations); i++) {
        for (how = NET_CLOSE_NOW; how <= NET_CLOSE_FINAL; how++) {
            for (int order = 0; order < 2; order++) {
                victim = order ? &other : &t;
                situations[i]();
                assert_victim_ends();
                test_conn_deinit(victim);
                test_conn_open(victim, &loop);
            }
        }
    }
}

static void lingering_ends_at_its_deadline_when_the_peer_does_nothing(void **state)
{
    net_conn_close(&t.conn, NET_CLOSE_FLUSH, plain("bye"), 100);
    const uint64_t begin_ms = loop.now_ms;
    test_turns_until(&loop, &t.closed_calls, 1);
    assert_true(loop.now_ms >= begin_ms + 100);
    assert_true(loop.now_ms < begin_ms + 1000);
    assert_peer_got("bye", false);
}

static void lingering_throws_away_what_still_comes(void **state)
{
    net_conn_close(&t.conn, NET_CLOSE_FLUSH, plain("bye"), 60000);
    static char bytes[200000];
    test_peer_write(&t, bytes, sizeof bytes);
    test_turns(&loop, 8);
    assert_int_equal(t.data_calls, 0);
    assert_int_equal(loop.bytes_in, sizeof bytes);
    assert_int_equal(t.closed_calls, 0);
    shutdown(t.peer, SHUT_WR);
    test_turns(&loop, 2);
    assert_int_equal(t.closed_calls, 1);
    assert_int_equal(t.eof_calls, 0);
}

static void what_came_during_a_pause_is_thrown_away_after_a_close(void **state)
{
    static struct test_conn tcp;
    test_conn_open_tcp(&tcp, &loop);
    net_conn_pause(&tcp.conn);
    test_peer_write(&tcp, "abc", 3);
    while (!net_conn_has(&tcp.conn, NET_FLAG_MORE)) net_loop_turn(&loop, 20);
    assert_int_equal(loop.bytes_in, 0);
    net_conn_close(&tcp.conn, NET_CLOSE_FLUSH, NULL, 60000);
    test_turns(&loop, 2);
    assert_int_equal(loop.bytes_in, 3); /* bytes left unread would turn the end into a reset */
    assert_int_equal(tcp.data_calls, 0);
    test_conn_end(&tcp);
}

static void pause_after_the_first_byte(struct test_conn *self)
{
    if (self->data_calls == 1) net_conn_pause_until_sent(&self->conn);
}

static void a_pause_until_sent_ends_when_the_peer_has_read_all(void **state)
{
    struct blob *big = blob_new(BLOB_RAW, 0, 1000000, 0);
    memset(blob_body(big), 'x', 1000000);
    assert_int_equal(net_conn_send(&t.conn, big, NET_FLUSH_ANSWER), STATUS_OK);
    t.take_max = 1;
    t.on_data = pause_after_the_first_byte;
    test_peer_write(&t, "abc", 3);
    test_turns(&loop, 5);
    assert_int_equal(t.data_calls, 1);
    assert_true(net_conn_queued(&t.conn) > 0);
    t.take_max = SIZE_MAX;
    for (int i = 0; i < 1000 && t.data_calls == 1; i++) {
        (void)test_peer_read(&t, &got);
        test_turns(&loop, 2);
    }
    assert_int_equal(net_conn_queued(&t.conn), 0);
    test_turns(&loop, 2);
    assert_int_equal(t.got.len, 3);
    assert_memory_equal(t.got.ptr, "abc", 3);
}

static void a_pause_until_sent_with_nothing_to_send_ends_at_once(void **state)
{
    t.take_max = 1;
    t.on_data = pause_after_the_first_byte;
    test_peer_write(&t, "abc", 3);
    test_turns_until(&loop, &t.data_calls, 1);
    t.take_max = SIZE_MAX;
    test_turns_until(&loop, &t.data_calls, 2);
    assert_int_equal(t.got.len, 3);
}

static void a_pause_made_meanwhile_outlives_the_sending(void **state)
{
    send_plain(&t, "queued");
    net_conn_pause_until_sent(&t.conn);
    net_conn_pause(&t.conn);
    test_peer_write(&t, "abc", 3);
    test_turns(&loop, 5);
    assert_int_equal(t.data_calls, 0);
    net_conn_resume(&t.conn);
    test_turns_until(&loop, &t.data_calls, 1);
}

static void a_peer_that_never_reads_is_closed_at_the_deadline(void **state)
{
    struct blob *big = blob_new(BLOB_RAW, 0, 8000000, 0);
    memset(blob_body(big), 'x', 8000000);
    assert_int_equal(net_conn_send(&t.conn, big, NET_FLUSH_ANSWER), STATUS_OK);
    test_turns(&loop, 2);
    net_conn_close(&t.conn, NET_CLOSE_FLUSH, plain("bye"), 150);
    test_turns(&loop, 2);
    assert_int_equal(t.closed_calls, 0);
    test_turns_until(&loop, &t.closed_calls, 1);
}

static void a_soft_close_can_be_made_harder_but_not_softer(void **state)
{
    send_plain(&t, "queued");
    net_conn_close(&t.conn, NET_CLOSE_FLUSH, plain("flush"), 60000);
    net_conn_close(&t.conn, NET_CLOSE_FINAL, plain("final"), 60000);
    net_conn_close(&t.conn, NET_CLOSE_FLUSH, plain("ignored"), 60000);
    test_turns(&loop, 2);
    assert_peer_got("final", false);
    assert_int_equal(t.closed_calls, 0);
    net_conn_close(&t.conn, NET_CLOSE_NOW, NULL, 0);
    test_turns(&loop, 1);
    assert_int_equal(t.closed_calls, 1);
}

static void all_that_is_queued_reaches_a_peer_that_had_sent_more(void **state)
{
    static struct test_conn tcp;
    test_conn_open_tcp(&tcp, &loop);
    test_peer_write(&tcp, "unread by us", 12);
    usleep(20000);
    net_conn_close(&tcp.conn, NET_CLOSE_FINAL, plain("last words"), 5000);
    test_turns(&loop, 3);
    usleep(20000);
    assert_false(test_peer_read(&tcp, &got)); /* the end, not a reset: those would have lost the words */
    assert_int_equal(got.len, 10);
    close(tcp.peer);
    tcp.peer = -1;
    test_turns_until(&loop, &tcp.closed_calls, 1);
    test_conn_deinit(&tcp);
}

static void a_deadline_fires_once_and_can_be_moved_and_taken_back(void **state)
{
    net_conn_set_deadline(&t.conn, loop.now_ms + 100000);
    net_conn_set_deadline(&t.conn, loop.now_ms + 100);
    net_conn_set_deadline(&other.conn, loop.now_ms + 50);
    net_conn_set_deadline(&other.conn, 0);
    const uint64_t due_ms = loop.now_ms + 100;
    test_turns_until(&loop, &t.deadline_calls, 1);
    assert_true(loop.now_ms >= due_ms);
    assert_true(loop.now_ms < due_ms + 1000);
    for (int i = 0; i < 5; i++) net_loop_turn(&loop, 60);
    assert_int_equal(t.deadline_calls, 1);
    assert_int_equal(other.deadline_calls, 0);
}

static void answers_leave_after_deliveries_and_in_one_call_with_them(void **state)
{
    send_plain(&t, "answer");
    assert_int_equal(net_conn_send(&other.conn, plain("delivery"), NET_FLUSH_DELIVERY), STATUS_OK);
    assert_true(net_conn_has(&t.conn, NET_FLAG_ANSWER));
    assert_true(net_conn_has(&other.conn, NET_FLAG_DELIVERY));
    assert_int_equal(net_conn_send(&t.conn, plain("delivery"), NET_FLUSH_DELIVERY), STATUS_OK);
    assert_false(net_conn_has(&t.conn, NET_FLAG_ANSWER)); /* the delivery does not wait behind the answer */
    test_turns(&loop, 1);
    assert_int_equal(loop.writes, 2);
    assert_peer_got("answerdelivery", true);
}

static void whoever_has_more_than_crowd_deliveries_is_of_the_crowd_no_more(void **state)
{
    struct net_group *group = t.conn.group_;
    assert_int_equal(net_conn_send(&t.conn, plain("crowd"), NET_FLUSH_CROWD), STATUS_OK);
    assert_int_equal(net_conn_send(&t.conn, plain("crowd"), NET_FLUSH_CROWD), STATUS_OK);
    assert_true(net_conn_has(&t.conn, NET_FLAG_CROWD));
    assert_true(group->crowd_.next == &t.conn.dirty_);
    assert_int_equal(net_conn_send(&t.conn, plain("answer"), NET_FLUSH_ANSWER), STATUS_OK);
    assert_true(net_conn_has(&t.conn, NET_FLAG_DELIVERY) && !net_conn_has(&t.conn, NET_FLAG_CROWD));
    send_plain(&other, "answer");
    assert_int_equal(net_conn_send(&other.conn, plain("crowd"), NET_FLUSH_CROWD), STATUS_OK);
    assert_true(net_conn_has(&other.conn, NET_FLAG_DELIVERY) && !net_conn_has(&other.conn, NET_FLAG_ANSWER));
    test_turns(&loop, 1);
    assert_int_equal(loop.writes, 2);
    assert_true(list_empty(&group->link_) && list_empty(&group->dirty_) && list_empty(&group->crowd_));
    assert_peer_got("crowdcrowdanswer", true);
}

static void groups_follow_their_connections(void **state)
{
    struct net_group a, b;
    net_group_init(&a);
    net_group_init(&b);
    net_conn_set_group(&t.conn, &a);
    assert_int_equal(net_conn_send(&t.conn, plain("x"), NET_FLUSH_DELIVERY), STATUS_OK);
    assert_false(list_empty(&a.dirty_));
    net_conn_set_group(&t.conn, &b);
    assert_true(list_empty(&a.dirty_) && list_empty(&a.link_)); /* a may go */
    test_turns(&loop, 1);
    assert_true(list_empty(&b.dirty_) && list_empty(&b.link_));
    assert_int_equal(net_conn_send(&t.conn, plain("y"), NET_FLUSH_DELIVERY), STATUS_OK);
    net_conn_close(&t.conn, NET_CLOSE_NOW, NULL, 0);
    assert_true(list_empty(&b.dirty_) && list_empty(&b.link_));
    net_loop_turn(&loop, 0);
}

static void the_peers_address_is_shown_as_text(void **state)
{
    static struct test_conn tcp;
    char text[INET6_ADDRSTRLEN];
    test_conn_open_tcp(&tcp, &loop);
    assert_int_equal(net_conn_peer(&tcp.conn, text), 9);
    assert_string_equal(text, "127.0.0.1");
    assert_int_equal(net_conn_peer(&t.conn, text), 0);
    assert_string_equal(text, "");
    test_conn_end(&tcp);
}

static void a_descriptor_that_cannot_be_polled_stays_the_callers(void **state)
{
    struct net_conn conn;
    assert_int_equal(net_conn_init(&conn, &loop, -1, &test_ops, &loop.default_group), STATUS_IO);
    assert_int_equal(loop.conn_count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(close_is_safe_in_each_situation),
        TEST(lingering_ends_at_its_deadline_when_the_peer_does_nothing),
        TEST(lingering_throws_away_what_still_comes),
        TEST(what_came_during_a_pause_is_thrown_away_after_a_close),
        TEST(a_pause_until_sent_ends_when_the_peer_has_read_all),
        TEST(a_pause_until_sent_with_nothing_to_send_ends_at_once),
        TEST(a_pause_made_meanwhile_outlives_the_sending),
        TEST(a_peer_that_never_reads_is_closed_at_the_deadline),
        TEST(a_soft_close_can_be_made_harder_but_not_softer),
        TEST(all_that_is_queued_reaches_a_peer_that_had_sent_more),
        TEST(a_deadline_fires_once_and_can_be_moved_and_taken_back),
        TEST(answers_leave_after_deliveries_and_in_one_call_with_them),
        TEST(whoever_has_more_than_crowd_deliveries_is_of_the_crowd_no_more),
        TEST(groups_follow_their_connections),
        TEST(the_peers_address_is_shown_as_text),
        TEST(a_descriptor_that_cannot_be_polled_stays_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
