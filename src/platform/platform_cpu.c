#include "platform/platform_cpu.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

#define CGROUP_ROOT     "/sys/fs/cgroup"
#define CGROUP_FILE_MAX 16384
#define CPUS_MAX        65536u /* of machines that we look at; also bounds the mask */

static struct slice trim_line(struct slice s)
{
    while (s.len && s.ptr[s.len - 1] == '\n') s.len--;
    return slice_trim(s);
}

static unsigned cpus_of(struct slice quota_text, struct slice period_text)
{
    uint64_t quota, period;
    if (!slice_to_u64(quota_text, &quota) || !slice_to_u64(period_text, &period)) return PLATFORM_CPU_UNLIMITED;
    if (quota == 0 || period == 0) return PLATFORM_CPU_UNLIMITED;
    uint64_t cpus = quota / period + (quota % period != 0);
    return cpus > CPUS_MAX ? PLATFORM_CPU_UNLIMITED : (unsigned)cpus;
}

unsigned platform_cgroup2_cpus(struct slice cpu_max)
{
    struct slice text = trim_line(cpu_max);
    ptrdiff_t blank = slice_index(text, ' ');
    if (blank < 0) return PLATFORM_CPU_UNLIMITED;
    return cpus_of(slice_head(text, (size_t)blank), slice_trim(slice_from(text, (size_t)blank)));
}

unsigned platform_cgroup1_cpus(struct slice quota, struct slice period)
{
    return cpus_of(trim_line(quota), trim_line(period));
}

static struct slice cut(struct slice *rest, char separator)
{
    ptrdiff_t at = slice_index(*rest, separator);
    struct slice part = at < 0 ? *rest : slice_head(*rest, (size_t)at);
    *rest = at < 0 ? slice_from(*rest, rest->len) : slice_from(*rest, (size_t)at + 1);
    return part;
}

static bool lists(struct slice names, struct slice name)
{
    if (name.len == 0) return names.len == 0;
    while (names.len)
        if (slice_eq(cut(&names, ','), name)) return true;
    return false;
}

struct slice platform_cgroup_path(struct slice text, struct slice controller)
{
    while (text.len) {
        struct slice line = cut(&text, '\n');
        cut(&line, ':'); /* the hierarchy's number */
        struct slice names = cut(&line, ':');
        if (lists(names, controller) && slice_starts_with(line, SLICE("/"))) return line;
    }
    return (struct slice){ 0 };
}

static struct slice read_file(const char *path, char *room, size_t room_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return (struct slice){ 0 };
    ssize_t len = read(fd, room, room_len);
    close(fd);
    return slice_of(room, len > 0 ? (size_t)len : 0);
}

static struct slice read_group_file(const char *mount, struct slice group, const char *name, char *room, size_t len)
{
    char path[PATH_MAX];
    int path_len = snprintf(path, sizeof path, CGROUP_ROOT "%s%.*s/%s", mount, SLICE_ARG(group), name);
    if (path_len < 0 || (size_t)path_len >= sizeof path) return (struct slice){ 0 };
    return read_file(path, room, len);
}

static unsigned group_cpus(bool version2, struct slice group)
{
    char first[128], second[128];
    if (version2) return platform_cgroup2_cpus(read_group_file("", group, "cpu.max", first, sizeof first));
    return platform_cgroup1_cpus(read_group_file("/cpu", group, "cpu.cfs_quota_us", first, sizeof first),
                                 read_group_file("/cpu", group, "cpu.cfs_period_us", second, sizeof second));
}

static unsigned smaller(unsigned a, unsigned b)
{
    if (a == PLATFORM_CPU_UNLIMITED) return b;
    return b == PLATFORM_CPU_UNLIMITED || a < b ? a : b;
}

/* The group and all above it: each may have a quota. In a container the path may be
 * that of the host; then only the last step, the mount itself, is found. */
static unsigned hierarchy_cpus(bool version2, struct slice group)
{
    unsigned cpus = PLATFORM_CPU_UNLIMITED;
    while (group.len > 1) {
        cpus = smaller(cpus, group_cpus(version2, group));
        group = slice_head(group, (size_t)slice_last_index(group, '/'));
    }
    return smaller(cpus, group_cpus(version2, (struct slice){ 0 }));
}

static unsigned affinity_cpus(void)
{
    /* the kernel refuses a mask smaller than its own: grow it until it fits */
    for (unsigned cpus = 1024; cpus <= CPUS_MAX; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (set == NULL) return 1;
        size_t len = CPU_ALLOC_SIZE(cpus);
        bool ok = sched_getaffinity(0, len, set) == 0;
        int count = ok ? CPU_COUNT_S(len, set) : 0;
        CPU_FREE(set);
        if (ok) return count > 0 ? (unsigned)count : 1;
    }
    return 1;
}

unsigned platform_cpu_count(void)
{
    char *groups = mem_alloc(CGROUP_FILE_MAX);
    unsigned cpus = affinity_cpus();
    if (groups) {
        struct slice text = read_file("/proc/self/cgroup", groups, CGROUP_FILE_MAX);
        cpus = smaller(cpus, hierarchy_cpus(true, platform_cgroup_path(text, SLICE(""))));
        cpus = smaller(cpus, hierarchy_cpus(false, platform_cgroup_path(text, SLICE("cpu"))));
    }
    mem_free(groups);
    return cpus;
}
