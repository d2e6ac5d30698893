#include "load/load_command.h"

#include "load/load_protobuf.h"
#include "json/json_reader.h"
#include "json/json_writer.h"

static void member(struct buf *out, const char *name, struct slice text)
{
    if (text.len == 0) return;
    buf_printf(out, ",\"%s\":", name);
    json_append_string(out, text);
}

/* {"id":N,"name":{"first":…  The first member of the body is always there. */
static void begin(struct buf *out, uint32_t id, const char *name, const char *first, struct slice text)
{
    buf_printf(out, "{\"id\":%u,\"%s\":{\"%s\":", id, name, first);
    json_append_string(out, text);
}

void load_command_connect(struct buf *out, enum load_encoding encoding, uint32_t id, struct slice token)
{
    if (encoding == LOAD_PROTOBUF) {
        load_protobuf_connect(out, id, token);
        return;
    }
    begin(out, id, "connect", "name", SLICE("js"));
    member(out, "token", token);
    buf_append(out, SLICE("}}"));
}

void load_command_subscribe(struct buf *out, enum load_encoding encoding, uint32_t id, const struct load_subscribe *s)
{
    if (encoding == LOAD_PROTOBUF) {
        load_protobuf_subscribe(out, id, s);
        return;
    }
    begin(out, id, "subscribe", "channel", s->channel);
    member(out, "token", s->token);
    if (s->recovers) buf_printf(out, ",\"recover\":true,\"offset\":%llu", (unsigned long long)s->offset);
    member(out, "epoch", s->epoch);
    buf_append(out, SLICE("}}"));
}

void load_command_publish(struct buf *out, enum load_encoding encoding, uint32_t id, struct slice channel,
                          struct slice data)
{
    if (encoding == LOAD_PROTOBUF) {
        load_protobuf_publish(out, id, channel, data);
        return;
    }
    begin(out, id, "publish", "channel", channel);
    buf_append(out, SLICE(",\"data\":"));
    buf_append(out, data);
    buf_append(out, SLICE("}}"));
}

void load_command_pong(struct buf *out, enum load_encoding encoding)
{
    buf_append(out, encoding == LOAD_PROTOBUF ? SLICE("\0") : SLICE("{}"));
}

static void read_error(struct json_reader *r, struct load_message *out)
{
    struct json_string key, text;
    out->kind = LOAD_ERROR;
    if (!json_object_begin(r)) return;
    while (json_object_next(r, &key)) {
        if (json_string_eq(key, SLICE("code"))) {
            json_u32(r, &out->code);
        } else if (json_string_eq(key, SLICE("message")) && json_string(r, &text)) {
            out->text = text.raw;
        } else {
            json_skip(r);
        }
    }
}

static void read_publication(struct json_reader *r, struct load_message *out)
{
    struct json_string key;
    out->kind = LOAD_PUBLICATION;
    if (!json_object_begin(r)) return;
    while (json_object_next(r, &key)) {
        if (json_string_eq(key, SLICE("data")))
            json_raw(r, &out->data);
        else
            json_skip(r);
    }
}

static void read_push(struct json_reader *r, struct load_message *out)
{
    struct json_string key, channel;
    out->kind = LOAD_OTHER_PUSH;
    if (!json_object_begin(r)) return;
    while (json_object_next(r, &key)) {
        if (json_string_eq(key, SLICE("channel")) && json_string(r, &channel))
            out->channel = channel.raw;
        else if (json_string_eq(key, SLICE("pub")))
            read_publication(r, out);
        else
            json_skip(r);
    }
}

static void read_json(struct slice message, struct load_message *out)
{
    struct json_reader r;
    struct json_string key;
    uint32_t members = 0;
    json_reader_init(&r, message, JSON_DEPTH_DEFAULT);
    if (json_object_begin(&r)) {
        for (; json_object_next(&r, &key); members++) {
            if (json_string_eq(key, SLICE("id")))
                json_u32(&r, &out->id);
            else if (json_string_eq(key, SLICE("push")))
                read_push(&r, out);
            else if (json_string_eq(key, SLICE("error")))
                read_error(&r, out);
            else
                json_skip(&r);
        }
    }
    if (!json_ok(&r))
        out->kind = LOAD_NONSENSE;
    else if (out->kind == LOAD_REPLY && members == 0)
        out->kind = LOAD_PING;
}

void load_message_read(enum load_encoding encoding, struct slice message, struct load_message *out)
{
    *out = (struct load_message){ .kind = LOAD_REPLY };
    if (encoding == LOAD_PROTOBUF)
        load_protobuf_read(message, out);
    else
        read_json(message, out);
}
