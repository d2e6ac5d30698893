/* Pings and pongs, stale and expired connections, expired subscriptions, refreshes, slow peers: rows CP-14 to CP-17,
 * CP-65, CP-66, CP-76, CP-90, AU-17, OB-14. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/mem.h"

static void without_pings(struct policy_deployment *d)
{
    d->limits.ping_interval_ms = 0;
}

static void without_pongs(struct policy_deployment *d)
{
    d->limits.pong_timeout_ms = 0;
}

static void the_first_ping_comes_between_half_the_interval_and_the_interval(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    for (int i = 0; i < RIG_CLIENTS; i++) rig_connected(r, 0, "{}");
    rig_pass(r, 12499);
    for (int i = 0; i < RIG_CLIENTS; i++) rig_expect(r, &r->clients[i], "");
    uint64_t first = UINT64_MAX, last = 0;
    for (int i = 0; i < RIG_CLIENTS; i++) {
        uint64_t due = r->clients[i].client.next_ping_ms;
        if (due < first) first = due;
        if (due > last) last = due;
    }
    assert_true(last - first > 1000); /* they are spread */
    for (int i = 0; i < RIG_CLIENTS; i++) {
        r->clients[i].client.next_check_ms = 0;
        uint64_t due = r->clients[i].client.next_ping_ms - 5000000;
        assert_true(due >= 12500 && due <= 25000);
    }
    rig_free(r);
}

static void a_ping_wants_one_pong_in_time(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *good = rig_connected(r, 0, "{}");
    struct rig_client *late = rig_connected(r, 0, "{}");
    struct rig_client *twice = rig_connected(r, 0, "{}");
    for (int i = 0; i < 3; i++)
        r->clients[i].client.next_ping_ms = r->now_ms + 20000, client_deadline(&r->clients[i].client);
    rig_pass(r, 19999);
    rig_expect(r, good, "");
    rig_pass(r, 1);
    rig_expect(r, good, "{}");
    rig_expect(r, late, "{}");
    rig_say(r, good, "{}");
    rig_say(r, twice, "{}");
    rig_say(r, twice, "{}");
    rig_expect_closed(r, twice, 3501);
    rig_pass(r, 7999);
    assert_int_equal(late->close_code, 0);
    rig_pass(r, 1);
    rig_expect_closed(r, late, 3012);
    rig_pass(r, 16999);
    rig_expect(r, good, "");
    rig_pass(r, 1);
    rig_expect(r, good, "{}");
    rig_say(r, good, "{\"id\":0,\"subscribe\":{\"channel\":\"open:a\"}}"); /* no id: a pong, whatever else it holds */
    rig_expect(r, good, "");
    assert_int_equal(good->client.subscription_count, 0);
    assert_int_equal(good->close_code, 0);
    rig_free(r);
}

static void a_pong_before_any_ping_closes(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, "{}");
    rig_say(r, c, "{}");
    rig_expect_closed(r, c, 3501);
    rig_free(r);
}

static void the_connect_reply_negotiates_pings(void **state)
{
    (void)state;
    static const struct {
        rig_policy_fn *change;
        bool frame;
        const char *part;
    } rows[] = { { NULL, false, "OSS\",\"ping\":25,\"pong\":true}}" },
                 { without_pings, false, "OSS\"}}" },
                 { without_pongs, false, "OSS\",\"ping\":25}}" },
                 { NULL, true, "OSS\"}}" } };
    for (size_t i = 0; i < 4; i++) {
        struct rig *r = rig_new(1, rows[i].change);
        struct rig_client *c = rig_open(r, 0);
        c->client.frame_pings = rows[i].frame;
        rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", rig_token("{}"));
        rig_expect_part(r, c, rows[i].part);
        rig_pass(r, 26000);
        rig_expect(r, c, rows[i].frame || rows[i].change == without_pings ? "" : "{}");
        assert_int_equal(c->frame_pings, rows[i].frame ? 1 : 0);
        rig_pass(r, 10000);
        assert_int_equal(c->close_code, rows[i].change ? 0 : 3012);
        rig_free(r);
    }
}

