#include "engine/client_out.h"

#include "broker/publication_delta.h"
#include "delta/delta_encoder.h"
#include "engine/client_delta.h"
#include "json/json_writer.h"
#include "protocol/protocol_json_reply.h"
#include "protocol/protocol_protobuf_reply.h"

static unsigned metric_frame_of(const struct reply *r)
{
    switch (r->kind) {
    case REPLY_CONNECT: return METRIC_FRAME_CONNECT;
    case REPLY_SUBSCRIBE: return METRIC_FRAME_SUBSCRIBE;
    case REPLY_UNSUBSCRIBE: return METRIC_FRAME_UNSUBSCRIBE;
    case REPLY_PUBLISH: return METRIC_FRAME_PUBLISH;
    case REPLY_PRESENCE: return METRIC_FRAME_PRESENCE;
    case REPLY_PRESENCE_STATS: return METRIC_FRAME_PRESENCE_STATS;
    case REPLY_HISTORY: return METRIC_FRAME_HISTORY;
    case REPLY_RPC: return METRIC_FRAME_RPC;
    case REPLY_REFRESH: return METRIC_FRAME_REFRESH;
    case REPLY_SUB_REFRESH: return METRIC_FRAME_SUB_REFRESH;
    case REPLY_EMPTY: return METRIC_FRAME_SERVER_PING;
    case REPLY_PUSH: break;
    default: return METRIC_FRAME_UNKNOWN;
    }
    switch (r->push.kind) {
    case PUSH_PUBLICATION: return METRIC_FRAME_PUSH_PUBLICATION;
    case PUSH_JOIN: return METRIC_FRAME_PUSH_JOIN;
    case PUSH_LEAVE: return METRIC_FRAME_PUSH_LEAVE;
    case PUSH_UNSUBSCRIBE: return METRIC_FRAME_PUSH_UNSUBSCRIBE;
    case PUSH_MESSAGE: return METRIC_FRAME_PUSH_MESSAGE;
    case PUSH_SUBSCRIBE: return METRIC_FRAME_PUSH_SUBSCRIBE;
    case PUSH_CONNECT: return METRIC_FRAME_PUSH_CONNECT;
    case PUSH_DISCONNECT: return METRIC_FRAME_PUSH_DISCONNECT;
    case PUSH_REFRESH: return METRIC_FRAME_PUSH_REFRESH;
    default: return METRIC_FRAME_UNKNOWN;
    }
}

void client_send_blob(struct client *c, struct blob *message, unsigned metric_frame, enum client_order order)
{
    if (c->state == CLIENT_CLOSING) {
        blob_unref(message);
        return;
    }
    struct engine *e = c->engine;
    metrics_add(e->metrics, METRIC_AT2(TRANSPORT_MESSAGES_SENT, c->port->metric_transport, metric_frame), 1);
    metrics_add(e->metrics, METRIC_AT2(TRANSPORT_MESSAGES_SENT_SIZE, c->port->metric_transport, metric_frame),
                message->body_len);
    c->port->send(c, message, order);
    if (c->port->queued(c) > e->policy->deployment->limits.queue_bytes_max) client_disconnect(c, DISCONNECT_SLOW);
}

static void encode_and_send(struct client *c, const struct reply *reply, unsigned metric_frame, enum client_order order)
{
    if (c->state == CLIENT_CLOSING) return;
    struct buf *scratch = &c->engine->scratch;
    buf_clear(scratch);
    if (c->port->encoding == PROTOCOL_PROTOBUF)
        protocol_protobuf_encode_reply(reply, scratch);
    else
        protocol_json_encode_reply(reply, scratch);
    struct blob *message = buf_ok(scratch) ? c->port->message(buf_slice(scratch)) : NULL;
    if (message) {
        client_send_blob(c, message, metric_frame, order);
    } else {
        client_disconnect(c, DISCONNECT_INTERNAL);
    }
}

void client_reply(struct client *c, const struct reply *reply)
{
    encode_and_send(c, reply, metric_frame_of(reply), CLIENT_ANSWER);
}

