#include "net/support/net_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/net_conn_private.h"
#include "net/net_queue.h"
#include "net/net_stall_private.h"
#include "net/net_writer.h"

/* The kernel of these tests: takes only so many bytes of a call. They stand in for the
 * functions of libc. */
static size_t kernel_takes = SIZE_MAX;
static int kernel_error;

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    if (kernel_error) return errno = kernel_error, -1;
    if (kernel_takes == 0 && len > 0) return errno = EAGAIN, -1;
    return syscall(SYS_sendto, fd, bytes, len < kernel_takes ? len : kernel_takes, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (kernel_error) return errno = kernel_error, -1;
    struct iovec cut[NET_PIECES_MAX];
    struct msghdr m = { .msg_iov = cut };
    for (size_t left = kernel_takes; m.msg_iovlen < message->msg_iovlen && left > 0; m.msg_iovlen++) {
        cut[m.msg_iovlen] = message->msg_iov[m.msg_iovlen];
        if (cut[m.msg_iovlen].iov_len > left) cut[m.msg_iovlen].iov_len = left;
        left -= cut[m.msg_iovlen].iov_len;
    }
    if (kernel_takes == 0) return errno = EAGAIN, -1;
    return syscall(SYS_sendmsg, fd, &m, flags);
}

static struct net_loop loop;
static struct test_conn t;
static struct buf stream, parsed;

static int set_up(void **state)
{
    kernel_takes = SIZE_MAX;
    kernel_error = 0;
    test_loop_init(&loop);
    test_conn_open(&t, &loop);
    t.conn.framing = &test_framing;
    buf_init(&stream, BUF_NO_LIMIT);
    buf_init(&parsed, BUF_NO_LIMIT);
    return 0;
}

static int tear_down(void **state)
{
    test_conn_end(&t);
    net_loop_deinit(&loop);
    buf_deinit(&stream);
    buf_deinit(&parsed);
    return 0;
}

static void send_text(const char *text, uint8_t flags)
{
    assert_int_equal(net_conn_send(&t.conn, test_message(text, strlen(text), flags), NET_FLUSH_DELIVERY), STATUS_OK);
}

static void send_raw(const char *text)
{
    assert_int_equal(net_conn_send(&t.conn, test_raw(text), NET_FLUSH_ANSWER), STATUS_OK);
}

/* As if EPOLLOUT had come: this kernel is never full, so it would not. */
static void unblock(void)
{
    net_conn_drop(&t.conn, NET_FLAG_BLOCKED);
    net_conn_mark_dirty(&t.conn, NET_FLUSH_DELIVERY);
}

/* Parses all that came; the number of frames. */
static size_t parse_all(void)
{
    size_t frame_count = 0;
    test_peer_read(&t, &stream);
    buf_clear(&parsed);
    assert_int_equal(test_parse(buf_slice(&stream), &parsed, &frame_count), stream.len);
    return frame_count;
}

static void assert_parsed(const char *text)
{
    assert_int_equal(parsed.len, strlen(text));
    assert_memory_equal(parsed.ptr, text, parsed.len);
}

static void one_message_goes_out_as_it_is(void **state)
{
    send_text("alone", 1);
    assert_int_equal(net_conn_queued(&t.conn), 5 + TEST_HEADER_LEN + BLOB_OVERHEAD);
    assert_int_equal(loop.writes, 0); /* nothing before the flush */
    test_turns(&loop, 1);
    assert_int_equal(parse_all(), 1);
    assert_parsed("alone\n");
    assert_int_equal(loop.writes, 1);
    assert_int_equal(net_conn_queued(&t.conn), 0);
    assert_null(t.conn.partial_);
}

static void several_messages_become_one_frame_in_one_system_call(void **state)
{
    send_text("one", 1);
    send_text("two", 1);
    send_text("", 1);
    send_text("four", 1);
    test_turns(&loop, 1);
    assert_int_equal(parse_all(), 1);
    assert_parsed("one\ntwo\n\nfour\n");
    assert_int_equal(loop.writes, 1);
    assert_int_equal(loop.messages_out, 4);
    assert_int_equal(loop.bytes_out, stream.len);
}

