/* load_histogram: times in fixed memory, each counted in a bucket that is at most 1/64 wide of its value, so that
 * percentiles of any number of samples are within 1.6 percent. Pure; one thread at a time.
 *
 * Use: struct load_histogram h = { 0 }; load_histogram_add(&h, ns); p99 = load_histogram_quantile(&h, 0.99); */
#ifndef XSHATHRA_LOAD_LOAD_HISTOGRAM_H
#define XSHATHRA_LOAD_LOAD_HISTOGRAM_H

#include <stdint.h>

#define LOAD_HISTOGRAM_STEPS   64 /* to a doubling */
#define LOAD_HISTOGRAM_BUCKETS ((64 - 5) * LOAD_HISTOGRAM_STEPS)

struct load_histogram {
    uint64_t counts_[LOAD_HISTOGRAM_BUCKETS];
    uint64_t count, max;
};

void load_histogram_add(struct load_histogram *h, uint64_t value);
/* The value below or at which the share q (0 to 1) of the samples lies; 0 without samples. */
uint64_t load_histogram_quantile(const struct load_histogram *h, double q);

#endif
