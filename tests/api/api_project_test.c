#include "support/api_harness.h"

#include <stdio.h>

#include "auth/auth_verifier.h"
#include "base/mem.h"

/* The project API: who may call, what tokens hold, and each refusal. */

#define PROBLEM(code, message) "{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}"

static void only_a_living_server_key_opens_the_project_api(void **state)
{
    static const struct {
        const char *headers;
        int status;
        const char *part;
    } rows[] = {
        { "Authorization: apikey sk_default\n", 200, "\"expiresInSeconds\":900" },
        { "Authorization: Bearer sk_default\n", 200, "\"token\":" },
        { "authorization: BEARER  sk_shop\n", 200, "\"token\":" },
        { "Authorization: apikey sk_overlap\n", 200, "\"token\":" },
        { "", 401, "\"missing_key\"" },
        { "Authorization: sk_default\n", 401, "\"missing_key\"" },
        { "Authorization: Basic sk_default\n", 401, "\"missing_key\"" },
        { "Authorization: apikey\n", 401, "\"missing_key\"" },
        { "Authorization: apikey sk_default x\n", 401, "\"missing_key\"" },
        { "X-API-Key: sk_default\n", 401, "The header X-API-Key is for the engine's server API" },
        { "Authorization: apikey engine-key\n", 401, PROBLEM("unknown_key", "No project has this key.") },
        { "Authorization: apikey sk_defaul\n", 401, "\"unknown_key\"" },
        { "Authorization: apikey ck_shop\n", 403,
          PROBLEM("wrong_key_kind", "The key \\\"k_client\\\" is a client_api_key; a server_api_key is needed here.") },
        { "Authorization: apikey sk_revoked\n", 403,
          PROBLEM("revoked_key", "The key \\\"k_revoked\\\" has been revoked.") },
        { "Authorization: apikey sk_expired\n", 403, "\"expired_key\",\"message\":\"The key \\\"k_expired\\\"" },
        { "Authorization: apikey sk_old\n", 403,
          PROBLEM("archived_project", "The project \\\"proj_old\\\" is archived.") },
    };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        harness_ask(h, API_PROJECT, "token", rows[i].headers, "{\"userId\":\"u\"}");
        harness_expect_part(h, rows[i].status, rows[i].part);
        /* a key is never shown, not even a wrong one */
        if (rows[i].status != 200) assert_null(strstr(harness_body(h), "sk_"));
        struct slice challenge = rows[i].status == 401 ? SLICE("apikey realm=\"xshathra\"") : SLICE("");
        assert_true(slice_eq(harness_header(h, "WWW-Authenticate"), challenge));
        assert_int_equal(h->was_refused, rows[i].status != 200);
    }
    harness_free(h);
}

static void the_request_as_a_whole_is_checked(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    harness_ask(h, API_PROJECT, "tokens", SERVER_KEY, "{}");
    harness_expect(h, 404,
                   PROBLEM("unknown_endpoint", "There is no endpoint \\\"tokens\\\"; token, "
                                               "subscription-token and publish are there."));
    harness_ask_with(h, API_PROJECT, "token", "GET", NULL, SERVER_KEY, SLICE(""));
    harness_expect(h, 405, PROBLEM("method_not_allowed", "The method \\\"GET\\\" is not allowed here; POST is."));
    assert_true(slice_eq(harness_header(h, "Allow"), SLICE("POST")));
    static const struct {
        const char *type;
        int status;
    } types[] = { { "application/json", 200 },
                  { "Application/JSON ; charset=utf-8", 200 },
                  { "text/plain", 415 },
                  { "application/x-www-form-urlencoded", 415 },
                  { "application/json-patch+json", 415 } };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char headers[256];
        (void)snprintf(headers, sizeof headers, SERVER_KEY "Content-Type: %s\n", types[i].type);
        harness_ask(h, API_PROJECT, "token", headers, "{\"userId\":\"u\"}");
        assert_int_equal(h->call.status, types[i].status);
    }
    harness_expect(h, 415,
                   PROBLEM("unsupported_media_type", "The content type is \\\"application/json-patch+json\\\"; "
                                                     "application/json is allowed."));
    harness_free(h);
}

