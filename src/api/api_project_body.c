/* What is wrong with the body of a request to the project API, in sentences. */
#include <stdio.h>

#include "api/api_project.h"
#include "json/json_reader.h"

static enum api_outcome explain_syntax(struct api_call *call, struct slice body,
                                       const struct api_fields_problem *problem)
{
    char where[64];
    if (body.len == 0)
        return API_PROJECT_ERROR(call, 400, "malformed_json", SLICE("The body is empty; a JSON object is needed."));
    int len = snprintf(where, sizeof where, " at byte %zu.", problem->position);
    buf_clear(&call->body);
    buf_append(&call->body, SLICE("The body is not JSON: "));
    buf_append(&call->body, slice_from_cstr(problem->text));
    buf_append(&call->body, slice_of(where, (size_t)len));
    /* in the arena, for the answer is written where the sentence stands */
    return API_PROJECT_ERROR(call, 400, "malformed_json", arena_copy(&call->arena, buf_slice(&call->body)));
}

/* A string is shown without its JSON quotes and escapes. */
static struct slice shown(struct api_call *call, struct slice value)
{
    struct json_reader r;
    struct json_string string;
    struct slice text;
    json_reader_init(&r, value, JSON_DEPTH_DEFAULT);
    if (!json_string(&r, &string)) return value;
    return json_string_decode(string, &call->arena, &text) == STATUS_OK ? text : value;
}

static enum api_outcome explain(struct api_call *call, struct slice body, const struct api_fields_problem *problem)
{
    switch (problem->kind) {
    case API_FIELDS_SYNTAX: return explain_syntax(call, body, problem);
    case API_FIELDS_NOT_OBJECT:
        return API_PROJECT_ERROR(call, 422, "invalid_body", SLICE("The body is "), problem->value,
                                 SLICE("; it must be a JSON object."));
    case API_FIELDS_TYPE:
        return api_project_invalid(call, problem->field->name, shown(call, problem->value), problem->field->allowed);
    case API_FIELDS_UNKNOWN:
        if (problem->nearest.len == 0)
            return API_PROJECT_ERROR(call, 422, "unknown_field", SLICE("unknown field "), problem->name);
        return API_PROJECT_ERROR(call, 422, "unknown_field", SLICE("unknown field "), problem->name,
                                 SLICE("; did you mean "), problem->nearest, SLICE("?"));
    case API_FIELDS_REPEATED:
        return API_PROJECT_ERROR(call, 422, "repeated_field", SLICE("The field "), problem->name,
                                 SLICE(" is given more than once."));
    default: return api_project_error_status(call, STATUS_NO_MEMORY);
    }
}

bool api_project_read(struct api_call *call, struct slice body, const struct api_field *fields, size_t field_count,
                      void *out)
{
    struct api_fields_problem problem;
    if (api_fields_read(body, API_FIELDS_STRICT, fields, field_count, &call->arena, out, &problem)) return true;
    explain(call, body, &problem);
    return false;
}

static struct slice must_be_sentence(struct api_call *call, const char *before, const char *must_be)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    buf_printf(&text, "%s must be %s.", before, must_be);
    struct slice copy = arena_copy(&call->arena, buf_slice(&text));
    buf_deinit(&text);
    return copy;
}

enum api_outcome api_project_invalid(struct api_call *call, struct slice field, struct slice value, const char *must_be)
{
    return API_PROJECT_ERROR(call, 422, "invalid_field", SLICE("The field "), field, SLICE(" is "), value,
                             must_be_sentence(call, "; it", must_be));
}

enum api_outcome api_project_missing(struct api_call *call, struct slice field, const char *must_be)
{
    return API_PROJECT_ERROR(call, 422, "missing_field", SLICE("The field "), field,
                             must_be_sentence(call, " is missing; it", must_be));
}

bool api_project_channel(struct api_call *call, struct slice field, struct slice channel, int unknown_status,
                         struct rules_channel *out)
{
    const struct policy *policy = call->engine->policy;
    char allowed[64];
    size_t len_max = policy->deployment->limits.channel_len_max;
    if (channel.len == 0 || channel.len > len_max) {
        (void)snprintf(allowed, sizeof allowed, "a channel name of 1 to %zu bytes", len_max);
        api_project_invalid(call, field, channel, allowed);
        return false;
    }
    const struct policy_key *key = call->admission_.key;
    if (key && !slice_starts_with(channel, slice_from_cstr(key->channel_prefix))) {
        API_PROJECT_ERROR(call, 403, "channel_not_allowed", SLICE("The field "), field, SLICE(" is "), channel,
                          SLICE("; the key "), slice_from_cstr(key->id), SLICE(" is for channels that begin with "),
                          slice_from_cstr(key->channel_prefix), SLICE("."));
        return false;
    }
    switch (rules_resolve(policy, call->space_, channel, true, out)) {
    case 0: return true;
    case CLIENT_ERROR_UNKNOWN_CHANNEL:
        API_PROJECT_ERROR(call, unknown_status, "unknown_channel", SLICE("The field "), field, SLICE(" is "), channel,
                          SLICE(", whose namespace is not configured."));
        return false;
    default:
        api_project_invalid(call, field, channel,
                            "a name of ASCII characters that its namespace's channel_regex allows");
        return false;
    }
}
