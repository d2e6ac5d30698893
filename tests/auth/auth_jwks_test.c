/* Key sets: which keys of which sets count, and for which tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "auth/auth_jwks.h"
#include "auth/support/key_sets.h"
#include "auth/support/public_keys.h"
#include "base/check.h"
#include "base/mem.h"

static struct arena arena;
static const char *why;

static int set_up(void **state)
{
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    arena_deinit(&arena);
    return 0;
}

static struct auth_jwks parsed(const char *text)
{
    struct auth_jwks set = { 0 };
    if (auth_jwks_parse(slice_from_cstr(text), &set, &why) != STATUS_OK) fail_msg("%s: %s", why, text);
    return set;
}

static enum status verify(const struct auth_jwk *key, const char *text)
{
    struct auth_token token;
    arena_reset(&arena);
    assert_int_equal(auth_token_split(slice_from_cstr(text), &arena, &token, &why), STATUS_OK);
    return auth_jwk_verify(key, &token, &why);
}

static void a_token_is_good_under_its_key_and_no_other(void **state)
{
    static const char *const tokens[] = { RFC_RS256_TOKEN, RFC_ES256_TOKEN, RFC_EDDSA_JWS };
    struct auth_jwks set = parsed("{\"keys\":[{\"kid\":\"r\",\"use\":\"sig\"," RFC_RSA_NUMBERS "},"
                                  "{\"kid\":\"e\",\"use\":\"sig\",\"alg\":\"ES256\"," RFC_P256_NUMBERS "},"
                                  "{\"kid\":\"o\",\"use\":\"sig\"," RFC_ED25519_NUMBERS "}]}");
    assert_int_equal(set.count, 3);
    assert_true(slice_eq(auth_jwk_id(set.keys[0]), SLICE("r")));
    for (size_t key = 0; key < 3; key++)
        for (size_t token = 0; token < 3; token++)
            assert_int_equal(verify(set.keys[key], tokens[token]), key == token ? STATUS_OK : STATUS_DENIED);
    auth_jwks_deinit(&set);
}

static void every_changed_byte_of_a_signature_by_ed25519_is_refused(void **state)
{
    char text[sizeof RFC_EDDSA_JWS];
    struct auth_jwks set = parsed("{\"keys\":[{\"kid\":\"o\",\"use\":\"sig\"," RFC_ED25519_NUMBERS "}]}");
    for (size_t i = sizeof "eyJhbGciOiJFZERTQSJ9"; i < sizeof text - 2; i++) {
        memcpy(text, RFC_EDDSA_JWS, sizeof text);
        if (text[i] == '.') continue;
        text[i] = text[i] == 'A' ? 'B' : 'A';
        struct auth_token token;
        arena_reset(&arena);
        if (auth_token_split(slice_from_cstr(text), &arena, &token, &why) == STATUS_OK)
            assert_int_equal(auth_jwk_verify(set.keys[0], &token, &why), STATUS_DENIED);
    }
    auth_jwks_deinit(&set);
}

#define KEY(members, numbers) "{\"keys\":[{" members "," numbers "}]}"
#define SIG                   "\"kid\":\"k\",\"use\":\"sig\""

static void what_a_key_is_for_decides(void **state)
{
    static const struct {
        const char *set, *token;
        int is_kept, is_good;
    } rows[] = {
        { KEY(SIG, RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 1, 1 },
        { KEY(SIG ",\"alg\":\"RS256\"", RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 1, 1 },
        { KEY(SIG ",\"alg\":\"RS384\"", RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 1, 0 },
        { KEY(SIG ",\"alg\":\"PS256\"", RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 1, 0 },
        { KEY(SIG ",\"alg\":\"HS256\"", RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 1, 0 },
        { KEY(SIG ",\"alg\":\"rs256\"", RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 1, 0 },
        { KEY(SIG ",\"alg\":null", RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 1, 1 },
        { KEY(SIG ",\"alg\":\"ES384\"", RFC_P256_NUMBERS), RFC_ES256_TOKEN, 1, 0 },
        { KEY(SIG ",\"alg\":\"anything\"", RFC_ED25519_NUMBERS), RFC_EDDSA_JWS, 1, 1 },
        { KEY(SIG ",\"x5c\":[\"MII\"],\"key_ops\":[\"verify\"]", RFC_P256_NUMBERS), RFC_ES256_TOKEN, 1, 1 },
        { KEY("\"KID\":\"k\",\"Use\":\"sig\"", RFC_P256_NUMBERS), RFC_ES256_TOKEN, 1, 1 },
        /* left out */
        { KEY("\"kid\":\"k\"", RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 0, 0 },
        { KEY("\"kid\":\"k\",\"use\":\"enc\"", RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 0, 0 },
        { KEY("\"kid\":\"k\",\"use\":\"SIG\"", RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 0, 0 },
        { KEY("\"use\":\"sig\"", RFC_RSA_NUMBERS), RFC_RS256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_RSA_NUMBERS ",\"d\":\"AQAB\""), RFC_RS256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_RSA_NUMBERS ",\"e\":\"AQ\""), RFC_RS256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_RSA_NUMBERS ",\"e\":\"AA\""), RFC_RS256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_RSA_NUMBERS ",\"e\":\"_____________\""), RFC_RS256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_RSA_NUMBERS ",\"e\":\"\""), RFC_RS256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_RSA_NUMBERS ",\"n\":\"AQAB\""), RFC_RS256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_RSA_NUMBERS ",\"n\":\"!\""), RFC_RS256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_RSA_NUMBERS ",\"kty\":\"rsa\""), RFC_RS256_TOKEN, 0, 0 },
        { KEY(SIG, "\"kty\":\"RSA\",\"n\":\"AQAB\""), RFC_RS256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_P256_NUMBERS ",\"crv\":\"P-384\""), RFC_ES256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_P256_NUMBERS ",\"crv\":\"secp256k1\""), RFC_ES256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_P256_NUMBERS ",\"x\":\"AAAA\""), RFC_ES256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_P256_NUMBERS ",\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""), RFC_ES256_TOKEN, 0, 0 },
        { KEY(SIG, RFC_ED25519_NUMBERS ",\"crv\":\"X25519\""), RFC_EDDSA_JWS, 0, 0 },
        { KEY(SIG, RFC_ED25519_NUMBERS ",\"x\":\"AAAA\""), RFC_EDDSA_JWS, 0, 0 },
        { KEY(SIG, "\"kty\":\"oct\",\"k\":\"c2VjcmV0\""), RFC_RS256_TOKEN, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct auth_jwks set = parsed(rows[i].set);
        if ((int)set.count != rows[i].is_kept) fail_msg("%zu keys in row %zu: %s", set.count, i, rows[i].set);
        if (set.count && (verify(set.keys[0], rows[i].token) == STATUS_OK) != rows[i].is_good)
            fail_msg("row %zu: %s", i, rows[i].set);
        auth_jwks_deinit(&set);
    }
}

