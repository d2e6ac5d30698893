/* platform_cpu: how many processors this process may use: the affinity mask, cut by
 * the quota of its control groups (version 1 and 2). At start-up.
 *
 * The parsers are pure and take what the kernel's files hold; their result is a
 * number of processors, rounded up, or PLATFORM_CPU_UNLIMITED, also for text that is
 * not understood. */
#ifndef XSHATHRA_PLATFORM_PLATFORM_CPU_H
#define XSHATHRA_PLATFORM_PLATFORM_CPU_H

#include "base/slice.h"

#define PLATFORM_CPU_UNLIMITED 0u

/* At least 1. */
unsigned platform_cpu_count(void);

/* cpu.max: "max 100000" or "150000 100000". */
unsigned platform_cgroup2_cpus(struct slice cpu_max);
/* cpu.cfs_quota_us ("-1" or microseconds) and cpu.cfs_period_us. */
unsigned platform_cgroup1_cpus(struct slice quota, struct slice period);

/* The group's path in /proc/self/cgroup, borrowed from text: controller "" is the line
 * of version 2 ("0::/a/b"), "cpu" the version 1 line that lists it ("4:cpu,cpuacct:/a").
 * Empty when there is none. */
struct slice platform_cgroup_path(struct slice text, struct slice controller);

#endif
