/* Recovery, positions, gaps and epochs: rows HI-13, HI-14, HI-18 to HI-22, CP-69. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/support/engine_rig.h"

#include "base/mem.h"

#define PUSH(channel, data, at)                                                                                        \
    "{\"push\":{\"channel\":\"" channel "\",\"pub\":{\"data\":" #data ",\"offset\":" #at "}}}"
#define FIRST(channel, data)                                                                                           \
    "{\"push\":{\"channel\":\"" channel "\",\"pub\":{\"data\":" #data ",\"offset\":1,\"epoch\":\"E0\"}}}"
#define LOST(channel)                                                                                                  \
    "{\"push\":{\"channel\":\"" channel "\",\"unsubscribe\":{\"code\":2500,\"reason\":\"insufficient state\"}}}"

/* Seven publications in a history of five: 3 to 7 are there. At most four are recovered. */
static const struct recovery_row {
    const char *name, *request, *result;
} rows[] = {
    { "everything missed is there", "\"recover\":true,\"offset\":5,\"epoch\":\"$E0\"",
      "\"publications\":[{\"data\":6,\"offset\":6},{\"data\":7,\"offset\":7}],\"recovered\":true,\"offset\":5,"
      "\"positioned\":true,\"was_recovering\":true" },
    { "nothing was missed", "\"recover\":true,\"offset\":7,\"epoch\":\"$E0\"",
      "\"recovered\":true,\"offset\":7,\"positioned\":true,\"was_recovering\":true" },
    { "as much as may be recovered", "\"recover\":true,\"offset\":3,\"epoch\":\"$E0\"",
      "\"publications\":[{\"data\":4,\"offset\":4},{\"data\":5,\"offset\":5},{\"data\":6,\"offset\":6},{\"data\":7,"
      "\"offset\":7}],\"recovered\":true,\"offset\":3,\"positioned\":true,\"was_recovering\":true" },
    { "one more than may be recovered", "\"recover\":true,\"offset\":2,\"epoch\":\"$E0\"",
      "\"offset\":7,\"positioned\":true,\"was_recovering\":true" },
    { "the range has gone", "\"recover\":true,\"offset\":1,\"epoch\":\"$E0\"",
      "\"offset\":7,\"positioned\":true,\"was_recovering\":true" },
    { "no position at all", "\"recover\":true", "\"offset\":7,\"positioned\":true,\"was_recovering\":true" },
    { "an offset that is still to come", "\"recover\":true,\"offset\":8,\"epoch\":\"$E0\"",
      "\"offset\":7,\"positioned\":true,\"was_recovering\":true" },
    { "another epoch", "\"recover\":true,\"offset\":6,\"epoch\":\"abcd\"",
      "\"offset\":7,\"positioned\":true,\"was_recovering\":true" },
    { "an epoch longer than any", "\"recover\":true,\"offset\":6,\"epoch\":\"$E0abcdefghijklmnopq\"",
      "\"offset\":7,\"positioned\":true,\"was_recovering\":true" },
    { "no epoch", "\"recover\":true,\"offset\":6",
      "\"publications\":[{\"data\":7,\"offset\":7}],\"recovered\":true,\"offset\":6,\"positioned\":true,"
      "\"was_recovering\":true" },
    { "not asked for", "\"offset\":6,\"epoch\":\"$E0\"", "\"offset\":7,\"positioned\":true" },
};

static struct rig *rig_with_seven(struct rig_client **watcher)
{
    struct rig *r = rig_new(2, NULL);
    *watcher = rig_connected(r, 0, "{\"sub\":\"watcher\",\"channels\":[\"public:a\"]}");
    for (int i = 1; i <= 7; i++) {
        char data[16];
        (void)snprintf(data, sizeof data, "%d", i);
        rig_publish(r, 0, "public:a", data);
    }
    rig_run(r);
    rig_forget(r, *watcher);
    return r;
}

