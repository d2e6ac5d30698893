#include "support/api_harness.h"

#include <stdio.h>

#include "base/mem.h"

/* The map methods of the engine's server API. What is expected was compared with a
 * Centrifugo 6.9.1, byte for byte but for epochs and times. */

struct row {
    const char *name, *body;
    int status;
    const char *answer;
};

#define OK          "{\"result\":{}}"
#define ERROR(c, m) "{\"error\":{\"code\":" #c ",\"message\":\"" m "\"}}"
#define BAD         ERROR(107, "bad request")
#define UNKNOWN     ERROR(102, "unknown channel")
#define INTERNAL    ERROR(100, "internal server error")
#define LOST        ERROR(112, "unrecoverable position")
#define BAD_TEXT    "Bad Request\n"

/* The body with E for each epoch and T for each time. */
static const char *masked(struct harness *h)
{
    static char text[1 << 16];
    size_t len = 0;
    for (const char *at = harness_body(h); *at && len < sizeof text - 1;) {
        static const char *const names[] = { "\"epoch\":\"", "\"time\":" };
        text[len++] = *at++;
        for (size_t i = 0; i < 2; i++) {
            size_t name = strlen(names[i]);
            if (len < name || memcmp(text + len - name, names[i], name) != 0) continue;
            at += strcspn(at, i ? ",}" : "\"");
            text[len++] = "ET"[i];
        }
    }
    text[len] = '\0';
    return text;
}

static void run_rows(struct harness *h, const char *headers, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        harness_ask(h, API_ENGINE, rows[i].name, headers, rows[i].body);
        if (h->call.status != rows[i].status || strcmp(masked(h), rows[i].answer) != 0)
            fail_msg("%s %s\ngot      %d %s\nexpected %d %s", rows[i].name, rows[i].body, h->call.status, masked(h),
                     rows[i].status, rows[i].answer);
    }
}

#define RUN_ROWS(h, rows) run_rows(h, ENGINE_KEY, rows, sizeof(rows) / sizeof *(rows))

static void every_map_method_refuses_alike(void **state)
{
    static const char *const names[] = { "map_publish",     "map_remove", "map_read_state",
                                         "map_read_stream", "map_stats",  "map_clear" };
    static const struct {
        const char *body;
        int status;
        const char *answer;
    } rows[] = {
        { "{}", 200, BAD },
        { "null", 200, BAD },
        { "{\"channel\":\"\",\"key\":\"k\"}", 200, BAD },
        { "{\"channel\":\"nobody:a\",\"key\":\"k\"}", 200, UNKNOWN },
        { "{\"channel\":\"public:a\",\"key\":\"k\"}", 200, BAD },
        { "{\"channel\":\"a\",\"key\":\"k\"}", 200, BAD },
        { "{\"channel\":7}", 400, BAD_TEXT },
        { "", 400, BAD_TEXT },
        { "[]", 400, BAD_TEXT },
    };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (size_t m = 0; m < sizeof names / sizeof *names; m++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            harness_ask(h, API_ENGINE, names[m], ENGINE_KEY, rows[i].body);
            harness_expect(h, rows[i].status, rows[i].answer);
        }
    harness_free(h);
}

static void members_of_a_wrong_type_or_value_are_refused(void **state)
{
    static const struct row rows[] = {
        { "map_publish", "{\"channel\":\"map:a\"}", 200, BAD },
        { "map_publish", "{\"channel\":\"map:a\",\"key\":\"\"}", 200, BAD },
        { "map_publish", "{\"channel\":\"map:a\",\"key\":7}", 400, BAD_TEXT },
        { "map_publish", "{\"channel\":\"map:a\",\"key\":\"k\",\"key_mode\":\"other\"}", 200, BAD },
        { "map_publish", "{\"channel\":\"map:a\",\"key\":\"k\",\"key_mode\":1}", 400, BAD_TEXT },
        { "map_publish", "{\"channel\":\"map:a\",\"key\":\"k\",\"b64data\":\"!\"}", 200, BAD },
        { "map_publish", "{\"channel\":\"map:a\",\"key\":\"k\",\"tags\":{\"a\":1}}", 400, BAD_TEXT },
        { "map_publish", "{\"channel\":\"map:a\",\"key\":\"k\",\"score\":\"x\"}", 400, BAD_TEXT },
        { "map_publish", "{\"channel\":\"map:a\",\"key\":\"k\",\"b64stream_data\":1}", 400, BAD_TEXT },
        { "map_publish", "{\"channel\":\"map:a\",\"key\":\"k\",\"version\":-1}", 400, BAD_TEXT },
        { "map_publish", "{\"channel\":\"eph:a\",\"key\":\"k\",\"version\":1}", 200, INTERNAL },
        { "map_remove", "{\"channel\":\"map:a\"}", 200, BAD },
        { "map_read_state", "{\"channel\":\"map:a\",\"limit\":\"x\"}", 400, BAD_TEXT },
        { "map_read_state", "{\"channel\":\"map:a\",\"asc\":1}", 400, BAD_TEXT },
        { "map_read_state", "{\"channel\":\"map:a\",\"revision_epoch\":\"x\"}", 200, LOST },
        { "map_read_stream", "{\"channel\":\"map:a\",\"since_epoch\":\"x\"}", 200, LOST },
        { "map_read_stream", "{\"channel\":\"map:a\",\"since_epoch\":\"longer than any epoch\"}", 200, LOST },
        { "map_stats", "{\"channel\":\"map:a\"}", 200, OK },
    };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    RUN_ROWS(h, rows);
    harness_free(h);
}

