#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/auth_sign.h"
#include "auth/auth_verifier.h"
#include "base/check.h"
#include "base/mem.h"

#define NOW 1700000000

#define SLICE_OF(text)                                                                                                 \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

static struct crypto_hmac *mac;
static struct arena arena;
static struct buf out;

static int set_up(void **state)
{
    mac = crypto_hmac_new(CRYPTO_SHA256, SLICE("secret"));
    arena_init(&arena, 1024 * 1024);
    buf_init(&out, BUF_NO_LIMIT);
    return mac ? 0 : -1;
}

static int tear_down(void **state)
{
    crypto_hmac_free(mac);
    arena_deinit(&arena);
    buf_deinit(&out);
    return 0;
}

static struct slice payload_of(struct slice text)
{
    struct auth_token token;
    const char *why;
    arena_reset(&arena);
    assert_int_equal(auth_token_split(text, &arena, &token, &why), STATUS_OK);
    assert_int_equal(token.algorithm, AUTH_HS256);
    return token.payload;
}

static void expect_payload(const struct auth_minted *minted, const char *want)
{
    buf_clear(&out);
    assert_int_equal(auth_sign(mac, minted, &out), STATUS_OK);
    struct slice got = payload_of(buf_slice(&out));
    if (!slice_eq(got, slice_from_cstr(want))) fail_msg("got '%.*s', want '%s'", SLICE_ARG(got), want);
}

static void payloads_hold_what_was_asked_and_nothing_else(void **state)
{
    const struct slice channels[] = { SLICE("news"), SLICE("chat:\"1\"") };
    expect_payload(&(struct auth_minted){ .user = SLICE("u"), .iat_s = 5, .exp_s = 905 },
                   "{\"sub\":\"u\",\"iat\":5,\"exp\":905}");
    expect_payload(&(struct auth_minted){ .user = SLICE("u"),
                                          .iat_s = 5,
                                          .exp_s = 905,
                                          .info = SLICE("{\"n\":1}"),
                                          .has_project_id = true,
                                          .project_id = SLICE("proj_1"),
                                          .channels = channels,
                                          .channel_count = 2,
                                          .channel = SLICE("not for a connection") },
                   "{\"sub\":\"u\",\"iat\":5,\"exp\":905,\"channels\":[\"news\",\"chat:\\\"1\\\"\"],"
                   "\"info\":{\"n\":1},\"projectId\":\"proj_1\"}");
    expect_payload(&(struct auth_minted){ .kind = AUTH_SUBSCRIPTION,
                                          .user = SLICE(""),
                                          .iat_s = 5,
                                          .exp_s = 905,
                                          .channels = channels,
                                          .channel_count = 2,
                                          .channel = SLICE("chat:1") },
                   "{\"sub\":\"\",\"iat\":5,\"exp\":905,\"channel\":\"chat:1\"}");
    expect_payload(&(struct auth_minted){ .user = SLICE("u"),
                                          .user_id_claim = SLICE("user_id"),
                                          .iat_s = 5,
                                          .exp_s = 905,
                                          .iss = SLICE("i\"1\""),
                                          .aud = SLICE("a") },
                   "{\"user_id\":\"u\",\"iat\":5,\"exp\":905,\"iss\":\"i\\\"1\\\"\",\"aud\":\"a\"}");
}

static bool takes(const struct auth_options *options, enum auth_kind kind, struct slice user)
{
    struct auth_verifier *v = auth_verifier_new(options);
    struct auth_scratch *scratch = auth_scratch_new();
    struct claims claims;
    const char *why;
    arena_reset(&arena);
    bool taken = auth_verify(v, scratch, buf_slice(&out), NOW, kind, &arena, &claims, &why) == AUTH_OK &&
                 slice_eq(claims.user, user);
    auth_scratch_free(scratch);
    auth_verifier_unref(v);
    return taken;
}

