/* api_methods: the methods of the engine's server API, one file each. For
 * api_engine.c. body is borrowed during the call. A new method is a file, a line in
 * this list, and a value of the metric label. */
#ifndef XSHATHRA_API_API_METHODS_H
#define XSHATHRA_API_API_METHODS_H

#include "api/api.h"

/* X(function and name, value of METRIC_API_METHOD_LIST) */
#define API_METHOD_LIST(X)                                                                                             \
    X(publish, PUBLISH)                                                                                                \
    X(broadcast, BROADCAST)                                                                                            \
    X(subscribe, SUBSCRIBE)                                                                                            \
    X(unsubscribe, UNSUBSCRIBE)                                                                                        \
    X(disconnect, DISCONNECT)                                                                                          \
    X(refresh, REFRESH)                                                                                                \
    X(presence, PRESENCE)                                                                                              \
    X(presence_stats, PRESENCE_STATS)                                                                                  \
    X(history, HISTORY)                                                                                                \
    X(history_remove, HISTORY_REMOVE)                                                                                  \
    X(info, INFO)                                                                                                      \
    X(channels, CHANNELS)

#define API_METHOD_DECLARE(name, metric) enum api_outcome api_##name(struct api_call *call, struct slice body);
API_METHOD_LIST(API_METHOD_DECLARE)
#undef API_METHOD_DECLARE

#endif
