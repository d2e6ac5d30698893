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
#include "protocol/protocol_json_reply.h"

#define INFO_JSON "{\"user\":\"u\\u003c1\\u003e\",\"client\":\"c-1\",\"conn_info\":{\"a\": 1},\"chan_info\":[1,2]}"
#define FULL_JSON                                                                                                      \
    "{\"data\":{\"x\":\"y\"},\"info\":" INFO_JSON ",\"offset\":18446744073709551615,"                                  \
    "\"tags\":{\"t\\u0026\":\"v\\u2028\"},\"delta\":true,\"time\":-5,\"channel\":\"ch\",\"key\":\"k\","                \
    "\"removed\":true,\"score\":-9,\"epoch\":\"ep\",\"prev_data\":1,\"version\":7}"
#define SUBSCRIBE_JSON                                                                                                 \
    "{\"expires\":true,\"ttl\":30,\"recoverable\":true,\"epoch\":\"e\",\"publications\":[" FULL_JSON                   \
    ",{\"data\":1,\"offset\":1,\"epoch\":\"e\"}],\"recovered\":true,\"offset\":2,\"positioned\":true,"                 \
    "\"data\":{},\"was_recovering\":true,\"delta\":true,\"id\":-1,\"type\":1,\"phase\":2,\"cursor\":\"cu\","           \
    "\"state\":[{\"key\":\"k\"}],\"publish_debounce\":9}"

/* Literals as initialisers of static structs. */
#define LIT(literal)                                                                                                   \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    }

