#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "base/check.h"
#include "load/load_target.h"

static void a_url_is_taken_apart(void **state)
{
    static const struct {
        const char *url, *host, *port, *path;
        bool tls;
    } rows[] = {
        { "ws://127.0.0.1:3001", "127.0.0.1", "3001", "/connection/websocket", false },
        { "ws://127.0.0.1", "127.0.0.1", "80", "/connection/websocket", false },
        { "wss://127.0.0.1/x/y?key=ck_1", "127.0.0.1", "443", "/x/y?key=ck_1", true },
        { "ws://127.0.0.1:1?key=ck_1", "127.0.0.1", "1", "/connection/websocket?key=ck_1", false },
        { "wss://[::1]:65535/", "::1", "65535", "/", true },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        static struct load_target t;
        char error[LOAD_TARGET_ERROR_MAX];
        assert_int_equal(load_target_init(&t, rows[i].url, error), STATUS_OK);
        assert_string_equal(t.host, rows[i].host);
        assert_string_equal(t.port, rows[i].port);
        assert_string_equal(t.path, rows[i].path);
        assert_int_equal(t.tls != NULL, rows[i].tls);
        load_target_deinit(&t);
    }
}

static void what_is_no_url_is_refused_with_a_sentence(void **state)
{
    static const char *const rows[] = {
        "",
        "http://127.0.0.1",
        "ws:/127.0.0.1",
        "ws://",
        "ws://:80",
        "ws://h:0",
        "ws://h:65536",
        "ws://h:x",
        "ws://h/with blank",
        "ws://[::1",
        "ws://[::1]x",
        "ws://h/#part",
        "ws://h/a\r\nX: y",
    };
    static struct load_target t;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char error[LOAD_TARGET_ERROR_MAX] = "";
        assert_int_equal(load_target_init(&t, rows[i], error), STATUS_MALFORMED);
        assert_non_null(strstr(error, "is no URL"));
    }
}

static void a_loopback_target_has_as_many_sources_as_are_wanted(void **state)
{
    static struct load_target t;
    char error[LOAD_TARGET_ERROR_MAX];
    assert_int_equal(load_target_init(&t, "ws://127.0.0.1:1", error), STATUS_OK);
    assert_true(load_target_spread(&t, 3, 28000));
    assert_int_equal(t.source_count, 3);
    assert_int_equal(ntohl(((struct sockaddr_in *)&t.sources[2])->sin_addr.s_addr), 0x7f000003);
    assert_int_equal(t.connections_per_source, 28000);
    load_target_deinit(&t);
}

static void another_target_has_those_that_it_was_given(void **state)
{
    static struct load_target t;
    char error[LOAD_TARGET_ERROR_MAX];
    assert_int_equal(load_target_init(&t, "ws://192.0.2.1:1", error), STATUS_OK);
    assert_false(load_target_add_source(&t, "::1"));
    assert_false(load_target_add_source(&t, "somewhere"));
    assert_true(load_target_add_source(&t, "192.0.2.7"));
    assert_true(load_target_spread(&t, 1, 10));
    assert_false(load_target_spread(&t, 2, 10));
    load_target_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(what_is_no_url_is_refused_with_a_sentence),
        cmocka_unit_test(a_loopback_target_has_as_many_sources_as_are_wanted),
        cmocka_unit_test(another_target_has_those_that_it_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
