/* api_family: the two ways into the methods. For api.c only. */
#ifndef XSHATHRA_API_API_FAMILY_H
#define XSHATHRA_API_API_FAMILY_H

#include "api/api.h"

/* Check all that the head tells. True: call->admission_ is filled; false: answered. */
bool api_engine_admit(struct api_call *call, const struct api_request *request);
bool api_project_admit(struct api_call *call, const struct api_request *request);

/* Start the method that call->admission_ names. */
enum api_outcome api_engine_start(struct api_call *call, struct slice body);
enum api_outcome api_project_start(struct api_call *call, struct slice body);

enum api_outcome api_project_timed_out(struct api_call *call);

/* The i-th name of the project family; ptr NULL = there are no more. */
struct slice api_project_name(size_t i);

/* The one secret of the deployment against what was sent. Time does not tell how
 * alike they are, nor how long the right one is. */
bool api_keys_equal(struct slice right, struct slice sent);

/* Row API-03: whether the request has the deployment's API key. scratch: for the query. */
bool api_engine_key_fits(const struct policy_deployment *d, const struct http_request *http, struct buf *scratch);

/* Authorization of the project family: scheme and key; false when it is not of that form. */
bool api_project_key_text(const struct http_request *http, struct slice *key);

#endif
