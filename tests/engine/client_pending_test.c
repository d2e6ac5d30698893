/* What happens while the broker has not answered yet, and when the client, the subscription or the stream goes
 * meanwhile. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/mem.h"

#define SUBSCRIBE(id, channel) "{\"id\":" #id ",\"subscribe\":{\"channel\":\"" channel "\"}}"
#define PLAIN_PUSH(data)       "{\"push\":{\"channel\":\"plain:a\",\"pub\":{\"data\":" #data "}}}"
#define PUBLIC_OK(id, offset)                                                                                          \
    "{\"id\":" #id ",\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"offset\":" #offset ",\"positioned\":true}" \
    "}"
#define PUBLIC_PUSH(data, at) "{\"push\":{\"channel\":\"public:a\",\"pub\":{\"data\":" #data ",\"offset\":" #at "}}}"

static const enum held_mode modes[] = { HELD_CALLS, HELD_ANSWERS };
#define MODES (sizeof modes / sizeof modes[0])

static void commands_wait_for_the_one_before_them_and_are_answered_in_order(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        struct rig *r = rig_new(1, NULL);
        struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
        held_broker_set(r->broker, modes[m]);
        rig_say(r, c,
                SUBSCRIBE(2, "plain:a") "\n{\"id\":3,\"publish\":{\"channel\":\"plain:a\",\"data\":1}}\n"
                                        "{\"id\":4,\"history\":{\"channel\":\"open:a\"}}\n");
        rig_say(r, c, "{\"id\":5,\"presence_stats\":{\"channel\":\"open:a\"}}");
        rig_say(r, c, "{\"id\":6,\"unsubscribe\":{\"channel\":\"plain:a\"}}");
        rig_expect(r, c, "");
        static const char *const answers[] = { "{\"id\":2,\"subscribe\":{}}", "{\"id\":3,\"publish\":{}}",
                                               "{\"id\":4,\"history\":{\"publications\":[],",
                                               "{\"id\":5,\"presence_stats\":{\"num_clients\":0,\"num_users\":0}}\n"
                                               "{\"id\":6,\"unsubscribe\":{}}" };
        size_t pushes = 0;
        for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
            assert_int_equal(held_broker_count(r->broker), 1);
            held_broker_release(r->broker, 0);
            rig_run(r);
            const char *got = rig_received(r, c);
            assert_non_null(strstr(got, answers[i]));
            for (size_t j = i + 1; j < sizeof answers / sizeof answers[0]; j++) assert_null(strstr(got, answers[j]));
            pushes += strstr(got, "\"pub\":{\"data\":1") != NULL;
        }
        assert_int_equal(pushes, 1);
        assert_int_equal(held_broker_count(r->broker), 0);
        rig_free(r);
    }
}

static void a_message_may_end_behind_a_pending_command_with_or_without_newline(void **state)
{
    (void)state;
    static const char *const ends[] = { "", "\n" };
    for (size_t i = 0; i < 2; i++) {
        struct rig *r = rig_new(1, NULL);
        struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
        held_broker_set(r->broker, HELD_CALLS);
        rig_say(r, c, SUBSCRIBE(2, "plain:a") "%s", ends[i]);
        held_broker_release_all(r->broker);
        rig_run(r);
        rig_expect(r, c, "{\"id\":2,\"subscribe\":{}}");
        assert_int_equal(c->close_code, 0);
        rig_free(r);
    }
    /* an empty line is as wrong here as elsewhere */
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    held_broker_set(r->broker, HELD_CALLS);
    rig_say(r, c, SUBSCRIBE(2, "plain:a") "\n\n");
    held_broker_release_all(r->broker);
    rig_run(r);
    rig_expect_closed(r, c, 3501);
    rig_free(r);
}

