/* Subscriptions to maps: what each request is answered, and what comes after it. Checked against Centrifugo 6.9.1. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/check.h"
#include "base/mem.h"

#define ERROR(id, code, text) "{\"id\":" #id ",\"error\":{\"code\":" #code ",\"message\":\"" text "\"}}"
#define DENIED                ERROR(2, 103, "permission denied")
#define BAD                   ERROR(2, 107, "bad request")
#define LOST                  ERROR(2, 112, "unrecoverable position")
#define OK(members)           "{\"id\":2,\"subscribe\":{" members "\"type\":1}}"
#define LIVE                  "\"recoverable\":true,\"epoch\":\"E0\","

static const char ANN[] = "{\"sub\":\"ann\"}";

static void no_pings(struct policy_deployment *d)
{
    d->limits.ping_interval_ms = 0;
    d->limits.pong_timeout_ms = 0;
}

static void pages_of_any_size(struct policy_deployment *d)
{
    for (size_t i = 0; i < d->namespace_count; i++) d->namespaces[i].options.map.page_max = 1000000;
}

/* Keys k1 to k<count>, each with its number as the value. */
static void fill(struct rig *r, const char *channel, int from, int to)
{
    for (int i = from; i <= to; i++) {
        char key[16], data[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        (void)snprintf(data, sizeof data, "%d", i);
        rig_map_publish(r, 0, channel, key, data, NULL);
    }
}

static void ask(struct rig *r, struct rig_client *c, const char *members)
{
    rig_say(r, c, "{\"id\":2,\"subscribe\":{%s}}", members);
}

static void expect_row(struct rig *r, struct rig_client *c, const char *name, const char *reply, uint32_t code)
{
    const char *got = rig_received(r, c);
    if (strcmp(got, reply) != 0 || c->close_code != code)
        fail_msg("%s\ngot      %s %u\nexpected %s %u", name, got, c->close_code, reply, code);
}

/* ---- one request ---- */

static const struct {
    const char *name, *claims, *subscribed; /* a request before this one; NULL = none */
    const char *request;
    const char *reply;
    uint32_t code;
} requests[] = {
    { "an empty map", ANN, NULL, "\"channel\":\"map_rec:a\",\"type\":1,\"phase\":2", OK(LIVE), 0 },
    { "an empty map without a stream", ANN, NULL, "\"channel\":\"map:a\",\"type\":1,\"phase\":2",
      OK("\"epoch\":\"E0\","), 0 },
    { "clients of a channel", ANN, NULL, "\"channel\":\"map_clients:a\",\"type\":2,\"phase\":2", OK(LIVE), 0 },
    { "users of a channel", ANN, NULL, "\"channel\":\"map_users:a\",\"type\":3,\"phase\":2", OK(LIVE), 0 },
    { "no channel", ANN, NULL, "\"channel\":\"\",\"type\":1,\"phase\":2", "", 3501 },
    { "a delta that nobody knows", ANN, NULL, "\"channel\":\"map:a\",\"type\":1,\"phase\":2,\"delta\":\"x\"",
      OK("\"epoch\":\"E0\","), 0 },
    { "the type of another map", ANN, NULL, "\"channel\":\"map_rec:a\",\"type\":2,\"phase\":2", DENIED, 0 },
    { "a stream where maps are", ANN, NULL, "\"channel\":\"map_rec:a\"", DENIED, 0 },
    { "a map where streams are", ANN, NULL, "\"channel\":\"public:a\",\"type\":1,\"phase\":2", DENIED, 0 },
    { "an unknown namespace", ANN, NULL, "\"channel\":\"nowhere:a\",\"type\":1,\"phase\":2",
      ERROR(2, 102, "unknown channel"), 0 },
    { "a name that is not ASCII", ANN, NULL, "\"channel\":\"map:\\u00e4\",\"type\":1,\"phase\":2", BAD, 0 },
    { "nobody where users may", "{}", NULL, "\"channel\":\"map:a\",\"type\":1,\"phase\":2", DENIED, 0 },
    { "a cursor without a first page", ANN, NULL, "\"channel\":\"map:a\",\"type\":1,\"phase\":2,\"cursor\":\"k\"",
      DENIED, 0 },
    { "the cursor before the namespace", ANN, NULL, "\"channel\":\"nowhere:a\",\"type\":1,\"phase\":2,\"cursor\":\"k\"",
      DENIED, 0 },
    { "the stream without a page before", ANN, NULL, "\"channel\":\"map_rec:a\",\"type\":1,\"phase\":1", DENIED, 0 },
    { "the stream where there is none", ANN, NULL, "\"channel\":\"map:a\",\"type\":1,\"phase\":1,\"recover\":true", BAD,
      0 },
    { "a phase that nobody knows", ANN, NULL, "\"channel\":\"map:a\",\"type\":1,\"phase\":3", BAD, 0 },
    { "live without a position", ANN, NULL, "\"channel\":\"map_rec:a\",\"type\":1", LOST, 0 },
    { "live without a position, without a stream", ANN, NULL, "\"channel\":\"map:a\",\"type\":1", OK(""), 0 },
    { "recovery without a stream", ANN, NULL, "\"channel\":\"map:a\",\"type\":1,\"recover\":true,\"epoch\":\"mine\"",
      OK("\"epoch\":\"E0\",\"recovered\":true,\"was_recovering\":true,"), 0 },
    { "a filter where none is allowed", ANN, NULL,
      "\"channel\":\"map:a\",\"type\":1,\"phase\":2,\"tf\":{\"key\":\"a\",\"cmp\":\"ex\"}", BAD, 0 },
    { "a filter that is none", ANN, NULL,
      "\"channel\":\"map_rec:a\",\"type\":1,\"phase\":2,\"tf\":{\"key\":\"a\",\"cmp\":\"zz\"}", BAD, 0 },
    { "the state of another epoch", ANN, NULL,
      "\"channel\":\"map_rec:a\",\"type\":1,\"phase\":2,\"offset\":1,\"epoch\":\"other\"", LOST, 0 },
    { "twice", ANN, "\"channel\":\"map_rec:a\",\"type\":1,\"phase\":2",
      "\"channel\":\"map_rec:a\",\"type\":1,\"phase\":2", ERROR(2, 105, "already subscribed"), 0 },
    { "the first page twice", ANN, "\"channel\":\"map_rec:full\",\"type\":1,\"phase\":2",
      "\"channel\":\"map_rec:full\",\"type\":1,\"phase\":2", ERROR(2, 105, "already subscribed"), 0 },
    { "another type after the first page", ANN, "\"channel\":\"map_rec:full\",\"type\":1,\"phase\":2",
      "\"channel\":\"map_rec:full\"", DENIED, 0 },
    { "the stream of another epoch", ANN, "\"channel\":\"map_rec:full\",\"type\":1,\"phase\":2",
      "\"channel\":\"map_rec:full\",\"type\":1,\"phase\":1,\"epoch\":\"other\"", LOST, 0 },
};

static void each_request_has_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        struct rig *r = rig_new(1, NULL);
        fill(r, "map_rec:full", 1, 5);
        struct rig_client *c = rig_connected(r, 0, requests[i].claims);
        if (requests[i].subscribed) ask(r, c, requests[i].subscribed);
        rig_forget(r, c);
        ask(r, c, requests[i].request);
        expect_row(r, c, requests[i].name, requests[i].reply, requests[i].code);
        rig_free(r);
    }
}

