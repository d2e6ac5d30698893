#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "ws/ws_handshake.h"

#define RFC_KEY "dGhlIHNhbXBsZSBub25jZQ=="

/* The request of RFC 6455 section 1.3. */
#define RIGHT                                                                                                          \
    .method = SLICE("GET"), .http_major = 1, .http_minor = 1, .host = SLICE("server.example.com"),                     \
    .upgrade = SLICE("websocket"), .connection = SLICE("Upgrade"), .key = SLICE(RFC_KEY), .version = SLICE("13")

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
static const struct {
    const char *name;
    enum ws_handshake_result result;
    int status;
    struct ws_handshake_request request;
} handshakes[] = {
    { "right", WS_HANDSHAKE_OK, 101, { RIGHT } },
    { "browser's connection list", WS_HANDSHAKE_OK, 101, { RIGHT, .connection = SLICE("keep-alive, Upgrade") } },
    { "letter case", WS_HANDSHAKE_OK, 101, { RIGHT, .connection = SLICE("uPGRADE"), .upgrade = SLICE("WebSocket") } },
    { "blanks and empty elements", WS_HANDSHAKE_OK, 101, { RIGHT, .connection = SLICE(" , close,\tupgrade ,") } },
    { "upgrade list", WS_HANDSHAKE_OK, 101, { RIGHT, .upgrade = SLICE("h2c, websocket") } },
    { "key with trailing bits", WS_HANDSHAKE_OK, 101, { RIGHT, .key = SLICE("////////////////////++==") } },
    { "HTTP/1.0", WS_HANDSHAKE_HTTP_VERSION, 400, { RIGHT, .http_minor = 0 } },
    { "HTTP/2", WS_HANDSHAKE_HTTP_VERSION, 400, { RIGHT, .http_major = 2, .http_minor = 0 } },
    { "HTTP/0.9", WS_HANDSHAKE_HTTP_VERSION, 400, { RIGHT, .http_major = 0, .http_minor = 9 } },
    { "no connection", WS_HANDSHAKE_CONNECTION, 400, { RIGHT, .connection = SLICE("") } },
    { "another connection", WS_HANDSHAKE_CONNECTION, 400, { RIGHT, .connection = SLICE("keep-alive") } },
    { "part of a token", WS_HANDSHAKE_CONNECTION, 400, { RIGHT, .connection = SLICE("upgrades, no upgrade") } },
    { "no upgrade", WS_HANDSHAKE_UPGRADE, 400, { RIGHT, .upgrade = SLICE("") } },
    { "another upgrade", WS_HANDSHAKE_UPGRADE, 400, { RIGHT, .upgrade = SLICE("h2c") } },
    { "POST", WS_HANDSHAKE_METHOD, 405, { RIGHT, .method = SLICE("POST") } },
    { "get", WS_HANDSHAKE_METHOD, 405, { RIGHT, .method = SLICE("get") } },
    { "no host", WS_HANDSHAKE_HOST, 400, { RIGHT, .host = SLICE(" ") } },
    { "no version", WS_HANDSHAKE_VERSION, 400, { RIGHT, .version = SLICE("") } },
    { "version 8", WS_HANDSHAKE_VERSION, 400, { RIGHT, .version = SLICE("8") } },
    { "version 113", WS_HANDSHAKE_VERSION, 400, { RIGHT, .version = SLICE("113") } },
    { "no key", WS_HANDSHAKE_KEY, 400, { RIGHT, .key = SLICE("") } },
    { "key of 15 bytes", WS_HANDSHAKE_KEY, 400, { RIGHT, .key = SLICE("AAAAAAAAAAAAAAAAAAAA") } },
    { "key of 17 bytes", WS_HANDSHAKE_KEY, 400, { RIGHT, .key = SLICE("AAAAAAAAAAAAAAAAAAAAAAA=") } },
    { "key of 18 bytes", WS_HANDSHAKE_KEY, 400, { RIGHT, .key = SLICE("AAAAAAAAAAAAAAAAAAAAAAAA") } },
    { "foreign letter", WS_HANDSHAKE_KEY, 400, { RIGHT, .key = SLICE("dGhlIHNhbXBsZSBub25j-Q==") } },
    { "two keys", WS_HANDSHAKE_KEY, 400, { RIGHT, .key = SLICE(RFC_KEY ", " RFC_KEY) } },
    { "POST without upgrade is no handshake",
      WS_HANDSHAKE_CONNECTION,
      400,
      { .method = SLICE("POST"), .http_major = 1, .http_minor = 1 } },
};
#pragma GCC diagnostic pop