static void a_key_that_is_no_use_leaves_the_others_as_they_are(void **state)
{
    struct auth_jwks set =
        parsed("{\"keys\":[{\"kty\":\"new\",\"kid\":\"n\",\"use\":\"sig\"},{},{" SIG "," RFC_P256_NUMBERS "}]}");
    assert_int_equal(set.count, 1);
    assert_int_equal(verify(set.keys[0], RFC_ES256_TOKEN), STATUS_OK);
    auth_jwks_deinit(&set);
}

static void of_keys_with_one_kid_the_last_counts(void **state)
{
    struct auth_jwks set = parsed("{\"keys\":[{" SIG "," RFC_RSA_NUMBERS "},{" SIG "," RFC_P256_NUMBERS "}]}");
    assert_int_equal(set.count, 1);
    assert_int_equal(verify(set.keys[0], RFC_ES256_TOKEN), STATUS_OK);
    assert_int_equal(verify(set.keys[0], RFC_RS256_TOKEN), STATUS_DENIED);
    auth_jwks_deinit(&set);
}

static void a_text_that_is_no_key_set_is_refused(void **state)
{
    static const char *const sets[] = {
        "",
        "[]",
        "\"keys\"",
        "{\"keys\":{}}",
        "{\"keys\":[1]}",
        "{\"keys\":[{\"kid\":1}]}",
        "{\"keys\":[{\"kty\":[]}]}",
        "{\"keys\":[{" SIG "," RFC_P256_NUMBERS "}]} x",
        "{\"keys\":[{" SIG "," RFC_P256_NUMBERS "}",
        "{\"keys\":[{\"a\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}]}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        struct auth_jwks set = { 0 };
        why = NULL;
        if (auth_jwks_parse(slice_from_cstr(sets[i]), &set, &why) != STATUS_MALFORMED) fail_msg("%s", sets[i]);
        assert_non_null(why);
    }
    static const char *const empty[] = { "{}", "{\"keys\":null}", "{\"keys\":[]}", "{\"other\":1}" };
    for (size_t i = 0; i < ARRAY_COUNT(empty); i++) {
        struct auth_jwks set = parsed(empty[i]);
        assert_int_equal(set.count, 0);
        auth_jwks_deinit(&set);
    }
}

