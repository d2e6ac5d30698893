/* Recovery, positions, gaps and epochs: rows HI-13, HI-14, HI-18 to HI-22, CP-69. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/support/engine_rig.h"

#include "base/mem.h"
#include "engine/position_check.h"

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

/* Brokers outside may not know the epoch of a stream that nothing was published to. */
static void a_subscription_without_an_epoch_takes_that_of_the_first_publication(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *a = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    rig_say(r, a, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
    rig_forget(r, a);
    struct hub_channel *channel = hub_channel_find(&r->workers[0].engine.hub, 0, SLICE("public:a"));
    memset(channel->epoch, 0, sizeof channel->epoch);
    mail(r, 100, 1, "first");
    rig_expect_part(r, a, "\"offset\":1");
    assert_string_equal(channel->epoch, "first");
    mail(r, 101, 2, "first");
    rig_expect_part(r, a, "\"offset\":2");
    mail(r, 102, 3, "second");
    rig_expect(r, a, LOST("public:a"));
    rig_free(r);
}

/* ---- the top of the stream ---- */

static void check_often(struct policy_deployment *d)
{
    d->limits.presence_update_interval_ms = 1000;
    d->limits.position_check_delay_ms = 2000;
    d->limits.ping_interval_ms = 0;
}

/* As if the last publication had never come to the worker. */
static void lose_one(struct rig *r, uint32_t worker)
{
    hub_channel_find(&r->workers[worker].engine.hub, 0, SLICE("public:a"))->offset--;
}

static int64_t asked(struct rig *r)
{
    /* the subscriptions of the pair asked, too */
    return rig_gauge(r, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_HISTORY_STREAM_TOP)) - 2;
}

static void tick_for(struct rig *r, uint64_t ms)
{
    for (uint64_t passed_ms = 0; passed_ms < ms; passed_ms += 500) {
        rig_pass(r, 500);
        for (uint32_t i = 0; i < r->office.count; i++) position_check_tick(&r->workers[i].engine);
        rig_run(r);
    }
}

struct pair {
    struct rig *r;
    struct rig_client *own, *server_side;
};

static struct pair positioned_pair(rig_policy_fn *change)
{
    struct pair p = { .r = rig_new(2, change) };
    p.own = rig_connected(p.r, 1, "{\"sub\":\"ann\"}");
    p.server_side = rig_connected(p.r, 1, "{\"sub\":\"bob\",\"channels\":[\"public:a\"]}");
    rig_say(p.r, p.own, "{\"id\":2,\"subscribe\":{\"channel\":\"public:a\"}}");
    rig_publish(p.r, 0, "public:a", "1");
    rig_run(p.r);
    rig_forget(p.r, p.own);
    rig_forget(p.r, p.server_side);
    return p;
}

static void a_silent_channel_is_compared_with_the_top_of_its_stream(void **state)
{
    (void)state;
    struct pair p = positioned_pair(check_often);
    tick_for(p.r, 2000);
    assert_int_equal(asked(p.r), 0); /* it was heard of not long ago */
    tick_for(p.r, 2000);
    assert_int_equal(asked(p.r), 1); /* once a channel, not once a subscriber */
    tick_for(p.r, 60000);
    rig_expect(p.r, p.own, "");
    lose_one(p.r, 1);
    tick_for(p.r, 12000);
    rig_expect(p.r, p.own, LOST("public:a"));
    rig_expect_closed(p.r, p.server_side, 3010);
    const int64_t before = asked(p.r);
    tick_for(p.r, 12000);
    assert_int_equal(asked(p.r), before); /* nobody is left to ask for */
    rig_free(p.r);
}