static void publications_that_come_meanwhile_are_delivered_once_after_the_answer(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    rig_publish(r, 0, "public:a", "1");
    held_broker_set(r->broker, HELD_ANSWERS);
    rig_say(r, c, SUBSCRIBE(2, "public:a"));
    for (int i = 2; i < 40; i++) {
        char data[16];
        (void)snprintf(data, sizeof data, "%d", i);
        rig_publish(r, 0, "public:a", data);
        if (i % 3 == 0) rig_run(r);
    }
    rig_run(r);
    rig_expect(r, c, "");
    held_broker_release_all(r->broker);
    rig_publish(r, 0, "public:a", "40"); /* behind the completion in the mailbox */
    rig_run(r);
    char text[8192];
    int len = snprintf(text, sizeof text, PUBLIC_OK(2, 1));
    for (int i = 2; i <= 40; i++)
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "\n{\"push\":{\"channel\":\"public:a\",\"pub\":{\"data\":%d,\"offset\":%d}}}", i, i);
    rig_expect(r, c, text);
    rig_free(r);
}

static void what_the_answer_covers_is_not_delivered_again(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *watcher = rig_connected(r, 0, "{\"sub\":\"w\",\"channels\":[\"public:a\"]}");
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    rig_publish(r, 0, "public:a", "1");
    rig_run(r);
    held_broker_set(r->broker, HELD_CALLS);
    rig_say(r, c,
            "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\",\"recover\":true,\"offset\":1,\"epoch\":\"$E0\"}}");
    (void)rig_received(r, watcher);
    /* the worker has subscribers, so this comes by mail before the call is carried out … */
    rig_publish(r, 0, "public:a", "2");
    rig_run(r);
    /* … and this is still in the mailbox when it is */
    rig_publish(r, 0, "public:a", "3");
    held_broker_release_all(r->broker);
    rig_publish(r, 0, "public:a", "4");
    rig_run(r);
    rig_expect(
        r, c,
        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"publications\":[{\"data\":2,\"offset\":2}"
        ",{\"data\":3,\"offset\":3}],\"recovered\":true,\"offset\":1,\"positioned\":true,\"was_recovering\":true}}"
        "\n" PUBLIC_PUSH(4, 4));
    rig_expect(r, watcher, PUBLIC_PUSH(2, 2) "\n" PUBLIC_PUSH(3, 3) "\n" PUBLIC_PUSH(4, 4));
    rig_free(r);
}

static void too_many_publications_meanwhile_end_it_with_insufficient_state(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    held_broker_set(r->broker, HELD_ANSWERS);
    rig_say(r, c, SUBSCRIBE(2, "public:a"));
    for (int i = 0; i < 5000; i++) {
        rig_publish(r, 0, "public:a", "1");
        if (i % 100 == 0) rig_run(r);
    }
    rig_run(r);
    held_broker_release_all(r->broker);
    rig_run(r);
    rig_expect(
        r, c,
        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"positioned\":true}}\n"
        "{\"push\":{\"channel\":\"public:a\",\"unsubscribe\":{\"code\":2500,\"reason\":\"insufficient state\"}}}");
    assert_int_equal(c->close_code, 0);
    assert_int_equal(rig_subscribers(r, 0, "public:a"), 0);
    rig_free(r);
}

/* The stream is forgotten and begins anew: what the worker is told then. */
static void mail_of_another_epoch(struct rig *r, uint64_t seq, uint64_t offset)
{
    struct publication_content content = { .data = SLICE("9"), .data_is_json = true };
    struct publication *p = publication_new(1, 0, SLICE("public:a"), &content);
    assert_non_null(p);
    p->seq = seq;
    p->offset = offset;
    memcpy(p->epoch, "other", 6);
    p->mails[0].mail = (struct mail){ .deliver = engine_deliver_publication };
    p->mails[0].publication = p;
    mailbox_post(&r->boxes[0], MAILBOX_WORK, &p->mails[0].mail, r->now_ms);
}

