#include "support/api_harness.h"

#include <stdio.h>

#include "api/api_many.h"
#include "base/mem.h"

/* Many commands in one request: the batch and the legacy form at /api itself. What is
 * expected was compared with a Centrifugo 6.9.1, byte for byte. */

struct row {
    const char *body;
    int status;
    const char *answer;
};

static void run_rows(struct harness *h, const char *name, const char *headers, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        harness_ask(h, API_ENGINE, name, headers, rows[i].body);
        harness_expect(h, rows[i].status, rows[i].answer);
        bool is_json = rows[i].status == 200;
        assert_true(
            slice_eq(h->call.content_type, is_json ? SLICE("application/json") : SLICE("text/plain; charset=utf-8")));
    }
}

#define RUN_ROWS(h, name, headers, rows) run_rows(h, name, headers, rows, sizeof(rows) / sizeof *(rows))

#define ERROR(c, m) "{\"error\":{\"code\":" #c ",\"message\":\"" m "\"}}"
#define BAD         ERROR(107, "bad request")
#define UNKNOWN     ERROR(102, "unknown channel")
#define NOT_FOUND   ERROR(104, "not found")
#define REPLIES(x)  "{\"replies\":[" x "]}"
#define BAD_TEXT    "Bad Request\n"
#define PUBLISH_A   "{\"publish\":{\"channel\":\"a\",\"data\":1}}"
#define PRESENCE_A  "{\"presence\":{\"channel\":\"a\"}}"
#define NOBODY_HERE "{\"presence\":{\"presence\":{}}}"
#define NO_STATS    "{\"presence_stats\":{\"num_clients\":0,\"num_users\":0}}"
#define TRANSPORT   ENGINE_KEY "X-Centrifugo-Error-Mode: transport\n"

