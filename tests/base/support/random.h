/* random: a repeatable generator for the tests (xorshift64*). */
#ifndef XSHATHRA_TESTS_BASE_RANDOM_H
#define XSHATHRA_TESTS_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state; /* not zero */
};

static inline uint64_t random_next(struct random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545f4914f6cdd1du;
}

static inline uint32_t random_below(struct random *r, uint32_t bound)
{
    return (uint32_t)((random_next(r) >> 32) * bound >> 32);
}

#endif
