#include "metrics/metrics_snapshot.h"

#include <pthread.h>

#include "base/mem.h"

struct metrics_snapshot {
    uint64_t interval_ms, due_ms;
    struct metrics *totals; /* at the end of the last interval; the ticking thread's */
    pthread_mutex_t lock;
    struct metrics *interval; /* under the lock; all 0 until the first is over */
};

struct metrics_snapshot *metrics_snapshot_new(uint64_t interval_ms, uint64_t now_ms)
{
    struct metrics_snapshot *s = mem_must_alloc_zero(sizeof *s);
    CHECK(interval_ms > 0);
    s->interval_ms = interval_ms;
    s->due_ms = now_ms + interval_ms;
    s->totals = metrics_new();
    s->interval = metrics_new();
    CHECK(pthread_mutex_init(&s->lock, NULL) == 0);
    return s;
}

void metrics_snapshot_free(struct metrics_snapshot *s)
{
    if (!s) return;
    pthread_mutex_destroy(&s->lock);
    metrics_free(s->totals);
    metrics_free(s->interval);
    mem_free(s);
}

static uint64_t sum(const struct metrics *const *sets, size_t set_count, size_t offset)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < set_count; i++)
        sum += atomic_load_explicit((_Atomic uint64_t *)((char *)(uintptr_t)sets[i] + offset), memory_order_relaxed);
    return sum;
}

static void put(_Atomic uint64_t *to, uint64_t value)
{
    atomic_store_explicit(to, value, memory_order_relaxed);
}

/* The difference of one number since the last time, which is remembered anew. */
static uint64_t since_last(_Atomic uint64_t *last, uint64_t now)
{
    const uint64_t before = atomic_load_explicit(last, memory_order_relaxed);
    put(last, now);
    return now - before;
}

static struct metrics *take_stock(struct metrics_snapshot *s, const struct metrics *const *sets, size_t set_count)
{
    struct metrics *m = mem_alloc_zero(sizeof *m);
    if (!m) return NULL;
    for (size_t i = 0; i < METRIC_SLOT_COUNT; i++) {
        const uint64_t now = sum(sets, set_count, offsetof(struct metrics, slots_) + i * sizeof m->slots_[0]);
        put(&m->slots_[i], metrics_is_gauge((unsigned)i) ? now : since_last(&s->totals->slots_[i], now));
    }
    for (size_t i = 0; i < METRIC_CELL_COUNT; i++) {
        const uint64_t now = sum(sets, set_count, offsetof(struct metrics, cells_) + i * sizeof m->cells_[0]);
        put(&m->cells_[i], since_last(&s->totals->cells_[i], now));
    }
    return m;
}

void metrics_snapshot_tick(struct metrics_snapshot *s, const struct metrics *const *sets, size_t set_count,
                           uint64_t now_ms)
{
    if (now_ms < s->due_ms) return;
    s->due_ms = now_ms + s->interval_ms;
    struct metrics *m = take_stock(s, sets, set_count);
    if (!m) return; /* the one before stays */
    pthread_mutex_lock(&s->lock);
    struct metrics *before = s->interval;
    s->interval = m;
    pthread_mutex_unlock(&s->lock);
    metrics_free(before);
}

void metrics_snapshot_write(struct metrics_snapshot *s, struct slice version, struct buf *out)
{
    pthread_mutex_lock(&s->lock);
    struct metrics *copy = (struct metrics *)(void *)mem_copy(slice_of((const char *)s->interval, sizeof *s->interval));
    pthread_mutex_unlock(&s->lock);
    if (copy) metrics_write((const struct metrics *const *)&copy, 1, version, out);
    mem_free(copy);
}

uint64_t metrics_snapshot_interval_ms(const struct metrics_snapshot *s)
{
    return s->interval_ms;
}