static void other_flags_and_raw_bytes_end_a_frame(void **state)
{
    send_text("a", 1);
    send_text("b", 1);
    send_text("c", 2);
    send_raw("d");
    send_text("e", 2);
    send_text("f", 2);
    test_turns(&loop, 1);
    assert_int_equal(parse_all(), 3);
    assert_parsed("a\nb\nc\nd\ne\nf\n");
    assert_int_equal(stream.ptr[1], 1);
    assert_int_equal(loop.writes, 1);
}

static void a_frame_has_at_most_the_framings_payload(void **state)
{
    static char body[10001];
    memset(body, 'x', sizeof body);
    static const struct {
        size_t first, second, frame_count;
    } rows[] = { { 9999, 10000, 1 }, { 10000, 10000, 2 }, { 10001, 10001, 2 } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        buf_clear(&stream);
        assert_int_equal(net_conn_send(&t.conn, test_message(body, rows[i].first, 1), NET_FLUSH_DELIVERY), STATUS_OK);
        assert_int_equal(net_conn_send(&t.conn, test_message(body, rows[i].second, 1), NET_FLUSH_DELIVERY), STATUS_OK);
        test_turns(&loop, 1);
        assert_int_equal(parse_all(), rows[i].frame_count);
        assert_int_equal(parsed.len, rows[i].first + rows[i].second + 2);
    }
}

static void without_a_framing_messages_are_not_merged(void **state)
{
    t.conn.framing = NULL;
    send_text("a", 1);
    send_text("b", 1);
    test_turns(&loop, 1);
    assert_int_equal(parse_all(), 2);
    assert_parsed("a\nb\n");
    assert_int_equal(loop.writes, 1);
}

static void more_than_fits_one_call_goes_out_in_the_next_turns(void **state)
{
    enum { COUNT = 3 * NET_PIECES_MAX };
    for (int i = 0; i < COUNT; i++) send_text("message", 1);
    net_loop_turn(&loop, 0);
    assert_int_equal(loop.writes, 1); /* one for each turn */
    assert_int_equal(loop.messages_out, NET_PIECES_MAX - 1);
    net_loop_turn(&loop, 1000000); /* does not wait */
    assert_int_equal(loop.writes, 2);
    test_turns(&loop, 3);
    assert_int_equal(parse_all(), 4);
    assert_int_equal(parsed.len, COUNT * 8);
    assert_int_equal(net_conn_queued(&t.conn), 0);
}

static const char mixed[] = "first\nsecond\n\nthird\nraw\nraw too\nfourth\nfifth\nsixth\n";

static void send_mixed(void)
{
    send_text("first", 1);
    send_text("second", 1);
    send_text("", 1);
    send_text("third", 1);
    send_raw("raw");
    send_raw("raw too");
    send_text("fourth", 2);
    send_text("fifth", 1);
    send_text("sixth", 1);
}

static void a_write_cut_at_any_byte_changes_nothing(void **state)
{
    send_mixed();
    test_turns(&loop, 1);
    assert_int_equal(parse_all(), 3);
    assert_parsed(mixed);
    struct buf whole = stream;
    buf_init(&stream, BUF_NO_LIMIT);
    for (size_t cut = 0; cut < whole.len; cut++) {
        for (size_t second = 1; cut + second <= whole.len; second++) {
            buf_clear(&stream);
            send_mixed();
            kernel_takes = cut;
            test_turns(&loop, 2);
            assert_true(net_conn_has(&t.conn, NET_FLAG_BLOCKED));
            unblock();
            kernel_takes = second;
            test_turns(&loop, 1);
            kernel_takes = SIZE_MAX;
            unblock();
            test_turns(&loop, 1);
            test_peer_read(&t, &stream);
            assert_null(t.conn.partial_);
            assert_int_equal(net_conn_queued(&t.conn), 0);
            /* a cut between frames may merge differently what was not begun, so compare messages */
            parse_all();
            assert_parsed(mixed);
        }
    }
    buf_deinit(&whole);
}

static void what_comes_after_a_cut_does_not_enter_the_begun_frame(void **state)
{
    send_text("one", 1);
    send_text("two", 1);
    kernel_takes = 8;
    test_turns(&loop, 1);
    assert_non_null(t.conn.partial_);
    send_text("three", 1);
    send_text("four", 1);
    kernel_takes = SIZE_MAX;
    test_turns(&loop, 1);
    assert_int_equal(loop.writes, 1); /* waits for EPOLLOUT */
    unblock();
    test_turns(&loop, 1);
    assert_int_equal(loop.writes, 2);
    assert_int_equal(parse_all(), 2);
    assert_parsed("one\ntwo\nthree\nfour\n");
}

