/* The expected bytes were written by Centrifugo's own encoder (centrifugal/protocol
 * v0.19.2) from the same messages. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/protocol_protobuf_reply.h"
#include "protocol/support/hex_text.h"

/* Literals as initialisers of static structs. */
#define LIT(literal)                                                                                                   \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    }
#define BINARY LIT("\0\xff\n\x80")

static const struct client_info info = { LIT("u<1>"), LIT("c-1"), LIT("{\"a\": 1}"), LIT("[1,2]") };
static const struct string_pair tags[] = { { LIT("t&"), LIT("v\xe2\x80\xa8") } };
#define FULL_PUBLICATION                                                                                               \
    {                                                                                                                  \
        .data = LIT("{\"x\":\"y\"}"), .info = &info, .offset = UINT64_MAX, .tags = tags, .tag_count = 1,               \
        .delta = true, .time = -5, .channel = LIT("ch"), .key = LIT("k"), .removed = true, .score = -9,                \
        .epoch = LIT("ep"), .prev_data = LIT("1"), .version = 7                                                        \
    }
static const struct publication_fields full = FULL_PUBLICATION;
static const struct publication_fields two[] = { FULL_PUBLICATION,
                                                 { .data = LIT("1"), .offset = 1, .epoch = LIT("e") } };
static const struct publication_fields history[] = { FULL_PUBLICATION, { .data = LIT("null") } };
static const struct publication_fields keyed[] = { { .key = LIT("k") } };
static const struct publication_fields removed[] = { { .key = LIT("k"), .removed = true } };
static const struct presence_entry present[] = { { .client = LIT("c") } };
#define FULL_SUBSCRIBE                                                                                                 \
    {                                                                                                                  \
        .expires = true, .ttl = 30, .recoverable = true, .epoch = LIT("e"), .publications = two,                       \
        .publication_count = 2, .recovered = true, .offset = 2, .positioned = true, .data = LIT("{}"),                 \
        .was_recovering = true, .delta = true, .numeric_id = -1, .type = 1, .phase = 2, .cursor = LIT("cu"),           \
        .state = keyed, .state_count = 1, .publish_debounce_ms = 9                                                     \
    }
static const struct connect_result_sub full_subs[] = { { LIT("a\"b"), FULL_SUBSCRIBE } };
static const struct connect_result_sub empty_subs[] = { { .channel = LIT("a") } };
static const struct connect_result_sub ordered_subs[] = { { .channel = LIT("z") }, { .channel = LIT("a") } };
static const struct client_info binary_info = { LIT("u"), LIT("c"), BINARY, BINARY };
static const struct string_pair empty_tags[] = { { .key = LIT("") } };

