/* api_channel_request: a request that names a channel and nothing else: presence,
 * presence_stats and history_remove. For the files of src/api only. */
#ifndef XSHATHRA_API_API_CHANNEL_REQUEST_H
#define XSHATHRA_API_API_CHANNEL_REQUEST_H

#include "api/api_request.h"

struct api_channel_request {
    struct slice channel;
    struct rules_channel resolved;
};

/* Read and resolve it; false: answered. */
bool api_channel_request_read(struct api_call *call, struct slice body, struct api_channel_request *out);
/* The same, with the answer of broker->presence. */
enum api_outcome api_ask_presence(struct api_call *call, struct slice body, bool stats_only,
                                  enum api_outcome (*completed)(struct api_call *call, struct broker_result *result));

#endif