static void recovered_is_told_honestly_in_every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (uint32_t worker = 0; worker < 2; worker++) {
            for (int strict = 0; strict < 2; strict++) {
                print_message("  %s%s\n", rows[i].name, strict ? ", strictly" : "");
                struct rig_client *watcher;
                struct rig *r = rig_with_seven(&watcher);
                struct rig_client *c = rig_connected(r, worker, "{\"sub\":\"ann\"}");
                rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\",%s%s}}", rows[i].request,
                        strict ? ",\"flag\":2" : "");
                rig_publish(r, 0, "public:a", "8");
                rig_run(r);
                bool refused = strict && strstr(rows[i].request, "recover") && !strstr(rows[i].result, "recovered");
                char text[1024];
                if (refused) {
                    (void)snprintf(text, sizeof text,
                                   "{\"id\":2,\"error\":{\"code\":112,\"message\":\"unrecoverable position\"}}");
                } else {
                    (void)snprintf(
                        text, sizeof text,
                        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",%s}}\n" PUSH("public:a", 8, 8),
                        rows[i].result);
                }
                rig_expect(r, c, text);
                assert_int_equal(rig_subscribers(r, 0, "public:a"), refused ? 1 : 2);
                rig_expect(r, watcher, PUSH("public:a", 8, 8));
                rig_free(r);
            }
        }
    }
}

static void recovery_of_a_stream_that_never_was_is_recovered_at_zero(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\",\"recover\":true}}");
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"recovered\":true,\"positioned\":true,"
               "\"was_recovering\":true}}");
    rig_publish(r, 0, "public:a", "1");
    rig_run(r);
    rig_expect(r, c, FIRST("public:a", 1));
    rig_free(r);
}

/* ---- what comes to a worker ---- */

static void mail(struct rig *r, uint64_t seq, uint64_t offset, const char *epoch)
{
    struct publication_content content = { .data = SLICE("9"), .data_is_json = true };
    struct publication *p = publication_new(1, 0, SLICE("public:a"), &content);
    assert_non_null(p);
    p->seq = seq;
    p->offset = offset;
    if (epoch) (void)snprintf(p->epoch, sizeof p->epoch, "%s", epoch);
    p->mails[0].mail = (struct mail){ .deliver = engine_deliver_publication };
    p->mails[0].publication = p;
    mailbox_post(&r->boxes[0], MAILBOX_WORK, &p->mails[0].mail, r->now_ms);
    rig_run(r);
}

static void a_jump_ends_positioned_subscriptions_and_no_others(void **state)
{
    (void)state;
    static const struct {
        uint64_t offset; /* after 1 */
        const char *epoch;
        bool lost;
    } jumps[] = {
        { 2, NULL, false }, { 3, NULL, true }, { 2, "other", true }, { 1, "other", true }, { 0, NULL, false }
    };
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        struct rig *r = rig_new(1, NULL);
        struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
        struct rig_client *b = rig_connected(r, 0, "{\"sub\":\"bob\",\"channels\":[\"public:a\"]}");
        struct rig_client *plain =
            rig_connected(r, 0,
                          "{\"sub\":\"eve\",\"subs\":{\"public:a\":{\"override\":{\"force_recovery\":{\"value\":false},"
                          "\"force_positioning\":{\"value\":false}}}}}");
        rig_say(r, a, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
        rig_publish(r, 0, "public:a", "1");
        rig_run(r);
        rig_expect_part(r, a, "\n" FIRST("public:a", 1));
        rig_forget(r, b);
        rig_forget(r, plain);
        const char *epoch = jumps[i].epoch ? jumps[i].epoch : r->epochs[0];
        mail(r, 1000, jumps[i].offset, epoch);
        assert_non_null(strstr(rig_received(r, plain), "\"pub\":{\"data\":9"));
        if (jumps[i].lost) {
            rig_expect(r, a, LOST("public:a"));
            rig_expect_closed(r, b, 3010);
            assert_int_equal(rig_subscribers(r, 0, "public:a"), 1);
        } else {
            rig_expect_part(r, a, "\"pub\":{\"data\":9");
            rig_expect_part(r, b, "\"pub\":{\"data\":9");
        }
        rig_free(r);
    }
}