static void a_pong_of_the_transport_is_enough_with_frame_pings(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_open(r, 0);
    c->client.frame_pings = true;
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", rig_token("{}"));
    for (int i = 0; i < 25; i++) {
        rig_pass(r, 5000);
        client_frame_pong(&c->client);
    }
    assert_int_equal(c->close_code, 0);
    assert_true(c->frame_pings >= 4);
    rig_say(r, c, "{}");
    rig_expect_closed(r, c, 3501);
    rig_free(r);
}

static void a_connection_that_says_nothing_is_stale(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_open(r, 0);
    rig_pass(r, 9999);
    assert_int_equal(c->close_code, 0);
    rig_pass(r, 1);
    rig_expect_closed(r, c, 3502);
    rig_free(r);
}

static void a_connection_ends_after_its_expiry_and_the_delay(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, without_pings);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\",\"exp\":1800000010}");
    rig_pass(r, 35000);
    assert_int_equal(c->close_code, 0);
    rig_pass(r, 1);
    rig_expect_closed(r, c, 3005);
    rig_free(r);
}

static const struct refresh_row {
    const char *claims; /* of the refresh token */
    const char *reply;
    uint32_t code;
    uint64_t ends_ms; /* 0 = not within 100 s */
} refreshes[] = {
    { "{\"sub\":\"ann\",\"exp\":1800000020,\"channels\":[\"plain:a\"]}",
      "{\"id\":2,\"refresh\":{\"expires\":true,\"ttl\":20}}", 3005, 45000 },
    { "{\"sub\":\"ann\",\"channels\":[\"plain:a\"]}", "{\"id\":2,\"refresh\":{}}", 3005, 35000 }, /* OB-14 */
    { "{\"sub\":\"ann\",\"exp\":1800000000,\"channels\":[\"plain:a\"]}", "", 3005, 1 },
    { "{\"sub\":\"ann\",\"expire_at\":1700000000,\"channels\":[\"plain:a\"]}", "", 3005, 1 },
    { "{\"sub\":\"bob\",\"exp\":1800000020,\"channels\":[\"plain:a\"]}", "", 3500, 1 },
    { "{\"sub\":\"ann\",\"exp\":1800000020}", "", 3010, 1 },
    { "{\"sub\":\"ann\",\"exp\":1800000020,\"channels\":[\"plain:b\"]}", "", 3010, 1 },
    { "{\"sub\":\"ann\",\"exp\":1800000020,\"channels\":[\"plain:a\",\"plain:b\"]}", "", 3010, 1 },
    { "{\"sub\":\"ann\",\"exp\":1800000020,\"channels\":[\"plain:a\"],\"projectId\":\"proj_shop\"}", "", 3500, 1 },
    { "{\"sub\":\"ann\",\"exp\":1800000020,\"channels\":[\"plain:a\"],\"projectId\":\"proj_default\"}",
      "{\"id\":2,\"refresh\":{\"expires\":true,\"ttl\":20}}", 3005, 45000 },
};

static void a_refresh_moves_the_end_or_closes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refreshes / sizeof refreshes[0]; i++) {
        const struct refresh_row *row = &refreshes[i];
        print_message("  %s\n", row->claims);
        struct rig *r = rig_new(1, without_pings);
        struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\",\"exp\":1800000010,\"channels\":[\"plain:a\"]}");
        rig_say(r, c, "{\"id\":2,\"refresh\":{\"token\":\"%s\"}}", rig_token(row->claims));
        rig_expect(r, c, row->reply);
        if (row->ends_ms > 1) {
            rig_pass(r, row->ends_ms);
            assert_int_equal(c->close_code, 0);
            rig_pass(r, 1);
        }
        rig_expect_closed(r, c, row->code);
        rig_free(r);
    }
}

