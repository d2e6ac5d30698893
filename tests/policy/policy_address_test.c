#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/policy_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/check.h"

static bool in(const char *entry, const char *address)
{
    char copy[64];
    memcpy(copy, entry, strlen(entry) + 1);
    char *items[] = { copy };
    const struct policy_string_list list = { items, 1 };
    return policy_address_in(&list, slice_from_cstr(address));
}

static void addresses_and_blocks_of_both_families_are_found(void **state)
{
    static const struct {
        const char *entry, *address;
        bool found;
    } rows[] = {
        { "10.0.0.1", "10.0.0.1", true },
        { "10.0.0.1", "10.0.0.2", false },
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.0.0.0/9", "10.127.0.1", true },
        { "10.0.0.0/9", "10.128.0.1", false },
        { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "10.0.0.0/8", "::ffff:10.1.2.3", true },
        { "::ffff:10.0.0.0/104", "10.1.2.3", true },
        { "::1", "::1", true },
        { "::1", "127.0.0.1", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "10.0.0.1", false },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "2001:db8::1/128", "2001:DB8:0:0::1", true },
        { "10.0.0.1", "", false },
        { "10.0.0.1", "10.0.0.1:80", false },
        { "10.0.0.1", " 10.0.0.1", false },
        { "10.0.0.1", "010.0.0.1", false },
        { "10.0.0.1", "unix", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (in(rows[i].entry, rows[i].address) != rows[i].found)
            fail_msg("\"%s\" in \"%s\" must be %d", rows[i].address, rows[i].entry, rows[i].found);
        assert_true(policy_address_valid(slice_from_cstr(rows[i].entry)));
    }
}

static void malformed_entries_are_told_and_hold_nobody(void **state)
{
    static const char *const entries[] = { "",
                                           "/",
                                           "10.0.0.0/",
                                           "10.0.0.0/33",
                                           "::/129",
                                           "10.0.0.1/8",
                                           "10.0.0/8",
                                           "/8",
                                           "10.0.0.0/-1",
                                           "10.0.0.0/+8",
                                           "10.0.0.0/8 ",
                                           "10.0.0.0/0008",
                                           "localhost",
                                           "2001:db8::1/64",
                                           "10.0.0.0/8/8",
                                           "::ffff:10.0.0.0/90" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(entries); i++) {
        if (policy_address_valid(slice_from_cstr(entries[i]))) fail_msg("\"%s\" must be malformed", entries[i]);
        assert_false(in(entries[i], "10.0.0.1"));
    }
}

static void a_socket_address_is_found_like_its_text(void **state)
{
    static char block[] = "10.0.0.0/8", loopback[] = "::1";
    char *items[] = { block, loopback };
    const struct policy_string_list list = { items, 2 };
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    const struct sockaddr_un local = { .sun_family = AF_UNIX };
    (void)state;
    assert_int_equal(inet_pton(AF_INET, "10.9.8.7", &v4.sin_addr), 1);
    assert_true(policy_sockaddr_in(&list, (const struct sockaddr *)&v4));
    assert_int_equal(inet_pton(AF_INET, "11.9.8.7", &v4.sin_addr), 1);
    assert_false(policy_sockaddr_in(&list, (const struct sockaddr *)&v4));
    assert_int_equal(inet_pton(AF_INET6, "::ffff:10.9.8.7", &v6.sin6_addr), 1);
    assert_true(policy_sockaddr_in(&list, (const struct sockaddr *)&v6));
    assert_int_equal(inet_pton(AF_INET6, "::1", &v6.sin6_addr), 1);
    assert_true(policy_sockaddr_in(&list, (const struct sockaddr *)&v6));
    assert_int_equal(inet_pton(AF_INET6, "::2", &v6.sin6_addr), 1);
    assert_false(policy_sockaddr_in(&list, (const struct sockaddr *)&v6));
    assert_false(policy_sockaddr_in(&list, (const struct sockaddr *)&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_blocks_of_both_families_are_found),
        cmocka_unit_test(malformed_entries_are_told_and_hold_nobody),
        cmocka_unit_test(a_socket_address_is_found_like_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