static void the_last_subscription_may_go_while_a_publication_is_delivered(void **state)
{
    (void)state;
    for (int subscribers = 1; subscribers < 4; subscribers++) {
        struct rig *r = rig_new(1, NULL);
        struct rig_client *c[4];
        for (int i = 0; i < subscribers; i++) {
            c[i] = rig_connected(r, 0, "{\"sub\":\"ann\"}");
            rig_say(r, c[i], "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
            rig_forget(r, c[i]);
        }
        mail(r, 1000, 9, "other");
        for (int i = 0; i < subscribers; i++) rig_expect(r, c[i], LOST("public:a"));
        assert_int_equal(rig_subscribers(r, 0, "public:a"), 0);
        rig_free(r);
    }
}

static void an_answer_with_a_new_epoch_ends_older_subscriptions(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    struct rig_client *b = rig_connected(r, 0, "{\"sub\":\"bob\",\"channels\":[\"public:a\"]}");
    rig_say(r, a, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
    rig_publish(r, 0, "public:a", "1");
    rig_run(r);
    rig_forget(r, a);
    rig_forget(r, b);
    /* the worker believes in another stream than the broker has */
    struct hub_channel *channel = hub_channel_find(&r->workers[0].engine.hub, 0, SLICE("public:a"));
    memcpy(channel->epoch, "other", 6);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"eve\"}");
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
    rig_expect(r, a, LOST("public:a"));
    rig_expect_closed(r, b, 3010);
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"offset\":1,\"positioned\":true}}");
    rig_publish(r, 0, "public:a", "2");
    rig_run(r);
    rig_expect(r, c, PUSH("public:a", 2, 2));
    rig_free(r);
}

/* ---- a mailbox that is full ---- */

static void nothing(struct mail *mail, void *owner)
{
    (void)mail, (void)owner;
}

/* Worker 1 is told of a gap in the channel, and of nothing more until it works. */
static void begin_gap(struct rig *r, const char *channel)
{
    static struct mail filler;
    filler = (struct mail){ .deliver = nothing, .cost = 100 };
    mailbox_post(&r->boxes[1], MAILBOX_WORK, &filler, r->now_ms);
    r->boxes[1].limits.high_bytes = r->boxes[1].limits.hard_bytes = 1;
    struct broker_context context = engine_broker_context(&r->workers[0].engine);
    struct broker_publish join = { .channel = slice_from_cstr(channel),
                                   .content = { .kind = PUBLICATION_JOIN, .has_info = true },
                                   .skip_history = true };
    struct broker_result result = { 0 };
    struct broker_ticket nobody = { .handle = { .worker = 0 } };
    assert_int_equal(r->broker->ops->publish(r->broker, &context, &join, nobody, &result), BROKER_DONE);
    assert_int_equal(result.status, STATUS_OK);
    r->boxes[1].limits = MAILBOX_LIMITS_DEFAULT;
}

static void publish_many(struct rig *r, int first, int last)
{
    for (int i = first; i <= last; i++) {
        char data[16];
        (void)snprintf(data, sizeof data, "%d", i);
        rig_publish(r, 0, "public:a", data);
    }
}

