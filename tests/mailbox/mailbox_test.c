/* mailbox: order, wake-ups, budget, lanes and pressure. */
#include "base/support/cm.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "mailbox/mailbox.h"

#define CALM ((struct mailbox_limits){ .high_bytes = 1000, .hard_bytes = 2000, .high_age_ms = 5000 })

struct letter {
    struct mail mail;
    uint32_t producer, number;
};

struct seen {
    uint32_t count;
    struct letter *letters[64];
};

static void remember(struct mail *mail, void *owner)
{
    struct seen *seen = owner;
    seen->letters[seen->count++] = container_of(mail, struct letter, mail);
}

static struct letter letter(uint32_t number, uint32_t cost)
{
    return (struct letter){ .mail = { .deliver = remember, .cost = cost }, .number = number };
}

static void mail_of_one_lane_comes_out_in_the_order_of_posting(void **state)
{
    struct seen seen = { 0 };
    struct mailbox box;
    struct letter letters[10];
    assert_true(mailbox_init(&box, &seen, CALM));
    for (uint32_t i = 0; i < 10; i++) {
        letters[i] = letter(i, 1);
        mailbox_post(&box, MAILBOX_WORK, &letters[i].mail, 1);
        if (i == 4) assert_true(mailbox_drain(&box, 3)); /* what was taken before stays first */
    }
    assert_false(mailbox_drain(&box, 100));
    assert_int_equal(seen.count, 10);
    for (uint32_t i = 0; i < 10; i++) assert_int_equal(seen.letters[i]->number, i);
    mailbox_deinit(&box);
}

static void the_control_lane_goes_first_even_past_work_already_taken(void **state)
{
    struct seen seen = { 0 };
    struct mailbox box;
    struct letter work[3], control[2];
    assert_true(mailbox_init(&box, &seen, CALM));
    for (uint32_t i = 0; i < 3; i++) {
        work[i] = letter(i, 1);
        mailbox_post(&box, MAILBOX_WORK, &work[i].mail, 1);
    }
    assert_true(mailbox_drain(&box, 1));
    for (uint32_t i = 0; i < 2; i++) {
        control[i] = letter(100 + i, 1);
        mailbox_post(&box, MAILBOX_CONTROL, &control[i].mail, 1);
    }
    assert_false(mailbox_drain(&box, 100));
    static const uint32_t expected[] = { 0, 100, 101, 1, 2 };
    assert_int_equal(seen.count, ARRAY_COUNT(expected));
    for (uint32_t i = 0; i < seen.count; i++) assert_int_equal(seen.letters[i]->number, expected[i]);
    mailbox_deinit(&box);
}

static void a_drain_delivers_at_most_its_budget_and_says_whether_more_waits(void **state)
{
    static const struct {
        uint32_t mails;
        size_t budget;
        uint32_t delivered;
        bool more;
    } cases[] = { { 0, 4, 0, false }, { 3, 4, 3, false }, { 4, 4, 4, false }, { 5, 4, 4, true }, { 5, 0, 0, true } };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct seen seen = { 0 };
        struct mailbox box;
        struct letter letters[8];
        assert_true(mailbox_init(&box, &seen, CALM));
        for (uint32_t k = 0; k < cases[i].mails; k++) {
            letters[k] = letter(k, 1);
            mailbox_post(&box, MAILBOX_WORK, &letters[k].mail, 1);
        }
        assert_int_equal(mailbox_drain(&box, cases[i].budget), cases[i].more);
        assert_int_equal(seen.count, cases[i].delivered);
        mailbox_deinit(&box);
    }
}

