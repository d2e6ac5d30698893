#include "support/api_harness.h"

#include <stdio.h>

/* Who may call, how errors look, and each method of the engine's server API. */

struct row {
    const char *name, *headers, *body;
    int status;
    const char *answer;
};

static void run_rows(struct harness *h, enum api_family family, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        harness_ask(h, family, rows[i].name, rows[i].headers, rows[i].body);
        harness_expect(h, rows[i].status, rows[i].answer);
    }
}

static void only_the_key_opens_the_server_api(void **state)
{
    static const struct {
        const char *headers, *query;
        int status;
    } rows[] = {
        { "X-API-Key: engine-key\n", NULL, 200 },
        { "x-api-key: engine-key\n", NULL, 200 },
        { "Authorization: apikey engine-key\n", NULL, 200 },
        { "Authorization: ApiKey   engine-key\n", NULL, 200 },
        { "", "api_key=engine-key", 200 },
        { "", "a=b&api_key=engine%2Dkey", 200 },
        /* a wrong X-API-Key hides Authorization, but not the query */
        { "X-API-Key: wrong\nAuthorization: apikey engine-key\n", NULL, 401 },
        { "X-API-Key: wrong\n", "api_key=engine-key", 200 },
        { "X-API-Key:\nAuthorization: apikey engine-key\n", NULL, 200 },
        { "Authorization: apikey wrong\n", "api_key=engine-key", 200 },
        { "", NULL, 401 },
        { "X-API-Key: engine-ke\n", NULL, 401 },
        { "X-API-Key: engine-keys\n", NULL, 401 },
        { "X-API-Key: ENGINE-KEY\n", NULL, 401 },
        { "Authorization: Bearer engine-key\n", NULL, 401 },
        { "Authorization: apikey\n", NULL, 401 },
        { "Authorization: apikey engine-key more\n", NULL, 401 },
        { "Authorization: engine-key\n", NULL, 401 },
        { "", "api_key=", 401 },
        { "", "api_key=wrong", 401 },
        { "", "API_KEY=engine-key", 401 },
        { "Authorization: apikey sk_default\n", NULL, 401 },
    };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        harness_ask_with(h, API_ENGINE, "info", "POST", rows[i].query, rows[i].headers, SLICE("{}"));
        if (h->call.status != rows[i].status) fail_msg("row %zu: %d", i, h->call.status);
        if (rows[i].status == 401) {
            assert_int_equal(h->call.body.len, 0);
            assert_int_equal(h->call.content_type.len, 0);
        }
    }
    harness_free(h);
}

static void no_key(struct policy_deployment *d)
{
    d->api_key[0] = '\0';
}

static void insecure(struct policy_deployment *d)
{
    d->api_insecure = true;
}

static void errors_as_status(struct policy_deployment *d)
{
    d->api_errors_as_status = true;
}

static void an_empty_configured_key_opens_nothing(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, no_key);
    (void)state;
    harness_ask_with(h, API_ENGINE, "info", "POST", "api_key=", "X-API-Key:\nAuthorization: apikey\n", SLICE("{}"));
    harness_expect(h, 401, "");
    harness_free(h);
}

static void insecure_mode_asks_for_no_key(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, insecure);
    (void)state;
    harness_ask(h, API_ENGINE, "publish", "", "{\"channel\":\"a\",\"data\":1}");
    harness_expect(h, 200, "{\"result\":{}}");
    harness_free(h);
}

static void only_post_is_allowed(void **state)
{
    static const char *const methods[] = { "GET", "PUT", "post" };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        harness_ask_with(h, API_ENGINE, "publish", methods[i], NULL, ENGINE_KEY, SLICE("{}"));
        harness_expect(h, 405, "{\"error\":{\"code\":107,\"message\":\"method not allowed: POST is\"}}");
        assert_true(h->was_refused);
        assert_true(slice_eq(harness_header(h, "Allow"), SLICE("POST")));
    }
    harness_ask(h, API_ENGINE, "publish", ENGINE_KEY, "{\"channel\":\"a\",\"data\":1}");
    assert_int_equal(h->call.header_count, 0);
    harness_free(h);
}