static const struct row batch_rows[] = {
    { "{}", 200, "{}" },
    { "null", 200, "{}" },
    { "{\"commands\":null}", 200, "{}" },
    { "{\"commands\":[]}", 200, "{}" },
    { "{\"commands\":[" PRESENCE_A "],\"commands\":null}", 200, "{}" },
    { "", 400, BAD_TEXT },
    { " ", 400, BAD_TEXT },
    { "[]", 400, BAD_TEXT },
    { "{}x", 400, BAD_TEXT },
    { "{\"commands\":{}}", 400, BAD_TEXT },
    { "{\"commands\":5}", 400, BAD_TEXT },
    { "{\"commands\":[5]}", 400, BAD_TEXT },
    { "{\"commands\":[\"x\"]}", 400, BAD_TEXT },
    { "{\"commands\":[[]]}", 400, BAD_TEXT },
    { "{\"commands\":[" PUBLISH_A ",]}", 400, BAD_TEXT },
    { "{\"commands\":[" PUBLISH_A "}", 400, BAD_TEXT },
    { "{\"commands\":[{\"publish\":5}]}", 400, BAD_TEXT },
    { "{\"commands\":[{\"publish\":[]}]}", 400, BAD_TEXT },
    { "{\"commands\":[{\"info\":[]}]}", 400, BAD_TEXT },
    { "{\"commands\":[{\"publish\":{\"channel\":5}}]}", 400, BAD_TEXT },
    { "{\"commands\":[" PRESENCE_A "],\"parallel\":1}", 400, BAD_TEXT },
    { "{\"commands\":[" PRESENCE_A "],\"parallel\":\"true\"}", 400, BAD_TEXT },
    { "{\"commands\":[null]}", 200, REPLIES(BAD) },
    { "{\"commands\":[{}]}", 200, REPLIES(NOT_FOUND) },
    { "{\"commands\":[{\"nope\":{}}]}", 200, REPLIES(NOT_FOUND) },
    { "{\"commands\":[{\"publish\":null}]}", 200, REPLIES(NOT_FOUND) },
    { "{\"commands\":[{\"block_user\":{\"user\":\"a\"}}]}", 200, REPLIES(NOT_FOUND) },
    { "{\"commands\":[{\"batch\":{\"commands\":[]}}]}", 200, REPLIES(NOT_FOUND) },
    { "{\"commands\":[{\"id\":7,\"method\":\"publish\",\"params\":{\"channel\":\"a\",\"data\":1}}]}", 200,
      REPLIES(NOT_FOUND) },
    { "{\"commands\":[{\"publish\":{}}]}", 200, REPLIES(BAD) },
    { "{\"commands\":[{\"id\":7,\"publish\":{\"channel\":\"a\",\"data\":1}}]}", 200, REPLIES("{\"publish\":{}}") },
    { "{\"commands\":[{\"rpc\":{\"method\":\"x\"}},{\"rpc\":{}}]}", 200, REPLIES(NOT_FOUND "," BAD) },
    { "{\"commands\":[" PUBLISH_A "," PRESENCE_A ",{\"presence_stats\":{\"channel\":\"a\"}},{\"channels\":{}},"
      "{\"history_remove\":{\"channel\":\"public:a\"}},{\"broadcast\":{\"channels\":[\"a\",\"nobody:a\"],\"data\":1}},"
      "{\"subscribe\":{\"user\":\"q\",\"channel\":\"a\"}},{\"unsubscribe\":{\"user\":\"q\",\"channel\":\"a\"}},"
      "{\"disconnect\":{\"user\":\"q\"}},{\"refresh\":{\"user\":\"q\"}},null,"
      "{\"publish\":{\"channel\":\"nobody:1\",\"data\":1}},{\"history\":{\"channel\":\"a\"}}]}",
      200,
      REPLIES("{\"publish\":{}}," NOBODY_HERE "," NO_STATS ",{\"channels\":{\"channels\":{}}},{\"history_remove\":{}},"
              "{\"broadcast\":{\"responses\":[{\"result\":{}}," UNKNOWN "]}},{\"subscribe\":{}},{\"unsubscribe\":{}},"
              "{\"disconnect\":{}},{\"refresh\":{}}," BAD "," UNKNOWN "," ERROR(108, "not available")) },
    { "{\"commands\":[" PRESENCE_A ",{\"publish\":{\"channel\":\"nobody:a\",\"data\":2}},null,{}],\"parallel\":true}",
      200, REPLIES(NOBODY_HERE "," UNKNOWN "," BAD "," NOT_FOUND) },
    { "{\"commands\":[" PRESENCE_A "],\"parallel\":null}", 200, REPLIES(NOBODY_HERE) },
    /* of several, the first in the order of API_METHOD_LIST; null takes one away, repeated ones merge */
    { "{\"commands\":[{\"presence\":{\"channel\":\"a\"},\"publish\":{\"channel\":\"nobody:a\",\"data\":1}}]}", 200,
      REPLIES(UNKNOWN) },
    { "{\"commands\":[{\"presence\":{\"channel\":\"a\"},\"history\":{\"channel\":\"a\"}}]}", 200,
      REPLIES(ERROR(108, "not available")) },
    { "{\"commands\":[{\"channels\":{},\"rpc\":{\"method\":\"q\"}}]}", 200, REPLIES(NOT_FOUND) },
    { "{\"commands\":[{\"presence\":{\"channel\":\"a\"},\"publish\":null}]}", 200, REPLIES(NOBODY_HERE) },
    { "{\"commands\":[{\"publish\":{\"channel\":\"a\"},\"publish\":{\"data\":1}}]}", 200, REPLIES("{\"publish\":{}}") },
    { "{\"commands\":[{\"publish\":{\"channel\":\"a\",\"data\":1},\"publish\":null}]}", 200, REPLIES(NOT_FOUND) },
    { "{\"COMMANDS\":[{\"PRESENCE_STATS\":{\"channel\":\"a\"}}],\"Parallel\":true}", 200, REPLIES(NO_STATS) },
    { "{\"commands\":[{\"presenceStats\":{\"channel\":\"a\"}}]}", 200, REPLIES(NOT_FOUND) },
    { "{\"commands\":[{\"\\u0070resence\":{\"channel\":\"a\"}}]}", 200, REPLIES(NOBODY_HERE) },
};

