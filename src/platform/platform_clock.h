/* platform_clock: the time. Any thread; cheap (no system call on Linux). */
#ifndef XSHATHRA_PLATFORM_PLATFORM_CLOCK_H
#define XSHATHRA_PLATFORM_PLATFORM_CLOCK_H

#include <stdint.h>

/* Since some moment before the process started: never goes back, the same on all
 * threads. Not the coarse clock: mixed with this one it would seem to go back. */
uint64_t platform_clock_ms(void);
uint64_t platform_clock_ns(void);
/* Since 1970, UTC; may jump when somebody sets the clock. */
uint64_t platform_wall_ms(void);

#endif
