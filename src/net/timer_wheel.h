/* timer_wheel: one coarse wheel per loop for the many deadlines that nobody needs
 * to the millisecond: pings, expiry, time-outs. A timer is 24 bytes in its owner's
 * object. Resolution NET_TICK_MS; a timer never fires early. One thread.
 *
 * Three levels of 256 slots: level 0 has one slot per tick, level 1 one per 256
 * ticks, level 2 one per 65,536. When time reaches a slot of a higher level its
 * timers are dealt out to the level below, each by its exact tick. */
#ifndef XSHATHRA_NET_TIMER_WHEEL_H
#define XSHATHRA_NET_TIMER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define NET_TICK_MS 50

struct net_timer {
    struct list link_;
    uint32_t tick_;
    uint8_t kind; /* index into timer_wheel.fire */
};

#define TIMER_KIND_MAX 8
#define TIMER_LEVELS   3
#define TIMER_SLOTS    256

struct timer_wheel {
    struct list slots_[TIMER_LEVELS][TIMER_SLOTS];
    uint64_t occupied_[TIMER_SLOTS / 64]; /* of level 0; a bit may be set for an empty slot, never the reverse */
    uint64_t now_tick_;                   /* the tick being worked on, or the last one worked off */
    uint64_t start_ms_;
    uint32_t armed; /* read only */
    /* One function per kind of timer; set before use. It may arm the timer again,
     * and arm or disarm any other. Armed for the past, it fires at the next tick. */
    void (*fire[TIMER_KIND_MAX])(struct net_timer *timer, void *context);
    void *context;
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms);
void timer_init(struct net_timer *t, uint8_t kind);
/* Arm (or move) to the first tick at or after due_ms; far deadlines are kept exact by
 * cascading. Deadlines more than about three years away are brought down to that. */
void timer_arm(struct timer_wheel *w, struct net_timer *t, uint64_t due_ms);
void timer_disarm(struct timer_wheel *w, struct net_timer *t); /* no-op when not armed */
bool timer_armed(const struct net_timer *t);
/* Fire what is due, in no promised order within one tick. At most budget timers are
 * fired or dealt out; true = more are due, call again. */
bool timer_wheel_advance(struct timer_wheel *w, uint64_t now_ms, uint32_t budget);
/* Milliseconds until the next occupied tick (or the next cascade that has timers),
 * capped at max_ms; max_ms when none. */
uint32_t timer_wheel_wait_ms(const struct timer_wheel *w, uint64_t now_ms, uint32_t max_ms);

#endif