static void a_body_over_the_limit_is_413(void **state)
{
    static const struct {
        const char *name;
        size_t len_max;
    } rows[] = { { "token", 65536 }, { "subscription-token", 65536 }, { "publish", 4194304 } };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    char *body = test_malloc(4194305);
    (void)state;
    memset(body, ' ', 4194305);
    for (size_t i = 0; i < 3; i++) {
        harness_ask_with(h, API_PROJECT, rows[i].name, "POST", NULL, SERVER_KEY, slice_of(body, rows[i].len_max + 1));
        harness_expect_part(h, 413, "\"body_too_large\"");
        harness_ask_with(h, API_PROJECT, rows[i].name, "POST", NULL, SERVER_KEY, slice_of(body, rows[i].len_max));
        harness_expect_part(h, 400, "\"malformed_json\"");
    }
    test_free(body);
    harness_free(h);
}

struct row {
    const char *name, *body;
    int status;
    const char *answer;
};

static void every_refusal_names_field_value_and_what_is_allowed(void **state)
{
    static const struct row rows[] = {
        { "token", "", 400, PROBLEM("malformed_json", "The body is empty; a JSON object is needed.") },
        { "token", "{\"userId\":\"u\",}", 400,
          PROBLEM("malformed_json", "The body is not JSON: member name expected at byte 14.") },
        { "token", "[]", 422, PROBLEM("invalid_body", "The body is \\\"[]\\\"; it must be a JSON object.") },
        { "token", "null", 422, PROBLEM("invalid_body", "The body is \\\"null\\\"; it must be a JSON object.") },
        { "token", "{}", 422,
          PROBLEM("missing_field", "The field \\\"userId\\\" is missing; it must be a string of 1 to 255 bytes.") },
        { "token", "{\"userId\":null}", 422,
          PROBLEM("missing_field", "The field \\\"userId\\\" is missing; it must be a string of 1 to 255 bytes.") },
        { "token", "{\"userId\":\"\"}", 422,
          PROBLEM("invalid_field", "The field \\\"userId\\\" is \\\"\\\"; it must be a string of 1 to 255 bytes.") },
        { "token", "{\"userId\":42}", 422,
          PROBLEM("invalid_field", "The field \\\"userId\\\" is \\\"42\\\"; it must be a string of 1 to 255 bytes.") },
        { "token", "{\"userId\":\"u\",\"ttlSecond\":60}", 422,
          PROBLEM("unknown_field", "unknown field \\\"ttlSecond\\\"; did you mean \\\"ttlSeconds\\\"?") },
        { "token", "{\"user_id\":\"u\"}", 422,
          PROBLEM("unknown_field", "unknown field \\\"user_id\\\"; did you mean \\\"userId\\\"?") },
        { "token", "{\"userId\":\"u\",\"x\\n\":1}", 422, PROBLEM("unknown_field", "unknown field \\\"x\\n\\\"") },
        { "token", "{\"userId\":\"u\",\"userId\":\"v\"}", 422,
          PROBLEM("repeated_field", "The field \\\"userId\\\" is given more than once.") },
        { "token", "{\"userId\":\"u\",\"ttlSeconds\":29}", 422,
          PROBLEM("invalid_field",
                  "The field \\\"ttlSeconds\\\" is \\\"29\\\"; it must be an integer from 30 to 3600.") },
        { "token", "{\"userId\":\"u\",\"ttlSeconds\":3601}", 422,
          PROBLEM("invalid_field",
                  "The field \\\"ttlSeconds\\\" is \\\"3601\\\"; it must be an integer from 30 to 3600.") },
        { "token", "{\"userId\":\"u\",\"ttlSeconds\":-9223372036854775808}", 422,
          PROBLEM("invalid_field",
                  "The field \\\"ttlSeconds\\\" is \\\"-9223372036854775808\\\"; it must be an integer "
                  "from 30 to 3600.") },
        { "token", "{\"userId\":\"u\",\"ttlSeconds\":\"15m\"}", 422,
          PROBLEM("invalid_field",
                  "The field \\\"ttlSeconds\\\" is \\\"15m\\\"; it must be an integer from 30 to 3600.") },
        { "token", "{\"userId\":\"u\",\"ttlSeconds\":60.0}", 422,
          PROBLEM("invalid_field",
                  "The field \\\"ttlSeconds\\\" is \\\"60.0\\\"; it must be an integer from 30 to 3600.") },
        { "token", "{\"userId\":\"u\",\"info\":[1]}", 422,
          PROBLEM("invalid_field", "The field \\\"info\\\" is \\\"[1]\\\"; it must be an object.") },
        { "token", "{\"userId\":\"u\",\"channels\":\"a\"}", 422,
          PROBLEM("invalid_field", "The field \\\"channels\\\" is \\\"a\\\"; it must be an array of strings.") },
        { "token", "{\"userId\":\"u\",\"channels\":[1]}", 422,
          PROBLEM("invalid_field", "The field \\\"channels\\\" is \\\"[1]\\\"; it must be an array of strings.") },
        { "token", "{\"userId\":\"u\",\"channels\":[\"a\",\"\"]}", 422,
          PROBLEM("invalid_field",
                  "The field \\\"channels\\\" is \\\"\\\"; it must be a channel name of 1 to 255 bytes.") },
        { "token", "{\"userId\":\"u\",\"channels\":[\"nobody:a\"]}", 422,
          PROBLEM("unknown_channel",
                  "The field \\\"channels\\\" is \\\"nobody:a\\\", whose namespace is not configured.") },
        { "token", "{\"userId\":\"u\",\"channels\":[\"\xc3\xa9\"]}", 422,
          PROBLEM("invalid_field",
                  "The field \\\"channels\\\" is \\\"\xc3\xa9\\\"; it must be a name of ASCII characters "
                  "that its namespace's channel_regex allows.") },
        { "token", "{\"userId\":\"u\",\"channel\":\"a\"}", 422,
          PROBLEM("unknown_field", "unknown field \\\"channel\\\"; did you mean \\\"channels\\\"?") },
        { "subscription-token", "{\"userId\":\"u\"}", 422,
          PROBLEM("missing_field", "The field \\\"channel\\\" is missing; it must be a non-empty string.") },
        { "subscription-token", "{\"channel\":\"a\"}", 422,
          PROBLEM("missing_field", "The field \\\"userId\\\" is missing; it must be a string of 1 to 255 bytes.") },
        { "subscription-token", "{\"userId\":\"u\",\"channel\":\"\"}", 422,
          PROBLEM("invalid_field",
                  "The field \\\"channel\\\" is \\\"\\\"; it must be a channel name of 1 to 255 bytes.") },
        { "subscription-token", "{\"userId\":\"u\",\"channel\":\"nobody:a\"}", 422,
          PROBLEM("unknown_channel",
                  "The field \\\"channel\\\" is \\\"nobody:a\\\", whose namespace is not configured.") },
        { "publish", "{\"data\":1}", 422,
          PROBLEM("missing_field", "The field \\\"channel\\\" is missing; it must be a non-empty string.") },
        { "publish", "{\"channel\":\"a\"}", 422,
          PROBLEM("missing_field", "The field \\\"data\\\" is missing; it must be JSON; or give b64data.") },
        { "publish", "{\"channel\":\"nobody:a\",\"data\":1}", 404,
          PROBLEM("unknown_channel",
                  "The field \\\"channel\\\" is \\\"nobody:a\\\", whose namespace is not configured.") },
        { "publish", "{\"channel\":\"a\",\"data\":1,\"skipHistory\":true}", 422,
          PROBLEM("unknown_field", "unknown field \\\"skipHistory\\\"; did you mean \\\"skip_history\\\"?") },
        { "publish", "{\"channel\":\"a\",\"b64data\":\"*\"}", 422,
          PROBLEM("invalid_field", "The field \\\"b64data\\\" is \\\"*\\\"; it must be base64 with padding.") },
        { "publish", "{\"channel\":\"object:a\",\"data\":[1]}", 422,
          PROBLEM("invalid_field",
                  "The field \\\"data\\\" is \\\"[1]\\\"; it must be a JSON object, as the namespace's "
                  "publication_data_format says.") },
        { "publish", "{\"channel\":\"map:a\",\"data\":1}", 422,
          PROBLEM("invalid_field", "The channel \\\"map:a\\\" is in a namespace whose subscription_type does not take "
                                   "publish.") },
        { "publish", "{\"channel\":\"a\",\"data\":1,\"tags\":{\"a\":1}}", 422,
          PROBLEM("invalid_field",
                  "The field \\\"tags\\\" is \\\"{\\\"a\\\":1}\\\"; it must be an object of at most 64 "
                  "strings.") },
        { "publish", "{\"channel\":\"a\",\"data\":1,\"version\":-1}", 422,
          PROBLEM("invalid_field", "The field \\\"version\\\" is \\\"-1\\\"; it must be an integer from 0 to "
                                   "18446744073709551615.") },
    };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        harness_ask(h, API_PROJECT, rows[i].name, SERVER_KEY, rows[i].body);
        harness_expect(h, rows[i].status, rows[i].answer);
        assert_true(slice_eq(h->call.content_type, SLICE("application/json")));
    }
    harness_free(h);
}

