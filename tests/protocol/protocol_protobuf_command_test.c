/* The commands in hex were written by Centrifugo's own encoder (centrifugal/protocol
 * v0.19.2), but for those that no encoder writes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/protocol_protobuf_command.h"
#include "protocol/support/hex_text.h"

#define SCRATCH_MAX              (4 << 20)
#define BINARY                   "\0\xff\n\x80"
#define assert_slice(s, literal) assert_true(slice_eq((s), SLICE(literal)))

#define CONNECT                                                                                                        \
    "56080122520a0765794a2e782e79120400ff0a801a200a046e65777312180a046e6577731801320378797a38ffffffffffffffffff01"     \
    "22026a732a03352e30320b0a05582d4b65791202763138fdffffffffffffffff01"
#define SUBSCRIBE                                                                                                      \
    "5b08022a570a02636812017418013201653807420400ff0a804801500158016206666f7373696c6a140a03616e64320d12016b1a02696e"   \
    "2a01612a016270027801800180808080f8ffffffff018a010263759001ffffffff07980101"
#define FILTER         "{\"op\":\"and\",\"nodes\":[{\"key\":\"k\",\"cmp\":\"in\",\"vals\":[\"a\",\"b\"]}]}"
#define PUBLISH        "1408033a100a0163120400ff0a80180122016b2801"
#define UNSUBSCRIBE    "07080432030a0163"
#define PRESENCE       "07080542030a0163"
#define PRESENCE_STATS "0708064a030a0163"
#define HISTORY        "1c080752180a016338ffffffffffffffffff01420608ac021201654801"
#define HISTORY_SHORT  "07080752030a0163"
#define RPC            "0d08086a090a0400ff0a8012016d"
#define SEND           "0862060a0400ff0a80"
#define REFRESH        "07080972030a0174"
#define SUB_REFRESH    "27080a7a230a01631201741802220f0a017312050a0161100112030a016222002a01782a002a0179"
#define PING           "0808ffffffff0f5a00"

static const char *const whole[] = { CONNECT,        SUBSCRIBE,   PUBLISH,       UNSUBSCRIBE, PRESENCE,
                                     PRESENCE_STATS, HISTORY,     HISTORY_SHORT, RPC,         SEND,
                                     REFRESH,        SUB_REFRESH, PING };

/* A walk over one message; its bytes are copied without one to spare. */
struct walk {
    struct protocol_batch batch;
    struct arena scratch;
    struct command command;
    char *bytes;
};

static void walk_begin(struct walk *w, struct slice message)
{
    w->bytes = malloc(message.len ? message.len : 1);
    assert_non_null(w->bytes);
    if (message.len) memcpy(w->bytes, message.ptr, message.len);
    arena_init(&w->scratch, SCRATCH_MAX);
    protocol_batch_init(&w->batch, slice_of(w->bytes, message.len));
}

static void walk_begin_hex(struct walk *w, const char *hex)
{
    struct slice message = hex_bytes(hex);
    walk_begin(w, message);
    free((void *)(uintptr_t)message.ptr);
}

static enum protocol_result walk_next(struct walk *w)
{
    return protocol_protobuf_next(&w->batch, &w->scratch, &w->command);
}

static void walk_end(struct walk *w)
{
    arena_deinit(&w->scratch);
    free(w->bytes);
}

/* The message holds exactly one command, which is left in w. */
static const struct command *take_one(struct walk *w, const char *hex)
{
    walk_begin_hex(w, hex);
    assert_int_equal(walk_next(w), PROTOCOL_COMMAND);
    struct command first = w->command;
    assert_int_equal(walk_next(w), PROTOCOL_END);
    w->command = first;
    return &w->command;
}

/* Commands before the end; *result says how it ended. */
static size_t count_commands(struct slice message, enum protocol_result *result)
{
    struct walk w;
    size_t count = 0, taken = 0;
    walk_begin(&w, message);
    while ((*result = walk_next(&w)) == PROTOCOL_COMMAND) {
        count++;
        taken += w.command.len;
    }
    assert_int_equal(walk_next(&w), *result); /* the end stays the end */
    if (*result == PROTOCOL_END) assert_int_equal(taken, message.len);
    if (*result == PROTOCOL_BROKEN) assert_non_null(w.batch.error_text);
    walk_end(&w);
    return count;
}

