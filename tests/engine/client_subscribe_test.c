/* subscribe and what a subscriber may do: rows CP-67 to CP-78, CH-13 to CH-19, AU-13 to AU-17, OB-20. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/check.h"
#include "base/mem.h"
#include "engine/client_out.h"

#define ERROR(id, code, message) "{\"id\":" #id ",\"error\":{\"code\":" #code ",\"message\":\"" message "\"}}"
#define DENIED                   ERROR(2, 103, "permission denied")
#define BAD                      ERROR(2, 107, "bad request")
#define PLAIN_OK                 "{\"id\":2,\"subscribe\":{}}"

static void separate_key(struct policy_deployment *d)
{
    d->subscription_token_enabled = true;
    d->subscription_token.hmac_secret_key = mem_copy(slice_from_cstr(RIG_SUB_SECRET));
}

static void be_insecure(struct policy_deployment *d)
{
    d->insecure = true;
}

static const struct sub_row {
    const char *name;
    rig_policy_fn *change;
    const char *identity;        /* claims of the connection */
    const char *secret, *claims; /* of the subscription token; NULL = none; %s is the client's id */
    const char *request;         /* members of the subscribe object but the token */
    const char *reply;
    uint32_t code;
} rows[] = {
    /* the order of checks */
    { "no channel", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"\"", "", 3501 },
    { "an unknown delta", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"plain:a\",\"delta\":\"x\"", "", 3501 },
    { "fossil where it is not offered", NULL, "{\"sub\":\"ann\"}", NULL, NULL,
      "\"channel\":\"plain:a\",\"delta\":\"fossil\"", PLAIN_OK, 0 },
    { "the longest name", NULL, "{\"sub\":\"ann\"}", NULL, NULL,
      "\"channel\":\"plain:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"", PLAIN_OK, 0 },
    { "a longer name", NULL, "{\"sub\":\"ann\"}", NULL, NULL,
      "\"channel\":\"nowhere:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"", BAD, 0 },
    { "subscribed already, whatever else is wrong", NULL, "{\"sub\":\"ann\",\"channels\":[\"map:a\"]}", NULL, NULL,
      "\"channel\":\"map:a\"", ERROR(2, 105, "already subscribed"), 0 },
    { "the limit before the namespace", NULL,
      "{\"sub\":\"ann\",\"channels\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\","
      "\"e\",\"f\",\"g\"]}",
      NULL, NULL, "\"channel\":\"nowhere:a\"", ERROR(2, 106, "limit exceeded"), 0 },
    { "an unknown namespace", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"nowhere:a\"",
      ERROR(2, 102, "unknown channel"), 0 },
    { "a name that is not ASCII", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"plain:\\u00e4\"", BAD, 0 },
    { "a namespace for maps", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"map:a\"", DENIED, 0 },
    { "a map in a namespace for streams", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"plain:a\",\"type\":1",
      DENIED, 0 },
    { "shared poll, which no namespace has", NULL, "{\"sub\":\"ann\"}", NULL, NULL,
      "\"channel\":\"nowhere:a\",\"type\":4", ERROR(2, 108, "not available"), 0 },
    { "a type that nobody knows", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"plain:a\",\"type\":7", "",
      3004 },
    { "a type that nobody knows, where maps are", NULL, "{\"sub\":\"ann\"}", NULL, NULL,
      "\"channel\":\"map:a\",\"type\":7", DENIED, 0 },
    { "a type below all, which counts as a stream", NULL, "{\"sub\":\"ann\"}", NULL, NULL,
      "\"channel\":\"plain:a\",\"type\":-1", PLAIN_OK, 0 },
    /* who may */
    { "everybody signed in", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"plain:a\"", PLAIN_OK, 0 },
    { "nobody, where users may", NULL, "{}", NULL, NULL, "\"channel\":\"plain:a\"", DENIED, 0 },
    { "nobody, where nobody may too", NULL, "{}", NULL, NULL, "\"channel\":\"open:a\"", PLAIN_OK, 0 },
    { "where nobody may", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"closed:a\"", DENIED, 0 },
    { "where nobody may, insecure", be_insecure, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"closed:a\"", PLAIN_OK,
      0 },
    { "a private channel", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"$plain:a\"", DENIED, 0 },
    { "a private channel, insecure", be_insecure, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"$plain:a\"", DENIED,
      0 },
    { "a user-limited channel", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"limited:x#bob,ann\"", PLAIN_OK,
      0 },
    { "another user's", NULL, "{\"sub\":\"an\"}", NULL, NULL, "\"channel\":\"limited:x#bob,ann\"", DENIED, 0 },
    { "only the last boundary counts", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"limited:x#ann#bob\"",
      DENIED, 0 },
    { "names of users where that means nothing", NULL, "{\"sub\":\"eve\"}", NULL, NULL, "\"channel\":\"plain:x#ann\"",
      PLAIN_OK, 0 },
    { "a tags filter", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"plain:a\",\"tf\":{\"op\":\"eq\"}", BAD,
      0 },
    /* tokens */
    { "a token", NULL, "{\"sub\":\"ann\"}", RIG_SECRET, "{\"sub\":\"ann\",\"channel\":\"closed:a\"}",
      "\"channel\":\"closed:a\"", PLAIN_OK, 0 },
    { "a token for a private channel", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"$closed:a\"}", "\"channel\":\"$closed:a\"", PLAIN_OK, 0 },
    { "a token of nobody", NULL, "{}", RIG_SECRET, "{\"channel\":\"closed:a\"}", "\"channel\":\"closed:a\"", PLAIN_OK,
      0 },
    { "a token with an end", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\",\"exp\":1800000060}", "\"channel\":\"closed:a\"",
      "{\"id\":2,\"subscribe\":{\"expires\":true,\"ttl\":60}}", 0 },
    { "exp for the token, never for the subscription", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\",\"exp\":1800000060,\"expire_at\":0}", "\"channel\":\"closed:a\"",
      PLAIN_OK, 0 },
    { "data and overrides", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\",\"data\":[1],\"override\":{\"force_positioning\":{\"value\":true}}}",
      "\"channel\":\"closed:a\"", "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"positioned\":true,\"data\":[1]}}", 0 },
    { "an expired token", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\",\"exp\":1800000000}", "\"channel\":\"closed:a\"",
      ERROR(2, 109, "token expired"), 0 },
    { "expire_at in the past", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\",\"expire_at\":1800000000}", "\"channel\":\"closed:a\"",
      ERROR(2, 110, "expired"), 0 },
    { "another signature", NULL, "{\"sub\":\"ann\"}", "other", "{\"sub\":\"ann\",\"channel\":\"plain:a\"}",
      "\"channel\":\"plain:a\"", DENIED, 0 },
    { "a connection token", NULL, "{\"sub\":\"ann\"}", RIG_SECRET, "{\"sub\":\"ann\"}", "\"channel\":\"closed:a\"",
      DENIED, 0 },
    { "another channel's", NULL, "{\"sub\":\"ann\"}", RIG_SECRET, "{\"sub\":\"ann\",\"channel\":\"closed:b\"}",
      "\"channel\":\"closed:a\"", "", 3500 },
    { "another user's token", NULL, "{\"sub\":\"ann\"}", RIG_SECRET, "{\"sub\":\"bob\",\"channel\":\"closed:a\"}",
      "\"channel\":\"closed:a\"", "", 3500 },
    { "another client's", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\",\"client\":\"00000000-0000-4000-8000-000000000000\"}",
      "\"channel\":\"closed:a\"", "", 3500 },
    { "this client's", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\",\"client\":\"%s\"}", "\"channel\":\"closed:a\"", PLAIN_OK, 0 },
    { "a token for an unknown namespace", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"nowhere:a\"}", "\"channel\":\"nowhere:a\"", ERROR(2, 102, "unknown channel"), 0 },
    { "the key of connections, with a separate one", separate_key, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\"}", "\"channel\":\"closed:a\"", DENIED, 0 },
    { "the separate key", separate_key, "{\"sub\":\"ann\"}", RIG_SUB_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\"}", "\"channel\":\"closed:a\"", PLAIN_OK, 0 },
    /* spaces */
    { "no project for the shop", NULL, "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\"}", "\"channel\":\"closed:a\"", DENIED, 0 },
    { "the shop's for the shop", NULL, "{\"sub\":\"ann\",\"projectId\":\"proj_shop\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\",\"projectId\":\"proj_shop\"}", "\"channel\":\"closed:a\"", PLAIN_OK,
      0 },
    { "the shop's for the Default project", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\",\"projectId\":\"proj_shop\"}", "\"channel\":\"closed:a\"", DENIED, 0 },
    { "an unknown project's", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\",\"projectId\":\"x\"}", "\"channel\":\"closed:a\"", DENIED, 0 },
    /* what a client may switch on */
    { "positions where history may be read", NULL, "{\"sub\":\"ann\"}", NULL, NULL,
      "\"channel\":\"open:a\",\"positioned\":true", "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"positioned\":true}}",
      0 },
    { "recovery where history may be read", NULL, "{\"sub\":\"ann\"}", NULL, NULL,
      "\"channel\":\"open:a\",\"recoverable\":true",
      "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"positioned\":true}}", 0 },
    { "neither where there is no history", NULL, "{\"sub\":\"ann\"}", NULL, NULL,
      "\"channel\":\"plain:a\",\"positioned\":true,\"recoverable\":true", PLAIN_OK, 0 },
    { "neither where it may not be read", NULL, "{\"sub\":\"ann\"}", RIG_SECRET,
      "{\"sub\":\"ann\",\"channel\":\"closed:a\"}", "\"channel\":\"closed:a\",\"positioned\":true,\"recoverable\":true",
      PLAIN_OK, 0 },
    { "both where they are forced", NULL, "{\"sub\":\"ann\"}", NULL, NULL, "\"channel\":\"public:a\"",
      "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"positioned\":true}}", 0 },
    { "recovery where there is none is told", NULL, "{\"sub\":\"ann\"}", NULL, NULL,
      "\"channel\":\"plain:a\",\"recover\":true", "{\"id\":2,\"subscribe\":{\"was_recovering\":true}}", 0 },
};

static void one_row(const struct sub_row *row)
{
    print_message("  %s\n", row->name);
    struct rig *r = rig_new(1, row->change);
    struct rig_client *c = rig_connected(r, 0, row->identity);
    char token[4096] = "", claims[1024], id[CLIENT_ID_LEN + 1];
    client_id_text(&c->client, id);
    if (row->claims) {
        const char *hole = strstr(row->claims, "%s");
        if (hole)
            (void)snprintf(claims, sizeof claims, "%.*s%s%s", (int)(hole - row->claims), row->claims, id, hole + 2);
        (void)snprintf(token, sizeof token, ",\"token\":\"%s\"",
                       rig_token_under(row->secret, hole ? claims : row->claims));
    }
    uint32_t before = c->client.subscription_count;
    rig_say(r, c, "{\"id\":2,\"subscribe\":{%s%s}}", row->request, token);
    rig_expect(r, c, row->reply);
    assert_int_equal(c->close_code, row->code);
    bool made = !row->code && !strstr(row->reply, "error");
    if (!row->code) assert_int_equal(c->client.subscription_count, before + made);
    assert_int_equal(rig_gauge(r, METRIC_NODE_NUM_SUBSCRIPTIONS), row->code ? 0 : before + made);
    rig_free(r);
}

static void each_subscribe_has_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) one_row(&rows[i]);
}