#define AT(n) "{\"result\":{\"offset\":" #n ",\"epoch\":\"E\"}}"
#define NOT_AT(n, why)                                                                                                 \
    "{\"result\":{\"offset\":" #n ",\"epoch\":\"E\",\"suppressed\":true,\"suppress_reason\":\"" why "\"}}"
#define IN_MAP(members) "{\"channel\":\"map:a\"" members "}"
#define KEY(k, members) IN_MAP(",\"key\":\"" k "\"" members)

static const struct row conversation[] = {
    { "map_remove", KEY("a", ""), 200, "{\"result\":{\"suppressed\":true,\"suppress_reason\":\"key_not_found\"}}" },
    { "map_read_state", IN_MAP(",\"limit\":5"), 200, "{\"result\":{\"epoch\":\"E\"}}" },
    { "map_read_stream", IN_MAP(",\"limit\":5"), 200, "{\"result\":{\"epoch\":\"E\"}}" },
    { "map_publish", KEY("b", ",\"data\":{\"v\":1},\"tags\":{\"t\":\"1\"}"), 200, AT(1) },
    { "map_publish", KEY("a", ",\"b64data\":\"eyJ2IjoyfQ==\",\"data\":9"), 200, AT(2) },
    { "map_publish", KEY("none", ""), 200, AT(3) },
    { "map_publish", KEY("a", ",\"data\":3,\"key_mode\":\"if_new\""), 200, NOT_AT(3, "key_exists") },
    { "map_publish", KEY("z", ",\"data\":3,\"key_mode\":\"if_exists\""), 200, NOT_AT(3, "key_not_found") },
    { "map_publish", KEY("a", ",\"data\":null,\"keyMode\":\"if_exists\",\"score\":7,\"stream_data\":[1]"), 200, AT(4) },
    { "map_publish", KEY("a", ",\"data\":5,\"idempotency_key\":\"i\""), 200, AT(5) },
    { "map_publish", KEY("a", ",\"data\":6,\"idempotency_key\":\"i\""), 200, NOT_AT(5, "idempotency") },
    { "map_remove", KEY("a", ",\"idempotency_key\":\"i\""), 200, NOT_AT(5, "idempotency") },
    { "map_publish", KEY("v", ",\"data\":1,\"version\":5,\"version_epoch\":\"e\""), 200, AT(6) },
    { "map_publish", KEY("v", ",\"data\":1,\"version\":5"), 200, NOT_AT(6, "version") },
    { "map_stats", IN_MAP(""), 200, "{\"result\":{\"num_keys\":4}}" },
    { "map_read_state", IN_MAP(""), 200, AT(6) },
    { "map_read_state", IN_MAP(",\"limit\":2"), 200,
      "{\"result\":{\"entries\":[{\"key\":\"a\",\"data\":5,\"offset\":5,\"time\":T},{\"key\":\"b\",\"data\":{\"v\":1},"
      "\"tags\":{\"t\":\"1\"},\"offset\":1,\"time\":T}],\"offset\":6,\"epoch\":\"E\",\"cursor\":\"b\"}}" },
    { "map_read_state", IN_MAP(",\"limit\":-3,\"cursor\":\"b\",\"asc\":true"), 200,
      "{\"result\":{\"entries\":[{\"key\":\"none\",\"offset\":3,\"time\":T},{\"key\":\"v\",\"data\":1,\"offset\":6,"
      "\"time\":T}],\"offset\":6,\"epoch\":\"E\"}}" },
    { "map_read_state", KEY("v", ",\"cursor\":\"zz\""), 200,
      "{\"result\":{\"entries\":[{\"key\":\"v\",\"data\":1,\"offset\":6,\"time\":T}],\"offset\":6,\"epoch\":\"E\"}}" },
    { "map_read_state", KEY("w", ""), 200, AT(6) },
    { "map_read_state", IN_MAP(",\"limit\":1,\"revision_offset\":6"), 200, LOST },
    { "map_remove", KEY("b", ""), 200, AT(7) },
    { "map_remove", KEY("b", ""), 200, NOT_AT(7, "key_not_found") },
    { "map_read_stream", IN_MAP(""), 200, AT(7) },
    { "map_read_stream", IN_MAP(",\"limit\":2,\"reverse\":true"), 200,
      "{\"result\":{\"entries\":[{\"key\":\"b\",\"tags\":{\"t\":\"1\"},\"offset\":7,\"removed\":true,\"time\":T},"
      "{\"key\":\"v\",\"data\":1,\"offset\":6,\"time\":T}],\"offset\":7,\"epoch\":\"E\"}}" },
    { "map_read_stream", IN_MAP(",\"limit\":1,\"since_offset\":5"), 200,
      "{\"result\":{\"entries\":[{\"key\":\"v\",\"data\":1,\"offset\":6,\"time\":T}],\"offset\":7,\"epoch\":\"E\"}}" },
    { "map_read_stream", IN_MAP(",\"limit\":-1,\"since_offset\":99"), 200, AT(7) },
    { "map_clear", IN_MAP(""), 200, OK },
    { "map_stats", IN_MAP(""), 200, OK },
    { "map_read_state", IN_MAP(",\"limit\":-1"), 200, "{\"result\":{\"epoch\":\"E\"}}" },
    { "map_publish", KEY("a", ",\"data\":1,\"idempotency_key\":\"i\""), 200, AT(1) },
    { "map_publish", "{\"channel\":\"eph:a\",\"key\":\"<a&\\\"\",\"data\":1}", 200, "{\"result\":{\"epoch\":\"E\"}}" },
    { "map_read_state", "{\"channel\":\"eph:a\",\"limit\":9}", 200,
      "{\"result\":{\"entries\":[{\"key\":\"\\u003ca\\u0026\\\"\",\"data\":1,\"time\":T}],\"epoch\":\"E\"}}" },
    { "map_publish", "{\"channel\":\"eph:b\",\"key\":\"k\",\"b64data\":\"AAEC\"}", 200,
      "{\"result\":{\"epoch\":\"E\"}}" },
    { "map_read_state", "{\"channel\":\"eph:b\",\"limit\":9}", 500, "Internal Server Error\n" },
    { "map_read_stream", "{\"channel\":\"eph:b\",\"limit\":9}", 200, "{\"result\":{\"epoch\":\"E\"}}" },
};

