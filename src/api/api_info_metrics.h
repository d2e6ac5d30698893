/* api_info_metrics: the metrics' Prometheus text as the flat names that the API
 * method `info` shows: "centrifugo.node.num_clients", then label names and values,
 * all joined by dots. Source of truth: github.com/FZambia/eagle, Flatten.
 * Histograms and empty labels are left out, as there. Pure. */
#ifndef XSHATHRA_API_API_INFO_METRICS_H
#define XSHATHRA_API_API_INFO_METRICS_H

#include "json/json_writer.h"

/* Write one member for each counter, gauge and summary value of text, which is what
 * metrics_write() makes. name is scratch. */
void api_info_metrics_write(struct slice text, struct buf *name, struct json_writer *w);

#endif
