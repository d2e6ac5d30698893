/* Any bytes as one transport message: each command must be readable to its last
 * byte, lie in the message or the arena, and account for all of the message. */
#include "base/check.h"
#include "json/json_reader.h"
#include "protocol/protocol_protobuf_command.h"
#include "protocol/protocol_protobuf_filter.h"
#include "protocol/protocol_protobuf_reply.h"
#include "protocol/protocol_protobuf_wire.h"

#define SCRATCH_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned long touched;

static void touch(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) touched += (unsigned char)s.ptr[i];
}

static void touch_subscribe(const struct subscribe_request *s)
{
    touch(s->channel);
    touch(s->token);
    touch(s->epoch);
    touch(s->data);
    touch(s->tf);
}

static void touch_connect(const struct connect_request *c)
{
    touch(c->token);
    touch(c->data);
    for (size_t i = 0; i < c->header_count; i++) touch(c->headers[i].key), touch(c->headers[i].value);
    for (size_t i = 0; i < c->sub_count; i++) {
        touch(c->subs[i].channel);
        touch_subscribe(&c->subs[i].request);
        for (size_t j = 0; j < i && i < 64; j++) CHECK(!slice_eq(c->subs[i].channel, c->subs[j].channel));
    }
}

static void touch_sub_refresh(const struct sub_refresh_request *s)
{
    for (size_t i = 0; i < s->untrack_count; i++) touch(s->untrack[i]);
    for (size_t i = 0; i < s->track_count; i++)
        for (size_t j = 0; j < s->track[i].item_count; j++) touch(s->track[i].items[j].key);
}

/* What was published must go out with its length before it, and data as it came. */
static void publish(const struct publish_request *p)
{
    struct publication_fields pub = { .data = p->data, .key = p->key };
    struct wire_reader r;
    struct slice body;
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    protocol_protobuf_encode_publication_push(p->channel, &pub, &b);
    r = wire_reader_of(buf_slice(&b));
    CHECK(buf_ok(&b) && wire_bytes(&r, &body) && r.at == r.end);
    CHECK(p->data.len == 0 || memmem(body.ptr, body.len, p->data.ptr, p->data.len) != NULL);
    buf_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena scratch;
    struct protocol_batch batch;
    struct command c;
    enum protocol_result result;
    size_t taken = 0;
    arena_init(&scratch, SCRATCH_MAX);
    protocol_batch_init(&batch, slice_of(data, len));
    while ((result = protocol_protobuf_next(&batch, &scratch, &c)) == PROTOCOL_COMMAND) {
        taken += c.len;
        CHECK((c.request != NULL) == (c.kind != COMMAND_NONE));
        if (c.kind == COMMAND_CONNECT) touch_connect(c.connect);
        if (c.kind == COMMAND_SUBSCRIBE) {
            touch_subscribe(c.subscribe);
            CHECK(!c.subscribe->tf.ptr || json_valid(c.subscribe->tf, PROTOCOL_FILTER_DEPTH_MAX * 2));
        }
        if (c.kind == COMMAND_SUB_REFRESH) touch_sub_refresh(c.sub_refresh);
        if (c.kind == COMMAND_PUBLISH) publish(c.publish);
    }
    CHECK(result == PROTOCOL_END ? taken == len && len > 0 : batch.error_text && batch.error_position <= len);
    arena_deinit(&scratch);
    return 0;
}
