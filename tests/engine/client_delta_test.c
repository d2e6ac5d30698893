/* Delta compression of subscriptions: rows HI-35 to HI-42, HI-44 and HI-46. Clients of Protobuf:
 * tests/e2e/delta_test.mjs. */
#include <stdio.h>
#include <string.h>

#include "engine/support/engine_rig.h"

#include "base/check.h"
#include "base/mem.h"

/* A text whose changes of one digit make a delta; as JSON and as a JSON string. */
#define ROW(n) "{\"n\":" #n ",\"stays\":\"abcdefghijklmnopqrstuvwxyz\"}"
#define STR(n) "\"{\\\"n\\\":" #n ",\\\"stays\\\":\\\"abcdefghijklmnopqrstuvwxyz\\\"}\""

/* What a client gets; the deltas are what Centrifugo's encoder writes. */
#define PUB(rest)    "{\"push\":{\"channel\":\"public:a\",\"pub\":{" rest "}}}"
#define FULL(n, at)  PUB("\"data\":" STR(n) ",\"offset\":" #at)
#define DELTA(d, at) PUB("\"data\":\"" d "\",\"offset\":" #at ",\"delta\":true")
#define D2           "h\\n6:{\\\"n\\\":2b@6,2PwzZl;"

static void allow(struct policy_deployment *d)
{
    for (size_t i = 0; i < d->namespace_count; i++) {
        d->namespaces[i].options.allow_delta_fossil = true;
        d->namespaces[i].options.delta_publish = true;
        d->namespaces[i].options.allow_tags_filter = true;
    }
}

static void allow_from_cache(struct policy_deployment *d)
{
    allow(d);
    for (size_t i = 0; i < d->namespace_count; i++) d->namespaces[i].options.recovery_mode = POLICY_RECOVERY_CACHE;
}

static void allow_with_joins(struct policy_deployment *d)
{
    allow(d);
    for (size_t i = 0; i < d->namespace_count; i++)
        d->namespaces[i].options.join_leave = d->namespaces[i].options.force_push_join_leave = true;
}

/* Publish in public:a; a tag k of this value, or NULL. */
static void publish_with(struct rig *r, const char *data, bool marked, bool skip_history, const char *tag)
{
    struct publication_tag tags[] = { { SLICE("k"), slice_from_cstr(tag) } };
    struct broker_context context = engine_broker_context(&r->workers[0].engine);
    struct broker_publish request = {
        .channel = SLICE("public:a"),
        .content = { .data = slice_from_cstr(data), .data_is_json = true, .tags = tags, .tag_count = tag ? 1 : 0 },
        .history = rig_history(r, "public:a"),
        .delta = marked,
        .skip_history = skip_history,
    };
    struct broker_result result = { 0 };
    struct broker_ticket nobody = { .handle = { .worker = 0 } };
    assert_int_equal(r->broker->ops->publish(r->broker, &context, &request, nobody, &result), BROKER_DONE);
    assert_int_equal(result.status, STATUS_OK);
    broker_result_deinit(&result);
    rig_run(r);
}

static void publish(struct rig *r, const char *data)
{
    publish_with(r, data, true, false, NULL);
}

static struct rig_client *subscribed(struct rig *r, const char *more)
{
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\",\"delta\":\"fossil\"%s}}", more);
    return c;
}

/* The data of all publications since the last look: F full string, D delta, P plain. */
static const char *shapes(struct rig *r, struct rig_client *c)
{
    static char out[64];
    size_t count = 0;
    for (const char *at = rig_received(r, c); (at = strstr(at, "\"data\":")) != NULL; at++) {
        const char *next = strstr(at + 1, "\"data\":"), *list_end = strchr(at, ']');
        const char *delta =
            strstr(at, "\"delta\":true}"); /* of this one, of a later one, or of the subscribe's answer */
        bool is_string = at[strlen("\"data\":")] == '"';
        bool is_delta = delta && (!next || delta < next) && (!list_end || delta < list_end);
        out[count++] = is_delta ? 'D' : is_string ? 'F' : 'P';
        assert_true(count < sizeof out && (is_string || !is_delta));
    }
    out[count] = 0;
    return out;
}

/* ---- live ---- */

static void the_first_is_full_and_what_follows_is_a_delta_where_that_is_shorter(void **state)
{
    struct rig *r = rig_new(1, allow);
    struct rig_client *c = subscribed(r, ""), *plain = rig_connected(r, 0, "{\"sub\":\"bob\"}");
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"positioned\":true,\"delta\":true}}");
    rig_say(r, plain, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
    rig_forget(r, plain);
    publish(r, ROW(1));
    rig_expect(r, c, FULL(1, 1));
    rig_expect(r, plain, PUB("\"data\":" ROW(1) ",\"offset\":1,\"epoch\":\"E0\""));
    publish(r, ROW(2));
    rig_expect(r, c, DELTA(D2, 2));
    rig_expect(r, plain, PUB("\"data\":" ROW(2) ",\"offset\":2"));
    publish(r, "5");
    rig_expect(r, c, PUB("\"data\":\"5\",\"offset\":3"));
    publish(r, "\"<\xc3\xa9\\n>\"");
    rig_expect(r, c, PUB("\"data\":\"\\\"\\u003c\xc3\xa9\\\\n\\u003e\\\"\",\"offset\":4"));
    rig_free(r);
}

