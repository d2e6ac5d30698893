/* The contract of every broker. Mailboxes above their water marks, gaps and regaining. */
#include "broker/support/contract_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#define SMALL_BOX ((struct mailbox_limits){ .high_bytes = 4000, .hard_bytes = 8000, .high_age_ms = 1u << 30 })

static void drop_mail(struct mail *mail, void *owner)
{
    free(mail);
}

static void load(struct rig *rig, uint32_t worker, uint32_t bytes)
{
    struct mail *mail = calloc(1, sizeof *mail);
    *mail = (struct mail){ .deliver = drop_mail, .cost = bytes };
    mailbox_post(&rig->workers[worker].box, MAILBOX_WORK, mail, rig->now_ms);
}

static void a_worker_above_high_water_refuses_publishes_before_an_offset_exists(void **state)
{
    CONTRACT_OPEN(rig, .workers = 3, .limits = SMALL_BOX);
    subscribe_plain(&rig, 0);
    subscribe_plain(&rig, 1);
    struct broker_publish publish = {
        .space = RIG_SPACE,
        .channel = CHANNEL,
        .content.data = SLICE("1"),
        .history = RIG_HISTORY(10),
        .idempotency_key = SLICE("k"),
    };
    load(&rig, 2, 100000); /* who does not subscribe does not matter */
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OK);
    publish.idempotency_key = SLICE("l");
    load(&rig, 1, 4000);
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OVERLOADED);
    assert_int_equal(rig_top(&rig, CHANNEL).offset, 1);
    load(&rig, 1, 100000);
    assert_int_equal(rig_publish(&rig, 0, &publish).status, STATUS_OVERLOADED);
    rig_drain(&rig, 1);
    struct broker_result result = rig_publish(&rig, 0, &publish); /* the refused key was not remembered */
    assert_int_equal(result.status, STATUS_OK);
    assert_false(result.publish.suppressed);
    assert_int_equal(result.publish.offset, 2);
    rig_close(&rig);
}

static void a_join_at_a_full_mailbox_becomes_one_gap_that_regaining_ends(void **state)
{
    CONTRACT_OPEN(rig, .workers = 2, .limits = SMALL_BOX);
    subscribe_plain(&rig, 0);
    subscribe_plain(&rig, 1);
    struct broker_publish join = { .space = RIG_SPACE,
                                   .channel = CHANNEL,
                                   .content = { .kind = PUBLICATION_JOIN, .info.client = SLICE("c") } };
    load(&rig, 1, 4000); /* high: joins still come */
    assert_int_equal(rig_publish(&rig, 0, &join).status, STATUS_OK);
    load(&rig, 1, 100000);
    for (int i = 0; i < 3; i++) assert_int_equal(rig_publish(&rig, 0, &join).status, STATUS_OK);
    rig_drain(&rig, 0);
    rig_drain(&rig, 1);
    assert_int_equal(rig.workers[0].event_count, 4);
    assert_int_equal(rig.workers[0].gap_count, 0);
    assert_int_equal(rig.workers[1].event_count, 1);
    assert_int_equal(rig.workers[1].gap_count, 1);
    assert_string_equal(rig.workers[1].gap_channel, "public:room");
    /* easy again, but not yet regained: what is published is read by the regain */
    for (int i = 0; i < 70; i++) {
        rig_store(&rig, CHANNEL, SLICE("1"), 100);
        rig_drain(&rig, 0);
    }
    rig_drain(&rig, 1);
    assert_int_equal(rig.workers[1].event_count, 1);
    struct broker_subscribe r = recovery(0, "", 300);
    struct broker_result result = rig_regain(&rig, 1, &r);
    assert_int_equal(result.status, STATUS_OK);
    assert_true(result.subscribe.recovered);
    assert_int_equal(result.subscribe.missed.count, 70);
    rig_store(&rig, CHANNEL, SLICE("1"), 100);
    rig_drain(&rig, 1);
    assert_int_equal(rig.workers[1].event_count, 2);
    assert_true(rig.workers[1].events[1]->seq > result.subscribe.seq);
    assert_int_equal(rig.workers[1].events[1]->offset, 71);
    broker_result_deinit(&result);
    rig_unsubscribe(&rig, 1, CHANNEL); /* regaining registered nobody */
    assert_int_equal(rig.broker->ops->channel_count(rig.broker), 1);
    result = rig_regain(&rig, 1, &r);
    assert_int_equal(result.status, STATUS_NOT_FOUND);
    broker_result_deinit(&result);
    rig_close(&rig);
}

static void who_leaves_and_comes_back_is_no_longer_gapped(void **state)
{
    CONTRACT_OPEN(rig, .workers = 2, .limits = SMALL_BOX);
    subscribe_plain(&rig, 0); /* keeps the channel alive */
    subscribe_plain(&rig, 1);
    struct broker_publish join = { .space = RIG_SPACE,
                                   .channel = CHANNEL,
                                   .content = { .kind = PUBLICATION_JOIN, .info.client = SLICE("c") } };
    load(&rig, 1, 100000);
    assert_int_equal(rig_publish(&rig, 0, &join).status, STATUS_OK);
    rig_unsubscribe(&rig, 1, CHANNEL);
    rig_drain(&rig, 1);
    assert_int_equal(rig.workers[1].gap_count, 1);
    subscribe_plain(&rig, 1);
    assert_int_equal(rig_publish(&rig, 0, &join).status, STATUS_OK);
    rig_drain(&rig, 1);
    assert_int_equal(rig.workers[1].event_count, 1);
    rig_close(&rig);
}

int contract_pressure_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_above_high_water_refuses_publishes_before_an_offset_exists),
        cmocka_unit_test(a_join_at_a_full_mailbox_becomes_one_gap_that_regaining_ends),
        cmocka_unit_test(who_leaves_and_comes_back_is_no_longer_gapped),
    };
    return _cmocka_run_group_tests(name, tests, ARRAY_COUNT(tests), NULL, NULL);
}