static void a_map_counts_among_the_channels_from_its_first_page_on(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    fill(r, "map_rec:full", 1, 5);
    fill(r, "map:full", 1, 5);
    struct rig_client *c = rig_connected(r, 0, ANN);
    ask(r, c, "\"channel\":\"map_rec:full\",\"type\":1,\"phase\":2");
    ask(r, c, "\"channel\":\"map:full\",\"type\":1,\"phase\":2");
    for (int i = 0; i < 13; i++) rig_say(r, c, "{\"id\":3,\"subscribe\":{\"channel\":\"plain:%d\"}}", i);
    ask(r, c, "\"channel\":\"map_rec:last\",\"type\":1,\"phase\":2");
    rig_forget(r, c);
    ask(r, c, "\"channel\":\"map_rec:more\",\"type\":1,\"phase\":2");
    rig_say(r, c, "{\"id\":3,\"subscribe\":{\"channel\":\"plain:more\"}}");
    rig_expect(r, c, ERROR(2, 106, "limit exceeded") "\n" ERROR(3, 106, "limit exceeded"));
    rig_free(r);
}

/* ---- pages ---- */

#define REC(members) "\"channel\":\"map_rec:m\",\"type\":1," members
#define PUB(n)       "{\"data\":" #n ",\"offset\":" #n ",\"key\":\"k" #n "\"}"
#define FIRST        "{\"data\":1,\"offset\":1,\"key\":\"k1\",\"epoch\":\"E0\"}"

