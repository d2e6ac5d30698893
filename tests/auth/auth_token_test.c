#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "auth/auth_token.h"
#include "auth/support/mint.h"
#include "base/base64.h"
#include "base/check.h"
#include "crypto/crypto_hmac.h"

static struct arena arena;
static struct auth_token token;
static const char *why;

static int set_up(void **state)
{
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    arena_deinit(&arena);
    mint_free_all();
    return 0;
}

static enum status split(struct slice text)
{
    arena_reset(&arena);
    why = NULL;
    enum status status = auth_token_split(text, &arena, &token, &why);
    assert_true(status == STATUS_OK || why != NULL);
    return status;
}

static enum status split_header(const char *header)
{
    return split(mint_raw(slice_from_cstr(header), SLICE("{}"), SLICE("s")));
}

static void the_three_parts_come_out_decoded(void **state)
{
    struct slice text = mint_raw(SLICE("{\"alg\":\"HS512\",\"kid\":\"k\\u0031\"}"), SLICE("pay"), SLICE("\0\377"));
    assert_int_equal(split(text), STATUS_OK);
    assert_int_equal(token.algorithm, AUTH_HS512);
    assert_true(slice_eq(token.key_id, SLICE("k1")));
    assert_true(slice_eq(token.payload, SLICE("pay")));
    assert_true(slice_eq(token.signature, SLICE("\0\377")));
    assert_ptr_equal(token.signed_part.ptr, text.ptr);
    assert_int_equal(token.signed_part.len, slice_last_index(text, '.'));
}

static void headers_name_the_algorithm_or_are_refused(void **state)
{
    static const struct {
        const char *header;
        enum status status;
        enum auth_algorithm algorithm;
    } cases[] = {
        { "{\"alg\":\"HS256\"}", STATUS_OK, AUTH_HS256 },
        { "{ \"alg\" : \"HS256\" }", STATUS_OK, AUTH_HS256 },
        { "{\"Alg\":\"HS384\"}", STATUS_OK, AUTH_HS384 },
        { "{\"alg\":\"HS384\",\"x\":[[{}]],\"crit\":[\"x\"]}", STATUS_OK, AUTH_HS384 },
        { "{\"alg\":\"HS384\",\"typ\":null,\"cty\":\"x\",\"kid\":null}", STATUS_OK, AUTH_HS384 },
        { "{\"alg\":\"HS256\",\"ALG\":\"none\"}", STATUS_OK, AUTH_ALGORITHM_UNKNOWN },
        { "{\"alg\":\"HS256\",\"alg\":null}", STATUS_OK, AUTH_HS256 },
        { "{\"alg\":\"HS255\"}", STATUS_OK, AUTH_ALGORITHM_UNKNOWN },
        { "{}", STATUS_OK, AUTH_ALGORITHM_UNKNOWN },
        { "{\"alg\":1}", STATUS_MALFORMED, 0 },
        { "{\"alg\":\"HS256\",\"typ\":1}", STATUS_MALFORMED, 0 },
        { "{\"alg\":\"HS256\",\"cty\":{}}", STATUS_MALFORMED, 0 },
        { "{\"alg\":\"HS256\",\"kid\":[]}", STATUS_MALFORMED, 0 },
        { "{\"alg\":\"HS256\"", STATUS_MALFORMED, 0 },
        { "{\"alg\":\"HS256\"}}", STATUS_MALFORMED, 0 },
        { "{\"alg\":\"HS256\",}", STATUS_MALFORMED, 0 },
        { "[\"HS256\"]", STATUS_MALFORMED, 0 },
        { "\"HS256\"", STATUS_MALFORMED, 0 },
        { "null", STATUS_MALFORMED, 0 },
        { "", STATUS_MALFORMED, 0 },
        { "\xff", STATUS_MALFORMED, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        enum status status = split_header(cases[i].header);
        if (status != cases[i].status) fail_msg("%s: got %s", cases[i].header, status_text(status));
        if (status == STATUS_OK) assert_int_equal(token.algorithm, cases[i].algorithm);
    }
}

static void text_that_is_no_token_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "...",
        "e30",
        "e30.e30",
        "e30.e30.e30.",
        "e30.e30.e30.e30",
        ".e30.e30",
        "e30=.e30.e30",
        "e30.e30=.e30",
        "e30.e30.YQ==",
        "e30.e30.YR",  /* stray bits after one byte */
        "e30.e30.YWJ", /* and after two */
        "e30.e30.A",
        "e30.e30.YW\nI",
        "e30.e30.YWI\n",
        " e30.e30.YWI",
        "e30.e3+.YWI",
        "e30.e3/.YWI",
        "e30.e 30.YWI",
        "{\"payload\":\"e30\",\"signatures\":[]}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        if (split(slice_from_cstr(texts[i])) != STATUS_MALFORMED) fail_msg("'%s' was taken", texts[i]);
    assert_int_equal(split(SLICE("e30.e30.YWI")), STATUS_OK);
    assert_int_equal(split(SLICE("e30..")), STATUS_OK); /* an empty payload is the reader's to refuse */
}

