/* log_sink: where log lines go: formatted by the thread that logs, put into a bounded
 * ring, written by a thread of its own. A blocked stderr blocks nobody: lines that
 * find the ring full are dropped and counted, and the count is logged. */
#ifndef XSHATHRA_SERVER_LOG_SINK_H
#define XSHATHRA_SERVER_LOG_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* file "" = standard error. json: JSON lines, else text for people. False: the file
 * cannot be opened (errno). Installs itself as the sink of base/log.h. */
bool log_sink_start(const char *file, bool json);
/* Writes what is left (for at most a second) and ends the thread. */
void log_sink_stop(void);

/* Memory of its two rings: as asked of the allocator, and as lines have ever filled them. Any thread. */
uint64_t log_sink_taken_bytes(void);
uint64_t log_sink_touched_bytes(void);

#endif