static const struct {
    struct reply reply;
    const char *expected; /* hex */
} cases[] = {
    { { .id = 0 }, "00" },
    { { .id = 77 }, "02084d" },
    { { .id = 1, .kind = REPLY_ERROR, .error = { 100, LIT("internal server error"), true } },
      "1f0801121b08641215696e7465726e616c20736572766572206572726f721801" },
    { { .id = UINT32_MAX, .kind = REPLY_ERROR, .error = { 103, LIT("permission denied"), false } },
      "1d08ffffffff0f1215086712117065726d697373696f6e2064656e696564" },
    { { .id = 1, .kind = REPLY_CONNECT }, "0408012a00" },
    { { .id = 1,
        .kind = REPLY_CONNECT,
        .connect = { .client = LIT("c"),
                     .version = LIT("v OSS"),
                     .expires = true,
                     .ttl = 60,
                     .data = LIT("\"d\""),
                     .subs = full_subs,
                     .sub_count = 1,
                     .ping = 25,
                     .pong = true,
                     .session = LIT("s"),
                     .node = LIT("n"),
                     .time = 1700000000000 } },
      "d70108012ad2010a0163120576204f53531801203c2a0322642232ab010a0361226212a3010801101e18013201653a622209"
      "7b2278223a2279227d2a1c0a04753c313e1203632d311a087b2261223a20317d22055b312c325d30ffffffffffffffffff01"
      "3a0a0a027426120476e280a8400148fbffffffffffffffff01520263685a016b60016811720265707a01318001073a082201"
      "3130017201654001480250015a027b7d6001680170ffffffffffffffffff0178018001028a010263759201035a016b980109"
      "381940014a017352016e5880d095ffbc31" },
    { { .id = 1, .kind = REPLY_CONNECT, .connect = { .subs = ordered_subs, .sub_count = 2 } },
      "1208012a0e32050a017a120032050a01611200" },
    { { .id = 2, .kind = REPLY_SUBSCRIBE }, "0408023200" },
    { { .id = 2, .kind = REPLY_SUBSCRIBE, .subscribe = FULL_SUBSCRIBE },
      "a801080232a3010801101e18013201653a6222097b2278223a2279227d2a1c0a04753c313e1203632d311a087b2261223a20"
      "317d22055b312c325d30ffffffffffffffffff013a0a0a027426120476e280a8400148fbffffffffffffffff01520263685a"
      "016b60016811720265707a01318001073a0822013130017201654001480250015a027b7d6001680170ffffffffffffffffff"
      "0178018001028a010263759201035a016b980109" },
    { { .id = 3, .kind = REPLY_UNSUBSCRIBE }, "0408033a00" },
    { { .id = 4, .kind = REPLY_PUBLISH }, "0408044200" },
    { { .id = 5, .kind = REPLY_PRESENCE }, "0408054a00" },
    { { .id = 5, .kind = REPLY_PRESENCE, .presence = { present, 1 } }, "0b08054a070a050a01631200" },
    { { .id = 6, .kind = REPLY_PRESENCE_STATS }, "0408065200" },
    { { .id = 6, .kind = REPLY_PRESENCE_STATS, .presence_stats = { 3, 2 } }, "080806520408031002" },
    { { .id = 7, .kind = REPLY_HISTORY }, "0408075a00" },
    { { .id = 7, .kind = REPLY_HISTORY, .history = { history, 2, LIT("e"), 2 } },
      "7508075a710a6222097b2278223a2279227d2a1c0a04753c313e1203632d311a087b2261223a20317d22055b312c325d30ff"
      "ffffffffffffffff013a0a0a027426120476e280a8400148fbffffffffffffffff01520263685a016b60016811720265707a"
      "01318001070a0622046e756c6c1201651802" },
    { { .id = 8, .kind = REPLY_PING }, "0408086200" },
    { { .id = 9, .kind = REPLY_RPC }, "0408096a00" },
    { { .id = 9, .kind = REPLY_RPC, .rpc = { LIT("{}") } }, "0808096a040a027b7d" },
    { { .id = 10, .kind = REPLY_REFRESH }, "04080a7200" },
    { { .id = 10, .kind = REPLY_REFRESH, .refresh = { LIT("c"), LIT("v"), 5, true } },
      "0e080a720a0a016312017618012005" },
    { { .id = 11, .kind = REPLY_SUB_REFRESH }, "04080b7a00" },
    { { .id = 11, .kind = REPLY_SUB_REFRESH, .sub_refresh = { removed, 1, 5, true } },
      "0f080b7a0b080110051a055a016b6001" },
    { { .kind = REPLY_PUSH, .push = { PUSH_PUBLICATION, LIT("ch"), .pub = FULL_PUBLICATION } },
      "6a226812026368226222097b2278223a2279227d2a1c0a04753c313e1203632d311a087b2261223a20317d22055b312c325d"
      "30ffffffffffffffffff013a0a0a027426120476e280a8400148fbffffffffffffffff01520263685a016b60016811720265"
      "707a0131800107" },
    { { .kind = REPLY_PUSH, .push = { PUSH_PUBLICATION, LIT("ch") } }, "082206120263682200" },
    { { .kind = REPLY_PUSH, .push = { .kind = PUSH_PUBLICATION, .pub = { .data = LIT("1") } } }, "0722052203220131" },
    { { .kind = REPLY_PUSH, .push = { PUSH_JOIN, LIT("ch"), .join = { &info } } },
      "262224120263682a1e0a1c0a04753c313e1203632d311a087b2261223a20317d22055b312c325d" },
    { { .kind = REPLY_PUSH, .push = { PUSH_LEAVE, LIT("ch") } }, "082206120263683200" },
    { { .kind = REPLY_PUSH,
        .push = { PUSH_UNSUBSCRIBE, LIT("ch"), .unsubscribe = { 2500, LIT("insufficient state") } } },
      "1f221d120263683a1710c4131a12696e73756666696369656e74207374617465" },
    { { .kind = REPLY_PUSH, .push = { .kind = PUSH_MESSAGE, .message = { LIT("2") } } }, "07220542030a0132" },
    { { .kind = REPLY_PUSH,
        .push = { PUSH_SUBSCRIBE, LIT("ch"), .subscribe = { LIT("e"), LIT("{}"), 3, true, true } } },
      "152213120263684a0d0801220165280330013a027b7d" },
    { { .kind = REPLY_PUSH,
        .push = { .kind = PUSH_CONNECT,
                  .connect = { .client = LIT("c"),
                               .version = LIT("v"),
                               .data = LIT("1"),
                               .subs = empty_subs,
                               .sub_count = 1,
                               .expires = true,
                               .ttl = 6,
                               .ping = 25,
                               .pong = true,
                               .session = LIT("s"),
                               .node = LIT("n"),
                               .time = 5 } } },
      "24222252200a01631201761a013122050a0161120028013006381940014a017352016e5805" },
    { { .kind = REPLY_PUSH, .push = { .kind = PUSH_DISCONNECT, .disconnect = { 3001, LIT("shutdown"), true } } },
      "1322115a0f08b917120873687574646f776e1801" },
    { { .kind = REPLY_PUSH, .push = { .kind = PUSH_REFRESH, .refresh = { 7, true } } }, "082206620408011007" },
    { { .kind = REPLY_PUSH,
        .push = { PUSH_PUBLICATION, LIT("ch"), .pub = { .data = BINARY, .info = &binary_info, .prev_data = BINARY } } },
      "282226120263682220220400ff0a802a120a01751201631a0400ff0a80220400ff0a807a0400ff0a80" },
    { { .kind = REPLY_PUSH,
        .push = { PUSH_PUBLICATION, LIT("ch"),
                  .pub = { .time = INT64_MIN, .score = INT64_MIN, .version = UINT64_MAX } } },
      "2a2228120263682222488080808080808080800168ffffffffffffffffff018001ffffffffffffffffff01" },
    { { .id = 1, .kind = REPLY_SUBSCRIBE, .subscribe = { .type = INT32_MIN, .phase = -1, .numeric_id = INT64_MIN } },
      "260801322270808080808080808080017880808080f8ffffffff018001ffffffffffffffffff01" },
    { { .kind = REPLY_PUSH,
        .push = { .kind = PUSH_PUBLICATION, .pub = { .score = INT64_MAX, .tags = empty_tags, .tag_count = 1 } } },
      "15221322113a040a00120068feffffffffffffffff01" },
    { { .id = 1, .kind = REPLY_RPC, .rpc = { BINARY } }, "0a08016a060a0400ff0a80" },
    { { .id = 1, .kind = REPLY_CONNECT, .connect = { .data = BINARY } }, "0a08012a062a0400ff0a80" },
};

