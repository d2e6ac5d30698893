/* memory_report: where the process's memory is, as metrics: bytes and things of each part (base/mem_part.h), of the
 * database, the program, whatever else the allocator gave, and what it keeps free; and what the kernel says they are
 * together.
 *
 * What is counted costs a sum over the threads. The allocator's own figures are asked for at most for a thousandth
 * of the time, for its lists of free blocks may be long after a peak; between that they are those of before.
 * memory_report_start() once, before threads; memory_report_write() on any thread, one at a time. */
#ifndef XSHATHRA_SERVER_MEMORY_REPORT_H
#define XSHATHRA_SERVER_MEMORY_REPORT_H

#include "base/buf.h"

/* How many there are of what people count; other parts tell how many blocks they have. */
struct memory_report_counts {
    uint64_t connections, subscriptions, channels, users;
};

void memory_report_start(void);
void memory_report_write(const struct memory_report_counts *counts, struct buf *out);

#endif