static size_t count_hex(const char *hex, enum protocol_result *result)
{
    struct slice message = hex_bytes(hex);
    size_t count = count_commands(message, result);
    free((void *)(uintptr_t)message.ptr);
    return count;
}

/* ----------------------------------------------------------- every field */

static void a_connect_command_is_read_whole(void **state)
{
    struct walk w;
    const struct command *c = take_one(&w, CONNECT);
    assert_int_equal(c->id, 1);
    assert_int_equal(c->kind, COMMAND_CONNECT);
    assert_slice(c->connect->token, "eyJ.x.y");
    assert_slice(c->connect->data, BINARY);
    assert_slice(c->connect->name, "js");
    assert_slice(c->connect->version, "5.0");
    assert_int_equal(c->connect->flag, -3);
    assert_int_equal(c->connect->sub_count, 1);
    assert_slice(c->connect->subs[0].channel, "news");
    assert_true(c->connect->subs[0].request.recover);
    assert_slice(c->connect->subs[0].request.channel, "news");
    assert_slice(c->connect->subs[0].request.epoch, "xyz");
    assert_true(c->connect->subs[0].request.offset == UINT64_MAX);
    assert_int_equal(c->connect->header_count, 1);
    assert_slice(c->connect->headers[0].key, "X-Key");
    assert_slice(c->connect->headers[0].value, "v1");
    walk_end(&w);
}

static void a_subscribe_command_is_read_whole(void **state)
{
    struct walk w;
    const struct command *c = take_one(&w, SUBSCRIBE);
    const struct subscribe_request *s = c->subscribe;
    assert_int_equal(c->id, 2);
    assert_int_equal(c->kind, COMMAND_SUBSCRIBE);
    assert_slice(s->channel, "ch");
    assert_slice(s->token, "t");
    assert_slice(s->epoch, "e");
    assert_slice(s->data, BINARY);
    assert_slice(s->delta, "fossil");
    assert_slice(s->tf, FILTER);
    assert_slice(s->cursor, "cu");
    assert_int_equal(s->offset, 7);
    assert_int_equal(s->flag, SUBSCRIBE_FLAG_STRICT_RECOVERY);
    assert_int_equal(s->type, SUBSCRIPTION_MAP);
    assert_int_equal(s->phase, INT32_MIN);
    assert_int_equal(s->limit, INT32_MAX);
    assert_true(s->recover && s->positioned && s->recoverable && s->join_leave && s->asc);
    walk_end(&w);
}

static void publish_and_history_are_read_whole(void **state)
{
    struct walk w;
    const struct command *c = take_one(&w, PUBLISH);
    assert_int_equal(c->id, 3);
    assert_int_equal(c->kind, COMMAND_PUBLISH);
    assert_slice(c->publish->channel, "c");
    assert_slice(c->publish->data, BINARY);
    assert_slice(c->publish->key, "k");
    assert_int_equal(c->publish->type, 1);
    assert_true(c->publish->removed);
    walk_end(&w);

    c = take_one(&w, HISTORY);
    assert_int_equal(c->kind, COMMAND_HISTORY);
    assert_slice(c->history->channel, "c");
    assert_int_equal(c->history->limit, -1);
    assert_int_equal(c->history->since->offset, 300);
    assert_slice(c->history->since->epoch, "e");
    assert_true(c->history->reverse);
    walk_end(&w);

    c = take_one(&w, HISTORY_SHORT);
    assert_null(c->history->since);
    assert_false(c->history->reverse);
    walk_end(&w);
}

static void the_other_commands_are_read_whole(void **state)
{
    struct walk w;
    const struct command *c = take_one(&w, UNSUBSCRIBE);
    assert_int_equal(c->kind, COMMAND_UNSUBSCRIBE);
    assert_slice(c->unsubscribe->channel, "c");
    walk_end(&w);
    c = take_one(&w, PRESENCE);
    assert_int_equal(c->kind, COMMAND_PRESENCE);
    assert_slice(c->presence->channel, "c");
    walk_end(&w);
    c = take_one(&w, PRESENCE_STATS);
    assert_int_equal(c->kind, COMMAND_PRESENCE_STATS);
    assert_slice(c->presence_stats->channel, "c");
    walk_end(&w);
    c = take_one(&w, RPC);
    assert_int_equal(c->kind, COMMAND_RPC);
    assert_slice(c->rpc->data, BINARY);
    assert_slice(c->rpc->method, "m");
    walk_end(&w);
    c = take_one(&w, SEND);
    assert_int_equal(c->kind, COMMAND_SEND);
    assert_slice(c->send->data, BINARY);
    assert_true(c->has_send && c->id == 0 && !command_is_pong(c));
    walk_end(&w);
    c = take_one(&w, REFRESH);
    assert_int_equal(c->kind, COMMAND_REFRESH);
    assert_slice(c->refresh->token, "t");
    walk_end(&w);
    c = take_one(&w, PING);
    assert_int_equal(c->kind, COMMAND_PING);
    assert_true(c->id == UINT32_MAX);
    walk_end(&w);
}

