/* The contract of every broker. Presence, the list of channels, and the end. */
#include "broker/support/contract_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

static void presence_add(struct rig *rig, const char *client, const char *user, const char *info)
{
    struct publication_info i = { .user = slice_from_cstr(user),
                                  .client = slice_from_cstr(client),
                                  .conn_info = slice_from_cstr(info) };
    struct broker_context context = rig_context(rig, 0);
    assert_int_equal(rig->broker->ops->presence_add(rig->broker, &context, RIG_SPACE, CHANNEL, &i), STATUS_OK);
}

static void presence_remove(struct rig *rig, const char *client)
{
    struct broker_context context = rig_context(rig, 0);
    rig->broker->ops->presence_remove(rig->broker, &context, RIG_SPACE, CHANNEL, slice_from_cstr(client));
}

static void presence_counts_clients_and_users(void **state)
{
    CONTRACT_OPEN(rig, .workers = 1);
    struct broker_result result = rig_presence(&rig, 0, CHANNEL, false);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.presence.client_count, 0);
    broker_result_deinit(&result);
    presence_add(&rig, "c1", "alice", "{}");
    presence_add(&rig, "c2", "alice", "{}");
    presence_add(&rig, "c3", "bob", "{}");
    presence_add(&rig, "c3", "carol", "[1]"); /* adding again refreshes */
    presence_remove(&rig, "unknown");
    result = rig_presence(&rig, 0, CHANNEL, false);
    assert_int_equal(result.presence.entry_count, 3);
    assert_int_equal(result.presence.client_count, 3);
    assert_int_equal(result.presence.user_count, 2);
    assert_true(slice_eq(result.presence.entries[2].info.client, SLICE("c3")));
    assert_true(slice_eq(result.presence.entries[2].info.user, SLICE("carol")));
    assert_true(slice_eq(result.presence.entries[2].info.conn_info, SLICE("[1]")));
    broker_result_deinit(&result);
    presence_remove(&rig, "c1");
    presence_remove(&rig, "c2");
    result = rig_presence(&rig, 0, CHANNEL, true);
    assert_int_equal(result.presence.entry_count, 0);
    assert_null(result.presence.entries);
    assert_int_equal(result.presence.client_count, 1);
    assert_int_equal(result.presence.user_count, 1);
    broker_result_deinit(&result);
    presence_remove(&rig, "c3");
    result = rig_presence(&rig, 0, CHANNEL, true);
    assert_int_equal(result.presence.client_count, 0);
    broker_result_deinit(&result);
    rig_close(&rig);
}

static void a_large_presence_has_every_client_once(void **state)
{
    CONTRACT_OPEN(rig, .workers = 1);
    bool seen[1000] = { false };
    for (int i = 0; i < 1000; i++) {
        char client[16], user[16];
        snprintf(client, sizeof client, "%d", i);
        snprintf(user, sizeof user, "u%d", i % 100);
        presence_add(&rig, client, user, "");
    }
    struct broker_result result = rig_presence(&rig, 0, CHANNEL, false);
    assert_int_equal(result.presence.entry_count, 1000);
    assert_int_equal(result.presence.user_count, 100);
    for (uint32_t i = 0; i < 1000; i++) {
        uint64_t client;
        assert_true(slice_to_u64(result.presence.entries[i].info.client, &client));
        assert_false(seen[client]);
        seen[client] = true;
    }
    broker_result_deinit(&result);
    rig_close(&rig);
}

struct listed {
    uint32_t times[300];
    uint32_t subscribers[300];
};

static void on_channel(struct slice channel, uint32_t subscribers, void *context)
{
    struct listed *listed = context;
    uint64_t index;
    assert_true(slice_to_u64(slice_from(channel, 3), &index));
    listed->times[index]++;
    listed->subscribers[index] = subscribers;
}

static void channels_lists_what_has_subscribers_with_their_count(void **state)
{
    CONTRACT_OPEN(rig, .workers = 2);
    struct listed listed = { 0 };
    for (uint32_t i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "ch:%u", i);
        struct broker_subscribe r = plain_subscribe(slice_from_cstr(name));
        if (i % 3) subscribe_ok(&rig, 0, &r);
        if (i % 3 == 2) subscribe_ok(&rig, 1, &r);
        if (i % 3 == 0) rig_store(&rig, r.channel, SLICE("1"), 5);
        r.space = 2;
        if (i == 7) subscribe_ok(&rig, 0, &r);
    }
    uint64_t cursor = 0;
    while (rig.broker->ops->channels(rig.broker, RIG_SPACE, &cursor, on_channel, &listed)) continue;
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(listed.times[i], i % 3 ? 1 : 0);
        assert_int_equal(listed.subscribers[i], i % 3);
    }
    assert_int_equal(rig.broker->ops->channel_count(rig.broker), 201);
    rig_close(&rig);
}

static void a_broker_with_calls_under_way_can_be_freed(void **state)
{
    CONTRACT_OPEN(rig, .workers = 1);
    struct broker_context context = rig_context(&rig, 0);
    struct broker_subscribe r = recovery(0, "", 300);
    r.position = true;
    rig_store_many(&rig, CHANNEL, 3, 5);
    for (int i = 0; i < 20; i++) {
        struct broker_result result;
        if (rig.broker->ops->subscribe(rig.broker, &context, &r, (struct broker_ticket){ 0 }, &result) == BROKER_DONE)
            broker_result_deinit(&result);
    }
    rig.broker->ops->free(rig.broker);
    rig.broker = contract_make(&rig.links, &(struct memory_broker_options){ 0 }); /* for rig_close */
    while (mailbox_drain(&rig.workers[0].box, 1)) {
        broker_completion_free(rig.workers[0].completion);
        rig.workers[0].completion = NULL;
    }
    rig_close(&rig);
}

int contract_presence_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presence_counts_clients_and_users),
        cmocka_unit_test(a_large_presence_has_every_client_once),
        cmocka_unit_test(channels_lists_what_has_subscribers_with_their_count),
        cmocka_unit_test(a_broker_with_calls_under_way_can_be_freed),
    };
    return _cmocka_run_group_tests(name, tests, ARRAY_COUNT(tests), NULL, NULL);
}