static void pages_are_cut_where_the_first_one_was_read_and_the_last_goes_live(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    fill(r, "map_rec:m", 1, 5);
    struct rig_client *c = rig_connected(r, 0, ANN);
    ask(r, c, REC("\"phase\":2"));
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"offset\":5,\"type\":1,\"phase\":2,\"cursor\":\"k2\","
               "\"state\":[" FIRST "," PUB(2) "]}}");
    rig_map_publish(r, 0, "map_rec:m", "k4", "44", NULL); /* offset 6 */
    rig_map_publish(r, 0, "map_rec:m", "k1", NULL, NULL); /* offset 7 */
    ask(r, c, REC("\"phase\":2,\"cursor\":\"k2\",\"offset\":5,\"epoch\":\"$E0\""));
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"offset\":5,\"type\":1,\"phase\":2,\"cursor\":\"k4\","
               "\"state\":[" PUB(3) "]}}");
    ask(r, c, REC("\"phase\":2,\"cursor\":\"k4\",\"offset\":5,\"epoch\":\"$E0\""));
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{" LIVE "\"publications\":[{\"data\":44,\"offset\":6,\"key\":\"k4\"},"
               "{\"offset\":7,\"key\":\"k1\",\"removed\":true}],\"offset\":7,\"type\":1,\"state\":[" PUB(5) "]}}");
    assert_int_equal(rig_map_subscribers(r, 0, "map_rec:m"), 1);
    rig_map_publish(r, 0, "map_rec:m", "k9", "9", "a=b");
    rig_map_publish(r, 0, "map_rec:m", "k9", NULL, NULL);
    rig_run(r);
    rig_expect(r, c,
               "{\"push\":{\"channel\":\"map_rec:m\",\"pub\":{\"data\":9,\"offset\":8,\"tags\":{\"a\":\"b\"},\"key\":"
               "\"k9\"}}}\n"
               "{\"push\":{\"channel\":\"map_rec:m\",\"pub\":{\"offset\":9,\"tags\":{\"a\":\"b\"},\"key\":\"k9\","
               "\"removed\":true}}}");
    rig_free(r);
}

static void sizes_of_pages_stay_within_the_bounds_of_the_namespace(void **state)
{
    static const struct {
        int asked, given;
    } rows[] = { { 0, 2 }, { -5, 2 }, { 1, 1 }, { 3, 3 }, { 100, 100 }, { 101, 100 }, { 2147483647, 100 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct rig *r = rig_new(1, NULL);
        for (int k = 0; k < 120; k++) {
            char key[16];
            (void)snprintf(key, sizeof key, "k%03d", k);
            rig_map_publish(r, 0, "map:m", key, "1", NULL);
        }
        struct rig_client *c = rig_connected(r, 0, ANN);
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"map:m\",\"type\":1,\"phase\":2,\"limit\":%d}}",
                rows[i].asked);
        const char *got = rig_received(r, c);
        int count = 0;
        for (const char *at = got; (at = strstr(at, "\"key\":")); at++) count++;
        assert_int_equal(count, rows[i].given);
        rig_free(r);
    }
}

static void no_page_is_larger_than_our_own_bound(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, pages_of_any_size);
    for (int k = 0; k < 5001; k++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%04d", k);
        rig_map_publish(r, 0, "map:m", key, "1", NULL);
    }
    struct rig_client *c = rig_connected(r, 0, ANN);
    ask(r, c, "\"channel\":\"map:m\",\"type\":1,\"phase\":2,\"limit\":1000000");
    rig_expect_part(r, c, "\"cursor\":\"k4999\"");
    rig_free(r);
}

