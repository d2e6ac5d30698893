#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "platform/platform_listen.h"

static int listen_on(const char *address, uint16_t port)
{
    int fd = -1;
    char error[PLATFORM_ERROR_MAX] = "";
    enum status status = platform_listen(address, port, 16, &fd, error);
    if (status != STATUS_OK) fail_msg("%s", error);
    return fd;
}

static int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

static bool has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 loopback = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

/* Connects over IPv4 or IPv6 loopback; the socket, or -1. */
static int connect_to(int family, uint16_t port)
{
    struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    to4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    int result = family == AF_INET ? connect(fd, (struct sockaddr *)&to4, sizeof to4)
                                   : connect(fd, (struct sockaddr *)&to6, sizeof to6);
    if (result == 0) return fd;
    close(fd);
    return -1;
}

static void a_listener_has_the_options_that_its_connections_need(void **state)
{
    int fd = listen_on("127.0.0.1", 0);
    uint16_t port = platform_listen_port(fd);
    assert_int_not_equal(port, 0);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_REUSEPORT), 1);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    int client = connect_to(AF_INET, port);
    assert_true(client >= 0);
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    assert_int_equal(poll(&ready, 1, 2000), 1);
    int accepted = accept(fd, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(option_of(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
    close(accepted);
    close(client);
    close(fd);
}

static void several_listeners_share_a_port(void **state)
{
    int first = listen_on("127.0.0.1", 0);
    uint16_t port = platform_listen_port(first);
    int second = listen_on("127.0.0.1", port);
    assert_int_equal(platform_listen_port(second), port);
    close(first);
    int client = connect_to(AF_INET, port);
    assert_true(client >= 0);
    close(client);
    close(second);
}

static void the_empty_address_takes_both_families(void **state)
{
    static const char *const all[] = { "", NULL, "::" };
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        if (i == 2 && !has_ipv6()) continue;
        int fd = listen_on(all[i], 0);
        int client = connect_to(AF_INET, platform_listen_port(fd));
        assert_true(client >= 0);
        close(client);
        if (has_ipv6()) {
            client = connect_to(AF_INET6, platform_listen_port(fd));
            assert_true(client >= 0);
            close(client);
        }
        close(fd);
    }
}

static void an_ipv6_address_takes_ipv6_only(void **state)
{
    if (!has_ipv6()) skip();
    int fd = listen_on("::1", 0);
    int client = connect_to(AF_INET6, platform_listen_port(fd));
    assert_true(client >= 0);
    assert_int_equal(connect_to(AF_INET, platform_listen_port(fd)), -1);
    close(client);
    close(fd);
}

static void a_name_is_resolved_and_ipv4_preferred(void **state)
{
    int fd = listen_on("localhost", 0);
    int client = connect_to(AF_INET, platform_listen_port(fd));
    assert_true(client >= 0);
    close(client);
    close(fd);
}

static void the_check_finds_a_listener_that_shares_its_port(void **state)
{
    char error[PLATFORM_ERROR_MAX] = "", expected[PLATFORM_ERROR_MAX];
    int fd = listen_on("127.0.0.1", 0);
    uint16_t port = platform_listen_port(fd);
    assert_int_equal(platform_listen_check("127.0.0.1", port, error), STATUS_EXISTS);
    snprintf(expected, sizeof expected, "cannot listen on \"127.0.0.1\" port %u: Address already in use", port);
    assert_string_equal(error, expected);
    assert_int_equal(platform_listen_check("", port, error), STATUS_EXISTS);
    close(fd);
    assert_int_equal(platform_listen_check("127.0.0.1", port, error), STATUS_OK);
    fd = listen_on("127.0.0.1", port); /* and the check leaves nothing behind */
    close(fd);
}

static void a_port_that_is_not_shared_is_refused_with_the_reason(void **state)
{
    int other = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = { .sin_family = AF_INET };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(other, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(other, 1), 0);
    uint16_t port = platform_listen_port(other);
    int fd = 4242;
    char error[PLATFORM_ERROR_MAX] = "";
    assert_int_equal(platform_listen("127.0.0.1", port, 16, &fd, error), STATUS_EXISTS);
    assert_int_equal(fd, 4242);
    assert_non_null(strstr(error, "127.0.0.1"));
    assert_non_null(strstr(error, "Address already in use"));
    close(other);
}

static void an_address_that_is_not_ours_or_none_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *address, *part;
        enum status status;
    } rows[] = {
        { "192.0.2.1", "cannot listen on \"192.0.2.1\" port 0: Cannot assign", STATUS_NOT_FOUND },
        { "256.1.1.1.", "256.1.1.1.", STATUS_NOT_FOUND },
        { "not an address", "cannot listen on \"not an address\" port 0: ", STATUS_NOT_FOUND },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int fd = 4242;
        char error[PLATFORM_ERROR_MAX] = "";
        enum status status = platform_listen(rows[i].address, 0, 16, &fd, error);
        if (status != rows[i].status) fail_msg("%s: %s, %s", rows[i].address, status_text(status), error);
        assert_non_null(strstr(error, rows[i].part));
        assert_int_equal(fd, 4242);
    }
}

static void a_socket_that_is_not_bound_has_no_port(void **state)
{
    assert_int_equal(platform_listen_port(-1), 0);
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(platform_listen_port(pair[0]), 0);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_has_the_options_that_its_connections_need),
        cmocka_unit_test(several_listeners_share_a_port),
        cmocka_unit_test(the_empty_address_takes_both_families),
        cmocka_unit_test(an_ipv6_address_takes_ipv6_only),
        cmocka_unit_test(a_name_is_resolved_and_ipv4_preferred),
        cmocka_unit_test(the_check_finds_a_listener_that_shares_its_port),
        cmocka_unit_test(a_port_that_is_not_shared_is_refused_with_the_reason),
        cmocka_unit_test(an_address_that_is_not_ours_or_none_is_refused_with_the_reason),
        cmocka_unit_test(a_socket_that_is_not_bound_has_no_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