/* Frees b. */
static void assert_hex(struct buf *b, const char *expected)
{
    struct buf text;
    assert_true(buf_ok(b));
    buf_init(&text, BUF_NO_LIMIT);
    hex_append(&text, buf_slice(b));
    buf_append_char(&text, '\0');
    assert_string_equal(text.ptr, expected);
    buf_deinit(&text);
    buf_deinit(b);
}

static void replies_are_written_byte_for_byte_as_centrifugo_writes_them(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf b;
        buf_init(&b, BUF_NO_LIMIT);
        protocol_protobuf_encode_reply(&cases[i].reply, &b);
        assert_hex(&b, cases[i].expected);
    }
}

static void the_ping_is_one_zero_byte(void **state)
{
    struct reply ping = { .id = 0 };
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    protocol_protobuf_encode_reply(&ping, &b);
    assert_true(slice_eq(buf_slice(&b), SLICE(PROTOCOL_PROTOBUF_PING)));
    assert_int_equal(b.len, 1);
    buf_deinit(&b);
}

/* Around the places where the length of data, publication, push or reply takes a byte
 * more: the head before the data as Centrifugo writes it. */
static void lengths_take_as_many_bytes_as_they_need(void **state)
{
    static const struct {
        size_t data_len;
        const char *head;
    } lengths[] = {
        { 100, "6e226c1202636822662264" },
        { 113, "7b22791202636822732271" },
        { 114, "7c227a1202636822742272" },
        { 115, "7d227b1202636822752273" },
        { 116, "7e227c1202636822762274" },
        { 117, "7f227d1202636822772275" },
        { 118, "8001227e1202636822782276" },
        { 119, "8101227f1202636822792277" },
        { 120, "830122800112026368227a2278" },
        { 127, "8b0122880112026368228101227f" },
        { 128, "8d01228a0112026368228301228001" },
        { 16370, "ff7f22fc7f1202636822f57f22f27f" },
        { 16371, "80800122fd7f1202636822f67f22f37f" },
        { 16372, "81800122fe7f1202636822f77f22f47f" },
        { 16373, "82800122ff7f1202636822f87f22f57f" },
        { 16374, "848001228080011202636822f97f22f67f" },
        { 16375, "858001228180011202636822fa7f22f77f" },
        { 16383, "8e8001228a8001120263682282800122ff7f" },
        { 16384, "908001228c8001120263682284800122808001" },
        { 2097152, "93808001228e8080011202636822858080012280808001" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        size_t len = lengths[i].data_len;
        char *data = memset(malloc(len), 'x', len);
        struct publication_fields pub = { .data = { data, len } };
        struct buf b, head;
        buf_init(&b, BUF_NO_LIMIT);
        buf_init(&head, BUF_NO_LIMIT);
        protocol_protobuf_encode_publication_push(SLICE("ch"), &pub, &b);
        assert_true(b.len > len && memcmp(b.ptr + b.len - len, pub.data.ptr, len) == 0);
        buf_append(&head, slice_of(b.ptr, b.len - len));
        assert_hex(&head, lengths[i].head);
        buf_deinit(&b);
        free(data);
    }
}

static void replies_of_one_message_follow_each_other(void **state)
{
    struct buf b;
    struct reply r = { .id = 4, .kind = REPLY_PUBLISH };
    buf_init(&b, BUF_NO_LIMIT);
    protocol_protobuf_encode_reply(&r, &b);
    protocol_protobuf_encode_reply(&(struct reply){ 0 }, &b);
    protocol_protobuf_encode_publication_push(SLICE("ch"), &(struct publication_fields){ 0 }, &b);
    assert_hex(&b, "0408044200"
                   "00"
                   "082206120263682200");
}

static void maps_and_lists_come_out_in_the_order_given(void **state)
{
    static const struct string_pair pairs[] = { { LIT("z"), LIT("1") }, { LIT("a"), LIT("2") }, { LIT("m"), LIT("") } };
    struct publication_fields pub = { .tags = pairs, .tag_count = ARRAY_COUNT(pairs) };
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    protocol_protobuf_encode_publication_push(SLICE("c"), &pub, &b);
    assert_hex(&b, "1e221c1201632217"
                   "3a060a017a120131"
                   "3a060a0161120132"
                   "3a050a016d1200");
}

static void the_fan_out_path_writes_what_the_general_one_writes(void **state)
{
    static const struct publication_fields pubs[] = { { .offset = 0 },
                                                      { .data = BINARY, .offset = 9 },
                                                      FULL_PUBLICATION };
    static const struct slice channels[] = { LIT(""), LIT("public:room_1") };
    for (size_t i = 0; i < ARRAY_COUNT(pubs) * ARRAY_COUNT(channels); i++) {
        struct reply r = { .kind = REPLY_PUSH, .push = { .kind = PUSH_PUBLICATION } };
        struct buf general, fast;
        r.push.pub = pubs[i % ARRAY_COUNT(pubs)];
        r.push.channel = channels[i / ARRAY_COUNT(pubs)];
        buf_init(&general, BUF_NO_LIMIT);
        buf_init(&fast, BUF_NO_LIMIT);
        protocol_protobuf_encode_reply(&r, &general);
        protocol_protobuf_encode_publication_push(r.push.channel, &r.push.pub, &fast);
        assert_true(buf_ok(&fast));
        assert_true(slice_eq(buf_slice(&general), buf_slice(&fast)));
        buf_deinit(&general);
        buf_deinit(&fast);
    }
}

static void the_fan_out_path_allocates_once(void **state)
{
    struct publication_fields pub = full;
    struct buf b;
    char data[5000];
    memset(data, '7', sizeof data);
    pub.data = slice_of(data, sizeof data);
    pub.tag_count = 0;
    buf_init(&b, BUF_NO_LIMIT);
    mem_fail_after(2);
    protocol_protobuf_encode_publication_push(SLICE("public:room_1"), &pub, &b);
    assert_true(mem_fail_pending());
    mem_fail_after(0);
    assert_true(buf_ok(&b));
    buf_deinit(&b);
}

static void a_limit_is_respected_to_the_byte(void **state)
{
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    protocol_protobuf_encode_publication_push(SLICE("ch"), &full, &b);
    size_t len = b.len;
    buf_deinit(&b);
    for (size_t max = 0; max <= len; max++) {
        buf_init(&b, max);
        protocol_protobuf_encode_publication_push(SLICE("ch"), &full, &b);
        assert_int_equal(b.failed, max == len ? STATUS_OK : STATUS_TOO_LARGE);
        buf_deinit(&b);
    }
}

static void every_failed_allocation_is_remembered_by_the_buffer(void **state)
{
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        struct buf b;
        buf_init(&b, BUF_NO_LIMIT);
        mem_fail_after(n);
        protocol_protobuf_encode_reply(&cases[5].reply, &b);
        failed = !mem_fail_pending();
        mem_fail_after(0);
        assert_int_equal(buf_ok(&b), !failed);
        buf_deinit(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_written_byte_for_byte_as_centrifugo_writes_them),
        cmocka_unit_test(the_ping_is_one_zero_byte),
        cmocka_unit_test(lengths_take_as_many_bytes_as_they_need),
        cmocka_unit_test(replies_of_one_message_follow_each_other),
        cmocka_unit_test(maps_and_lists_come_out_in_the_order_given),
        cmocka_unit_test(the_fan_out_path_writes_what_the_general_one_writes),
        cmocka_unit_test(the_fan_out_path_allocates_once),
        cmocka_unit_test(a_limit_is_respected_to_the_byte),
        cmocka_unit_test(every_failed_allocation_is_remembered_by_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