static const struct client_info info = { LIT("u<1>"), LIT("c-1"), LIT("{\"a\": 1}"), LIT("[1,\n2]") };
static const struct string_pair tags[] = { { LIT("t&"), LIT("v\xe2\x80\xa8") } };
#define FULL_PUBLICATION                                                                                               \
    {                                                                                                                  \
        .data = LIT("{\"x\":\n\"y\"}"), .info = &info, .offset = UINT64_MAX, .tags = tags, .tag_count = 1,             \
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

static const struct {
    struct reply reply;
    const char *expected;
} cases[] = {
    { { .id = 0 }, "{}" },
    { { .id = 77 }, "{\"id\":77}" },
    { { .id = 1, .kind = REPLY_ERROR, .error = { 100, LIT("internal server error"), true } },
      "{\"id\":1,\"error\":{\"code\":100,\"message\":\"internal server error\",\"temporary\":true}}" },
    { { .id = UINT32_MAX, .kind = REPLY_ERROR, .error = { 103, LIT("permission denied"), false } },
      "{\"id\":4294967295,\"error\":{\"code\":103,\"message\":\"permission denied\"}}" },
    { { .id = 1, .kind = REPLY_CONNECT }, "{\"id\":1,\"connect\":{}}" },
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
      "{\"id\":1,\"connect\":{\"client\":\"c\",\"version\":\"v OSS\",\"expires\":true,\"ttl\":60,\"data\":\"d\","
      "\"subs\":{\"a\\\"b\":" SUBSCRIBE_JSON "},\"ping\":25,\"pong\":true,\"session\":\"s\",\"node\":\"n\","
      "\"time\":1700000000000}}" },
    { { .id = 1, .kind = REPLY_CONNECT, .connect = { .subs = ordered_subs, .sub_count = 2 } },
      "{\"id\":1,\"connect\":{\"subs\":{\"z\":{},\"a\":{}}}}" },
    { { .id = 2, .kind = REPLY_SUBSCRIBE }, "{\"id\":2,\"subscribe\":{}}" },
    { { .id = 2, .kind = REPLY_SUBSCRIBE, .subscribe = FULL_SUBSCRIBE },
      "{\"id\":2,\"subscribe\":" SUBSCRIBE_JSON "}" },
    { { .id = 3, .kind = REPLY_UNSUBSCRIBE }, "{\"id\":3,\"unsubscribe\":{}}" },
    { { .id = 4, .kind = REPLY_PUBLISH }, "{\"id\":4,\"publish\":{}}" },
    { { .id = 5, .kind = REPLY_PRESENCE }, "{\"id\":5,\"presence\":{\"presence\":{}}}" },
    { { .id = 5, .kind = REPLY_PRESENCE, .presence = { present, 1 } },
      "{\"id\":5,\"presence\":{\"presence\":{\"c\":{\"user\":\"\",\"client\":\"\"}}}}" },
    { { .id = 6, .kind = REPLY_PRESENCE_STATS }, "{\"id\":6,\"presence_stats\":{\"num_clients\":0,\"num_users\":0}}" },
    { { .id = 6, .kind = REPLY_PRESENCE_STATS, .presence_stats = { 3, 2 } },
      "{\"id\":6,\"presence_stats\":{\"num_clients\":3,\"num_users\":2}}" },
    { { .id = 7, .kind = REPLY_HISTORY }, "{\"id\":7,\"history\":{\"publications\":[],\"epoch\":\"\",\"offset\":0}}" },
    { { .id = 7, .kind = REPLY_HISTORY, .history = { history, 2, LIT("e"), 2 } },
      "{\"id\":7,\"history\":{\"publications\":[" FULL_JSON ",{\"data\":null}],\"epoch\":\"e\",\"offset\":2}}" },
    { { .id = 8, .kind = REPLY_PING }, "{\"id\":8,\"ping\":{}}" },
    { { .id = 9, .kind = REPLY_RPC }, "{\"id\":9,\"rpc\":{}}" },
    { { .id = 9, .kind = REPLY_RPC, .rpc = { LIT("{}") } }, "{\"id\":9,\"rpc\":{\"data\":{}}}" },
    { { .id = 10, .kind = REPLY_REFRESH }, "{\"id\":10,\"refresh\":{}}" },
    { { .id = 10, .kind = REPLY_REFRESH, .refresh = { LIT("c"), LIT("v"), 5, true } },
      "{\"id\":10,\"refresh\":{\"client\":\"c\",\"version\":\"v\",\"expires\":true,\"ttl\":5}}" },
    { { .id = 11, .kind = REPLY_SUB_REFRESH }, "{\"id\":11,\"sub_refresh\":{}}" },
    { { .id = 11, .kind = REPLY_SUB_REFRESH, .sub_refresh = { removed, 1, 5, true } },
      "{\"id\":11,\"sub_refresh\":{\"expires\":true,\"ttl\":5,\"items\":[{\"key\":\"k\",\"removed\":true}]}}" },
    { { .kind = REPLY_PUSH, .push = { PUSH_PUBLICATION, LIT("ch"), .pub = FULL_PUBLICATION } },
      "{\"push\":{\"channel\":\"ch\",\"pub\":" FULL_JSON "}}" },
    { { .kind = REPLY_PUSH, .push = { PUSH_PUBLICATION, LIT("ch") } }, "{\"push\":{\"channel\":\"ch\",\"pub\":{}}}" },
    { { .kind = REPLY_PUSH, .push = { .kind = PUSH_PUBLICATION, .pub = { .data = LIT("1") } } },
      "{\"push\":{\"pub\":{\"data\":1}}}" },
    { { .kind = REPLY_PUSH, .push = { PUSH_JOIN, LIT("ch"), .join = { &info } } },
      "{\"push\":{\"channel\":\"ch\",\"join\":{\"info\":" INFO_JSON "}}}" },
    { { .kind = REPLY_PUSH, .push = { PUSH_LEAVE, LIT("ch") } }, "{\"push\":{\"channel\":\"ch\",\"leave\":{}}}" },
    { { .kind = REPLY_PUSH,
        .push = { PUSH_UNSUBSCRIBE, LIT("ch"), .unsubscribe = { 2500, LIT("insufficient state") } } },
      "{\"push\":{\"channel\":\"ch\",\"unsubscribe\":{\"code\":2500,\"reason\":\"insufficient state\"}}}" },
    { { .kind = REPLY_PUSH, .push = { .kind = PUSH_MESSAGE, .message = { LIT("2") } } },
      "{\"push\":{\"message\":{\"data\":2}}}" },
    { { .kind = REPLY_PUSH,
        .push = { PUSH_SUBSCRIBE, LIT("ch"), .subscribe = { LIT("e"), LIT("{}"), 3, true, true } } },
      "{\"push\":{\"channel\":\"ch\",\"subscribe\":{\"recoverable\":true,\"epoch\":\"e\",\"offset\":3,"
      "\"positioned\":true,\"data\":{}}}}" },
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
      "{\"push\":{\"connect\":{\"client\":\"c\",\"version\":\"v\",\"data\":1,\"subs\":{\"a\":{}},\"expires\":true,"
      "\"ttl\":6,\"ping\":25,\"pong\":true,\"session\":\"s\",\"node\":\"n\",\"time\":5}}}" },
    { { .kind = REPLY_PUSH, .push = { .kind = PUSH_DISCONNECT, .disconnect = { 3001, LIT("shutdown"), true } } },
      "{\"push\":{\"disconnect\":{\"code\":3001,\"reason\":\"shutdown\",\"reconnect\":true}}}" },
    { { .kind = REPLY_PUSH, .push = { .kind = PUSH_REFRESH, .refresh = { 7, true } } },
      "{\"push\":{\"refresh\":{\"expires\":true,\"ttl\":7}}}" },
};

