/* Memory runs out at each allocation of a conversation: that client is closed or answered with an error, nothing
 * leaks or is counted wrong, and the others get the same bytes as if nothing had happened. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/check.h"
#include "base/mem.h"

/* Two who have nothing to do with it, one of each encoding. */
struct bystanders {
    struct rig_client *json, *protobuf;
    struct buf seen; /* all that they got, epochs and ids made equal */
    size_t left;     /* allocations until the failure, while they are at work */
};

static void with_filters(struct policy_deployment *d)
{
    for (size_t i = 0; i < d->namespace_count; i++) d->namespaces[i].options.allow_tags_filter = true;
}

/* ---- the others ---- */

/* What the broker holds back is let go, in a mode that holds something back. */
static void let_go(struct rig *r)
{
    for (int i = 0; i < 4; i++) {
        held_broker_release_all(r->broker);
        rig_run(r);
    }
}

/* Epochs are random; the rig knows those that the JSON client was told. */
static void mask_epochs(const struct rig *r, char *bytes, size_t len)
{
    for (size_t i = 0; i < r->epoch_count; i++) {
        const size_t epoch_len = strlen(r->epochs[i]);
        char *at;
        while ((at = memmem(bytes, len, r->epochs[i], epoch_len)) != NULL) memset(at, 'E', epoch_len);
    }
}

static void keep_seen(struct rig *r, struct bystanders *b)
{
    buf_append(&b->seen, slice_from_cstr(rig_received(r, b->json)));
    const size_t start = b->seen.len;
    buf_append(&b->seen, rig_bytes(b->protobuf));
    assert_true(buf_ok(&b->seen));
    mask_epochs(r, b->seen.ptr + start, b->seen.len - start);
}

static void bystanders_join(struct rig *r, struct bystanders *b)
{
    buf_init(&b->seen, BUF_NO_LIMIT);
    b->json = rig_connected(r, 0, "{\"sub\":\"bob\",\"channels\":[\"plain:g\"]}");
    b->protobuf = rig_open_protobuf(r, 0);
    rig_say(r, b->protobuf, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", rig_token("{\"sub\":\"eve\"}"));
    rig_say(r, b->protobuf, "{\"id\":2,\"subscribe\":{\"channel\":\"public:g\"}}");
    rig_say(r, b->json, "{\"id\":2,\"subscribe\":{\"channel\":\"members:g\"}}");
    /* makes the epochs known: E0 of public:g, E1 and E2 of those of the conversation */
    rig_say(r, b->json, "{\"id\":3,\"subscribe\":{\"channel\":\"public:g\"}}");
    rig_say(r, b->json, "{\"id\":4,\"subscribe\":{\"channel\":\"public:a\"}}");
    rig_say(r, b->json, "{\"id\":5,\"subscribe\":{\"channel\":\"public:b\"}}");
    rig_say(r, b->json, "{\"id\":6,\"unsubscribe\":{\"channel\":\"public:a\"}}");
    rig_say(r, b->json, "{\"id\":7,\"unsubscribe\":{\"channel\":\"public:b\"}}");
    (void)rig_bytes(b->protobuf);
    rig_forget(r, b->json);
}

/* A turn of theirs, with memory enough, in the middle of the conversation. */
static void bystanders_act(struct rig *r, struct bystanders *b)
{
    b->left = mem_fail_left();
    mem_fail_after(0);
    rig_publish(r, 0, "plain:g", "1");
    rig_publish(r, 0, "public:g", "{\"n\":2}");
    rig_say(r, b->json, "{\"id\":3,\"publish\":{\"channel\":\"plain:g\",\"data\":3}}");
    rig_say(r, b->json, "{\"id\":4,\"presence\":{\"channel\":\"members:g\"}}");
    rig_say(r, b->json, "{\"id\":5,\"history\":{\"channel\":\"open:g\",\"limit\":4}}");
    rig_say(r, b->protobuf, "{\"id\":6,\"presence_stats\":{\"channel\":\"open:g\"}}");
    rig_say(r, b->protobuf, "{\"id\":7,\"publish\":{\"channel\":\"open:g\",\"data\":4}}");
    let_go(r);
    keep_seen(r, b);
    mem_fail_after(b->left);
}

