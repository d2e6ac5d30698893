#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "net/timer_wheel.h"

#define START_MS UINT64_C(1000007)
#define NO_LIMIT UINT32_MAX

/* A timer and the naive model beside it: the moment it is due, 0 = not armed. */
struct item {
    struct net_timer timer;
    uint64_t due_ms;
    uint64_t rearm_ms; /* armed again by its own fire for now + this */
    int fired;
};

static uint64_t now_ms;
static int fired_total;

static uint64_t first_tick_at(uint64_t due_ms)
{
    if (due_ms <= START_MS) return START_MS;
    return START_MS + (due_ms - START_MS + NET_TICK_MS - 1) / NET_TICK_MS * NET_TICK_MS;
}

static void on_fire(struct net_timer *timer, void *context)
{
    struct item *item = container_of(timer, struct item, timer);
    assert_false(timer_armed(timer));
    assert_true(item->due_ms != 0 && item->due_ms <= now_ms); /* never early, never when disarmed */
    item->fired++;
    fired_total++;
    item->due_ms = 0;
    if (item->rearm_ms) {
        item->due_ms = now_ms + item->rearm_ms;
        timer_arm(context, timer, item->due_ms);
    }
}

static void set_up(struct timer_wheel *w)
{
    now_ms = START_MS;
    fired_total = 0;
    timer_wheel_init(w, START_MS);
    w->fire[1] = on_fire;
    w->context = w;
}

static void fire_all(struct timer_wheel *w, uint64_t at_ms)
{
    now_ms = at_ms;
    while (timer_wheel_advance(w, now_ms, 7))
        ;
}

static struct timer_wheel wheel;

static void a_timer_fires_at_the_first_tick_at_or_after_its_time(void **state)
{
    static const uint64_t delays[] = { 0,         1,         49,        50,         51,         99,
                                       100,       12749,     12750,     12800,      12801,      25000,
                                       3276799,   3276800,   3276801,   3276850,    838860799,  838860800,
                                       838860801, 838860850, 900000000, 1900000000, 86400000000 };
    for (size_t i = 0; i < ARRAY_COUNT(delays); i++) {
        for (uint64_t lag = 0; lag < 3; lag++) {
            set_up(&wheel);
            struct item item = { .due_ms = START_MS + lag * 30000 + delays[i] };
            timer_init(&item.timer, 1);
            fire_all(&wheel, START_MS + lag * 30000);
            timer_arm(&wheel, &item.timer, item.due_ms);
            uint64_t tick = first_tick_at(item.due_ms);
            if (delays[i] == 0) tick += NET_TICK_MS; /* due at the tick already worked off */
            /* straight to just before, so that a long way is one call */
            fire_all(&wheel, tick - 1);
            assert_int_equal(item.fired, 0);
            fire_all(&wheel, tick);
            assert_int_equal(item.fired, 1);
            assert_int_equal(wheel.armed, 0);
        }
    }
}

static uint64_t random_delay(void)
{
    static const uint64_t ranges[] = { 40, 500, 13000, 60000, 3400000, 900000000 };
    return (uint64_t)rand() % ranges[(size_t)rand() % ARRAY_COUNT(ranges)];
}

static void random_step(struct item *item)
{
    if (rand() % 4 == 0) {
        timer_disarm(&wheel, &item->timer);
        item->due_ms = 0;
        return;
    }
    item->rearm_ms = rand() % 3 == 0 ? random_delay() : 0;
    item->due_ms = now_ms + random_delay();
    if (rand() % 10 == 0) item->due_ms = now_ms > 500 ? now_ms - 500 : 0;
    timer_arm(&wheel, &item->timer, item->due_ms);
}

