/* api_methods: the methods of the engine's server API, one file each. A method is a
 * table of the fields of its request and a function that runs a request read by it,
 * so that one request, a batch and the legacy form all go the same way.
 *
 * A new method is a file, a line in this list, and a value of the metric label. */
#ifndef XSHATHRA_API_API_METHODS_H
#define XSHATHRA_API_API_METHODS_H

#include "api/api.h"
#include "api/api_fields.h"

struct api_method {
    struct slice name;
    unsigned metric; /* value of METRIC_API_METHOD_LIST */
    const struct api_field *fields;
    size_t field_count;
    size_t request_len; /* bytes of the struct that the fields are read into */
    bool keeps_request; /* run() still looks at it in later turns: it must not borrow the body */
    enum api_outcome (*run)(struct api_call *call, const void *request);
};

/* In the order in which a batch looks for the one that a command names. */
#define API_METHOD_LIST(X)                                                                                             \
    X(publish)                                                                                                         \
    X(broadcast)                                                                                                       \
    X(subscribe)                                                                                                       \
    X(unsubscribe)                                                                                                     \
    X(disconnect)                                                                                                      \
    X(history)                                                                                                         \
    X(history_remove)                                                                                                  \
    X(presence)                                                                                                        \
    X(presence_stats)                                                                                                  \
    X(info)                                                                                                            \
    X(rpc)                                                                                                             \
    X(refresh)                                                                                                         \
    X(channels)                                                                                                        \
    X(map_publish)                                                                                                     \
    X(map_remove)                                                                                                      \
    X(map_read_state)                                                                                                  \
    X(map_read_stream)                                                                                                 \
    X(map_stats)                                                                                                       \
    X(map_clear)

#define API_METHOD_DECLARE(name) extern const struct api_method api_##name;
API_METHOD_LIST(API_METHOD_DECLARE)
#undef API_METHOD_DECLARE

#define API_METHOD_ONE(name) +1
enum { API_METHOD_COUNT = API_METHOD_LIST(API_METHOD_ONE) };
#undef API_METHOD_ONE

/* All of them, in that order. */
extern const struct api_method *const api_methods[API_METHOD_COUNT];

/* A zeroed request in the arena; NULL when memory is out. */
void *api_method_request(struct api_call *call, const struct api_method *method);

/* The two forms that run many methods: /api/batch and /api itself. Each reads its
 * body when it is whole, and answers for all commands together. */
enum api_outcome api_batch(struct api_call *call, struct slice body);
enum api_outcome api_legacy(struct api_call *call, struct slice body);

#endif
