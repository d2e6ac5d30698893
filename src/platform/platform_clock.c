#include "platform/platform_clock.h"

#include <time.h>

#include "base/check.h"

static struct timespec now(clockid_t clock)
{
    struct timespec t;
    CHECK(clock_gettime(clock, &t) == 0);
    return t;
}

uint64_t platform_clock_ns(void)
{
    struct timespec t = now(CLOCK_MONOTONIC);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t platform_clock_ms(void)
{
    return platform_clock_ns() / 1000000u;
}

uint64_t platform_wall_ms(void)
{
    struct timespec t = now(CLOCK_REALTIME);
    return t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}