static void what_is_too_far_behind_reads_the_stream_in_pages(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    fill(r, "map_rec:m", 1, 2);
    struct rig_client *c = rig_connected(r, 0, ANN);
    ask(r, c, REC("\"phase\":2,\"limit\":1"));
    rig_forget(r, c);
    fill(r, "map_rec:m", 3, 6); /* two more than a page behind the position of the first */
    ask(r, c, REC("\"phase\":2,\"limit\":3,\"cursor\":\"k1\",\"offset\":2,\"epoch\":\"$E0\""));
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"offset\":2,\"type\":1,\"phase\":2,\"cursor\":\"k4\","
               "\"state\":[" PUB(2) "]}}");
    ask(r, c, REC("\"phase\":2,\"limit\":3,\"cursor\":\"k4\",\"offset\":2,\"epoch\":\"$E0\""));
    rig_expect(r, c, "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"offset\":2,\"type\":1,\"phase\":2}}");
    ask(r, c, REC("\"phase\":1,\"limit\":1,\"offset\":2,\"epoch\":\"$E0\""));
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"publications\":[" PUB(3) "],\"offset\":3,\"type\":1,"
                                                                                     "\"phase\":1}}");
    fill(r, "map_rec:m", 7, 7); /* how near the end is counts from the first request of the stream */
    ask(r, c, REC("\"phase\":1,\"limit\":1,\"offset\":3,\"epoch\":\"$E0\""));
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"publications\":[" PUB(4) "],\"offset\":4,\"type\":1,"
                                                                                     "\"phase\":1}}");
    ask(r, c, REC("\"phase\":1,\"limit\":2,\"offset\":4,\"epoch\":\"$E0\""));
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{" LIVE "\"publications\":[" PUB(5) "," PUB(6) "," PUB(7) "],\"offset\":7,"
                                                                                                  "\"type\":1}}");
    fill(r, "map_rec:m", 8, 8);
    rig_run(r);
    rig_expect(r, c, "{\"push\":{\"channel\":\"map_rec:m\",\"pub\":" PUB(8) "}}");
    rig_free(r);
}

/* The stream holds 5 changes, an answer that goes live 4 publications. */
static void recovery_gives_what_was_missed_or_says_that_it_is_lost(void **state)
{
    static const struct {
        const char *members, *reply;
    } rows[] = {
        { "\"recover\":true,\"offset\":8,\"epoch\":\"$E0\"",
          OK(LIVE "\"publications\":[" PUB(9) "],\"recovered\":true,\"offset\":9,\"was_recovering\":true,") },
        { "\"recover\":true,\"offset\":9,\"epoch\":\"$E0\"",
          OK(LIVE "\"recovered\":true,\"offset\":9,\"was_recovering\":true,") },
        { "\"offset\":8,\"epoch\":\"$E0\"", OK(LIVE "\"publications\":[" PUB(9) "],\"offset\":9,") },
        { "\"recover\":true,\"offset\":5,\"epoch\":\"$E0\"",
          OK(LIVE "\"publications\":[" PUB(6) "," PUB(7) "," PUB(8) "," PUB(
              9) "],\"recovered\":true,\"offset\":9,\"was_recovering\":true,") },
        { "\"recover\":true,\"offset\":4,\"epoch\":\"$E0\"", LOST },
        { "\"recover\":true,\"offset\":3,\"epoch\":\"$E0\"", LOST },
        { "\"recover\":true,\"offset\":8,\"epoch\":\"other\"", LOST },
        { "\"recover\":true,\"offset\":8,\"epoch\":\"longer than any epoch\"", LOST },
        { "\"recover\":true,\"offset\":8", LOST },
        { "\"recover\":true,\"offset\":10,\"epoch\":\"$E0\"", LOST },
        { "\"recover\":true,\"offset\":18446744073709551615,\"epoch\":\"$E0\"", LOST },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows) * 2; i++) {
        struct rig *r = rig_new(1, NULL);
        fill(r, "map_rec:m", 1, 9);
        struct rig_client *first = rig_connected(r, 0, ANN), *c = rig_connected(r, 0, ANN);
        ask(r, first, REC("\"phase\":2,\"limit\":100")); /* the rig learns the epoch */
        rig_forget(r, first);
        bool by_stream = i >= ARRAY_COUNT(rows);
        const char *members = rows[i % ARRAY_COUNT(rows)].members;
        if (by_stream && !strstr(members, "\"recover\"")) {
            rig_free(r);
            continue;
        }
        char text[256];
        (void)snprintf(text, sizeof text, "{\"id\":2,\"subscribe\":{" REC("\"phase\":%d,\"limit\":100,%s") "}}",
                       by_stream, members);
        char *epoch = strstr(text, "$E0");
        if (epoch)
            rig_say(r, c, "%.*s$E0%s", (int)(epoch - text), text, epoch + 3);
        else
            rig_say(r, c, "%s", text);
        expect_row(r, c, members, rows[i % ARRAY_COUNT(rows)].reply, 0);
        rig_free(r);
    }
}

