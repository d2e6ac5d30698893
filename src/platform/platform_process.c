#include "platform/platform_process.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_LEN 8192

/* The line of a file of /proc that begins with this and is the last to do so. */
static bool read_line(const char *path, const char *begin, char line[static LINE_MAX_LEN])
{
    char next[LINE_MAX_LEN];
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file && fgets(next, sizeof next, file)) {
        if (strncmp(next, begin, strlen(begin)) != 0) continue;
        memcpy(line, next, sizeof next);
        found = true;
    }
    if (file) (void)fclose(file);
    return found;
}

/* Fields behind the name, which is in parentheses and may hold anything: proc_pid_stat(5), counted from 3. */
static void read_stat(struct platform_process *p)
{
    enum { FIRST = 3, USER = 14, SYSTEM, START = 22, VIRTUAL, RESIDENT, COUNT };
    char line[LINE_MAX_LEN], boot[LINE_MAX_LEN];
    uint64_t fields[COUNT] = { 0 };
    if (!read_line("/proc/self/stat", "", line)) return;
    char *at = strrchr(line, ')');
    if (!at) return;
    char *rest = NULL;
    at = strtok_r(at + 1, " ", &rest);
    for (int i = FIRST; at && i < COUNT; i++, at = strtok_r(NULL, " ", &rest)) fields[i] = strtoull(at, NULL, 10);
    const double per_second = (double)sysconf(_SC_CLK_TCK);
    p->cpu_s = (double)(fields[USER] + fields[SYSTEM]) / per_second;
    p->virtual_bytes = fields[VIRTUAL];
    p->resident_bytes = fields[RESIDENT] * (uint64_t)sysconf(_SC_PAGESIZE);
    if (read_line("/proc/stat", "btime ", boot))
        p->start_s = (double)strtoull(boot + strlen("btime "), NULL, 10) + (double)fields[START] / per_second;
}

/* Newer kernels tell the number as the folder's size; else somebody must count. */
static uint64_t count_open_files(void)
{
    struct stat folder;
    if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) return (uint64_t)folder.st_size;
    uint64_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) return 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count > 0 ? count - 1 : 0; /* one is the folder's own */
}

static uint64_t limit_of(int resource)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0) return 0;
    return limit.rlim_cur;
}

/* The names of the fields are in the line before, in the same order. */
static void read_network(struct platform_process *p)
{
    enum { IN_OCTETS = 6, OUT_OCTETS };
    char line[LINE_MAX_LEN], *rest = NULL;
    if (!read_line("/proc/self/net/netstat", "IpExt:", line)) return;
    const char *at = strtok_r(line + strlen("IpExt:"), " \n", &rest);
    for (int i = 0; at && i <= OUT_OCTETS; i++, at = strtok_r(NULL, " \n", &rest)) {
        if (i == IN_OCTETS) p->received_bytes = strtoull(at, NULL, 10);
        if (i == OUT_OCTETS) p->sent_bytes = strtoull(at, NULL, 10);
    }
}

void platform_process_read(struct platform_process *p)
{
    *p = (struct platform_process){ .open_files = count_open_files(),
                                    .open_files_max = limit_of(RLIMIT_NOFILE),
                                    .virtual_bytes_max = limit_of(RLIMIT_AS) };
    read_stat(p);
    read_network(p);
}
