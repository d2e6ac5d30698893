/* What the server API does to connections, on one and on several workers. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/mem.h"

#define UNSUBSCRIBED(channel)                                                                                          \
    "{\"push\":{\"channel\":\"" channel "\",\"unsubscribe\":{\"code\":2000,\"reason\":\"server unsubscribe\"}}}"

static void run_effect(struct rig *r, uint32_t worker, const struct effect_request *request, uint32_t affected)
{
    uint32_t before = r->affected;
    assert_true(rig_effect(r, worker, request));
    assert_int_equal(r->effects_done, 0);
    rig_run(r);
    assert_int_equal(r->effects_done, 1);
    assert_int_equal(r->affected - before, affected);
    r->effects_done = 0;
}

static void an_effect_on_nobody_is_done_at_once(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    rig_connected(r, 0, "{\"sub\":\"ann\"}");
    struct effect_request request = { .kind = EFFECT_DISCONNECT, .user = SLICE("bob"), .code = 3503 };
    assert_false(rig_effect(r, 0, &request));
    request.user = SLICE("ann");
    request.space = RIG_SHOP_SPACE;
    assert_false(rig_effect(r, 0, &request));
    rig_free(r);
}

static void subscribe_reaches_the_user_on_every_worker_and_is_pushed(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    struct rig_client *b = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    struct rig_client *shop = rig_connected(r, 1, "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}");
    struct rig_client *bob = rig_connected(r, 1, "{\"sub\":\"bob\"}");
    rig_publish(r, 0, "public:a", "1");
    struct effect_request request = { .kind = EFFECT_SUBSCRIBE,
                                      .user = SLICE("ann"),
                                      .channel = SLICE("public:a"),
                                      .data = SLICE("{\"d\":1}"),
                                      .info = SLICE("[7]") };
    run_effect(r, 0, &request, 2);
    static const char push[] =
        "{\"push\":{\"channel\":\"public:a\",\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\","
        "\"offset\":1,\"positioned\":true,\"data\":{\"d\":1}}}}";
    rig_expect(r, a, push);
    rig_expect(r, b, push);
    rig_expect(r, shop, "");
    rig_expect(r, bob, "");
    rig_publish(r, 0, "public:a", "2");
    rig_run(r);
    rig_expect(r, b, "{\"push\":{\"channel\":\"public:a\",\"pub\":{\"data\":2,\"offset\":2}}}");
    rig_forget(r, a);
    request.channel = SLICE("nowhere:a");
    run_effect(r, 1, &request, 0);
    assert_int_equal(rig_subscribers(r, 0, "public:a"), 2);
    rig_free(r);
}

static void who_is_subscribed_already_gets_the_new_info_data_and_end_and_keeps_its_place(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    rig_say(r, a, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
    rig_publish(r, 0, "public:a", "1");
    rig_run(r);
    rig_forget(r, a);
    struct effect_request request = {
        .kind = EFFECT_SUBSCRIBE,
        .user = SLICE("ann"),
        .channel = SLICE("public:a"),
        .data = SLICE("{\"d\":2}"),
        .info = SLICE("[8]"),
        .expire_at_s = RIG_NOW_S + 60,
        .override = { .presence = CLAIMS_TRUE, .join_leave = CLAIMS_TRUE, .force_push_join_leave = CLAIMS_TRUE }
    };
    run_effect(r, 0, &request, 1);
    rig_expect(r, a,
               "{\"push\":{\"channel\":\"public:a\",\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"offset\":1,"
               "\"positioned\":true,\"data\":{\"d\":2}}}}\n"
               "{\"push\":{\"channel\":\"public:a\",\"join\":{\"info\":{\"user\":\"ann\",\"client\":\"C0\","
               "\"chan_info\":[8]}}}}");
    assert_int_equal(rig_present(r, 0, "public:a"), 1);
    assert_int_equal(rig_subscribers(r, 0, "public:a"), 1);
    rig_publish(r, 0, "public:a", "2");
    rig_run(r);
    rig_expect(r, a, "{\"push\":{\"channel\":\"public:a\",\"pub\":{\"data\":2,\"offset\":2}}}");
    request.expire_at_s = RIG_NOW_S - 1; /* an end that has passed changes nothing, and somebody is concerned */
    run_effect(r, 0, &request, 1);
    rig_expect(r, a, "");
    rig_free(r);
}

