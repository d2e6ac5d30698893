#include "net/support/tls_fixture.h"

#include <errno.h>
#include <openssl/err.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "platform/platform_clock.h"

#define BIG_BYTES   (10u << 20)
#define BIG_MESSAGE 40000
#define STALL_MS    150

static struct net_loop loop;
static struct test_cert own, other, authority, member;
static struct net_tls_context *context;
static struct test_conn conn;
static struct tls_client client;

static int make_certificates(void **state)
{
    signal(SIGPIPE, SIG_IGN); /* the client's end */
    test_cert_make(&own, "localhost", NULL);
    test_cert_make(&other, "other", NULL);
    test_cert_make(&authority, "authority", NULL);
    test_cert_make(&member, "member", &authority);
    return 0;
}

static int drop_certificates(void **state)
{
    test_cert_deinit(&own);
    test_cert_deinit(&other);
    test_cert_deinit(&authority);
    test_cert_deinit(&member);
    return 0;
}

static void open_one(void)
{
    test_conn_open_tcp(&conn, &loop);
    tls_client_init(&client, &conn, context);
}

static void close_one(void)
{
    test_conn_end(&conn);
    tls_client_deinit(&client);
}

static int start(void **state)
{
    test_loop_init(&loop);
    context = test_tls_context(&own, NULL);
    open_one();
    return 0;
}

static int stop(void **state)
{
    close_one();
    net_tls_context_unref(context);
    net_loop_deinit(&loop);
    return 0;
}

static void reopen_with(struct net_tls_context *next)
{
    close_one();
    net_tls_context_unref(context);
    context = next;
    open_one();
}

static void handshake(void)
{
    if (!tls_client_handshake(&client, &loop)) fail_msg("%s", ERR_reason_error_string(ERR_peek_last_error()));
}

/* What the server has taken so far, once it is this many bytes. */
static void expect_got(const char *text)
{
    const uint64_t end_ms = platform_clock_ms() + 10000;
    while (conn.got.len < strlen(text)) {
        assert_true(platform_clock_ms() < end_ms);
        tls_client_push(&client, SIZE_MAX);
        net_loop_turn(&loop, 1);
    }
    assert_int_equal(conn.got.len, strlen(text));
    assert_memory_equal(conn.got.ptr, text, conn.got.len);
}

/* Turns and reads until the client has this many bytes. */
static void read_until(struct buf *into, size_t len, size_t piece)
{
    const uint64_t end_ms = platform_clock_ms() + 60000;
    while (into->len < len) {
        assert_true(platform_clock_ms() < end_ms);
        tls_client_push(&client, SIZE_MAX);
        net_loop_turn(&loop, 0);
        tls_client_pull(&client, piece);
        tls_client_read(&client, into);
    }
}

/* Until the server has closed its end of the socket. */
static void read_to_end(struct buf *into)
{
    const uint64_t end_ms = platform_clock_ms() + 10000;
    do {
        assert_true(platform_clock_ms() < end_ms);
        net_loop_turn(&loop, 1);
    } while (tls_client_pull(&client, SIZE_MAX));
    tls_client_read(&client, into);
}

static void a_handshake_split_at_any_byte_is_the_same_handshake(void **state)
{
    SSL_do_handshake(client.ssl);
    const size_t hello_len = BIO_ctrl_pending(client.out);
    assert_true(hello_len > 100);
    for (size_t at = 1; at < hello_len; at++) {
        close_one();
        open_one();
        SSL_do_handshake(client.ssl);
        assert_int_equal(tls_client_push(&client, at), at);
        test_turns(&loop, 2);
        handshake();
        tls_client_write(&client, "hello", 5);
        expect_got("hello");
    }
}

static void a_conversation_of_single_bytes_is_understood(void **state)
{
    int done = 0;
    tls_client_push(&client, 0);
    while (done != 1) {
        done = SSL_do_handshake(client.ssl);
        while (tls_client_push(&client, 1) > 0) test_turns(&loop, 1);
        net_loop_turn(&loop, 1);
        if (done != 1) assert_true(tls_client_pull(&client, 1));
    }
    tls_client_write(&client, "byte by byte", 12);
    while (tls_client_push(&client, 1) > 0) test_turns(&loop, 1);
    expect_got("byte by byte");
    assert_string_equal(SSL_get_version(client.ssl), "TLSv1.3");
}

