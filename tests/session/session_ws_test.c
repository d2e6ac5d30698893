/* WebSocket clients over real sockets: handshakes and frames in any pieces, commands that wait, closing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session/support/session_rig.h"

#include "base/mem.h"

enum { TEXT = 0x81, CLOSE = 0x88, PING = 0x89, PONG = 0x8a };

static void say(struct session_rig *r, int fd, const char *text)
{
    static char frame[70000];
    session_rig_write(r, fd, frame, session_rig_frame(frame, TEXT, text, strlen(text)));
}

static int upgraded(struct session_rig *r, struct buf *out)
{
    int fd = session_rig_dial(r);
    session_rig_say(r, fd, session_rig_handshake);
    session_rig_read_until(r, fd, out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    session_rig_read_until(r, fd, out, "\r\n\r\n");
    buf_clear(out);
    return fd;
}

static int connected(struct session_rig *r, struct buf *out)
{
    int fd = upgraded(r, out);
    say(r, fd, "{\"id\":1,\"connect\":{}}");
    session_rig_read_until(r, fd, out, "\"pong\":true}}");
    buf_clear(out);
    return fd;
}

/* The code of the close frame that ends out, or 0. */
static unsigned close_code(const struct buf *out)
{
    for (size_t i = 0; i + 4 <= out->len; i++) {
        const uint8_t *at = (const uint8_t *)out->ptr + i;
        if (at[0] == CLOSE && at[1] < 126 && at[1] >= 2 && i + 2 + at[1] == out->len)
            return (unsigned)at[2] << 8 | at[3];
    }
    return 0;
}

static void a_handshake_split_at_any_byte_is_accepted_with_frames_behind_it(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    char bytes[1024];
    size_t len = strlen(session_rig_handshake);
    memcpy(bytes, session_rig_handshake, len);
    static const char connect[] = "{\"id\":1,\"connect\":{}}";
    static const char subscribe[] = "{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}";
    len += session_rig_frame(bytes + len, TEXT, connect, strlen(connect));
    len += session_rig_frame(bytes + len, TEXT, subscribe, strlen(subscribe));
    for (size_t split = 0; split <= len; split++) {
        int fd = session_rig_dial(r);
        buf_clear(&out);
        session_rig_write(r, fd, bytes, split);
        session_rig_write(r, fd, bytes + split, len - split);
        session_rig_read_until(r, fd, &out, "\"id\":2,\"subscribe\":{}");
        assert_true(session_rig_holds(&out, "101 Switching Protocols") &&
                    session_rig_holds(&out, "\"connect\":{\"client\""));
        close(fd);
        session_rig_turns(r, 3);
    }
    int fd = session_rig_dial(r);
    buf_clear(&out);
    for (size_t i = 0; i < len; i++) session_rig_write(r, fd, bytes + i, 1);
    session_rig_read_until(r, fd, &out, "\"id\":2,\"subscribe\":{}");
    close(fd);
    buf_deinit(&out);
    session_rig_free(r);
}

static void an_upgrade_that_is_closed_at_once_still_has_its_answer(void **state)
{
    (void)state;
    static const struct {
        const char *message; /* NULL: an unmasked frame */
        unsigned code;
    } rows[] = { { "{\"id\":1,\"publish\":{}}", 3501 }, { "", 3501 }, { "nonsense", 3501 }, { NULL, 1002 } };
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char bytes[1024];
        size_t len = strlen(session_rig_handshake);
        memcpy(bytes, session_rig_handshake, len);
        if (rows[i].message) {
            len += session_rig_frame(bytes + len, TEXT, rows[i].message, strlen(rows[i].message));
        } else {
            memcpy(bytes + len, "\x81\x01x", 3);
            len += 3;
        }
        int fd = session_rig_dial(r);
        buf_clear(&out);
        assert_int_equal(send(fd, bytes, len, 0), (ssize_t)len);
        session_rig_turns(r, 3);
        session_rig_read_end(r, fd, &out);
        if (!session_rig_holds(&out, "HTTP/1.1 101")) fail_msg("row %zu: %zu bytes without a 101", i, out.len);
        assert_int_equal(close_code(&out), rows[i].code);
        close(fd);
    }
    buf_deinit(&out);
    session_rig_free(r);
}

static void a_message_in_fragments_with_a_ping_between_is_one_message(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    static const char message[] = "{\"id\":7,\"subscribe\":{\"channel\":\"a\"}}";
    for (size_t cut = 0; cut <= sizeof message - 1; cut++) {
        int fd = connected(r, &out);
        char bytes[512];
        size_t len = session_rig_frame(bytes, 0x01, message, cut);
        len += session_rig_frame(bytes + len, PING, "hi", 2);
        len += session_rig_frame(bytes + len, 0x80, message + cut, sizeof message - 1 - cut);
        for (size_t i = 0; i < len; i++) session_rig_write(r, fd, bytes + i, 1);
        session_rig_read_until(r, fd, &out, "\"id\":7,\"subscribe\":{}");
        assert_true(session_rig_holds(&out, "\x8a\x02hi"));
        buf_clear(&out);
        close(fd);
    }
    buf_deinit(&out);
    session_rig_free(r);
}