static void an_unknown_method_is_404(void **state)
{
    static const char *const names[] = { "Batch", "shared_poll_publish", "Publish", "publish/", "block_user" };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        harness_ask(h, API_ENGINE, names[i], ENGINE_KEY, "{}");
        harness_expect(h, 404, "{\"error\":{\"code\":104,\"message\":\"not found\"}}");
    }
    harness_free(h);
}

static const char *const all_methods[] = { "publish",    "broadcast",      "subscribe", "unsubscribe",
                                           "disconnect", "refresh",        "presence",  "presence_stats",
                                           "history",    "history_remove", "info",      "channels",
                                           "rpc",        "batch" };

static void a_body_that_is_no_json_object_is_a_bad_request_in_text(void **state)
{
    static const char *const bodies[] = { "", " ", "{", "[]", "1", "\"x\"", "{}x", "{\"channel\":}", "nul", "{'a':1}" };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (size_t m = 0; m < sizeof all_methods / sizeof *all_methods; m++) {
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
            harness_ask(h, API_ENGINE, all_methods[m], ENGINE_KEY, bodies[i]);
            harness_expect(h, 400, "Bad Request\n");
            assert_true(slice_eq(h->call.content_type, SLICE("text/plain; charset=utf-8")));
        }
    }
    harness_free(h);
}

#define OK          "{\"result\":{}}"
#define ERROR(c, m) "{\"error\":{\"code\":" #c ",\"message\":\"" m "\"}}"
#define BAD         ERROR(107, "bad request")
#define UNKNOWN     ERROR(102, "unknown channel")
#define INTERNAL    ERROR(100, "internal server error")
#define NOT_ON      ERROR(108, "not available")
#define LOST        ERROR(112, "unrecoverable position")

