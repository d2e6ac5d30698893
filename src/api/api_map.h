/* api_map: what the map methods share. For the files of src/api only. */
#ifndef XSHATHRA_API_API_MAP_H
#define XSHATHRA_API_API_MAP_H

#include "api/api_request.h"
#include "broker/map_broker.h"

/* The options of a channel whose namespace is of a map type; 0 or the error's code. */
uint32_t api_map_channel(struct api_call *call, struct slice channel, struct rules_channel *out);
/* The same with a key, which must be there. */
uint32_t api_map_key(struct api_call *call, struct slice channel, struct slice key, struct rules_channel *out);

struct map_broker *api_map_broker(const struct api_call *call);
/* METRIC_ACTION_… has been asked for. */
void api_map_count(const struct api_call *call, unsigned action);

/* Answers of the broker: of a publish and of a remove. */
enum api_outcome api_map_update(struct api_call *call, struct broker_result *result);
/* Entries, position and cursor: of a read_state (BROKER_RESULT_MAP_STATE) or a read_stream. A long list is written in
 * slices. Takes the result over. */
enum api_outcome api_map_entries(struct api_call *call, struct broker_result *result);

#endif
