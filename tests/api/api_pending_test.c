#include "support/api_harness.h"

#include <stdio.h>

#include "base/mem.h"

/* Answers that come later: a broker that takes its time, effects on other workers,
 * long work in slices, and what comes too late. */

#define OK "{\"result\":{}}"

static const char *token_of(struct harness *h, const char *key, const char *user)
{
    char body[256];
    (void)snprintf(body, sizeof body, "{\"userId\":\"%s\"}", user);
    harness_ask(h, API_PROJECT, "token", key, body);
    return harness_token(h);
}

static void a_slow_broker_gives_the_same_answers(void **state)
{
    struct harness *h = harness_new(HARNESS_DELAYED, NULL);
    (void)state;
    for (int i = 1; i <= 2; i++) {
        char expected[64];
        harness_ask(h, i == 1 ? API_ENGINE : API_PROJECT, "publish", i == 1 ? ENGINE_KEY : SERVER_KEY,
                    "{\"channel\":\"public:a\",\"data\":{}}");
        (void)snprintf(expected, sizeof expected, "{\"result\":{\"offset\":%d,\"epoch\":\"", i);
        harness_expect_part(h, 200, expected);
        assert_int_equal(h->pending_count, 1);
    }
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "[{\"data\":{},\"offset\":1},{\"data\":{},\"offset\":2}],\"epoch\":\"");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY,
                "{\"channel\":\"public:a\",\"since\":{\"offset\":9,\"epoch\":\"x\"}}");
    harness_expect_part(h, 200, "\"code\":112");
    harness_ask(h, API_ENGINE, "presence", ENGINE_KEY, "{\"channel\":\"public:a\"}");
    harness_expect(h, 200, "{\"result\":{\"presence\":{}}}");
    harness_ask(h, API_ENGINE, "presence_stats", ENGINE_KEY, "{\"channel\":\"public:a\"}");
    harness_expect(h, 200, "{\"result\":{\"num_clients\":0,\"num_users\":0}}");
    harness_ask(h, API_ENGINE, "history_remove", ENGINE_KEY, "{\"channel\":\"public:a\"}");
    harness_expect(h, 200, OK);
    assert_int_equal(h->pending_count, 1);
    harness_free(h);
}

static void a_broadcast_answers_for_each_channel_in_order(void **state)
{
    static const char body[] =
        "{\"channels\":[\"public:a\",\"\",\"nobody:x\",\"map:m\",\"object:o\",\"b\",\"public:a\"],"
        "\"data\":[1],\"tags\":{\"k\":\"v\"}}";
    (void)state;
    for (int delayed = 0; delayed < 2; delayed++) {
        struct harness *h = harness_new(delayed ? HARNESS_DELAYED : HARNESS_MEMORY, NULL);
        harness_ask(h, API_ENGINE, "broadcast", ENGINE_KEY, body);
        harness_expect_part(h, 200, "{\"result\":{\"responses\":[{\"result\":{\"offset\":1,\"epoch\":\"");
        harness_expect_part(h, 200,
                            "\"}},{\"error\":{\"code\":107,\"message\":\"bad request\"}},"
                            "{\"error\":{\"code\":102,\"message\":\"unknown channel\"}},{\"result\":{}},"
                            "{\"error\":{\"code\":107,\"message\":\"bad request\"}},{\"result\":{}},"
                            "{\"result\":{\"offset\":2,\"epoch\":\"");
        assert_int_equal(h->pending_count, delayed ? 4 : 0);
        harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
        harness_expect_part(h, 200, "[{\"data\":[1],\"offset\":1,\"tags\":{\"k\":\"v\"}},");
        harness_free(h);
    }
}

static void a_broadcast_takes_64_channels_a_turn(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct buf body;
    (void)state;
    buf_init(&body, BUF_NO_LIMIT);
    for (int count = 64; count <= 129; count += count == 64 ? 1 : 64) {
        buf_clear(&body);
        buf_append(&body, SLICE("{\"data\":1,\"channels\":["));
        for (int i = 0; i < count; i++) buf_printf(&body, "%s\"c%d\"", i ? "," : "", i);
        buf_append(&body, SLICE("]}"));
        harness_ask_with(h, API_ENGINE, "broadcast", "POST", NULL, ENGINE_KEY, buf_slice(&body));
        assert_int_equal(h->again_count, (count - 1) / 64);
        int answers = 0;
        for (const char *at = harness_body(h); (at = strstr(at, "{\"result\":{}}")); at++) answers++;
        assert_int_equal(answers, count);
    }
    buf_deinit(&body);
    harness_free(h);
}