static void a_gap_within_history_is_read_again_and_delivered_once(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    rig_say(r, a, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
    rig_forget(r, a);
    publish_many(r, 1, 4);
    rig_run(r);
    rig_expect(
        r, a, FIRST("public:a", 1) "\n" PUSH("public:a", 2, 2) "\n" PUSH("public:a", 3, 3) "\n" PUSH("public:a", 4, 4));
    publish_many(r, 5, 6); /* in the mailbox, which the mark of the gap overtakes */
    begin_gap(r, "public:a");
    publish_many(r, 7, 8);
    rig_run(r);
    publish_many(r, 9, 9);
    rig_run(r);
    rig_expect(r, a,
               PUSH("public:a", 5, 5) "\n" PUSH("public:a", 6, 6) "\n" PUSH("public:a", 7, 7) "\n" PUSH(
                   "public:a", 8, 8) "\n" PUSH("public:a", 9, 9));
    assert_int_equal(a->close_code, 0);
    rig_free(r);
}

static void a_gap_beyond_history_is_insufficient_state(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    struct rig_client *b = rig_connected(r, 1, "{\"sub\":\"bob\",\"channels\":[\"public:a\"]}");
    rig_say(r, a, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
    rig_forget(r, a);
    publish_many(r, 1, 3);
    rig_run(r);
    rig_forget(r, a);
    begin_gap(r, "public:a");
    publish_many(r, 4, 30);
    rig_run(r);
    rig_expect(r, a, LOST("public:a"));
    rig_expect_closed(r, b, 3010);
    assert_int_equal(rig_subscribers(r, 0, "public:a"), 0);
    rig_say(r, a, "{\"id\":3,\"subscribe\":{\"channel\":\"public:a\"}}");
    publish_many(r, 31, 31);
    rig_run(r);
    rig_expect(
        r, a,
        "{\"id\":3,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"offset\":30,\"positioned\":true}}\n" PUSH(
            "public:a", 31, 31));
    rig_free(r);
}

static void a_gap_gives_nothing_old_to_those_who_follow_no_position(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    rig_publish(r, 0, "open:a", "0");
    struct rig_client *a = rig_connected(r, 1, "{\"sub\":\"ann\",\"channels\":[\"open:a\"]}");
    rig_publish(r, 0, "open:a", "1");
    rig_run(r); /* delivered: not to come again */
    begin_gap(r, "open:a");
    rig_publish(r, 0, "open:a", "1");
    rig_run(r);
    rig_publish(r, 0, "open:a", "2");
    rig_run(r);
    const char *got = rig_received(r, a);
    assert_null(strstr(got, "\"data\":0"));
    uint64_t before = 0;
    for (const char *at = got; (at = strstr(at, "\"offset\":")) != NULL; at++) {
        uint64_t offset = strtoull(at + 9, NULL, 10);
        if (offset <= before) fail_msg("offset %llu comes again: %s", (unsigned long long)offset, got);
        before = offset;
    }
    assert_int_equal(before, 4);
    assert_int_equal(a->close_code, 0);
    rig_free(r);
}

static void a_gap_while_subscribing_is_insufficient_state_after_the_answer(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    held_broker_set(r->broker, HELD_ANSWERS);
    rig_say(r, a, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
    held_broker_set(r->broker, HELD_NOTHING);
    begin_gap(r, "public:a");
    publish_many(r, 1, 2);
    rig_run(r);
    held_broker_release_all(r->broker);
    rig_run(r);
    rig_expect(
        r, a,
        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"positioned\":true}}\n" LOST("public:a"));
    rig_free(r);
}

static void a_broker_that_regains_late_is_not_believed(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_connected(r, 1, "{\"sub\":\"ann\"}");
    rig_say(r, a, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
    rig_forget(r, a);
    held_broker_set(r->broker, HELD_CALLS);
    begin_gap(r, "public:a");
    publish_many(r, 1, 2);
    rig_run(r);
    held_broker_release_all(r->broker);
    rig_run(r);
    rig_expect(r, a, LOST("public:a"));
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recovered_is_told_honestly_in_every_case),
        cmocka_unit_test(recovery_of_a_stream_that_never_was_is_recovered_at_zero),
        cmocka_unit_test(a_jump_ends_positioned_subscriptions_and_no_others),
        cmocka_unit_test(the_last_subscription_may_go_while_a_publication_is_delivered),
        cmocka_unit_test(an_answer_with_a_new_epoch_ends_older_subscriptions),
        cmocka_unit_test(a_gap_within_history_is_read_again_and_delivered_once),
        cmocka_unit_test(a_gap_beyond_history_is_insufficient_state),
        cmocka_unit_test(a_gap_gives_nothing_old_to_those_who_follow_no_position),
        cmocka_unit_test(a_gap_while_subscribing_is_insufficient_state_after_the_answer),
        cmocka_unit_test(a_broker_that_regains_late_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