void client_reply_error(struct client *c, uint32_t command_id, enum command_kind kind, uint32_t code)
{
    static const unsigned methods[COMMAND_KIND_COUNT] = {
        [COMMAND_NONE] = METRIC_METHOD_UNKNOWN,
        [COMMAND_CONNECT] = METRIC_METHOD_CONNECT,
        [COMMAND_PING] = METRIC_METHOD_UNKNOWN,
        [COMMAND_SUBSCRIBE] = METRIC_METHOD_SUBSCRIBE,
        [COMMAND_UNSUBSCRIBE] = METRIC_METHOD_UNSUBSCRIBE,
        [COMMAND_PUBLISH] = METRIC_METHOD_PUBLISH,
        [COMMAND_PRESENCE] = METRIC_METHOD_PRESENCE,
        [COMMAND_PRESENCE_STATS] = METRIC_METHOD_PRESENCE_STATS,
        [COMMAND_HISTORY] = METRIC_METHOD_HISTORY,
        [COMMAND_RPC] = METRIC_METHOD_RPC,
        [COMMAND_SEND] = METRIC_METHOD_SEND,
        [COMMAND_REFRESH] = METRIC_METHOD_REFRESH,
        [COMMAND_SUB_REFRESH] = METRIC_METHOD_SUB_REFRESH,
    };
    metrics_add(c->engine->metrics, METRIC_AT2(CLIENT_REPLY_ERRORS, methods[kind], metrics_error_code(code)), 1);
    space_counts_of(&c->engine->spaces, c->space)->errors++;
    struct reply r = {
        .id = command_id,
        .kind = REPLY_ERROR,
        .error = { .code = code, .message = client_error_message(code), .temporary = client_error_temporary(code) },
    };
    encode_and_send(c, &r, methods[kind], CLIENT_ANSWER); /* the frame of an error is that of its command */
}

void client_reply_empty(struct client *c, uint32_t command_id, enum reply_kind kind)
{
    struct reply r = { .id = command_id, .kind = kind };
    encode_and_send(c, &r, metric_frame_of(&r), CLIENT_ANSWER);
}

void client_push(struct client *c, const struct push *push)
{
    struct reply r = { .kind = REPLY_PUSH, .push = *push };
    encode_and_send(c, &r, metric_frame_of(&r), CLIENT_DELIVERY);
}

/* Borrowed from the publication. */
static struct blob *wire_of(const struct client *c, struct subscription *sub, struct publication *p)
{
    if (sub->flags & SUB_DELTA) {
        enum publication_variant variant = client_delta_variant(c, sub, p);
        if (variant != PUBLICATION_PLAIN)
            return publication_delta_wire(p, c->port->form, variant, c->port->encode_publication);
    }
    return publication_wire(p, c->port->form, c->port->encode_publication);
}

void client_deliver(struct client *c, struct subscription *sub, struct publication *p)
{
    static const unsigned frames[] = {
        [PUBLICATION_DATA] = METRIC_FRAME_PUSH_PUBLICATION,
        [PUBLICATION_JOIN] = METRIC_FRAME_PUSH_JOIN,
        [PUBLICATION_LEAVE] = METRIC_FRAME_PUSH_LEAVE,
    };
    if (c->state == CLIENT_CLOSING) return;
    struct blob *message = wire_of(c, sub, p);
    if (message) {
        const bool crowd = sub->channel->subscriber_count >= CLIENT_CROWD_MIN;
        client_send_blob(c, blob_ref(message), frames[p->content.kind], crowd ? CLIENT_CROWD : CLIENT_DELIVERY);
    } else {
        if (client_can_read(c, p)) client_disconnect(c, DISCONNECT_INTERNAL);
    }
}

static bool close_unless(struct client *c, bool can_read)
{
    if (!can_read) client_disconnect(c, DISCONNECT_INAPPROPRIATE_PROTOCOL);
    return can_read;
}

