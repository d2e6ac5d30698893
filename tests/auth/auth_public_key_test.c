/* Tokens under public keys: which key counts for which algorithm, and what an attacker
 * who knows the public key can do with it, which is nothing. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/auth_verifier.h"
#include "auth/support/mint.h"
#include "auth/support/public_keys.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/mem.h"

#define NOW     1700000000
#define RFC_NOW 1300819379

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

static enum auth_result connect_with(const struct auth_options *options, struct slice token)
{
    return verify_at(options, token, AUTH_CONNECTION, NOW);
}

static const struct auth_options only_rsa = { .rsa_public_key = { RSA_PEM, sizeof RSA_PEM - 1 } };
static const struct auth_options only_p256 = { .ecdsa_public_key = { P256_PEM, sizeof P256_PEM - 1 } };
static const struct auth_options only_p384 = { .ecdsa_public_key = { P384_PEM, sizeof P384_PEM - 1 } };
static const struct auth_options only_p521 = { .ecdsa_public_key = { P521_PEM, sizeof P521_PEM - 1 } };
static const struct auth_options all_keys = { .hmac_key = { "secret", 6 },
                                              .rsa_public_key = { RSA_PEM, sizeof RSA_PEM - 1 },
                                              .ecdsa_public_key = { P256_PEM, sizeof P256_PEM - 1 } };

static const struct {
    const char *name;
    struct slice text;
} tokens[] = {
    { "RS256", { RS256_TOKEN, sizeof RS256_TOKEN - 1 } }, { "RS384", { RS384_TOKEN, sizeof RS384_TOKEN - 1 } },
    { "RS512", { RS512_TOKEN, sizeof RS512_TOKEN - 1 } }, { "ES256", { ES256_TOKEN, sizeof ES256_TOKEN - 1 } },
    { "ES384", { ES384_TOKEN, sizeof ES384_TOKEN - 1 } }, { "ES512", { ES512_TOKEN, sizeof ES512_TOKEN - 1 } },
};

static void the_tokens_of_rfc_7515_are_good_until_they_expire(void **state)
{
    const struct auth_options options = { .rsa_public_key = SLICE(RFC_RSA_PEM),
                                          .ecdsa_public_key = SLICE(RFC_P256_PEM) };
    const struct slice texts[] = { SLICE(RFC_RS256_TOKEN), SLICE(RFC_ES256_TOKEN) };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_int_equal(verify_at(&options, texts[i], AUTH_CONNECTION, RFC_NOW), AUTH_OK);
        assert_true(slice_eq(claims.iss, SLICE("joe")));
        assert_int_equal(verify_at(&options, texts[i], AUTH_CONNECTION, RFC_NOW + 1), AUTH_EXPIRED);
        assert_int_equal(verify_at(&all_keys, texts[i], AUTH_CONNECTION, RFC_NOW), AUTH_INVALID);
    }
}

static void each_algorithm_needs_a_key_of_its_kind_and_curve(void **state)
{
    static const struct {
        const struct auth_options *options;
        const char *good; /* names of the tokens that it takes */
    } cases[] = {
        { &only_rsa, "RS256 RS384 RS512" },
        { &only_p256, "ES256" },
        { &only_p384, "ES384" },
        { &only_p521, "ES512" },
        { &all_keys, "RS256 RS384 RS512 ES256" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t j = 0; j < ARRAY_COUNT(tokens); j++) {
            const bool want = strstr(cases[i].good, tokens[j].name) != NULL;
            if ((connect_with(cases[i].options, tokens[j].text) == AUTH_OK) != want)
                fail_msg("case %zu: %s", i, tokens[j].name);
            if (want)
                assert_true(slice_eq(claims.user, SLICE("u")));
            else
                assert_string_equal(why, "no key is configured for the token's algorithm (alg)");
        }
        const bool hmac = cases[i].options == &all_keys;
        assert_int_equal(connect_with(cases[i].options, mint_hs256("{}")), hmac ? AUTH_OK : AUTH_INVALID);
    }
}

static void the_list_of_algorithms_bounds_public_keys_too(void **state)
{
    struct auth_options options = all_keys;
    options.algorithms = 1u << AUTH_RS384 | 1u << AUTH_ES256;
    assert_int_equal(connect_with(&options, SLICE(RS384_TOKEN)), AUTH_OK);
    assert_int_equal(connect_with(&options, SLICE(ES256_TOKEN)), AUTH_OK);
    assert_int_equal(connect_with(&options, SLICE(RS256_TOKEN)), AUTH_INVALID);
    assert_int_equal(connect_with(&options, mint_hs256("{}")), AUTH_INVALID);
}

/* RFC 8725 section 2.1: whoever knows the public key signs with its text, or with its
 * bytes, by HMAC. */