static void a_batch_answers_each_command_in_its_place(void **state)
{
    (void)state;
    for (int delayed = 0; delayed < 2; delayed++) {
        struct harness *h = harness_new(delayed ? HARNESS_DELAYED : HARNESS_MEMORY, NULL);
        RUN_ROWS(h, "batch", ENGINE_KEY, batch_rows);
        RUN_ROWS(h, "batch", TRANSPORT, batch_rows); /* which makes no difference here */
        harness_free(h);
    }
}

#define LEGACY(id, method, params) "{\"id\":" #id ",\"method\":" method ",\"params\":" params "}"
#define WHO(id)                    LEGACY(id, "\"presence\"", "{\"channel\":\"a\"}")
#define WHO_ANSWER(id)             "{\"id\":" #id ",\"result\":{\"presence\":{}}}"
#define ID_ERROR(id, c, m)         "{\"id\":" #id ",\"error\":{\"code\":" #c ",\"message\":\"" m "\"}}"
#define ID_BAD(id)                 ID_ERROR(id, 107, "bad request")
#define ID_UNKNOWN(id)             ID_ERROR(id, 104, "not found")

static const struct row legacy_rows[] = {
    { "", 400, BAD_TEXT },
    { " ", 200, "" },
    { "\n", 200, "" },
    { "{}", 200, BAD },
    { "null", 200, BAD },
    { "null\nnull", 200, BAD "\n" BAD },
    { "5", 400, BAD_TEXT },
    { "[]", 400, BAD_TEXT },
    { "\"x\"", 400, BAD_TEXT },
    { "{", 400, BAD_TEXT },
    { "x", 400, BAD_TEXT },
    { "\xef\xbb\xbf{\"id\":1}", 400, BAD_TEXT },
    /* the method's name in any letter case, or its number */
    { LEGACY(1, "\"publish\"", "{\"channel\":\"a\",\"data\":1}"), 200, "{\"id\":1,\"result\":{}}" },
    { LEGACY(1, "\"PUBLISH\"", "{\"channel\":\"a\",\"data\":1}"), 200, "{\"id\":1,\"result\":{}}" },
    { LEGACY(1, "0", "{\"channel\":\"a\",\"data\":1}"), 200, "{\"id\":1,\"result\":{}}" },
    { LEGACY(1, "4", "{\"channel\":\"a\"}"), 200, WHO_ANSWER(1) },
    { LEGACY(1, "12", "{\"user\":\"q\"}"), 200, "{\"id\":1,\"result\":{}}" },
    { "{\"id\":1,\"params\":{\"channel\":\"a\",\"data\":1}}", 200, "{\"id\":1,\"result\":{}}" },
    { LEGACY(1, "13", "{}"), 200, ID_UNKNOWN(1) },
    { LEGACY(1, "-1", "{}"), 200, ID_UNKNOWN(1) },
    { LEGACY(1, "99", "{}"), 200, ID_UNKNOWN(1) },
    { LEGACY(1, "\"block_user\"", "{}"), 200, ID_UNKNOWN(1) },
    { "{\"id\":1,\"method\":\"Connections\"}", 200, ID_UNKNOWN(1) },
    { LEGACY(1, "\"4\"", "{\"channel\":\"a\"}"), 400, BAD_TEXT },
    { LEGACY(1, "4.0", "{\"channel\":\"a\"}"), 400, BAD_TEXT },
    { LEGACY(1, "4e0", "{\"channel\":\"a\"}"), 400, BAD_TEXT },
    { LEGACY(1, "null", "{}"), 400, BAD_TEXT },
    { LEGACY(1, "\"\"", "{}"), 400, BAD_TEXT },
    { LEGACY(1, "\"nope\"", "{}"), 400, BAD_TEXT },
    { LEGACY(1, "\"batch\"", "{}"), 400, BAD_TEXT },
    { LEGACY(1, "\"pre\\u0073ence\"", "{\"channel\":\"a\"}"), 400, BAD_TEXT },
    { LEGACY(1, "true", "{}"), 400, BAD_TEXT },
    { LEGACY(1, "{}", "{}"), 400, BAD_TEXT },
    { LEGACY(1, "99999999999999999999", "{}"), 400, BAD_TEXT },
    /* one answer a line, whatever stood between the commands */
    { WHO(1) "\n" WHO(2), 200, WHO_ANSWER(1) "\n" WHO_ANSWER(2) },
    { WHO(1) " " WHO(2), 200, WHO_ANSWER(1) "\n" WHO_ANSWER(2) },
    { WHO(1) WHO(2) "\n\n", 200, WHO_ANSWER(1) "\n" WHO_ANSWER(2) },
    { WHO(1) "\r\n\t" WHO(2) "\r\n", 200, WHO_ANSWER(1) "\n" WHO_ANSWER(2) },
    { WHO(1) "," WHO(2), 400, BAD_TEXT },
    { WHO(1) "\n{", 400, BAD_TEXT },
    /* ids */
    { WHO(0), 200, "{\"result\":{\"presence\":{}}}" },
    { WHO(null), 200, "{\"result\":{\"presence\":{}}}" },
    { WHO(4294967295), 200, WHO_ANSWER(4294967295) },
    { WHO(4294967296), 400, BAD_TEXT },
    { WHO(-1), 400, BAD_TEXT },
    { WHO(1.0), 400, BAD_TEXT },
    { WHO("1"), 400, BAD_TEXT },
    { "{\"ID\":1,\"METHOD\":\"presence\",\"Params\":{\"channel\":\"a\"},\"x\":1}", 200, WHO_ANSWER(1) },
    { "{\"id\":1,\"id\":2,\"method\":\"publish\",\"method\":\"presence\",\"params\":5,\"params\":{\"channel\":\"a\"}}",
      200, WHO_ANSWER(2) },
    /* parameters that cannot be read are the command's own error */
    { "{\"id\":1,\"method\":\"presence\"}", 200, ID_BAD(1) },
    { LEGACY(1, "\"presence\"", "null"), 200, ID_BAD(1) },
    { LEGACY(1, "\"presence\"", "{}"), 200, ID_BAD(1) },
    { LEGACY(1, "\"presence\"", "5"), 200, ID_BAD(1) },
    { LEGACY(1, "\"presence\"", "[]"), 200, ID_BAD(1) },
    { LEGACY(1, "\"presence\"", "{\"channel\":5}"), 200, ID_BAD(1) },
    { LEGACY(1, "\"presence\"", "\"{}\""), 200, ID_BAD(1) },
    { LEGACY(1, "\"unsubscribe\"", "null"), 200, "{\"id\":1,\"result\":{}}" },
    { "{\"id\":1,\"method\":\"unsubscribe\"}", 200, ID_BAD(1) },
    { "{\"method\":\"rpc\",\"params\":{}}", 200, BAD },
    { LEGACY(3, "\"publish\"", "{\"channel\":\"nobody:a\",\"data\":1}"), 200, ID_ERROR(3, 102, "unknown channel") },
    { LEGACY(4, "\"broadcast\"", "{\"channels\":[\"a\",\"nobody:b\"],\"data\":1}")
          LEGACY(5, "\"disconnect\"", "{\"user\":\"q\"}") LEGACY(8, "\"rpc\"", "{\"method\":\"x\"}"),
      200,
      "{\"id\":4,\"result\":{\"responses\":[{\"result\":{}}," UNKNOWN "]}}\n{\"id\":5,\"result\":{}}\n" ID_UNKNOWN(8) },
};

