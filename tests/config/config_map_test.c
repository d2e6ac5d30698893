#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/support/config_try.h"

#include "base/check.h"

/* A namespace "ab" with these members beside its name, and one of each kind of map to point at. */
#define TARGETS                                                                                                        \
    ",{\"name\":\"cl\",\"subscription_type\":\"map_clients\",\"map\":{\"mode\":\"ephemeral\",\"key_ttl\":\"1m\"}}"     \
    ",{\"name\":\"us\",\"subscription_type\":\"map_users\",\"map\":{\"mode\":\"recoverable\",\"key_ttl\":\"1m\"}}"
#define NAMESPACE(members) "{\"channel\":{\"namespaces\":[{\"name\":\"ab\"," members "}" TARGETS "]}}"
#define MAP(members)       NAMESPACE("\"subscription_type\":\"map\",\"map\":{" members "}")

static const struct policy_channel_options *load(struct config_try *t, const char *json)
{
    config_try_load(t, json, NULL);
    if (!t->config || t->report.count) fail_msg("%s gave: %s", json, t->text.ptr);
    return &t->config->deployment->namespaces[0].options;
}

static void the_defaults_are_those_of_the_mode(void **state)
{
    static const struct {
        const char *json;
        enum policy_map_mode mode;
        uint32_t size;
        uint64_t key_ms, stream_ms, meta_ms;
    } rows[] = {
        { MAP("\"mode\":\"ephemeral\",\"key_ttl\":\"30s\""), POLICY_MAP_EPHEMERAL, 0, 30000, 0, 0 },
        { MAP("\"mode\":\"recoverable\",\"key_ttl\":\"30s\""), POLICY_MAP_RECOVERABLE, 100, 30000, 60000, 600000 },
        { MAP("\"mode\":\"recoverable\",\"key_ttl\":\"1h\""), POLICY_MAP_RECOVERABLE, 100, 3600000, 60000, 3600000 },
        { MAP("\"mode\":\"recoverable\",\"key_ttl\":\"1m\",\"stream_size\":7,\"stream_ttl\":\"2m\",\"meta_ttl\":"
              "\"3m\""),
          POLICY_MAP_RECOVERABLE, 7, 60000, 120000, 180000 },
        { MAP("\"mode\":\"persistent\""), POLICY_MAP_PERSISTENT, 100, 0, 60000, 0 },
        { MAP("\"mode\":\"persistent\",\"stream_size\":9,\"stream_ttl\":\"1s\""), POLICY_MAP_PERSISTENT, 9, 0, 1000,
          0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config_try t;
        const struct policy_map_options *m = &load(&t, rows[i].json)->map;
        assert_int_equal(m->mode, rows[i].mode);
        assert_int_equal(m->stream_size, rows[i].size);
        assert_int_equal(m->key_ttl_ms, rows[i].key_ms);
        assert_int_equal(m->stream_ttl_ms, rows[i].stream_ms);
        assert_int_equal(m->meta_ttl_ms, rows[i].meta_ms);
        assert_int_equal(m->page_default, 100);
        assert_int_equal(m->page_min, 100);
        assert_int_equal(m->page_max, 1000);
        assert_int_equal(m->live_max, 1000);
        assert_int_equal(m->catch_up_ms, 5000);
        assert_int_equal(m->client_key, POLICY_MAP_KEY_GIVEN);
        assert_false(m->publish.client || m->publish.subscriber || m->publish.anonymous);
        assert_false(m->remove.client || m->remove.subscriber || m->remove.anonymous);
        assert_false(m->remove_client_on_unsubscribe);
        config_try_end(&t);
    }
}

static void the_options_of_maps_reach_their_place(void **state)
{
    struct config_try t;
    (void)state;
    const struct policy_channel_options *o =
        load(&t, MAP("\"mode\":\"persistent\",\"client_key\":\"user_id\",\"default_page_size\":3,\"min_page_size\":2,"
                     "\"max_page_size\":5,\"subscribe_catch_up_timeout\":\"700ms\","
                     "\"allow_publish_for_client\":true,\"allow_publish_for_subscriber\":true,"
                     "\"allow_publish_for_anonymous\":true,\"allow_remove_for_client\":true,"
                     "\"allow_remove_for_subscriber\":true,\"allow_remove_for_anonymous\":true,"
                     "\"remove_client_on_unsubscribe\":true"));
    const struct policy_map_options *m = &o->map;
    assert_int_equal(o->subscription_type, POLICY_MAP);
    assert_int_equal(m->client_key, POLICY_MAP_KEY_USER_ID);
    assert_int_equal(m->page_default, 3);
    assert_int_equal(m->page_min, 2);
    assert_int_equal(m->page_max, 5);
    assert_int_equal(m->live_max, 5);
    assert_int_equal(m->catch_up_ms, 700);
    assert_true(m->publish.client && m->publish.subscriber && m->publish.anonymous);
    assert_true(m->remove.client && m->remove.subscriber && m->remove.anonymous);
    assert_true(m->remove_client_on_unsubscribe);
    config_try_end(&t);
    o = load(&t, NAMESPACE("\"map_clients_presence_channel_prefix\":\"cl:x-\","
                           "\"map_users_presence_channel_prefix\":\"us:\",\"map\":{\"client_key\":\"client_id\","
                           "\"live_transition_max_publication_limit\":8}"));
    assert_int_equal(o->subscription_type, POLICY_STREAM);
    assert_int_equal(o->map.mode, POLICY_MAP_OFF);
    assert_int_equal(o->map.client_key, POLICY_MAP_KEY_CLIENT_ID);
    assert_int_equal(o->map.live_max, 8);
    assert_string_equal(o->map_clients_prefix, "cl:x-");
    assert_string_equal(o->map_users_prefix, "us:");
    assert_int_equal(t.config->deployment->namespaces[1].options.subscription_type, POLICY_MAP_CLIENTS);
    assert_int_equal(t.config->deployment->namespaces[2].options.subscription_type, POLICY_MAP_USERS);
    config_try_end(&t);
}

/* Row CF-19: what Centrifugo refuses of maps, and what it lets pass until the first use. */
static void what_does_not_go_together_stops_the_start(void **state)
{
    static const struct {
        const char *json, *sentence;
    } rows[] = {
        { NAMESPACE("\"subscription_type\":\"map\""),
          "map.mode\" is not set in namespace \"ab\", but a subscription_type of maps needs it" },
        { NAMESPACE("\"subscription_type\":\"maps\""),
          "is \"maps\" in namespace \"ab\", allowed is \"stream\", \"map\", \"map_clients\" or \"map_users\"" },
        { MAP("\"mode\":\"x\""), "map.mode\" is \"x\" in namespace \"ab\", allowed is \"ephemeral\"" },
        { NAMESPACE("\"map\":{\"mode\":\"x\"}"), "map.mode\" is \"x\"" },
        { MAP("\"mode\":\"ephemeral\""), "map.key_ttl\" is not set in namespace \"ab\", but map.mode \"ephemeral\"" },
        { MAP("\"mode\":\"recoverable\""), "map.key_ttl\" is not set" },
        { MAP("\"mode\":\"recoverable\",\"key_ttl\":\"-1s\""), "is \"-1s\", allowed is a time" },
        { MAP("\"mode\":\"persistent\",\"key_ttl\":\"1s\""), "keys do not expire" },
        { NAMESPACE("\"subscription_type\":\"map_users\",\"map\":{\"mode\":\"persistent\"}"),
          "with subscription_type \"map_users\" keys must expire" },
        { NAMESPACE("\"subscription_type\":\"map_clients\",\"map\":{\"mode\":\"persistent\"}"), "keys must expire" },
        { MAP("\"mode\":\"ephemeral\",\"key_ttl\":\"1s\",\"stream_size\":1"), "map.stream_size\" is set" },
        { MAP("\"mode\":\"ephemeral\",\"key_ttl\":\"1s\",\"stream_ttl\":\"1s\""), "there is no stream" },
        { MAP("\"mode\":\"ephemeral\",\"key_ttl\":\"1s\",\"meta_ttl\":\"1s\""), "map.meta_ttl\" is set" },
        { MAP("\"mode\":\"recoverable\",\"key_ttl\":\"1s\",\"meta_ttl\":\"59s\""),
          "is \"59s\" in namespace \"ab\", allowed is at least its map.stream_ttl, \"1m0s\"" },
        { MAP("\"mode\":\"recoverable\",\"key_ttl\":\"2m\",\"meta_ttl\":\"61s\""), "and its map.key_ttl, \"2m0s\"" },
        { MAP("\"mode\":\"persistent\",\"meta_ttl\":\"1h\""), "the position does not expire" },
        { MAP("\"mode\":\"persistent\",\"stream_size\":-1"), "is \"-1\", allowed is" },
        { MAP("\"mode\":\"persistent\",\"min_page_size\":-1"), "is \"-1\", allowed is" },
        { MAP("\"mode\":\"persistent\",\"min_page_size\":6,\"max_page_size\":5"),
          "map.min_page_size\" is \"6\" in namespace \"ab\", allowed is at most its map.max_page_size, \"5\"" },
        { MAP("\"mode\":\"persistent\",\"default_page_size\":6,\"max_page_size\":5"),
          "map.default_page_size\" is \"6\"" },
        { MAP("\"mode\":\"persistent\",\"default_page_size\":4,\"min_page_size\":5"), "allowed is at least" },
        { MAP("\"mode\":\"persistent\",\"client_key\":\"me\""), "allowed is \"client_id\" or \"user_id\"" },
        { NAMESPACE("\"map\":{\"remove_client_on_unsubscribe\":true}"), "but needs a subscription_type of maps" },
        { MAP("\"mode\":\"persistent\",\"publish_proxy_enabled\":true"), "map.publish_proxy_enabled\" is set, but" },
        { MAP("\"mode\":\"persistent\",\"remove_proxy_enabled\":true"), "map.remove_proxy_enabled\" is set, but" },
        { NAMESPACE("\"map_clients_presence_channel_prefix\":\"no:\""),
          "is \"no:\" in namespace \"ab\", allowed is a beginning of channels whose subscription_type is "
          "\"map_clients\"" },
        { NAMESPACE("\"map_clients_presence_channel_prefix\":\"us:\""), "is \"us:\" in namespace \"ab\"" },
        { NAMESPACE("\"map_users_presence_channel_prefix\":\"cl:\""), "subscription_type is \"map_users\"" },
        { NAMESPACE("\"map_users_presence_channel_prefix\":\"us\""), "is \"us\" in namespace \"ab\"" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config_try t;
        config_try_load(&t, rows[i].json, NULL);
        if (t.config || !config_try_says(&t, rows[i].sentence)) fail_msg("%s gave: %s", rows[i].json, t.text.ptr);
        config_try_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_mode),
        cmocka_unit_test(the_options_of_maps_reach_their_place),
        cmocka_unit_test(what_does_not_go_together_stops_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