static void pressure_follows_the_bytes_at_both_marks(void **state)
{
    static const struct {
        uint32_t bytes;
        enum mailbox_pressure pressure;
    } cases[] = { { 999, MAILBOX_EASY }, { 1000, MAILBOX_HIGH }, { 1999, MAILBOX_HIGH }, { 2000, MAILBOX_FULL } };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct seen seen = { 0 };
        struct mailbox box;
        struct letter one = letter(1, cases[i].bytes);
        assert_true(mailbox_init(&box, &seen, CALM));
        assert_int_equal(mailbox_pressure(&box, 1), MAILBOX_EASY);
        mailbox_post(&box, MAILBOX_WORK, &one.mail, 1);
        assert_int_equal(mailbox_pressure(&box, 1), cases[i].pressure);
        mailbox_drain(&box, 10);
        assert_int_equal(mailbox_pressure(&box, 1), MAILBOX_EASY);
        mailbox_deinit(&box);
    }
}

static void a_backlog_that_is_not_emptied_for_long_is_high(void **state)
{
    struct seen seen = { 0 };
    struct mailbox box;
    struct letter first = letter(1, 1), second = letter(2, 1);
    assert_true(mailbox_init(&box, &seen, CALM));
    mailbox_post(&box, MAILBOX_WORK, &first.mail, 10001);
    mailbox_post(&box, MAILBOX_WORK, &second.mail, 12000);
    assert_int_equal(mailbox_pressure(&box, 15000), MAILBOX_EASY);
    assert_int_equal(mailbox_pressure(&box, 15001), MAILBOX_HIGH);
    mailbox_drain(&box, 1);
    assert_int_equal(mailbox_pressure(&box, 15001), MAILBOX_HIGH);
    mailbox_drain(&box, 1);
    assert_int_equal(mailbox_pressure(&box, 15001), MAILBOX_EASY);
    mailbox_deinit(&box);
}

static void a_drain_whose_budget_ends_with_the_last_mail_forgets_the_age(void **state)
{
    struct seen seen = { 0 };
    struct mailbox box;
    struct letter first = letter(1, 1), second = letter(2, 1);
    assert_true(mailbox_init(&box, &seen, CALM));
    mailbox_post(&box, MAILBOX_WORK, &first.mail, 10001);
    assert_false(mailbox_drain(&box, 1));
    mailbox_post(&box, MAILBOX_WORK, &second.mail, 60001);
    assert_int_equal(mailbox_pressure(&box, 60002), MAILBOX_EASY);
    assert_false(mailbox_drain(&box, 1));
    mailbox_deinit(&box);
}

static bool readable(int fd, int timeout_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, timeout_ms) == 1;
}

static void one_wake_up_is_sent_and_only_to_a_sleeper(void **state)
{
    struct seen seen = { 0 };
    struct mailbox box;
    struct letter one = letter(1, 1);
    assert_true(mailbox_init(&box, &seen, CALM));
    mailbox_wake(&box);
    assert_int_equal(box.wakeups, 0);
    assert_true(mailbox_sleep(&box));
    mailbox_post(&box, MAILBOX_WORK, &one.mail, 1);
    assert_false(readable(box.wake_fd, 0)); /* posting alone makes no system call */
    for (int i = 0; i < 5; i++) mailbox_wake(&box);
    assert_int_equal(box.wakeups, 1);
    assert_true(readable(box.wake_fd, 0));
    mailbox_awake(&box, true);
    assert_false(readable(box.wake_fd, 0));
    mailbox_wake(&box);
    assert_int_equal(box.wakeups, 1);
    assert_false(mailbox_sleep(&box)); /* the mail is still there */
    mailbox_wake(&box);
    assert_int_equal(box.wakeups, 1);
    mailbox_drain(&box, 1);
    mailbox_deinit(&box);
}