static void every_refusal_has_its_code(void **state)
{
    static const struct row rows[] = {
        { "publish", ENGINE_KEY, "null", 200, BAD },
        { "publish", ENGINE_KEY, "{\"data\":1}", 200, BAD },
        { "publish", ENGINE_KEY, "{\"channel\":\"a\"}", 200, BAD },
        { "publish", ENGINE_KEY, "{\"channel\":\"nobody:a\",\"data\":1}", 200, UNKNOWN },
        { "publish", ENGINE_KEY, "{\"channel\":\"map:a\",\"data\":1}", 200, BAD },
        { "publish", ENGINE_KEY, "{\"channel\":\"a\",\"b64data\":\"*\"}", 200, BAD },
        { "publish", ENGINE_KEY, "{\"channel\":\"a\",\"b64data\":\"YQ\"}", 200, BAD },
        { "publish", ENGINE_KEY, "{\"channel\":\"json:a\",\"b64data\":\"YQ==\"}", 200, BAD },
        { "publish", ENGINE_KEY, "{\"channel\":\"object:a\",\"data\":[1]}", 200, BAD },
        { "publish", ENGINE_KEY, "{\"channel\":1,\"data\":1}", 400, "Bad Request\n" },
        { "publish", ENGINE_KEY, "{\"channel\":\"a\",\"data\":1,\"tags\":{\"a\":1}}", 400, "Bad Request\n" },
        { "publish", ENGINE_KEY, "{\"channel\":\"a\",\"data\":1,\"version\":-1}", 400, "Bad Request\n" },
        { "broadcast", ENGINE_KEY, "{\"data\":1}", 200, BAD },
        { "broadcast", ENGINE_KEY, "{\"channels\":[],\"data\":1}", 200, BAD },
        { "broadcast", ENGINE_KEY, "{\"channels\":[\"a\"],\"data\":1,\"channels\":null}", 200, BAD },
        { "broadcast", ENGINE_KEY, "{\"channels\":[\"a\"],\"b64data\":\"?\"}", 200, BAD },
        { "broadcast", ENGINE_KEY, "{\"channels\":[1],\"data\":1}", 400, "Bad Request\n" },
        { "subscribe", ENGINE_KEY, "{\"user\":\"u\"}", 200, BAD },
        { "subscribe", ENGINE_KEY, "{\"user\":\"u\",\"channel\":\"nobody:a\"}", 200, UNKNOWN },
        { "subscribe", ENGINE_KEY, "{\"user\":\"u\",\"channel\":\"a\",\"b64data\":\"?\"}", 200, BAD },
        { "subscribe", ENGINE_KEY, "{\"user\":\"u\",\"channel\":\"a\",\"b64info\":\"?\"}", 200, BAD },
        { "subscribe", ENGINE_KEY, "{\"override\":{\"presence\":{\"value\":1}}}", 400, "Bad Request\n" },
        { "unsubscribe", ENGINE_KEY, "{\"user\":\"u\",\"channel\":\"nobody:a\"}", 200, UNKNOWN },
        { "disconnect", ENGINE_KEY, "{\"user\":\"u\",\"disconnect\":{\"code\":-1}}", 400, "Bad Request\n" },
        { "disconnect", ENGINE_KEY, "{\"user\":\"u\",\"whitelist\":\"x\"}", 400, "Bad Request\n" },
        { "presence", ENGINE_KEY, "{}", 200, BAD },
        { "presence", ENGINE_KEY, "{\"channel\":\"nobody:a\"}", 200, UNKNOWN },
        { "presence", ENGINE_KEY, "{\"channel\":\"plain:a\"}", 200, NOT_ON },
        { "presence_stats", ENGINE_KEY, "{}", 200, BAD },
        { "presence_stats", ENGINE_KEY, "{\"channel\":\"nobody:a\"}", 200, UNKNOWN },
        { "presence_stats", ENGINE_KEY, "{\"channel\":\"plain:a\"}", 200, NOT_ON },
        { "history", ENGINE_KEY, "{}", 200, BAD },
        { "history", ENGINE_KEY, "{\"channel\":\"nobody:a\"}", 200, UNKNOWN },
        { "history", ENGINE_KEY, "{\"channel\":\"a\"}", 200, NOT_ON },
        { "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"reverse\":true,\"since\":{}}", 200, INTERNAL },
        { "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"since\":{\"offset\":0,\"epoch\":\"xx\"}}", 200, LOST },
        { "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"since\":{\"epoch\":\"longer than any epoch\"}}", 200,
          LOST },
        { "history_remove", ENGINE_KEY, "{}", 200, BAD },
        { "history_remove", ENGINE_KEY, "{\"channel\":\"nobody:a\"}", 200, UNKNOWN },
        { "history_remove", ENGINE_KEY, "{\"channel\":\"a\"}", 200, NOT_ON },
        { "channels", ENGINE_KEY, "{\"pattern\":\"[\"}", 200, INTERNAL },
        { "channels", ENGINE_KEY, "{\"pattern\":7}", 400, "Bad Request\n" },
        { "rpc", ENGINE_KEY, "{}", 200, BAD },
        { "rpc", ENGINE_KEY, "null", 200, BAD },
        { "rpc", ENGINE_KEY, "{\"method\":\"\",\"params\":{}}", 200, BAD },
        { "rpc", ENGINE_KEY, "{\"method\":\"getUser\",\"params\":[1]}", 200, ERROR(104, "not found") },
        { "rpc", ENGINE_KEY, "{\"method\":5}", 400, "Bad Request\n" },
    };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    run_rows(h, API_ENGINE, rows, sizeof rows / sizeof *rows);
    harness_free(h);
}