static const struct command_row {
    const char *identity, *subscribed, *command, *reply;
    uint32_t code;
} commands[] = {
    /* publish, CH-16 */
    { "{\"sub\":\"ann\"}", NULL, "\"publish\":{\"channel\":\"\",\"data\":1}", "", 3501 },
    { "{\"sub\":\"ann\"}", NULL, "\"publish\":{\"channel\":\"nowhere:a\",\"data\":1}", ERROR(2, 102, "unknown channel"),
      0 },
    { "{\"sub\":\"ann\"}", NULL, "\"publish\":{\"channel\":\"public:\\u00e4\",\"data\":1}", BAD, 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"publish\":{\"channel\":\"public:a\"}", BAD, 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"publish\":{\"channel\":\"public:a\",\"data\":1}", "{\"id\":2,\"publish\":{}}", 0 },
    { "{}", NULL, "\"publish\":{\"channel\":\"public:a\",\"data\":1}", DENIED, 0 },
    { "{}", NULL, "\"publish\":{\"channel\":\"open:a\",\"data\":1}", "{\"id\":2,\"publish\":{}}", 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"publish\":{\"channel\":\"plain:a\",\"data\":1}", DENIED, 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"publish\":{\"channel\":\"closed:a\",\"data\":1}", DENIED, 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"publish\":{\"channel\":\"public:a\",\"data\":1,\"type\":1}", DENIED, 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"publish\":{\"channel\":\"public:a\",\"data\":1,\"type\":2,\"removed\":true}",
      "{\"id\":2,\"publish\":{}}", 0 },
    /* history, CH-19 */
    { "{\"sub\":\"ann\"}", NULL, "\"history\":{\"channel\":\"\"}", "", 3501 },
    { "{\"sub\":\"ann\"}", NULL, "\"history\":{\"channel\":\"nowhere:a\"}", ERROR(2, 102, "unknown channel"), 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"history\":{\"channel\":\"plain:a\"}", ERROR(2, 108, "not available"), 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"history\":{\"channel\":\"closed:a\"}", DENIED, 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"history\":{\"channel\":\"public:a\"}", DENIED, 0 },
    { "{\"sub\":\"ann\"}", "public:a", "\"history\":{\"channel\":\"public:a\"}",
      "{\"id\":2,\"history\":{\"publications\":[],\"epoch\":\"E0\",\"offset\":0}}", 0 },
    { "{}", NULL, "\"history\":{\"channel\":\"open:a\"}",
      "{\"id\":2,\"history\":{\"publications\":[],\"epoch\":\"E0\",\"offset\":0}}", 0 },
    { "{}", NULL, "\"history\":{\"channel\":\"open:a\",\"reverse\":true,\"since\":{\"offset\":0,\"epoch\":\"x\"}}", BAD,
      0 },
    { "{}", NULL, "\"history\":{\"channel\":\"open:a\",\"limit\":1,\"since\":{\"offset\":0,\"epoch\":\"x\"}}",
      ERROR(2, 112, "unrecoverable position"), 0 },
    /* presence, CH-18 */
    { "{\"sub\":\"ann\"}", NULL, "\"presence\":{\"channel\":\"\"}", "", 3501 },
    { "{\"sub\":\"ann\"}", NULL, "\"presence\":{\"channel\":\"nowhere:a\"}", ERROR(2, 102, "unknown channel"), 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"presence\":{\"channel\":\"plain:a\"}", ERROR(2, 108, "not available"), 0 },
    { "{\"sub\":\"ann\"}", NULL, "\"presence\":{\"channel\":\"members:a\"}", DENIED, 0 },
    { "{}", NULL, "\"presence\":{\"channel\":\"open:a\"}", "{\"id\":2,\"presence\":{\"presence\":{}}}", 0 },
    { "{}", "open:a", "\"presence\":{\"channel\":\"open:a\"}",
      "{\"id\":2,\"presence\":{\"presence\":{\"C0\":{\"user\":\"\",\"client\":\"C0\"}}}}", 0 },
    { "{}", "open:a", "\"presence_stats\":{\"channel\":\"open:a\"}",
      "{\"id\":2,\"presence_stats\":{\"num_clients\":1,\"num_users\":1}}", 0 },
    { "{}", NULL, "\"presence_stats\":{\"channel\":\"closed:a\"}", DENIED, 0 },
    /* the rest */
    { "{}", NULL, "\"unsubscribe\":{\"channel\":\"\"}", "", 3501 },
    { "{}", NULL, "\"unsubscribe\":{\"channel\":\"open:a\"}", "{\"id\":2,\"unsubscribe\":{}}", 0 },
    { "{}", "open:a", "\"unsubscribe\":{\"channel\":\"open:a\"}", "{\"id\":2,\"unsubscribe\":{}}", 0 },
    { "{}", NULL, "\"rpc\":{\"method\":\"ping\"}", ERROR(2, 108, "not available"), 0 },
    { "{}", NULL, "\"send\":{\"data\":1}", "", 3508 },
    { "{}", NULL, "\"ping\":{}", "", 3501 },
    { "{}", NULL, "\"refresh\":{}", "", 3501 },
    { "{}", NULL, "\"sub_refresh\":{\"channel\":\"\"}", "", 3501 },
    { "{}", NULL, "\"sub_refresh\":{\"channel\":\"open:a\",\"token\":\"x\"}", DENIED, 0 },
    { "{}", "open:a", "\"sub_refresh\":{\"channel\":\"open:a\"}", BAD, 0 },
    { "{}", "open:a", "\"sub_refresh\":{\"channel\":\"open:a\",\"token\":\"x\"}", "", 3500 },
};

