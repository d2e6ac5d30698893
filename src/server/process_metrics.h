/* process_metrics: what the process takes of the machine, as Prometheus text with the
 * names that its client libraries give. Any thread. */
#ifndef XSHATHRA_SERVER_PROCESS_METRICS_H
#define XSHATHRA_SERVER_PROCESS_METRICS_H

#include "base/buf.h"

/* Appends. The caller checks buf_ok(). */
void process_metrics_write(struct buf *out);

#endif
