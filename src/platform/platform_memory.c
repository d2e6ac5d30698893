#include "platform/platform_memory.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LEN 512

struct platform_memory platform_memory(void)
{
    struct platform_memory m = { 0 };
    uint64_t resident, shared, page = (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return m;
    if (fscanf(file, "%*u %" SCNu64 " %" SCNu64, &resident, &shared) == 2)
        m = (struct platform_memory){ .resident_bytes = resident * page, .file_bytes = shared * page };
    fclose(file);
    return m;
}

/* "55d0-55d4 rw-p 00000000 fe:00 123 /usr/lib/x.so": does a mapping of a file begin? */
static bool begins_mapping(const char *line, bool *of_file)
{
    const char *dash = strchr(line, '-'), *colon = strchr(line, ':');
    if (!dash || !colon || dash > colon) return false;
    *of_file = strchr(line, '/') != NULL;
    return true;
}

uint64_t platform_memory_program_data(void)
{
    char line[LINE_MAX_LEN];
    uint64_t kilobytes = 0, n;
    bool of_file = false;
    FILE *file = fopen("/proc/self/smaps", "re");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        if (begins_mapping(line, &of_file)) continue;
        if (of_file && sscanf(line, "Anonymous: %" SCNu64, &n) == 1) kilobytes += n;
    }
    fclose(file);
    return kilobytes * 1024;
}

struct platform_heap platform_heap(void)
{
    struct mallinfo2 info = mallinfo2();
    return (struct platform_heap){ .used_bytes = info.uordblks + info.hblkhd, .free_bytes = info.fordblks };
}