/* ---- the one for whom memory runs out ---- */

#define FILTER "\"tf\":{\"key\":\"k\",\"cmp\":\"eq\",\"val\":\"v\"}"

static void say(struct rig *r, struct rig_client *c, struct bystanders *b, const char *command)
{
    if (!c->ended) rig_say(r, c, "%s", command);
    let_go(r);
    bystanders_act(r, b);
}

/* One whole life: connect with server-side subscriptions, subscribe, publish, recover, filter, read, refresh, leave. */
static void converse(struct rig *r, struct rig_client *c, struct bystanders *b, const char *connect,
                     const char *refresh)
{
    static const char *const commands[] = {
        "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\",\"recover\":true,\"offset\":1,\"epoch\":\"$E1\"}}",
        "{\"id\":3,\"publish\":{\"channel\":\"public:a\",\"data\":{\"x\":1}}}",
        "{\"id\":4,\"history\":{\"channel\":\"public:a\",\"limit\":4}}",
        "{\"id\":5,\"presence\":{\"channel\":\"open:c\"}}\n{\"id\":6,\"presence_stats\":{\"channel\":\"open:c\"}}",
        "{\"id\":7,\"subscribe\":{\"channel\":\"members:d\"}}",
        "{\"id\":8,\"subscribe\":{\"channel\":\"public:b\"," FILTER
        ",\"recover\":true,\"offset\":1,\"epoch\":\"$E2\"}}",
        "{\"id\":9,\"publish\":{\"channel\":\"public:b\",\"data\":9}}",
        "{\"id\":10,\"unsubscribe\":{\"channel\":\"members:d\"}}",
    };
    say(r, c, b, connect);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) say(r, c, b, commands[i]);
    say(r, c, b, refresh);
    struct effect_request effects[] = {
        { .kind = EFFECT_SUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("members:i"), .data = SLICE("1") },
        { .kind = EFFECT_REFRESH, .user = SLICE("ann"), .expire_at_s = RIG_NOW_S + 99, .info = SLICE("2") },
        { .kind = EFFECT_UNSUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("members:i") },
        { .kind = EFFECT_DISCONNECT, .user = SLICE("ann"), .code = 4000, .reason = SLICE("x") },
    };
    for (size_t i = 0; i < ARRAY_COUNT(effects); i++) {
        enum status status;
        struct handle asker = { .slot = RIG_CLIENTS, .generation = 1 };
        (void)engine_effect_start(&r->workers[0].engine, &effects[i], asker, 77, &status);
        rig_run(r);
        let_go(r);
        bystanders_act(r, b);
    }
}

struct talk {
    enum held_mode mode;
    bool protobuf;
    struct buf expected; /* what the others see when nothing fails */
    size_t closed;       /* failures that closed with 3004 */
};

