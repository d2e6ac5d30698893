/* metrics: counters, gauges and histograms, one set per thread, and their
 * Prometheus text (exposition format 0.0.4).
 *
 * Use: metrics_add(m, METRIC_NODE_CLIENT_CONNECTION_LIMIT, 1);
 *      metrics_add(m, METRIC_AT1(NODE_ACTION_COUNT, METRIC_ACTION_ADD_CLIENT), 1);
 *      metrics_observe(m, METRIC_CLIENT_COMMAND_DURATION, METRIC_METHOD_PUBLISH, seconds);
 * What exists is in metrics_list.h.
 *
 * A set belongs to one thread: only that one adds, sets and observes, without a
 * lock or an allocation. Any thread may write the text of all sets: it sees each
 * number as it was a moment ago. */
#ifndef XSHATHRA_METRICS_METRICS_H
#define XSHATHRA_METRICS_METRICS_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/check.h"
#include "metrics/metrics_list.h"

/* METRIC_ACTION_ADD_CLIENT …, METRIC_COUNT_ACTION: the values of each label and their number. */
#define METRIC_VALUE_(kind, name, text)   METRIC_##kind##_##name,
#define METRIC_VALUES_(kind, label, list) enum { list(METRIC_VALUE_, kind) METRIC_COUNT_##kind };
METRIC_TEXT_LABEL_LIST(METRIC_VALUES_)

#define METRIC_ONE_MORE_(number) +1
enum {
    METRIC_COUNT_NONE = 1,
#define METRIC_CODE_COUNT_(kind, label, list) METRIC_COUNT_##kind = 1 list(METRIC_ONE_MORE_),
    METRIC_CODE_LABEL_LIST(METRIC_CODE_COUNT_)
#undef METRIC_CODE_COUNT_
};

/* Index of a code among its label's values; one that is not listed counts as "other". */
unsigned metrics_error_code(uint32_t code); /* for the labels ERROR_CODE and API_ERROR */
unsigned metrics_disconnect_code(uint32_t code);
unsigned metrics_unsubscribe_code(uint32_t code);
unsigned metrics_close_code(uint32_t code);

/* Each counter and gauge: its first slot. A slot is one series. */
enum metric {
#define METRIC_SLOTS_(id, type, name, a, b, c, constant, when, help)                                                   \
    METRIC_##id, METRIC_LAST_##id = METRIC_##id + METRIC_COUNT_##a * METRIC_COUNT_##b * METRIC_COUNT_##c - 1,
    METRIC_LIST(METRIC_SLOTS_)
#undef METRIC_SLOTS_
        METRIC_SLOT_COUNT
};

/* How far apart two values of the first and of the second label lie. */
enum {
#define METRIC_STRIDES_(id, type, name, a, b, c, constant, when, help)                                                 \
    METRIC_STRIDE_A_##id = METRIC_COUNT_##b * METRIC_COUNT_##c, METRIC_STRIDE_B_##id = METRIC_COUNT_##c,
    METRIC_LIST(METRIC_STRIDES_)
#undef METRIC_STRIDES_
};

/* The slot of a metric with one, two or three labels. */
#define METRIC_AT1(id, a)       ((unsigned)METRIC_##id + (unsigned)(a)*METRIC_STRIDE_A_##id)
#define METRIC_AT2(id, a, b)    (METRIC_AT1(id, a) + (unsigned)(b)*METRIC_STRIDE_B_##id)
#define METRIC_AT3(id, a, b, c) (METRIC_AT2(id, a, b) + (unsigned)(c))

enum metric_histogram {
#define METRIC_HISTOGRAM_(id, name, bounds, label, constant, form, help) METRIC_##id,
    METRIC_HISTOGRAM_LIST(METRIC_HISTOGRAM_)
#undef METRIC_HISTOGRAM_
        METRIC_HISTOGRAM_COUNT
};

/* A histogram's cells for one label value: one per bound, one for what is above all
 * bounds, and the sum in nanoseconds. */
enum {
#define METRIC_WIDTH_(id, name, bounds, label, constant, form, help) METRIC_WIDTH_##id = 2 bounds(METRIC_ONE_MORE_),
    METRIC_HISTOGRAM_LIST(METRIC_WIDTH_)
#undef METRIC_WIDTH_
};
enum {
#define METRIC_CELLS_(id, name, bounds, label, constant, form, help)                                                   \
    METRIC_CELL_##id, METRIC_CELL_LAST_##id = METRIC_CELL_##id + METRIC_COUNT_##label * METRIC_WIDTH_##id - 1,
    METRIC_HISTOGRAM_LIST(METRIC_CELLS_)
#undef METRIC_CELLS_
        METRIC_CELL_COUNT
};

#define METRICS_CACHE_LINE 64

/* Private; here so that metrics_add can be inline. The padding keeps two threads'
 * sets off one cache line. */
struct metrics {
    char before_[METRICS_CACHE_LINE];
    _Atomic uint64_t slots_[METRIC_SLOT_COUNT];
    _Atomic uint64_t cells_[METRIC_CELL_COUNT];
    char after_[METRICS_CACHE_LINE];
};

/* All zero; owned by the caller. Stops the process when memory is out: for start-up. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m); /* accepts NULL */

/* relaxed everywhere, and no read-modify-write: the owner is the only writer, and
 * no other data depends on a number. */
static inline void metrics_set(struct metrics *m, unsigned slot, uint64_t value)
{
    CHECK(slot < METRIC_SLOT_COUNT);
    atomic_store_explicit(&m->slots_[slot], value, memory_order_relaxed);
}

static inline void metrics_add(struct metrics *m, unsigned slot, uint64_t n)
{
    CHECK(slot < METRIC_SLOT_COUNT);
    uint64_t value = atomic_load_explicit(&m->slots_[slot], memory_order_relaxed);
    atomic_store_explicit(&m->slots_[slot], value + n, memory_order_relaxed);
}

/* For gauges. One set may go below zero when others make up for it. */
static inline void metrics_sub(struct metrics *m, unsigned slot, uint64_t n)
{
    metrics_add(m, slot, 0 - n);
}

/* label_value: of the histogram's label. Negative and undefined seconds count as 0. */
void metrics_observe(struct metrics *m, enum metric_histogram histogram, unsigned label_value, double seconds);

/* Does the slot belong to a gauge? Slow: walks all families. */
bool metrics_is_gauge(unsigned slot);

/* The sum of a slot over the sets, for those who show one number. */
int64_t metrics_sum(const struct metrics *const *sets, size_t set_count, unsigned slot);

/* Appends the text of all metrics, summed over the sets, and node_build with this
 * version. The caller checks buf_ok(). */
void metrics_write(const struct metrics *const *sets, size_t set_count, struct slice version, struct buf *out);

#endif
