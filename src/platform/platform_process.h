/* platform_process: numbers of this process as the kernel tells them, for metrics. Any
 * thread; a few system calls, not for the message path. What is not to be had is 0. */
#ifndef XSHATHRA_PLATFORM_PLATFORM_PROCESS_H
#define XSHATHRA_PLATFORM_PLATFORM_PROCESS_H

#include <stdint.h>

struct platform_process {
    double cpu_s;   /* used by all threads, in user and system mode */
    double start_s; /* Unix time */
    uint64_t open_files, open_files_max;
    uint64_t virtual_bytes, virtual_bytes_max, resident_bytes;
    uint64_t received_bytes, sent_bytes; /* of the network namespace */
};

void platform_process_read(struct platform_process *p);

#endif
