#include "api/api_many.h"
#include "api/api_request.h"
#include "json/json_reader.h"

/* Row API-32. All commands are read before the first is run: one of a wrong type
 * refuses the whole. `parallel` is taken and changes nothing that could be seen: the
 * answers are in the order of the commands anyway, and so are their effects here. */

struct batch {
    struct slice commands; /* JSON text */
    bool parallel;
};

static const struct api_field fields[] = {
    { .name = SLICE_INIT("commands"), .type = API_RAW, .offset = offsetof(struct batch, commands) },
    { .name = SLICE_INIT("parallel"), .type = API_BOOL, .offset = offsetof(struct batch, parallel) },
};

static const struct api_many_form form = { .open = SLICE_INIT("{\"replies\":["),
                                           .between = SLICE_INIT(","),
                                           .close = SLICE_INIT("]}") };

static size_t find_method(struct slice name)
{
    size_t i = 0;
    while (i < API_METHOD_COUNT && !slice_eq_nocase(name, api_methods[i]->name)) i++;
    return i;
}

/* A member of a command. Repeated ones merge; null takes back what was there. */
static enum status read_member(struct api_call *call, struct slice name, struct slice value,
                               void *requests[API_METHOD_COUNT])
{
    size_t i = find_method(name);
    if (i == API_METHOD_COUNT) return STATUS_OK;
    const struct api_method *method = api_methods[i];
    struct api_fields_problem problem;
    if (slice_eq(value, SLICE("null"))) {
        requests[i] = NULL;
        return STATUS_OK;
    }
    if (!requests[i]) requests[i] = api_method_request(call, method);
    if (!requests[i]) return STATUS_NO_MEMORY;
    if (api_fields_read(value, API_FIELDS_LENIENT, method->fields, method->field_count, &call->arena, requests[i],
                        &problem))
        return STATUS_OK;
    return problem.kind == API_FIELDS_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_MALFORMED;
}

static enum status read_members(struct api_call *call, struct json_reader *r, void *requests[API_METHOD_COUNT])
{
    struct json_string key;
    struct slice name, value;
    if (!json_object_begin(r)) return STATUS_MALFORMED;
    while (json_object_next(r, &key)) {
        if (!json_raw(r, &value)) return STATUS_MALFORMED;
        if (json_string_decode(key, &call->arena, &name) != STATUS_OK) return STATUS_NO_MEMORY;
        enum status status = read_member(call, name, value, requests);
        if (status != STATUS_OK) return status;
    }
    return json_ok(r) ? STATUS_OK : STATUS_MALFORMED;
}

static enum status read_command(struct api_call *call, struct json_reader *r, struct api_command *out)
{
    void *requests[API_METHOD_COUNT] = { NULL };
    *out = (struct api_command){ .refusal = API_ERROR_BAD_REQUEST };
    if (json_take_null(r)) return STATUS_OK;
    enum status status = read_members(call, r, requests);
    if (status != STATUS_OK) return status;
    out->refusal = API_ERROR_NOT_FOUND;
    for (size_t i = 0; i < API_METHOD_COUNT; i++)
        if (requests[i]) {
            *out = (struct api_command){ .method = api_methods[i], .request = requests[i] };
            break;
        }
    return STATUS_OK;
}

static enum status read_commands(struct api_call *call, struct slice text, struct api_commands *out)
{
    struct json_reader r;
    json_reader_init(&r, text, JSON_DEPTH_DEFAULT);
    if (text.len == 0 || json_take_null(&r)) return STATUS_OK;
    if (!json_array_begin(&r)) return STATUS_MALFORMED;
    while (json_array_next(&r)) {
        struct api_command command;
        enum status status = read_command(call, &r, &command);
        if (status == STATUS_OK) status = api_commands_add(call, out, &command);
        if (status != STATUS_OK) return status;
    }
    return json_ok(&r) ? STATUS_OK : STATUS_MALFORMED;
}

enum api_outcome api_batch(struct api_call *call, struct slice body)
{
    struct batch request = { 0 };
    struct api_commands list = { 0 };
    struct slice copy = arena_copy(&call->arena, body);
    if (!copy.ptr) return api_error(call, API_ERROR_INTERNAL);
    if (!api_read(call, copy, fields, ARRAY_COUNT(fields), &request)) return API_ANSWERED;
    enum status status = read_commands(call, request.commands, &list);
    if (status != STATUS_OK) return api_many_refuse(call, status);
    if (list.count > 0) return api_many_start(call, &form, &list);
    buf_append(&call->body, SLICE("{}"));
    return api_json_end(call);
}