static void every_part_of_the_request_is_checked(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(handshakes); i++) {
        print_message("  %s\n", handshakes[i].name);
        const enum ws_handshake_result result = ws_handshake_check(&handshakes[i].request);
        assert_int_equal(result, handshakes[i].result);
        assert_int_equal(ws_handshake_status(result), handshakes[i].status);
        assert_true(strlen(ws_handshake_text(result)) > 0);
    }
}

static void the_first_known_subprotocol_in_the_clients_list_is_chosen(void **state)
{
    static const struct slice known[] = { SLICE("centrifuge-json"), SLICE("centrifuge-protobuf") };
    static const struct {
        const char *offered;
        ptrdiff_t index;
    } cases[] = {
        { "", -1 },
        { "centrifuge-json", 0 },
        { "centrifuge-protobuf", 1 },
        { "centrifuge-protobuf, centrifuge-json", 1 },
        { "centrifuge-json,centrifuge-protobuf", 0 },
        { "graphql-ws, \tcentrifuge-protobuf ,centrifuge-json", 1 },
        { "graphql-ws", -1 },
        { "Centrifuge-Json", -1 },
        { "centrifuge-json2, centrifuge", -1 },
        { ",,,", -1 },
        { ", centrifuge-json", 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(ws_handshake_subprotocol(slice_from_cstr(cases[i].offered), known, 2), cases[i].index);
    assert_int_equal(ws_handshake_subprotocol(SLICE("centrifuge-json"), NULL, 0), -1);
}

static void the_key_of_the_rfc_gives_its_accept_value(void **state)
{
    char accept[WS_ACCEPT_LEN];
    ws_handshake_accept(SLICE(" " RFC_KEY), accept);
    assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WS_ACCEPT_LEN);
}

static void the_response_names_accept_and_subprotocol(void **state)
{
    static const char plain[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    static const char named[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                "Sec-WebSocket-Protocol: centrifuge-protobuf\r\n\r\n";
    struct buf out;
    buf_init(&out, 1024);
    ws_handshake_write(&out, SLICE(RFC_KEY), (struct slice){ 0 }, (struct slice){ 0 });
    assert_true(buf_ok(&out));
    assert_true(slice_eq(buf_slice(&out), slice_from_cstr(plain)));
    buf_clear(&out);
    ws_handshake_write(&out, SLICE(RFC_KEY), SLICE("centrifuge-protobuf"), (struct slice){ 0 });
    assert_true(slice_eq(buf_slice(&out), slice_from_cstr(named)));
    buf_deinit(&out);
}

static void a_response_over_the_buffers_limit_is_remembered(void **state)
{
    struct buf out;
    buf_init(&out, 100);
    ws_handshake_write(&out, SLICE(RFC_KEY), (struct slice){ 0 }, (struct slice){ 0 });
    assert_int_equal(out.failed, STATUS_TOO_LARGE);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_the_request_is_checked),
        cmocka_unit_test(the_first_known_subprotocol_in_the_clients_list_is_chosen),
        cmocka_unit_test(the_key_of_the_rfc_gives_its_accept_value),
        cmocka_unit_test(the_response_names_accept_and_subprotocol),
        cmocka_unit_test(a_response_over_the_buffers_limit_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
