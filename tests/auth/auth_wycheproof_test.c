/* RS* and ES* signatures of Project Wycheproof, whose keys are numbers as in a key set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "auth/auth_token.h"
#include "base/base64.h"
#include "base/check.h"
#include "crypto/crypto_signature.h"

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

struct group {
    char kty[8], crv[8], alg[8], n[1024], e[16], x[128], y[128];
};

static size_t decoded(const char *text, uint8_t *out)
{
    const ptrdiff_t len = base64url_decode(slice_from_cstr(text), out);
    assert_true(len >= 0);
    return (size_t)len;
}

static struct crypto_public_key *key_of(const struct group *group)
{
    uint8_t first[1024], second[128];
    struct crypto_public_key *key = NULL;
    enum status status;
    if (strcmp(group->kty, "RSA") == 0) {
        const struct slice n = slice_of(first, decoded(group->n, first));
        status = crypto_public_key_from_rsa(n, slice_of(second, decoded(group->e, second)), &key, &why);
    } else {
        const struct slice x = slice_of(first, decoded(group->x, first));
        const struct slice y = slice_of(second, decoded(group->y, second));
        status = crypto_public_key_from_ec(slice_from_cstr(group->crv), x, y, &key, &why);
    }
    assert_int_equal(status, STATUS_OK);
    return key;
}

static bool is_good(const struct group *group, struct slice text)
{
    struct auth_token token;
    arena_reset(&arena);
    if (auth_token_split(text, &arena, &token, &why) != STATUS_OK || token.algorithm == AUTH_ALGORITHM_UNKNOWN ||
        auth_algorithm_is_hmac(token.algorithm))
        return false;
    const enum crypto_scheme scheme = CRYPTO_RS256 + (enum crypto_scheme)(token.algorithm - AUTH_RS256);
    struct crypto_public_key *key = key_of(group);
    bool good = false;
    if (crypto_signature_fits(scheme, key)) {
        struct crypto_signature *check = crypto_signature_new(scheme, key);
        assert_non_null(check);
        good = crypto_signature_verify(check, token.signed_part, token.signature);
        crypto_signature_free(check);
    }
    crypto_public_key_free(key);
    return good;
}

/* "name": "text" in this line: a copy of text to out. */
static void take_member(const char *line, const char *name, char *out, size_t out_len)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "\"%s\": \"", name);
    const char *at = strstr(line, wanted);
    if (!at) return;
    at += strlen(wanted);
    snprintf(out, out_len, "%.*s", (int)strcspn(at, "\""), at);
}

static void read_group(struct group *group, const char *line)
{
    if (strstr(line, "\"type\":")) *group = (struct group){ 0 };
    take_member(line, "kty", group->kty, sizeof group->kty);
    take_member(line, "crv", group->crv, sizeof group->crv);
    take_member(line, "alg", group->alg, sizeof group->alg);
    take_member(line, "n", group->n, sizeof group->n);
    take_member(line, "e", group->e, sizeof group->e);
    take_member(line, "x", group->x, sizeof group->x);
    take_member(line, "y", group->y, sizeof group->y);
}

/* The others are for PS*, for HMAC, or name no algorithm. */
static bool is_ours(const struct group *group)
{
    return strncmp(group->alg, "RS", 2) == 0 || strncmp(group->alg, "ES", 2) == 0;
}

static void wycheproof_rsa_and_ecdsa_signatures_are_judged_as_published(void **state)
{
    FILE *file = fopen(XSH_SOURCE_DIR "/../shared/vectors/jws/json_web_signature_test.json", "r");
    if (!file) {
        print_message("the vectors of Project Wycheproof are absent: nothing checked\n");
        skip();
    }
    struct group group = { 0 };
    char *line = NULL, jws[8192] = "", result[16];
    size_t cap = 0;
    int id = 0, checked = 0, valid = 0;
    while (getline(&line, &cap, file) >= 0) {
        const char *tc_id = strstr(line, "\"tcId\":");
        if (tc_id) id = atoi(tc_id + strlen("\"tcId\":"));
        read_group(&group, line);
        take_member(line, "jws", jws, sizeof jws);
        result[0] = '\0';
        take_member(line, "result", result, sizeof result);
        if (result[0] == '\0' || !is_ours(&group)) continue;
        const bool want = strcmp(result, "valid") == 0;
        if (is_good(&group, slice_from_cstr(jws)) != want) fail_msg("case %d: %s", id, jws);
        valid += want;
        checked++;
    }
    free(line);
    fclose(file);
    print_message("%d cases of Project Wycheproof, %d of them valid\n", checked, valid);
    assert_int_equal(checked, 282);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_rsa_and_ecdsa_signatures_are_judged_as_published),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