/* The whole conversation, in which the n-th allocation fails (0 = none). False: there are not so many. */
static bool fails_at(struct talk *t, size_t n)
{
    static const char claims[] =
        "{\"sub\":\"ann\",\"exp\":1800000100,\"info\":{\"n\":1},\"meta\":{\"m\":1},\"subs\":{\"open:c\":{"
        "\"info\":[1],\"data\":{\"d\":1}},\"members:h\":{}}}";
    char connect[4096], refresh[4096];
    struct bystanders b = { 0 };
    struct rig *r = rig_new(1, with_filters);
    for (int i = 0; i < 3; i++) rig_publish(r, 0, "public:a", "1");
    for (int i = 0; i < 3; i++) rig_publish(r, 0, "public:b", "1");
    bystanders_join(r, &b);
    struct rig_client *c = t->protobuf ? rig_open_protobuf(r, 0) : rig_open(r, 0);
    assert_true(client_set_origin(&c->client, SLICE("http://localhost")));
    snprintf(connect, sizeof connect,
             "{\"id\":1,\"connect\":{\"token\":\"%s\",\"subs\":{\"plain:e\":{},\"public:f\":{\"recover\":true}}}}",
             rig_token(claims));
    snprintf(refresh, sizeof refresh, "{\"id\":11,\"refresh\":{\"token\":\"%s\"}}", rig_token(claims));

    held_broker_set(r->broker, t->mode);
    mem_fail_after(n);
    converse(r, c, &b, connect, refresh);
    const bool failed = n > 0 && !mem_fail_pending();
    mem_fail_after(0);
    held_broker_set(r->broker, HELD_NOTHING);
    t->closed += failed && c->close_code == 3004;
    assert_int_equal(b.json->close_code, 0);
    assert_int_equal(b.protobuf->close_code, 0);
    if (n == 0) {
        assert_int_equal(c->close_code, 4000); /* it came to its end */
        if (!t->protobuf) assert_non_null(strstr(rig_received(r, c), "\"recovered\":true"));
        t->expected = b.seen;
    } else {
        if (!slice_eq(buf_slice(&b.seen), buf_slice(&t->expected)))
            fail_msg("others notice failure %zu\ngot      %.*s\nexpected %.*s", n, SLICE_ARG(buf_slice(&b.seen)),
                     SLICE_ARG(buf_slice(&t->expected)));
        buf_deinit(&b.seen);
    }
    rig_free(r); /* sees that nothing was left behind */
    return failed;
}

static void memory_may_run_out_anywhere_in_a_conversation(bool protobuf)
{
    static const enum held_mode modes[] = { HELD_NOTHING, HELD_CALLS, HELD_ANSWERS };
    for (size_t m = 0; m < ARRAY_COUNT(modes); m++) {
        struct talk t = { .mode = modes[m], .protobuf = protobuf };
        size_t n = 1;
        (void)fails_at(&t, 0);
        while (fails_at(&t, n)) n++;
        print_message("  mode %zu: %zu allocations, %zu of them close with 3004\n", m, n - 1, t.closed);
        assert_true(n > 80 && t.closed > 20);
        buf_deinit(&t.expected);
    }
}

static void memory_may_run_out_anywhere_in_a_json_conversation_and_others_notice_nothing(void **state)
{
    (void)state;
    memory_may_run_out_anywhere_in_a_conversation(false);
}

static void memory_may_run_out_anywhere_in_a_protobuf_conversation_and_others_notice_nothing(void **state)
{
    (void)state;
    memory_may_run_out_anywhere_in_a_conversation(true);
}

static void a_publication_that_cannot_be_kept_meanwhile_is_insufficient_state(void **state)
{
    (void)state;
    for (size_t n = 1; n < 4; n++) {
        struct rig *r = rig_new(1, NULL);
        struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
        held_broker_set(r->broker, HELD_ANSWERS);
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
        for (size_t i = 0; i < n * 8; i++) {
            rig_publish(r, 0, "public:a", "1");
            if (i == (n - 1) * 8) mem_fail_after(1);
            rig_run(r);
        }
        bool failed = !mem_fail_pending();
        mem_fail_after(0);
        held_broker_release_all(r->broker);
        rig_run(r);
        const char *got = rig_received(r, c);
        if (failed) assert_non_null(strstr(got, "\"code\":2500"));
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_anywhere_in_a_json_conversation_and_others_notice_nothing),
        cmocka_unit_test(memory_may_run_out_anywhere_in_a_protobuf_conversation_and_others_notice_nothing),
        cmocka_unit_test(a_publication_that_cannot_be_kept_meanwhile_is_insufficient_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
