#include "engine/support/protobuf_of_json.h"

#include <stdio.h>

#include "base/check.h"
#include "protocol/protocol_json_command.h"
#include "protocol/protocol_protobuf_wire.h"

#define FIELD_ID 1

/* Of Command; a kind that is not here is not translated. */
static const uint32_t request_fields[COMMAND_KIND_COUNT] = {
    [COMMAND_CONNECT] = 4,  [COMMAND_SUBSCRIBE] = 5,      [COMMAND_UNSUBSCRIBE] = 6, [COMMAND_PUBLISH] = 7,
    [COMMAND_PRESENCE] = 8, [COMMAND_PRESENCE_STATS] = 9, [COMMAND_HISTORY] = 10,    [COMMAND_REFRESH] = 14,
};

static void put_text(struct buf *b, uint32_t number, struct slice text)
{
    if (text.len == 0) return;
    wire_append_tag(b, number, WIRE_BYTES);
    wire_append_bytes(b, text);
}

static void put_number(struct buf *b, uint32_t number, uint64_t value)
{
    if (value == 0) return;
    wire_append_tag(b, number, WIRE_VARINT);
    wire_append_varint(b, value);
}

/* The only filter of these tests: {"key":K,"cmp":C,"val":V} in this order. */
static void put_filter(struct buf *b, struct slice json)
{
    char copy[128], key[32], cmp[32], val[32];
    if (!json.ptr) return;
    CHECK(json.len < sizeof copy);
    memcpy(copy, json.ptr, json.len);
    copy[json.len] = '\0';
    CHECK(sscanf(copy, "{\"key\":\"%31[^\"]\",\"cmp\":\"%31[^\"]\",\"val\":\"%31[^\"]\"}", key, cmp, val) == 3);
    wire_append_tag(b, 13, WIRE_BYTES);
    const size_t start = wire_begin_bytes(b);
    put_text(b, 2, slice_from_cstr(key));
    put_text(b, 3, slice_from_cstr(cmp));
    put_text(b, 4, slice_from_cstr(val));
    wire_end_bytes(b, start);
}

static void put_subscribe(struct buf *b, const struct subscribe_request *r)
{
    put_text(b, 1, r->channel);
    put_text(b, 2, r->token);
    put_number(b, 3, r->recover);
    put_text(b, 6, r->epoch);
    put_number(b, 7, r->offset);
    put_filter(b, r->tf);
}

static void put_connect(struct buf *b, const struct connect_request *r)
{
    put_text(b, 1, r->token);
    for (size_t i = 0; i < r->sub_count; i++) {
        wire_append_tag(b, 3, WIRE_BYTES);
        const size_t entry = wire_begin_bytes(b);
        put_text(b, 1, r->subs[i].channel);
        wire_append_tag(b, 2, WIRE_BYTES);
        const size_t value = wire_begin_bytes(b);
        put_subscribe(b, &r->subs[i].request);
        wire_end_bytes(b, value);
        wire_end_bytes(b, entry);
    }
}

static void put_request(struct buf *b, const struct command *c)
{
    switch (c->kind) {
    case COMMAND_CONNECT: put_connect(b, c->connect); break;
    case COMMAND_SUBSCRIBE: put_subscribe(b, c->subscribe); break;
    case COMMAND_UNSUBSCRIBE: put_text(b, 1, c->unsubscribe->channel); break;
    case COMMAND_PUBLISH:
        put_text(b, 1, c->publish->channel);
        put_text(b, 2, c->publish->data);
        break;
    case COMMAND_PRESENCE: put_text(b, 1, c->presence->channel); break;
    case COMMAND_PRESENCE_STATS: put_text(b, 1, c->presence_stats->channel); break;
    case COMMAND_HISTORY:
        CHECK(!c->history->since && !c->history->reverse);
        put_text(b, 1, c->history->channel);
        put_number(b, 7, (uint64_t)c->history->limit);
        break;
    case COMMAND_REFRESH: put_text(b, 1, c->refresh->token); break;
    default: check_failed("a command that is not translated", __FILE__, __LINE__);
    }
}

void protobuf_of_json(const char *message, struct buf *out)
{
    struct protocol_batch batch;
    struct command command;
    struct arena arena;
    enum protocol_result result;
    buf_init(out, BUF_NO_LIMIT);
    arena_init(&arena, (size_t)1 << 20);
    protocol_batch_init(&batch, slice_from_cstr(message));
    while ((result = protocol_json_next(&batch, &arena, &command)) == PROTOCOL_COMMAND) {
        const size_t start = wire_begin_bytes(out);
        put_number(out, FIELD_ID, command.id);
        CHECK(request_fields[command.kind] != 0);
        wire_append_tag(out, request_fields[command.kind], WIRE_BYTES);
        const size_t body = wire_begin_bytes(out);
        put_request(out, &command);
        wire_end_bytes(out, body);
        wire_end_bytes(out, start);
    }
    CHECK(result == PROTOCOL_END && buf_ok(out));
    arena_deinit(&arena);
}
