/* bench_fail: a measurement that cannot go on. One thread. */
#ifndef XSHATHRA_BENCH_FAIL_H
#define XSHATHRA_BENCH_FAIL_H

/* Prints "bench: ..." and ends the program with status 1; the server goes with it. */
void bench_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