static void a_sub_refresh_command_is_read_whole(void **state)
{
    struct walk w;
    const struct command *c = take_one(&w, SUB_REFRESH);
    const struct sub_refresh_request *s = c->sub_refresh;
    assert_int_equal(c->kind, COMMAND_SUB_REFRESH);
    assert_slice(s->channel, "c");
    assert_slice(s->token, "t");
    assert_int_equal(s->type, 2);
    assert_int_equal(s->track_count, 2);
    assert_slice(s->track[0].signature, "s");
    assert_int_equal(s->track[0].item_count, 2);
    assert_slice(s->track[0].items[0].key, "a");
    assert_int_equal(s->track[0].items[0].version, 1);
    assert_slice(s->track[0].items[1].key, "b");
    assert_int_equal(s->track[1].item_count, 0);
    assert_int_equal(s->untrack_count, 3);
    assert_slice(s->untrack[0], "x");
    assert_slice(s->untrack[1], "");
    assert_slice(s->untrack[2], "y");
    walk_end(&w);
}

/* -------------------------------------------------------------- framing */

static void a_length_of_zero_is_a_pong(void **state)
{
    struct walk w;
    const struct command *c = take_one(&w, "00");
    assert_int_equal(c->kind, COMMAND_NONE);
    assert_true(command_is_pong(c));
    walk_end(&w);
}

static void a_batch_gives_its_commands_in_order_with_their_lengths(void **state)
{
    static const struct {
        uint32_t id;
        enum command_kind kind;
        size_t len;
    } expected[] = {
        { 4, COMMAND_UNSUBSCRIBE, 8 }, { 0, COMMAND_NONE, 1 }, { 3, COMMAND_PUBLISH, 21 }, { 0, COMMAND_SEND, 9 }
    };
    struct walk w;
    walk_begin_hex(&w, UNSUBSCRIBE "00" PUBLISH SEND);
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        assert_int_equal(walk_next(&w), PROTOCOL_COMMAND);
        assert_int_equal(w.command.id, expected[i].id);
        assert_int_equal(w.command.kind, expected[i].kind);
        assert_int_equal(w.command.len, expected[i].len);
    }
    assert_int_equal(walk_next(&w), PROTOCOL_END);
    walk_end(&w);
}

static void a_lone_length_after_a_good_command_is_ignored(void **state)
{
    static const struct {
        const char *tail;
        size_t commands;
        enum protocol_result result;
    } tails[] = {
        { "05", 1, PROTOCOL_END },
        { "8001", 1, PROTOCOL_END },
        { "ffffffff07", 1, PROTOCOL_END },
        { "00", 2, PROTOCOL_END },
        { "0005", 2, PROTOCOL_END },
        { "80", 1, PROTOCOL_BROKEN },
        { "0508", 1, PROTOCOL_BROKEN },
        { "05050505", 1, PROTOCOL_BROKEN },
        { "8080808008", 1, PROTOCOL_BROKEN },
        { "ffffffff7f", 1, PROTOCOL_BROKEN },
    };
    for (size_t i = 0; i < ARRAY_COUNT(tails); i++) {
        char hex[64];
        enum protocol_result result;
        (void)snprintf(hex, sizeof hex, REFRESH "%s", tails[i].tail);
        assert_int_equal(count_hex(hex, &result), tails[i].commands);
        assert_int_equal(result, tails[i].result);
        assert_int_equal(count_hex(tails[i].tail[0] == '0' && tails[i].tail[1] == '0' ? "05" : tails[i].tail, &result),
                         0);
        assert_int_equal(result, PROTOCOL_BROKEN); /* alone it is no message */
    }
}