static void each_command_has_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const struct command_row *row = &commands[i];
        print_message("  %s\n", row->command);
        struct rig *r = rig_new(1, NULL);
        struct rig_client *c = rig_connected(r, 0, row->identity);
        if (row->subscribed) rig_say(r, c, "{\"id\":9,\"subscribe\":{\"channel\":\"%s\"}}", row->subscribed);
        rig_forget(r, c);
        rig_say(r, c, "{\"id\":2,%s}", row->command);
        rig_expect(r, c, row->reply);
        assert_int_equal(c->close_code, row->code);
        rig_free(r);
    }
}

static void answer_pings(struct policy_deployment *d)
{
    d->rpc_ping_enabled = true;
}

static void the_rpc_ping_answers_and_other_methods_are_unknown(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, answer_pings);
    struct rig_client *c = rig_connected(r, 0, "{}");
    rig_say(r, c, "{\"id\":2,\"rpc\":{\"method\":\"ping\"}}\n{\"id\":3,\"rpc\":{\"method\":\"pong\"}}");
    rig_expect(r, c, "{\"id\":2,\"rpc\":{}}\n" ERROR(3, 104, "method not found"));
    rig_free(r);
}

static void a_subscriber_may_publish_where_subscribers_may_and_hears_itself(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\",\"info\":{\"n\":1}}");
    struct rig_client *b = rig_connected(r, 1, "{\"sub\":\"bob\"}");
    rig_say(r, b, "{\"id\":2,\"subscribe\":{\"channel\":\"plain:a\"}}");
    rig_say(r, a,
            "{\"id\":2,\"subscribe\":{\"channel\":\"plain:a\"}}\n"
            "{\"id\":3,\"publish\":{\"channel\":\"plain:a\",\"data\":{\"x\":1}}}");
    static const char push[] =
        "{\"push\":{\"channel\":\"plain:a\",\"pub\":{\"data\":{\"x\":1},\"info\":{\"user\":\"ann\","
        "\"client\":\"C0\",\"conn_info\":{\"n\":1}}}}}";
    char text[512];
    (void)snprintf(text, sizeof text, PLAIN_OK "\n{\"id\":3,\"publish\":{}}\n%s", push);
    rig_expect(r, a, text);
    (void)snprintf(text, sizeof text, PLAIN_OK "\n%s", push);
    rig_expect(r, b, text);
    rig_free(r);
}