static void a_map_without_a_stream_keeps_what_comes_while_it_is_read(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    for (int i = 1; i <= 4; i++) fill(r, "map:m", i, i);
    struct rig_client *c = rig_connected(r, 1, ANN);
    ask(r, c, "\"channel\":\"map:m\",\"type\":1,\"phase\":2");
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"type\":1,\"phase\":2,\"cursor\":\"k2\",\"state\":["
               "{\"data\":1,\"key\":\"k1\"},{\"data\":2,\"key\":\"k2\"}]}}");
    rig_map_publish(r, 0, "map:m", "k1", "11", NULL);
    rig_map_publish(r, 0, "map:m", "k3", "33", NULL);
    rig_map_publish(r, 0, "map:m", "k4", NULL, NULL);
    rig_run(r);
    rig_expect(r, c, "");
    ask(r, c, "\"channel\":\"map:m\",\"type\":1,\"phase\":2,\"cursor\":\"k2\",\"epoch\":\"$E0\"");
    rig_expect(r, c,
               OK("\"epoch\":\"E0\",") "\n{\"push\":{\"channel\":\"map:m\",\"pub\":{\"data\":11,\"key\":\"k1\"}}}\n"
                                       "{\"push\":{\"channel\":\"map:m\",\"pub\":{\"data\":33,\"key\":\"k3\"}}}\n"
                                       "{\"push\":{\"channel\":\"map:m\",\"pub\":{\"key\":\"k4\",\"removed\":true}}}");
    rig_map_publish(r, 0, "map:m", "k2", "22", NULL);
    rig_run(r);
    rig_expect(r, c, "{\"push\":{\"channel\":\"map:m\",\"pub\":{\"data\":22,\"key\":\"k2\"}}}");
    rig_free(r);
}

static void a_filter_holds_for_the_state_the_stream_and_what_comes(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    rig_map_publish(r, 0, "map_rec:m", "k1", "1", "t=a");
    rig_map_publish(r, 0, "map_rec:m", "k2", "2", "t=b");
    rig_map_publish(r, 0, "map_rec:m", "k3", "3", "t=a");
    struct rig_client *c = rig_connected(r, 0, ANN);
    ask(r, c, REC("\"phase\":2,\"tf\":{\"key\":\"t\",\"cmp\":\"eq\",\"val\":\"a\"}"));
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"offset\":3,\"type\":1,\"phase\":2,\"cursor\":\"k2\","
               "\"state\":[{\"data\":1,\"offset\":1,\"tags\":{\"t\":\"a\"},\"key\":\"k1\",\"epoch\":\"E0\"}]}}");
    rig_map_publish(r, 0, "map_rec:m", "k4", "4", "t=b");
    rig_map_publish(r, 0, "map_rec:m", "k5", "5", "t=a");
    ask(r, c, REC("\"phase\":2,\"limit\":9,\"cursor\":\"k2\",\"offset\":3,\"epoch\":\"$E0\""));
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{" LIVE "\"publications\":[{\"data\":5,\"offset\":5,\"tags\":{\"t\":\"a\"},"
               "\"key\":\"k5\"}],\"offset\":5,\"type\":1,\"state\":[{\"data\":3,\"offset\":3,\"tags\":{\"t\":\"a\"},"
               "\"key\":\"k3\"}]}}");
    rig_map_publish(r, 0, "map_rec:m", "k4", "44", "t=b");
    rig_map_publish(r, 0, "map_rec:m", "k5", NULL, NULL); /* a removal has the tags of the value */
    rig_run(r);
    rig_expect(r, c,
               "{\"push\":{\"channel\":\"map_rec:m\",\"pub\":{\"offset\":7,\"tags\":{\"t\":\"a\"},\"key\":\"k5\","
               "\"removed\":true}}}");
    rig_free(r);
}