static void a_final_close_finishes_the_begun_frame_and_drops_the_rest(void **state)
{
    static const char whole[] = "first\nsecond\n\nthird\nlast\n"; /* the frame begun, then the last words */
    for (size_t cut = 0; cut < 120; cut++) {
        static struct test_conn c;
        struct buf got;
        test_conn_open(&c, &loop);
        c.conn.framing = &test_framing;
        buf_init(&got, BUF_NO_LIMIT);
        for (int i = 0; i < 2; i++) {
            static const char *const bodies[] = { "first", "second", "", "third" };
            for (size_t j = 0; j < ARRAY_COUNT(bodies); j++)
                assert_int_equal(net_conn_send(&c.conn, test_message(bodies[j], strlen(bodies[j]), (uint8_t)(1 + i)),
                                               NET_FLUSH_DELIVERY),
                                 STATUS_OK);
        }
        kernel_takes = cut;
        test_turns(&loop, 1);
        net_conn_close(&c.conn, NET_CLOSE_FINAL, test_raw("last"), 5000);
        kernel_takes = SIZE_MAX;
        net_conn_drop(&c.conn, NET_FLAG_BLOCKED);
        net_conn_mark_dirty(&c.conn, NET_FLUSH_DELIVERY);
        test_turns(&loop, 2);
        size_t frame_count = 0;
        const size_t frame_len = TEST_HEADER_LEN + sizeof "first second  third" - 1;
        buf_clear(&parsed);
        assert_false(test_peer_read(&c, &got)); /* our side is shut down */
        assert_int_equal(test_parse(buf_slice(&got), &parsed, &frame_count), got.len);
        assert_int_equal(frame_count, cut == 0 ? 0 : cut <= frame_len ? 1 : 2);
        if (frame_count == 1) assert_parsed(whole);
        assert_int_equal(c.closed_calls, 0); /* lingers for the peer's end */
        close(c.peer);
        c.peer = -1;
        test_turns_until(&loop, &c.closed_calls, 1);
        test_conn_end(&c);
        buf_deinit(&got);
    }
}

static void a_final_close_without_last_words_does_not_wait_for_room(void **state)
{
    static struct test_conn c;
    test_conn_open(&c, &loop);
    assert_int_equal(net_conn_send(&c.conn, test_raw("not begun"), NET_FLUSH_ANSWER), STATUS_OK);
    kernel_takes = 0;
    test_turns(&loop, 1);
    net_conn_close(&c.conn, NET_CLOSE_FINAL, NULL, 60000);
    test_turns(&loop, 1);
    assert_false(test_peer_read(&c, &stream)); /* the end */
    assert_int_equal(stream.len, 0);
    test_conn_end(&c);
}

static void without_memory_for_a_begun_frame_the_connection_fails(void **state)
{
    for (int count = 1; count <= 2; count++) {
        static struct test_conn c;
        test_conn_open(&c, &loop);
        for (int i = 0; i < count; i++)
            assert_int_equal(net_conn_send(&c.conn, test_raw("abc"), NET_FLUSH_ANSWER), STATUS_OK);
        kernel_takes = 3;
        mem_fail_after(1);
        test_turns(&loop, 1);
        assert_false(mem_fail_pending());
        assert_int_equal(c.eof_calls, 1);
        assert_int_equal(c.eof_error, ENOMEM);
        assert_int_equal(net_conn_queued(&c.conn), 0);
        kernel_takes = SIZE_MAX;
        test_conn_end(&c);
    }
}

static void a_peer_that_takes_nothing_for_the_write_timeout_ends(void **state)
{
    static struct test_conn slow;
    test_conn_open(&slow, &loop);
    net_conn_time_writes(&slow.conn, 200);
    net_conn_time_writes(&t.conn, 200);
    assert_int_equal(net_conn_send(&slow.conn, test_raw("taken bit by bit, never quickly"), NET_FLUSH_ANSWER),
                     STATUS_OK);
    send_text("stuck", 1);
    kernel_takes = 1;
    test_turns(&loop, 1);
    while (t.eof_calls == 0) { /* one byte now and then is enough for the other */
        net_stall_end(&slow.conn);
        net_conn_mark_dirty(&slow.conn, NET_FLUSH_DELIVERY);
        net_loop_turn(&loop, 20);
        if (net_queue_empty(&slow.conn))
            assert_int_equal(net_conn_send(&slow.conn, test_raw("more"), NET_FLUSH_ANSWER), STATUS_OK);
    }
    assert_int_equal(t.eof_error, ETIMEDOUT);
    assert_int_equal(net_conn_queued(&t.conn), 0);
    assert_int_equal(slow.eof_calls, 0);
    kernel_takes = 0;
    test_turns_until(&loop, &slow.eof_calls, 1);
    assert_true(list_empty(&loop.stalled_));
    kernel_takes = SIZE_MAX;
    test_conn_end(&slow);
}

