#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/mem.h"
#include "engine/client.h"
#include "engine/hub.h"

static void a_channel_lives_as_long_as_its_subscriptions(void **state)
{
    (void)state;
    struct hub hub;
    struct list subscriptions;
    struct client *nobody = NULL;
    hub_init(&hub);
    list_init(&subscriptions);
    struct subscription *a = hub_subscribe(&hub, nobody, &subscriptions, 0, SLICE("a"));
    struct subscription *b = hub_subscribe(&hub, nobody, &subscriptions, 0, SLICE("a"));
    struct subscription *other = hub_subscribe(&hub, nobody, &subscriptions, 1, SLICE("a"));
    assert_ptr_equal(a->channel, b->channel);
    assert_ptr_not_equal(a->channel, other->channel);
    assert_ptr_equal(hub_channel_find(&hub, 0, SLICE("a")), a->channel);
    assert_int_equal(a->channel->subscriber_count, 2);
    assert_true(a->pending);
    hub_unsubscribe(&hub, a);
    assert_non_null(hub_channel_find(&hub, 0, SLICE("a")));
    hub_unsubscribe(&hub, b);
    assert_null(hub_channel_find(&hub, 0, SLICE("a")));
    hub_unsubscribe(&hub, other);
    assert_int_equal(hub.subscription_count, 0);
    assert_true(list_empty(&subscriptions));
    hub_deinit(&hub);
}

static void a_name_longer_than_any_channel_is_refused(void **state)
{
    (void)state;
    struct hub hub;
    struct list subscriptions;
    static char name[UINT16_MAX + 1];
    hub_init(&hub);
    list_init(&subscriptions);
    memset(name, 'x', sizeof name);
    assert_null(hub_subscribe(&hub, NULL, &subscriptions, 0, slice_of(name, sizeof name)));
    struct subscription *s = hub_subscribe(&hub, NULL, &subscriptions, 0, slice_of(name, sizeof name - 1));
    assert_non_null(s);
    hub_unsubscribe(&hub, s);
    hub_deinit(&hub);
}

static void users_are_found_by_space_and_name(void **state)
{
    (void)state;
    struct hub hub;
    struct list in[3];
    hub_init(&hub);
    for (int i = 0; i < 3; i++) list_init(&in[i]);
    struct hub_user *a = hub_user_add(&hub, 0, SLICE("ann"), &in[0]);
    assert_ptr_equal(hub_user_add(&hub, 0, SLICE("ann"), &in[1]), a);
    struct hub_user *nobody = hub_user_add(&hub, 0, SLICE(""), &in[2]);
    assert_ptr_not_equal(nobody, a);
    assert_int_equal(a->client_count, 2);
    assert_null(hub_user_find(&hub, 1, SLICE("ann")));
    hub_user_remove(&hub, a, &in[0]);
    assert_ptr_equal(hub_user_find(&hub, 0, SLICE("ann")), a);
    hub_user_remove(&hub, a, &in[1]);
    assert_null(hub_user_find(&hub, 0, SLICE("ann")));
    hub_user_remove(&hub, nobody, &in[2]);
    hub_deinit(&hub);
}

static void ten_thousand_channels_come_and_go(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    static struct subscription *subs[COUNT];
    struct hub hub;
    struct list subscriptions;
    hub_init(&hub);
    list_init(&subscriptions);
    for (int i = 0; i < COUNT; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "channel:%d", i);
        subs[i] = hub_subscribe(&hub, NULL, &subscriptions, (uint32_t)i % 3, slice_from_cstr(name));
        assert_non_null(subs[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "channel:%d", i);
        assert_ptr_equal(hub_channel_find(&hub, (uint32_t)i % 3, slice_from_cstr(name)), subs[i]->channel);
        assert_null(hub_channel_find(&hub, (uint32_t)(i + 1) % 3, slice_from_cstr(name)));
    }
    for (int i = 0; i < COUNT; i++) hub_unsubscribe(&hub, subs[i * 7919 % COUNT]);
    assert_int_equal(hub.subscription_count, 0);
    hub_deinit(&hub);
}

static void a_failed_allocation_leaves_the_hub_as_it_was(void **state)
{
    (void)state;
    for (size_t n = 1; n < 6; n++) {
        struct hub hub;
        struct list subscriptions, in_user;
        hub_init(&hub);
        list_init(&subscriptions);
        list_init(&in_user);
        mem_fail_after(n);
        struct subscription *s = hub_subscribe(&hub, NULL, &subscriptions, 0, SLICE("a"));
        struct hub_user *u = hub_user_add(&hub, 0, SLICE("ann"), &in_user);
        mem_fail_after(0);
        assert_int_equal(hub.subscription_count, s != NULL);
        assert_int_equal(hub_channel_find(&hub, 0, SLICE("a")) != NULL, s != NULL);
        assert_int_equal(hub_user_find(&hub, 0, SLICE("ann")) != NULL, u != NULL);
        if (s) hub_unsubscribe(&hub, s);
        if (u) hub_user_remove(&hub, u, &in_user);
        hub_deinit(&hub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_lives_as_long_as_its_subscriptions),
        cmocka_unit_test(a_name_longer_than_any_channel_is_refused),
        cmocka_unit_test(users_are_found_by_space_and_name),
        cmocka_unit_test(ten_thousand_channels_come_and_go),
        cmocka_unit_test(a_failed_allocation_leaves_the_hub_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