static void long_values_are_cut_between_characters(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    char body[1024], expected[512];
    (void)state;
    for (int len = 62; len <= 65; len++) {
        char name[128];
        memset(name, 'x', sizeof name);
        strcpy(name + len, "\xe2\x82\xac"); /* three bytes */
        (void)snprintf(body, sizeof body, "{\"%s\":1}", name);
        harness_ask(h, API_PROJECT, "token", SERVER_KEY, body);
        (void)snprintf(expected, sizeof expected, "unknown field \\\"%.*s…\\\"\"}}", len < 64 ? len : 64, name);
        harness_expect_part(h, 422, expected);
    }
    harness_free(h);
}

static void field_limits_hold_at_n_and_n_plus_one(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct buf body;
    (void)state;
    buf_init(&body, BUF_NO_LIMIT);
    for (int over = 0; over < 2; over++) {
        buf_clear(&body);
        buf_append(&body, SLICE("{\"userId\":\""));
        for (int i = 0; i < 255 + over; i++) buf_append_char(&body, 'u');
        buf_append(&body, SLICE("\"}"));
        harness_ask_with(h, API_PROJECT, "token", "POST", NULL, SERVER_KEY, buf_slice(&body));
        assert_int_equal(h->call.status, over ? 422 : 200);
        buf_clear(&body);
        buf_append(&body, SLICE("{\"userId\":\"u\",\"channels\":["));
        for (int i = 0; i < 128 + over; i++) buf_printf(&body, "%s\"c%d\"", i ? "," : "", i);
        buf_append(&body, SLICE("]}"));
        harness_ask_with(h, API_PROJECT, "token", "POST", NULL, SERVER_KEY, buf_slice(&body));
        harness_expect_part(h, over ? 422 : 200,
                            over ? "\\\"129 entries\\\"; it must be an array of at most 128" : "tok");
        buf_clear(&body);
        buf_append(&body, SLICE("{\"userId\":\"u\",\"channel\":\""));
        for (int i = 0; i < 255 + over; i++) buf_append_char(&body, 'c');
        buf_append(&body, SLICE("\"}"));
        harness_ask_with(h, API_PROJECT, "subscription-token", "POST", NULL, SERVER_KEY, buf_slice(&body));
        assert_int_equal(h->call.status, over ? 422 : 200);
        buf_clear(&body);
        buf_append(&body, SLICE("{\"channel\":\"a\",\"data\":\""));
        for (int i = 0; i < QUEUE_BYTES / 2 - 3 + over; i++) buf_append_char(&body, 'x');
        buf_append(&body, SLICE("\"}"));
        harness_ask_with(h, API_PROJECT, "publish", "POST", NULL, SERVER_KEY, buf_slice(&body));
        harness_expect_part(h, over ? 422 : 200, over ? "at most 32768 bytes together" : "{\"result\":{}}");
    }
    buf_deinit(&body);
    harness_free(h);
}

