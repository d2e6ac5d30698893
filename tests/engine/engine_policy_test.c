/* A new policy: who may stay, in slices; and that the newest version wins. */
#include "engine/support/engine_rig.h"

#include "base/mem.h"

static void nothing_anonymous(struct policy_deployment *d)
{
    d->disallow_anonymous_tokens = true;
}

static struct rig_client *with_key(struct rig *r, uint32_t worker, const char *text)
{
    struct rig_client *c = rig_open(r, worker);
    const struct policy_key *key = NULL;
    const char *why = NULL;
    assert_int_equal(client_check_key(&r->workers[worker].engine, slice_from_cstr(text), SLICE(""), &key, &why),
                     CLIENT_KEY_OK);
    assert_true(client_set_key(&c->client, key));
    rig_say(r, c, "{\"id\":1,\"connect\":{}}");
    rig_forget(r, c);
    return c;
}

static uint32_t answered;

static void count_answer(struct mail *m, void *owner)
{
    (void)owner;
    answered++;
    countdown_free(container_of(m, struct countdown, mail));
}

static void switch_to(struct rig *r, uint64_t version, rig_policy_fn *change, bool archive, bool revoke)
{
    struct policy *policy = rig_policy(version, change, archive, revoke);
    struct countdown *done = countdown_new(r->office.count, &r->office, 0, count_answer);
    assert_non_null(done);
    for (uint32_t i = 0; i < r->office.count; i++) engine_set_policy(&r->workers[i].engine, policy_ref(policy), done);
    policy_unref(policy);
    answered = 0;
    rig_run(r);
    assert_int_equal(answered, 1);
}

static void archiving_a_project_closes_its_connections_with_3500_and_no_others(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *token = rig_connected(r, 0, "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}");
    struct rig_client *key = with_key(r, 1, "ck_shop");
    struct rig_client *other = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    struct rig_client *new_one = rig_open(r, 0);
    switch_to(r, 2, NULL, true, false);
    rig_expect_closed(r, token, 3500);
    rig_expect_closed(r, key, 3500);
    assert_int_equal(other->close_code, 0);
    assert_int_equal(new_one->close_code, 0);
    rig_say(r, new_one, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", rig_token("{\"projectId\":\"proj_shop\"}"));
    rig_expect_closed(r, new_one, 3500);
    rig_free(r);
}

static void revoking_a_client_key_closes_what_it_let_in_with_3503(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *key = with_key(r, 1, "ck_shop");
    struct rig_client *other_key = with_key(r, 1, "ck_default");
    struct rig_client *token = rig_connected(r, 0, "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}");
    switch_to(r, 2, NULL, false, true);
    rig_expect_closed(r, key, 3503);
    assert_int_equal(other_key->close_code, 0);
    assert_int_equal(token->close_code, 0);
    const struct policy_key *found = NULL;
    const char *why = NULL;
    assert_int_equal(client_check_key(&r->workers[0].engine, SLICE("ck_shop"), SLICE(""), &found, &why),
                     CLIENT_KEY_UNKNOWN);
    assert_non_null(why);
    rig_free(r);
}

static void an_older_or_equal_version_changes_nothing_and_is_answered(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}");
    switch_to(r, 5, NULL, false, false);
    switch_to(r, 5, NULL, true, true);
    switch_to(r, 4, NULL, true, true);
    assert_int_equal(c->close_code, 0);
    assert_int_equal(r->workers[0].engine.policy->version, 5);
    rig_free(r);
}

static void a_reload_is_in_force_for_the_next_connect(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *before = rig_connected(r, 0, "{}");
    switch_to(r, 2, nothing_anonymous, false, false);
    assert_int_equal(before->close_code, 0);
    struct rig_client *c = rig_open(r, 0);
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", rig_token("{}"));
    rig_expect_closed(r, c, 3507);
    rig_free(r);
}

static void a_client_with_a_pending_command_may_be_closed_by_a_switch(void **state)
{
    (void)state;
    for (int connecting = 0; connecting < 2; connecting++) {
        struct rig *r = rig_new(1, NULL);
        struct rig_client *c;
        if (connecting) {
            held_broker_set(r->broker, HELD_CALLS);
            c = rig_open(r, 0);
            rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}",
                    rig_token("{\"sub\":\"ann\",\"projectId\":\"proj_shop\",\"channels\":[\"plain:a\"]}"));
        } else {
            c = rig_connected(r, 0, "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}");
            held_broker_set(r->broker, HELD_CALLS);
            rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"plain:a\"}}\n{\"id\":3,\"unsubscribe\":{}}");
        }
        assert_int_equal(held_broker_count(r->broker), 1);
        switch_to(r, 2, NULL, true, false);
        rig_expect_closed(r, c, 3500);
        held_broker_release_all(r->broker);
        rig_run(r);
        assert_int_equal(rig_subscribers(r, RIG_SHOP_SPACE, "plain:a"), 0);
        rig_free(r);
    }
}

static void the_origin_of_a_client_key_must_be_allowed(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    const struct policy_key *key = NULL;
    const char *why = NULL;
    const struct engine *e = &r->workers[0].engine;
    assert_int_equal(client_check_key(e, SLICE("ck_shop"), SLICE("http://evil"), &key, &why), CLIENT_KEY_ORIGIN);
    assert_int_equal(client_check_key(e, SLICE("ck_shop"), SLICE("http://localhost"), &key, &why), CLIENT_KEY_OK);
    assert_int_equal(client_check_key(e, SLICE("sk_shop"), SLICE(""), &key, &why), CLIENT_KEY_UNKNOWN);
    assert_int_equal(client_check_key(e, SLICE(""), SLICE(""), &key, &why), CLIENT_KEY_UNKNOWN);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archiving_a_project_closes_its_connections_with_3500_and_no_others),
        cmocka_unit_test(revoking_a_client_key_closes_what_it_let_in_with_3503),
        cmocka_unit_test(an_older_or_equal_version_changes_nothing_and_is_answered),
        cmocka_unit_test(a_reload_is_in_force_for_the_next_connect),
        cmocka_unit_test(a_client_with_a_pending_command_may_be_closed_by_a_switch),
        cmocka_unit_test(the_origin_of_a_client_key_must_be_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