static void what_is_allowed_is_done(void **state)
{
    static const struct row rows[] = {
        { "publish", ENGINE_KEY, "{\"channel\":\"a\",\"data\":null}", 200, OK },
        { "publish", ENGINE_KEY, "{\"CHANNEL\":\"a\",\"Data\":{}}", 200, OK },
        { "publish", ENGINE_KEY, "{\"channel\":\"\xc3\xa9t\xc3\xa9\",\"data\":1}", 200, OK },
        { "publish", ENGINE_KEY, "{\"channel\":\"a\",\"data\":1,\"nobody\":[{}],\"tags\":null}", 200, OK },
        { "publish", ENGINE_KEY, "{\"channel\":\"json:a\",\"data\":[1]}", 200, OK },
        { "publish", ENGINE_KEY, "{\"channel\":\"json:a\",\"b64data\":\"WzFd\",\"data\":7}", 200, OK },
        { "publish", ENGINE_KEY, "{\"channel\":\"json:a\",\"b64data\":\"W\\r\\nzF\\nd\\n\"}", 200, OK },
        { "publish", ENGINE_KEY, "{\"channel\":\"object:a\",\"data\": {\"a\":1} }", 200, OK },
        { "publish", ENGINE_KEY, "{\"channel\":\"public:s\",\"data\":1,\"skip_history\":true}", 200, OK },
        { "publish", ENGINE_KEY, "{\"channel\":\"public:s\",\"data\":1,\"skipHistory\":true}", 200, OK },
        { "publish", ENGINE_KEY, "{\"channel\":\"public:s\",\"data\":1,\"SKIP_HISTORY\":true}", 200, OK },
        { "subscribe", ENGINE_KEY, "{\"user\":\"u\",\"channel\":\"a\"}", 200, OK },
        { "unsubscribe", ENGINE_KEY, "null", 200, OK },
        { "unsubscribe", ENGINE_KEY, "{\"user\":\"u\",\"channel\":\"a\"}", 200, OK },
        { "disconnect", ENGINE_KEY, "{\"user\":\"u\"}", 200, OK },
        { "refresh", ENGINE_KEY, "{\"user\":\"u\",\"expire_at\":5}", 200, OK },
        { "subscribe", ENGINE_KEY, "{\"user\":\"u\",\"channel\":\"a\",\"expire_at\":5}", 200,
          OK }, /* nobody is there */
        { "presence", ENGINE_KEY, "{\"channel\":\"a\"}", 200, "{\"result\":{\"presence\":{}}}" },
        { "presence_stats", ENGINE_KEY, "{\"channel\":\"a\"}", 200,
          "{\"result\":{\"num_clients\":0,\"num_users\":0}}" },
        { "history_remove", ENGINE_KEY, "{\"channel\":\"public:none\"}", 200, OK },
        { "channels", ENGINE_KEY, "{}", 200, "{\"result\":{\"channels\":{}}}" },
        { "channels", ENGINE_KEY, "null", 200, "{\"result\":{\"channels\":{}}}" },
        /* a null takes back a list or an object that was given before it, and nothing else */
        { "publish", ENGINE_KEY, "{\"channel\":\"a\",\"data\":1,\"channel\":null,\"delta\":true,\"delta\":null}", 200,
          OK },
        { "publish", ENGINE_KEY, "{\"channel\":\"json:a\",\"data\":1,\"data\":null}", 200, OK },
    };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    run_rows(h, API_ENGINE, rows, sizeof rows / sizeof *rows);
    assert_true(slice_eq(h->call.content_type, SLICE("application/json")));
    harness_free(h);
}

static void transport_mode_gives_the_status_and_a_bare_error(void **state)
{
    static const struct row rows[] = {
        { "publish", "", "{}", 400, "{\"code\":107,\"message\":\"bad request\"}" },
        { "presence", "", "{\"channel\":\"nobody:a\"}", 404, "{\"code\":102,\"message\":\"unknown channel\"}" },
        { "history", "", "{\"channel\":\"a\"}", 400, "{\"code\":108,\"message\":\"not available\"}" },
        { "history", "", "{\"channel\":\"public:a\",\"since\":{\"epoch\":\"x\"}}", 416,
          "{\"code\":112,\"message\":\"unrecoverable position\"}" },
        { "channels", "", "{\"pattern\":\"[\"}", 500, "{\"code\":100,\"message\":\"internal server error\"}" },
        { "publish", "", "{\"channel\":\"a\",\"data\":1}", 200, OK },
    };
    (void)state;
    for (int by_header = 0; by_header < 2; by_header++) {
        struct harness *h = harness_new(HARNESS_MEMORY, by_header ? NULL : errors_as_status);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            const char *headers = by_header ? ENGINE_KEY "X-Centrifugo-Error-Mode: transport\n" : ENGINE_KEY;
            harness_ask(h, API_ENGINE, rows[i].name, headers, rows[i].body);
            harness_expect(h, rows[i].status, rows[i].answer);
        }
        harness_free(h);
    }
}

static void the_project_header_selects_the_space(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    harness_ask(h, API_ENGINE, "publish", ENGINE_KEY "X-Xshathra-Project: " SHOP_ID "\n",
                "{\"channel\":\"public:a\",\"data\":\"shop\"}");
    harness_expect_part(h, 200, "\"offset\":1");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "{\"result\":{\"publications\":[],");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY "X-Xshathra-Project: " DEFAULT_ID "\n",
                "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "\"publications\":[],");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY "X-Xshathra-Project: " SHOP_ID "\n",
                "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "\"publications\":[{\"data\":\"shop\",\"offset\":1}],");
    harness_free(h);
}

