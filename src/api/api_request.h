/* api_request: what the engine's methods do first with every request. For the files
 * of src/api only. */
#ifndef XSHATHRA_API_API_REQUEST_H
#define XSHATHRA_API_API_REQUEST_H

#include "api/api.h"
#include "api/api_answer.h"
#include "api/api_fields.h"
#include "engine/rules.h"

/* Names longer than any configuration allows clients to subscribe to. */
#define API_CHANNEL_LEN_MAX 4096u

/* Read the body; false: answered, return API_ANSWERED. */
bool api_read(struct api_call *call, struct slice body, const struct api_field *fields, size_t field_count, void *out);

/* The options of a channel that must be named; 0 or the error's code. */
uint32_t api_channel(struct api_call *call, struct slice channel, struct rules_channel *out);

/* A position as sent. An epoch too long to be one of a stream's stays unequal to all. */
struct broker_position api_position(uint64_t offset, struct slice epoch);

/* {"user":…,"client":…} with the infos that are there (row API-08). */
void api_write_client_info(struct json_writer *w, const struct publication_info *info);

/* "tags":{…} */
void api_write_tags(struct json_writer *w, const struct publication_content *content);

/* What a data or info means: the base64 twin wins when it is set (row API-09). In the
 * arena or borrowed. 0, BAD_REQUEST or INTERNAL (memory). */
uint32_t api_binary(struct api_call *call, struct slice raw, struct slice b64, struct slice *out);

#endif
