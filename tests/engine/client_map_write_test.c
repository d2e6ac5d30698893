/* What clients write to maps, and the keys that the server keeps there for them. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/check.h"
#include "base/mem.h"

#define ERROR(code, text) "{\"id\":2,\"error\":{\"code\":" #code ",\"message\":\"" text "\"}}"
#define DENIED            ERROR(103, "permission denied")
#define BAD               ERROR(107, "bad request")
#define DONE              "{\"id\":2,\"publish\":{}}"

static const char ANN[] = "{\"sub\":\"ann\"}";

static void nobody_may(struct policy_deployment *d)
{
    for (size_t i = 0; i < d->namespace_count; i++) {
        d->namespaces[i].options.map.publish = (struct policy_permission){ 0 };
        d->namespaces[i].options.map.remove = (struct policy_permission){ 0 };
    }
}

static void subscribers_may(struct policy_deployment *d)
{
    for (size_t i = 0; i < d->namespace_count; i++) {
        d->namespaces[i].options.map.publish = (struct policy_permission){ .subscriber = true };
        d->namespaces[i].options.map.remove = (struct policy_permission){ .subscriber = true };
    }
}

static void everybody_may(struct policy_deployment *d)
{
    for (size_t i = 0; i < d->namespace_count; i++) {
        d->namespaces[i].options.map.publish = (struct policy_permission){ .client = true, .anonymous = true };
        d->namespaces[i].options.map.remove = (struct policy_permission){ .client = true, .anonymous = true };
    }
}

static void insecure(struct policy_deployment *d)
{
    nobody_may(d);
    d->insecure = true;
}

static void keys_of_users(struct policy_deployment *d)
{
    everybody_may(d);
    for (size_t i = 0; i < d->namespace_count; i++) d->namespaces[i].options.map.client_key = POLICY_MAP_KEY_USER_ID;
}

static const struct {
    const char *name;
    rig_policy_fn *change;
    const char *claims;
    bool subscribed;
    const char *request, *reply;
    uint64_t keys; /* of map_rec:m afterwards; it had k0 */
} writes[] = {
    { "a key", NULL, ANN, false, "\"channel\":\"map_rec:m\",\"key\":\"k\",\"data\":1", DONE, 2 },
    { "a key again", NULL, ANN, false, "\"channel\":\"map_rec:m\",\"key\":\"k0\",\"data\":1", DONE, 1 },
    { "a key without data", NULL, ANN, false, "\"channel\":\"map_rec:m\",\"key\":\"k\"", DONE, 2 },
    { "no key", NULL, ANN, false, "\"channel\":\"map_rec:m\",\"data\":1", BAD, 1 },
    { "a removal", NULL, ANN, false, "\"channel\":\"map_rec:m\",\"key\":\"k0\",\"removed\":true", DONE, 0 },
    { "a removal of nothing", NULL, ANN, false, "\"channel\":\"map_rec:m\",\"key\":\"k\",\"removed\":true", DONE, 1 },
    { "a removal without a key", NULL, ANN, false, "\"channel\":\"map_rec:m\",\"removed\":true", BAD, 1 },
    { "an unknown namespace", NULL, ANN, false, "\"channel\":\"nowhere:m\",\"key\":\"k\",\"data\":1",
      ERROR(102, "unknown channel"), 1 },
    { "a name that is not ASCII", NULL, ANN, false, "\"channel\":\"map_rec:\\u00e4\",\"key\":\"k\",\"data\":1", BAD,
      1 },
    { "nobody where users may", NULL, "{}", false, "\"channel\":\"map_rec:m\",\"key\":\"k\",\"data\":1", DENIED, 1 },
    { "nobody where all may", everybody_may, "{}", false, "\"channel\":\"map_rec:m\",\"key\":\"k\",\"data\":1", DONE,
      2 },
    { "where nobody may", nobody_may, ANN, true, "\"channel\":\"map_rec:m\",\"key\":\"k\",\"data\":1", DENIED, 1 },
    { "removal where nobody may", nobody_may, ANN, true, "\"channel\":\"map_rec:m\",\"key\":\"k0\",\"removed\":true",
      DENIED, 1 },
    { "where nobody may, insecure", insecure, ANN, false, "\"channel\":\"map_rec:m\",\"key\":\"k\",\"data\":1", DONE,
      2 },
    { "where subscribers may", subscribers_may, ANN, false, "\"channel\":\"map_rec:m\",\"key\":\"k\",\"data\":1",
      DENIED, 1 },
    { "a subscriber", subscribers_may, ANN, true, "\"channel\":\"map_rec:m\",\"key\":\"k\",\"data\":1", DONE, 2 },
    { "a subscriber removes", subscribers_may, ANN, true, "\"channel\":\"map_rec:m\",\"key\":\"k0\",\"removed\":true",
      DONE, 0 },
    { "the user's key", keys_of_users, ANN, false, "\"channel\":\"map_rec:m\",\"key\":\"k0\",\"data\":1", DONE, 2 },
    { "the user's key removed", keys_of_users, ANN, false, "\"channel\":\"map_rec:m\",\"key\":\"k0\",\"removed\":true",
      DONE, 1 },
    { "nobody's key", keys_of_users, "{}", false, "\"channel\":\"map_rec:m\",\"key\":\"k0\",\"data\":1", DENIED, 1 },
    { "without a mode", everybody_may, ANN, false, "\"channel\":\"plain:m\",\"key\":\"k\",\"data\":1",
      "{\"id\":2,\"error\":{\"code\":100,\"message\":\"internal server error\",\"temporary\":true}}", 1 },
    { "without a mode or permission", NULL, ANN, false, "\"channel\":\"plain:m\",\"key\":\"k\",\"data\":1", DENIED, 1 },
};

