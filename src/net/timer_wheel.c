#include "net/timer_wheel.h"

#define SLOT_BITS 8
#define SLOT_MASK (TIMER_SLOTS - 1)
/* A timer keeps the low 32 bits of its tick; what is ahead of now must fit in them. */
#define TICKS_AHEAD_MAX (UINT32_C(1) << 31)

_Static_assert(TIMER_SLOTS == 1 << SLOT_BITS, "a slot index is SLOT_BITS wide");

static struct list *slot_at(struct timer_wheel *w, unsigned level, uint64_t tick)
{
    return &w->slots_[level][(tick >> (SLOT_BITS * level)) & SLOT_MASK];
}

/* Whether this tick begins a slot of the level, so that its timers must be dealt out. */
static bool begins_slot(uint64_t tick, unsigned level)
{
    return (tick & ((UINT64_C(1) << (SLOT_BITS * level)) - 1)) == 0;
}

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms)
{
    *w = (struct timer_wheel){ .start_ms_ = now_ms };
    for (unsigned level = 0; level < TIMER_LEVELS; level++)
        for (unsigned i = 0; i < TIMER_SLOTS; i++) list_init(&w->slots_[level][i]);
}

void timer_init(struct net_timer *t, uint8_t kind)
{
    CHECK(kind < TIMER_KIND_MAX);
    *t = (struct net_timer){ .kind = kind };
    list_init(&t->link_);
}

bool timer_armed(const struct net_timer *t)
{
    return !list_empty(&t->link_);
}

/* Into the finest level that reaches t->tick_. What lies beyond the last one goes
 * into its farthest slot and is dealt out again from there. */
static void place(struct timer_wheel *w, struct net_timer *t)
{
    const uint32_t ahead = t->tick_ - (uint32_t)w->now_tick_;
    if (ahead < UINT32_C(1) << SLOT_BITS) {
        const uint32_t i = t->tick_ & SLOT_MASK;
        w->occupied_[i / 64] |= UINT64_C(1) << (i % 64);
        list_push_back(slot_at(w, 0, t->tick_), &t->link_);
    } else if (ahead < UINT32_C(1) << (2 * SLOT_BITS)) {
        list_push_back(slot_at(w, 1, t->tick_), &t->link_);
    } else if (ahead < UINT32_C(1) << (3 * SLOT_BITS)) {
        list_push_back(slot_at(w, 2, t->tick_), &t->link_);
    } else {
        list_push_back(slot_at(w, 2, w->now_tick_ + (SLOT_MASK << (2 * SLOT_BITS))), &t->link_);
    }
}

/* The last tick at or before a moment. */
static uint64_t tick_of(const struct timer_wheel *w, uint64_t ms)
{
    return ms <= w->start_ms_ ? 0 : (ms - w->start_ms_) / NET_TICK_MS;
}

void timer_arm(struct timer_wheel *w, struct net_timer *t, uint64_t due_ms)
{
    timer_disarm(w, t);
    const uint64_t base_ms = w->start_ms_ + w->now_tick_ * NET_TICK_MS;
    uint64_t ahead = 1;
    if (due_ms > base_ms) ahead = (due_ms - base_ms) / NET_TICK_MS + ((due_ms - base_ms) % NET_TICK_MS != 0);
    if (ahead > TICKS_AHEAD_MAX) ahead = TICKS_AHEAD_MAX;
    t->tick_ = (uint32_t)(w->now_tick_ + ahead);
    place(w, t);
    w->armed++;
}

void timer_disarm(struct timer_wheel *w, struct net_timer *t)
{
    if (!timer_armed(t)) return;
    list_remove(&t->link_);
    CHECK(w->armed > 0);
    w->armed--;
}

/* Deal out the slot of a higher level that begins at now_tick_. While now_tick_ stays
 * there, no new timer can land in that slot, so this may stop half-way and go on later. */
static bool deal_out(struct timer_wheel *w, unsigned level, uint32_t *budget)
{
    if (!begins_slot(w->now_tick_, level)) return true;
    struct list *slot = slot_at(w, level, w->now_tick_);
    while (!list_empty(slot)) {
        if (*budget == 0) return false;
        --*budget;
        place(w, LIST_ENTRY(list_pop_front(slot), struct net_timer, link_));
    }
    return true;
}