static void a_refresh_token_of_another_kind_or_key_closes(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    struct rig_client *b = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    rig_say(r, a, "{\"id\":2,\"refresh\":{\"token\":\"%s\"}}", rig_token("{\"sub\":\"ann\",\"channel\":\"plain:a\"}"));
    rig_expect_closed(r, a, 3500);
    rig_say(r, b, "{\"id\":2,\"refresh\":{\"token\":\"%s\"}}", rig_token_under("x", "{\"sub\":\"ann\"}"));
    rig_expect_closed(r, b, 3500);
    rig_free(r);
}

#define SUB_TOKEN(more) "{\"sub\":\"ann\",\"channel\":\"closed:a\"" more "}"

static const struct {
    const char *claims; /* NULL = no refresh */
    const char *reply;
    uint32_t code;
    uint64_t ends_ms; /* the subscription; 0 = not within 100 s */
} sub_refreshes[] = {
    { NULL, "", 0, 35000 },
    { SUB_TOKEN(",\"exp\":1800000020"), "{\"id\":3,\"sub_refresh\":{\"expires\":true,\"ttl\":20}}", 0, 45000 },
    { SUB_TOKEN(""), "{\"id\":3,\"sub_refresh\":{}}", 0, 0 },
    { SUB_TOKEN(",\"exp\":1700000000"), "{\"id\":3,\"sub_refresh\":{}}", 0, 0 },
    { SUB_TOKEN(",\"exp\":1800000020,\"projectId\":\"proj_shop\""), "", 3500, 0 },
    { SUB_TOKEN(",\"client\":\"x\""), "", 3500, 0 },
    { "{\"sub\":\"ann\",\"channel\":\"closed:b\"}", "", 3500, 0 },
    { "{\"sub\":\"bob\",\"channel\":\"closed:a\"}", "", 3500, 0 },
    { "{\"sub\":\"ann\"}", "", 3500, 0 },
};

static void a_subscription_ends_with_2501_unless_it_is_refreshed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sub_refreshes / sizeof sub_refreshes[0]; i++) {
        struct rig *r = rig_new(1, without_pings);
        struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"closed:a\",\"token\":\"%s\"}}",
                rig_token(SUB_TOKEN(",\"exp\":1800000010")));
        rig_expect(r, c, "{\"id\":2,\"subscribe\":{\"expires\":true,\"ttl\":10}}");
        rig_say(r, c, "{\"id\":4,\"subscribe\":{\"channel\":\"closed:c\",\"token\":\"%s\"}}",
                rig_token("{\"sub\":\"ann\",\"channel\":\"closed:c\",\"exp\":1800000090}"));
        rig_forget(r, c);
        if (sub_refreshes[i].claims)
            rig_say(r, c, "{\"id\":3,\"sub_refresh\":{\"channel\":\"closed:a\",\"token\":\"%s\"}}",
                    rig_token(sub_refreshes[i].claims));
        rig_expect(r, c, sub_refreshes[i].reply);
        assert_int_equal(c->close_code, sub_refreshes[i].code);
        if (!sub_refreshes[i].code) {
            rig_pass(r, sub_refreshes[i].ends_ms ? sub_refreshes[i].ends_ms - 1 : 100000);
            rig_expect(r, c, "");
            if (sub_refreshes[i].ends_ms) {
                rig_pass(r, 2);
                rig_expect(r, c,
                           "{\"push\":{\"channel\":\"closed:a\",\"unsubscribe\":{\"code\":2501,\"reason\":"
                           "\"subscription expired\"}}}");
                assert_int_equal(rig_subscribers(r, 0, "closed:a"), 0);
                assert_int_equal(c->client.subscription_count, 1);
                rig_pass(r, 115002 - sub_refreshes[i].ends_ms); /* the other one has its own end */
                rig_expect_part(r, c, "{\"push\":{\"channel\":\"closed:c\",\"unsubscribe\":{\"code\":2501");
            }
        }
        rig_free(r);
    }
}

