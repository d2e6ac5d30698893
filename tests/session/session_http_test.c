/* HTTP over real sockets: splits, pipelines with pending answers, ends, deadlines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session/support/session_rig.h"

#include "base/mem.h"

static const char post[] = "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
static const char chunked[] =
    "POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";

static void a_request_split_at_any_byte_gets_the_same_answer(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    static const char *const requests[] = { post, chunked };
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    for (size_t q = 0; q < 2; q++) {
        int fd = session_rig_dial(r);
        for (size_t split = 0; split <= strlen(requests[q]); split++) {
            buf_clear(&out);
            session_rig_write(r, fd, requests[q], split);
            session_rig_write(r, fd, requests[q] + split, strlen(requests[q]) - split);
            session_rig_read_until(r, fd, &out, "POST [hello]");
        }
        close(fd);
        fd = session_rig_dial(r);
        buf_clear(&out);
        for (size_t i = 0; i < strlen(requests[q]); i++) session_rig_write(r, fd, requests[q] + i, 1);
        session_rig_read_until(r, fd, &out, "POST [hello]");
        close(fd);
    }
    buf_deinit(&out);
    session_rig_free(r);
}

/* The order of these texts in out. */
static void expect_order(const struct buf *out, const char *const *texts, size_t count)
{
    const char *at = out->ptr, *end = out->ptr + out->len;
    for (size_t i = 0; i < count; i++) {
        at = memmem(at, (size_t)(end - at), texts[i], strlen(texts[i]));
        if (!at) fail_msg("%s is missing or not in its place in %.*s", texts[i], (int)out->len, out->ptr);
        at += strlen(texts[i]);
    }
}

static void pipelined_answers_keep_their_order_around_one_that_waits(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    static const char requests[] = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
                                   "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                                   "PUT /now HTTP/1.1\r\nHost: a\r\n\r\n"
                                   "POST /again HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
                                   "GET /refused HTTP/1.1\r\nHost: a\r\n\r\n"
                                   "DELETE /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                                   "GET /now HTTP/1.1\r\n\r\n";
    static const char *const order[] = { "GET []", "later 7", "PUT []", "after 3", "401", "refused", "DELETE []" };
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    for (size_t split = 0; split < sizeof requests; split += 7) {
        int fd = session_rig_dial(r);
        buf_clear(&out);
        session_rig_write(r, fd, requests, split);
        session_rig_turns(r, 3);
        bool early = r->later != NULL;
        if (early) session_rig_finish(r);
        session_rig_write(r, fd, requests + split, sizeof requests - 1 - split);
        session_rig_turns(r, 10);
        if (!early) {
            session_rig_read_until(r, fd, &out, "GET []");
            assert_false(session_rig_holds(&out, "PUT"));
            session_rig_finish(r);
        }
        session_rig_read_end(r, fd, &out);
        expect_order(&out, order, sizeof order / sizeof order[0]);
        assert_false(session_rig_holds(&out, " 400 ")); /* what follows Connection: close is not looked at */
        close(fd);
    }
    buf_deinit(&out);
    session_rig_free(r);
}