static void a_map_is_written_read_and_cleared(void **state)
{
    (void)state;
    for (int delayed = 0; delayed < 2; delayed++) {
        struct harness *h = harness_new(delayed ? HARNESS_DELAYED : HARNESS_MEMORY, NULL);
        RUN_ROWS(h, conversation);
        harness_free(h);
    }
}

static void one_epoch_stays_and_a_clear_begins_another(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    char first[32], body[256];
    (void)state;
    harness_ask(h, API_ENGINE, "map_publish", ENGINE_KEY, KEY("a", ",\"data\":1"));
    const char *at = strstr(harness_body(h), "\"epoch\":\"") + strlen("\"epoch\":\"");
    (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(at, "\""), at);
    (void)snprintf(body, sizeof body, IN_MAP(",\"limit\":1,\"revision_offset\":1,\"revision_epoch\":\"%s\""), first);
    harness_ask(h, API_ENGINE, "map_read_state", ENGINE_KEY, body);
    harness_expect_part(h, 200, "\"entries\":[{\"key\":\"a\"");
    harness_ask(h, API_ENGINE, "map_clear", ENGINE_KEY, IN_MAP(""));
    harness_ask(h, API_ENGINE, "map_read_state", ENGINE_KEY, body);
    harness_expect(h, 200, LOST);
    harness_free(h);
}