static void data_in_random_pieces_comes_back_whole(void **state)
{
    static char sent[300000];
    struct buf back;
    size_t written = 0;
    srand(7);
    for (size_t i = 0; i < sizeof sent; i++) sent[i] = (char)rand();
    buf_init(&back, BUF_NO_LIMIT);
    conn.echo = true;
    conn.take_multiple = 3;
    conn.wanted = 1;
    handshake();
    while (written < sizeof sent || back.len < sizeof sent) {
        size_t piece = 1 + (size_t)rand() % 30000;
        if (piece > sizeof sent - written) piece = sizeof sent - written;
        if (piece > 0) tls_client_write(&client, sent + written, piece);
        written += piece;
        tls_client_push(&client, 1 + (size_t)rand() % 20000);
        net_loop_turn(&loop, 0);
        tls_client_pull(&client, 1 + (size_t)rand() % 20000);
        tls_client_read(&client, &back);
    }
    assert_int_equal(back.len, sizeof sent);
    assert_memory_equal(back.ptr, sent, sizeof sent);
    buf_deinit(&back);
}

/* Body i is of one letter, with a length of its own. */
static struct blob *big_message(unsigned i)
{
    static char body[BIG_MESSAGE];
    const size_t len = BIG_MESSAGE - i % 977;
    memset(body, 'a' + (int)(i % 26), len);
    return test_message(body, len, 1);
}

static void ten_megabytes_to_a_slow_reader_arrive_in_order(void **state)
{
    struct buf stream, bodies;
    size_t expected = 0, frames = 0, at = 0;
    unsigned count = 0;
    buf_init(&stream, BUF_NO_LIMIT);
    buf_init(&bodies, BUF_NO_LIMIT);
    handshake();
    for (; expected < BIG_BYTES; count++) {
        expected += TEST_HEADER_LEN + BIG_MESSAGE - count % 977;
        assert_int_equal(net_conn_send(&conn.conn, big_message(count), NET_FLUSH_DELIVERY), STATUS_OK);
    }
    test_turns(&loop, 50);
    assert_true(net_conn_queued(&conn.conn) > BIG_BYTES / 2); /* the peer reads nothing yet */
    read_until(&stream, expected, 30011);
    assert_int_equal(test_parse(slice_of(stream.ptr, stream.len), &bodies, &frames), stream.len);
    assert_int_equal(frames, count);
    for (unsigned i = 0; i < count; i++) {
        const size_t len = BIG_MESSAGE - i % 977;
        assert_int_equal(bodies.ptr[at], 'a' + (int)(i % 26));
        assert_int_equal(bodies.ptr[at + len - 1], 'a' + (int)(i % 26));
        at += len + 1;
    }
    assert_int_equal(net_conn_queued(&conn.conn), 0);
    buf_deinit(&stream);
    buf_deinit(&bodies);
}

static void short_records_that_the_client_asked_for_are_sent_whole(void **state)
{
    struct buf stream, bodies;
    size_t frames = 0;
    buf_init(&stream, BUF_NO_LIMIT);
    buf_init(&bodies, BUF_NO_LIMIT);
    assert_int_equal(SSL_set_tlsext_max_fragment_length(client.ssl, TLSEXT_max_fragment_length_512), 1);
    handshake();
    for (unsigned i = 0; i < 104; i++) net_conn_send(&conn.conn, big_message(i), NET_FLUSH_DELIVERY);
    test_turns(&loop, 50); /* the kernel is full in the middle of a record */
    read_until(&stream, 104 * (size_t)(BIG_MESSAGE + TEST_HEADER_LEN) - 103 * 104 / 2, 7001);
    assert_int_equal(test_parse(slice_of(stream.ptr, stream.len), &bodies, &frames), stream.len);
    assert_int_equal(frames, 104);
    for (size_t i = 0, at = 0; i < 104; i++)
        for (const size_t end = at + BIG_MESSAGE - i + 1; at < end; at++)
            assert_int_equal(bodies.ptr[at], at + 1 == end ? '\n' : 'a' + (int)(i % 26));
    buf_deinit(&stream);
    buf_deinit(&bodies);
}

