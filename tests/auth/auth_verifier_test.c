#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "auth/auth_verifier.h"
#include "auth/support/mint.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/mem.h"

#define NOW 1700000000

static struct arena arena;
static struct auth_scratch *scratch;
static struct claims claims;
static const char *why;

static int set_up(void **state)
{
    arena_init(&arena, 16 * 1024 * 1024);
    scratch = auth_scratch_new();
    return scratch ? 0 : -1;
}

static int tear_down(void **state)
{
    auth_scratch_free(scratch);
    arena_deinit(&arena);
    mint_free_all();
    return 0;
}

static enum auth_result verify_at(const struct auth_options *options, struct slice token, enum auth_kind kind,
                                  int64_t now_s)
{
    struct auth_verifier *v = auth_verifier_new(options);
    assert_non_null(v);
    arena_reset(&arena);
    memset(&claims, 0, sizeof claims);
    why = "unset";
    enum auth_result result = auth_verify(v, scratch, token, now_s, kind, &arena, &claims, &why);
    assert_true((result == AUTH_OK) == (why == NULL));
    assert_true(result == AUTH_OK || strcmp(why, "unset") != 0);
    auth_verifier_unref(v);
    return result;
}

static const struct auth_options secret_options = { .hmac_key = { "secret", 6 } };

static enum auth_result connect_with(const char *payload)
{
    return verify_at(&secret_options, mint_hs256(payload), AUTH_CONNECTION, NOW);
}

static enum auth_result subscribe_with(const char *payload)
{
    return verify_at(&secret_options, mint_hs256(payload), AUTH_SUBSCRIPTION, NOW);
}

static void expect_slice(struct slice got, const char *want)
{
    if (!slice_eq(got, slice_from_cstr(want))) fail_msg("got '%.*s', want '%s'", SLICE_ARG(got), want);
}

/* RFC 7515 appendix A.1, key and text as printed there. */
static const char rfc_key[] = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
static const char rfc_token[] =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

static struct auth_options rfc_options(uint8_t room[static BASE64_DECODED_MAX(sizeof rfc_key)])
{
    ptrdiff_t len = base64url_decode(SLICE(rfc_key), room);
    assert_int_equal(len, 64);
    return (struct auth_options){ .hmac_key = slice_of(room, (size_t)len) };
}

static void the_token_of_rfc_7515_is_good_until_it_expires(void **state)
{
    uint8_t room[BASE64_DECODED_MAX(sizeof rfc_key)];
    struct auth_options options = rfc_options(room);
    assert_int_equal(verify_at(&options, SLICE(rfc_token), AUTH_CONNECTION, 1300819379), AUTH_OK);
    expect_slice(claims.iss, "joe");
    expect_slice(claims.user, "");
    assert_int_equal(claims_expire_at(&claims), 1300819380);
    assert_int_equal(verify_at(&options, SLICE(rfc_token), AUTH_CONNECTION, 1300819380), AUTH_EXPIRED);
}

static void every_change_of_a_single_byte_is_refused(void **state)
{
    uint8_t room[BASE64_DECODED_MAX(sizeof rfc_key)];
    struct auth_options options = rfc_options(room);
    struct auth_verifier *v = auth_verifier_new(&options);
    assert_non_null(v);
    char token[sizeof rfc_token];
    memcpy(token, rfc_token, sizeof token);
    for (size_t at = 0; at + 1 < sizeof token; at++) {
        for (int byte = 0; byte < 256; byte++) {
            token[at] = (char)byte;
            arena_reset(&arena);
            enum auth_result result = auth_verify(v, scratch, slice_of(token, sizeof token - 1), 1300819379,
                                                  AUTH_CONNECTION, &arena, &claims, &why);
            assert_int_equal(result, (char)byte == rfc_token[at] ? AUTH_OK : AUTH_INVALID);
        }
        token[at] = rfc_token[at];
    }
    auth_verifier_unref(v);
}

