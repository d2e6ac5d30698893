/* countdown: one answer when the last part is done. */
#include "base/support/cm.h"

#include <pthread.h>

#include "base/check.h"
#include "base/mem.h"
#include "mailbox/countdown.h"

#define PARTS 4

static void arrived(struct mail *mail, void *owner)
{
    struct countdown *c = container_of(mail, struct countdown, mail);
    uint32_t *affected = owner;
    *affected = c->affected;
    assert_int_equal(c->operation, 7);
    countdown_free(c);
}

struct desk {
    struct mailbox box;
    struct post_office office;
    uint32_t affected;
};

static void open_desk(struct desk *d)
{
    *d = (struct desk){ .affected = UINT32_MAX };
    assert_true(mailbox_init(&d->box, &d->affected, MAILBOX_LIMITS_DEFAULT));
    d->office.boxes[d->office.count++] = &d->box;
}

static void the_answer_comes_with_the_last_part_and_adds_up_the_effects(void **state)
{
    struct desk d;
    open_desk(&d);
    struct countdown *c = countdown_new(PARTS, &d.office, 0, arrived);
    assert_non_null(c);
    c->operation = 7;
    for (uint32_t i = 0; i < PARTS; i++) {
        assert_false(mailbox_drain(&d.box, 10));
        assert_int_equal(d.affected, UINT32_MAX);
        countdown_done(c, i, 1);
    }
    mailbox_drain(&d.box, 10);
    assert_int_equal(d.affected, 0 + 1 + 2 + 3);
    mailbox_deinit(&d.box);
}

static void a_sleeping_asker_is_woken(void **state)
{
    struct desk d;
    open_desk(&d);
    struct countdown *c = countdown_new(2, &d.office, 0, arrived);
    assert_non_null(c);
    c->operation = 7;
    assert_true(mailbox_sleep(&d.box));
    countdown_done(c, 1, 1);
    assert_int_equal(d.box.wakeups, 0);
    countdown_done(c, 1, 1);
    assert_int_equal(d.box.wakeups, 1);
    mailbox_awake(&d.box, true);
    mailbox_drain(&d.box, 1);
    assert_int_equal(d.affected, 2);
    mailbox_deinit(&d.box);
}

static void *do_part(void *context)
{
    countdown_done(context, 1, 1);
    return NULL;
}

static void parts_on_several_threads_answer_once(void **state)
{
    for (int round = 0; round < 200; round++) {
        struct desk d;
        pthread_t threads[PARTS];
        open_desk(&d);
        struct countdown *c = countdown_new(PARTS, &d.office, 0, arrived);
        assert_non_null(c);
        c->operation = 7;
        for (int i = 0; i < PARTS; i++) pthread_create(&threads[i], NULL, do_part, c);
        for (int i = 0; i < PARTS; i++) pthread_join(threads[i], NULL);
        assert_false(mailbox_drain(&d.box, 10));
        assert_int_equal(d.affected, PARTS);
        mailbox_deinit(&d.box);
    }
}

static void no_memory_gives_null(void **state)
{
    struct desk d;
    open_desk(&d);
    mem_fail_after(1);
    assert_null(countdown_new(1, &d.office, 0, arrived));
    mailbox_deinit(&d.box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_comes_with_the_last_part_and_adds_up_the_effects),
        cmocka_unit_test(a_sleeping_asker_is_woken),
        cmocka_unit_test(parts_on_several_threads_answer_once),
        cmocka_unit_test(no_memory_gives_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