static void a_public_key_is_never_the_secret_of_an_hmac(void **state)
{
    static const char *const headers[] = { "{\"alg\":\"HS256\"}", "{\"alg\":\"HS384\"}", "{\"alg\":\"HS512\"}",
                                           "{\"alg\":\"RS256\"}", "{\"alg\":\"ES256\"}" };
    const struct auth_options *const options[] = { &only_rsa, &only_p256, &all_keys };
    const struct slice secrets[] = { SLICE(RSA_PEM), slice_head(SLICE(RSA_PEM), sizeof RSA_PEM - 2), SLICE(P256_PEM),
                                     slice_head(SLICE(P256_PEM), sizeof P256_PEM - 2), SLICE("") };
    for (size_t i = 0; i < ARRAY_COUNT(options); i++)
        for (size_t j = 0; j < ARRAY_COUNT(headers); j++)
            for (size_t k = 0; k < ARRAY_COUNT(secrets); k++)
                for (enum crypto_digest digest = CRYPTO_SHA256; digest <= CRYPTO_SHA512; digest++) {
                    struct slice token = mint(headers[j], "{\"sub\":\"u\"}", digest, secrets[k]);
                    assert_int_equal(connect_with(options[i], token), AUTH_INVALID);
                }
}

/* The text up to its last dot, and another signature. */
static struct slice resigned(struct slice token, struct slice signature)
{
    static char text[2048];
    const size_t len = (size_t)slice_last_index(token, '.') + 1;
    memcpy(text, token.ptr, len);
    return slice_of(text, len + base64url_encode(signature, text + len));
}

static void a_signature_of_another_algorithm_or_none_is_refused(void **state)
{
    uint8_t bytes[1024] = { 0 };
    for (size_t i = 0; i < ARRAY_COUNT(tokens); i++) {
        assert_int_equal(connect_with(&all_keys, resigned(tokens[i].text, (struct slice){ 0 })), AUTH_INVALID);
        assert_int_equal(connect_with(&all_keys, resigned(tokens[i].text, slice_of(bytes, 64))), AUTH_INVALID);
        assert_int_equal(connect_with(&all_keys, resigned(tokens[i].text, slice_of(bytes, 256))), AUTH_INVALID);
        for (size_t j = 0; j < ARRAY_COUNT(tokens); j++) {
            const struct slice encoded = slice_from(tokens[j].text, (size_t)slice_last_index(tokens[j].text, '.') + 1);
            const ptrdiff_t len = base64url_decode(encoded, bytes);
            const enum auth_result result =
                connect_with(&all_keys, resigned(tokens[i].text, slice_of(bytes, (size_t)len)));
            assert_int_equal(result == AUTH_OK, i == j && i <= 3); /* up to ES256 */
        }
        memset(bytes, 0, sizeof bytes);
    }
    struct slice token = mint_raw(SLICE("{\"alg\":\"none\"}"), SLICE("{\"sub\":\"u\"}"), (struct slice){ 0 });
    assert_int_equal(connect_with(&all_keys, token), AUTH_INVALID);
}

static void every_change_of_a_single_byte_is_refused(void **state)
{
    struct auth_verifier *v = auth_verifier_new(&only_p256);
    assert_non_null(v);
    char text[sizeof ES256_TOKEN];
    memcpy(text, ES256_TOKEN, sizeof text);
    for (size_t at = 0; at + 1 < sizeof text; at++) {
        static const char replacements[] = "AaZz09-_.= \n{";
        for (size_t i = 0; i < sizeof replacements; i++) {
            text[at] = replacements[i];
            arena_reset(&arena);
            const enum auth_result result =
                auth_verify(v, scratch, slice_of(text, sizeof text - 1), NOW, AUTH_CONNECTION, &arena, &claims, &why);
            assert_int_equal(result, text[at] == ES256_TOKEN[at] ? AUTH_OK : AUTH_INVALID);
        }
        text[at] = ES256_TOKEN[at];
    }
    auth_verifier_unref(v);
}

static void a_project_is_dropped_under_a_public_key(void **state)
{
    assert_int_equal(connect_with(&all_keys, mint_hs256("{\"projectId\":\"proj_1\"}")), AUTH_OK);
    assert_true(claims.has_project_id);
    for (size_t i = 0; i <= 3; i++) {
        assert_int_equal(connect_with(&all_keys, tokens[i].text), AUTH_OK);
        assert_false(claims.has_project_id);
        assert_int_equal(claims.project_id.len, 0);
    }
}

static void kinds_and_times_are_checked_as_ever(void **state)
{
    const struct slice texts[] = { SLICE(RS256_SUB_TOKEN), SLICE(ES256_SUB_TOKEN) };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_int_equal(verify_at(&all_keys, texts[i], AUTH_SUBSCRIPTION, NOW), AUTH_OK);
        assert_true(slice_eq(claims.channel, SLICE("c")));
        assert_int_equal(verify_at(&all_keys, texts[i], AUTH_SUBSCRIPTION, NOW + 1), AUTH_EXPIRED);
        assert_int_equal(verify_at(&all_keys, texts[i], AUTH_CONNECTION, NOW), AUTH_INVALID);
    }
    assert_int_equal(verify_at(&all_keys, SLICE(RS256_TOKEN), AUTH_SUBSCRIPTION, NOW), AUTH_INVALID);
}