static void length_and_header_depth_stop_at_their_limits(void **state)
{
    static char text[AUTH_TOKEN_LEN_MAX + 8];
    for (size_t len = AUTH_TOKEN_LEN_MAX - 4; len < AUTH_TOKEN_LEN_MAX + 8; len++) {
        memset(text, 'A', len);
        memcpy(text, "e30.", 4);
        text[len - 1] = '.';
        if ((len - 5) % 4 == 1) continue;
        assert_int_equal(split(slice_of(text, len)), len <= AUTH_TOKEN_LEN_MAX ? STATUS_OK : STATUS_TOO_LARGE);
    }
    for (int depth = 1; depth < 3 * AUTH_HEADER_DEPTH_MAX; depth++) {
        char header[128];
        sprintf(header, "{\"x\":%.*s%.*s%.*s}", depth - 1, "[[[[[[[[[[[[[[[[[[[[[[[[", depth > 1 ? 0 : 1, "0",
                depth - 1, "]]]]]]]]]]]]]]]]]]]]]]]]");
        assert_true((split_header(header) == STATUS_OK) == (depth <= AUTH_HEADER_DEPTH_MAX));
    }
}

/* --- Project Wycheproof --- */

/* The text after `"name": "` on this line, up to the quote; NULL when another member is here. */
static char *member_text(char *line, const char *name)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "\"%s\": \"", name);
    char *at = strstr(line, wanted);
    if (!at) return NULL;
    at += strlen(wanted);
    at[strcspn(at, "\"")] = '\0';
    return at;
}

struct group {
    char name[64];
    uint8_t key[128];
    size_t key_len;
    bool is_hmac;
};

static bool is_good(const struct group *group, struct slice text)
{
    if (split(text) != STATUS_OK || token.algorithm != AUTH_HS256) return false;
    struct crypto_hmac *mac = crypto_hmac_new(CRYPTO_SHA256, slice_of(group->key, group->key_len));
    assert_non_null(mac);
    bool good = crypto_hmac_verify(mac, token.signed_part, token.signature);
    crypto_hmac_free(mac);
    return good;
}

/* Cases 367 and 370 bear the name of a padding that their text does not have: they are
 * case 357 letter for letter. 372 and 373 say that a reader may skip a foreign byte. */
static bool want_good(int id, const char *result)
{
    if (id == 367 || id == 370) return true;
    if (id == 372 || id == 373) return false;
    return strcmp(result, "valid") == 0;
}

static void wycheproof_signatures_are_judged_as_published(void **state)
{
    FILE *file = fopen(XSH_SOURCE_DIR "/../shared/vectors/jws/json_web_signature_test.json", "r");
    if (!file) {
        print_message("the vectors of Project Wycheproof are absent: nothing checked\n");
        skip();
    }
    struct group group = { 0 };
    char *line = NULL, jws[4096] = "";
    size_t cap = 0;
    int id = 0, checked = 0;
    while (getline(&line, &cap, file) >= 0) {
        char *text, *tc_id = strstr(line, "\"tcId\":");
        if (tc_id) id = atoi(tc_id + strlen("\"tcId\":"));
        if ((text = member_text(line, "type"))) group = (struct group){ 0 };
        if ((text = member_text(line, "alg"))) group.is_hmac = strcmp(text, "HS256") == 0;
        if ((text = member_text(line, "k"))) group.key_len = (size_t)base64url_decode(slice_from_cstr(text), group.key);
        if ((text = member_text(line, "jws"))) snprintf(jws, sizeof jws, "%s", text);
        if (!(text = member_text(line, "result")) || !group.is_hmac) continue;
        if (is_good(&group, slice_from_cstr(jws)) != want_good(id, text)) fail_msg("case %d: %s", id, jws);
        checked++;
    }
    free(line);
    fclose(file);
    print_message("%d cases of Project Wycheproof\n", checked);
    assert_int_equal(checked, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_parts_come_out_decoded),
        cmocka_unit_test(headers_name_the_algorithm_or_are_refused),
        cmocka_unit_test(text_that_is_no_token_is_refused),
        cmocka_unit_test(length_and_header_depth_stop_at_their_limits),
        cmocka_unit_test(wycheproof_signatures_are_judged_as_published),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