static void a_connection_without_a_write_timeout_waits(void **state)
{
    static struct test_conn timed;
    test_conn_open(&timed, &loop);
    net_conn_time_writes(&timed.conn, 100);
    assert_int_equal(net_conn_send(&timed.conn, test_raw("stuck"), NET_FLUSH_ANSWER), STATUS_OK);
    send_text("stuck", 1);
    kernel_takes = 0;
    test_turns_until(&loop, &timed.eof_calls, 1);
    assert_int_equal(t.eof_calls, 0);
    kernel_takes = SIZE_MAX;
    test_conn_end(&timed);
}

static void a_closing_connection_has_its_linger_time_instead(void **state)
{
    static struct test_conn closing;
    test_conn_open(&closing, &loop);
    net_conn_time_writes(&closing.conn, 50);
    assert_int_equal(net_conn_send(&closing.conn, test_raw("begun"), NET_FLUSH_ANSWER), STATUS_OK);
    kernel_takes = 1;
    test_turns(&loop, 1);
    const uint64_t before_ms = loop.now_ms;
    net_conn_close(&closing.conn, NET_CLOSE_FINAL, test_raw("last"), 400);
    test_turns_until(&loop, &closing.closed_calls, 1);
    assert_true(loop.now_ms - before_ms >= 400);
    kernel_takes = SIZE_MAX;
    test_conn_deinit(&closing);
}

static void close_self(struct test_conn *self)
{
    net_conn_close(&self->conn, NET_CLOSE_FLUSH, test_raw("x"), 100);
}

static void a_failing_write_is_told_and_drops_the_queue(void **state)
{
    t.on_eof = close_self;
    send_text("a", 1);
    send_text("b", 1);
    kernel_error = EPIPE;
    test_turns(&loop, 1);
    assert_int_equal(t.eof_calls, 1);
    assert_int_equal(t.eof_error, EPIPE);
    assert_int_equal(t.closed_calls, 1);
}

static void no_memory_for_the_queue_drops_the_message_and_says_so(void **state)
{
    net_queue_free_chunks(&loop);
    send_text("first", 1);
    mem_fail_after(2);
    struct blob *blob = test_message("second", 6, 1);
    assert_int_equal(net_conn_send(&t.conn, blob, NET_FLUSH_DELIVERY), STATUS_NO_MEMORY);
    test_turns(&loop, 1);
    parse_all();
    assert_parsed("first\n");
}

static void deliveries_in_a_row_allocate_nothing_after_the_first(void **state)
{
    struct blob *shared = test_message("shared", 6, 1);
    for (int round = 0; round < 3; round++) {
        if (round > 0) mem_fail_after(1);
        for (int i = 0; i < 40; i++)
            assert_int_equal(net_conn_send(&t.conn, blob_ref(shared), NET_FLUSH_DELIVERY), STATUS_OK);
        test_turns(&loop, 1);
        if (round > 0) assert_true(mem_fail_pending());
        mem_fail_after(0);
        test_peer_read(&t, &stream);
    }
    blob_unref(shared);
}

static void the_queue_keeps_its_order_and_its_count(void **state)
{
    static struct blob *model[2000];
    size_t begin = 0, end = 0;
    srand(9);
    for (int step = 0; step < 20000; step++) {
        if (end < ARRAY_COUNT(model) && rand() % 2) {
            model[end] = test_message("xxxxxxxxxxxx", (size_t)rand() % 12, 1);
            assert_int_equal(net_queue_push(&t.conn, model[end++]), STATUS_OK);
        } else if (rand() % 100 == 0) {
            const size_t keep = (size_t)rand() % 50;
            net_queue_truncate(&t.conn, keep);
            if (end - begin > keep) end = begin + keep;
        } else {
            struct blob *blob = net_queue_pop(&t.conn);
            assert_ptr_equal(blob, begin < end ? model[begin++] : NULL);
            blob_unref(blob);
        }
        if (begin == end) begin = end = 0;
        size_t cost = 0;
        struct net_cursor c = net_queue_begin(&t.conn);
        for (size_t i = begin; i < end; i++) {
            assert_ptr_equal(net_cursor_next(&c), model[i]);
            cost += blob_cost(model[i]);
        }
        assert_null(net_cursor_next(&c));
        assert_int_equal(cost, net_conn_queued(&t.conn));
    }
}

