/* platform_memory: what the kernel and the C library say of the process's memory.
 * Source: proc(5), mallinfo(3). Any thread; nothing is allocated but for the first two files' reading. */
#ifndef XSHATHRA_PLATFORM_PLATFORM_MEMORY_H
#define XSHATHRA_PLATFORM_PLATFORM_MEMORY_H

#include <stdint.h>

struct platform_memory {
    uint64_t resident_bytes;
    uint64_t file_bytes; /* of these, pages of files: the program and its libraries */
};

/* Zeros where the kernel does not tell. Cheap: two counters. */
struct platform_memory platform_memory(void);

/* Resident pages of the program and its libraries that are the process's own: their data, and code that was
 * relocated. Reads all mappings; changes little after the start. */
uint64_t platform_memory_program_data(void);

struct platform_heap {
    uint64_t used_bytes; /* blocks that are taken, with their headers */
    uint64_t free_bytes; /* given back to the allocator, which keeps them */
};

/* Walks the allocator's lists of free blocks, an arena at a time and under its lock. Zeros under a sanitizer. */
struct platform_heap platform_heap(void);

#endif
