/* connect: who a client is, and its server-side subscriptions. Rows CP-18, CP-59 to CP-64, CH-10, CH-11, OB-12,
 * OB-13, OB-17. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/mem.h"

#define OK_RESULT(id)                                                                                                  \
    "{\"id\":" #id ",\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"ping\":25,\"pong\":true}}"

static void allow_anonymous(struct policy_deployment *d)
{
    d->allow_anonymous_without_token = true;
}

static void be_insecure(struct policy_deployment *d)
{
    d->insecure = true;
}

static void name_user_header(struct policy_deployment *d)
{
    d->user_id_http_header = mem_copy(SLICE("X-User"));
}

static void header_and_anonymous(struct policy_deployment *d)
{
    name_user_header(d);
    d->allow_anonymous_without_token = true;
}

static void disallow_anonymous(struct policy_deployment *d)
{
    d->disallow_anonymous_tokens = true;
}

static void personal(struct policy_deployment *d)
{
    d->personal_channel_enabled = true;
}

static void personal_of_namespace(struct policy_deployment *d)
{
    d->personal_channel_enabled = true;
    d->personal_channel_namespace = mem_copy(SLICE("members"));
}

static void personal_of_nothing(struct policy_deployment *d)
{
    d->personal_channel_enabled = true;
    d->personal_channel_namespace = mem_copy(SLICE("nowhere"));
}

static void one_connection(struct policy_deployment *d)
{
    personal_of_namespace(d);
    d->personal_single_connection = true;
}

static void server_time(struct policy_deployment *d)
{
    d->connect_include_server_time = true;
}

static void two_per_user(struct policy_deployment *d)
{
    d->limits.user_connection_limit = 2;
}

static void four_channels(struct policy_deployment *d)
{
    d->limits.channel_limit = 4;
}

static const struct connect_row {
    const char *name;
    rig_policy_fn *change;
    const char *key, *header_user; /* as the session would set them */
    const char *claims;            /* NULL: no token */
    const char *rest;              /* of the connect object */
    const char *reply;             /* "" = none */
    const char *user;
    uint32_t code, space; /* code 0: stays */
} rows[] = {
    { "a token", NULL, NULL, NULL, "{\"sub\":\"ann\"}", "", OK_RESULT(1), "ann", 0, 0 },
    { "a token of nobody", NULL, NULL, NULL, "{}", "", OK_RESULT(1), "", 0, 0 },
    { "a token without a payload", NULL, NULL, NULL, "null", "", OK_RESULT(1), "", 0, 0 },
    { "a token of nobody, refused", disallow_anonymous, NULL, NULL, "{}", "", "", "", 3507, 0 },
    { "a token that expires", NULL, NULL, NULL, "{\"sub\":\"ann\",\"exp\":1800000100}", "",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"expires\":true,\"ttl\":100,\"ping\":25,"
      "\"pong\":true}}",
      "ann", 0, 0 },
    { "exp as a numeric string", NULL, NULL, NULL, "{\"sub\":\"ann\",\"exp\":\"1800000100\"}", "",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"expires\":true,\"ttl\":100,\"ping\":25,"
      "\"pong\":true}}",
      "ann", 0, 0 },
    { "more than a year is a year", NULL, NULL, NULL, "{\"sub\":\"ann\",\"exp\":9800000000}", "",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"expires\":true,\"ttl\":31536000,"
      "\"ping\":25,\"pong\":true}}",
      "ann", 0, 0 },
    { "a token expired now", NULL, NULL, NULL, "{\"sub\":\"ann\",\"exp\":1800000000}", "",
      "{\"id\":1,\"error\":{\"code\":109,\"message\":\"token expired\"}}", "", 0, 0 },
    { "expire_at in the past", NULL, NULL, NULL, "{\"sub\":\"ann\",\"expire_at\":1799999999}", "",
      "{\"id\":1,\"error\":{\"code\":110,\"message\":\"expired\"}}", "", 0, 0 },
    { "a subscription token", NULL, NULL, NULL, "{\"sub\":\"ann\",\"channel\":\"plain:a\"}", "", "", "", 3500, 0 },
    { "broken b64info", NULL, NULL, NULL, "{\"sub\":\"ann\",\"b64info\":\"!\"}", "",
      "{\"id\":1,\"error\":{\"code\":100,\"message\":\"internal server error\",\"temporary\":true}}", "", 0, 0 },
    { "no token", NULL, NULL, NULL, NULL, "", "", "", 3501, 0 },
    { "anonymous allowed", allow_anonymous, NULL, NULL, NULL, "", OK_RESULT(1), "", 0, 0 },
    { "insecure", be_insecure, NULL, NULL, NULL, "", OK_RESULT(1), "", 0, 0 },
    { "insecure: no expiry", be_insecure, NULL, NULL, "{\"sub\":\"ann\",\"exp\":1800000100}", "", OK_RESULT(1), "ann",
      0, 0 },
    { "a header names the user", name_user_header, NULL, "bob", NULL, "", OK_RESULT(1), "bob", 0, 0 },
    { "an empty header", name_user_header, NULL, "", NULL, "", "", "", 3501, 0 },
    { "anonymous goes before the header", header_and_anonymous, NULL, "bob", NULL, "", OK_RESULT(1), "", 0, 0 },
    { "the token goes before the header", name_user_header, NULL, "bob", "{\"sub\":\"ann\"}", "", OK_RESULT(1), "ann",
      0, 0 },
    { "server time", server_time, NULL, NULL, "{\"sub\":\"ann\"}", "",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"ping\":25,\"pong\":true,"
      "\"time\":1800000000000}}",
      "ann", 0, 0 },
    /* projects */
    { "a project's token", NULL, NULL, NULL, "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}", "", OK_RESULT(1), "ann",
      0, RIG_SHOP_SPACE },
    { "the Default project by name", NULL, NULL, NULL, "{\"sub\":\"ann\",\"projectId\":\"proj_default\"}", "",
      OK_RESULT(1), "ann", 0, 0 },
    { "an unknown project", NULL, NULL, NULL, "{\"sub\":\"ann\",\"projectId\":\"proj_none\"}", "", "", "", 3500, 0 },
    { "an empty project", NULL, NULL, NULL, "{\"sub\":\"ann\",\"projectId\":\"\"}", "", "", "", 3500, 0 },
    { "an archived project", NULL, NULL, NULL, "{\"sub\":\"ann\",\"projectId\":\"proj_old\"}", "", "", "", 3500, 0 },
    { "a client key", NULL, "ck_shop", NULL, NULL, "", OK_RESULT(1), "", 0, RIG_SHOP_SPACE },
    { "a client key and its project's token", NULL, "ck_shop", NULL, "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}",
      "", OK_RESULT(1), "ann", 0, RIG_SHOP_SPACE },
    { "a client key and another project's token", NULL, "ck_shop", NULL, "{\"sub\":\"ann\"}", "", "", "", 3500, 0 },
    { "a Default client key and a shop token", NULL, "ck_default", NULL,
      "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}", "", "", "", 3500, 0 },
    { "an emulated client key", NULL, NULL, NULL, NULL, "\"headers\":{\"X-Xshathra-Key\":\"ck_shop\"}", OK_RESULT(1),
      "", 0, RIG_SHOP_SPACE },
    { "an emulated key of another project", NULL, "ck_default", NULL, NULL,
      "\"headers\":{\"x-xshathra-key\":\"ck_shop\"}", "", "", 3500, 0 },
    { "an emulated server key", NULL, NULL, NULL, NULL, "\"headers\":{\"x-xshathra-key\":\"sk_shop\"}", "", "", 3500,
      0 },
    { "an emulated key of an archived project", NULL, NULL, NULL, NULL, "\"headers\":{\"x-xshathra-key\":\"ck_old\"}",
      "", "", 3500, 0 },
    { "an unknown emulated key", NULL, NULL, NULL, NULL, "\"headers\":{\"x-xshathra-key\":\"ck_none\"}", "", "", 3500,
      0 },
    /* server-side subscriptions */
    { "channels of the token", NULL, NULL, NULL, "{\"sub\":\"ann\",\"channels\":[\"closed:a\",\"$plain:b\"]}", "",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"subs\":{\"closed:a\":{},\"$plain:b\":{}},"
      "\"ping\":25,\"pong\":true}}",
      "ann", 0, 0 },
    { "subs of the token with data and an override", NULL, NULL, NULL,
      "{\"sub\":\"ann\",\"subs\":{\"closed:a\":{\"data\":{\"x\":1},\"override\":{\"force_recovery\":{\"value\":true}}}}"
      "}",
      "",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"subs\":{\"closed:a\":{\"recoverable\":true,"
      "\"epoch\":\"E0\",\"positioned\":true,\"data\":{\"x\":1}}},\"ping\":25,\"pong\":true}}",
      "ann", 0, 0 },
    { "an unknown namespace in the token", NULL, NULL, NULL, "{\"sub\":\"ann\",\"channels\":[\"nowhere:a\"]}", "",
      "{\"id\":1,\"error\":{\"code\":102,\"message\":\"unknown channel\"}}", "", 0, 0 },
    { "an empty channel in the token", NULL, NULL, NULL, "{\"sub\":\"ann\",\"channels\":[\"\"]}", "",
      "{\"id\":1,\"error\":{\"code\":102,\"message\":\"unknown channel\"}}", "", 0, 0 },
    { "asked and allowed", NULL, NULL, NULL, "{\"sub\":\"ann\"}", "\"subs\":{\"plain:a\":{},\"closed:b\":{}}",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"subs\":{\"plain:a\":{}},\"ping\":25,"
      "\"pong\":true}}",
      "ann", 0, 0 },
    { "asked and private, or of another type", NULL, NULL, NULL, "{\"sub\":\"ann\"}",
      "\"subs\":{\"$plain:a\":{},\"map:b\":{}}", OK_RESULT(1), "ann", 0, 0 },
    { "asked in an unknown namespace", NULL, NULL, NULL, "{\"sub\":\"ann\"}", "\"subs\":{\"nowhere:a\":{}}", "", "",
      3501, 0 },
    { "asked with null", NULL, NULL, NULL, "{\"sub\":\"ann\"}", "\"subs\":{\"plain:a\":null}", "", "", 3501, 0 },
    { "asked with an empty name", NULL, NULL, NULL, "{\"sub\":\"ann\"}", "\"subs\":{\"\":{}}", "", "", 3501, 0 },
    { "asked by a header identity", name_user_header, NULL, "bob", NULL, "\"subs\":{\"plain:a\":{}}", OK_RESULT(1),
      "bob", 0, 0 },
    { "asked by an anonymous one", allow_anonymous, NULL, NULL, NULL, "\"subs\":{\"plain:a\":{},\"open:b\":{}}",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"subs\":{\"open:b\":{}},\"ping\":25,"
      "\"pong\":true}}",
      "", 0, 0 },
    { "the personal channel", personal, NULL, NULL, "{\"sub\":\"ann\"}", "",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"subs\":{\"#ann\":{}},\"ping\":25,"
      "\"pong\":true}}",
      "ann", 0, 0 },
    { "the personal channel of a namespace", personal_of_namespace, NULL, NULL, "{\"sub\":\"ann\"}", "",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"subs\":{\"members:#ann\":{}},\"ping\":25,"
      "\"pong\":true}}\n"
      "{\"push\":{\"channel\":\"members:#ann\",\"join\":{\"info\":{\"user\":\"ann\",\"client\":\"C0\"}}}}",
      "ann", 0, 0 },
    { "the personal channel of nobody", personal, NULL, NULL, "{}", "", OK_RESULT(1), "", 0, 0 },
    { "a personal channel in no namespace", personal_of_nothing, NULL, NULL, "{\"sub\":\"ann\"}", "",
      "{\"id\":1,\"error\":{\"code\":102,\"message\":\"unknown channel\"}}", "", 0, 0 },
    { "as many channels as the limit", four_channels, NULL, NULL,
      "{\"sub\":\"ann\",\"channels\":[\"a\",\"b\",\"c\",\"d\"]}", "",
      "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 "
      "OSS\",\"subs\":{\"a\":{},\"b\":{},\"c\":{},\"d\":{}},"
      "\"ping\":25,\"pong\":true}}",
      "ann", 0, 0 },
    { "one channel more than the limit", four_channels, NULL, NULL,
      "{\"sub\":\"ann\",\"channels\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", "", "", "", 3505, 0 },
    { "a limit passed by what is asked", four_channels, NULL, NULL,
      "{\"sub\":\"ann\",\"channels\":[\"a\",\"b\",\"c\"]}", "\"subs\":{\"plain:d\":{},\"plain:e\":{}}", "", "", 3505,
      0 },
};

