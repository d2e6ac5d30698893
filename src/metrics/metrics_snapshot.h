/* metrics_snapshot: what the counters did in the last whole interval, for those who ask a
 * node how it is now (the server API's info). Counters and durations are differences,
 * gauges stand as they were at the interval's end.
 *
 * metrics_snapshot_tick() belongs to one thread; any thread may write the text. */
#ifndef XSHATHRA_METRICS_METRICS_SNAPSHOT_H
#define XSHATHRA_METRICS_METRICS_SNAPSHOT_H

#include "metrics/metrics.h"

struct metrics_snapshot;

/* interval_ms: at least 1. Stops the process when memory is out: for start-up. */
struct metrics_snapshot *metrics_snapshot_new(uint64_t interval_ms, uint64_t now_ms);
void metrics_snapshot_free(struct metrics_snapshot *s); /* accepts NULL */
/* Now and then: takes stock when the interval is over. */
void metrics_snapshot_tick(struct metrics_snapshot *s, const struct metrics *const *sets, size_t set_count,
                           uint64_t now_ms);
/* Appends the text of the last interval, as metrics_write() does: all 0 before the first is over,
 * as the reference shows it. Nothing when memory is out. */
void metrics_snapshot_write(struct metrics_snapshot *s, struct slice version, struct buf *out);
uint64_t metrics_snapshot_interval_ms(const struct metrics_snapshot *s);

#endif