static void the_wheel_agrees_with_a_naive_model(void **state)
{
    enum { ITEMS = 300, STEPS = 6000 };
    static struct item items[ITEMS];
    srand(5);
    set_up(&wheel);
    for (int i = 0; i < ITEMS; i++) {
        items[i] = (struct item){ 0 };
        timer_init(&items[i].timer, 1);
    }
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < 5; i++) random_step(&items[rand() % ITEMS]);
        const uint64_t before_ms = now_ms;
        fire_all(&wheel, now_ms + random_delay() / (rand() % 50 == 0 ? 1 : 200));
        uint32_t armed = 0;
        for (int i = 0; i < ITEMS; i++) {
            armed += items[i].due_ms != 0;
            assert_int_equal(timer_armed(&items[i].timer), items[i].due_ms != 0);
            /* nothing late: what is still armed lies at a later tick, or was armed in this very step */
            if (items[i].due_ms && items[i].due_ms > before_ms + NET_TICK_MS)
                assert_true(first_tick_at(items[i].due_ms) + NET_TICK_MS > now_ms);
        }
        assert_int_equal(armed, wheel.armed);
    }
    assert_true(fired_total > STEPS);
}

static void the_wait_ends_at_the_next_timer_or_before(void **state)
{
    srand(6);
    for (int round = 0; round < 3000; round++) {
        set_up(&wheel);
        fire_all(&wheel, START_MS + (uint64_t)rand() % 30000);
        assert_int_equal(timer_wheel_wait_ms(&wheel, now_ms, 777), 777);
        struct item item = { .due_ms = now_ms + 1 + random_delay() };
        timer_init(&item.timer, 1);
        timer_arm(&wheel, &item.timer, item.due_ms);
        int sleeps = 0;
        while (item.fired == 0) {
            const uint32_t wait_ms = timer_wheel_wait_ms(&wheel, now_ms, 2000000000);
            assert_true(now_ms + wait_ms < item.due_ms + NET_TICK_MS);
            assert_true(wait_ms > 0);
            fire_all(&wheel, now_ms + wait_ms);
            sleeps++;
        }
        assert_true(sleeps <= 4); /* at most one for each level, and one for what lies beyond the last */
    }
}

static void a_budget_spreads_a_crowd_over_many_calls(void **state)
{
    enum { CROWD = 5000, BUDGET = 100 };
    static struct item items[CROWD];
    set_up(&wheel);
    for (int i = 0; i < CROWD; i++) {
        items[i] = (struct item){ .due_ms = START_MS + 25600 }; /* a tick that begins a slot of level 1 */
        timer_init(&items[i].timer, 1);
        timer_arm(&wheel, &items[i].timer, items[i].due_ms);
    }
    now_ms = START_MS + 25599;
    assert_false(timer_wheel_advance(&wheel, now_ms, BUDGET));
    now_ms = START_MS + 25600;
    int calls = 1;
    for (int before = 0; timer_wheel_advance(&wheel, now_ms, BUDGET); before = fired_total, calls++) {
        assert_true(fired_total - before <= BUDGET);
        assert_int_equal(timer_wheel_wait_ms(&wheel, now_ms, 1000), 0);
    }
    assert_int_equal(fired_total, CROWD);
    assert_int_equal(calls, 2 * CROWD / BUDGET); /* each is dealt out once and fired once */
}

static struct item pair[2];

static void disarm_the_other(struct net_timer *timer, void *context)
{
    fired_total++;
    timer_disarm(context, &pair[timer == &pair[0].timer].timer);
}

static void a_timer_may_disarm_another_of_its_tick(void **state)
{
    set_up(&wheel);
    wheel.fire[2] = disarm_the_other;
    for (int i = 0; i < 2; i++) {
        timer_init(&pair[i].timer, 2);
        timer_arm(&wheel, &pair[i].timer, START_MS + 100);
    }
    fire_all(&wheel, START_MS + 1000);
    assert_int_equal(fired_total, 1);
    assert_int_equal(wheel.armed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_at_the_first_tick_at_or_after_its_time),
        cmocka_unit_test(the_wheel_agrees_with_a_naive_model),
        cmocka_unit_test(the_wait_ends_at_the_next_timer_or_before),
        cmocka_unit_test(a_budget_spreads_a_crowd_over_many_calls),
        cmocka_unit_test(a_timer_may_disarm_another_of_its_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