static void the_legacy_form_answers_each_command_on_a_line(void **state)
{
    (void)state;
    for (int delayed = 0; delayed < 2; delayed++) {
        struct harness *h = harness_new(delayed ? HARNESS_DELAYED : HARNESS_MEMORY, NULL);
        RUN_ROWS(h, "", ENGINE_KEY, legacy_rows);
        RUN_ROWS(h, "", TRANSPORT, legacy_rows);
        harness_free(h);
    }
}

static void info_of_the_legacy_form_does_not_look_at_its_parameters(void **state)
{
    static const char *const bodies[] = { "{\"id\":1,\"method\":\"info\"}", LEGACY(1, "9", "5"),
                                          LEGACY(1, "\"info\"", "{}") };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        harness_ask(h, API_ENGINE, "", ENGINE_KEY, bodies[i]);
        harness_expect_part(h, 200, "{\"id\":1,\"result\":{\"nodes\":[{\"uid\":\"");
    }
    harness_ask(h, API_ENGINE, "batch", ENGINE_KEY, "{\"commands\":[{\"INFO\":{\"x\":1}}]}");
    harness_expect_part(h, 200, "{\"replies\":[{\"info\":{\"nodes\":[{\"uid\":\"");
    harness_free(h);
}

static void commands_take_effect_in_their_order(void **state)
{
    static const char body[] = "{\"parallel\":true,\"commands\":[{\"publish\":{\"channel\":\"public:a\",\"data\":1}},"
                               "{\"publish\":{\"channel\":\"public:a\",\"b64data\":\"Mg==\"}},"
                               "{\"broadcast\":{\"channels\":[\"public:a\",\"public:a\"],\"data\":\"\\u0033\"}},"
                               "{\"history\":{\"channel\":\"public:a\",\"limit\":-1}}]}";
    (void)state;
    for (int delayed = 0; delayed < 2; delayed++) {
        struct harness *h = harness_new(delayed ? HARNESS_DELAYED : HARNESS_MEMORY, NULL);
        harness_ask(h, API_ENGINE, "batch", ENGINE_KEY, body);
        harness_expect_part(h, 200, "{\"replies\":[{\"publish\":{\"offset\":1,\"epoch\":\"");
        harness_expect_part(h, 200, "\"}},{\"publish\":{\"offset\":2,\"epoch\":\"");
        harness_expect_part(h, 200, "\"}},{\"broadcast\":{\"responses\":[{\"result\":{\"offset\":3,");
        harness_expect_part(h, 200,
                            "]}},{\"history\":{\"publications\":[{\"data\":1,\"offset\":1},{\"data\":2,\"offset\":2},"
                            "{\"data\":\"\\u0033\",\"offset\":3},{\"data\":\"\\u0033\",\"offset\":4}],\"epoch\":\"");
        harness_expect_part(h, 200, "\",\"offset\":4}}]}");
        assert_int_equal(h->pending_count, delayed ? 5 : 0);
        harness_free(h);
    }
}