static void each_write_has_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(writes); i++) {
        struct rig *r = rig_new(1, writes[i].change);
        rig_map_publish(r, 0, "map_rec:m", "k0", "0", NULL);
        struct rig_client *c = rig_connected(r, 0, writes[i].claims);
        if (writes[i].subscribed)
            rig_say(r, c, "{\"id\":9,\"subscribe\":{\"channel\":\"map_rec:m\",\"type\":1,\"phase\":2}}");
        rig_forget(r, c);
        rig_say(r, c, "{\"id\":2,\"publish\":{\"type\":1,%s}}", writes[i].request);
        const char *got = rig_received(r, c);
        bool ok = strncmp(got, writes[i].reply, strlen(writes[i].reply)) == 0 || strstr(got, writes[i].reply) != NULL;
        if (!ok || rig_map_keys(r, 0, "map_rec:m") != writes[i].keys)
            fail_msg("%s: got %s, %u keys", writes[i].name, got, (unsigned)rig_map_keys(r, 0, "map_rec:m"));
        rig_free(r);
    }
}

static void a_write_without_a_channel_closes_the_client(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, ANN);
    rig_say(r, c, "{\"id\":2,\"publish\":{\"channel\":\"\",\"type\":1,\"key\":\"k\",\"data\":1}}");
    rig_expect_closed(r, c, 3501);
    rig_free(r);
}

static void a_key_longer_than_half_a_queue_is_refused(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, ANN);
    char *key = mem_must_alloc_zero(70001);
    memset(key, 'k', 70000);
    rig_say(r, c, "{\"id\":2,\"publish\":{\"channel\":\"map_rec:m\",\"type\":1,\"key\":\"%s\",\"data\":1}}", key);
    rig_expect(r, c, BAD);
    key[40000] = '\0';
    rig_say(r, c, "{\"id\":2,\"publish\":{\"channel\":\"map_rec:m\",\"type\":1,\"key\":\"%s\",\"data\":1}}", key);
    rig_expect(r, c, BAD);
    mem_free(key);
    rig_free(r);
}

