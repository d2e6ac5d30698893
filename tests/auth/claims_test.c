#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "auth/claims.h"
#include "base/check.h"
#include "base/mem.h"

static struct arena arena;
static struct claims claims;
static const char *why;

static int set_up(void **state)
{
    arena_init(&arena, 16 * 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    arena_deinit(&arena);
    return 0;
}

/* So that a field which nobody sets is not zero by luck. */
static void dirty_the_arena(void)
{
    enum { LEN = 4096 };
    arena_reset(&arena);
    void *room = arena_alloc(&arena, LEN);
    assert_non_null(room);
    memset(room, 0xa5, LEN);
    arena_reset(&arena);
}

static enum status parse(enum auth_kind kind, struct slice payload)
{
    const struct claims_options options = { .kind = kind };
    dirty_the_arena();
    memset(&claims, 0, sizeof claims);
    why = NULL;
    enum status status = claims_parse(payload, &options, &arena, &claims, &why);
    assert_true(status == STATUS_OK || why != NULL);
    return status;
}

static void must_parse(enum auth_kind kind, const char *payload)
{
    if (parse(kind, slice_from_cstr(payload)) != STATUS_OK) fail_msg("%s: %s", payload, why);
}

static void expect_slice(struct slice got, const char *want)
{
    if (!slice_eq(got, slice_from_cstr(want))) fail_msg("got '%.*s', want '%s'", SLICE_ARG(got), want);
}

static void a_connection_token_says_all_of_this(void **state)
{
    must_parse(AUTH_CONNECTION,
               " {\"sub\":\"u\\u0031\",\"exp\":20,\"nbf\":10,\"iat\":9.5,\"expire_at\":30,\"jti\":\"j\",\"iss\":\"i\","
               "\"aud\":[\"a\",\"b\"],\"info\":{\"n\" : 1},\"meta\":[1, 2],\"projectId\":\"proj_1\",\"unknown\":[{}],"
               "\"subs\":{\"one\":{\"info\":1,\"data\":\"x\",\"override\":{\"presence\":{\"value\":true},"
               "\"join_leave\":{\"value\":false},\"force_push_join_leave\":{},\"force_positioning\":null}},"
               "\"two\":{\"b64info\":\"AAEC\",\"b64data\":\"e30=\"},\"three\":null}} ");
    expect_slice(claims.user, "u1");
    assert_int_equal(claims.exp.s, 20);
    assert_int_equal(claims.nbf.s, 10);
    assert_int_equal(claims.iat.s, 9);
    assert_true(claims.iat.has_fraction);
    assert_int_equal(claims_expire_at(&claims), 30);
    expect_slice(claims.jti, "j");
    expect_slice(claims.iss, "i");
    assert_int_equal(claims.aud_count, 2);
    expect_slice(claims.aud[1], "b");
    expect_slice(claims.info, "{\"n\" : 1}");
    expect_slice(claims.meta, "[1, 2]");
    assert_true(claims.has_project_id);
    expect_slice(claims.project_id, "proj_1");

    assert_int_equal(claims.sub_count, 3);
    const struct claims_sub *one = &claims.subs[0], *two = &claims.subs[1], *three = &claims.subs[2];
    expect_slice(one->channel, "one");
    expect_slice(one->info, "1");
    expect_slice(one->data, "\"x\"");
    assert_int_equal(one->override.presence, CLAIMS_TRUE);
    assert_int_equal(one->override.join_leave, CLAIMS_FALSE);
    assert_int_equal(one->override.force_push_join_leave, CLAIMS_FALSE);
    assert_int_equal(one->override.force_positioning, CLAIMS_UNSET);
    assert_int_equal(one->override.force_recovery, CLAIMS_UNSET);
    assert_int_equal(two->info.len, 3);
    assert_memory_equal(two->info.ptr, "\0\1\2", 3);
    expect_slice(two->data, "{}");
    expect_slice(three->channel, "three");
    assert_int_equal(three->info.len, 0);
}

static void a_subscription_token_says_all_of_this(void **state)
{
    must_parse(AUTH_SUBSCRIPTION, "{\"sub\":\"u\",\"channel\":\"c:1\",\"client\":\"id\",\"info\":true,\"data\":{},"
                                  "\"override\":{\"force_recovery\":{\"value\":true}},\"projectId\":\"\"}");
    expect_slice(claims.user, "u");
    expect_slice(claims.channel, "c:1");
    expect_slice(claims.client, "id");
    expect_slice(claims.info, "true");
    expect_slice(claims.data, "{}");
    assert_int_equal(claims.override.force_recovery, CLAIMS_TRUE);
    assert_int_equal(claims.override.presence, CLAIMS_UNSET);
    assert_true(claims.has_project_id);
    expect_slice(claims.project_id, "");
}

static void null_means_absent(void **state)
{
    static const char *const payloads[] = {
        "null",
        " null\n",
        "{}",
        "{\"sub\":null,\"exp\":null,\"nbf\":null,\"iat\":null,\"expire_at\":null,\"jti\":null,\"iss\":null,"
        "\"b64info\":null,\"channels\":null,\"subs\":null,\"channel\":null,\"projectId\":null}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(payloads); i++) {
        must_parse(AUTH_CONNECTION, payloads[i]);
        expect_slice(claims.user, "");
        assert_false(claims.exp.is_set || claims.nbf.is_set || claims.iat.is_set || claims.has_expire_at);
        assert_false(claims.has_project_id);
        assert_int_equal(claims.sub_count, 0);
        assert_int_equal(claims.info.len, 0);
        assert_int_equal(claims_expire_at(&claims), 0);
    }
}

static void member_names_ignore_case_and_the_last_one_counts(void **state)
{
    must_parse(AUTH_CONNECTION, "{\"SUB\":\"a\",\"Exp\":7,\"B64Info\":\"e30=\"}");
    expect_slice(claims.user, "a");
    assert_int_equal(claims.exp.s, 7);
    expect_slice(claims.info, "{}");
    must_parse(AUTH_CONNECTION, "{\"sub\":\"a\",\"SUB\":\"b\"}");
    expect_slice(claims.user, "b");
    must_parse(AUTH_CONNECTION, "{\"s\\u0075b\":\"escaped\"}");
    expect_slice(claims.user, "escaped");
    /* our own claim is exact: a claim of somebody else's backend must not be mistaken for it */
    must_parse(AUTH_CONNECTION, "{\"projectid\":5,\"project_id\":\"p\",\"PROJECTID\":[]}");
    assert_false(claims.has_project_id);
}

static void each_claim_of_the_wrong_type_is_refused(void **state)
{
    enum { CONNECTION = 1, SUBSCRIPTION = 2, BOTH = 3 };
    static const struct {
        int refused_in;
        const char *payload;
    } cases[] = {
        { BOTH, "" },
        { BOTH, " " },
        { BOTH, "[]" },
        { BOTH, "\"a\"" },
        { BOTH, "1" },
        { BOTH, "true" },
        { BOTH, "nul" },
        { BOTH, "nullx" },
        { BOTH, "null null" },
        { BOTH, "{" },
        { BOTH, "{}}" },
        { BOTH, "{} x" },
        { BOTH, "{\"sub\"}" },
        { BOTH, "{\"sub\":\"a\",}" },
        { BOTH, "{\"sub\":\"\xff\"}" },
        { BOTH, "{\"sub\":1}" },
        { BOTH, "{\"sub\":[]}" },
        { BOTH, "{\"sub\":1,\"sub\":\"a\"}" },
        { BOTH, "{\"exp\":\"\"}" },
        { BOTH, "{\"exp\":\"x\"}" },
        { BOTH, "{\"exp\":\" 1\"}" },
        { BOTH, "{\"exp\":\"01\"}" },
        { BOTH, "{\"exp\":\"0x10\"}" },
        { BOTH, "{\"exp\":\"inf\"}" },
        { BOTH, "{\"exp\":\"nan\"}" },
        { BOTH, "{\"exp\":\"1e999\"}" },
        { BOTH, "{\"exp\":1e999}" },
        { BOTH, "{\"exp\":true}" },
        { BOTH, "{\"exp\":{}}" },
        { BOTH, "{\"nbf\":\"x\"}" },
        { BOTH, "{\"iat\":\"x\"}" },
        { BOTH, "{\"iat\":false}" },
        { BOTH, "{\"expire_at\":\"1\"}" },
        { BOTH, "{\"expire_at\":1.5}" },
        { BOTH, "{\"expire_at\":1e3}" },
        { BOTH, "{\"expire_at\":9223372036854775808}" },
        { BOTH, "{\"jti\":1}" },
        { BOTH, "{\"iss\":1}" },
        { BOTH, "{\"aud\":1}" },
        { BOTH, "{\"aud\":null}" },
        { BOTH, "{\"aud\":{}}" },
        { BOTH, "{\"aud\":[1]}" },
        { BOTH, "{\"aud\":[null]}" },
        { BOTH, "{\"b64info\":1}" },
        { BOTH, "{\"channel\":1}" },
        { BOTH, "{\"projectId\":1}" },
        { BOTH, "{\"projectId\":{}}" },
        { CONNECTION, "{\"channels\":\"a\"}" },
        { CONNECTION, "{\"channels\":[1]}" },
        { CONNECTION, "{\"channels\":{}}" },
        { CONNECTION, "{\"subs\":[]}" },
        { CONNECTION, "{\"subs\":\"a\"}" },
        { CONNECTION, "{\"subs\":{\"a\":1}}" },
        { CONNECTION, "{\"subs\":{\"a\":[]}}" },
        { CONNECTION, "{\"subs\":{\"a\":{\"b64info\":1}}}" },
        { CONNECTION, "{\"subs\":{\"a\":{\"b64info\":\"e30\"}}}" },
        { CONNECTION, "{\"subs\":{\"a\":{\"b64data\":\"e30\"}}}" },
        { CONNECTION, "{\"subs\":{\"a\":{\"override\":1}}}" },
        { CONNECTION, "{\"subs\":{\"a\":{\"override\":{\"presence\":true}}}}" },
        { CONNECTION, "{\"subs\":{\"a\":{\"override\":{\"presence\":{\"value\":1}}}}}" },
        { SUBSCRIPTION, "{\"client\":1}" },
        { SUBSCRIPTION, "{\"b64data\":1}" },
        { SUBSCRIPTION, "{\"b64data\":\"e30\"}" },
        { SUBSCRIPTION, "{\"override\":[]}" },
        { SUBSCRIPTION, "{\"override\":{\"join_leave\":false}}" },
        { SUBSCRIPTION, "{\"override\":{\"force_push_join_leave\":{\"value\":\"true\"}}}" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (int kind = AUTH_CONNECTION; kind <= AUTH_SUBSCRIPTION; kind++) {
            bool refused = parse((enum auth_kind)kind, slice_from_cstr(cases[i].payload)) == STATUS_MALFORMED;
            bool want = (cases[i].refused_in & 1 << kind) != 0;
            if (refused != want) fail_msg("'%s' as kind %d: refused %d", cases[i].payload, kind, refused);
        }
    }
}

static void subs_win_over_channels_and_no_channel_comes_twice(void **state)
{
    must_parse(AUTH_CONNECTION, "{\"channels\":[\"a\",\"b\",\"a\",null]}");
    assert_int_equal(claims.sub_count, 3);
    expect_slice(claims.subs[0].channel, "a");
    expect_slice(claims.subs[1].channel, "b");
    expect_slice(claims.subs[2].channel, "");
    for (size_t i = 0; i < claims.sub_count; i++) {
        expect_slice(claims.subs[i].info, "");
        expect_slice(claims.subs[i].data, "");
        assert_int_equal(claims.subs[i].override.presence, CLAIMS_UNSET);
    }
    must_parse(AUTH_CONNECTION, "{\"subs\":{\"c\":{}},\"channels\":[\"a\"]}");
    assert_int_equal(claims.sub_count, 1);
    expect_slice(claims.subs[0].channel, "c");
    must_parse(AUTH_CONNECTION, "{\"subs\":{},\"channels\":[\"a\"]}");
    expect_slice(claims.subs[0].channel, "a");
    must_parse(AUTH_CONNECTION, "{\"subs\":{\"c\":{\"info\":1,\"data\":2},\"d\":{},\"c\":{\"info\":3}}}");
    assert_int_equal(claims.sub_count, 2);
    expect_slice(claims.subs[0].info, "3");
    expect_slice(claims.subs[0].data, "");
}

static void base64_wins_over_json_unless_it_is_empty(void **state)
{
    must_parse(AUTH_SUBSCRIPTION, "{\"info\":1,\"b64info\":\"e30=\",\"data\":2,\"b64data\":\"W10=\"}");
    expect_slice(claims.info, "{}");
    expect_slice(claims.data, "[]");
    must_parse(AUTH_SUBSCRIPTION, "{\"info\":1,\"b64info\":\"\",\"data\":2,\"b64data\":null}");
    expect_slice(claims.info, "1");
    expect_slice(claims.data, "2");
    must_parse(AUTH_SUBSCRIPTION, "{\"b64info\":\"e3\\n0\\r\\n=\",\"info\":null,\"data\":null}");
    expect_slice(claims.info, "{}");
    expect_slice(claims.data, "null");
    must_parse(AUTH_CONNECTION, "{\"info\":1,\"b64info\":\"*\"}");
    assert_true(claims.info_is_broken);
    expect_slice(claims.info, "");
}

static void the_user_may_come_from_another_claim(void **state)
{
    static const struct {
        const char *payload, *user;
    } cases[] = {
        { "{\"sub\":\"s\",\"user_id\":\"u\"}", "u" },
        { "{\"sub\":\"s\",\"user_id\":\"u\\n\"}", "u\n" },
        { "{\"sub\":\"s\",\"user_id\":42}", "42" },
        { "{\"sub\":\"s\",\"user_id\":true}", "true" },
        { "{\"sub\":\"s\",\"user_id\":null}", "" },
        { "{\"sub\":\"s\",\"USER_ID\":\"u\"}", "" },
        { "{\"sub\":\"s\"}", "" },
        { "null", "" },
    };
    const struct claims_options options = { .user_id_claim = SLICE("user_id") };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        arena_reset(&arena);
        assert_int_equal(claims_parse(slice_from_cstr(cases[i].payload), &options, &arena, &claims, &why), STATUS_OK);
        expect_slice(claims.user, cases[i].user);
    }
    /* the claim may be one that has a meaning of its own too */
    const struct claims_options same = { .user_id_claim = SLICE("iss") };
    assert_int_equal(claims_parse(SLICE("{\"iss\":\"i\"}"), &same, &arena, &claims, &why), STATUS_OK);
    expect_slice(claims.user, "i");
    expect_slice(claims.iss, "i");
}

static void the_end_comes_from_expire_at_before_exp(void **state)
{
    static const struct {
        const char *payload;
        int64_t want;
    } cases[] = {
        { "{}", 0 },
        { "{\"exp\":5}", 5 },
        { "{\"exp\":\"5\"}", 5 },
        { "{\"exp\":5.9}", 5 },
        { "{\"exp\":-0.5}", -1 },
        { "{\"exp\":5,\"expire_at\":9}", 9 },
        { "{\"exp\":5,\"expire_at\":0}", 0 },
        { "{\"exp\":5,\"expire_at\":-1}", 0 },
        { "{\"exp\":5,\"expire_at\":null}", 5 },
        { "{\"expire_at\":9}", 9 },
        { "{\"expire_at\":9223372036854775807}", CLAIMS_TIME_MAX },
        { "{\"exp\":9223372036854775807}", CLAIMS_TIME_MAX },
        { "{\"exp\":1e308}", CLAIMS_TIME_MAX },
        { "{\"exp\":-1e308}", -CLAIMS_TIME_MAX },
        { "{\"exp\":9007199254740992}", CLAIMS_TIME_MAX },
        { "{\"exp\":9007199254740991}", CLAIMS_TIME_MAX - 1 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        must_parse(AUTH_CONNECTION, cases[i].payload);
        if (claims_expire_at(&claims) != cases[i].want)
            fail_msg("%s: got %lld", cases[i].payload, (long long)claims_expire_at(&claims));
    }
}

/* head, then count entries that are all different, then tail. */
static struct slice repeated(char *room, const char *head, const char *item_tail, size_t count, const char *tail)
{
    char *at = stpcpy(room, head);
    for (size_t i = 0; i < count; i++) at += sprintf(at, ",\"%zu%s", i, item_tail);
    at = stpcpy(at, tail);
    return slice_of(room, (size_t)(at - room));
}

static void entries_and_depth_stop_at_their_limits(void **state)
{
    static const struct {
        const char *head, *item_tail, *tail;
        size_t limit;
    } cases[] = {
        { "{\"channels\":[\"\"", "\"", "]}", CLAIMS_ENTRIES_MAX - 1 },
        { "{\"aud\":[\"\"", "\"", "]}", CLAIMS_ENTRIES_MAX - 1 },
        { "{\"subs\":{\"\":{}", "\":{}", "}}", CLAIMS_ENTRIES_MAX - 1 },
    };
    char *room = mem_must_alloc(CLAIMS_ENTRIES_MAX * 16);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct slice fits = repeated(room, cases[i].head, cases[i].item_tail, cases[i].limit, cases[i].tail);
        assert_int_equal(parse(AUTH_CONNECTION, fits), STATUS_OK);
        struct slice over = repeated(room, cases[i].head, cases[i].item_tail, cases[i].limit + 1, cases[i].tail);
        assert_int_equal(parse(AUTH_CONNECTION, over), STATUS_TOO_LARGE);
    }
    for (size_t depth = 1; depth < 3 * CLAIMS_DEPTH_MAX; depth++) {
        char *at = stpcpy(room, "{\"info\":");
        memset(at, '[', depth - 1);
        memset(at + depth - 1, ']', depth - 1);
        at = depth > 1 ? at + 2 * (depth - 1) : stpcpy(at, "0");
        *at++ = '}';
        enum status status = parse(AUTH_CONNECTION, slice_of(room, (size_t)(at - room)));
        assert_true((status == STATUS_OK) == (depth <= CLAIMS_DEPTH_MAX));
    }
    mem_free(room);
}

static void every_cut_of_a_payload_is_refused(void **state)
{
    static const char payload[] = "{\"sub\":\"u\\u00e9\\ud83d\\ude00\",\"exp\":12.5e1,\"subs\":{\"a\":{\"override\":"
                                  "{\"presence\":{\"value\":true}},\"b64info\":\"e30=\"}},\"aud\":[\"x\"]}";
    for (size_t len = 0; len <= sizeof payload - 1; len++) {
        enum status status = parse(AUTH_CONNECTION, slice_of(payload, len));
        assert_true((status == STATUS_OK) == (len == sizeof payload - 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_token_says_all_of_this),
        cmocka_unit_test(a_subscription_token_says_all_of_this),
        cmocka_unit_test(null_means_absent),
        cmocka_unit_test(member_names_ignore_case_and_the_last_one_counts),
        cmocka_unit_test(each_claim_of_the_wrong_type_is_refused),
        cmocka_unit_test(subs_win_over_channels_and_no_channel_comes_twice),
        cmocka_unit_test(base64_wins_over_json_unless_it_is_empty),
        cmocka_unit_test(the_user_may_come_from_another_claim),
        cmocka_unit_test(the_end_comes_from_expire_at_before_exp),
        cmocka_unit_test(entries_and_depth_stop_at_their_limits),
        cmocka_unit_test(every_cut_of_a_payload_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