/* What is left of a message whose command parks is given again by itself: a lone
 * length must not be what is left. */
static void a_lone_length_counts_to_the_command_before_it(void **state)
{
    struct walk w;
    walk_begin_hex(&w, PRESENCE REFRESH "05");
    assert_int_equal(walk_next(&w), PROTOCOL_COMMAND);
    assert_int_equal(w.command.len, 8);
    assert_int_equal(walk_next(&w), PROTOCOL_COMMAND);
    assert_int_equal(w.command.len, 9);
    walk_end(&w);
}

static void a_declared_length_beyond_the_message_is_broken_and_allocates_nothing(void **state)
{
    static const char *const messages[] = {
        "",
        "01",
        "ffffffff7f",
        "ffffffff7f08",
        "80808080808080808001",           /* 2^63 */
        "8080808080808080800108",         /* 2^63 and a byte */
        "ffffffffffffffffff01",           /* 2^64 - 1 */
        "ffffffffffffffffff0100",         /* the same, with a byte */
        "ffffffffffffffffffff01",         /* eleven bytes */
        "0608012affffff7f",               /* subscribe of 2^28 - 1 bytes */
        "0d08012affffffffffffffffff0100", /* of 2^64 - 1 */
        "0808012a040a7f6368",             /* a channel of 127 bytes */
        "0a080122061a040aff010061",       /* a key in connect.subs */
    };
    for (size_t i = 0; i < ARRAY_COUNT(messages); i++) {
        struct walk w;
        walk_begin_hex(&w, messages[i]);
        assert_int_equal(walk_next(&w), PROTOCOL_BROKEN);
        assert_true(w.batch.error_position <= w.batch.rest_.len);
        assert_true(w.scratch.bytes_ < 1024);
        walk_end(&w);
    }
}

static void every_prefix_of_a_command_is_broken(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(whole); i++) {
        enum protocol_result result;
        struct slice message = hex_bytes(whole[i]);
        for (size_t len = 0; len < message.len; len++) {
            assert_int_equal(count_commands(slice_head(message, len), &result), 0);
            assert_int_equal(result, PROTOCOL_BROKEN);
        }
        assert_int_equal(count_commands(message, &result), 1);
        assert_int_equal(result, PROTOCOL_END);
        free((void *)(uintptr_t)message.ptr);
    }
}

/* The frame is whole, its content is not: every cut inside a field is noticed. */
static void a_command_cut_inside_is_broken_or_a_shorter_one(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(whole); i++) {
        struct slice message = hex_bytes(whole[i]);
        char *bytes = (char *)(uintptr_t)message.ptr;
        size_t good = 0;
        assert_true(message.len < 128);
        for (size_t len = 1; len <= message.len; len++) {
            enum protocol_result result;
            bytes[0] = (char)(len - 1);
            good += count_commands(slice_head(message, len), &result) == 1;
        }
        assert_in_range(good, 2, 3); /* nothing, without the request, all */
        free(bytes);
    }
}

static void the_broken_byte_is_named_in_the_whole_message(void **state)
{
    struct walk w;
    walk_begin_hex(&w, UNSUBSCRIBE "0408012b00"); /* 0x2b: a group */
    assert_int_equal(walk_next(&w), PROTOCOL_COMMAND);
    assert_int_equal(walk_next(&w), PROTOCOL_BROKEN);
    assert_int_equal(w.batch.error_position, 8 + 4);
    assert_string_equal(w.batch.error_text, "a field is a group, or of an unknown wire type");
    walk_end(&w);
}

/* ---------------------------------------------------------- fields, types */

static void ids_are_cut_to_32_bits(void **state)
{
    static const struct {
        const char *hex;
        uint32_t id;
    } ids[] = {
        { "020801", 1 },
        { "0408010802", 2 },     /* the last one counts */
        { "06088080808010", 0 }, /* 2^32 */
        { "06088180808010", 1 }, /* 2^32 + 1 */
        { "0b08ffffffffffffffffff01", UINT32_MAX },
        { "0b08818080808080808080"
          "7f",
          1 }, /* bits beyond 64 */
        { "0b08818080808080808080"
          "00",
          1 }, /* longer than it need be */
    };
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        struct walk w;
        assert_int_equal(take_one(&w, ids[i].hex)->id, ids[i].id);
        walk_end(&w);
    }
}