static void nothing_is_run_when_one_command_cannot_be_read(void **state)
{
    static const struct {
        const char *name, *body;
    } rows[] = {
        { "batch", "{\"commands\":[{\"publish\":{\"channel\":\"public:a\",\"data\":1}},{\"publish\":5}]}" },
        { "batch",
          "{\"commands\":[{\"publish\":{\"channel\":\"public:a\",\"data\":1}},{\"history\":{\"limit\":1.5}}]}" },
        { "", LEGACY(1, "0", "{\"channel\":\"public:a\",\"data\":1}") LEGACY(2, "\"nope\"", "{}") },
        { "", LEGACY(1, "0", "{\"channel\":\"public:a\",\"data\":1}") "}" },
    };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        harness_ask(h, API_ENGINE, rows[i].name, ENGINE_KEY, rows[i].body);
        harness_expect(h, 400, BAD_TEXT);
    }
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "\"publications\":[],");
    harness_free(h);
}

static void many_commands_are_run_in_slices(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct buf body;
    (void)state;
    buf_init(&body, BUF_NO_LIMIT);
    static const int counts[] = { 16, 17, 48 };
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        const int count = counts[k];
        buf_clear(&body);
        buf_append(&body, SLICE("{\"commands\":["));
        for (int i = 0; i < count; i++) buf_printf(&body, "%s" PUBLISH_A, i ? "," : "");
        buf_append(&body, SLICE("]}"));
        harness_ask_with(h, API_ENGINE, "batch", "POST", NULL, ENGINE_KEY, buf_slice(&body));
        assert_int_equal(h->call.status, 200);
        assert_int_equal(h->again_count, (count - 1) / 16);
        int answers = 0;
        for (const char *at = harness_body(h); (at = strstr(at, "{\"publish\":{}}")); at++) answers++;
        assert_int_equal(answers, count);
    }
    buf_deinit(&body);
    harness_free(h);
}