static void a_timed_out_call_is_an_error_and_its_late_answer_is_dropped(void **state)
{
    (void)state;
    struct harness *h = harness_new(HARNESS_DELAYED, NULL);
    static const char body[] = "{\"channel\":\"public:a\",\"data\":1}";
    harness_begin(h, API_ENGINE, "publish", ENGINE_KEY, body);
    assert_int_equal(h->outcome, API_PENDING);
    api_timed_out(&h->call);
    harness_expect(h, 200, "{\"error\":{\"code\":100,\"message\":\"internal server error\"}}");
    harness_begin(h, API_ENGINE, "publish", ENGINE_KEY "X-Centrifugo-Error-Mode: transport\n", body);
    api_timed_out(&h->call);
    harness_expect(h, 500, "{\"code\":100,\"message\":\"internal server error\"}");
    harness_begin(h, API_PROJECT, "publish", SERVER_KEY, body);
    api_timed_out(&h->call);
    harness_expect_part(h, 503, "{\"error\":{\"code\":\"timeout\"");
    harness_begin(h, API_ENGINE, "broadcast", ENGINE_KEY, "{\"channels\":[\"a\",\"b\"],\"data\":1}");
    api_timed_out(&h->call);
    harness_expect(h, 200, "{\"error\":{\"code\":100,\"message\":\"internal server error\"}}");
    /* the answers of all of them come in while another call waits */
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":0}");
    harness_expect_part(h, 200, "{\"result\":{\"publications\":[],");
    harness_free(h);
}

static void an_answer_for_another_operation_changes_nothing(void **state)
{
    struct harness *h = harness_new(HARNESS_DELAYED, NULL);
    (void)state;
    harness_begin(h, API_ENGINE, "publish", ENGINE_KEY, "{\"channel\":\"a\",\"data\":1}");
    struct broker_completion *stale = mem_must_alloc_zero(sizeof *stale);
    stale->ticket.operation = h->call.operation_ + 1;
    assert_int_equal(api_completed(&h->call, stale), API_PENDING);
    assert_int_equal(api_effect_done(&h->call, h->call.operation_, 1), API_PENDING);
    assert_int_equal(api_continue(&h->call), API_PENDING);
    harness_finish(h);
    harness_expect(h, 200, OK);
    harness_free(h);
}

/* ---- effects ---- */

static void subscribe_is_done_when_it_answers(void **state)
{
    (void)state;
    for (int delayed = 0; delayed < 2; delayed++) {
        struct harness *h = harness_new(delayed ? HARNESS_DELAYED : HARNESS_MEMORY, NULL);
        struct harness_client *near = harness_connect(h, 0, token_of(h, SERVER_KEY, "u"));
        struct harness_client *far = harness_connect(h, 1, token_of(h, SERVER_KEY, "u"));
        struct harness_client *other = harness_connect(h, 1, token_of(h, SERVER_KEY, "v"));
        struct harness_client *shop = harness_connect(h, 1, token_of(h, SHOP_KEY, "u"));
        (void)harness_received(h, near), (void)harness_received(h, far);
        (void)harness_received(h, other), (void)harness_received(h, shop);
        harness_ask(h, API_ENGINE, "subscribe", ENGINE_KEY,
                    "{\"user\":\"u\",\"channel\":\"news:a\",\"data\":{\"d\":1},\"override\":{\"forceRecovery\":"
                    "{\"value\":true},\"force_positioning\":{\"value\":true}}}");
        harness_expect(h, 200, OK);
        assert_true(h->pending_count > 0);
        assert_int_equal(near->client.subscription_count, 1);
        assert_int_equal(far->client.subscription_count, 1);
        assert_int_equal(other->client.subscription_count, 0);
        assert_int_equal(shop->client.subscription_count, 0);
        const char *push = harness_received(h, far);
        assert_non_null(
            strstr(push, "{\"push\":{\"channel\":\"news:a\",\"subscribe\":{\"recoverable\":true,\"epoch\":"));
        assert_non_null(strstr(push, "\"data\":{\"d\":1}"));
        harness_ask(h, API_PROJECT, "publish", SERVER_KEY,
                    "{\"channel\":\"news:a\",\"data\":7,\"tags\":{\"k\":\"v\"}}");
        assert_string_equal(harness_received(h, far), "pub news:a 7 k=v\n");
        harness_ask(h, API_PROJECT, "publish", SHOP_KEY, "{\"channel\":\"news:a\",\"data\":8}");
        assert_string_equal(harness_received(h, far), "");
        harness_free(h);
    }
}

