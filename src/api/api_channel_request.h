/* api_channel_request: a request that names a channel and nothing else: presence,
 * presence_stats and history_remove. For the files of src/api only. */
#ifndef XSHATHRA_API_API_CHANNEL_REQUEST_H
#define XSHATHRA_API_API_CHANNEL_REQUEST_H

#include "api/api_request.h"

struct api_channel_request {
    struct slice channel;
};

extern const struct api_field api_channel_fields[1];

/* Resolve it and ask the broker for its presence. */
enum api_outcome api_ask_presence(struct api_call *call, const struct api_channel_request *r, bool stats_only,
                                  enum api_outcome (*completed)(struct api_call *call, struct broker_result *result));

#endif