static void the_previous_secret_is_no_matter_of_public_keys(void **state)
{
    struct auth_options options = only_rsa;
    options.hmac_previous_key = SLICE("old");
    options.hmac_previous_valid_until_s = NOW - 1;
    assert_int_equal(connect_with(&options, SLICE(RS256_TOKEN)), AUTH_OK);
    assert_int_equal(connect_with(&options, SLICE(RFC_RS256_TOKEN)), AUTH_INVALID);
    assert_string_equal(why, "the signature does not fit the configured public key");
}

static void a_text_that_is_no_such_key_makes_no_verifier(void **state)
{
    const struct auth_options cases[] = {
        { .hmac_key = SLICE("secret"), .rsa_public_key = SLICE("x") },
        { .hmac_key = SLICE("secret"), .ecdsa_public_key = SLICE("x") },
        { .rsa_public_key = SLICE(P256_PEM) },
        { .rsa_public_key = SLICE(RSA_PEM), .ecdsa_public_key = SLICE(RSA_PEM) },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) assert_null(auth_verifier_new(&cases[i]));
}

static void one_scratch_serves_verifiers_in_turn(void **state)
{
    const struct auth_options rfc = { .rsa_public_key = SLICE(RFC_RSA_PEM), .ecdsa_public_key = SLICE(P256_PEM) };
    struct auth_verifier *a = auth_verifier_new(&all_keys), *b = auth_verifier_new(&rfc);
    assert_non_null(a);
    assert_non_null(b);
    for (int round = 0; round < 3; round++) {
        arena_reset(&arena);
        assert_int_equal(auth_verify(a, scratch, SLICE(RS256_TOKEN), NOW, AUTH_CONNECTION, &arena, &claims, &why),
                         AUTH_OK);
        assert_int_equal(auth_verify(b, scratch, SLICE(RS256_TOKEN), NOW, AUTH_CONNECTION, &arena, &claims, &why),
                         AUTH_INVALID);
        assert_int_equal(auth_verify(b, scratch, SLICE(ES256_TOKEN), NOW, AUTH_CONNECTION, &arena, &claims, &why),
                         AUTH_OK);
    }
    auth_verifier_unref(a);
    auth_verifier_unref(b);
}

static void failed_allocation_is_an_error_that_leaks_nothing(void **state)
{
    bool more = true;
    for (size_t n = 1; more; n++) {
        struct arena small;
        arena_init(&small, 1024 * 1024);
        mem_fail_after(n);
        struct auth_verifier *v = auth_verifier_new(&all_keys);
        struct auth_scratch *s = auth_scratch_new();
        if (v && s) {
            enum auth_result result =
                auth_verify(v, s, SLICE(RS256_TOKEN), NOW, AUTH_CONNECTION, &small, &claims, &why);
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

static void *verify_on_a_thread(void *shared)
{
    struct auth_scratch *mine = auth_scratch_new();
    struct arena room;
    struct claims said;
    const char *reason;
    uintptr_t good = 0;
    arena_init(&room, 1024 * 1024);
    for (int i = 0; i < 100; i++) {
        arena_reset(&room);
        good += auth_verify(shared, mine, SLICE(RS256_TOKEN), NOW, AUTH_CONNECTION, &room, &said, &reason) == AUTH_OK;
        good += auth_verify(shared, mine, SLICE(ES256_TOKEN), NOW, AUTH_CONNECTION, &room, &said, &reason) == AUTH_OK;
    }
    arena_deinit(&room);
    auth_verifier_unref(shared);
    auth_scratch_free(mine); /* its contexts outlive the verifier */
    return (void *)good;     /* a count, not an address */
}

static void threads_share_a_verifier(void **state)
{
    struct auth_verifier *v = auth_verifier_new(&all_keys);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_tokens_of_rfc_7515_are_good_until_they_expire),
        TEST(each_algorithm_needs_a_key_of_its_kind_and_curve),
        TEST(the_list_of_algorithms_bounds_public_keys_too),
        TEST(a_public_key_is_never_the_secret_of_an_hmac),
        TEST(a_signature_of_another_algorithm_or_none_is_refused),
        TEST(every_change_of_a_single_byte_is_refused),
        TEST(a_project_is_dropped_under_a_public_key),
        TEST(kinds_and_times_are_checked_as_ever),
        TEST(the_previous_secret_is_no_matter_of_public_keys),
        TEST(a_text_that_is_no_such_key_makes_no_verifier),
        TEST(one_scratch_serves_verifiers_in_turn),
        TEST(failed_allocation_is_an_error_that_leaks_nothing),
        TEST(threads_share_a_verifier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