#define COMMAND(name, params)      "{\"" name "\":" params "}"
#define LEGACY(id, method, params) "{\"id\":" #id ",\"method\":" method ",\"params\":" params "}"
#define ENTRY_K                    "\"entries\":[{\"key\":\"k\",\"data\":1,\"offset\":1,\"time\":T}],"
#define PLACE(n)                   "\"offset\":" #n ",\"epoch\":\"E\""

/* clang-format off */

static const char batch_of_maps[] =
    "{\"commands\":["
    COMMAND("map_publish", KEY("k", ",\"data\":1")) ","
    COMMAND("map_publish", KEY("k", ",\"key_mode\":\"if_new\"")) ","
    COMMAND("map_read_state", IN_MAP(",\"limit\":1")) ","
    COMMAND("map_read_stream", IN_MAP(",\"limit\":1")) ","
    COMMAND("map_stats", IN_MAP("")) ","
    COMMAND("map_remove", KEY("k", "")) ","
    COMMAND("map_clear", IN_MAP("")) ","
    COMMAND("map_clear", "{}") ","
    "{\"map_clear\":" IN_MAP("") ",\"map_stats\":" IN_MAP("") "}]}";

static const char replies_of_maps[] =
    "{\"replies\":["
    COMMAND("map_publish", "{" PLACE(1) "}") ","
    COMMAND("map_publish", "{" PLACE(1) ",\"suppressed\":true,\"suppress_reason\":\"key_exists\"}") ","
    COMMAND("map_read_state", "{" ENTRY_K PLACE(1) "}") ","
    COMMAND("map_read_stream", "{" ENTRY_K PLACE(1) "}") ","
    COMMAND("map_stats", "{\"num_keys\":1}") ","
    COMMAND("map_remove", "{" PLACE(2) "}") ","
    COMMAND("map_clear", "{}") "," BAD "," COMMAND("map_stats", "{}") "]}";

/* clang-format on */

static void a_batch_and_the_legacy_form_take_map_methods_too(void **state)
{
    static const struct row rows[] = {
        { "batch", batch_of_maps, 200, replies_of_maps },
        { "",
          LEGACY(1, "\"MAP_publish\"", KEY("k", ",\"data\":1")) LEGACY(2, "37", IN_MAP("")) "\n" LEGACY(3, "32", "{}"),
          200,
          "{\"id\":1,\"result\":{" PLACE(1) "}}\n{\"id\":2,\"result\":{\"num_keys\":1}}\n"
                                            "{\"id\":3,\"error\":{\"code\":104,\"message\":\"not found\"}}" },
    };
    (void)state;
    for (int delayed = 0; delayed < 2; delayed++) {
        struct harness *h = harness_new(delayed ? HARNESS_DELAYED : HARNESS_MEMORY, NULL);
        RUN_ROWS(h, rows);
        harness_free(h);
    }
}

static void maps_of_two_projects_never_meet(void **state)
{
    static const struct row own[] = {
        { "map_publish", KEY("k", ",\"data\":1,\"idempotency_key\":\"i\""), 200, AT(1) },
        { "map_stats", IN_MAP(""), 200, "{\"result\":{\"num_keys\":1}}" },
    };
    static const struct row still[] = { { "map_stats", IN_MAP(""), 200, "{\"result\":{\"num_keys\":1}}" } };
    static const char shop[] = ENGINE_KEY "X-Xshathra-Project: " SHOP_ID "\n";
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    RUN_ROWS(h, own);
    run_rows(h, shop, own, 2);
    harness_ask(h, API_ENGINE, "map_clear", shop, IN_MAP(""));
    RUN_ROWS(h, still);
    harness_free(h);
}