static void verify_under(struct harness *h, enum auth_kind kind, const struct auth_options *options, struct claims *out)
{
    struct auth_verifier *verifier = auth_verifier_new(options);
    struct auth_scratch *scratch = auth_scratch_new();
    const char *why = NULL;
    enum auth_result result = auth_verify(verifier, scratch, slice_from_cstr(harness_token(h)), HARNESS_NOW_S, kind,
                                          &h->workers[0].engine.arena, out, &why);
    if (result != AUTH_OK) fail_msg("%s", why);
    auth_scratch_free(scratch);
    auth_verifier_unref(verifier);
}

static void verify(struct harness *h, enum auth_kind kind, const char *secret, struct claims *out)
{
    verify_under(h, kind, &(struct auth_options){ .hmac_key = slice_from_cstr(secret) }, out);
}

static void a_connection_token_carries_what_was_asked(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct claims claims;
    (void)state;
    harness_ask(
        h, API_PROJECT, "token", SHOP_KEY,
        "{\"userId\":\"u_1\",\"ttlSeconds\":3600,\"channels\":[\"a\",\"public:b\"],\"info\": {\"name\":\"N\"} }");
    harness_expect_part(h, 200, "\",\"expiresInSeconds\":3600}");
    verify(h, AUTH_CONNECTION, TOKEN_SECRET, &claims);
    assert_true(slice_eq(claims.user, SLICE("u_1")));
    assert_int_equal(claims.iat.s, HARNESS_NOW_S);
    assert_int_equal(claims.exp.s, HARNESS_NOW_S + 3600);
    assert_true(slice_eq(claims.info, SLICE("{\"name\":\"N\"}")));
    assert_true(slice_eq(claims.project_id, SLICE(SHOP_ID)));
    assert_int_equal(claims.sub_count, 2);
    assert_true(slice_eq(claims.subs[1].channel, SLICE("public:b")));
    harness_ask(h, API_PROJECT, "token", SERVER_KEY,
                "{\"userId\":\"u\",\"info\":null,\"channels\":null,\"ttlSeconds\":30}");
    verify(h, AUTH_CONNECTION, TOKEN_SECRET, &claims);
    assert_true(slice_eq(claims.project_id, SLICE(DEFAULT_ID)));
    assert_int_equal(claims.exp.s, HARNESS_NOW_S + 30);
    assert_int_equal(claims.info.len, 0);
    assert_int_equal(claims.sub_count, 0);
    harness_free(h);
}