static void one_difference_is_only_a_doubt(void **state)
{
    (void)state;
    struct pair p = positioned_pair(check_often);
    for (int i = 0; i < 3; i++) {
        lose_one(p.r, 1);
        tick_for(p.r, 4000);
        hub_channel_find(&p.r->workers[1].engine.hub, 0, SLICE("public:a"))->offset++; /* it came after all */
        tick_for(p.r, 12000);
    }
    lose_one(p.r, 1);
    tick_for(p.r, 4000);
    hub_channel_find(&p.r->workers[1].engine.hub, 0, SLICE("public:a"))->offset++;
    rig_publish(p.r, 0, "public:a", "2");
    tick_for(p.r, 60000);
    rig_expect(p.r, p.own, PUSH("public:a", 2, 2));
    assert_int_equal(p.server_side->close_code, 0);
    rig_free(p.r);
}

static void a_broker_that_answers_late_or_not_at_all_is_asked_again(void **state)
{
    (void)state;
    struct pair p = positioned_pair(check_often);
    held_broker_set(p.r->broker, HELD_FAILING);
    lose_one(p.r, 1);
    tick_for(p.r, 30000);
    rig_expect(p.r, p.own, ""); /* a broker that cannot say proves nothing */
    held_broker_set(p.r->broker, HELD_ANSWERS);
    tick_for(p.r, 1000);
    assert_int_equal(held_broker_count(p.r->broker), 1);
    rig_expect(p.r, p.own, "");
    held_broker_release_all(p.r->broker);
    tick_for(p.r, 8000);
    held_broker_release_all(p.r->broker);
    rig_run(p.r);
    rig_expect(p.r, p.own, LOST("public:a"));
    tick_for(p.r, 8000);
    held_broker_set(p.r->broker, HELD_NOTHING);
    rig_free(p.r);
}

static void a_reliable_broker_is_not_asked(void **state)
{
    (void)state;
    struct pair p = positioned_pair(check_often);
    const struct broker_ops *ops = p.r->broker->ops;
    struct broker_ops reliable = *ops;
    reliable.delivers_reliably = true;
    p.r->broker->ops = &reliable;
    tick_for(p.r, 30000);
    assert_int_equal(asked(p.r), 0);
    p.r->broker->ops = ops;
    tick_for(p.r, 4000);
    assert_true(asked(p.r) > 0);
    rig_free(p.r);
}

static void lag_of_a_second(struct policy_deployment *d)
{
    d->limits.position_lag_max_ms = 1000;
}

static void a_publication_that_comes_too_late_ends_positioned_subscriptions(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct pair p = positioned_pair(lag_of_a_second);
        struct rig_client *plain =
            rig_connected(p.r, 1,
                          "{\"sub\":\"eve\",\"subs\":{\"public:a\":{\"override\":{\"force_recovery\":{\"value\":false},"
                          "\"force_positioning\":{\"value\":false}}}}}");
        rig_forget(p.r, plain);
        rig_publish(p.r, 0, "public:a", "2");
        for (uint32_t i = 0; i < 2; i++) p.r->workers[i].engine.wall_ms += late ? 1001 : 1000;
        rig_run(p.r);
        rig_expect(p.r, plain, PUSH("public:a", 2, 2));
        rig_expect(p.r, p.own, late ? LOST("public:a") : PUSH("public:a", 2, 2));
        assert_int_equal(p.server_side->close_code, late ? 3010 : 0);
        rig_free(p.r);
    }
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
        cmocka_unit_test(a_subscription_without_an_epoch_takes_that_of_the_first_publication),
        cmocka_unit_test(a_silent_channel_is_compared_with_the_top_of_its_stream),
        cmocka_unit_test(one_difference_is_only_a_doubt),
        cmocka_unit_test(a_broker_that_answers_late_or_not_at_all_is_asked_again),
        cmocka_unit_test(a_reliable_broker_is_not_asked),
        cmocka_unit_test(a_publication_that_comes_too_late_ends_positioned_subscriptions),
        cmocka_unit_test(a_gap_within_history_is_read_again_and_delivered_once),
        cmocka_unit_test(a_gap_beyond_history_is_insufficient_state),
        cmocka_unit_test(a_gap_gives_nothing_old_to_those_who_follow_no_position),
        cmocka_unit_test(a_gap_while_subscribing_is_insufficient_state_after_the_answer),
        cmocka_unit_test(a_broker_that_regains_late_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