static void one_row(const struct connect_row *row)
{
    print_message("  %s\n", row->name);
    struct rig *r = rig_new(1, row->change);
    struct rig_client *c = rig_open(r, 0);
    const struct policy_key *key = NULL;
    const char *why = NULL;
    if (row->key) {
        assert_int_equal(client_check_key(&r->workers[0].engine, slice_from_cstr(row->key), SLICE(""), &key, &why),
                         CLIENT_KEY_OK);
        assert_true(client_set_key(&c->client, key));
    }
    if (row->header_user) assert_true(client_set_header_user(&c->client, slice_from_cstr(row->header_user)));
    assert_true(client_set_origin(&c->client, SLICE("http://localhost")));
    const char *token = row->claims ? rig_token(row->claims) : "";
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"%s%s}}", token, row->rest[0] ? "," : "", row->rest);
    rig_expect(r, c, row->reply);
    assert_int_equal(c->close_code, row->code);
    if (!row->code && !strstr(row->reply, "error")) {
        assert_int_equal(c->client.state, CLIENT_CONNECTED);
        assert_true(slice_eq(client_user(&c->client), slice_from_cstr(row->user)));
        assert_int_equal(c->client.space, row->space);
        assert_int_equal(c->joined_space, row->space);
        assert_int_equal(rig_gauge(r, METRIC_NODE_NUM_CLIENTS), 1);
    } else {
        assert_null(c->client.user);
    }
    rig_free(r);
}

