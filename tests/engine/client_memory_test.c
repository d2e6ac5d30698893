/* Memory runs out at each allocation of a conversation: that client is closed or answered with an error, nothing
 * leaks or is counted wrong, and another client notices nothing. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/mem.h"

static struct rig_client *other;

/* One whole life: connect with server-side subscriptions, subscribe, publish, recover, read, refresh, leave. */
static void converse(struct rig *r, struct rig_client *c)
{
    static const char *const commands[] = {
        "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\",\"recover\":true,\"offset\":1,\"epoch\":\"$E0\"}}",
        "{\"id\":3,\"publish\":{\"channel\":\"public:a\",\"data\":{\"x\":1}}}",
        "{\"id\":4,\"history\":{\"channel\":\"public:a\",\"limit\":4}}",
        "{\"id\":5,\"presence\":{\"channel\":\"open:c\"}}\n{\"id\":6,\"presence_stats\":{\"channel\":\"open:c\"}}",
        "{\"id\":7,\"subscribe\":{\"channel\":\"members:d\"}}",
        "{\"id\":8,\"unsubscribe\":{\"channel\":\"members:d\"}}",
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) rig_say(r, c, "%s", commands[i]);
}

static void connect(struct rig *r, struct rig_client *c, const char *token)
{
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\",\"subs\":{\"plain:e\":{},\"public:f\":{\"recover\":true}}}}",
            token);
}

static struct rig *start(struct rig_client **c)
{
    struct rig *r = rig_new(1, NULL);
    other = rig_connected(r, 0, "{\"sub\":\"bob\",\"channels\":[\"plain:g\"]}");
    for (int i = 0; i < 3; i++) rig_publish(r, 0, "public:a", "1");
    rig_run(r);
    rig_forget(r, other);
    *c = rig_open(r, 0);
    assert_true(client_set_origin(&(*c)->client, SLICE("http://localhost")));
    return r;
}

static void check_other(struct rig *r)
{
    assert_int_equal(other->close_code, 0);
    rig_forget(r, other);
    rig_publish(r, 0, "plain:g", "1");
    rig_run(r);
    rig_expect(r, other, "{\"push\":{\"channel\":\"plain:g\",\"pub\":{\"data\":1}}}");
}

static void memory_may_run_out_anywhere_in_a_conversation(void **state)
{
    (void)state;
    static const char claims[] =
        "{\"sub\":\"ann\",\"exp\":1800000100,\"info\":{\"n\":1},\"meta\":{\"m\":1},\"subs\":{\"open:c\":{"
        "\"info\":[1],\"data\":{\"d\":1}},\"members:h\":{}}}";
    static const enum held_mode modes[] = { HELD_NOTHING, HELD_CALLS, HELD_ANSWERS };
    for (size_t m = 0; m < 3; m++) {
        size_t n = 1, closed = 0;
        for (bool failed = true; failed; n++) {
            struct rig_client *c;
            struct rig *r = start(&c);
            const char *token = rig_token(claims);
            held_broker_set(r->broker, modes[m]);
            mem_fail_after(n);
            connect(r, c, token);
            for (int i = 0; i < 20 && modes[m] != HELD_NOTHING; i++) {
                held_broker_release_all(r->broker);
                rig_run(r);
            }
            if (!c->ended) converse(r, c);
            for (int i = 0; i < 20 && modes[m] != HELD_NOTHING; i++) {
                held_broker_release_all(r->broker);
                rig_run(r);
            }
            struct effect_request effects[] = {
                { .kind = EFFECT_SUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("members:i"), .data = SLICE("1") },
                { .kind = EFFECT_REFRESH, .user = SLICE("ann"), .expire_at_s = RIG_NOW_S + 99, .info = SLICE("2") },
                { .kind = EFFECT_UNSUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("members:i") },
                { .kind = EFFECT_DISCONNECT, .user = SLICE("ann"), .code = 4000, .reason = SLICE("x") },
            };
            for (size_t i = 0; i < 4; i++) {
                enum status status;
                struct handle asker = { .slot = RIG_CLIENTS, .generation = 1 };
                (void)engine_effect_start(&r->workers[0].engine, &effects[i], asker, 77, &status);
                rig_run(r);
                held_broker_release_all(r->broker);
                rig_run(r);
            }
            failed = !mem_fail_pending();
            mem_fail_after(0);
            closed += failed && c->close_code == 3004;
            held_broker_set(r->broker, HELD_NOTHING);
            check_other(r);
            rig_free(r);
        }
        print_message("  mode %zu: %zu allocations, %zu of them close with 3004\n", m, n - 2, closed);
        assert_true(n > 50 && closed > 10);
    }
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
        cmocka_unit_test(memory_may_run_out_anywhere_in_a_conversation),
        cmocka_unit_test(a_publication_that_cannot_be_kept_meanwhile_is_insufficient_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