static void history_is_cut_to_the_limit_and_pages_in_both_directions(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    for (int i = 1; i <= 6; i++) rig_publish(r, 0, "open:a", "0");
    rig_run(r);
    static const struct {
        const char *request, *publications;
    } reads[] = {
        { "", "" },
        { ",\"limit\":2", "{\"data\":0,\"offset\":2},{\"data\":0,\"offset\":3}" },
        { ",\"limit\":-1",
          "{\"data\":0,\"offset\":2},{\"data\":0,\"offset\":3},{\"data\":0,\"offset\":4},{\"data\":0,\"offset\":5}" },
        { ",\"limit\":1000",
          "{\"data\":0,\"offset\":2},{\"data\":0,\"offset\":3},{\"data\":0,\"offset\":4},{\"data\":0,\"offset\":5}" },
        { ",\"limit\":2,\"since\":{\"offset\":4,\"epoch\":\"$E0\"}",
          "{\"data\":0,\"offset\":5},{\"data\":0,\"offset\":6}" },
        { ",\"limit\":2,\"reverse\":true", "{\"data\":0,\"offset\":6},{\"data\":0,\"offset\":5}" },
        { ",\"limit\":2,\"reverse\":true,\"since\":{\"offset\":4,\"epoch\":\"$E0\"}",
          "{\"data\":0,\"offset\":3},{\"data\":0,\"offset\":2}" },
    };
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        char text[1024];
        rig_say(r, c, "{\"id\":2,\"history\":{\"channel\":\"open:a\"%s}}", reads[i].request);
        (void)snprintf(text, sizeof text,
                       "{\"id\":2,\"history\":{\"publications\":[%s],\"epoch\":\"E0\",\"offset\":6}}",
                       reads[i].publications);
        rig_expect(r, c, text);
    }
    rig_free(r);
}