static void each_form_of_identity_has_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) one_row(&rows[i]);
}

static void a_token_under_another_key_closes_with_3500(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_open(r, 0);
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", rig_token_under("another", "{\"sub\":\"ann\"}"));
    rig_expect_closed(r, c, 3500);
    rig_free(r);
}

static void nothing_is_read_after_an_error_to_connect_and_it_ends_stale(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_open(r, 0);
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}\n{\"id\":2,\"connect\":{\"token\":\"%s\"}}",
            rig_token("{\"sub\":\"ann\",\"exp\":1}"), rig_token("{\"sub\":\"ann\"}"));
    rig_expect(r, c, "{\"id\":1,\"error\":{\"code\":109,\"message\":\"token expired\"}}");
    rig_say(r, c, "{\"id\":3,\"connect\":{\"token\":\"%s\"}}", rig_token("{\"sub\":\"ann\"}"));
    rig_say(r, c, "not even JSON");
    rig_expect(r, c, "");
    rig_pass(r, 9999);
    assert_int_equal(c->close_code, 0);
    rig_pass(r, 2);
    rig_expect_closed(r, c, 3502);
    rig_free(r);
}

static void only_a_connect_with_an_id_may_come_first_and_only_once(void **state)
{
    (void)state;
    static const char *const first[] = { "{\"id\":1,\"subscribe\":{\"channel\":\"plain:a\"}}",
                                         "{}",
                                         "{\"connect\":{}}",
                                         "{\"id\":1}",
                                         "{\"send\":{}}",
                                         "{\"id\":1,\"ping\":{}}",
                                         "",
                                         "\n",
                                         "{\"id\":1,\"connect\":",
                                         "[]" };
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        struct rig *r = rig_new(1, allow_anonymous);
        struct rig_client *c = rig_open(r, 0);
        if (first[i][0]) {
            rig_say(r, c, "%s", first[i]);
        } else {
            rig_say_only(r, c, "");
            rig_run(r);
        }
        rig_expect(r, c, "");
        rig_expect_closed(r, c, 3501);
        rig_free(r);
    }
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    rig_say(r, c, "{\"id\":2,\"connect\":{\"token\":\"%s\"}}", rig_token("{\"sub\":\"ann\"}"));
    rig_expect_closed(r, c, 3501);
    rig_free(r);
}

