/* http_metrics: requests counted by path, method and status, for those who ask for it with
 * prometheus.instrument_http_handlers. Their labels are of the configuration's paths, so
 * they are no part of metrics_list.h.
 *
 * A set belongs to one worker, which alone counts; any thread may write the text. */
#ifndef XSHATHRA_SERVER_HTTP_METRICS_H
#define XSHATHRA_SERVER_HTTP_METRICS_H

#include "base/buf.h"
#include "config/config.h"
#include "http/http_request.h"

enum http_metrics_path {
    HTTP_METRICS_WEBSOCKET,
    HTTP_METRICS_API,
    HTTP_METRICS_PROJECT_API,
    HTTP_METRICS_HEALTH,
    HTTP_METRICS_METRICS,
    HTTP_METRICS_INIT,
    HTTP_METRICS_PATH_COUNT
};

struct http_metrics;

struct http_metrics *http_metrics_new(void); /* stops when memory is out: for start-up */
void http_metrics_free(struct http_metrics *m);
/* name: what follows the path of an API, else empty. What nobody serves is not counted. */
void http_metrics_count(struct http_metrics *m, enum http_metrics_path path, struct slice name, enum http_method method,
                        int status);
/* Appends the sum over the sets; those that are NULL are left out. */
void http_metrics_write(const struct http_metrics *const *sets, size_t set_count, const struct config *config,
                        struct buf *out);

#endif