static void any_number_but_zero_is_true(void **state)
{
    struct walk w;
    const struct command *c = take_one(&w, "12 0801 2a0e 1802 488080808010 5000 5801 5800");
    assert_true(c->subscribe->recover && c->subscribe->positioned);
    assert_false(c->subscribe->recoverable || c->subscribe->join_leave);
    walk_end(&w);
}

static void an_empty_message_is_broken(void **state)
{
    struct walk w;
    walk_begin(&w, SLICE(""));
    assert_int_equal(walk_next(&w), PROTOCOL_BROKEN);
    assert_string_equal(w.batch.error_text, "empty message");
    walk_end(&w);
}

static void of_several_requests_the_first_in_the_fixed_order_is_chosen(void **state)
{
    struct walk w;
    /* send, history, connect, subscribe: in the order of the bytes */
    assert_int_equal(take_one(&w, "0a0801"
                                  "6200"
                                  "5200"
                                  "2200"
                                  "2a00")
                         ->kind,
                     COMMAND_CONNECT);
    assert_true(w.command.has_send);
    walk_end(&w);
    assert_int_equal(take_one(&w, "080801"
                                  "6200"
                                  "5200"
                                  "2a00")
                         ->kind,
                     COMMAND_SUBSCRIBE);
    walk_end(&w);
    assert_int_equal(take_one(&w, "060801"
                                  "7200"
                                  "6200")
                         ->kind,
                     COMMAND_SEND);
    walk_end(&w);
}

static void repeated_messages_merge_and_the_last_scalar_counts(void **state)
{
    struct walk w;
    /* subscribe {channel a, recover}; subscribe {channel b, epoch e} */
    const struct command *c = take_one(&w, "11"
                                           "0801"
                                           "2a050a01611801"
                                           "2a060a0162320165");
    assert_slice(c->subscribe->channel, "b");
    assert_slice(c->subscribe->epoch, "e");
    assert_true(c->subscribe->recover);
    walk_end(&w);
    /* history {since {offset 7}, since {epoch e}, reverse true, reverse false} */
    c = take_one(&w, "11"
                     "0801"
                     "520d"
                     "42020807"
                     "4203120165"
                     "4801"
                     "4800");
    assert_int_equal(c->history->since->offset, 7);
    assert_slice(c->history->since->epoch, "e");
    assert_false(c->history->reverse);
    walk_end(&w);
}