static void a_subscription_token_is_for_one_channel(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct claims claims;
    (void)state;
    harness_ask(h, API_PROJECT, "subscription-token", SHOP_KEY, "{\"userId\":\"u\",\"channel\":\"$public:a\"}");
    verify(h, AUTH_SUBSCRIPTION, TOKEN_SECRET, &claims);
    assert_true(slice_eq(claims.channel, SLICE("$public:a")));
    assert_true(slice_eq(claims.project_id, SLICE(SHOP_ID)));
    assert_int_equal(claims.exp.s, HARNESS_NOW_S + 900);
    harness_free(h);
}

static void set_text(char **to, const char *text)
{
    mem_free(*to);
    *to = mem_copy(slice_from_cstr(text));
}

static void no_secret(struct policy_deployment *d)
{
    d->token.hmac_secret_key[0] = '\0';
}

static void separate_subscription_secret(struct policy_deployment *d)
{
    d->subscription_token_enabled = true;
    set_text(&d->subscription_token.hmac_secret_key, "other-secret");
}

static void wants_audience(struct policy_deployment *d)
{
    set_text(&d->token.audience, "aud");
}

static void wants_issuer(struct policy_deployment *d)
{
    set_text(&d->token.issuer, "https://issuer.example/\"1\"");
}

static void wants_user_claim(struct policy_deployment *d)
{
    set_text(&d->token.user_id_claim, "user_id");
}

static void wants_all(struct policy_deployment *d)
{
    wants_audience(d);
    wants_issuer(d);
    wants_user_claim(d);
}

