#include "load/load_histogram.h"

#include <math.h>

/* Below STEPS each value has a bucket; above, the leading bits after the first one choose it. */
static unsigned bucket_of(uint64_t value)
{
    if (value < LOAD_HISTOGRAM_STEPS) return (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - 6;
    return (shift + 1) * LOAD_HISTOGRAM_STEPS + (unsigned)(value >> shift) - LOAD_HISTOGRAM_STEPS;
}

/* The largest value of a bucket. */
static uint64_t top_of(unsigned bucket)
{
    if (bucket < LOAD_HISTOGRAM_STEPS) return bucket;
    unsigned shift = bucket / LOAD_HISTOGRAM_STEPS - 1;
    uint64_t low = (uint64_t)(bucket % LOAD_HISTOGRAM_STEPS + LOAD_HISTOGRAM_STEPS) << shift;
    return low + ((uint64_t)1 << shift) - 1;
}

void load_histogram_add(struct load_histogram *h, uint64_t value)
{
    h->counts_[bucket_of(value)]++;
    h->count++;
    if (value > h->max) h->max = value;
}

uint64_t load_histogram_quantile(const struct load_histogram *h, double q)
{
    uint64_t wanted = (uint64_t)ceil(q * (double)h->count), seen = 0;
    if (wanted == 0) wanted = 1;
    for (unsigned i = 0; h->count != 0 && i < LOAD_HISTOGRAM_BUCKETS; i++) {
        seen += h->counts_[i];
        if (seen >= wanted) return top_of(i) < h->max ? top_of(i) : h->max;
    }
    return h->max;
}