static void a_long_state_is_written_in_slices(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    char body[128];
    (void)state;
    for (int i = 0; i < 600; i++) {
        (void)snprintf(body, sizeof body, "{\"channel\":\"map:a\",\"key\":\"%03d\",\"data\":1}", i);
        harness_ask(h, API_ENGINE, "map_publish", ENGINE_KEY, body);
    }
    static const char *const names[] = { "map_read_state", "map_read_stream" };
    for (int i = 0; i < 2; i++) {
        harness_ask(h, API_ENGINE, names[i], ENGINE_KEY, IN_MAP(",\"limit\":-1"));
        assert_int_equal(h->again_count, 2);
        harness_expect_part(h, 200, "{\"key\":\"256\",\"data\":1,\"offset\":257,\"time\":");
        harness_expect_part(h, 200, "}],\"offset\":600,\"epoch\":");
        /* dropped in the middle, and begun again: nothing leaks */
        harness_begin(h, API_ENGINE, names[i], ENGINE_KEY, IN_MAP(",\"limit\":-1"));
        assert_int_equal(h->outcome, API_AGAIN);
        harness_ask(h, API_ENGINE, names[i], ENGINE_KEY, IN_MAP(",\"limit\":1"));
        harness_expect_part(h, 200, "\"offset\":600,");
    }
    harness_begin(h, API_ENGINE, "map_read_state", ENGINE_KEY, IN_MAP(",\"limit\":-1"));
    harness_free(h);
}

static void keys_names_and_values_have_limits(void **state)
{
    static const struct {
        const char *member;
        size_t len_max;
    } limits[] = {
        { "key", 65535 > QUEUE_BYTES / 2 ? QUEUE_BYTES / 2 - 5 : 65535 },
        { "idempotency_key", 256 },
        { "version_epoch", 256 },
    };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    char *body = test_malloc(2 * QUEUE_BYTES), *value = test_malloc(2 * QUEUE_BYTES);
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        for (size_t over = 0; over < 2; over++) {
            memset(value, 'x', limits[i].len_max + over);
            value[limits[i].len_max + over] = '\0';
            (void)sprintf(body, "{\"channel\":\"map:a\",%s\"%s\":\"%s\"}", i ? "\"key\":\"k\"," : "", limits[i].member,
                          value);
            harness_ask(h, API_ENGINE, "map_publish", ENGINE_KEY, body);
            harness_expect_part(h, 200, over ? BAD : "\"offset\":");
        }
    test_free(body);
    test_free(value);
    harness_free(h);
}

static void a_map_broker_that_fails_is_told_with_its_code(void **state)
{
    static const char *const names[] = { "map_publish",     "map_remove", "map_read_state",
                                         "map_read_stream", "map_stats",  "map_clear" };
    static const struct {
        enum status status;
        int http;
        const char *answer;
    } rows[] = {
        { STATUS_NO_MEMORY, 200, INTERNAL },
        { STATUS_TOO_LARGE, 200, INTERNAL },
        { STATUS_OVERLOADED, 503, INTERNAL },
        { STATUS_NOT_FOUND, 200, LOST },
    };
    struct harness *h = harness_new(HARNESS_FAILING, NULL);
    (void)state;
    for (size_t m = 0; m < sizeof names / sizeof *names; m++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            h->fail_with = rows[i].status;
            harness_ask(h, API_ENGINE, names[m], ENGINE_KEY, KEY("k", ""));
            harness_expect(h, rows[i].http, rows[i].answer);
        }
    harness_free(h);
}

static void what_was_asked_is_counted(void **state)
{
    static const struct {
        unsigned slot;
        uint64_t count;
    } counted[] = {
        { METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_PUBLISH), 13 },
        { METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_REMOVE), 4 },
        { METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_CLEAR), 1 },
        { METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_MAP_STATS), 2 },
        { METRIC_AT1(NODE_MESSAGES_SENT, METRIC_MESSAGE_MAP_PUBLICATION), 13 },
        { METRIC_AT1(NODE_MESSAGES_SENT, METRIC_MESSAGE_MAP_REMOVAL), 4 },
    };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    RUN_ROWS(h, conversation);
    const struct metrics *const sets[] = { h->shared.metrics[0], h->shared.metrics[1] };
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        assert_int_equal(metrics_sum(sets, 2, counted[i].slot), counted[i].count);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_map_method_refuses_alike),
        cmocka_unit_test(members_of_a_wrong_type_or_value_are_refused),
        cmocka_unit_test(a_map_is_written_read_and_cleared),
        cmocka_unit_test(one_epoch_stays_and_a_clear_begins_another),
        cmocka_unit_test(a_batch_and_the_legacy_form_take_map_methods_too),
        cmocka_unit_test(maps_of_two_projects_never_meet),
        cmocka_unit_test(a_long_state_is_written_in_slices),
        cmocka_unit_test(keys_names_and_values_have_limits),
        cmocka_unit_test(a_map_broker_that_fails_is_told_with_its_code),
        cmocka_unit_test(what_was_asked_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