static void messages_that_queue_behind_a_blocked_record_do_not_change_it(void **state)
{
    struct buf stream, bodies, expected;
    size_t frames = 0;
    buf_init(&stream, BUF_NO_LIMIT);
    buf_init(&bodies, BUF_NO_LIMIT);
    buf_init(&expected, BUF_NO_LIMIT);
    conn.conn.framing = &test_framing;
    handshake();
    for (int i = 0; i < 60000; i++) { /* a few each turn, so that plans change while the kernel is full */
        char body[32];
        const int len = snprintf(body, sizeof body, "message %d", i);
        net_conn_send(&conn.conn, test_message(body, (size_t)len, 1), NET_FLUSH_DELIVERY);
        buf_printf(&expected, "%s\n", body);
        if (i % 7 == 0) net_loop_turn(&loop, 0);
        if (i % 501 == 0) {
            tls_client_pull(&client, 3001);
            tls_client_read(&client, &stream);
        }
    }
    for (;;) {
        read_until(&stream, stream.len + 1, 65536);
        bodies.len = frames = 0;
        test_parse(slice_of(stream.ptr, stream.len), &bodies, &frames);
        if (bodies.len >= expected.len) break;
    }
    assert_int_equal(bodies.len, expected.len);
    assert_memory_equal(bodies.ptr, expected.ptr, expected.len);
    assert_true(frames < 30000); /* many were merged */
    buf_deinit(&stream);
    buf_deinit(&bodies);
    buf_deinit(&expected);
}

static void messages_of_one_turn_are_one_frame_in_one_record(void **state)
{
    struct buf stream, bodies;
    size_t frames = 0;
    buf_init(&stream, BUF_NO_LIMIT);
    buf_init(&bodies, BUF_NO_LIMIT);
    conn.conn.framing = &test_framing;
    handshake();
    test_turns(&loop, 3);
    const uint64_t writes = loop.writes;
    for (int i = 0; i < 5; i++) net_conn_send(&conn.conn, test_message("abc", 3, 1), NET_FLUSH_DELIVERY);
    read_until(&stream, TEST_HEADER_LEN + 5 * 4 - 1, SIZE_MAX);
    assert_int_equal(loop.writes, writes + 1);
    test_parse(slice_of(stream.ptr, stream.len), &bodies, &frames);
    assert_int_equal(frames, 1);
    buf_deinit(&stream);
    buf_deinit(&bodies);
}

static void what_is_sent_before_the_handshake_waits_for_its_end(void **state)
{
    struct buf back;
    buf_init(&back, BUF_NO_LIMIT);
    net_conn_send(&conn.conn, test_raw("early"), NET_FLUSH_ANSWER);
    test_turns(&loop, 3);
    char byte;
    assert_int_equal(read(conn.peer, &byte, 1), -1); /* nothing in the clear */
    handshake();
    read_until(&back, 7, SIZE_MAX);
    assert_memory_equal(back.ptr + 2, "early", 5);
    buf_deinit(&back);
}

static void pause_in_data(struct test_conn *t)
{
    if (t->data_calls == 1) net_conn_pause(&t->conn);
}

static void a_paused_connection_loses_nothing(void **state)
{
    handshake();
    conn.on_data = pause_in_data;
    tls_client_write(&client, "one ", 4);
    expect_got("one ");
    tls_client_write(&client, "two", 3);
    tls_client_push(&client, SIZE_MAX);
    test_turns(&loop, 3);
    assert_int_equal(conn.got.len, 4);
    net_conn_resume(&conn.conn);
    expect_got("one two");
}

static void the_end_of_either_side_is_told_by_close_notify(void **state)
{
    struct buf back;
    buf_init(&back, BUF_NO_LIMIT);
    handshake();
    net_conn_close(&conn.conn, NET_CLOSE_FLUSH, test_raw("bye"), 1000);
    read_to_end(&back);
    assert_memory_equal(back.ptr + 2, "bye", 3);
    assert_true(SSL_get_shutdown(client.ssl) & SSL_RECEIVED_SHUTDOWN);
    close_one();
    open_one();
    handshake();
    SSL_shutdown(client.ssl);
    tls_client_push(&client, SIZE_MAX);
    test_turns_until(&loop, &conn.eof_calls, 1);
    assert_int_equal(conn.eof_error, 0);
    close_one();
    open_one();
    handshake(); /* and a peer that just goes, with nothing unread */
    tls_client_pull(&client, SIZE_MAX);
    close(conn.peer);
    conn.peer = -1;
    test_turns_until(&loop, &conn.eof_calls, 1);
    assert_int_equal(conn.eof_error, 0);
    net_conn_close(&conn.conn, NET_CLOSE_FLUSH, NULL, 1000);
    buf_deinit(&back);
}

static void close_on_deadline(struct test_conn *t)
{
    net_conn_close(&t->conn, NET_CLOSE_NOW, NULL, 0);
}

static void a_stalled_handshake_ends_with_the_deadline_of_the_owner(void **state)
{
    conn.on_deadline = close_on_deadline;
    net_conn_set_deadline(&conn.conn, loop.now_ms + STALL_MS);
    SSL_do_handshake(client.ssl);
    tls_client_push(&client, 50);
    test_turns_until(&loop, &conn.closed_calls, 1);
    assert_int_equal(conn.deadline_calls, 1);
    assert_int_equal(conn.data_calls, 0);
}