static void wakes_reach_each_target_once_and_are_then_forgotten(void **state)
{
    struct mailbox boxes[3];
    struct post_office office = { .count = 3 };
    struct mailbox_wakes wakes = { 0 };
    for (int i = 0; i < 3; i++) {
        assert_true(mailbox_init(&boxes[i], NULL, CALM));
        office.boxes[i] = &boxes[i];
        assert_true(mailbox_sleep(&boxes[i]));
    }
    mailbox_wakes_add(&wakes, 0);
    mailbox_wakes_add(&wakes, 2);
    mailbox_wakes_add(&wakes, 2);
    mailbox_wakes_send(&wakes, &office);
    mailbox_wakes_send(&wakes, &office);
    assert_int_equal(boxes[0].wakeups, 1);
    assert_int_equal(boxes[1].wakeups, 0);
    assert_int_equal(boxes[2].wakeups, 1);
    for (int i = 0; i < 3; i++) mailbox_deinit(&boxes[i]);
}

/* ---- threads ---- */

#define PRODUCERS 4
#define LETTERS   20000

struct race {
    struct mailbox box;
    atomic_uint ticket; /* the order of posts that do not overlap */
    uint32_t last[PRODUCERS];
    uint32_t received, out_of_order;
};

struct ticketed {
    struct mail mail;
    uint32_t producer, number;
    uint32_t before, after; /* the global ticket before and after posting */
};

struct producer {
    struct race *race;
    uint32_t index;
    struct ticketed *letters;
};

static void receive(struct mail *mail, void *owner)
{
    struct race *race = owner;
    struct ticketed *t = container_of(mail, struct ticketed, mail);
    if (t->number != race->last[t->producer]++) race->out_of_order++;
    race->received++;
}

static void *produce(void *context)
{
    struct producer *p = context;
    for (uint32_t i = 0; i < LETTERS; i++) {
        struct ticketed *t = &p->letters[i];
        *t = (struct ticketed){ .mail = { .deliver = receive, .cost = 10 }, .producer = p->index, .number = i };
        mailbox_post(&p->race->box, MAILBOX_WORK, &t->mail, 1);
        mailbox_wake(&p->race->box);
    }
    return NULL;
}

static void sleep_until_mail(struct mailbox *box)
{
    if (mailbox_sleep(box)) mailbox_awake(box, readable(box->wake_fd, 10000));
}

static void mail_of_four_producers_keeps_each_ones_order_and_none_is_lost(void **state)
{
    struct race *race = calloc(1, sizeof *race);
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    assert_true(mailbox_init(&race->box, race, CALM));
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){ race, i, calloc(LETTERS, sizeof(struct ticketed)) };
        pthread_create(&threads[i], NULL, produce, &producers[i]);
    }
    while (race->received < PRODUCERS * LETTERS) {
        uint32_t before = race->received;
        if (!mailbox_drain(&race->box, 256) && race->received == before) sleep_until_mail(&race->box);
    }
    for (int i = 0; i < PRODUCERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(race->out_of_order, 0);
    assert_false(mailbox_drain(&race->box, 1));
    assert_int_equal(race->box.backlog_bytes_, 0);
    for (int i = 0; i < PRODUCERS; i++) free(producers[i].letters);
    mailbox_deinit(&race->box);
    free(race);
}

/* Linearizable over producers: the tickets drawn before and after each post bound
 * its place, so a letter whose post had returned before another's began is first. */
struct history {
    struct race race;
    struct ticketed *order[PRODUCERS * LETTERS];
};

static void record(struct mail *mail, void *owner)
{
    struct history *history = owner;
    history->order[history->race.received++] = container_of(mail, struct ticketed, mail);
}

static void *produce_with_tickets(void *context)
{
    struct producer *p = context;
    for (uint32_t i = 0; i < LETTERS; i++) {
        struct ticketed *t = &p->letters[i];
        t->mail = (struct mail){ .deliver = record, .cost = 1 };
        t->before = atomic_fetch_add(&p->race->ticket, 1);
        mailbox_post(&p->race->box, MAILBOX_WORK, &t->mail, 1);
        /* written after the post: read only once this thread has ended */
        t->after = atomic_fetch_add(&p->race->ticket, 1);
    }
    return NULL;
}