static void subscribe_may_name_one_client_or_a_session_that_none_has(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    struct rig_client *b = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    char id[CLIENT_ID_LEN + 1];
    client_id_text(&b->client, id);
    struct effect_request request = {
        .kind = EFFECT_SUBSCRIBE, .user = SLICE("ann"), .client = slice_from_cstr(id), .channel = SLICE("plain:a")
    };
    run_effect(r, 0, &request, 1);
    rig_expect(r, a, "");
    rig_expect(r, b, "{\"push\":{\"channel\":\"plain:a\",\"subscribe\":{}}}");
    request.session = SLICE("x");
    request.channel = SLICE("plain:b");
    run_effect(r, 0, &request, 0);
    rig_free(r);
}

static void subscribe_over_the_channel_limit_closes_with_3505(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    char name[32];
    struct effect_request request = { .kind = EFFECT_SUBSCRIBE, .user = SLICE("ann") };
    for (int i = 0; i < 16; i++) {
        (void)snprintf(name, sizeof name, "plain:%d", i);
        request.channel = slice_from_cstr(name);
        run_effect(r, 0, &request, 1);
    }
    assert_int_equal(a->close_code, 0);
    request.channel = SLICE("plain:x");
    run_effect(r, 0, &request, 0);
    rig_expect_closed(r, a, 3505);
    rig_free(r);
}

static void subscribe_waits_for_the_broker_on_each_worker(void **state)
{
    (void)state;
    for (int goes = 0; goes < 2; goes++) {
        struct rig *r = rig_new(2, NULL);
        struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
        rig_connected(r, 0, "{\"sub\":\"ann\"}");
        rig_connected(r, 1, "{\"sub\":\"ann\"}");
        struct effect_request request = { .kind = EFFECT_SUBSCRIBE,
                                          .user = SLICE("ann"),
                                          .channel = SLICE("members:a") };
        held_broker_set(r->broker, HELD_CALLS);
        assert_true(rig_effect(r, 1, &request));
        rig_run(r);
        assert_int_equal(held_broker_count(r->broker), 3);
        if (goes) rig_hang_up(r, a);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(r->effects_done, 0);
            held_broker_release(r->broker, 0);
            rig_run(r);
        }
        assert_int_equal(r->effects_done, 1);
        assert_int_equal(r->affected, goes ? 2 : 3);
        held_broker_set(r->broker, HELD_NOTHING);
        assert_int_equal(rig_subscribers(r, 0, "members:a"), goes ? 2 : 3);
        assert_int_equal(rig_present(r, 0, "members:a"), goes ? 2 : 3);
        rig_free(r);
    }
}

static void unsubscribe_ends_client_and_server_side_subscriptions_and_tells_them(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\",\"channels\":[\"members:a\"]}");
    struct rig_client *b = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    struct rig_client *c = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    rig_say(r, b, "{\"id\":2,\"subscribe\":{\"channel\":\"members:a\"}}");
    rig_forget(r, a);
    rig_forget(r, b);
    struct effect_request request = { .kind = EFFECT_UNSUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("members:a") };
    run_effect(r, 0, &request, 2);
    assert_non_null(strstr(rig_received(r, a), UNSUBSCRIBED("members:a")));
    const char *got = rig_received(r, b);
    assert_non_null(strstr(got, UNSUBSCRIBED("members:a")));
    assert_null(strstr(got, "\"client\":\"C1\"")); /* nobody hears its own leave */
    rig_expect(r, c, UNSUBSCRIBED("members:a"));
    assert_int_equal(rig_subscribers(r, 0, "members:a"), 0);
    assert_int_equal(rig_present(r, 0, "members:a"), 0);
    run_effect(r, 0, &request, 0);
    rig_forget(r, c);
    request.channel = SLICE(""); /* OB-03 */
    run_effect(r, 0, &request, 0);
    rig_expect(r, c, "{\"push\":{\"unsubscribe\":{\"code\":2000,\"reason\":\"server unsubscribe\"}}}");
    rig_free(r);
}