static void expect_refusal(void)
{
    struct buf back;
    buf_init(&back, BUF_NO_LIMIT);
    if (tls_client_handshake(&client, &loop)) read_to_end(&back); /* TLS 1.3: the client is done first */
    assert_int_equal(back.len, 0);
    close(conn.peer);
    conn.peer = -1;
    test_turns_until(&loop, &conn.closed_calls, 1);
    assert_int_equal(conn.data_calls + conn.eof_calls, 0);
    buf_deinit(&back);
}

static void tls_1_1_is_refused_and_tls_1_2_is_not(void **state)
{
    SSL_set_max_proto_version(client.ssl, TLS1_1_VERSION);
    expect_refusal();
    close_one();
    open_one();
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    handshake();
    assert_string_equal(SSL_get_version(client.ssl), "TLSv1.2");
    tls_client_write(&client, "x", 1);
    expect_got("x");
}

static void a_client_must_show_a_certificate_when_there_is_an_authority(void **state)
{
    reopen_with(test_tls_context(&own, &authority));
    expect_refusal();
    close_one();
    open_one();
    SSL_use_certificate(client.ssl, other.x509);
    SSL_use_PrivateKey(client.ssl, other.key);
    expect_refusal();
    close_one();
    open_one();
    SSL_use_certificate(client.ssl, member.x509);
    SSL_use_PrivateKey(client.ssl, member.key);
    handshake();
    tls_client_write(&client, "it is me", 8);
    expect_got("it is me");
}