bool client_can_read(struct client *c, const struct publication *p)
{
    return close_unless(c, c->port->encoding != PROTOCOL_JSON || publication_fits_json(p));
}

bool client_can_read_info(struct client *c, const struct publication_info *info)
{
    return close_unless(c, c->port->encoding != PROTOCOL_JSON || !info->not_json);
}

bool client_can_read_bytes(struct client *c, const struct held_bytes *h)
{
    return close_unless(c, c->port->encoding != PROTOCOL_JSON || held_bytes_fit_json(h));
}

_Static_assert(sizeof(struct publication_tag) == sizeof(struct string_pair) &&
                   offsetof(struct publication_tag, value) == offsetof(struct string_pair, value),
               "tags go to the encoder as they are");

void client_publication_fields(const struct publication *p, struct publication_fields *out, struct client_info *info)
{
    const struct publication_content *content = &p->content;
    *out = (struct publication_fields){
        .data = content->data,
        .offset = p->offset,
        .tags = (const struct string_pair *)content->tags,
        .tag_count = content->tag_count,
        .version = content->version,
        .key = publication_key(p),
        .removed = content->removed,
        /* as the reference does: the first publication of a stream tells its epoch */
        .epoch = p->offset == 1 ? slice_from_cstr(p->epoch) : (struct slice){ 0 },
    };
    *info = (struct client_info){ content->info.user, content->info.client, content->info.conn_info,
                                  content->info.chan_info };
    if (content->has_info) out->info = info;
}

/* The push of a join or leave; borrows the publication and *info. */
static struct reply member_reply(const struct publication *p, struct client_info *info)
{
    *info = (struct client_info){ p->content.info.user, p->content.info.client, p->content.info.conn_info,
                                  p->content.info.chan_info };
    return (struct reply){ .kind = REPLY_PUSH,
                           .push = { .kind = p->content.kind == PUBLICATION_JOIN ? PUSH_JOIN : PUSH_LEAVE,
                                     .channel = p->channel,
                                     .join = { .info = info } } };
}

/* The text of a variant as a JSON string. */
static void append_variant(const struct publication *p, enum publication_variant variant, struct buf *string)
{
    bool is_delta = variant == PUBLICATION_DELTA;
    json_append_string(string, is_delta ? publication_delta(p, DELTA_UTF8) : p->content.data);
}

static void encode_publication_json(const struct publication *p, enum publication_variant variant, struct buf *out)
{
    struct publication_fields fields;
    struct client_info info;
    struct buf string;
    buf_init(&string, BUF_NO_LIMIT);
    client_publication_fields(p, &fields, &info);
    if (variant != PUBLICATION_PLAIN) {
        append_variant(p, variant, &string);
        client_delta_fields(&fields, buf_slice(&string), variant == PUBLICATION_DELTA);
    }
    protocol_json_encode_publication_push(p->channel, &fields, out);
    if (!buf_ok(&string)) out->failed = string.failed;
    buf_deinit(&string);
}

bool engine_encode_push_json(const struct publication *p, enum publication_variant variant, struct buf *out)
{
    if (!publication_fits_json(p)) return false;
    if (p->content.kind == PUBLICATION_DATA) {
        encode_publication_json(p, variant, out);
    } else {
        struct client_info info;
        struct reply r = member_reply(p, &info);
        protocol_json_encode_reply(&r, out);
    }
    return buf_ok(out);
}

bool engine_encode_push_protobuf(const struct publication *p, enum publication_variant variant, struct buf *out)
{
    struct client_info info;
    if (p->content.kind == PUBLICATION_DATA) {
        struct publication_fields fields;
        client_publication_fields(p, &fields, &info);
        if (variant == PUBLICATION_DELTA) client_delta_fields(&fields, publication_delta(p, DELTA_BYTES), true);
        protocol_protobuf_encode_publication_push(p->channel, &fields, out);
    } else {
        struct reply r = member_reply(p, &info);
        protocol_protobuf_encode_reply(&r, out);
    }
    return buf_ok(out);
}