static void a_verifier_finds_the_audience_issuer_and_user_it_asks_for(void **state)
{
    static const struct {
        struct slice aud, iss, user_id_claim;
    } rows[] = { { SLICE_OF("a"), { 0 }, { 0 } },       { { 0 }, SLICE_OF("i"), { 0 } },
                 { { 0 }, { 0 }, SLICE_OF("user_id") }, { { 0 }, { 0 }, SLICE_OF("sub") },
                 { { 0 }, { 0 }, SLICE_OF("jti") },     { SLICE_OF("a"), SLICE_OF("i"), SLICE_OF("Sub") } };
    for (size_t i = 0; i < ARRAY_COUNT(rows) * 2; i++) {
        const enum auth_kind kind = i % 2 ? AUTH_SUBSCRIPTION : AUTH_CONNECTION;
        struct auth_minted minted = {
            .kind = kind, .user = SLICE("u"), .iat_s = NOW, .exp_s = NOW + 30, .channel = SLICE("c")
        };
        const struct auth_options options = { .hmac_key = SLICE("secret"),
                                              .audience = rows[i / 2].aud,
                                              .issuer = rows[i / 2].iss,
                                              .user_id_claim = rows[i / 2].user_id_claim };
        buf_clear(&out);
        assert_int_equal(auth_sign(mac, &minted, &out), STATUS_OK);
        bool needs_nothing = slice_eq(options.user_id_claim, SLICE("sub"));
        assert_int_equal(takes(&options, kind, minted.user), needs_nothing);
        minted.aud = options.audience;
        minted.iss = options.issuer;
        minted.user_id_claim = options.user_id_claim;
        buf_clear(&out);
        assert_int_equal(auth_sign(mac, &minted, &out), STATUS_OK);
        assert_true(takes(&options, kind, minted.user));
    }
}

static void no_user_takes_the_place_of_another_claim(void **state)
{
    static const char *const taken[] = { "exp",     "EXP",     "nbf",     "iat",      "expire_at", "iss",      "aud",
                                         "channel", "info",    "b64info", "channels", "subs",      "meta",     "client",
                                         "data",    "b64data", "Info",    "override", "projectId", "projectid" };
    static const char *const free_names[] = { "", "sub", "SUB", "jti", "user_id", "channel_id" };
    for (size_t i = 0; i < ARRAY_COUNT(taken); i++) {
        const struct slice name = slice_from_cstr(taken[i]);
        buf_clear(&out);
        assert_false(auth_sign_takes_user_id_claim(name));
        assert_int_equal(auth_sign(mac, &(struct auth_minted){ .user = SLICE("u"), .user_id_claim = name }, &out),
                         STATUS_MALFORMED);
        assert_int_equal(out.len, 0);
    }
    for (size_t i = 0; i < ARRAY_COUNT(free_names); i++)
        assert_true(auth_sign_takes_user_id_claim(slice_from_cstr(free_names[i])));
}

static void what_is_minted_is_what_a_verifier_reads(void **state)
{
    const struct slice channels[] = { SLICE("a"), SLICE("\xc3\xa9\n<") };
    const struct auth_minted minted[] = {
        { .user = SLICE("u\"1\""),
          .iat_s = NOW,
          .exp_s = NOW + 900,
          .info = SLICE("{\"a\":\"<\"}"),
          .has_project_id = true,
          .project_id = SLICE("proj_1"),
          .channels = channels,
          .channel_count = 2 },
        { .kind = AUTH_SUBSCRIPTION,
          .user = SLICE("u"),
          .iat_s = NOW,
          .exp_s = NOW + 30,
          .channel = SLICE("c:\xc3\xa9") },
    };
    const struct auth_options options = { .hmac_key = SLICE("secret") };
    struct auth_verifier *v = auth_verifier_new(&options);
    struct auth_scratch *scratch = auth_scratch_new();
    for (size_t i = 0; i < ARRAY_COUNT(minted); i++) {
        struct claims claims;
        const char *why;
        buf_clear(&out);
        arena_reset(&arena);
        assert_int_equal(auth_sign(mac, &minted[i], &out), STATUS_OK);
        assert_int_equal(auth_verify(v, scratch, buf_slice(&out), NOW, minted[i].kind, &arena, &claims, &why), AUTH_OK);
        assert_true(slice_eq(claims.user, minted[i].user));
        assert_true(slice_eq(claims.info, minted[i].info));
        assert_true(slice_eq(claims.channel, minted[i].channel));
        assert_true(slice_eq(claims.project_id, minted[i].project_id));
        assert_int_equal(claims.has_project_id, minted[i].has_project_id);
        assert_int_equal(claims_expire_at(&claims), minted[i].exp_s);
        assert_int_equal(claims.sub_count, minted[i].channel_count);
        for (size_t c = 0; c < claims.sub_count; c++) assert_true(slice_eq(claims.subs[c].channel, channels[c]));
    }
    auth_scratch_free(scratch);
    auth_verifier_unref(v);
}