static void an_expired_server_side_subscription_closes_with_3006(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, without_pings);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    struct effect_request request = {
        .kind = EFFECT_SUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("plain:a"), .expire_at_s = RIG_NOW_S + 10
    };
    assert_true(rig_effect(r, 0, &request));
    rig_run(r);
    rig_pass(r, 34999);
    assert_int_equal(c->close_code, 0);
    rig_pass(r, 2);
    rig_expect_closed(r, c, 3006);
    rig_free(r);
}

static void a_peer_that_does_not_read_is_slow_whatever_is_sent(void **state)
{
    (void)state;
    static const char *const kinds[] = { "publication", "reply", "push", "ping" };
    for (int kind = 0; kind < 4; kind++) {
        print_message("  %s\n", kinds[kind]);
        struct rig *r = rig_new(1, NULL);
        struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\",\"channels\":[\"plain:a\",\"members:b\"]}");
        struct rig_client *other = rig_connected(r, 0, "{\"sub\":\"bob\",\"channels\":[\"plain:a\"]}");
        c->queued = 65536;
        rig_say(r, c, "{\"id\":2,\"unsubscribe\":{\"channel\":\"x\"}}");
        assert_int_equal(c->close_code, 0); /* at the limit, not over it */
        c->queued = 65537;
        if (kind == 0) rig_publish(r, 0, "plain:a", "1");
        if (kind == 1) rig_say(r, c, "{\"id\":2,\"unsubscribe\":{\"channel\":\"x\"}}");
        struct effect_request request = { .kind = EFFECT_UNSUBSCRIBE,
                                          .user = SLICE("ann"),
                                          .channel = SLICE("plain:a") };
        if (kind == 2) assert_true(rig_effect(r, 0, &request));
        if (kind == 3) {
            c->client.next_ping_ms = r->now_ms + 1;
            c->deadline_ms = r->now_ms + 1;
            rig_pass(r, 1);
        }
        rig_run(r);
        rig_expect_closed(r, c, 3008);
        assert_int_equal(other->close_code, 0);
        assert_int_equal(rig_subscribers(r, 0, "plain:a"), 1);
        assert_int_equal(rig_subscribers(r, 0, "members:b"), 0);
        rig_free(r);
    }
}

static void a_publication_that_would_fill_half_a_queue_is_refused(void **state)
{
    (void)state;
    static char data[32769];
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    memset(data, '1', sizeof data - 1);
    rig_say(r, c, "{\"id\":2,\"publish\":{\"channel\":\"public:a\",\"data\":%s}}", data);
    rig_expect(r, c, "{\"id\":2,\"publish\":{}}");
    rig_say(r, c, "{\"id\":2,\"publish\":{\"channel\":\"public:a\",\"data\":1%s}}", data);
    rig_expect(r, c, "{\"id\":2,\"error\":{\"code\":107,\"message\":\"bad request\"}}");
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_ping_comes_between_half_the_interval_and_the_interval),
        cmocka_unit_test(a_ping_wants_one_pong_in_time),
        cmocka_unit_test(a_pong_before_any_ping_closes),
        cmocka_unit_test(the_connect_reply_negotiates_pings),
        cmocka_unit_test(a_pong_of_the_transport_is_enough_with_frame_pings),
        cmocka_unit_test(a_connection_that_says_nothing_is_stale),
        cmocka_unit_test(a_connection_ends_after_its_expiry_and_the_delay),
        cmocka_unit_test(a_refresh_moves_the_end_or_closes),
        cmocka_unit_test(a_refresh_token_of_another_kind_or_key_closes),
        cmocka_unit_test(a_subscription_ends_with_2501_unless_it_is_refreshed),
        cmocka_unit_test(an_expired_server_side_subscription_closes_with_3006),
        cmocka_unit_test(a_peer_that_does_not_read_is_slow_whatever_is_sent),
        cmocka_unit_test(a_publication_that_would_fill_half_a_queue_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