/* ---- taking too long, and leaving ---- */

static void a_catch_up_that_takes_too_long_closes_the_client(void **state)
{
    static const char *const channels[] = { "map_rec:m", "map:m" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(channels); i++) {
        struct rig *r = rig_new(1, NULL);
        fill(r, channels[i], 1, 5);
        struct rig_client *c = rig_connected(r, 0, ANN), *other = rig_connected(r, 0, ANN);
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2}}", channels[i]);
        rig_say(r, other, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2}}", channels[i]);
        rig_pass(r, 5000);
        rig_forget(r, other);
        rig_say(r, other, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2,\"cursor\":\"k2\"}}",
                channels[i]);
        rig_expect_part(r, other, "\"cursor\":\"k4\"");
        rig_pass(r, 2);
        assert_int_equal(rig_map_subscribers(r, 0, channels[i]), 0); /* nothing is kept for them any more */
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2,\"cursor\":\"k2\"}}",
                channels[i]);
        rig_expect_closed(r, c, 3008);
        /* what is left behind counts no more once another map is read */
        ask(r, other, "\"channel\":\"map_rec:empty\",\"type\":1,\"phase\":2");
        rig_forget(r, other);
        rig_say(r, other, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2,\"cursor\":\"k2\"}}",
                channels[i]);
        rig_expect(r, other, DENIED);
        rig_free(r);
    }
}

static void an_unsubscribe_ends_a_catch_up_at_once(void **state)
{
    static const char *const channels[] = { "map_rec:m", "map:m" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(channels); i++) {
        struct rig *r = rig_new(1, NULL);
        fill(r, channels[i], 1, 5);
        struct rig_client *c = rig_connected(r, 0, ANN);
        const struct effect_request effect = { .kind = EFFECT_UNSUBSCRIBE,
                                               .user = SLICE("ann"),
                                               .channel = slice_from_cstr(channels[i]) };
        for (int by_server = 0; by_server < 2; by_server++) {
            rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2}}", channels[i]);
            rig_expect_part(r, c, "\"phase\":2");
            if (by_server) {
                assert_true(rig_effect(r, 0, &effect));
                rig_run(r);
                rig_expect_part(r, c, "\"unsubscribe\":{\"code\":2000,\"reason\":\"server unsubscribe\"}");
            } else {
                rig_say(r, c, "{\"id\":3,\"unsubscribe\":{\"channel\":\"%s\"}}", channels[i]);
                rig_expect(r, c, "{\"id\":3,\"unsubscribe\":{}}");
            }
            rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2,\"cursor\":\"k2\"}}",
                    channels[i]);
            rig_expect(r, c, DENIED);
            assert_int_equal(rig_map_subscribers(r, 0, channels[i]), 0);
        }
        rig_free(r);
    }
}

static void a_cleared_map_sends_its_subscribers_back_to_the_state(void **state)
{
    static const char *const channels[] = { "map_rec:m", "map:m" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(channels); i++) {
        struct rig *r = rig_new(2, NULL);
        fill(r, channels[i], 1, 1);
        struct rig_client *c = rig_connected(r, 1, ANN);
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2}}", channels[i]);
        rig_forget(r, c);
        rig_map_clear(r, 0, channels[i]);
        rig_run(r);
        rig_expect_part(r, c, "\"unsubscribe\":{\"code\":2500,\"reason\":\"insufficient state\"}");
        rig_free(r);
    }
}