/* count keys, each with a kid of its own. */
static char *many_keys(size_t count)
{
    static const char key[] = "{\"kid\":\"%zu\",\"use\":\"sig\"," RFC_ED25519_NUMBERS "}%s";
    char *text = malloc(count * (sizeof key + 32) + 32), *at = text;
    at += sprintf(at, "{\"keys\":[");
    for (size_t i = 0; i < count; i++) at += sprintf(at, key, i, i + 1 < count ? "," : "");
    sprintf(at, "]}");
    return text;
}

static void sets_are_bounded_in_bytes_and_keys(void **state)
{
    struct auth_jwks set = { 0 };
    char *text = many_keys(AUTH_JWKS_KEYS_MAX);
    set = parsed(text);
    assert_int_equal(set.count, AUTH_JWKS_KEYS_MAX);
    auth_jwks_deinit(&set);
    free(text);
    text = many_keys(AUTH_JWKS_KEYS_MAX + 1);
    assert_int_equal(auth_jwks_parse(slice_from_cstr(text), &set, &why), STATUS_TOO_LARGE);
    free(text);

    char *blank = malloc(AUTH_JWKS_BYTES_MAX + 1);
    memset(blank, ' ', AUTH_JWKS_BYTES_MAX + 1);
    memcpy(blank, "{}", 2);
    assert_int_equal(auth_jwks_parse(slice_of(blank, AUTH_JWKS_BYTES_MAX), &set, &why), STATUS_OK);
    auth_jwks_deinit(&set);
    assert_int_equal(auth_jwks_parse(slice_of(blank, AUTH_JWKS_BYTES_MAX + 1), &set, &why), STATUS_TOO_LARGE);
    free(blank);
}

static void memory_may_run_out_at_each_allocation(void **state)
{
    static const char text[] =
        "{\"keys\":[{" SIG "," RFC_RSA_NUMBERS "},{\"kid\":\"\\u0065\",\"use\":\"sig\"," RFC_P256_NUMBERS "}]}";
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        struct auth_jwks set = { 0 };
        mem_fail_after(n);
        enum status status = auth_jwks_parse(slice_from_cstr(text), &set, &why);
        failed = !mem_fail_pending();
        mem_fail_after(0);
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        auth_jwks_deinit(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_good_under_its_key_and_no_other),
        cmocka_unit_test(every_changed_byte_of_a_signature_by_ed25519_is_refused),
        cmocka_unit_test(what_a_key_is_for_decides),
        cmocka_unit_test(a_key_that_is_no_use_leaves_the_others_as_they_are),
        cmocka_unit_test(of_keys_with_one_kid_the_last_counts),
        cmocka_unit_test(a_text_that_is_no_key_set_is_refused),
        cmocka_unit_test(sets_are_bounded_in_bytes_and_keys),
        cmocka_unit_test(memory_may_run_out_at_each_allocation),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
