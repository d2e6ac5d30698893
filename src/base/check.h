/* check: a broken invariant of ours stops the process, also in release builds.
 * Never for bad input, a failed system call or a full queue. */
#ifndef XSHATHRA_BASE_CHECK_H
#define XSHATHRA_BASE_CHECK_H

#include <stddef.h>

#define CHECK(condition) (__builtin_expect(!!(condition), 1) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

/* Prints one line to stderr and aborts. */
void check_failed(const char *condition, const char *file, int line) __attribute__((noreturn, cold));

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