static void every_cut_and_every_inserted_byte_is_refused(void **state)
{
    uint8_t room[BASE64_DECODED_MAX(sizeof rfc_key)];
    struct auth_options options = rfc_options(room);
    static const char inserted[] = { '.', '=', 'A', ' ', '\n', '\0', '{' };
    size_t len = sizeof rfc_token - 1;
    for (size_t at = 0; at <= len; at++) {
        if (at < len) assert_int_equal(verify_at(&options, slice_of(rfc_token, at), AUTH_CONNECTION, 0), AUTH_INVALID);
        for (size_t i = 0; i < sizeof inserted; i++) {
            char token[sizeof rfc_token];
            memcpy(token, rfc_token, at);
            token[at] = inserted[i];
            memcpy(token + at + 1, rfc_token + at, len - at);
            assert_int_equal(verify_at(&options, slice_of(token, len + 1), AUTH_CONNECTION, 0), AUTH_INVALID);
        }
    }
}

static void the_key_decides_not_the_header(void **state)
{
    static const char payload[] = "{\"sub\":\"u\"}";
    const struct auth_options only_256 = { .hmac_key = SLICE("secret"), .algorithms = 1u << AUTH_HS256 };
    const struct auth_options no_key = { 0 };
    const struct {
        const struct auth_options *options;
        const char *header;
        enum crypto_digest digest;
        const char *key;
        enum auth_result want;
    } cases[] = {
        { &secret_options, "{\"alg\":\"HS256\"}", CRYPTO_SHA256, "secret", AUTH_OK },
        { &secret_options, "{\"alg\":\"HS384\"}", CRYPTO_SHA384, "secret", AUTH_OK },
        { &secret_options, "{\"alg\":\"HS512\"}", CRYPTO_SHA512, "secret", AUTH_OK },
        { &secret_options, "{\"alg\":\"HS256\"}", CRYPTO_SHA256, "Secret", AUTH_INVALID },
        { &secret_options, "{\"alg\":\"HS256\"}", CRYPTO_SHA256, "", AUTH_INVALID },
        { &secret_options, "{\"alg\":\"HS384\"}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &secret_options, "{\"alg\":\"HS256\"}", CRYPTO_SHA512, "secret", AUTH_INVALID },
        { &secret_options, "{\"alg\":\"none\"}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &secret_options, "{\"alg\":\"None\"}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &secret_options, "{\"alg\":\"RS256\"}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &secret_options, "{\"alg\":\"ES256\"}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &secret_options, "{\"alg\":\"hs256\"}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &secret_options, "{\"alg\":\"HS256 \"}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &secret_options, "{\"alg\":\"\"}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &secret_options, "{\"alg\":null}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &secret_options, "{\"typ\":\"JWT\"}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &secret_options, "{\"ALG\":\"HS256\"}", CRYPTO_SHA256, "secret", AUTH_OK },
        { &secret_options, "{\"alg\":\"none\",\"alg\":\"HS256\"}", CRYPTO_SHA256, "secret", AUTH_OK },
        { &secret_options, "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", CRYPTO_SHA256, "secret", AUTH_OK },
        { &only_256, "{\"alg\":\"HS256\"}", CRYPTO_SHA256, "secret", AUTH_OK },
        { &only_256, "{\"alg\":\"HS384\"}", CRYPTO_SHA384, "secret", AUTH_INVALID },
        { &no_key, "{\"alg\":\"HS256\"}", CRYPTO_SHA256, "secret", AUTH_INVALID },
        { &no_key, "{\"alg\":\"HS256\"}", CRYPTO_SHA256, "", AUTH_INVALID },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct slice token = mint(cases[i].header, payload, cases[i].digest, slice_from_cstr(cases[i].key));
        enum auth_result got = verify_at(cases[i].options, token, AUTH_CONNECTION, NOW);
        if (got != cases[i].want) fail_msg("case %zu %s: got %d", i, cases[i].header, got);
    }
}

static void none_with_an_empty_signature_is_refused(void **state)
{
    struct slice token = mint_raw(SLICE("{\"alg\":\"none\"}"), SLICE("{\"sub\":\"u\"}"), (struct slice){ 0 });
    assert_int_equal(verify_at(&secret_options, token, AUTH_CONNECTION, NOW), AUTH_INVALID);
    token = mint_raw(SLICE(HS256_HEADER), SLICE("{\"sub\":\"u\"}"), (struct slice){ 0 });
    assert_int_equal(verify_at(&secret_options, token, AUTH_CONNECTION, NOW), AUTH_INVALID);
}

static void the_previous_key_counts_through_its_last_second(void **state)
{
    struct slice old = mint(HS256_HEADER, "{}", CRYPTO_SHA256, SLICE("old"));
    struct slice new = mint(HS256_HEADER, "{}", CRYPTO_SHA256, SLICE("new"));
    struct auth_options options = { .hmac_key = SLICE("new"), .hmac_previous_key = SLICE("old") };
    assert_int_equal(verify_at(&options, old, AUTH_CONNECTION, NOW), AUTH_OK);
    assert_int_equal(verify_at(&options, new, AUTH_CONNECTION, NOW), AUTH_OK);
    options.hmac_previous_valid_until_s = NOW;
    assert_int_equal(verify_at(&options, old, AUTH_CONNECTION, NOW - 1), AUTH_OK);
    assert_int_equal(verify_at(&options, old, AUTH_CONNECTION, NOW), AUTH_OK);
    assert_int_equal(verify_at(&options, old, AUTH_CONNECTION, NOW + 1), AUTH_INVALID);
    assert_non_null(strstr(why, "previous key"));
    assert_int_equal(verify_at(&options, new, AUTH_CONNECTION, NOW + 1), AUTH_OK);
    options.hmac_key = (struct slice){ 0 };
    assert_int_equal(verify_at(&options, old, AUTH_CONNECTION, NOW), AUTH_OK);
}

static void times_hold_at_their_boundary(void **state)
{
    static const struct {
        const char *payload;
        int64_t now_s;
        enum auth_result want;
    } cases[] = {
        { "{\"exp\":1000}", 999, AUTH_OK },
        { "{\"exp\":1000}", 1000, AUTH_EXPIRED },
        { "{\"exp\":1000}", 1001, AUTH_EXPIRED },
        { "{\"exp\":1000.5}", 1000, AUTH_OK },
        { "{\"exp\":1000.5}", 1001, AUTH_EXPIRED },
        { "{\"exp\":\"1000\"}", 999, AUTH_OK },
        { "{\"exp\":\"1000\"}", 1000, AUTH_EXPIRED },
        { "{\"exp\":1e3}", 999, AUTH_OK },
        { "{\"exp\":1e3}", 1000, AUTH_EXPIRED },
        { "{\"exp\":0}", 0, AUTH_EXPIRED },
        { "{\"exp\":-1}", 0, AUTH_EXPIRED },
        { "{\"exp\":-0.5}", 0, AUTH_EXPIRED },
        { "{\"exp\":9223372036854775808}", NOW, AUTH_OK },
        { "{\"exp\":1e300}", NOW, AUTH_OK },
        { "{\"exp\":-1e300}", NOW, AUTH_EXPIRED },
        { "{\"exp\":null}", NOW, AUTH_OK },
        { "{}", NOW, AUTH_OK },
        { "{\"nbf\":1000}", 999, AUTH_EXPIRED },
        { "{\"nbf\":1000}", 1000, AUTH_OK },
        { "{\"nbf\":1000.5}", 1000, AUTH_EXPIRED },
        { "{\"nbf\":1000.5}", 1001, AUTH_OK },
        { "{\"nbf\":null}", 0, AUTH_OK },
        { "{\"nbf\":1000,\"exp\":1000}", 1000, AUTH_EXPIRED },
        { "{\"iat\":5000}", 1000, AUTH_OK },
        /* expire_at never decides whether a token is good */
        { "{\"expire_at\":1}", 1000, AUTH_OK },
        { "{\"exp\":1000,\"expire_at\":9999}", 1000, AUTH_EXPIRED },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct slice token = mint_hs256(cases[i].payload);
        enum auth_result got = verify_at(&secret_options, token, AUTH_CONNECTION, cases[i].now_s);
        if (got != cases[i].want) fail_msg("%s at %lld: got %d", cases[i].payload, (long long)cases[i].now_s, got);
    }
}

static void a_token_of_one_kind_is_refused_as_the_other(void **state)
{
    assert_int_equal(connect_with("{\"sub\":\"u\",\"channel\":\"a\"}"), AUTH_INVALID);
    assert_int_equal(connect_with("{\"sub\":\"u\",\"CHANNEL\":\"a\"}"), AUTH_INVALID);
    assert_int_equal(connect_with("{\"sub\":\"u\",\"channel\":\"\"}"), AUTH_OK);
    assert_int_equal(subscribe_with("{\"sub\":\"u\"}"), AUTH_INVALID);
    assert_int_equal(subscribe_with("{\"sub\":\"u\",\"channel\":\"\"}"), AUTH_INVALID);
    assert_int_equal(subscribe_with("{\"sub\":\"u\",\"channel\":null}"), AUTH_INVALID);
    assert_int_equal(subscribe_with("{\"sub\":\"u\",\"channel\":\"a\"}"), AUTH_OK);
    expect_slice(claims.channel, "a");
    /* the wrong kind outranks the time for a connection, the time a missing channel */
    assert_int_equal(connect_with("{\"channel\":\"a\",\"exp\":1}"), AUTH_INVALID);
    assert_int_equal(subscribe_with("{\"exp\":1}"), AUTH_EXPIRED);
}

static bool is_lower_case(const void *context, struct slice value)
{
    assert_ptr_equal(context, &arena);
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < 'a' || value.ptr[i] > 'z') return false;
    return value.len > 0;
}

static void audience_and_issuer_are_checked_when_configured(void **state)
{
    const struct auth_options audience = { .hmac_key = SLICE("secret"), .audience = SLICE("me") };
    const struct auth_options issuer = { .hmac_key = SLICE("secret"), .issuer = SLICE("me") };
    const struct auth_options audience_match = { .hmac_key = SLICE("secret"),
                                                 .audience_matcher = { is_lower_case, &arena } };
    const struct auth_options issuer_match = { .hmac_key = SLICE("secret"),
                                               .issuer_matcher = { is_lower_case, &arena } };
    const struct {
        const struct auth_options *options;
        const char *payload;
        enum auth_result want;
    } cases[] = {
        { &secret_options, "{\"aud\":\"x\",\"iss\":\"y\"}", AUTH_OK },
        { &audience, "{\"aud\":\"me\"}", AUTH_OK },
        { &audience, "{\"aud\":[\"you\",\"me\"]}", AUTH_OK },
        { &audience, "{\"aud\":\"Me\"}", AUTH_INVALID },
        { &audience, "{\"aud\":\"mee\"}", AUTH_INVALID },
        { &audience, "{\"aud\":[]}", AUTH_INVALID },
        { &audience, "{}", AUTH_INVALID },
        { &audience, "{\"aud\":\"you\",\"exp\":1}", AUTH_INVALID },
        { &issuer, "{\"iss\":\"me\"}", AUTH_OK },
        { &issuer, "{\"iss\":\"ME\"}", AUTH_INVALID },
        { &issuer, "{\"iss\":null}", AUTH_INVALID },
        { &issuer, "{}", AUTH_INVALID },
        { &audience_match, "{\"aud\":[\"A\",\"b\"]}", AUTH_OK },
        { &audience_match, "{\"aud\":[\"A\",\"B\"]}", AUTH_INVALID },
        { &audience_match, "{}", AUTH_INVALID },
        { &issuer_match, "{\"iss\":\"b\"}", AUTH_OK },
        { &issuer_match, "{\"iss\":\"B\"}", AUTH_INVALID },
        { &issuer_match, "{}", AUTH_INVALID },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        enum auth_result got = verify_at(cases[i].options, mint_hs256(cases[i].payload), AUTH_CONNECTION, NOW);
        if (got != cases[i].want) fail_msg("case %zu %s: got %d", i, cases[i].payload, got);
    }
}

static void a_broken_b64info_is_an_error_on_connect_and_invalid_on_subscribe(void **state)
{
    assert_int_equal(connect_with("{\"b64info\":\"e30=\"}"), AUTH_OK);
    expect_slice(claims.info, "{}");
    assert_int_equal(connect_with("{\"b64info\":\"e30\"}"), AUTH_ERROR);
    assert_int_equal(connect_with("{\"b64info\":\"e30\",\"exp\":1}"), AUTH_EXPIRED);
    assert_int_equal(subscribe_with("{\"channel\":\"a\",\"b64info\":\"e30\"}"), AUTH_INVALID);
}

static void a_project_counts_under_an_hmac_key_only(void **state)
{
    assert_int_equal(connect_with("{\"projectId\":\"proj_1\"}"), AUTH_OK);
    assert_true(claims.has_project_id);
    expect_slice(claims.project_id, "proj_1");
    assert_int_equal(subscribe_with("{\"projectId\":\"proj_1\",\"channel\":\"a\"}"), AUTH_OK);
    expect_slice(claims.project_id, "proj_1");
    const struct auth_options skip = { .insecure_skip_signature = true };
    struct slice token = mint("{\"alg\":\"RS256\"}", "{\"projectId\":\"p\"}", CRYPTO_SHA256, SLICE("x"));
    assert_int_equal(verify_at(&skip, token, AUTH_CONNECTION, NOW), AUTH_OK);
    assert_false(claims.has_project_id);
    expect_slice(claims.project_id, "");
}

static void a_skipped_signature_leaves_all_other_checks(void **state)
{
    const struct auth_options skip = { .hmac_key = SLICE("other"), .insecure_skip_signature = true };
    assert_int_equal(verify_at(&skip, mint_hs256("{\"sub\":\"u\"}"), AUTH_CONNECTION, NOW), AUTH_OK);
    expect_slice(claims.user, "u");
    assert_int_equal(verify_at(&skip, mint_hs256("{\"exp\":1}"), AUTH_CONNECTION, NOW), AUTH_EXPIRED);
    assert_int_equal(verify_at(&skip, mint_hs256("{\"channel\":\"a\"}"), AUTH_CONNECTION, NOW), AUTH_INVALID);
    assert_int_equal(verify_at(&skip, SLICE("a.b.c"), AUTH_CONNECTION, NOW), AUTH_INVALID);
}

static void the_configured_claim_names_the_user(void **state)
{
    const struct auth_options options = { .hmac_key = SLICE("secret"), .user_id_claim = SLICE("user_id") };
    assert_int_equal(verify_at(&options, mint_hs256("{\"sub\":\"u\",\"user_id\":\"v\"}"), AUTH_CONNECTION, NOW),
                     AUTH_OK);
    expect_slice(claims.user, "v");
    assert_int_equal(verify_at(&options, mint_hs256("{\"sub\":\"u\"}"), AUTH_CONNECTION, NOW), AUTH_OK);
    expect_slice(claims.user, "");
}

static void one_scratch_serves_verifiers_in_turn(void **state)
{
    struct auth_options other = { .hmac_key = SLICE("other") };
    struct auth_verifier *a = auth_verifier_new(&secret_options), *b = auth_verifier_new(&other);
    assert_non_null(a);
    assert_non_null(b);
    struct slice token = mint_hs256("{\"channel\":\"c\"}");
    for (int round = 0; round < 3; round++) {
        for (int kind = AUTH_CONNECTION; kind <= AUTH_SUBSCRIPTION; kind++) {
            enum auth_result ok = kind == AUTH_SUBSCRIPTION ? AUTH_OK : AUTH_INVALID;
            arena_reset(&arena);
            assert_int_equal(auth_verify(a, scratch, token, NOW, (enum auth_kind)kind, &arena, &claims, &why), ok);
            assert_int_equal(auth_verify(b, scratch, token, NOW, (enum auth_kind)kind, &arena, &claims, &why),
                             AUTH_INVALID);
        }
    }
    auth_verifier_unref(auth_verifier_ref(a));
    auth_verifier_unref(a);
    auth_verifier_unref(b);
    auth_verifier_unref(NULL);
    auth_scratch_free(NULL);
}

static void a_token_may_be_as_long_as_the_limit_and_no_longer(void **state)
{
    char *payload = mem_must_alloc(AUTH_TOKEN_LEN_MAX);
    for (size_t len = AUTH_TOKEN_LEN_MAX / 4 * 3 - 100; len < AUTH_TOKEN_LEN_MAX / 4 * 3; len++) {
        memset(payload, ' ', len);
        payload[0] = '{';
        payload[len - 1] = '}';
        payload[len] = '\0';
        struct slice token = mint_hs256(payload);
        enum auth_result want = token.len <= AUTH_TOKEN_LEN_MAX ? AUTH_OK : AUTH_INVALID;
        assert_int_equal(verify_at(&secret_options, token, AUTH_CONNECTION, NOW), want);
        mint_free_all();
    }
    mem_free(payload);
}

static void failed_allocation_is_an_error_that_leaks_nothing(void **state)
{
    struct slice token = mint_hs256("{\"sub\":\"u\\n\",\"channels\":[\"a\"],\"info\":{},\"b64info\":\"e30=\"}");
    const struct auth_options options = { .hmac_key = SLICE("secret"), .hmac_previous_key = SLICE("old") };
    bool more = true;
    for (size_t n = 1; more; n++) {
        struct arena small;
        arena_init(&small, 1024 * 1024);
        mem_fail_after(n);
        struct auth_verifier *v = auth_verifier_new(&options);
        struct auth_scratch *s = auth_scratch_new();
        if (v && s) {
            enum auth_result result = auth_verify(v, s, token, NOW, AUTH_CONNECTION, &small, &claims, &why);
            more = !mem_fail_pending();
            assert_int_equal(result, more ? AUTH_ERROR : AUTH_OK);
        }
        mem_fail_after(0);
        auth_scratch_free(s);
        auth_verifier_unref(v);
        arena_deinit(&small);
        assert_true(n < 100);
    }
}

static void a_full_arena_is_an_error(void **state)
{
    struct slice token = mint_hs256("{\"sub\":\"u\",\"channels\":[\"a\",\"b\"],\"aud\":[\"x\"]}");
    struct auth_verifier *v = auth_verifier_new(&secret_options);
    assert_non_null(v);
    enum auth_result result = AUTH_ERROR;
    for (size_t room = 0; result != AUTH_OK; room += 8) {
        struct arena small;
        arena_init(&small, room);
        result = auth_verify(v, scratch, token, NOW, AUTH_CONNECTION, &small, &claims, &why);
        assert_true(result == AUTH_OK || result == AUTH_ERROR);
        arena_deinit(&small);
        assert_true(room < 64 * 1024);
    }
    auth_verifier_unref(v);
}

static void *verify_on_a_thread(void *shared)
{
    struct auth_scratch *mine = auth_scratch_new();
    struct arena room;
    struct claims said;
    const char *reason;
    uintptr_t good = 0;
    arena_init(&room, 1024 * 1024);
    for (int i = 0; i < 200; i++) {
        arena_reset(&room);
        good += auth_verify(shared, mine, SLICE(rfc_token), 0, AUTH_CONNECTION, &room, &said, &reason) == AUTH_OK;
    }
    arena_deinit(&room);
    auth_scratch_free(mine);
    auth_verifier_unref(shared);
    return (void *)good; /* a count, not an address */
}

static void threads_share_a_verifier(void **state)
{
    uint8_t room[BASE64_DECODED_MAX(sizeof rfc_key)];
    struct auth_options options = rfc_options(room);
    struct auth_verifier *v = auth_verifier_new(&options);
    assert_non_null(v);
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_on_a_thread, auth_verifier_ref(v)), 0);
    auth_verifier_unref(v);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        void *good = NULL;
        pthread_join(threads[i], &good);
        assert_int_equal((uintptr_t)good, 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_token_of_rfc_7515_is_good_until_it_expires, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_change_of_a_single_byte_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_cut_and_every_inserted_byte_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_key_decides_not_the_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(none_with_an_empty_signature_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_previous_key_counts_through_its_last_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_hold_at_their_boundary, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_of_one_kind_is_refused_as_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(audience_and_issuer_are_checked_when_configured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broken_b64info_is_an_error_on_connect_and_invalid_on_subscribe, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_project_counts_under_an_hmac_key_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_skipped_signature_leaves_all_other_checks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_configured_claim_names_the_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_scratch_serves_verifiers_in_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_may_be_as_long_as_the_limit_and_no_longer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failed_allocation_is_an_error_that_leaks_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_arena_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_share_a_verifier, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