static void broken_text_is_refused_instead_of_repaired(void **state)
{
    const struct slice bad = SLICE("a\xff");
    const struct auth_minted cases[] = {
        { .user = bad },
        { .user = SLICE("u"), .iss = bad },
        { .user = SLICE("u"), .aud = bad },
        { .user = SLICE("u"), .user_id_claim = bad },
        { .user = SLICE("u"), .has_project_id = true, .project_id = bad },
        { .user = SLICE("u"), .channels = &bad, .channel_count = 1 },
        { .user = SLICE("u"), .kind = AUTH_SUBSCRIPTION, .channel = bad },
    };
    buf_clear(&out);
    buf_append(&out, SLICE("before"));
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(auth_sign(mac, &cases[i], &out), STATUS_MALFORMED);
        assert_true(slice_eq(buf_slice(&out), SLICE("before")));
    }
}

static void no_token_is_longer_than_a_verifier_takes(void **state)
{
    static char name[AUTH_TOKEN_LEN_MAX + 1];
    memset(name, 'u', sizeof name);
    size_t accepted = 0;
    for (size_t len = AUTH_TOKEN_LEN_MAX / 4 * 3 - 200; len < AUTH_TOKEN_LEN_MAX / 4 * 3; len++) {
        buf_clear(&out);
        enum status status = auth_sign(mac, &(struct auth_minted){ .user = slice_of(name, len) }, &out);
        assert_true(status == STATUS_OK || (status == STATUS_MALFORMED && out.len == 0));
        assert_true(out.len <= AUTH_TOKEN_LEN_MAX);
        if (status == STATUS_OK) accepted = out.len;
    }
    assert_true(accepted > AUTH_TOKEN_LEN_MAX - 4);
    assert_int_equal(auth_sign(mac, &(struct auth_minted){ .user = slice_of(name, sizeof name) }, &out),
                     STATUS_MALFORMED);
}

static void failed_allocation_leaves_the_buffer_as_it_was(void **state)
{
    const struct auth_minted minted = { .user = SLICE("u"), .info = SLICE("{}") };
    bool more = true;
    for (size_t n = 1; more; n++) {
        struct buf small;
        buf_init(&small, BUF_NO_LIMIT);
        buf_append(&small, SLICE("before"));
        mem_fail_after(n);
        enum status status = auth_sign(mac, &minted, &small);
        more = !mem_fail_pending();
        mem_fail_after(0);
        assert_int_equal(status, more ? STATUS_NO_MEMORY : STATUS_OK);
        assert_true(!more || slice_eq(buf_slice(&small), SLICE("before")));
        buf_deinit(&small);
    }
    struct buf tight;
    buf_init(&tight, 60);
    assert_int_equal(auth_sign(mac, &minted, &tight), STATUS_TOO_LARGE);
    buf_deinit(&tight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_hold_what_was_asked_and_nothing_else),
        cmocka_unit_test(what_is_minted_is_what_a_verifier_reads),
        cmocka_unit_test(a_verifier_finds_the_audience_issuer_and_user_it_asks_for),
        cmocka_unit_test(no_user_takes_the_place_of_another_claim),
        cmocka_unit_test(broken_text_is_refused_instead_of_repaired),
        cmocka_unit_test(no_token_is_longer_than_a_verifier_takes),
        cmocka_unit_test(failed_allocation_leaves_the_buffer_as_it_was),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