static void another_epoch_meanwhile_is_insufficient_state(void **state)
{
    (void)state;
    static const struct {
        uint64_t seq, offset;
        bool lost;
    } rows[] = { { 1000, 1, true }, { 1000, 3, true }, { 1, 1, false } };
    for (size_t i = 0; i < 3; i++) {
        struct rig *r = rig_new(1, NULL);
        struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
        rig_publish(r, 0, "public:a", "1");
        rig_publish(r, 0, "public:a", "2");
        held_broker_set(r->broker, HELD_ANSWERS);
        rig_say(r, c, SUBSCRIBE(2, "public:a"));
        mail_of_another_epoch(r, rows[i].seq, rows[i].offset);
        rig_run(r);
        held_broker_release_all(r->broker);
        rig_run(r);
        rig_expect(r, c,
                   rows[i].lost
                       ? PUBLIC_OK(2, 2) "\n{\"push\":{\"channel\":\"public:a\",\"unsubscribe\":{\"code\":2500,"
                                         "\"reason\":\"insufficient state\"}}}"
                       : PUBLIC_OK(2, 2));
        rig_free(r);
    }
}

static void a_client_that_goes_leaves_no_subscriber_behind(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        struct rig *r = rig_new(1, NULL);
        struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
        struct rig_client *other = rig_connected(r, 0, "{\"sub\":\"bob\",\"channels\":[\"members:a\"]}");
        held_broker_set(r->broker, modes[m]);
        rig_say(r, c, SUBSCRIBE(2, "members:a"));
        rig_publish(r, 0, "members:a", "1");
        rig_run(r);
        rig_forget(r, other);
        rig_hang_up(r, c);
        /* its slot is taken by another client before the answer comes */
        held_broker_set(r->broker, HELD_NOTHING);
        struct rig_client *next = rig_connected(r, 0, "{\"sub\":\"eve\"}");
        held_broker_release_all(r->broker);
        rig_run(r);
        rig_expect(r, next, "");
        rig_expect(r, other, ""); /* neither join nor leave */
        assert_int_equal(rig_subscribers(r, 0, "members:a"), 1);
        assert_int_equal(rig_present(r, 0, "members:a"), 1);
        rig_free(r);
    }
}

static void a_client_may_go_with_any_kind_of_command_pending(void **state)
{
    (void)state;
    static const char *const commands[] = { SUBSCRIBE(2, "public:a"),
                                            "{\"id\":2,\"publish\":{\"channel\":\"public:a\",\"data\":1}}",
                                            "{\"id\":2,\"history\":{\"channel\":\"open:a\",\"limit\":-1}}",
                                            "{\"id\":2,\"presence\":{\"channel\":\"open:a\"}}",
                                            "{\"id\":2,\"presence_stats\":{\"channel\":\"open:a\"}}" };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        for (size_t m = 0; m < MODES; m++) {
            for (int closed = 0; closed < 2; closed++) {
                struct rig *r = rig_new(1, NULL);
                for (int p = 0; p < 3; p++) rig_publish(r, 0, "open:a", "1");
                struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\",\"channels\":[\"open:a\"]}");
                held_broker_set(r->broker, modes[m]);
                rig_say(r, c, "%s\n{\"id\":3}", commands[i]);
                assert_int_equal(held_broker_count(r->broker), 1);
                if (closed) { /* by the server: the answer comes before it has left */
                    client_disconnect(&c->client, DISCONNECT_FORCE_RECONNECT);
                    held_broker_release_all(r->broker);
                    (void)mailbox_drain(&r->boxes[0], 100);
                    rig_run(r);
                } else {
                    rig_hang_up(r, c);
                }
                held_broker_release_all(r->broker);
                rig_run(r);
                assert_int_equal(rig_subscribers(r, 0, "public:a"), 0);
                held_broker_set(r->broker, HELD_NOTHING);
                rig_free(r);
            }
        }
    }
}

static struct effect_request unsubscribe_of(const char *channel)
{
    return (
        struct effect_request){ .kind = EFFECT_UNSUBSCRIBE, .user = SLICE("ann"), .channel = slice_from_cstr(channel) };
}