/* A peer that reads nothing while ten megabytes are queued, over a real and narrow socket. */
static void a_stalled_peer_gets_everything_once_it_reads(void **state)
{
    enum { TOTAL = 10000000 };
    static struct test_conn c;
    struct buf expected, got;
    buf_init(&expected, BUF_NO_LIMIT);
    buf_init(&got, BUF_NO_LIMIT);
    test_conn_open_tcp(&c, &loop);
    const int small = SMALL_BUFFER;
    setsockopt(c.conn.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    c.conn.framing = &test_framing;
    srand(11);
    while (expected.len < TOTAL) {
        static char body[9000];
        const size_t len = (size_t)rand() % (rand() % 10 ? 300 : 9000);
        for (size_t i = 0; i < len; i++) body[i] = (char)('a' + rand() % 26);
        const bool raw = rand() % 20 == 0 && len < 200;
        body[len] = '\0';
        struct blob *blob = raw ? test_raw(body) : test_message(body, len, rand() % 8 == 0);
        buf_append(&expected, slice_of(body, len));
        buf_append_char(&expected, '\n');
        assert_int_equal(net_conn_send(&c.conn, blob, NET_FLUSH_DELIVERY), STATUS_OK);
        if (rand() % 64 == 0) net_loop_turn(&loop, 0);
    }
    test_turns(&loop, 50);
    assert_true(net_conn_queued(&c.conn) > TOTAL / 2);
    const uint64_t turns = loop.turns;
    net_loop_turn(&loop, 30);
    assert_int_equal(loop.turns, turns + 1); /* a blocked connection does not keep the loop awake */
    while (net_conn_queued(&c.conn) > 0) {
        net_loop_turn(&loop, 20);
        test_peer_read(&c, &got);
    }
    for (int i = 0; i < 100; i++) usleep(1000), test_peer_read(&c, &got);
    size_t frame_count = 0;
    assert_int_equal(test_parse(buf_slice(&got), &parsed, &frame_count), got.len);
    assert_int_equal(parsed.len, expected.len);
    assert_memory_equal(parsed.ptr, expected.ptr, expected.len);
    print_message("%zu messages in %zu frames and %zu writes\n", (size_t)loop.messages_out, frame_count,
                  (size_t)loop.writes);
    assert_true(frame_count < loop.messages_out / 2);
    test_conn_end(&c);
    buf_deinit(&expected);
    buf_deinit(&got);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_message_goes_out_as_it_is),
        TEST(several_messages_become_one_frame_in_one_system_call),
        TEST(other_flags_and_raw_bytes_end_a_frame),
        TEST(a_frame_has_at_most_the_framings_payload),
        TEST(without_a_framing_messages_are_not_merged),
        TEST(more_than_fits_one_call_goes_out_in_the_next_turns),
        TEST(a_write_cut_at_any_byte_changes_nothing),
        TEST(what_comes_after_a_cut_does_not_enter_the_begun_frame),
        TEST(a_final_close_finishes_the_begun_frame_and_drops_the_rest),
        TEST(a_final_close_without_last_words_does_not_wait_for_room),
        TEST(without_memory_for_a_begun_frame_the_connection_fails),
        TEST(a_peer_that_takes_nothing_for_the_write_timeout_ends),
        TEST(a_connection_without_a_write_timeout_waits),
        TEST(a_closing_connection_has_its_linger_time_instead),
        TEST(a_failing_write_is_told_and_drops_the_queue),
        TEST(no_memory_for_the_queue_drops_the_message_and_says_so),
        TEST(deliveries_in_a_row_allocate_nothing_after_the_first),
        TEST(the_queue_keeps_its_order_and_its_count),
        TEST(a_stalled_peer_gets_everything_once_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