static void an_unknown_or_archived_project_is_404(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    harness_ask(h, API_ENGINE, "publish", ENGINE_KEY "X-Xshathra-Project: a\"b\n", "{\"channel\":\"a\",\"data\":1}");
    harness_expect(h, 404, "{\"error\":{\"code\":104,\"message\":\"unknown project \\\"a\\\"b\\\"\"}}");
    harness_ask(h, API_ENGINE, "publish", ENGINE_KEY "X-Xshathra-Project: proj_old\n",
                "{\"channel\":\"a\",\"data\":1}");
    harness_expect(h, 404, "{\"error\":{\"code\":104,\"message\":\"archived project \\\"proj_old\\\"\"}}");
    /* an empty one must not mean the deployment's own space */
    harness_ask(h, API_ENGINE, "publish", ENGINE_KEY "X-Xshathra-Project:\n", "{\"channel\":\"a\",\"data\":1}");
    harness_expect(h, 404, "{\"error\":{\"code\":104,\"message\":\"unknown project \\\"\\\"\"}}");
    harness_free(h);
}

static void history_comes_back_in_order_from_any_side(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    char body[256], epoch[32];
    (void)state;
    for (int i = 1; i <= 3; i++) {
        (void)snprintf(body, sizeof body, "{\"channel\":\"public:a\",\"data\":{\"n\":%d},\"tags\":{\"k\":\"%d\"}}", i,
                       i);
        harness_ask(h, API_ENGINE, "publish", ENGINE_KEY, body);
        (void)snprintf(body, sizeof body, "{\"result\":{\"offset\":%d,\"epoch\":\"", i);
        harness_expect_part(h, 200, body);
    }
    const char *at = strstr(harness_body(h), "\"epoch\":\"") + strlen("\"epoch\":\"");
    (void)snprintf(epoch, sizeof epoch, "%.*s", (int)strcspn(at, "\""), at);
    static const struct {
        const char *request, *publications;
    } rows[] = {
        { "", "" },
        { ",\"limit\":0", "" },
        { ",\"limit\":1", "{\"data\":{\"n\":1},\"offset\":1,\"tags\":{\"k\":\"1\"}}" },
        { ",\"limit\":1,\"reverse\":true", "{\"data\":{\"n\":3},\"offset\":3,\"tags\":{\"k\":\"3\"}}" },
        { ",\"limit\":-1,\"since\":{\"offset\":2}", "{\"data\":{\"n\":3},\"offset\":3,\"tags\":{\"k\":\"3\"}}" },
        { ",\"limit\":-7,\"since\":{\"offset\":2},\"reverse\":true",
          "{\"data\":{\"n\":1},\"offset\":1,\"tags\":{\"k\":\"1\"}}" },
        { ",\"limit\":2", "{\"data\":{\"n\":1},\"offset\":1,\"tags\":{\"k\":\"1\"}},{\"data\":{\"n\":2},\"offset\":2,"
                          "\"tags\":{\"k\":\"2\"}}" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[512];
        (void)snprintf(body, sizeof body, "{\"channel\":\"public:a\"%s}", rows[i].request);
        (void)snprintf(expected, sizeof expected, "{\"result\":{\"publications\":[%s],\"epoch\":\"%s\",\"offset\":3}}",
                       rows[i].publications, epoch);
        harness_ask(h, API_ENGINE, "history", ENGINE_KEY, body);
        harness_expect(h, 200, expected);
    }
    harness_ask(h, API_ENGINE, "history_remove", ENGINE_KEY, "{\"channel\":\"public:a\"}");
    harness_expect(h, 200, OK);
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "{\"result\":{\"publications\":[],");
    harness_free(h);
}

static void a_null_takes_back_what_was_given_before_it(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    harness_ask(h, API_ENGINE, "publish", ENGINE_KEY,
                "{\"channel\":\"public:a\",\"data\":1,\"tags\":{\"k\":\"v\"},\"tags\":null}");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY,
                "{\"channel\":\"public:a\",\"limit\":9,\"since\":{\"offset\":9,\"epoch\":\"x\"},\"since\":null}");
    harness_expect_part(h, 200, "{\"publications\":[{\"data\":1,\"offset\":1}],");
    harness_free(h);
}