static void unsubscribe_ends_it_on_every_worker(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct harness_client *c[2];
    (void)state;
    for (uint32_t i = 0; i < 2; i++) c[i] = harness_connect(h, i, token_of(h, SERVER_KEY, "u"));
    harness_ask(h, API_ENGINE, "subscribe", ENGINE_KEY, "{\"user\":\"u\",\"channel\":\"news:a\"}");
    harness_ask(h, API_ENGINE, "unsubscribe", ENGINE_KEY, "{\"user\":\"u\",\"channel\":\"news:a\"}");
    harness_expect(h, 200, OK);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(c[i]->client.subscription_count, 0);
        assert_non_null(
            strstr(harness_received(h, c[i]), "\"unsubscribe\":{\"code\":2000,\"reason\":\"server unsubscribe\"}"));
    }
    harness_free(h);
}

static void disconnect_spares_the_whitelist_and_gives_its_code(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct harness_client *c[3];
    char id[CLIENT_ID_LEN + 1], body[256];
    (void)state;
    for (uint32_t i = 0; i < 3; i++) c[i] = harness_connect(h, i % 2, token_of(h, SERVER_KEY, "u"));
    client_id_text(&c[1]->client, id);
    (void)snprintf(body, sizeof body,
                   "{\"user\":\"u\",\"whitelist\":[\"%s\"],\"disconnect\":{\"code\":4001,\"reason\":\"go\"}}", id);
    harness_ask(h, API_ENGINE, "disconnect", ENGINE_KEY, body);
    harness_expect(h, 200, OK);
    assert_int_equal(c[0]->close_code, 4001);
    assert_string_equal(c[2]->close_reason, "go");
    assert_int_equal(c[1]->close_code, 0);
    (void)snprintf(body, sizeof body, "{\"user\":\"u\",\"client\":\"%s\"}", id);
    harness_ask(h, API_ENGINE, "disconnect", ENGINE_KEY, body);
    assert_int_equal(c[1]->close_code, 3503);
    assert_string_equal(c[1]->close_reason, "force disconnect");
    harness_free(h);
}

static void refresh_moves_the_expiry_and_can_end_it(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    char body[128];
    (void)state;
    struct harness_client *c = harness_connect(h, 1, token_of(h, SERVER_KEY, "u"));
    (void)harness_received(h, c);
    (void)snprintf(body, sizeof body, "{\"user\":\"u\",\"expire_at\":%d}", HARNESS_NOW_S + 70);
    harness_ask(h, API_ENGINE, "refresh", ENGINE_KEY, body);
    harness_expect(h, 200, OK);
    assert_string_equal(harness_received(h, c), "{\"push\":{\"refresh\":{\"expires\":true,\"ttl\":70}}}\n");
    harness_ask(h, API_ENGINE, "refresh", ENGINE_KEY, "{\"user\":\"u\",\"expired\":true}");
    harness_expect(h, 200, OK);
    assert_int_equal(c->close_code, 3005);
    harness_free(h);
}