static void alpn_is_http_1_1_or_an_alert(void **state)
{
    const unsigned char *chosen;
    unsigned len;
    SSL_set_alpn_protos(client.ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    handshake();
    SSL_get0_alpn_selected(client.ssl, &chosen, &len);
    assert_int_equal(len, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    close_one();
    open_one();
    SSL_set_alpn_protos(client.ssl, (const unsigned char *)"\x02h2", 3);
    expect_refusal();
}

static void plain_http_gets_an_answer_that_says_so(void **state)
{
    static const char *const requests[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n",
                                            "DELETE /x HTTP/1.1\r\n\r\n" };
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        struct buf answer;
        buf_init(&answer, BUF_NO_LIMIT);
        test_peer_write(&conn, requests[i], strlen(requests[i]));
        const uint64_t end_ms = platform_clock_ms() + 5000;
        while (test_peer_read(&conn, &answer) && platform_clock_ms() < end_ms) net_loop_turn(&loop, 1);
        buf_append_char(&answer, '\0');
        assert_non_null(strstr(answer.ptr, "HTTP/1.1 400 Bad Request\r\n"));
        assert_non_null(strstr(answer.ptr, "Content-Length: 48\r\n"));
        const char *body = strstr(answer.ptr, "\r\n\r\n") + 4;
        assert_string_equal(body, "Client sent an HTTP request to an HTTPS server.\n");
        assert_int_equal(strlen(body), 48);
        assert_int_equal(conn.data_calls + conn.eof_calls, 0);
        buf_deinit(&answer);
        close_one();
        open_one();
    }
}

static void what_is_queued_never_leaves_in_the_clear(void **state)
{
    struct buf answer;
    buf_init(&answer, BUF_NO_LIMIT);
    net_conn_send(&conn.conn, test_raw("secret"), NET_FLUSH_ANSWER);
    test_peer_write(&conn, "\x16garbage that is no TLS at all", 30);
    while (test_peer_read(&conn, &answer)) net_loop_turn(&loop, 1);
    if (answer.len) assert_null(memmem(answer.ptr, answer.len, "secret", 6));
    buf_deinit(&answer);
}

static void damage_after_the_handshake_is_a_failure(void **state)
{
    handshake();
    test_peer_write(&conn, "\x17\x03\x03\x00\x20that was encrypted by nobody...", 37);
    test_turns_until(&loop, &conn.eof_calls, 1);
    assert_int_equal(conn.eof_error, EPROTO);
    assert_int_equal(conn.data_calls, 0);
}

static void records_that_carry_nothing_do_not_hold_the_turn(void **state)
{
    close_one();
    test_conn_open(&conn, &loop); /* a Unix socket: what is written is there at once, and makes one edge */
    tls_client_init(&client, &conn, context);
    handshake();
    for (int i = 0; i < 5500; i++) {
        assert_int_equal(SSL_key_update(client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(client.ssl), 1);
    }
    tls_client_write(&client, "after all", 9);
    const size_t flood = BIO_ctrl_pending(client.out);
    assert_true(flood > 135000); /* more than one look takes */
    assert_int_equal(tls_client_push(&client, SIZE_MAX), flood);
    net_loop_turn(&loop, 0);
    assert_int_equal(conn.got.len, 0);
    expect_got("after all");
}

static const X509 *shown(void)
{
    return SSL_get0_peer_certificate(client.ssl);
}

static void a_new_certificate_is_for_new_connections(void **state)
{
    struct test_conn second;
    struct tls_client second_client;
    handshake();
    assert_int_equal(X509_cmp(shown(), own.x509), 0);
    net_tls_context_unref(context);
    context = test_tls_context(&other, NULL);
    test_conn_open_tcp(&second, &loop);
    tls_client_init(&second_client, &second, context);
    assert_true(tls_client_handshake(&second_client, &loop));
    assert_int_equal(X509_cmp(SSL_get0_peer_certificate(second_client.ssl), other.x509), 0);
    tls_client_write(&client, "still here", 10);
    expect_got("still here");
    test_conn_end(&second);
    tls_client_deinit(&second_client);
}

static void a_session_is_resumed_by_its_ticket(void **state)
{
    struct buf back;
    buf_init(&back, BUF_NO_LIMIT);
    conn.echo = true;
    handshake();
    tls_client_write(&client, "x", 1);
    read_until(&back, 1, SIZE_MAX);
    SSL_SESSION *session = SSL_get1_session(client.ssl);
    SSL_set_shutdown(client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* else it counts as broken */
    close_one();
    open_one();
    SSL_set_session(client.ssl, session);
    handshake();
    assert_true(SSL_session_reused(client.ssl));
    SSL_SESSION_free(session);
    buf_deinit(&back);
}

static void a_bad_certificate_or_key_is_told_in_a_sentence(void **state)
{
    const struct slice none = SLICE("no pem"), cut = slice_head(own.key_pem, own.key_pem.len / 2);
    const struct {
        struct net_tls_options options;
        const char *sentence;
    } rows[] = {
        { { none, own.key_pem, { 0 } }, "cert_pem holds no certificate" },
        { { own.key_pem, own.key_pem, { 0 } }, "cert_pem holds no certificate" },
        { { own.cert_pem, none, { 0 } }, "key_pem holds no private key" },
        { { own.cert_pem, cut, { 0 } }, "key_pem holds no private key" },
        { { own.cert_pem, other.key_pem, { 0 } }, "key_pem is not the key of the certificate" },
        { { own.cert_pem, own.key_pem, none }, "client_ca_pem holds no certificate" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char error[NET_TLS_ERROR_MAX];
        struct net_tls_context *made = NULL;
        assert_int_equal(net_tls_context_new(&rows[i].options, &made, error), STATUS_MALFORMED);
        assert_null(made);
        if (!strstr(error, rows[i].sentence)) fail_msg("%zu: %s", i, error);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_handshake_split_at_any_byte_is_the_same_handshake),
        TEST(a_conversation_of_single_bytes_is_understood),
        TEST(data_in_random_pieces_comes_back_whole),
        TEST(ten_megabytes_to_a_slow_reader_arrive_in_order),
        TEST(short_records_that_the_client_asked_for_are_sent_whole),
        TEST(messages_that_queue_behind_a_blocked_record_do_not_change_it),
        TEST(messages_of_one_turn_are_one_frame_in_one_record),
        TEST(what_is_sent_before_the_handshake_waits_for_its_end),
        TEST(a_paused_connection_loses_nothing),
        TEST(the_end_of_either_side_is_told_by_close_notify),
        TEST(a_stalled_handshake_ends_with_the_deadline_of_the_owner),
        TEST(tls_1_1_is_refused_and_tls_1_2_is_not),
        TEST(a_client_must_show_a_certificate_when_there_is_an_authority),
        TEST(alpn_is_http_1_1_or_an_alert),
        TEST(plain_http_gets_an_answer_that_says_so),
        TEST(what_is_queued_never_leaves_in_the_clear),
        TEST(damage_after_the_handshake_is_a_failure),
        TEST(records_that_carry_nothing_do_not_hold_the_turn),
        TEST(a_new_certificate_is_for_new_connections),
        TEST(a_session_is_resumed_by_its_ticket),
        cmocka_unit_test(a_bad_certificate_or_key_is_told_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, make_certificates, drop_certificates);
}