static void a_client_that_waits_keeps_what_it_has_not_read_and_answers_in_order(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(2, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    int fd = connected(r, &out);
    char bytes[4096];
    size_t len = 0;
    static const char *const messages[] = {
        "{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}\n{\"id\":3,\"publish\":{\"channel\":\"a\",\"data\":1}}\n",
        "{\"id\":4,\"unsubscribe\":{\"channel\":\"b\"}}",
        "{\"id\":5,\"publish\":{\"channel\":\"a\",\"data\":2}}\n{\"id\":6,\"unsubscribe\":{\"channel\":\"a\"}}",
        "{\"id\":7,\"subscribe\":{\"channel\":\"a\"}}", "{\"id\":8,\"unsubscribe\":{\"channel\":\"b\"}}"
    };
    for (size_t i = 0; i < 5; i++) len += session_rig_frame(bytes + len, TEXT, messages[i], strlen(messages[i]));
    for (size_t split = 0; split <= len; split += 17) {
        buf_clear(&out);
        session_rig_write(r, fd, bytes, split);
        session_rig_write(r, fd, bytes + split, len - split);
        session_rig_read_until(r, fd, &out, "\"id\":8,\"unsubscribe\":{}");
        const char *at = out.ptr;
        for (int id = 2; id <= 8; id++) {
            char text[32];
            (void)snprintf(text, sizeof text, "{\"id\":%d,", id);
            const char *found = memmem(at, (size_t)(out.ptr + out.len - at), text, strlen(text));
            if (!found) fail_msg("%s is missing or out of place in %.*s", text, (int)out.len, out.ptr);
            at = found;
        }
        assert_false(session_rig_holds(&out, "error"));
        say(r, fd, "{\"id\":9,\"unsubscribe\":{\"channel\":\"a\"}}");
        session_rig_read_until(r, fd, &out, "\"id\":9,");
    }
    close(fd);
    buf_deinit(&out);
    session_rig_free(r);
}

static void a_client_may_go_while_it_waits_with_unread_bytes(void **state)
{
    (void)state;
    for (int hard = 0; hard < 3; hard++) {
        struct session_rig *r = session_rig_new(5, NULL);
        struct buf out;
        buf_init(&out, BUF_NO_LIMIT);
        int fd = connected(r, &out);
        say(r, fd,
            "{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}\n{\"id\":3,\"publish\":{\"channel\":\"a\",\"data\":1}}");
        say(r, fd, "{\"id\":4,\"publish\":{\"channel\":\"a\",\"data\":1}}");
        if (hard == 2) session_host_abort(&r->host);
        struct linger reset = { 1, 0 };
        if (hard == 1) setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        for (int i = 0; i < 40; i++) net_loop_turn(&r->loop, 5);
        assert_int_equal(r->loop.conn_count, 0);
        buf_deinit(&out);
        session_rig_free(r);
    }
}

static void the_server_answers_a_close_and_its_own_close_carries_the_reason(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    int fd = connected(r, &out);
    char bytes[64];
    session_rig_write(r, fd, bytes, session_rig_frame(bytes, CLOSE, "\x03\xe8", 2));
    session_rig_read_end(r, fd, &out);
    assert_int_equal(close_code(&out), 1000);
    close(fd);
    fd = connected(r, &out);
    buf_clear(&out);
    say(r, fd, "{\"id\":2,\"send\":{}}");
    session_rig_read_end(r, fd, &out);
    assert_int_equal(close_code(&out), 3508);
    assert_true(session_rig_holds(&out, "not available"));
    close(fd);
    buf_deinit(&out);
    session_rig_free(r);
}

static void a_websocket_has_the_deadline_of_its_client(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    int fd = upgraded(r, &out);
    assert_in_range(session_rig_deadline(r), 9800, 10200);
    char frame[256];
    size_t len = session_rig_frame(frame, TEXT, "{\"id\":1,\"connect\":{}}", 21);
    for (size_t i = 0; i < len - 1; i++) session_rig_write(r, fd, frame + i, 1);
    assert_in_range(session_rig_deadline(r), 9000, 10050); /* bytes of a frame do not move it */
    session_rig_write(r, fd, frame + len - 1, 1);
    session_rig_read_until(r, fd, &out, "\"pong\":true}}");
    assert_in_range(session_rig_deadline(r), 12400, 25100);
    close(fd);
    fd = upgraded(r, &out);
    session_rig_session(r)->ws.client.stale_or_expire_ms = 1;
    session_rig_expire(r);
    buf_clear(&out);
    session_rig_read_end(r, fd, &out);
    assert_int_equal(close_code(&out), 3502);
    close(fd);
    buf_deinit(&out);
    session_rig_free(r);
}

static void draining_closes_clients_with_3001(void **state)
{
    (void)state;
    struct session_rig *r = session_rig_new(0, NULL);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    int fd[3];
    for (int i = 0; i < 3; i++) fd[i] = connected(r, &out);
    uint32_t slot = 0;
    assert_true(session_host_drain(&r->host, &slot, 2));
    session_rig_turns(r, 3);
    assert_int_equal(atomic_load(&r->shared.client_count), 1);
    while (session_host_drain(&r->host, &slot, 2)) {
    }
    for (int i = 0; i < 3; i++) {
        buf_clear(&out);
        session_rig_read_end(r, fd[i], &out);
        assert_int_equal(close_code(&out), 3001);
        close(fd[i]);
    }
    buf_deinit(&out);
    session_rig_free(r);
}

static void tiny_limits(struct policy_deployment *d)
{
    d->limits.connection_limit = 1;
    d->limits.websocket_message_bytes_max = 64;
}

static void refusals_at_the_handshake_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *head, *answer;
    } rows[] = {
        { "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 4" },
        { "POST /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
          "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
          "HTTP/1.1 405" },
        { "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
          "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://evil\r\n\r\n",
          "HTTP/1.1 403" },
        { "GET /ws?key=ck_x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
          "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
          "HTTP/1.1 403" },
    };
    struct session_rig *r = session_rig_new(0, tiny_limits);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    int fd = session_rig_dial(r);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&out);
        session_rig_say(r, fd, rows[i].head);
        session_rig_read_until(r, fd, &out, rows[i].answer);
    }
    close(fd);
    int first = upgraded(r, &out);
    fd = session_rig_dial(r);
    session_rig_say(r, fd, session_rig_handshake);
    session_rig_read_until(r, fd, &out, "HTTP/1.1 503");
    close(fd);
    /* too long a message, in one frame */
    char big[128];
    memset(big, ' ', sizeof big);
    buf_clear(&out);
    session_rig_write(
        r, first, big,
        session_rig_frame(big, TEXT, "{\"id\":1}                                                        ", 65));
    session_rig_read_end(r, first, &out);
    assert_int_equal(close_code(&out), 1009);
    close(first);
    buf_deinit(&out);
    session_rig_free(r);
}

