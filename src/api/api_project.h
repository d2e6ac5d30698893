/* api_project: the endpoints of the project API, one file each, and what they share.
 * For api_project*.c only. Source of truth: docs, "The contract for backends". */
#ifndef XSHATHRA_API_API_PROJECT_H
#define XSHATHRA_API_API_PROJECT_H

#include "api/api_answer.h"
#include "api/api_fields.h"
#include "auth/auth_sign.h"
#include "engine/rules.h"

#define API_USER_LEN_MAX  255u
#define API_TTL_DEFAULT_S 900
#define API_TTL_MIN_S     30
#define API_TTL_MAX_S     3600
/* Requests for tokens are short; a token is at most AUTH_TOKEN_LEN_MAX anyway. */
#define API_TOKEN_BODY_MAX ((size_t)64 * 1024)

/* Each gets the project that the key belongs to; it lives as long as the policy. */
enum api_outcome api_project_token(struct api_call *call, const struct policy_project *project, struct slice body);
enum api_outcome api_project_subscription_token(struct api_call *call, const struct policy_project *project,
                                                struct slice body);
enum api_outcome api_project_publish(struct api_call *call, const struct policy_project *project, struct slice body);

/* Read a body strictly; false: answered. */
bool api_project_read(struct api_call *call, struct slice body, const struct api_field *fields, size_t field_count,
                      void *out);
/* 422 invalid_field: the value of this field, and what it must be. */
enum api_outcome api_project_invalid(struct api_call *call, struct slice field, struct slice value,
                                     const char *must_be);
/* 422 missing_field. */
enum api_outcome api_project_missing(struct api_call *call, struct slice field, const char *must_be);
/* Is it a channel of the project? false: answered, 422 or for an unknown namespace
 * unknown_status. field names where the channel came from. */
bool api_project_channel(struct api_call *call, struct slice field, struct slice channel, int unknown_status,
                         struct rules_channel *out);
/* What a broker's failure means. */
enum api_outcome api_project_error_status(struct api_call *call, enum status status);

/* ---- tokens ---- */

/* The fields of both kinds of token. */
struct api_token_request {
    struct slice user_id, channel, info;
    struct api_texts channels;
    int64_t ttl_s;
    bool has_user_id, has_channel;
};

#define API_TOKEN_FIELD(n, t, member, must_be)                                                                         \
    {                                                                                                                  \
        .name = SLICE_INIT(n), .type = t, .offset = offsetof(struct api_token_request, member), .allowed = must_be     \
    }
#define API_TOKEN_USER_FIELD                                                                                           \
    {                                                                                                                  \
        .name = SLICE_INIT("userId"), .type = API_TEXT, .offset = offsetof(struct api_token_request, user_id),         \
        .given = offsetof(struct api_token_request, has_user_id), .allowed = API_USER_ALLOWED                          \
    }
#define API_TOKEN_TTL_FIELD  API_TOKEN_FIELD("ttlSeconds", API_I64, ttl_s, API_TTL_ALLOWED)
#define API_TOKEN_INFO_FIELD API_TOKEN_FIELD("info", API_RAW, info, API_INFO_ALLOWED)

#define API_USER_ALLOWED    "a string of 1 to 255 bytes"
#define API_TTL_ALLOWED     "an integer from 30 to 3600"
#define API_INFO_ALLOWED    "an object"
#define API_CHANNEL_ALLOWED "a non-empty string"

/* Check what both kinds have; false: answered. */
bool api_token_check(struct api_call *call, struct api_token_request *r);
/* Sign with the deployment's key and answer. minted has its kind and channels. */
enum api_outcome api_token_answer(struct api_call *call, const struct policy_project *project,
                                  const struct api_token_request *r, struct auth_minted *minted);

#endif