static void tags_filters_come_out_as_json(void **state)
{
    static const struct {
        const char *hex, *json;
    } filters[] = {
        { "04 0801 2a00", NULL },
        { "06 0801 2a02 6a00", "{}" }, /* an empty filter is not an absent one */
        { "10 0801 2a0c 6a030a0161 6a00 6a03120162", "{\"op\":\"a\",\"key\":\"b\"}" }, /* repeated: merged */
        { "0e 0801 2a0a 6a08 0a00 220122 220163", "{\"op\":\"\",\"val\":\"c\"}" },
        { "14 0801 2a10 6a0e 2a0162 3200 f80601 2a00 32021a00",
          "{\"vals\":[\"b\",\"\"],\"nodes\":[{},{\"cmp\":\"\"}]}" },
        { "0a 0801 2a06 6a02 2a00 6a00", "{\"vals\":[\"\"]}" },
        { "0b 0801 2a07 6a05 12032262 0a", "{\"key\":\"\\\"b\\n\"}" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(filters); i++) {
        struct walk w;
        const struct subscribe_request *s = take_one(&w, filters[i].hex)->subscribe;
        assert_int_equal(s->tf.ptr != NULL, filters[i].json != NULL);
        assert_true(slice_eq(s->tf, slice_from_cstr(filters[i].json)));
        walk_end(&w);
    }
}

static void broken_tags_filters_break_the_message(void **state)
{
    static const char *const messages[] = {
        "07 0801 2a03 6a01ff",           /* half a tag */
        "08 0801 2a04 6a02 0801",        /* op as a number */
        "08 0801 2a04 6a02 3001",        /* nodes as a number */
        "09 0801 2a05 6a03 0a01ff",      /* no UTF-8 */
        "09 0801 2a05 6a03 2a01ff",      /* nor in a list */
        "0b 0801 2a07 6a05 3203 0a01ff", /* nor further down */
        "09 0801 2a05 6a03 32050a",      /* a length past the end */
        "08 0801 2a04 6a02 f306",        /* a group */
    };
    for (size_t i = 0; i < ARRAY_COUNT(messages); i++) {
        enum protocol_result result;
        assert_int_equal(count_hex(messages[i], &result), 0);
        assert_int_equal(result, PROTOCOL_BROKEN);
    }
}

static void put_varint(struct buf *b, size_t value)
{
    for (; value >= 128; value >>= 7) buf_append_char(b, (char)(value | 128));
    buf_append_char(b, (char)value);
}

/* b becomes the value of a field. */
static void wrap(struct buf *b, struct slice head)
{
    struct buf outer;
    buf_init(&outer, BUF_NO_LIMIT);
    buf_append(&outer, head);
    put_varint(&outer, b->len);
    buf_append(&outer, buf_slice(b));
    buf_deinit(b);
    *b = outer;
}

static void tags_filters_may_nest_up_to_the_limit(void **state)
{
    for (int extra = 0; extra < 2; extra++) {
        enum protocol_result result;
        struct buf b;
        buf_init(&b, BUF_NO_LIMIT);
        for (int depth = 1; depth < 64 + extra; depth++) wrap(&b, SLICE("2"));
        wrap(&b, SLICE("j"));
        wrap(&b, SLICE("\x08\x01*"));
        wrap(&b, SLICE(""));
        count_commands(buf_slice(&b), &result);
        assert_int_equal(result, extra ? PROTOCOL_BROKEN : PROTOCOL_END);
        buf_deinit(&b);
    }
}

static void a_repeated_key_of_a_map_keeps_its_place_and_takes_the_last_value(void **state)
{
    struct walk w;
    /* headers a=1, b=2, a=3, (no key)=4, c without a value; in one entry the last key and value count */
    const struct command *c = take_one(&w, "34"
                                           "0801"
                                           "2230"
                                           "32060a0161120131"
                                           "32060a0162120132"
                                           "32060a0161120133"
                                           "3203120134"
                                           "32030a0163"
                                           "320c0a017812017a0a0179120135");
    static const char *const expected[][2] = { { "a", "3" }, { "b", "2" }, { "", "4" }, { "c", "" }, { "y", "5" } };
    assert_int_equal(c->connect->header_count, ARRAY_COUNT(expected));
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        assert_true(slice_eq(c->connect->headers[i].key, slice_from_cstr(expected[i][0])));
        assert_true(slice_eq(c->connect->headers[i].value, slice_from_cstr(expected[i][1])));
    }
    walk_end(&w);
    /* subs: a {recover}, a {epoch e}: replaced, not merged; b without a value is empty */
    c = take_one(&w, "1b"
                     "0801"
                     "2217"
                     "1a070a016112021801"
                     "1a080a01611203320165"
                     "1a020a00");
    assert_int_equal(c->connect->sub_count, 2);
    assert_false(c->connect->subs[0].request.recover);
    assert_slice(c->connect->subs[0].request.epoch, "e");
    assert_slice(c->connect->subs[1].channel, "");
    walk_end(&w);
}

static void unknown_fields_are_skipped_at_every_level(void **state)
{
    /* one of each wire type, and a number of more than one byte */
#define UNKNOWN                                                                                                        \
    "f80605"                                                                                                           \
    "f1060102030405060708"                                                                                             \
    "fa0602"                                                                                                           \
    "ffff"                                                                                                             \
    "fd0601020304"                                                                                                     \
    "f8ffffff3f01"
    struct walk w;
    const struct command *c = take_one(&w, "7b" UNKNOWN "0801"
                                           "223b" UNKNOWN "321b"
                                           "0a0161"
                                           "1805"
                                           "2203"
                                           "ffffff"
                                           "1d01020304"
                                           "21"
                                           "0102030405060708"
                                           "120131" UNKNOWN);
    assert_int_equal(c->id, 1);
    assert_int_equal(c->connect->header_count, 1);
    assert_slice(c->connect->headers[0].key, "a");
    assert_slice(c->connect->headers[0].value, "1");
    walk_end(&w);
#undef UNKNOWN
}