static void subscriptions_want_all(struct policy_deployment *d)
{
    d->subscription_token_enabled = true;
    set_text(&d->subscription_token.hmac_secret_key, TOKEN_SECRET);
    set_text(&d->subscription_token.audience, "subscriptions");
    set_text(&d->subscription_token.issuer, "i");
    set_text(&d->subscription_token.user_id_claim, "jti");
}

static void audience_of_a_pattern(struct policy_deployment *d)
{
    set_text(&d->token.audience_regex, "^aud");
}

static void issuer_of_a_pattern(struct policy_deployment *d)
{
    set_text(&d->token.issuer_regex, "^iss");
}

static void user_in_another_claim(struct policy_deployment *d)
{
    set_text(&d->token.user_id_claim, "Channel");
}

static void the_signing_key_is_the_configured_one(void **state)
{
    struct claims claims;
    (void)state;
    struct harness *h = harness_new(HARNESS_MEMORY, separate_subscription_secret);
    harness_ask(h, API_PROJECT, "subscription-token", SERVER_KEY, "{\"userId\":\"u\",\"channel\":\"a\"}");
    verify(h, AUTH_SUBSCRIPTION, "other-secret", &claims);
    harness_ask(h, API_PROJECT, "token", SERVER_KEY, "{\"userId\":\"u\"}");
    verify(h, AUTH_CONNECTION, TOKEN_SECRET, &claims);
    harness_free(h);
}

static void without_a_usable_key_the_operator_is_told(void **state)
{
    (void)state;
    struct harness *h = harness_new(HARNESS_MEMORY, no_secret);
    harness_ask(h, API_PROJECT, "token", SERVER_KEY, "{\"userId\":\"u\"}");
    harness_expect_part(h, 503, "\"not_configured\",\"message\":\"The operator has configured no secret");
    harness_free(h);
    static harness_policy_fn *const unusable[] = { audience_of_a_pattern, issuer_of_a_pattern, user_in_another_claim };
    for (size_t i = 0; i < sizeof unusable / sizeof *unusable; i++) {
        h = harness_new(HARNESS_MEMORY, unusable[i]);
        harness_ask(h, API_PROJECT, "token", SERVER_KEY, "{\"userId\":\"u\"}");
        harness_expect_part(h, 503, "\"not_configured\",\"message\":\"Tokens cannot be made while");
        harness_free(h);
    }
}

static struct auth_options options_of(const struct policy_token_options *o)
{
    return (struct auth_options){ .hmac_key = slice_from_cstr(o->hmac_secret_key),
                                  .audience = slice_from_cstr(o->audience),
                                  .issuer = slice_from_cstr(o->issuer),
                                  .user_id_claim = slice_from_cstr(o->user_id_claim) };
}

static void what_the_operator_asks_of_tokens_is_in_them(void **state)
{
    static harness_policy_fn *const changes[] = { wants_audience, wants_issuer, wants_user_claim, wants_all,
                                                  subscriptions_want_all };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct harness *h = harness_new(HARNESS_MEMORY, changes[i]);
        const struct policy_deployment *d = h->workers[0].engine.policy->deployment;
        struct auth_options options = options_of(&d->token);
        struct claims claims;
        harness_ask(h, API_PROJECT, "token", SERVER_KEY, "{\"userId\":\"42\"}");
        verify_under(h, AUTH_CONNECTION, &options, &claims);
        assert_true(slice_eq(claims.user, SLICE("42")));
        /* and the server itself takes it */
        assert_int_equal(harness_connect(h, 0, harness_token(h))->close_code, 0);
        if (d->subscription_token_enabled) options = options_of(&d->subscription_token);
        harness_ask(h, API_PROJECT, "subscription-token", SERVER_KEY, "{\"userId\":\"42\",\"channel\":\"a\"}");
        verify_under(h, AUTH_SUBSCRIPTION, &options, &claims);
        assert_true(slice_eq(claims.user, SLICE("42")));
        harness_free(h);
    }
}