/* A history of 600 entries and a broadcast to 100 channels take turns of their own. */
static void long_commands_among_others_take_their_own_slices(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct buf body;
    (void)state;
    buf_init(&body, BUF_NO_LIMIT);
    for (int i = 0; i < 600; i++)
        harness_ask(h, API_ENGINE, "publish", ENGINE_KEY, "{\"channel\":\"public:a\",\"data\":1}");
    buf_append(&body, SLICE("{\"commands\":[" PRESENCE_A ",{\"history\":{\"channel\":\"public:a\",\"limit\":-1}},"
                            "{\"broadcast\":{\"data\":1,\"channels\":["));
    for (int i = 0; i < 100; i++) buf_printf(&body, "%s\"c%d\"", i ? "," : "", i);
    buf_append(&body, SLICE("]}}," PRESENCE_A "]}"));
    harness_ask_with(h, API_ENGINE, "batch", "POST", NULL, ENGINE_KEY, buf_slice(&body));
    assert_int_equal(h->again_count, 3);
    harness_expect_part(h, 200,
                        "{\"replies\":[" NOBODY_HERE ",{\"history\":{\"publications\":[{\"data\":1,\"offset\":1},");
    harness_expect_part(h, 200, "\"offset\":600}},{\"broadcast\":{\"responses\":[{\"result\":{}},");
    harness_expect_part(h, 200, "{\"result\":{}}]}}," NOBODY_HERE "]}");
    /* dropped in the middle: nothing leaks, and the next request is a plain one again */
    harness_begin(h, API_ENGINE, "batch", ENGINE_KEY,
                  "{\"commands\":[" PRESENCE_A ",{\"history\":{\"channel\":\"public:a\",\"limit\":-1}}]}");
    assert_int_equal(h->outcome, API_AGAIN);
    harness_ask(h, API_ENGINE, "presence", ENGINE_KEY, "{\"channel\":\"a\"}");
    harness_expect(h, 200, "{\"result\":{\"presence\":{}}}");
    buf_deinit(&body);
    harness_free(h);
}

static void there_may_be_so_many_commands_and_no_more(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    struct buf body;
    (void)state;
    buf_init(&body, BUF_NO_LIMIT);
    for (unsigned over = 0; over < 2; over++) {
        for (unsigned is_batch = 0; is_batch < 2; is_batch++) {
            buf_clear(&body);
            if (is_batch) buf_append(&body, SLICE("{\"commands\":["));
            for (unsigned i = 0; i < API_COMMANDS_MAX + over; i++)
                buf_append(&body, is_batch ? (i ? SLICE(",{}") : SLICE("{}")) : SLICE("{}"));
            if (is_batch) buf_append(&body, SLICE("]}"));
            harness_ask_with(h, API_ENGINE, is_batch ? "batch" : "", "POST", NULL, ENGINE_KEY, buf_slice(&body));
            assert_int_equal(h->call.status, over ? 413 : 200);
            if (over) harness_expect(h, 413, ERROR(107, "too many commands"));
        }
    }
    buf_deinit(&body);
    harness_free(h);
}

static void a_binary_payload_in_an_answer_spoils_the_whole_but_not_the_effects(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    harness_ask(h, API_ENGINE, "batch", ENGINE_KEY,
                "{\"commands\":[{\"publish\":{\"channel\":\"binary:a\",\"b64data\":\"/w==\"}},"
                "{\"history\":{\"channel\":\"binary:a\",\"limit\":-1}},"
                "{\"publish\":{\"channel\":\"public:a\",\"data\":1}}]}");
    harness_expect(h, 500, "Internal Server Error\n");
    harness_ask(h, API_ENGINE, "", ENGINE_KEY, LEGACY(1, "6", "{\"channel\":\"binary:a\",\"limit\":-1}"));
    harness_expect(h, 500, "Internal Server Error\n");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "\"publications\":[{\"data\":1,\"offset\":1}],");
    harness_free(h);
}

static void a_broker_that_fails_is_told_in_each_place(void **state)
{
    struct harness *h = harness_new(HARNESS_FAILING, NULL);
    (void)state;
    h->fail_with = STATUS_OVERLOADED;
    harness_ask(h, API_ENGINE, "batch", ENGINE_KEY, "{\"commands\":[" PUBLISH_A "," PRESENCE_A ",null]}");
    harness_expect(h, 200,
                   REPLIES(ERROR(100, "internal server error") "," ERROR(100, "internal server error") "," BAD));
    harness_free(h);
}