static void a_user_has_no_more_connections_than_the_limit_over_all_workers(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, two_per_user);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    rig_connected(r, 1, "{\"sub\":\"ann\"}");
    for (uint32_t worker = 0; worker < 2; worker++) {
        struct rig_client *c = rig_open(r, worker);
        rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", rig_token("{\"sub\":\"ann\"}"));
        rig_expect_closed(r, c, 3504);
    }
    rig_connected(r, 0, "{\"sub\":\"bob\"}");
    rig_connected(r, 0, "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}"); /* another space, another user */
    for (int i = 0; i < 3; i++) rig_connected(r, 0, "{}");                /* nobody is not limited */
    rig_hang_up(r, a);
    rig_connected(r, 1, "{\"sub\":\"ann\"}");
    rig_free(r);
}

static void a_new_connection_of_a_single_connection_user_closes_the_others(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, one_connection);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    struct rig_client *bob = rig_connected(r, 0, "{\"sub\":\"bob\"}");
    struct rig_client *b = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    rig_expect_closed(r, a, 3504);
    assert_int_equal(b->close_code, 0);
    assert_int_equal(bob->close_code, 0);
    assert_int_equal(rig_present(r, 0, "members:#ann"), 1);
    struct rig_client *c = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    rig_expect_closed(r, b, 3504);
    assert_int_equal(c->close_code, 0);
    rig_free(r);
}