static void joins_and_leaves_reach_those_who_want_them(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    struct rig_client *b = rig_connected(r, 1, "{\"sub\":\"bob\"}");
    rig_say(r, a, "{\"id\":2,\"subscribe\":{\"channel\":\"members:a\"}}");
    /* its own join too, as in the reference */
    rig_expect(r, a,
               PLAIN_OK
               "\n{\"push\":{\"channel\":\"members:a\",\"join\":{\"info\":{\"user\":\"ann\",\"client\":\"C0\"}}}}");
    rig_say(r, b, "{\"id\":2,\"subscribe\":{\"channel\":\"members:a\"}}");
    rig_forget(r, b);
    rig_expect(r, a, "{\"push\":{\"channel\":\"members:a\",\"join\":{\"info\":{\"user\":\"bob\",\"client\":\"C1\"}}}}");
    assert_int_equal(rig_present(r, 0, "members:a"), 2);
    rig_say(r, b, "{\"id\":3,\"unsubscribe\":{\"channel\":\"members:a\"}}");
    rig_expect(r, b, "{\"id\":3,\"unsubscribe\":{}}");
    rig_expect(r, a,
               "{\"push\":{\"channel\":\"members:a\",\"leave\":{\"info\":{\"user\":\"bob\",\"client\":\"C1\"}}}}");
    assert_int_equal(rig_present(r, 0, "members:a"), 1);
    rig_hang_up(r, a);
    assert_int_equal(rig_present(r, 0, "members:a"), 0);
    rig_free(r);
}

