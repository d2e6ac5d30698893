#include "api/api_request.h"

#include "base/base64.h"

bool api_read(struct api_call *call, struct slice body, const struct api_field *fields, size_t field_count, void *out)
{
    struct api_fields_problem problem;
    if (api_fields_read(body, API_FIELDS_LENIENT, fields, field_count, &call->arena, out, &problem)) return true;
    if (problem.kind == API_FIELDS_NO_MEMORY)
        api_error(call, API_ERROR_INTERNAL);
    else
        api_plain(call, 400, SLICE("Bad Request"));
    return false;
}

uint32_t api_channel(struct api_call *call, struct slice channel, struct rules_channel *out)
{
    if (channel.len == 0 || channel.len > API_CHANNEL_LEN_MAX) return API_ERROR_BAD_REQUEST;
    /* row OB-07: the server may use names that clients may not subscribe to */
    return rules_resolve(call->engine->policy, call->space_, channel, false, out) ? API_ERROR_UNKNOWN_CHANNEL : 0;
}

struct broker_position api_position(uint64_t offset, struct slice epoch)
{
    struct broker_position position = { .offset = offset };
    if (epoch.len >= sizeof position.epoch) epoch = SLICE("(too long)");
    if (epoch.len > 0) memcpy(position.epoch, epoch.ptr, epoch.len);
    return position;
}

static void write_raw(struct json_writer *w, struct slice name, struct slice value)
{
    if (value.len == 0) return;
    json_write_name(w, name);
    json_write_raw(w, value);
}

void api_write_client_info(struct json_writer *w, const struct publication_info *info)
{
    json_write_object_begin(w);
    json_write_name(w, SLICE("user"));
    json_write_string(w, info->user);
    json_write_name(w, SLICE("client"));
    json_write_string(w, info->client);
    write_raw(w, SLICE("conn_info"), info->conn_info);
    write_raw(w, SLICE("chan_info"), info->chan_info);
    json_write_object_end(w);
}

void api_write_tags(struct json_writer *w, const struct publication_content *content)
{
    json_write_name(w, SLICE("tags"));
    json_write_object_begin(w);
    for (uint32_t i = 0; i < content->tag_count; i++) {
        json_write_key(w, content->tags[i].key);
        json_write_string(w, content->tags[i].value);
    }
    json_write_object_end(w);
}

/* Encoders for mail put one after each 76 letters; Go passes over them too. */
static struct slice without_line_ends(struct slice b64, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < b64.len; i++)
        if (b64.ptr[i] != '\r' && b64.ptr[i] != '\n') out[len++] = b64.ptr[i];
    return slice_of(out, len);
}

uint32_t api_binary(struct api_call *call, struct slice raw, struct slice b64, struct slice *out)
{
    if (b64.len == 0) {
        *out = raw;
        return 0;
    }
    uint8_t *bytes = arena_alloc(&call->arena, BASE64_DECODED_MAX(b64.len));
    if (!bytes) return API_ERROR_INTERNAL;
    ptrdiff_t len = base64_decode(b64, bytes);
    if (len < 0) {
        char *text = arena_alloc(&call->arena, b64.len);
        if (!text) return API_ERROR_INTERNAL;
        len = base64_decode(without_line_ends(b64, text), bytes);
    }
    if (len < 0) return API_ERROR_BAD_REQUEST;
    *out = slice_of(bytes, (size_t)len);
    return 0;
}