static void subscribers_see_who_wrote_what(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\",\"info\":{\"n\":1}}");
    struct rig_client *other = rig_connected(r, 1, "{\"sub\":\"bob\"}");
    rig_say(r, other, "{\"id\":2,\"subscribe\":{\"channel\":\"map_rec:m\",\"type\":1,\"phase\":2}}");
    rig_forget(r, other);
    rig_say(r, c, "{\"id\":2,\"publish\":{\"channel\":\"map_rec:m\",\"type\":1,\"key\":\"k\",\"data\":{\"x\":1}}}");
    rig_say(r, c, "{\"id\":3,\"publish\":{\"channel\":\"map_rec:m\",\"type\":1,\"key\":\"k\",\"removed\":true}}");
    rig_expect(r, other,
               "{\"push\":{\"channel\":\"map_rec:m\",\"pub\":{\"data\":{\"x\":1},\"info\":{\"user\":\"ann\",\"client\":"
               "\"C0\",\"conn_info\":{\"n\":1}},\"offset\":1,\"key\":\"k\",\"epoch\":\"E0\"}}}\n"
               "{\"push\":{\"channel\":\"map_rec:m\",\"pub\":{\"offset\":2,\"key\":\"k\",\"removed\":true}}}");
    rig_free(r);
}

/* ---- keys that the server keeps ---- */

#define CLIENTS "map_clients:of-map_chat:a"
#define USERS   "map_users:of-map_chat:a"

static void no_pings(struct policy_deployment *d)
{
    d->limits.ping_interval_ms = 0;
    d->limits.pong_timeout_ms = 0;
}

static void who_is_on_a_channel_stands_in_the_maps_that_its_namespace_names(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, no_pings);
    struct rig_client *watcher = rig_connected(r, 1, "{\"sub\":\"w\"}");
    rig_say(r, watcher, "{\"id\":2,\"subscribe\":{\"channel\":\"" CLIENTS "\",\"type\":2,\"phase\":2}}");
    rig_say(r, watcher, "{\"id\":3,\"subscribe\":{\"channel\":\"" USERS "\",\"type\":3,\"phase\":2}}");
    rig_forget(r, watcher);
    struct rig_client *ann = rig_connected(r, 0, "{\"sub\":\"ann\",\"info\":{\"n\":1}}");
    rig_say(r, ann, "{\"id\":2,\"subscribe\":{\"channel\":\"map_chat:a\"}}");
    rig_expect(r, watcher,
               "{\"push\":{\"channel\":\"" CLIENTS "\",\"pub\":{\"info\":{\"user\":\"ann\",\"client\":\"C1\","
               "\"conn_info\":{\"n\":1}},\"offset\":1,\"key\":\"C1\",\"epoch\":\"E0\"}}}\n"
               "{\"push\":{\"channel\":\"" USERS "\",\"pub\":{\"offset\":1,\"key\":\"ann\",\"epoch\":\"E1\"}}}");
    struct rig_client *again = rig_connected(r, 1, ANN), *nobody = rig_connected(r, 1, "{}");
    rig_say(r, again, "{\"id\":2,\"subscribe\":{\"channel\":\"map_chat:a\"}}");
    rig_say(r, nobody, "{\"id\":2,\"subscribe\":{\"channel\":\"map_chat:a\"}}");
    assert_int_equal(rig_map_keys(r, 0, CLIENTS), 3);
    assert_int_equal(rig_map_keys(r, 0, USERS), 1);
    rig_forget(r, watcher);
    rig_say(r, ann, "{\"id\":3,\"unsubscribe\":{\"channel\":\"map_chat:a\"}}");
    rig_expect(r, watcher,
               "{\"push\":{\"channel\":\"" CLIENTS "\",\"pub\":{\"offset\":4,\"key\":\"C1\",\"removed\":true}}}");
    rig_hang_up(r, again);
    rig_hang_up(r, nobody);
    rig_run(r);
    assert_int_equal(rig_map_keys(r, 0, CLIENTS), 0);
    assert_int_equal(rig_map_keys(r, 0, USERS), 1); /* the user may come back: it goes by its time to live */
    rig_free(r);
}

