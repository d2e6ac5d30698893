#include "api/api_project.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/api_family.h"
#include "crypto/crypto_hash.h"

static const struct endpoint {
    struct slice name;
    unsigned metric;
    enum policy_key_scope scope;
    size_t body_max; /* 0 = of the family */
    enum api_outcome (*start)(struct api_call *call, const struct policy_project *project, struct slice body);
} endpoints[] = {
    { SLICE_INIT("token"), METRIC_API_METHOD_OTHER, POLICY_KEY_TOKENS, API_TOKEN_BODY_MAX, api_project_token },
    { SLICE_INIT("subscription-token"), METRIC_API_METHOD_OTHER, POLICY_KEY_TOKENS, API_TOKEN_BODY_MAX,
      api_project_subscription_token },
    { SLICE_INIT("publish"), METRIC_API_METHOD_PUBLISH, POLICY_KEY_PUBLISH, 0, api_project_publish },
};

static const struct endpoint *find_endpoint(struct slice name)
{
    for (size_t i = 0; i < ARRAY_COUNT(endpoints); i++)
        if (slice_eq(name, endpoints[i].name)) return &endpoints[i];
    return NULL;
}

struct slice api_project_name(size_t i)
{
    return i < ARRAY_COUNT(endpoints) ? endpoints[i].name : (struct slice){ 0 };
}

static enum api_outcome refuse_verb(struct api_call *call, const struct http_request *http)
{
    api_header(call, SLICE("Allow"), SLICE("POST"));
    return API_PROJECT_ERROR(call, 405, "method_not_allowed", SLICE("The method "), http->method_name,
                             SLICE(" is not allowed here; POST is."));
}

/* ---- who asks ---- */

/* RFC 9110 section 11.6.1: every 401 says how to do better. */
static void challenge(struct api_call *call)
{
    api_header(call, SLICE("WWW-Authenticate"), SLICE("apikey realm=\"xshathra\""));
}

static enum api_outcome refuse_no_key(struct api_call *call, const struct http_request *http)
{
    challenge(call);
    if (http_request_header(http, SLICE("x-api-key")).len > 0)
        return API_PROJECT_ERROR(call, 401, "missing_key",
                                 SLICE("The header X-API-Key is for the engine's server API. Send the project's "
                                       "server_api_key as \"Authorization: apikey KEY\"."));
    return API_PROJECT_ERROR(call, 401, "missing_key",
                             SLICE("Send the project's server_api_key as \"Authorization: apikey KEY\" or "
                                   "\"Authorization: Bearer KEY\"."));
}

static bool has_expired(const struct api_call *call, const struct policy_key *key)
{
    return key->valid_until_s != 0 && call->engine->wall_ms / 1000 > key->valid_until_s;
}

/* Key ids are public. */
static enum api_outcome refuse_key(struct api_call *call, const struct policy_key *key)
{
    struct slice id = slice_from_cstr(key->id);
    if (key->revoked)
        return API_PROJECT_ERROR(call, 403, "revoked_key", SLICE("The key "), id, SLICE(" has been revoked."));
    if (has_expired(call, key))
        return API_PROJECT_ERROR(call, 403, "expired_key", SLICE("The key "), id,
                                 SLICE(" was rotated and its time is over; use the new one."));
    return API_PROJECT_ERROR(call, 403, "wrong_key_kind", SLICE("The key "), id,
                             SLICE(" is a client_api_key; a server_api_key is needed here."));
}

/* "publish, tokens" */
static struct slice scope_names(struct api_call *call, unsigned scopes)
{
    static const char *const names[] = { "publish", "tokens", "read" };
    struct buf text;
    buf_init(&text, 64);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (scopes & 1u << i) buf_printf(&text, "%s%s", text.len ? ", " : "", names[i]);
    struct slice copy = arena_copy(&call->arena, buf_slice(&text));
    buf_deinit(&text);
    return copy;
}

/* False: answered. */
static bool in_scope(struct api_call *call, const struct policy_key *key, const struct endpoint *endpoint)
{
    if (key->scopes == 0 || (key->scopes & endpoint->scope)) return true;
    API_PROJECT_ERROR(call, 403, "insufficient_scope", SLICE("The key "), slice_from_cstr(key->id),
                      SLICE(" is not made for "), endpoint->name, SLICE("; its scopes are "),
                      scope_names(call, key->scopes), SLICE("."));
    return false;
}

/* The project of the key; NULL: answered. */
static const struct policy_project *authorize(struct api_call *call, const struct http_request *http,
                                              const struct endpoint *endpoint)
{
    const struct policy *policy = call->engine->policy;
    uint8_t hash[POLICY_KEY_HASH_LEN];
    struct slice text;
    if (!api_project_key_text(http, &text)) {
        refuse_no_key(call, http);
        return NULL;
    }
    crypto_sha256(text, hash);
    const struct policy_key *key = policy_key_by_hash(policy, hash);
    if (!key) {
        challenge(call);
        API_PROJECT_ERROR(call, 401, "unknown_key", SLICE("No project has this key."));
        return NULL;
    }
    call->space_ = policy->projects[key->project].space; /* whose people hear of it, also when it is refused */
    memcpy(call->key_id_, key->id, sizeof key->id);
    if (key->revoked || has_expired(call, key) || key->kind != POLICY_KEY_SERVER) {
        refuse_key(call, key);
        return NULL;
    }
    if (!in_scope(call, key, endpoint)) return NULL;
    const struct policy_project *project = &policy->projects[key->project];
    call->admission_.key = key;
    key_uses_note(&call->engine->key_uses, key, call->engine->wall_ms / 1000);
    if (!project->archived) return project;
    API_PROJECT_ERROR(call, 403, "archived_project", SLICE("The project "), slice_from_cstr(project->id),
                      SLICE(" is archived."));
    return NULL;
}