static void a_long_history_is_written_in_slices(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (int i = 0; i < 600; i++)
        harness_ask(h, API_ENGINE, "publish", ENGINE_KEY, "{\"channel\":\"public:a\",\"data\":1}");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
    assert_int_equal(h->again_count, 2);
    harness_expect_part(h, 200, "{\"data\":1,\"offset\":256},{\"data\":1,\"offset\":257}");
    harness_expect_part(h, 200, "{\"data\":1,\"offset\":600}],\"epoch\"");
    /* dropped in the middle, and begun again: nothing leaks */
    harness_begin(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
    assert_int_equal(h->outcome, API_AGAIN);
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":1}");
    harness_expect_part(h, 200, "\"offset\":600}}");
    harness_begin(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_free(h);
}

static void history_of_a_binary_payload_is_500(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    harness_ask(h, API_ENGINE, "publish", ENGINE_KEY, "{\"channel\":\"binary:a\",\"data\":1}");
    harness_ask(h, API_ENGINE, "publish", ENGINE_KEY, "{\"channel\":\"binary:a\",\"b64data\":\"/w==\"}");
    harness_expect_part(h, 200, "\"offset\":2");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"binary:a\",\"limit\":-1}");
    harness_expect(h, 500, "Internal Server Error\n");
    harness_free(h);
}

static void the_same_idempotency_key_publishes_once(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (int i = 0; i < 2; i++) {
        harness_ask(h, API_ENGINE, "publish", ENGINE_KEY,
                    "{\"channel\":\"public:a\",\"data\":1,\"idempotencyKey\":\"k\"}");
        harness_expect_part(h, 200, "\"offset\":1,");
    }
    harness_free(h);
}

static void a_publication_may_fill_half_a_queue_and_no_more(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    char *body = test_malloc(2 * QUEUE_BYTES);
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        size_t data = QUEUE_BYTES / 2 - 1 + over; /* and one byte of channel name */
        int len = sprintf(body, "{\"channel\":\"a\",\"data\":\"");
        memset(body + len, 'x', data - 2);
        strcpy(body + len + data - 2, "\"}");
        harness_ask(h, API_ENGINE, "publish", ENGINE_KEY, body);
        harness_expect(h, 200, over ? BAD : OK);
    }
    test_free(body);
    harness_free(h);
}

static void tags_and_names_have_limits(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct buf body;
    buf_init(&body, BUF_NO_LIMIT);
    (void)state;
    for (int count = 64; count <= 65; count++) {
        buf_clear(&body);
        buf_append(&body, SLICE("{\"channel\":\"a\",\"data\":1,\"tags\":{"));
        for (int i = 0; i < count; i++) buf_printf(&body, "%s\"k%d\":\"v\"", i ? "," : "", i);
        buf_append(&body, SLICE("}}"));
        harness_ask_with(h, API_ENGINE, "publish", "POST", NULL, ENGINE_KEY, buf_slice(&body));
        assert_int_equal(h->call.status, count == 64 ? 200 : 400);
    }
    static const struct {
        const char *before, *after;
        int len_max;
    } rows[] = {
        { "{\"channel\":\"a\",\"data\":1,\"tags\":{\"", "\":\"\"}}", 256 },
        { "{\"channel\":\"a\",\"data\":1,\"tags\":{\"a\":\"", "\"}}", 4096 },
        { "{\"channel\":\"a\",\"data\":1,\"idempotency_key\":\"", "\"}", 256 },
        { "{\"channel\":\"a\",\"data\":1,\"version_epoch\":\"", "\"}", 256 },
        { "{\"data\":1,\"channel\":\"", "\"}", 4096 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int over = 0; over < 2; over++) {
            buf_clear(&body);
            buf_append(&body, slice_from_cstr(rows[i].before));
            for (int k = 0; k < rows[i].len_max + over; k++) buf_append_char(&body, 'y');
            buf_append(&body, slice_from_cstr(rows[i].after));
            harness_ask_with(h, API_ENGINE, "publish", "POST", NULL, ENGINE_KEY, buf_slice(&body));
            harness_expect(h, 200, over ? BAD : OK);
        }
    }
    buf_deinit(&body);
    harness_free(h);
}