static void wrong_wire_types_numbers_and_texts_are_broken(void **state)
{
#define WRONG "a field has the wrong wire type"
#define GROUP "a field is a group, or of an unknown wire type"
#define UTF8  "a string is not valid UTF-8"
    static const struct {
        const char *hex, *error;
    } messages[] = {
        { "02 0a00", WRONG },                                         /* id as bytes */
        { "07 0801 2d01020304", WRONG },                              /* subscribe as fixed32 */
        { "04 0801 2801", WRONG },                                    /* subscribe as a number */
        { "06 0801 2a02 0801", WRONG },                               /* channel as a number */
        { "06 0801 2a02 1a00", WRONG },                               /* recover as bytes */
        { "09 0801 2a05 3d01020304", WRONG },                         /* offset as fixed32 */
        { "0a 0801 2206 3204 08011200", WRONG },                      /* key of a map as a number */
        { "0a 0801 2206 3204 0a001001", WRONG },                      /* value of a map as a number */
        { "04 0801 7b7c", GROUP },                                    /* sub_refresh as a group */
        { "06 0801 fb06fc06", GROUP },                                /* an unknown group */
        { "03 0801 54", GROUP },                                      /* the end of a group */
        { "03 0801 2e", GROUP },                                      /* wire type 6 */
        { "03 0801 2f", GROUP },                                      /* wire type 7 */
        { "02 0001", "a field number is out of range" },              /* 0 */
        { "08 0801 808080808001", "a field number is out of range" }, /* 2^32 */
        { "08 0801 f8ffffff7f01", "a field number is out of range" }, /* 2^32 - 1 */
        { "07 0801 2a03 0a01ff", UTF8 },                              /* a channel */
        { "09 0801 2a05 0a03eda080", UTF8 },                          /* a lone surrogate in it */
        { "0b 0801 2207 3205 0a01ff1200", UTF8 },                     /* a key */
        { "0b 0801 2207 3205 0a001201ff", UTF8 },                     /* a value */
        { "07 0801 7a03 2a01ff", UTF8 },                              /* an element of a list */
        { "0c 08ffffffffffffffffffff01", "a number takes more than ten bytes" },
        { "03 0801 18", "the bytes end within a number" },
        { "06 0801 a106 0102", "a length goes past the end" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(messages); i++) {
        struct walk w;
        walk_begin_hex(&w, messages[i].hex);
        assert_int_equal(walk_next(&w), PROTOCOL_BROKEN);
        assert_string_equal(w.batch.error_text, messages[i].error);
        walk_end(&w);
    }
#undef WRONG
#undef GROUP
#undef UTF8
}

/* ----------------------------------------------------------------- limits */

/* A command with id 1 whose request holds the given bytes. */
static struct buf command_around(uint8_t tag, struct slice request)
{
    struct buf inner, b;
    buf_init(&inner, BUF_NO_LIMIT);
    buf_init(&b, BUF_NO_LIMIT);
    buf_append(&inner, SLICE("\x08\x01"));
    buf_append_char(&inner, (char)tag);
    put_varint(&inner, request.len);
    buf_append(&inner, request);
    put_varint(&b, inner.len);
    buf_append(&b, buf_slice(&inner));
    buf_deinit(&inner);
    return b;
}

/* So many headers, named by their numbers, each given twice. */
static struct buf many_headers(size_t count)
{
    struct buf request;
    buf_init(&request, BUF_NO_LIMIT);
    for (size_t i = 0; i < 2 * count; i++) {
        char entry[32];
        int len =
            snprintf(entry, sizeof entry, "2\x0b\x0a\x06%06u\x12\x01%u", (unsigned)(i % count), (unsigned)(i / count));
        buf_append(&request, slice_of(entry, (size_t)len));
    }
    struct buf b = command_around(0x22, buf_slice(&request));
    buf_deinit(&request);
    return b;
}

static void maps_hold_up_to_the_limit_of_entries(void **state)
{
    static const size_t counts[] = { 1, 3, 4, 5, 8, 9, 100, PROTOCOL_ENTRIES_MAX, PROTOCOL_ENTRIES_MAX + 1 };
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        struct walk w;
        struct buf b = many_headers(counts[i]);
        walk_begin(&w, buf_slice(&b));
        enum protocol_result result = walk_next(&w);
        assert_int_equal(result, counts[i] > PROTOCOL_ENTRIES_MAX ? PROTOCOL_BROKEN : PROTOCOL_COMMAND);
        for (size_t j = 0; result == PROTOCOL_COMMAND && j < counts[i]; j++) {
            char key[8];
            (void)snprintf(key, sizeof key, "%06u", (unsigned)j);
            assert_int_equal(w.command.connect->header_count, counts[i]);
            assert_true(slice_eq(w.command.connect->headers[j].key, slice_from_cstr(key)));
            assert_slice(w.command.connect->headers[j].value, "1");
        }
        walk_end(&w);
        buf_deinit(&b);
    }
}

