#include "net/support/net_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/net_conn_private.h"
#include "net/net_merged.h"

#define CONN_COUNT 4

/* The kernel of these tests: the send() numbered cut_at takes only cut_len bytes. send() is
 * how a kept frame goes out, sendmsg() how one is built. */
static int send_count, sendmsg_count, cut_at;
static size_t cut_len;

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    if (++send_count == cut_at) {
        if (cut_len == 0) return errno = EAGAIN, -1;
        len = cut_len < len ? cut_len : len;
    }
    return syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    sendmsg_count++;
    return syscall(SYS_sendmsg, fd, message, flags);
}

static struct net_loop loop;
static struct test_conn conns[CONN_COUNT];

static int set_up(void **state)
{
    send_count = sendmsg_count = cut_at = 0;
    cut_len = 0;
    test_loop_init(&loop);
    for (size_t i = 0; i < CONN_COUNT; i++) {
        test_conn_open(&conns[i], &loop);
        conns[i].conn.framing = &test_framing;
    }
    return 0;
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < CONN_COUNT; i++) test_conn_end(&conns[i]);
    net_loop_deinit(&loop);
    return 0;
}

static void send_to(size_t index, struct blob *blob)
{
    assert_int_equal(net_conn_send(&conns[index].conn, blob_ref(blob), NET_FLUSH_DELIVERY), STATUS_OK);
}

static void send_to_all(const char *text)
{
    struct blob *blob = test_message(text, strlen(text), 1);
    for (size_t i = 0; i < CONN_COUNT; i++) send_to(i, blob);
    blob_unref(blob);
}

static void assert_got(size_t index, const char *text, size_t frames_expected)
{
    struct buf stream, parsed;
    size_t frame_count = 0;
    buf_init(&stream, BUF_NO_LIMIT);
    buf_init(&parsed, BUF_NO_LIMIT);
    test_peer_read(&conns[index], &stream);
    assert_int_equal(test_parse(buf_slice(&stream), &parsed, &frame_count), stream.len);
    assert_int_equal(parsed.len, strlen(text));
    assert_memory_equal(parsed.ptr, text, parsed.len);
    assert_int_equal(frame_count, frames_expected);
    buf_deinit(&stream);
    buf_deinit(&parsed);
}

static void all_who_have_the_same_messages_get_the_same_frame(void **state)
{
    send_to_all("one");
    send_to_all("two");
    send_to_all("three");
    test_turns(&loop, 1);
    for (size_t i = 0; i < CONN_COUNT; i++) {
        assert_got(i, "one\ntwo\nthree\n", 1);
        assert_int_equal(net_conn_queued(&conns[i].conn), 0);
    }
    assert_int_equal(sendmsg_count, 2); /* the second time it is kept */
    assert_int_equal(send_count, CONN_COUNT - 2);
    assert_int_equal(loop.messages_out, 3 * CONN_COUNT);
    assert_int_equal(net_merged_count(&loop), 0); /* nothing outlives the flush */
}

static void a_list_that_differs_or_goes_on_is_not_taken_for_the_kept_one(void **state)
{
    struct blob *more = test_message("more", 4, 1), *other = test_message("two", 3, 1);
    send_to_all("one");
    struct blob *two = test_message("two", 3, 1);
    for (size_t i = 0; i < 3; i++) send_to(i, two);
    send_to(2, more);
    send_to(3, other); /* the same text in another blob */
    test_turns(&loop, 1);
    assert_got(0, "one\ntwo\n", 1);
    assert_got(1, "one\ntwo\n", 1);
    assert_got(2, "one\ntwo\nmore\n", 1);
    assert_got(3, "one\ntwo\n", 1);
    assert_int_equal(sendmsg_count, 4);
    blob_unref(two);
    blob_unref(more);
    blob_unref(other);
}

static void one_with_a_frame_begun_finishes_it_first(void **state)
{
    struct blob *alone = test_message("alone", 5, 1);
    cut_at = 1;
    cut_len = 3;
    send_to(3, alone);
    test_turns(&loop, 1);
    send_to_all("one");
    send_to_all("two");
    net_conn_drop(&conns[3].conn, NET_FLAG_BLOCKED);
    net_conn_mark_dirty(&conns[3].conn, NET_FLUSH_DELIVERY);
    test_turns(&loop, 2);
    assert_got(3, "alone\none\ntwo\n", 2);
    assert_got(2, "one\ntwo\n", 1);
    blob_unref(alone);
}

static void a_kept_frame_cut_at_any_byte_is_finished(void **state)
{
    const size_t frame_len = TEST_HEADER_LEN + strlen("one\ntwo\nthree");
    for (cut_len = 0; cut_len < frame_len; cut_len++) {
        send_count = 0;
        cut_at = 1; /* the third connection, the first with the kept frame */
        send_to_all("one");
        send_to_all("two");
        send_to_all("three");
        test_turns(&loop, 1);
        assert_true(net_conn_has(&conns[2].conn, NET_FLAG_BLOCKED));
        net_conn_drop(&conns[2].conn, NET_FLAG_BLOCKED);
        net_conn_mark_dirty(&conns[2].conn, NET_FLUSH_DELIVERY);
        test_turns(&loop, 1);
        for (size_t i = 0; i < CONN_COUNT; i++) assert_got(i, "one\ntwo\nthree\n", 1);
    }
}

static void a_frame_over_the_limit_is_not_kept(void **state)
{
    static char body[NET_MERGED_LEN_MAX];
    const size_t lens[] = { NET_MERGED_LEN_MAX - TEST_HEADER_LEN - 2, NET_MERGED_LEN_MAX - TEST_HEADER_LEN - 1 };
    memset(body, 'x', sizeof body);
    for (size_t i = 0; i < ARRAY_COUNT(lens); i++) { /* with "y" and a separator: the limit, and one more */
        send_count = 0;
        struct blob *large = test_message(body, lens[i], 1);
        for (size_t k = 0; k < CONN_COUNT; k++) send_to(k, large);
        send_to_all("y");
        test_turns(&loop, 1);
        assert_int_equal(send_count, i == 0 ? CONN_COUNT - 2 : 0);
        for (size_t k = 0; k < CONN_COUNT; k++) {
            struct buf stream;
            buf_init(&stream, BUF_NO_LIMIT);
            test_peer_read(&conns[k], &stream);
            assert_int_equal(stream.len, TEST_HEADER_LEN + lens[i] + 2);
            buf_deinit(&stream);
        }
        blob_unref(large);
    }
}

static void without_memory_everything_is_sent_all_the_same(void **state)
{
    assert_null(loop.merged_);
    send_to_all("one");
    send_to_all("two");
    mem_fail_after(1);
    test_turns(&loop, 1);
    assert_false(mem_fail_pending());
    for (size_t i = 0; i < CONN_COUNT; i++) assert_got(i, "one\ntwo\n", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_who_have_the_same_messages_get_the_same_frame, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_that_differs_or_goes_on_is_not_taken_for_the_kept_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_with_a_frame_begun_finishes_it_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kept_frame_cut_at_any_byte_is_finished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_frame_over_the_limit_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_everything_is_sent_all_the_same, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