/* All of now_tick_'s work; false when the budget ended first. */
static bool work_off_tick(struct timer_wheel *w, uint32_t *budget)
{
    for (unsigned level = TIMER_LEVELS - 1; level > 0; level--)
        if (!deal_out(w, level, budget)) return false;
    struct list *slot = slot_at(w, 0, w->now_tick_);
    while (!list_empty(slot)) {
        if (*budget == 0) return false;
        --*budget;
        struct net_timer *t = LIST_ENTRY(list_pop_front(slot), struct net_timer, link_);
        w->armed--;
        CHECK(w->fire[t->kind] != NULL);
        w->fire[t->kind](t, w->context);
    }
    const uint64_t i = w->now_tick_ & SLOT_MASK;
    w->occupied_[i / 64] &= ~(UINT64_C(1) << (i % 64));
    return true;
}

/* Ticks from now_tick_ to the first one with a timer in level 0, TIMER_SLOTS when none. */
static uint32_t ticks_to_first(const struct timer_wheel *w)
{
    for (uint32_t ahead = 0; ahead < TIMER_SLOTS;) {
        const uint64_t i = (w->now_tick_ + ahead) & SLOT_MASK;
        const uint64_t bits = w->occupied_[i / 64] >> (i % 64);
        if (bits == 0) {
            ahead += 64 - (uint32_t)(i % 64);
            continue;
        }
        ahead += (uint32_t)__builtin_ctzll(bits);
        if (ahead >= TIMER_SLOTS) break;
        if (!list_empty(&w->slots_[0][(w->now_tick_ + ahead) & SLOT_MASK])) return ahead;
        ahead++;
    }
    return TIMER_SLOTS;
}

static bool deals_out_at(const struct timer_wheel *w, uint64_t tick)
{
    for (unsigned level = 1; level < TIMER_LEVELS; level++)
        if (begins_slot(tick, level) && !list_empty(&w->slots_[level][(tick >> (SLOT_BITS * level)) & SLOT_MASK]))
            return true;
    return false;
}

/* Ticks from now_tick_ to the first cascade with timers, at most ahead_max. */
static uint64_t ticks_to_cascade(const struct timer_wheel *w, uint64_t ahead_max)
{
    uint64_t ahead = (0 - w->now_tick_) & SLOT_MASK;
    while (ahead < ahead_max && !deals_out_at(w, w->now_tick_ + ahead)) ahead += TIMER_SLOTS;
    return ahead < ahead_max ? ahead : ahead_max;
}

/* Ticks from now_tick_ to the next that has work, at most ahead_max. */
static uint64_t ticks_to_work(const struct timer_wheel *w, uint64_t ahead_max)
{
    const uint32_t first = ticks_to_first(w);
    return ticks_to_cascade(w, first < TIMER_SLOTS && first < ahead_max ? first : ahead_max);
}

bool timer_wheel_advance(struct timer_wheel *w, uint64_t now_ms, uint32_t budget)
{
    const uint64_t target = tick_of(w, now_ms);
    while (work_off_tick(w, &budget)) {
        if (w->now_tick_ >= target) return false;
        w->now_tick_++;
        w->now_tick_ += w->armed > 0 ? ticks_to_work(w, target - w->now_tick_) : target - w->now_tick_;
    }
    return true;
}

uint32_t timer_wheel_wait_ms(const struct timer_wheel *w, uint64_t now_ms, uint32_t max_ms)
{
    if (w->armed == 0) return max_ms;
    const uint64_t base_ms = w->start_ms_ + w->now_tick_ * NET_TICK_MS;
    const uint64_t horizon_ms = now_ms > base_ms ? now_ms - base_ms + max_ms : max_ms;
    const uint64_t due_ms = base_ms + ticks_to_work(w, horizon_ms / NET_TICK_MS + 1) * NET_TICK_MS;
    if (due_ms <= now_ms) return 0;
    return due_ms - now_ms < max_ms ? (uint32_t)(due_ms - now_ms) : max_ms;
}