static void lists_hold_up_to_the_limit_of_entries(void **state)
{
    for (size_t extra = 0; extra < 2; extra++) {
        struct buf request;
        enum protocol_result result;
        buf_init(&request, BUF_NO_LIMIT);
        for (size_t i = 0; i < PROTOCOL_ENTRIES_MAX + extra; i++) buf_append(&request, SLICE("*\0"));
        struct buf b = command_around(0x7a, buf_slice(&request));
        count_commands(buf_slice(&b), &result);
        assert_int_equal(result, extra ? PROTOCOL_BROKEN : PROTOCOL_END);
        buf_deinit(&b);
        buf_deinit(&request);
    }
}

static void a_full_arena_and_every_failed_allocation_break_the_message(void **state)
{
    struct buf headers = many_headers(5);
    struct slice text = buf_slice(&headers);
    bool broke = true;
    for (size_t max = 0; broke; max += 16) {
        struct arena scratch;
        struct protocol_batch b;
        struct command c;
        arena_init(&scratch, max);
        protocol_batch_init(&b, text);
        broke = protocol_protobuf_next(&b, &scratch, &c) == PROTOCOL_BROKEN;
        if (broke) assert_string_equal(b.error_text, "command takes too much memory");
        arena_deinit(&scratch);
    }
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        struct arena scratch;
        struct protocol_batch b;
        struct command c;
        arena_init(&scratch, SCRATCH_MAX);
        protocol_batch_init(&b, text);
        mem_fail_after(n);
        enum protocol_result result = protocol_protobuf_next(&b, &scratch, &c);
        failed = !mem_fail_pending();
        mem_fail_after(0);
        assert_int_equal(result, failed ? PROTOCOL_BROKEN : PROTOCOL_COMMAND);
        arena_deinit(&scratch);
    }
    buf_deinit(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connect_command_is_read_whole),
        cmocka_unit_test(a_subscribe_command_is_read_whole),
        cmocka_unit_test(publish_and_history_are_read_whole),
        cmocka_unit_test(the_other_commands_are_read_whole),
        cmocka_unit_test(a_sub_refresh_command_is_read_whole),
        cmocka_unit_test(a_length_of_zero_is_a_pong),
        cmocka_unit_test(a_batch_gives_its_commands_in_order_with_their_lengths),
        cmocka_unit_test(a_lone_length_after_a_good_command_is_ignored),
        cmocka_unit_test(a_lone_length_counts_to_the_command_before_it),
        cmocka_unit_test(a_declared_length_beyond_the_message_is_broken_and_allocates_nothing),
        cmocka_unit_test(every_prefix_of_a_command_is_broken),
        cmocka_unit_test(a_command_cut_inside_is_broken_or_a_shorter_one),
        cmocka_unit_test(the_broken_byte_is_named_in_the_whole_message),
        cmocka_unit_test(ids_are_cut_to_32_bits),
        cmocka_unit_test(any_number_but_zero_is_true),
        cmocka_unit_test(an_empty_message_is_broken),
        cmocka_unit_test(of_several_requests_the_first_in_the_fixed_order_is_chosen),
        cmocka_unit_test(repeated_messages_merge_and_the_last_scalar_counts),
        cmocka_unit_test(tags_filters_come_out_as_json),
        cmocka_unit_test(broken_tags_filters_break_the_message),
        cmocka_unit_test(tags_filters_may_nest_up_to_the_limit),
        cmocka_unit_test(a_repeated_key_of_a_map_keeps_its_place_and_takes_the_last_value),
        cmocka_unit_test(unknown_fields_are_skipped_at_every_level),
        cmocka_unit_test(wrong_wire_types_numbers_and_texts_are_broken),
        cmocka_unit_test(maps_hold_up_to_the_limit_of_entries),
        cmocka_unit_test(lists_hold_up_to_the_limit_of_entries),
        cmocka_unit_test(a_full_arena_and_every_failed_allocation_break_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