static void presence_joins_and_leaves_are_those_of_the_channel(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *c = rig_connected(r, 0, ANN), *other = rig_connected(r, 1, "{\"sub\":\"bob\"}");
    ask(r, c, "\"channel\":\"map_log:m\",\"type\":1,\"phase\":2");
    rig_forget(r, c);
    ask(r, other, "\"channel\":\"map_log:m\",\"type\":1,\"phase\":2");
    rig_expect(r, c, "{\"push\":{\"channel\":\"map_log:m\",\"join\":{\"info\":{\"user\":\"bob\",\"client\":\"C1\"}}}}");
    assert_int_equal(rig_present(r, 0, "map_log:m"), 2);
    rig_hang_up(r, other);
    rig_run(r);
    rig_expect_part(r, c, "{\"push\":{\"channel\":\"map_log:m\",\"leave\":{\"info\":{\"user\":\"bob\",");
    rig_free(r);
}

static void a_map_of_one_project_is_not_that_of_another(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, ANN);
    struct rig_client *shop = rig_connected(r, 0, "{\"sub\":\"ann\",\"projectId\":\"" RIG_SHOP "\"}");
    rig_map_publish(r, 0, "map_rec:m", "k", "1", NULL);
    ask(r, shop, "\"channel\":\"map_rec:m\",\"type\":1,\"phase\":2");
    rig_expect(r, shop, OK(LIVE));
    ask(r, c, "\"channel\":\"map_rec:m\",\"type\":1,\"phase\":2");
    rig_forget(r, c);
    rig_map_publish(r, RIG_SHOP_SPACE, "map_rec:m", "k", "2", NULL);
    rig_run(r);
    rig_expect_part(r, shop, "\"data\":2");
    rig_expect(r, c, "");
    assert_int_equal(rig_map_subscribers(r, RIG_SHOP_SPACE, "map_rec:m"), 1);
    rig_free(r);
}

/* Centrifugo tells a map's subscriber nothing of its expiry either. */
static void a_subscription_by_token_ends_with_the_token(void **state)
{
    static const char *const channels[] = { "map_rec:m", "map:m" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(channels); i++) {
        struct rig *r = rig_new(1, no_pings);
        struct rig_client *c = rig_connected(r, 0, ANN);
        char claims[128];
        (void)snprintf(claims, sizeof claims, "{\"sub\":\"ann\",\"channel\":\"%s\",\"exp\":%d}", channels[i],
                       RIG_NOW_S + 100);
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2,\"token\":\"%s\"}}",
                channels[i], rig_token(claims));
        assert_null(strstr(rig_received(r, c), "expires"));
        rig_pass(r, 100000);
        rig_expect(r, c, "");
        rig_pass(r, 26000);
        rig_expect_part(r, c, "\"unsubscribe\":{\"code\":2501,");
        assert_int_equal(rig_map_subscribers(r, 0, channels[i]), 0);
        rig_free(r);
    }
}

static void maps_make_plain_subscriptions_no_larger(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct subscription), 88);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_its_answer),
        cmocka_unit_test(a_map_counts_among_the_channels_from_its_first_page_on),
        cmocka_unit_test(pages_are_cut_where_the_first_one_was_read_and_the_last_goes_live),
        cmocka_unit_test(sizes_of_pages_stay_within_the_bounds_of_the_namespace),
        cmocka_unit_test(no_page_is_larger_than_our_own_bound),
        cmocka_unit_test(what_is_too_far_behind_reads_the_stream_in_pages),
        cmocka_unit_test(recovery_gives_what_was_missed_or_says_that_it_is_lost),
        cmocka_unit_test(a_map_without_a_stream_keeps_what_comes_while_it_is_read),
        cmocka_unit_test(a_filter_holds_for_the_state_the_stream_and_what_comes),
        cmocka_unit_test(a_catch_up_that_takes_too_long_closes_the_client),
        cmocka_unit_test(an_unsubscribe_ends_a_catch_up_at_once),
        cmocka_unit_test(a_cleared_map_sends_its_subscribers_back_to_the_state),
        cmocka_unit_test(presence_joins_and_leaves_are_those_of_the_channel),
        cmocka_unit_test(a_map_of_one_project_is_not_that_of_another),
        cmocka_unit_test(a_subscription_by_token_ends_with_the_token),
        cmocka_unit_test(maps_make_plain_subscriptions_no_larger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