static void a_body_that_is_expected_to_continue_is_asked_for(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    int fd = session_rig_dial(r);
    session_rig_say(r, fd, "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    session_rig_read_until(r, fd, &out, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(r->starts, 0);
    session_rig_say(r, fd, "hel");
    session_rig_say(r, fd, "lo");
    session_rig_read_until(r, fd, &out, "POST [hello]");
    /* one that did not wait is not told */
    buf_clear(&out);
    session_rig_say(r, fd, "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    session_rig_read_until(r, fd, &out, "POST [hello]");
    /* a refused one is refused instead */
    buf_clear(&out);
    session_rig_say(r, fd, "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    session_rig_read_end(r, fd, &out);
    assert_true(session_rig_holds(&out, "401"));
    assert_false(session_rig_holds(&out, "100 Continue"));
    close(fd);
    buf_deinit(&out);
    session_rig_free(r);
}

static void a_broken_request_is_answered_after_the_answers_owed(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    int fd = session_rig_dial(r);
    session_rig_say(
        r, fd, "GET /now HTTP/1.1\r\nHost: a\r\n\r\nGET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /now HTTP/2.0\r\n\r\n");
    session_rig_finish(r);
    session_rig_read_end(r, fd, &out);
    static const char *const order[] = { "GET []", "later 7", "\"error\"" };
    expect_order(&out, order, 3);
    close(fd);
    fd = session_rig_dial(r);
    buf_clear(&out);
    session_rig_say(r, fd, "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
    session_rig_read_end(r, fd, &out);
    assert_true(session_rig_holds(&out, " 413 "));
    close(fd);
    buf_deinit(&out);
    session_rig_free(r);
}

static void a_peer_that_shuts_its_side_down_gets_its_answer(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    static const char *const paths[] = { "/now", "/later", "/again" };
    for (size_t i = 0; i < 3; i++) {
        char request[128];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        int fd = session_rig_dial(r);
        buf_clear(&out);
        assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
        shutdown(fd, SHUT_WR);
        session_rig_turns(r, 5);
        if (r->later) session_rig_finish(r);
        session_rig_read_end(r, fd, &out);
        assert_true(session_rig_holds(&out, "HTTP/1.1 200"));
        close(fd);
    }
    buf_deinit(&out);
    session_rig_free(r);
}

static void a_peer_that_goes_while_its_answer_waits_is_forgotten(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    int fd = session_rig_dial(r);
    session_rig_say(r, fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    struct handle handle = session_handle(session_rig_session(r));
    struct linger hard = { 1, 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    session_rig_turns(r, 10);
    session_host_abort(&r->host);
    session_rig_turns(r, 5);
    assert_int_equal(r->exchanges, 0);
    session_take_effect_done(&r->host, handle, 1, 1); /* nobody is there */
    fd = session_rig_dial(r);
    session_take_effect_done(&r->host, handle, 1, 1); /* nor another in its place */
    close(fd);
    session_rig_free(r);
}

#define NEAR(ms) assert_in_range(session_rig_deadline(r), (ms)-200, (ms) + 200)

static void each_state_has_its_deadline_and_slow_bytes_do_not_move_it(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    int fd = session_rig_dial(r);
    NEAR(SESSION_HEAD_TIMEOUT_MS);
    usleep(500000);
    session_rig_say(r, fd, "GET /no");
    NEAR(SESSION_HEAD_TIMEOUT_MS - 500);
    session_rig_say(r, fd, "w HTTP/1.1\r\nHost: a\r\n\r\n");
    NEAR(SESSION_IDLE_TIMEOUT_MS);
    session_rig_say(r, fd, "P");
    NEAR(SESSION_HEAD_TIMEOUT_MS);
    session_rig_say(r, fd, "OST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    NEAR(SESSION_BODY_TIMEOUT_MS);
    usleep(500000);
    session_rig_say(r, fd, "l");
    NEAR(SESSION_BODY_TIMEOUT_MS - 500);
    session_rig_say(r, fd, "lo");
    NEAR(SESSION_IDLE_TIMEOUT_MS);
    session_rig_say(r, fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    NEAR(SESSION_ANSWER_TIMEOUT_MS);
    session_rig_expire(r);
    session_rig_read_until(r, fd, &out, "too late");
    assert_int_equal(r->exchanges, 0);
    session_rig_turns(r, 5);
    NEAR(SESSION_IDLE_TIMEOUT_MS);
    session_rig_say(r, fd, "GET /now HTTP/1.1\r\nHost: a\r\n\r\nGET /n"); /* the second has begun */
    NEAR(SESSION_HEAD_TIMEOUT_MS);
    session_rig_expire(r);
    session_rig_read_end(r, fd, &out);
    close(fd);
    buf_deinit(&out);
    session_rig_free(r);
}

static void draining_ends_idle_connections_and_answers_what_is_owed(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    int idle = session_rig_dial(r), waiting = session_rig_dial(r), body = session_rig_dial(r);
    session_rig_say(r, idle, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    session_rig_say(r, waiting, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    session_rig_say(r, body, "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    uint32_t slot = 0;
    while (session_host_drain(&r->host, &slot, 1)) session_rig_turns(r, 1);
    session_rig_read_end(r, idle, &out);
    assert_true(session_rig_holds(&out, "GET []"));
    buf_clear(&out);
    session_rig_finish(r);
    session_rig_read_end(r, waiting, &out);
    assert_true(session_rig_holds(&out, "later 7") && session_rig_holds(&out, "Connection: close"));
    buf_clear(&out);
    session_rig_say(r, body, "llo");
    session_rig_read_end(r, body, &out);
    assert_true(session_rig_holds(&out, "POST [hello]") && session_rig_holds(&out, "Connection: close"));
    close(idle);
    close(waiting);
    close(body);
    buf_deinit(&out);
    session_rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_split_at_any_byte_gets_the_same_answer),
        cmocka_unit_test(pipelined_answers_keep_their_order_around_one_that_waits),
        cmocka_unit_test(a_body_that_is_expected_to_continue_is_asked_for),
        cmocka_unit_test(a_broken_request_is_answered_after_the_answers_owed),
        cmocka_unit_test(a_peer_that_shuts_its_side_down_gets_its_answer),
        cmocka_unit_test(a_peer_that_goes_while_its_answer_waits_is_forgotten),
        cmocka_unit_test(each_state_has_its_deadline_and_slow_bytes_do_not_move_it),
        cmocka_unit_test(draining_ends_idle_connections_and_answers_what_is_owed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
