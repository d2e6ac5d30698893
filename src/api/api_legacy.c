#include "api/api_many.h"
#include "api/api_request.h"
#include "json/json_reader.h"

/* Row API-10: commands {"id":1,"method":"publish","params":{…}} with any blanks or
 * nothing between them, answered one a line. All are read before the first is run, so
 * that nothing has been done when the answer is 400. */

struct legacy {
    uint32_t id;
    struct slice method, params; /* JSON text */
};

static const struct api_field fields[] = {
    { .name = SLICE_INIT("id"), .type = API_U32, .offset = offsetof(struct legacy, id) },
    { .name = SLICE_INIT("method"), .type = API_RAW, .offset = offsetof(struct legacy, method) },
    { .name = SLICE_INIT("params"), .type = API_RAW, .offset = offsetof(struct legacy, params) },
};

static const struct api_many_form form = { .between = SLICE_INIT("\n"), .result_name = SLICE_INIT("result") };

/* The numbers that methods had before they had names; those in the gap are of methods that are not here. */
static const struct api_method *const numbered[] = {
    &api_publish,
    &api_broadcast,
    &api_unsubscribe,
    &api_disconnect,
    &api_presence,
    &api_presence_stats,
    &api_history,
    &api_history_remove,
    &api_channels,
    &api_info,
    &api_rpc,
    &api_subscribe,
    &api_refresh,
    [33] = &api_map_publish,
    &api_map_remove,
    &api_map_read_state,
    &api_map_read_stream,
    &api_map_stats,
    &api_map_clear,
};

/* Names that are known there and not here: error 104, where any other word is no command. */
static const struct slice others[] = {
    SLICE_INIT("connections"),
    SLICE_INIT("update_user_status"),
    SLICE_INIT("get_user_status"),
    SLICE_INIT("delete_user_status"),
    SLICE_INIT("block_user"),
    SLICE_INIT("unblock_user"),
    SLICE_INIT("revoke_token"),
    SLICE_INIT("invalidate_user_tokens"),
    SLICE_INIT("device_register"),
    SLICE_INIT("device_update"),
    SLICE_INIT("device_remove"),
    SLICE_INIT("device_list"),
    SLICE_INIT("device_topic_list"),
    SLICE_INIT("device_topic_update"),
    SLICE_INIT("user_topic_list"),
    SLICE_INIT("user_topic_update"),
    SLICE_INIT("send_push_notification"),
    SLICE_INIT("update_push_status"),
    SLICE_INIT("cancel_push"),
    SLICE_INIT("shared_poll_publish"),
};

/* False: no command. *out is NULL for a method that is not here. */
static bool find_named(struct slice name, const struct api_method **out)
{
    *out = NULL;
    for (size_t i = 0; i < API_METHOD_COUNT; i++)
        if (slice_eq_nocase(name, api_methods[i]->name)) {
            *out = api_methods[i];
            return true;
        }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        if (slice_eq_nocase(name, others[i])) return true;
    return false;
}

/* text: a name in quotes, compared as it is written, or a number. Without one it is 0. */
static bool find_method(struct slice text, const struct api_method **out)
{
    struct json_reader r;
    int64_t number = 0;
    if (text.len > 2 && text.ptr[0] == '"') return find_named(slice_of(text.ptr + 1, text.len - 2), out);
    json_reader_init(&r, text, 1);
    if (text.len > 0 && !json_i64(&r, &number)) return false;
    *out = number >= 0 && number < (int64_t)ARRAY_COUNT(numbered) ? numbered[number] : NULL;
    return true;
}

/* Parameters that cannot be read refuse only their own command. */
static enum status read_params(struct api_call *call, struct slice params, struct api_command *out)
{
    struct api_fields_problem problem;
    void *request = api_method_request(call, out->method);
    out->request = request;
    if (!request) return STATUS_NO_MEMORY;
    if (out->method->field_count == 0) return STATUS_OK; /* of info nothing is read, not even whether it is JSON */
    if (api_fields_read(params, API_FIELDS_LENIENT, out->method->fields, out->method->field_count, &call->arena,
                        request, &problem))
        return STATUS_OK;
    out->refusal = API_ERROR_BAD_REQUEST;
    return problem.kind == API_FIELDS_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status read_command(struct api_call *call, struct slice text, struct api_command *out)
{
    struct legacy r = { 0 };
    struct api_fields_problem problem;
    *out = (struct api_command){ 0 };
    if (!api_fields_read(text, API_FIELDS_LENIENT, fields, ARRAY_COUNT(fields), &call->arena, &r, &problem))
        return problem.kind == API_FIELDS_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_MALFORMED;
    if (!find_method(r.method, &out->method)) return STATUS_MALFORMED;
    out->id = r.id;
    if (out->method) return read_params(call, r.params, out);
    out->refusal = API_ERROR_NOT_FOUND;
    return STATUS_OK;
}

enum api_outcome api_legacy(struct api_call *call, struct slice body)
{
    struct json_reader r;
    struct api_commands list = { 0 };
    if (body.len == 0) return api_many_refuse(call, STATUS_MALFORMED);
    struct slice copy = arena_copy(&call->arena, body);
    enum status status = copy.ptr ? STATUS_OK : STATUS_NO_MEMORY;
    json_reader_init(&r, copy, JSON_DEPTH_DEFAULT);
    while (status == STATUS_OK && !json_at_end(&r)) {
        struct slice text;
        struct api_command command;
        status = json_raw(&r, &text) ? read_command(call, text, &command) : STATUS_MALFORMED;
        if (status == STATUS_OK) status = api_commands_add(call, &list, &command);
    }
    return status == STATUS_OK ? api_many_start(call, &form, &list) : api_many_refuse(call, status);
}