static void keys_live_as_long_as_their_subscription_and_those_of_users_a_while_longer(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, no_pings);
    struct rig_client *c = rig_connected(r, 0, ANN);
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"map_chat:a\"}}");
    rig_pass(r, 200000); /* a key lives for 60 s unless it is put again, which is every 27 s */
    rig_map_sweep(r);
    assert_int_equal(rig_map_keys(r, 0, CLIENTS), 1);
    assert_int_equal(rig_map_keys(r, 0, USERS), 1);
    rig_hang_up(r, c);
    rig_run(r);
    assert_int_equal(rig_map_keys(r, 0, CLIENTS), 0);
    rig_pass(r, 30000);
    rig_map_sweep(r);
    assert_int_equal(rig_map_keys(r, 0, USERS), 1);
    rig_pass(r, 31000);
    rig_map_sweep(r);
    assert_int_equal(rig_map_keys(r, 0, USERS), 0);
    rig_free(r);
}

/* Row AU-19. */
static void a_subscription_by_token_has_no_keys(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, ANN);
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"map_chat:a\",\"token\":\"%s\"}}",
            rig_token("{\"sub\":\"ann\",\"channel\":\"map_chat:a\"}"));
    rig_expect(r, c, "{\"id\":2,\"subscribe\":{}}");
    assert_int_equal(rig_map_keys(r, 0, CLIENTS), 0);
    assert_int_equal(rig_map_keys(r, 0, USERS), 0);
    rig_say(r, c, "{\"id\":3,\"subscribe\":{\"channel\":\"map_cursor:m\",\"type\":1,\"phase\":2,\"token\":\"%s\"}}",
            rig_token("{\"sub\":\"ann\",\"channel\":\"map_cursor:m\"}"));
    rig_say(r, c, "{\"id\":4,\"publish\":{\"channel\":\"map_cursor:m\",\"type\":1,\"data\":1}}");
    rig_say(r, c, "{\"id\":5,\"unsubscribe\":{\"channel\":\"map_cursor:m\"}}");
    assert_int_equal(rig_map_keys(r, 0, "map_cursor:m"), 1);
    rig_free(r);
}

static void the_clients_own_key_goes_with_its_subscription(void **state)
{
    (void)state;
    for (int by_hanging_up = 0; by_hanging_up < 2; by_hanging_up++) {
        struct rig *r = rig_new(2, NULL);
        struct rig_client *c = rig_connected(r, 0, ANN), *watcher = rig_connected(r, 1, "{\"sub\":\"w\"}");
        rig_say(r, watcher, "{\"id\":2,\"subscribe\":{\"channel\":\"map_cursor:m\",\"type\":1,\"phase\":2}}");
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"map_cursor:m\",\"type\":1,\"phase\":2}}");
        rig_say(r, c,
                "{\"id\":3,\"publish\":{\"channel\":\"map_cursor:m\",\"type\":1,\"key\":\"not mine\",\"data\":1}}");
        assert_int_equal(rig_map_keys(r, 0, "map_cursor:m"), 1);
        rig_forget(r, watcher);
        if (by_hanging_up)
            rig_hang_up(r, c);
        else
            rig_say(r, c, "{\"id\":4,\"unsubscribe\":{\"channel\":\"map_cursor:m\"}}");
        rig_run(r);
        rig_expect_part(r, watcher, "\"removed\":true}}}");
        assert_int_equal(rig_map_keys(r, 0, "map_cursor:m"), 0);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_write_has_its_answer),
        cmocka_unit_test(a_write_without_a_channel_closes_the_client),
        cmocka_unit_test(a_key_longer_than_half_a_queue_is_refused),
        cmocka_unit_test(subscribers_see_who_wrote_what),
        cmocka_unit_test(who_is_on_a_channel_stands_in_the_maps_that_its_namespace_names),
        cmocka_unit_test(keys_live_as_long_as_their_subscription_and_those_of_users_a_while_longer),
        cmocka_unit_test(a_subscription_by_token_has_no_keys),
        cmocka_unit_test(the_clients_own_key_goes_with_its_subscription),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