static void disconnect_spares_the_whitelist_and_is_complete_when_answered(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *c[4];
    for (uint32_t i = 0; i < 4; i++) c[i] = rig_connected(r, i % 2, "{\"sub\":\"ann\",\"channels\":[\"members:a\"]}");
    char id[CLIENT_ID_LEN + 1];
    client_id_text(&c[2]->client, id);
    struct slice keep[] = { SLICE("nobody"), slice_from_cstr(id) };
    struct effect_request request = { .kind = EFFECT_DISCONNECT,
                                      .user = SLICE("ann"),
                                      .code = 4321,
                                      .reason = SLICE("because"),
                                      .whitelist = keep,
                                      .whitelist_count = 2 };
    run_effect(r, 0, &request, 3);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(c[i]->close_code, i == 2 ? 0 : 4321);
        if (i != 2) assert_string_equal(c[i]->close_reason, "because");
    }
    assert_int_equal(rig_present(r, 0, "members:a"), 1);
    assert_int_equal(rig_gauge(r, METRIC_NODE_NUM_CLIENTS), 1);
    rig_free(r);
}

static void an_effect_on_many_connections_takes_several_turns_and_counts_all(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    for (int i = 0; i < RIG_CLIENTS; i++) rig_connected(r, 0, "{\"sub\":\"ann\"}");
    struct effect_request request = { .kind = EFFECT_SUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("plain:a") };
    run_effect(r, 0, &request, RIG_CLIENTS);
    request.kind = EFFECT_DISCONNECT;
    request.code = 3503;
    run_effect(r, 0, &request, RIG_CLIENTS);
    rig_free(r);
}

static void without_pings(struct policy_deployment *d)
{
    d->limits.ping_interval_ms = 0;
}

static void refresh_sets_a_new_end_or_none_or_closes(void **state)
{
    (void)state;
    static const struct {
        struct effect_request request;
        const char *push;
        uint64_t closes_after_ms; /* 0 = not within a minute */
    } rows[] = {
        { { .expire_at_s = RIG_NOW_S + 10 }, "{\"push\":{\"refresh\":{\"expires\":true,\"ttl\":10}}}", 35000 },
        { { .expire_at_s = 0 }, "{\"push\":{\"refresh\":{}}}", 0 },
        { { .expire_at_s = RIG_NOW_S }, "", 1 },
        { { .expired = true }, "", 1 },
        { { .expired = true, .expire_at_s = RIG_NOW_S + 10 }, "", 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *r = rig_new(1, without_pings);
        struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\",\"exp\":1800000005,\"channels\":[\"members:a\"]}");
        rig_forget(r, a);
        struct effect_request request = rows[i].request;
        request.kind = EFFECT_REFRESH;
        request.user = SLICE("ann");
        request.info = SLICE("{\"new\":1}");
        run_effect(r, 0, &request, 1);
        rig_expect(r, a, rows[i].push);
        if (rows[i].closes_after_ms > 1) {
            rig_pass(r, rows[i].closes_after_ms);
            assert_int_equal(a->close_code, 0);
            rig_pass(r, 1);
        } else if (rows[i].closes_after_ms == 0) {
            rig_pass(r, 60000);
        }
        assert_int_equal(a->close_code, rows[i].closes_after_ms ? 3005 : 0);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_effect_on_nobody_is_done_at_once),
        cmocka_unit_test(subscribe_reaches_the_user_on_every_worker_and_is_pushed),
        cmocka_unit_test(who_is_subscribed_already_gets_the_new_info_data_and_end_and_keeps_its_place),
        cmocka_unit_test(subscribe_may_name_one_client_or_a_session_that_none_has),
        cmocka_unit_test(subscribe_over_the_channel_limit_closes_with_3505),
        cmocka_unit_test(subscribe_waits_for_the_broker_on_each_worker),
        cmocka_unit_test(unsubscribe_ends_client_and_server_side_subscriptions_and_tells_them),
        cmocka_unit_test(disconnect_spares_the_whitelist_and_is_complete_when_answered),
        cmocka_unit_test(an_effect_on_many_connections_takes_several_turns_and_counts_all),
        cmocka_unit_test(refresh_sets_a_new_end_or_none_or_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