static void a_token_too_long_for_a_verifier_is_refused(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct buf body;
    (void)state;
    buf_init(&body, BUF_NO_LIMIT);
    buf_append(&body, SLICE("{\"userId\":\"u\",\"info\":{\"a\":\""));
    for (int i = 0; i < 60000; i++) buf_append_char(&body, 'x');
    buf_append(&body, SLICE("\"}}"));
    harness_ask_with(h, API_PROJECT, "token", "POST", NULL, SERVER_KEY, buf_slice(&body));
    harness_expect_part(h, 422, "\"token_too_large\"");
    buf_deinit(&body);
    harness_free(h);
}

static void publish_goes_into_the_projects_own_space(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    harness_ask(h, API_PROJECT, "publish", SHOP_KEY,
                "{\"channel\":\"public:a\",\"data\":{\"a\":1},\"tags\":{\"k\":\"v\"},\"idempotency_key\":\"i\","
                "\"skip_history\":false,\"delta\":true,\"version\":1,\"version_epoch\":\"e\"}");
    harness_expect_part(h, 200, "{\"result\":{\"offset\":1,\"epoch\":\"");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY "X-Xshathra-Project: " SHOP_ID "\n",
                "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "[{\"data\":{\"a\":1},\"offset\":1,\"tags\":{\"k\":\"v\"}}]");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "\"publications\":[],");
    harness_ask(h, API_PROJECT, "publish", SHOP_KEY, "{\"channel\":\"public:a\",\"b64data\":\"W10=\"}");
    harness_expect_part(h, 200, "\"offset\":2,");
    harness_free(h);
}

static void a_broker_that_fails_is_told_with_its_status(void **state)
{
    static const struct {
        enum status status;
        int http_status;
        const char *part;
    } rows[] = { { STATUS_OVERLOADED, 503, "\"overloaded\"" },
                 { STATUS_TOO_LARGE, 503, "\"limit_exceeded\"" },
                 { STATUS_NO_MEMORY, 503, "\"unavailable\"" },
                 { STATUS_IO, 500, "\"internal_error\"" } };
    struct harness *h = harness_new(HARNESS_FAILING, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        h->fail_with = rows[i].status;
        harness_ask(h, API_PROJECT, "publish", SERVER_KEY, "{\"channel\":\"a\",\"data\":1}");
        harness_expect_part(h, rows[i].http_status, rows[i].part);
    }
    harness_free(h);
}

static void memory_that_runs_out_is_no_crash(void **state)
{
    static const char *const bodies[] = { "{\"userId\":\"\\u0061\",\"channels\":[\"a\"],\"info\":{}}", "{\"userId\":" };
    (void)state;
    for (size_t b = 0; b < 2; b++) {
        for (size_t n = 1; n < 40; n++) {
            struct harness *h = harness_new(HARNESS_MEMORY, NULL);
            mem_fail_after(n);
            harness_ask(h, API_PROJECT, "token", SERVER_KEY, bodies[b]);
            mem_fail_after(0);
            assert_true(h->call.status == 200 || h->call.status == 400 || h->call.status >= 500);
            harness_free(h);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_living_server_key_opens_the_project_api),
        cmocka_unit_test(the_request_as_a_whole_is_checked),
        cmocka_unit_test(a_body_over_the_limit_is_413),
        cmocka_unit_test(every_refusal_names_field_value_and_what_is_allowed),
        cmocka_unit_test(long_values_are_cut_between_characters),
        cmocka_unit_test(field_limits_hold_at_n_and_n_plus_one),
        cmocka_unit_test(a_connection_token_carries_what_was_asked),
        cmocka_unit_test(a_subscription_token_is_for_one_channel),
        cmocka_unit_test(the_signing_key_is_the_configured_one),
        cmocka_unit_test(without_a_usable_key_the_operator_is_told),
        cmocka_unit_test(what_the_operator_asks_of_tokens_is_in_them),
        cmocka_unit_test(a_token_too_long_for_a_verifier_is_refused),
        cmocka_unit_test(publish_goes_into_the_projects_own_space),
        cmocka_unit_test(a_broker_that_fails_is_told_with_its_status),
        cmocka_unit_test(memory_that_runs_out_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