static void data_that_is_no_json_closes_its_json_subscribers_with_3506(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\",\"channels\":[\"plain:a\"]}");
    struct rig_client *b = rig_connected(r, 0, "{\"sub\":\"bob\",\"channels\":[\"plain:a\",\"plain:b\"]}");
    struct rig_client *other = rig_connected(r, 0, "{\"sub\":\"eve\",\"channels\":[\"plain:b\"]}");
    rig_publish(r, 0, "plain:a", "!binary");
    rig_run(r);
    rig_expect_closed(r, a, 3506);
    rig_expect_closed(r, b, 3506);
    assert_int_equal(other->close_code, 0);
    assert_int_equal(rig_subscribers(r, 0, "plain:a"), 0);
    assert_int_equal(rig_subscribers(r, 0, "plain:b"), 1);
    rig_free(r);
}

static void copies_for_very_many_subscribers_are_marked_so_and_answers_come_last(void **state)
{
    static const struct {
        uint32_t subscribers;
        enum client_order order;
    } sizes[] = { { 1, CLIENT_DELIVERY },
                  { CLIENT_CROWD_MIN - 1, CLIENT_DELIVERY },
                  { CLIENT_CROWD_MIN, CLIENT_CROWD } };
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"plain:a\"}}");
    assert_int_equal(c->last_order, CLIENT_ANSWER);
    struct hub_channel *channel = hub_channel_find(&r->workers[0].engine.hub, 0, SLICE("plain:a"));
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        channel->subscriber_count = sizes[i].subscribers; /* so many clients take too long to make */
        rig_publish(r, 0, "plain:a", "1");
        rig_run(r);
        assert_int_equal(c->last_order, sizes[i].order);
    }
    channel->subscriber_count = 1;
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_subscribe_has_its_answer),
        cmocka_unit_test(each_command_has_its_answer),
        cmocka_unit_test(the_rpc_ping_answers_and_other_methods_are_unknown),
        cmocka_unit_test(a_subscriber_may_publish_where_subscribers_may_and_hears_itself),
        cmocka_unit_test(history_is_cut_to_the_limit_and_pages_in_both_directions),
        cmocka_unit_test(joins_and_leaves_reach_those_who_want_them),
        cmocka_unit_test(data_that_is_no_json_closes_its_json_subscribers_with_3506),
        cmocka_unit_test(copies_for_very_many_subscribers_are_marked_so_and_answers_come_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