static void a_post_that_returned_before_another_began_is_delivered_first(void **state)
{
    struct history *history = calloc(1, sizeof *history);
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    assert_true(mailbox_init(&history->race.box, history, CALM));
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){ &history->race, i, calloc(LETTERS, sizeof(struct ticketed)) };
        pthread_create(&threads[i], NULL, produce_with_tickets, &producers[i]);
    }
    while (history->race.received < PRODUCERS * LETTERS) mailbox_drain(&history->race.box, 256);
    for (int i = 0; i < PRODUCERS; i++) pthread_join(threads[i], NULL);
    uint32_t latest_begin = 0, wrong = 0;
    for (uint32_t i = 0; i < PRODUCERS * LETTERS; i++) {
        const struct ticketed *t = history->order[i];
        if (t->after < latest_begin) wrong++; /* ended before one that came out earlier had begun */
        if (t->before > latest_begin) latest_begin = t->before;
    }
    assert_int_equal(wrong, 0);
    for (int i = 0; i < PRODUCERS; i++) free(producers[i].letters);
    mailbox_deinit(&history->race.box);
    free(history);
}

#ifndef PING_PONG_ROUNDS
#define PING_PONG_ROUNDS 1000000
#endif

struct player {
    struct mailbox box;
    struct player *other;
    uint32_t rounds;
    bool lost;
};

static void hit_back(struct mail *mail, void *owner)
{
    struct player *p = owner;
    if (p->rounds == PING_PONG_ROUNDS / 2) return; /* the game is over */
    p->rounds++;
    mailbox_post(&p->other->box, MAILBOX_WORK, mail, 1);
    mailbox_wake(&p->other->box);
}

static void *play(void *context)
{
    struct player *p = context;
    while (p->rounds < PING_PONG_ROUNDS / 2 && !p->lost) {
        if (mailbox_drain(&p->box, 16) || !mailbox_sleep(&p->box)) continue;
        bool ready = readable(p->box.wake_fd, 10000);
        p->lost = !ready && p->rounds < PING_PONG_ROUNDS / 2;
        mailbox_awake(&p->box, ready);
    }
    return NULL;
}

static void a_ping_pong_of_a_million_loses_no_wake_up(void **state)
{
    struct player players[2] = { { .other = &players[1] }, { .other = &players[0] } };
    struct mail ball = { .deliver = hit_back, .cost = 1 };
    pthread_t other;
    for (int i = 0; i < 2; i++) assert_true(mailbox_init(&players[i].box, &players[i], CALM));
    mailbox_post(&players[0].box, MAILBOX_WORK, &ball, 1);
    pthread_create(&other, NULL, play, &players[1]);
    play(&players[0]);
    pthread_join(other, NULL);
    for (int i = 0; i < 2; i++) {
        assert_false(players[i].lost);
        assert_int_equal(players[i].rounds, PING_PONG_ROUNDS / 2);
        mailbox_deinit(&players[i].box);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_of_one_lane_comes_out_in_the_order_of_posting),
        cmocka_unit_test(the_control_lane_goes_first_even_past_work_already_taken),
        cmocka_unit_test(a_drain_delivers_at_most_its_budget_and_says_whether_more_waits),
        cmocka_unit_test(pressure_follows_the_bytes_at_both_marks),
        cmocka_unit_test(a_backlog_that_is_not_emptied_for_long_is_high),
        cmocka_unit_test(a_drain_whose_budget_ends_with_the_last_mail_forgets_the_age),
        cmocka_unit_test(one_wake_up_is_sent_and_only_to_a_sleeper),
        cmocka_unit_test(wakes_reach_each_target_once_and_are_then_forgotten),
        cmocka_unit_test(mail_of_four_producers_keeps_each_ones_order_and_none_is_lost),
        cmocka_unit_test(a_post_that_returned_before_another_began_is_delivered_first),
        cmocka_unit_test(a_ping_pong_of_a_million_loses_no_wake_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