static void memory_may_run_out_at_each_step_of_a_connection(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        struct session_rig *r = session_rig_new(0, NULL);
        struct buf out;
        buf_init(&out, BUF_NO_LIMIT);
        char frame[512];
        mem_fail_after(n);
        int fd = session_rig_dial(r);
        session_rig_say(r, fd, "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
        session_rig_say(r, fd, "cd");
        session_rig_say(r, fd, session_rig_handshake);
        static const char *const messages[] = { "{\"id\":1,\"connect\":{}}",
                                                "{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}",
                                                "{\"id\":3,\"publish\":{\"channel\":\"a\",\"data\":1}}" };
        for (size_t i = 0; i < 3; i++) {
            size_t len = session_rig_frame(frame, TEXT, messages[i], strlen(messages[i]));
            session_rig_write(r, fd, frame, len / 2);
            session_rig_write(r, fd, frame + len / 2, len - len / 2);
        }
        bool failed = !mem_fail_pending();
        mem_fail_after(0);
        close(fd);
        session_rig_turns(r, 10);
        buf_deinit(&out);
        session_rig_free(r);
        if (!failed) {
            print_message("  %zu allocations\n", n - 1);
            assert_true(n > 10);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_split_at_any_byte_is_accepted_with_frames_behind_it),
        cmocka_unit_test(an_upgrade_that_is_closed_at_once_still_has_its_answer),
        cmocka_unit_test(a_message_in_fragments_with_a_ping_between_is_one_message),
        cmocka_unit_test(a_client_that_waits_keeps_what_it_has_not_read_and_answers_in_order),
        cmocka_unit_test(a_client_may_go_while_it_waits_with_unread_bytes),
        cmocka_unit_test(the_server_answers_a_close_and_its_own_close_carries_the_reason),
        cmocka_unit_test(a_websocket_has_the_deadline_of_its_client),
        cmocka_unit_test(draining_closes_clients_with_3001),
        cmocka_unit_test(refusals_at_the_handshake_say_why),
        cmocka_unit_test(memory_may_run_out_at_each_step_of_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