static void publications_that_are_not_marked_are_full_and_may_be_a_base(void **state)
{
    struct rig *r = rig_new(1, allow);
    struct rig_client *c = subscribed(r, "");
    rig_forget(r, c);
    static const bool marked[] = { false, false, true, true, false, true };
    for (size_t i = 0; i < ARRAY_COUNT(marked); i++) publish_with(r, ROW(1), marked[i], false, NULL);
    assert_string_equal(shapes(r, c), "FFDDFD");
    rig_free(r);
}

static void what_is_not_in_history_is_nobodys_base(void **state)
{
    struct rig *r = rig_new(1, allow);
    struct rig_client *c = subscribed(r, "");
    rig_forget(r, c);
    publish(r, ROW(1));
    publish(r, ROW(2));
    publish_with(r, ROW(3), true, true, NULL);
    publish(r, ROW(4)); /* its base is ROW(2), and the client has ROW(3) last */
    publish(r, ROW(5));
    assert_string_equal(shapes(r, c), "FDFFD");
    rig_free(r);
}

static void without_a_position_all_is_full(void **state)
{
    struct rig *r = rig_new(1, allow);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"open:a\",\"delta\":\"fossil\"}}");
    rig_expect(r, c, "{\"id\":2,\"subscribe\":{\"delta\":true}}");
    for (int i = 0; i < 3; i++) rig_say(r, c, "{\"id\":3,\"publish\":{\"channel\":\"open:a\",\"data\":" ROW(1) "}}");
    assert_string_equal(shapes(r, c), "FFF");
    rig_free(r);
}

static void where_deltas_are_not_allowed_all_is_plain(void **state)
{
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = subscribed(r, "");
    rig_expect(r, c, "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"positioned\":true}}");
    publish(r, ROW(1));
    publish(r, ROW(2));
    assert_string_equal(shapes(r, c), "PP");
    rig_free(r);
}

static void joins_between_publications_change_nothing(void **state)
{
    struct rig *r = rig_new(1, allow_with_joins);
    struct rig_client *c = subscribed(r, "");
    rig_forget(r, c);
    publish(r, ROW(1));
    struct rig_client *other = subscribed(r, "");
    rig_expect_part(r, c, "\"join\"");
    publish(r, ROW(2));
    rig_hang_up(r, other);
    publish(r, ROW(3));
    assert_string_equal(shapes(r, c), "DD");
    rig_free(r);
}

static void with_a_filter_live_publications_are_not_filtered(void **state)
{
    struct rig *r = rig_new(1, allow);
    struct rig_client *c = subscribed(r, ",\"tf\":{\"key\":\"k\",\"cmp\":\"eq\",\"val\":\"a\"}");
    rig_forget(r, c);
    publish_with(r, ROW(1), true, false, "a");
    publish_with(r, ROW(2), true, false, "b");
    publish_with(r, ROW(3), true, false, NULL);
    assert_string_equal(shapes(r, c), "FDD");
    rig_free(r);
}

/* ---- recovery ---- */

/* Five publications are in history, 3 of tag b and the others of tag a. */
static struct rig *rig_with_five(rig_policy_fn *change, bool marked)
{
    static const char *const rows[] = { ROW(1), ROW(2), ROW(3), ROW(4), ROW(5) };
    struct rig *r = rig_new(1, change);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) publish_with(r, rows[i], marked, false, i == 2 ? "b" : "a");
    return r;
}

#define FILTER(tag) ",\"tf\":{\"key\":\"k\",\"cmp\":\"eq\",\"val\":\"" tag "\"}"

static void recovered_publications_are_a_chain_that_live_ones_continue(void **state)
{
    static const struct {
        const char *more, *recovered, *live;
    } rows[] = {
        { ",\"recover\":true,\"offset\":1", "FDDD", "D" },
        { ",\"recover\":true,\"offset\":4", "F", "D" },
        /* nobody knows whether the client has number 5: it may have been subscribed behind it */
        { ",\"recover\":true,\"offset\":5", "", "F" },
        { ",\"recover\":true,\"offset\":1,\"epoch\":\"lost\"", "", "F" },
        { "", "", "F" },
        { ",\"recover\":true,\"offset\":1" FILTER("a"), "FDD", "D" },
        { ",\"recover\":true,\"offset\":1" FILTER("b"), "F", "F" }, /* number 5 was left out */
        { ",\"recover\":true,\"offset\":1" FILTER("c"), "", "F" },
    };
    for (size_t i = 0; i < 2 * ARRAY_COUNT(rows); i++) {
        struct rig *r = rig_with_five(allow, i % 2 == 0); /* marked or not: recovery makes its own */
        struct rig_client *c = subscribed(r, rows[i / 2].more);
        assert_string_equal(shapes(r, c), rows[i / 2].recovered);
        publish_with(r, ROW(6), true, false, "a");
        assert_string_equal(shapes(r, c), rows[i / 2].live);
        publish(r, ROW(7));
        assert_string_equal(shapes(r, c), "D");
        rig_free(r);
    }
}

