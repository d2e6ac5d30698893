#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/check.h"
#include "load/load_command.h"
#include "protocol/protocol_json_command.h"
#include "protocol/protocol_protobuf_command.h"

static const struct load_subscribe recovering = {
    .channel = SLICE("a:\"b\""), .token = SLICE("t"), .recovers = true, .epoch = SLICE("ep"), .offset = 300
};

static void write_all(struct buf *out, enum load_encoding encoding)
{
    struct slice between = encoding == LOAD_JSON ? SLICE("\n") : SLICE("");
    load_command_connect(out, encoding, 1, SLICE("token"));
    buf_append(out, between);
    load_command_subscribe(out, encoding, 2, &recovering);
    buf_append(out, between);
    load_command_publish(out, encoding, 70000, SLICE("c"), SLICE("{\"x\":1}"));
}

static bool next(enum load_encoding encoding, struct protocol_batch *b, struct arena *a, struct command *out)
{
    return (encoding == LOAD_JSON ? protocol_json_next : protocol_protobuf_next)(b, a, out) == PROTOCOL_COMMAND;
}

static void commands_are_what_a_server_reads(void **state)
{
    for (enum load_encoding encoding = LOAD_JSON; encoding <= LOAD_PROTOBUF; encoding++) {
        struct buf out;
        struct protocol_batch batch;
        struct arena arena;
        struct command c;
        buf_init(&out, BUF_NO_LIMIT);
        arena_init(&arena, 65536);
        write_all(&out, encoding);
        protocol_batch_init(&batch, buf_slice(&out));
        assert_true(next(encoding, &batch, &arena, &c));
        assert_int_equal(c.id, 1);
        assert_int_equal(c.kind, COMMAND_CONNECT);
        assert_true(slice_eq(c.connect->token, SLICE("token")));
        assert_true(next(encoding, &batch, &arena, &c));
        assert_int_equal(c.kind, COMMAND_SUBSCRIBE);
        assert_true(slice_eq(c.subscribe->channel, recovering.channel));
        assert_true(slice_eq(c.subscribe->epoch, recovering.epoch));
        assert_true(c.subscribe->recover);
        assert_int_equal(c.subscribe->offset, 300);
        assert_true(next(encoding, &batch, &arena, &c));
        assert_int_equal(c.id, 70000);
        assert_int_equal(c.kind, COMMAND_PUBLISH);
        assert_true(slice_eq(c.publish->data, SLICE("{\"x\":1}")));
        arena_deinit(&arena);
        buf_deinit(&out);
    }
}

struct heard {
    enum load_encoding encoding;
    struct slice bytes;
    struct load_message expected;
};

static const struct heard rows[] = {
    { LOAD_JSON, SLICE("{}"), { .kind = LOAD_PING } },
    { LOAD_JSON, SLICE("{\"id\":7,\"publish\":{}}"), { .kind = LOAD_REPLY, .id = 7 } },
    { LOAD_JSON,
      SLICE("{\"id\":7,\"error\":{\"code\":103,\"message\":\"permission denied\"}}"),
      { .kind = LOAD_ERROR, .id = 7, .code = 103, .text = SLICE("permission denied") } },
    { LOAD_JSON,
      SLICE("{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":{\"push\":1},\"offset\":4}}}"),
      { .kind = LOAD_PUBLICATION, .channel = SLICE("a"), .data = SLICE("{\"push\":1}") } },
    { LOAD_JSON,
      SLICE("{\"push\":{\"channel\":\"a\",\"join\":{\"info\":{}}}}"),
      { .kind = LOAD_OTHER_PUSH, .channel = SLICE("a") } },
    { LOAD_JSON, SLICE("{\"id\":7"), { .kind = LOAD_NONSENSE, .id = 7 } },
    { LOAD_JSON, SLICE("[]"), { .kind = LOAD_NONSENSE } },
    { LOAD_JSON, SLICE("{\"push\":7}"), { .kind = LOAD_NONSENSE } },
    { LOAD_PROTOBUF, SLICE(""), { .kind = LOAD_PING } },
    { LOAD_PROTOBUF, SLICE("\x08\x07\x42\x00"), { .kind = LOAD_REPLY, .id = 7 } },
    { LOAD_PROTOBUF,
      SLICE("\x08\x07\x12\x06\x08\x67\x12\x02no"),
      { .kind = LOAD_ERROR, .id = 7, .code = 103, .text = SLICE("no") } },
    { LOAD_PROTOBUF,
      SLICE("\x22\x09\x12\x01"
            "a"
            "\x22\x04\x22\x02{}"),
      { .kind = LOAD_PUBLICATION, .channel = SLICE("a"), .data = SLICE("{}") } },
    { LOAD_PROTOBUF,
      SLICE("\x22\x05\x12\x01"
            "a"
            "\x2a\x00"),
      { .kind = LOAD_OTHER_PUSH, .channel = SLICE("a") } },
    { LOAD_PROTOBUF, SLICE("\x22\x7f"), { .kind = LOAD_NONSENSE } },
};

static void what_comes_is_told_apart(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct load_message m;
        load_message_read(rows[i].encoding, rows[i].bytes, &m);
        if (m.kind != rows[i].expected.kind) fail_msg("row %zu is of kind %d", i, m.kind);
        assert_int_equal(m.id, rows[i].expected.id);
        assert_int_equal(m.code, rows[i].expected.code);
        assert_true(slice_eq(m.text, rows[i].expected.text));
        assert_true(slice_eq(m.channel, rows[i].expected.channel));
        assert_true(slice_eq(m.data, rows[i].expected.data));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_what_a_server_reads),
        cmocka_unit_test(what_comes_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