static void a_body_over_the_limit_is_413(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    size_t len = api_body_max(API_ENGINE) + 1;
    char *body = test_malloc(len);
    (void)state;
    memset(body, ' ', len);
    harness_ask_with(h, API_ENGINE, "publish", "POST", NULL, ENGINE_KEY, slice_of(body, len));
    assert_int_equal(h->call.status, 413);
    harness_ask_with(h, API_ENGINE, "publish", "POST", NULL, ENGINE_KEY, slice_of(body, len - 1));
    assert_int_equal(h->call.status, 400);
    test_free(body);
    harness_free(h);
}

static void a_broker_that_fails_is_told(void **state)
{
    static const struct {
        const char *name, *body;
    } rows[] = {
        { "publish", "{\"channel\":\"public:a\",\"data\":1}" }, { "history", "{\"channel\":\"public:a\"}" },
        { "history_remove", "{\"channel\":\"public:a\"}" },     { "presence", "{\"channel\":\"public:a\"}" },
        { "presence_stats", "{\"channel\":\"public:a\"}" },
    };
    struct harness *h = harness_new(HARNESS_FAILING, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        h->fail_with = STATUS_OVERLOADED;
        harness_ask(h, API_ENGINE, rows[i].name, ENGINE_KEY, rows[i].body);
        harness_expect(h, 503, INTERNAL);
        h->fail_with = STATUS_IO;
        harness_ask(h, API_ENGINE, rows[i].name, ENGINE_KEY, rows[i].body);
        harness_expect(h, 200, INTERNAL);
    }
    h->fail_with = STATUS_OVERLOADED;
    harness_ask(h, API_ENGINE, "broadcast", ENGINE_KEY, "{\"channels\":[\"a\",\"b\"],\"data\":1}");
    harness_expect(h, 200, "{\"result\":{\"responses\":[" INTERNAL "," INTERNAL "]}}");
    harness_free(h);
}

static void info_tells_about_the_node(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    harness_ask(h, API_ENGINE, "publish", ENGINE_KEY, "{\"channel\":\"a\",\"data\":1}");
    harness_ask(h, API_ENGINE, "info", ENGINE_KEY, "{}");
    harness_expect_part(h, 200,
                        "{\"result\":{\"nodes\":[{\"uid\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\",\"name\":\"node_1\","
                        "\"version\":\"0.1.0\",\"num_clients\":0,\"num_users\":0,\"num_channels\":0,\"uptime\":10,"
                        "\"metrics\":{\"interval\":10,\"items\":{");
    harness_expect_part(h, 200, "\"centrifugo.node.messages_sent_count.type.publication\":1,");
    harness_expect_part(h, 200, "\"centrifugo.api.command_duration_seconds.count.method.publish.protocol.http\":1");
    harness_expect_part(h, 200, "}},\"num_subs\":0}]}}");
    assert_null(strstr(harness_body(h), "bucket"));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_key_opens_the_server_api),
        cmocka_unit_test(an_empty_configured_key_opens_nothing),
        cmocka_unit_test(insecure_mode_asks_for_no_key),
        cmocka_unit_test(only_post_is_allowed),
        cmocka_unit_test(an_unknown_method_is_404),
        cmocka_unit_test(a_body_that_is_no_json_object_is_a_bad_request_in_text),
        cmocka_unit_test(every_refusal_has_its_code),
        cmocka_unit_test(what_is_allowed_is_done),
        cmocka_unit_test(transport_mode_gives_the_status_and_a_bare_error),
        cmocka_unit_test(the_project_header_selects_the_space),
        cmocka_unit_test(an_unknown_or_archived_project_is_404),
        cmocka_unit_test(history_comes_back_in_order_from_any_side),
        cmocka_unit_test(a_null_takes_back_what_was_given_before_it),
        cmocka_unit_test(a_long_history_is_written_in_slices),
        cmocka_unit_test(history_of_a_binary_payload_is_500),
        cmocka_unit_test(the_same_idempotency_key_publishes_once),
        cmocka_unit_test(a_publication_may_fill_half_a_queue_and_no_more),
        cmocka_unit_test(tags_and_names_have_limits),
        cmocka_unit_test(a_body_over_the_limit_is_413),
        cmocka_unit_test(a_broker_that_fails_is_told),
        cmocka_unit_test(info_tells_about_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