static void of_two_connections_that_come_at_once_the_later_one_stays(void **state)
{
    (void)state;
    for (uint32_t worker = 0; worker < 2; worker++) {
        struct rig *r = rig_new(2, one_connection);
        struct rig_client *a = rig_open(r, 0), *b = rig_open(r, worker);
        char text[1024];
        (void)snprintf(text, sizeof text, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", rig_token("{\"sub\":\"ann\"}"));
        rig_say_only(r, a, text);
        rig_say_only(r, b, text);
        rig_run(r);
        rig_expect_closed(r, a, 3504);
        assert_int_equal(b->close_code, 0);
        rig_free(r);
    }
}

static void a_token_may_name_a_channel_that_the_request_wants_to_recover(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *watcher = rig_connected(r, 0, "{\"sub\":\"w\",\"channels\":[\"public:a\"]}");
    for (int i = 0; i < 3; i++) rig_publish(r, 0, "public:a", "1");
    rig_run(r);
    rig_forget(r, watcher);
    struct rig_client *c = rig_open(r, 0);
    rig_say(r, c,
            "{\"id\":1,\"connect\":{\"token\":\"%s\",\"subs\":{\"public:a\":{\"recover\":true,\"offset\":1,"
            "\"epoch\":\"$E0\"}}}}",
            rig_token("{\"sub\":\"ann\",\"channels\":[\"public:a\"]}"));
    rig_expect(
        r, c,
        "{\"id\":1,\"connect\":{\"client\":\"C1\",\"version\":\"0.1.0 OSS\",\"subs\":{\"public:a\":{"
        "\"recoverable\":true,\"epoch\":\"E0\",\"publications\":[{\"data\":1,\"offset\":2},{\"data\":1,\"offset\":"
        "3}],\"recovered\":true,\"offset\":1,\"positioned\":true,\"was_recovering\":true}},\"ping\":25,\"pong\":"
        "true}}");
    rig_publish(r, 0, "public:a", "2");
    rig_run(r);
    rig_expect(r, c, "{\"push\":{\"channel\":\"public:a\",\"pub\":{\"data\":2,\"offset\":4}}}");
    rig_free(r);
}

static void spaces_do_not_hear_each_other(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\",\"channels\":[\"plain:a\"]}");
    struct rig_client *b =
        rig_connected(r, 0, "{\"sub\":\"ann\",\"channels\":[\"plain:a\"],\"projectId\":\"proj_shop\"}");
    rig_publish(r, 0, "plain:a", "1");
    rig_publish(r, RIG_SHOP_SPACE, "plain:a", "2");
    rig_run(r);
    rig_expect(r, a, "{\"push\":{\"channel\":\"plain:a\",\"pub\":{\"data\":1}}}");
    rig_expect(r, b, "{\"push\":{\"channel\":\"plain:a\",\"pub\":{\"data\":2}}}");
    rig_free(r);
}

static void info_of_the_token_is_shown_to_others_and_meta_is_not(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\",\"channels\":[\"members:a\"]}");
    rig_connected(
        r, 0, "{\"sub\":\"bob\",\"info\":{\"n\":\n1},\"meta\":{\"secret\":1},\"subs\":{\"members:a\":{\"info\":[2]}}}");
    rig_expect(r, a,
               "{\"push\":{\"channel\":\"members:a\",\"join\":{\"info\":{\"user\":\"bob\",\"client\":\"C1\","
               "\"conn_info\":{\"n\":1},\"chan_info\":[2]}}}}");
    rig_say(r, a, "{\"id\":2,\"presence_stats\":{\"channel\":\"members:a\"}}");
    rig_expect(r, a, "{\"id\":2,\"presence_stats\":{\"num_clients\":2,\"num_users\":2}}");
    rig_hang_up(r, &r->clients[1]);
    rig_expect_part(r, a, "\"leave\":{\"info\":{\"user\":\"bob\"");
    assert_int_equal(rig_present(r, 0, "members:a"), 1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_identity_has_its_answer),
        cmocka_unit_test(a_token_under_another_key_closes_with_3500),
        cmocka_unit_test(nothing_is_read_after_an_error_to_connect_and_it_ends_stale),
        cmocka_unit_test(only_a_connect_with_an_id_may_come_first_and_only_once),
        cmocka_unit_test(a_user_has_no_more_connections_than_the_limit_over_all_workers),
        cmocka_unit_test(a_new_connection_of_a_single_connection_user_closes_the_others),
        cmocka_unit_test(of_two_connections_that_come_at_once_the_later_one_stays),
        cmocka_unit_test(a_token_may_name_a_channel_that_the_request_wants_to_recover),
        cmocka_unit_test(spaces_do_not_hear_each_other),
        cmocka_unit_test(info_of_the_token_is_shown_to_others_and_meta_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