static void presence_and_channels_show_who_is_there(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    char id[CLIENT_ID_LEN + 1], expected[256];
    (void)state;
    harness_ask(h, API_PROJECT, "token", SERVER_KEY, "{\"userId\":\"u\",\"info\":{\"n\":1}}");
    struct harness_client *c = harness_connect(h, 1, harness_token(h));
    harness_send(h, c, "{\"id\":2,\"subscribe\":{\"channel\":\"news:a\"}}");
    harness_send(h, c, "{\"id\":3,\"subscribe\":{\"channel\":\"x\\\"y\"}}");
    client_id_text(&c->client, id);
    harness_ask(h, API_ENGINE, "presence", ENGINE_KEY, "{\"channel\":\"news:a\"}");
    (void)snprintf(expected, sizeof expected,
                   "{\"result\":{\"presence\":{\"%s\":{\"user\":\"u\",\"client\":\"%s\",\"conn_info\":{\"n\":1}}}}}",
                   id, id);
    harness_expect(h, 200, expected);
    harness_ask(h, API_ENGINE, "presence_stats", ENGINE_KEY, "{\"channel\":\"news:a\"}");
    harness_expect(h, 200, "{\"result\":{\"num_clients\":1,\"num_users\":1}}");
    harness_ask(h, API_ENGINE, "channels", ENGINE_KEY, "{\"pattern\":\"news:*\"}");
    harness_expect(h, 200, "{\"result\":{\"channels\":{\"news:a\":{\"num_clients\":1}}}}");
    harness_ask(h, API_ENGINE, "channels", ENGINE_KEY, "{}");
    harness_expect_part(h, 200, "\"x\\\"y\":{\"num_clients\":1}");
    harness_ask(h, API_ENGINE, "channels", ENGINE_KEY "X-Xshathra-Project: " SHOP_ID "\n", "{}");
    harness_expect(h, 200, "{\"result\":{\"channels\":{}}}");
    harness_ask(h, API_ENGINE, "info", ENGINE_KEY, "{}");
    harness_expect_part(h, 200, "\"num_clients\":1,\"num_users\":1,\"num_channels\":2,");
    harness_expect_part(h, 200, "\"num_subs\":2}");
    harness_free(h);
}

static void memory_that_runs_out_is_no_crash(void **state)
{
    static const struct {
        const char *name, *body;
    } rows[] = {
        { "publish", "{\"channel\":\"public:\\u0061\",\"b64data\":\"W10=\",\"tags\":{\"k\":\"v\"}}" },
        { "broadcast", "{\"channels\":[\"a\",\"public:b\"],\"data\":1}" },
        { "history", "{\"channel\":\"public:a\",\"limit\":-1}" },
        { "channels", "{}" },
        { "subscribe", "{\"user\":\"u\",\"channel\":\"a\"}" },
        { "disconnect", "{\"user\":\"u\",\"whitelist\":[\"a\"]}" },
        { "info", "{}" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool reached = true;
        for (size_t n = 1; n < 60 && reached; n++) {
            struct harness *h = harness_new(HARNESS_MEMORY, NULL);
            harness_ask(h, API_ENGINE, "publish", ENGINE_KEY, "{\"channel\":\"public:a\",\"data\":1}");
            api_call_deinit(&h->call);
            api_call_init(&h->call, &h->workers[0].engine);
            mem_fail_after(n);
            harness_ask(h, API_ENGINE, rows[i].name, ENGINE_KEY, rows[i].body);
            reached = !mem_fail_pending();
            mem_fail_after(0);
            if (h->call.status != 200) assert_true(h->call.status == 500 || h->call.status == 503);
            harness_free(h);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_broker_gives_the_same_answers),
        cmocka_unit_test(a_broadcast_answers_for_each_channel_in_order),
        cmocka_unit_test(a_broadcast_takes_64_channels_a_turn),
        cmocka_unit_test(a_timed_out_call_is_an_error_and_its_late_answer_is_dropped),
        cmocka_unit_test(an_answer_for_another_operation_changes_nothing),
        cmocka_unit_test(subscribe_is_done_when_it_answers),
        cmocka_unit_test(unsubscribe_ends_it_on_every_worker),
        cmocka_unit_test(disconnect_spares_the_whitelist_and_gives_its_code),
        cmocka_unit_test(refresh_moves_the_expiry_and_can_end_it),
        cmocka_unit_test(presence_and_channels_show_who_is_there),
        cmocka_unit_test(memory_that_runs_out_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