static void a_subscription_that_the_api_ends_while_pending_leaves_nothing(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODES; m++) {
        struct rig *r = rig_new(1, NULL);
        struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
        held_broker_set(r->broker, modes[m]);
        rig_say(r, c, SUBSCRIBE(2, "plain:a") "\n{\"id\":3,\"unsubscribe\":{\"channel\":\"plain:z\"}}");
        struct effect_request request = unsubscribe_of("plain:a");
        assert_true(rig_effect(r, 0, &request));
        rig_run(r);
        assert_int_equal(r->effects_done, 1);
        assert_int_equal(r->affected, 1);
        rig_expect(
            r, c,
            "{\"push\":{\"channel\":\"plain:a\",\"unsubscribe\":{\"code\":2000,\"reason\":\"server unsubscribe\"}}}");
        held_broker_release_all(r->broker);
        rig_run(r);
        rig_expect(
            r, c,
            "{\"id\":2,\"error\":{\"code\":103,\"message\":\"permission denied\"}}\n{\"id\":3,\"unsubscribe\":{}}");
        assert_int_equal(rig_subscribers(r, 0, "plain:a"), 0);
        assert_int_equal(c->close_code, 0);
        /* and it may come again */
        held_broker_set(r->broker, HELD_NOTHING);
        rig_say(r, c, SUBSCRIBE(4, "plain:a"));
        rig_expect(r, c, "{\"id\":4,\"subscribe\":{}}");
        assert_int_equal(rig_subscribers(r, 0, "plain:a"), 1);
        rig_free(r);
    }
}

static struct rig_client *connecting(struct rig *r)
{
    struct rig_client *c = rig_open(r, 0);
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}",
            rig_token("{\"sub\":\"ann\",\"channels\":[\"plain:a\",\"plain:b\",\"public:c\"]}"));
    assert_int_equal(held_broker_count(r->broker), 3);
    assert_int_equal(c->client.state, CLIENT_CONNECTING);
    return c;
}

static void a_connect_is_answered_when_its_last_subscription_is(void **state)
{
    (void)state;
    static const size_t orders[][3] = { { 0, 0, 0 }, { 2, 1, 0 }, { 1, 0, 0 } };
    for (size_t o = 0; o < 3; o++) {
        for (size_t m = 0; m < MODES; m++) {
            struct rig *r = rig_new(1, NULL);
            held_broker_set(r->broker, modes[m]);
            struct rig_client *c = connecting(r);
            rig_say(r, c, "{\"id\":2,\"publish\":{\"channel\":\"public:c\",\"data\":7}}");
            for (size_t i = 0; i < 3; i++) {
                rig_expect(r, c, "");
                rig_publish(r, 0, "plain:a", i == 0 ? "0" : "1");
                held_broker_release(r->broker, orders[o][i]);
                rig_run(r);
            }
            const char *got = rig_received(r, c);
            assert_ptr_equal(strstr(got, "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"subs\":{"
                                         "\"plain:a\":{},\"plain:b\":{},\"public:c\":{\"recoverable\":true"),
                             got);
            assert_int_equal(held_broker_count(r->broker), 1); /* the publish that waited */
            held_broker_release_all(r->broker);
            rig_run(r);
            rig_expect_part(r, c, "{\"id\":2,\"publish\":{}}");
            rig_free(r);
        }
    }
}

static void a_client_may_go_at_each_step_of_connecting(void **state)
{
    (void)state;
    for (size_t released = 0; released < 3; released++) {
        for (size_t m = 0; m < MODES; m++) {
            struct rig *r = rig_new(1, NULL);
            held_broker_set(r->broker, modes[m]);
            struct rig_client *c = connecting(r);
            for (size_t i = 0; i < released; i++) held_broker_release(r->broker, 0);
            rig_run(r);
            rig_hang_up(r, c);
            assert_int_equal(rig_gauge(r, METRIC_NODE_NUM_CLIENTS), 0);
            held_broker_release_all(r->broker);
            rig_run(r);
            assert_int_equal(rig_subscribers(r, 0, "plain:a") + rig_subscribers(r, 0, "public:c"), 0);
            rig_free(r);
        }
    }
}

static void a_connect_that_the_broker_does_not_answer_ends_stale(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    held_broker_set(r->broker, HELD_CALLS);
    struct rig_client *c = connecting(r);
    rig_pass(r, 10001);
    rig_expect_closed(r, c, 3502);
    rig_free(r);
}