static void a_batch_that_times_out_is_one_error(void **state)
{
    struct harness *h = harness_new(HARNESS_DELAYED, NULL);
    (void)state;
    harness_begin(h, API_ENGINE, "batch", ENGINE_KEY,
                  "{\"commands\":[null,{\"publish\":{\"channel\":\"public:a\","
                  "\"data\":1}},{\"publish\":{\"channel\":\"public:b\",\"data\":1}}]}");
    assert_int_equal(h->outcome, API_PENDING);
    api_timed_out(&h->call);
    harness_expect(h, 200, ERROR(100, "internal server error"));
    harness_ask(h, API_ENGINE, "presence", ENGINE_KEY, "{\"channel\":\"a\"}");
    harness_expect(h, 200, "{\"result\":{\"presence\":{}}}");
    harness_free(h);
}

static void the_project_header_holds_for_all_commands(void **state)
{
    static const char headers[] = ENGINE_KEY "X-Xshathra-Project: " SHOP_ID "\n";
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    harness_ask(
        h, API_ENGINE, "batch", headers,
        "{\"commands\":[{\"publish\":{\"channel\":\"public:a\",\"data\":1}},{\"publish\":{\"channel\":\"public:a\","
        "\"data\":2}}]}");
    harness_ask(h, API_ENGINE, "history", ENGINE_KEY, "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "\"publications\":[],");
    harness_ask(h, API_ENGINE, "", headers, LEGACY(1, "\"history\"", "{\"channel\":\"public:a\",\"limit\":-1}"));
    harness_expect_part(h, 200, "\"publications\":[{\"data\":1,\"offset\":1},{\"data\":2,\"offset\":2}],");
    harness_free(h);
}

static void each_command_is_counted_as_its_method(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    harness_ask(h, API_ENGINE, "batch", ENGINE_KEY, "{\"commands\":[" PUBLISH_A "," PUBLISH_A ",{\"publish\":{}}]}");
    harness_ask(h, API_ENGINE, "info", ENGINE_KEY, "{}");
    harness_expect_part(h, 200, "centrifugo.api.command_duration_seconds.count.method.publish.protocol.http\":3");
    harness_expect_part(h, 200, "centrifugo.api.command_duration_seconds.count.method.batch.protocol.http\":1");
    harness_free(h);
}

static void memory_that_runs_out_is_no_crash(void **state)
{
    static const struct {
        const char *name, *body;
    } rows[] = {
        { "batch",
          "{\"commands\":[{\"publish\":{\"channel\":\"public:\\u0061\",\"data\":1,\"tags\":{\"k\":\"v\"}}},"
          "{\"history\":{\"channel\":\"public:a\",\"limit\":-1}},{\"broadcast\":{\"channels\":[\"a\"],\"data\":1}}]}" },
        { "",
          LEGACY(1, "0", "{\"channel\":\"public:\\u0061\",\"data\":1}") LEGACY(2, "6", "{\"channel\":\"public:a\"}") },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool reached = true;
        for (size_t n = 1; n < 60 && reached; n++) {
            struct harness *h = harness_new(HARNESS_MEMORY, NULL);
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
        cmocka_unit_test(a_batch_answers_each_command_in_its_place),
        cmocka_unit_test(the_legacy_form_answers_each_command_on_a_line),
        cmocka_unit_test(info_of_the_legacy_form_does_not_look_at_its_parameters),
        cmocka_unit_test(commands_take_effect_in_their_order),
        cmocka_unit_test(nothing_is_run_when_one_command_cannot_be_read),
        cmocka_unit_test(many_commands_are_run_in_slices),
        cmocka_unit_test(long_commands_among_others_take_their_own_slices),
        cmocka_unit_test(there_may_be_so_many_commands_and_no_more),
        cmocka_unit_test(a_binary_payload_in_an_answer_spoils_the_whole_but_not_the_effects),
        cmocka_unit_test(a_broker_that_fails_is_told_in_each_place),
        cmocka_unit_test(a_batch_that_times_out_is_one_error),
        cmocka_unit_test(the_project_header_holds_for_all_commands),
        cmocka_unit_test(each_command_is_counted_as_its_method),
        cmocka_unit_test(memory_that_runs_out_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