static void assert_text(struct buf *b, const char *expected)
{
    assert_true(buf_ok(b));
    buf_append_char(b, '\0');
    assert_string_equal(b->ptr, expected);
    buf_deinit(b);
}

static void replies_are_written_byte_for_byte_as_centrifugo_writes_them(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf b;
        buf_init(&b, BUF_NO_LIMIT);
        protocol_json_encode_reply(&cases[i].reply, &b);
        assert_text(&b, cases[i].expected);
    }
}

static void a_push_by_itself_has_no_reply_around_it(void **state)
{
    static const struct {
        struct push push;
        const char *expected;
    } pushes[] = {
        { { .kind = PUSH_NONE }, "{}" },
        { { PUSH_PUBLICATION, LIT("ch"), .pub = { .data = LIT("1") } }, "{\"channel\":\"ch\",\"pub\":{\"data\":1}}" },
        { { .kind = PUSH_CONNECT }, "{\"connect\":{}}" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(pushes); i++) {
        struct buf b;
        buf_init(&b, BUF_NO_LIMIT);
        protocol_json_encode_push(&pushes[i].push, &b);
        assert_text(&b, pushes[i].expected);
    }
}

static void the_fan_out_path_writes_what_the_general_one_writes(void **state)
{
    static const struct publication_fields pubs[] = { { .offset = 0 },
                                                      { .data = LIT("{}"), .offset = 9 },
                                                      FULL_PUBLICATION };
    static const struct slice channels[] = { LIT(""), LIT("public:room_1"), LIT("a<b>\n") };
    for (size_t i = 0; i < ARRAY_COUNT(pubs) * ARRAY_COUNT(channels); i++) {
        struct reply r = { .kind = REPLY_PUSH, .push = { .kind = PUSH_PUBLICATION } };
        struct buf general, fast;
        r.push.pub = pubs[i % ARRAY_COUNT(pubs)];
        r.push.channel = channels[i / ARRAY_COUNT(pubs)];
        buf_init(&general, BUF_NO_LIMIT);
        buf_init(&fast, BUF_NO_LIMIT);
        protocol_json_encode_reply(&r, &general);
        protocol_json_encode_publication_push(r.push.channel, &r.push.pub, &fast);
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
    protocol_json_encode_publication_push(SLICE("public:room_1"), &pub, &b);
    assert_true(mem_fail_pending());
    mem_fail_after(0);
    assert_true(buf_ok(&b));
    buf_deinit(&b);
}

static void a_limit_is_respected_to_the_byte(void **state)
{
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    protocol_json_encode_publication_push(SLICE("ch"), &full, &b);
    size_t len = b.len;
    buf_deinit(&b);
    for (size_t max = len - 20; max <= len; max++) {
        buf_init(&b, max);
        protocol_json_encode_publication_push(SLICE("ch"), &full, &b);
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
        protocol_json_encode_reply(&cases[5].reply, &b);
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
        cmocka_unit_test(a_push_by_itself_has_no_reply_around_it),
        cmocka_unit_test(the_fan_out_path_writes_what_the_general_one_writes),
        cmocka_unit_test(the_fan_out_path_allocates_once),
        cmocka_unit_test(a_limit_is_respected_to_the_byte),
        cmocka_unit_test(every_failed_allocation_is_remembered_by_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