static void what_the_api_does_to_a_client_that_is_connecting_comes_after_the_answer(void **state)
{
    (void)state;
    static const struct {
        struct effect_request request;
        const char *after; /* NULL = closed */
        uint32_t affected;
    } acts[] = {
        { { .kind = EFFECT_UNSUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("plain:a") },
          "{\"push\":{\"channel\":\"plain:a\",\"unsubscribe\":{\"code\":2000,\"reason\":\"server unsubscribe\"}}}",
          1 },
        { { .kind = EFFECT_UNSUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("public:c") },
          "{\"push\":{\"channel\":\"public:c\",\"unsubscribe\":{\"code\":2000,\"reason\":\"server unsubscribe\"}}}",
          1 },
        { { .kind = EFFECT_REFRESH, .user = SLICE("ann"), .expire_at_s = RIG_NOW_S + 5 },
          "{\"push\":{\"refresh\":{\"expires\":true,\"ttl\":5}}}",
          1 },
        { { .kind = EFFECT_SUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("plain:d") },
          "{\"push\":{\"channel\":\"plain:d\",\"subscribe\":{}}}",
          1 },
        { { .kind = EFFECT_SUBSCRIBE, .user = SLICE("ann"), .channel = SLICE("plain:a") },
          "{\"push\":{\"channel\":\"plain:a\",\"subscribe\":{}}}",
          1 },
        { { .kind = EFFECT_DISCONNECT, .user = SLICE("ann"), .code = 4000, .reason = SLICE("x") }, NULL, 1 },
    };
    for (size_t a = 0; a < sizeof acts / sizeof acts[0]; a++) {
        for (size_t released = 0; released < 3; released++) {
            for (int goes = 0; goes < 2; goes++) {
                struct rig *r = rig_new(1, NULL);
                held_broker_set(r->broker, HELD_CALLS);
                struct rig_client *c = connecting(r);
                for (size_t i = 0; i < released; i++) held_broker_release(r->broker, 0);
                rig_run(r);
                assert_true(rig_effect(r, 0, &acts[a].request));
                rig_run(r);
                rig_expect(r, c, "");
                assert_int_equal(r->effects_done, acts[a].after ? 0 : 1);
                if (goes) rig_hang_up(r, c);
                while (held_broker_count(r->broker) > 0) {
                    held_broker_release_all(r->broker);
                    rig_run(r);
                }
                assert_int_equal(r->effects_done, 1);
                if (goes) {
                    assert_int_equal(r->affected, acts[a].after ? 0 : 1);
                } else if (acts[a].after) {
                    assert_int_equal(r->affected, acts[a].affected);
                    const char *got = rig_received(r, c);
                    assert_ptr_equal(strstr(got, "{\"id\":1,\"connect\":"), got);
                    const char *second = strchr(got, '\n');
                    assert_string_equal(second ? second + 1 : "", acts[a].after);
                    assert_int_equal(c->close_code, 0);
                } else {
                    rig_expect_closed(r, c, 4000);
                }
                rig_free(r);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_wait_for_the_one_before_them_and_are_answered_in_order),
        cmocka_unit_test(a_message_may_end_behind_a_pending_command_with_or_without_newline),
        cmocka_unit_test(publications_that_come_meanwhile_are_delivered_once_after_the_answer),
        cmocka_unit_test(what_the_answer_covers_is_not_delivered_again),
        cmocka_unit_test(too_many_publications_meanwhile_end_it_with_insufficient_state),
        cmocka_unit_test(another_epoch_meanwhile_is_insufficient_state),
        cmocka_unit_test(a_client_that_goes_leaves_no_subscriber_behind),
        cmocka_unit_test(a_client_may_go_with_any_kind_of_command_pending),
        cmocka_unit_test(a_subscription_that_the_api_ends_while_pending_leaves_nothing),
        cmocka_unit_test(a_connect_is_answered_when_its_last_subscription_is),
        cmocka_unit_test(a_client_may_go_at_each_step_of_connecting),
        cmocka_unit_test(a_connect_that_the_broker_does_not_answer_ends_stale),
        cmocka_unit_test(what_the_api_does_to_a_client_that_is_connecting_comes_after_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