static void the_recovered_texts_are_those_of_the_live_ones(void **state)
{
    struct rig *r = rig_new(1, allow);
    publish(r, ROW(1));
    publish(r, ROW(2));
    struct rig_client *c = subscribed(r, ",\"recover\":true");
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"publications\":[{\"data\":" STR(
                   1) ",\"offset\":1},{\"data\":\"" D2 "\",\"offset\":2,\"delta\":true}],\"recovered\":true,"
                      "\"positioned\":true,\"was_recovering\":true,\"delta\":true}}");
    rig_free(r);
}

static void the_cache_brings_the_newest_in_full_and_deltas_follow(void **state)
{
    struct rig *r = rig_with_five(allow_from_cache, true);
    struct rig_client *c = subscribed(r, ",\"recover\":true");
    assert_string_equal(shapes(r, c), "F");
    publish(r, ROW(6));
    publish(r, ROW(7));
    assert_string_equal(shapes(r, c), "DD");
    struct rig_client *filtered = subscribed(r, ",\"recover\":true" FILTER("b"));
    assert_string_equal(shapes(r, filtered), ""); /* the newest has another tag */
    publish(r, ROW(8));
    assert_string_equal(shapes(r, filtered), "F");
    rig_free(r);
}

static void server_side_subscriptions_have_deltas_too(void **state)
{
    struct rig *r = rig_with_five(allow, true);
    struct rig_client *c = rig_open(r, 0);
    rig_say(r, c,
            "{\"id\":1,\"connect\":{\"token\":\"%s\",\"subs\":{\"public:a\":{\"delta\":\"fossil\",\"recover\":true,"
            "\"offset\":2},\"plain:a\":{\"delta\":\"other\"}}}}",
            rig_token("{\"sub\":\"ann\",\"channels\":[\"public:a\",\"plain:a\"]}"));
    assert_string_equal(shapes(r, c), "FDD");
    publish(r, ROW(6));
    assert_string_equal(shapes(r, c), "D");
    rig_free(r);
}

static void what_came_while_the_answer_was_pending_continues_it(void **state)
{
    struct rig *r = rig_with_five(allow, true);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    held_broker_set(r->broker, HELD_ANSWERS);
    rig_say(r, c,
            "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\",\"delta\":\"fossil\",\"recover\":true,\"offset\":3}}");
    held_broker_set(r->broker, HELD_NOTHING);
    publish(r, ROW(6));
    publish(r, ROW(7));
    assert_string_equal(shapes(r, c), "");
    held_broker_release_all(r->broker);
    rig_run(r);
    assert_string_equal(shapes(r, c), "FDDD");
    rig_free(r);
}

/* ---- API history and limits ---- */

static void history_is_never_compressed(void **state)
{
    struct rig *r = rig_with_five(allow, true);
    struct rig_client *c = subscribed(r, "");
    rig_forget(r, c);
    rig_say(r, c, "{\"id\":3,\"history\":{\"channel\":\"public:a\",\"limit\":3}}");
    assert_string_equal(shapes(r, c), "PPP");
    rig_free(r);
}

static void when_memory_is_out_the_client_goes_or_gets_what_it_can_read(void **state)
{
    for (size_t n = 1; n < 100; n++) {
        struct rig *r = rig_with_five(allow, true);
        struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
        mem_fail_after(n);
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\",\"delta\":\"fossil\",\"recover\":true}}");
        bool failed = !mem_fail_pending();
        mem_fail_after(0);
        if (!c->ended) publish(r, ROW(6));
        rig_free(r);
        if (!failed) return;
    }
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_full_and_what_follows_is_a_delta_where_that_is_shorter),
        cmocka_unit_test(publications_that_are_not_marked_are_full_and_may_be_a_base),
        cmocka_unit_test(what_is_not_in_history_is_nobodys_base),
        cmocka_unit_test(without_a_position_all_is_full),
        cmocka_unit_test(where_deltas_are_not_allowed_all_is_plain),
        cmocka_unit_test(joins_between_publications_change_nothing),
        cmocka_unit_test(with_a_filter_live_publications_are_not_filtered),
        cmocka_unit_test(recovered_publications_are_a_chain_that_live_ones_continue),
        cmocka_unit_test(the_recovered_texts_are_those_of_the_live_ones),
        cmocka_unit_test(the_cache_brings_the_newest_in_full_and_deltas_follow),
        cmocka_unit_test(server_side_subscriptions_have_deltas_too),
        cmocka_unit_test(what_came_while_the_answer_was_pending_continues_it),
        cmocka_unit_test(history_is_never_compressed),
        cmocka_unit_test(when_memory_is_out_the_client_goes_or_gets_what_it_can_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