/* ---- the body as a whole ---- */

/* Absent is fine: many a curl sends none or a form's, and only the latter is wrong. */
static bool is_json_type(const struct http_request *http, struct slice *sent)
{
    *sent = http_request_header(http, SLICE("content-type"));
    if (!sent->ptr) return true;
    ptrdiff_t parameters = slice_index(*sent, ';');
    struct slice type = slice_trim(slice_head(*sent, parameters < 0 ? sent->len : (size_t)parameters));
    return slice_eq_nocase(type, SLICE("application/json"));
}

static size_t body_max_of(const struct endpoint *endpoint)
{
    return endpoint->body_max ? endpoint->body_max : api_body_max(API_PROJECT);
}

static enum api_outcome refuse_size(struct api_call *call, uint64_t len, size_t len_max)
{
    char sizes[96];
    int count = snprintf(sizes, sizeof sizes, "The body has %" PRIu64 " bytes; at most %zu are allowed.", len, len_max);
    return API_PROJECT_ERROR(call, 413, "body_too_large", slice_of(sizes, (size_t)count));
}

/* False: answered. */
static bool admit_body(struct api_call *call, const struct endpoint *endpoint, const struct http_request *http)
{
    struct slice content_type;
    if (http->content_length > body_max_of(endpoint)) {
        refuse_size(call, http->content_length, body_max_of(endpoint));
        return false;
    }
    if (is_json_type(http, &content_type)) return true;
    API_PROJECT_ERROR(call, 415, "unsupported_media_type", SLICE("The content type is "), content_type,
                      SLICE("; application/json is allowed."));
    return false;
}

/* ---- the two steps ---- */

/* NULL: answered. */
static const struct policy_project *granted(struct api_call *call, struct slice id)
{
    const struct policy_project *project = policy_project_by_id(call->engine->policy, id);
    if (project && !project->archived) return project;
    API_PROJECT_ERROR(call, 409, "archived_project", SLICE("The project "), id, SLICE(" is archived."));
    return NULL;
}

/* NULL: answered. */
static const struct endpoint *choose_endpoint(struct api_call *call, const struct api_request *request)
{
    const struct endpoint *endpoint = find_endpoint(request->name);
    if (!endpoint) {
        API_PROJECT_ERROR(call, 404, "unknown_endpoint", SLICE("There is no endpoint "), request->name,
                          SLICE("; token, subscription-token and publish are there."));
        return NULL;
    }
    call->metric_method_ = endpoint->metric;
    call->command_ = endpoint->name;
    if (request->http->method == HTTP_METHOD_POST) return endpoint;
    if (request->http->method == HTTP_METHOD_OPTIONS)
        api_options(call);
    else
        refuse_verb(call, request->http);
    return NULL;
}

bool api_project_admit(struct api_call *call, const struct api_request *request)
{
    const struct endpoint *endpoint = choose_endpoint(call, request);
    const struct policy_project *project = NULL;
    if (endpoint)
        project = request->granted.ptr ? granted(call, request->granted) : authorize(call, request->http, endpoint);
    if (!project || !admit_body(call, endpoint, request->http)) return false;
    call->space_ = project->space;
    call->admission_.name = endpoint->name;
    call->admission_.method = endpoint;
    call->admission_.project = project;
    return true;
}

enum api_outcome api_project_start(struct api_call *call, struct slice body)
{
    const struct endpoint *endpoint = call->admission_.method;
    /* its length was not announced */
    if (body.len > body_max_of(endpoint)) return refuse_size(call, body.len, body_max_of(endpoint));
    return endpoint->start(call, call->admission_.project, body);
}

enum api_outcome api_project_timed_out(struct api_call *call)
{
    return API_PROJECT_ERROR(call, 503, "timeout", SLICE("The answer was not there in time; try again."));
}

enum api_outcome api_project_error_status(struct api_call *call, enum status status)
{
    switch (status) {
    case STATUS_OVERLOADED:
        return API_PROJECT_ERROR(call, 503, "overloaded", SLICE("Too much work is queued; try again later."));
    case STATUS_TOO_LARGE:
        return API_PROJECT_ERROR(call, 503, "limit_exceeded", SLICE("The history of this project is full."));
    case STATUS_NO_MEMORY:
    case STATUS_UNAVAILABLE:
        return API_PROJECT_ERROR(call, 503, "unavailable", SLICE("The server cannot do this now; try again later."));
    default: return API_PROJECT_ERROR(call, 500, "internal_error", SLICE("The server failed to do this."));
    }
}
