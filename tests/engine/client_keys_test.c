/* Tokens whose key set must be fetched first: who waits, what waits behind them, and what becomes of those who go. */
#include <stdio.h>

#include <openssl/evp.h>

#include "engine/support/engine_rig.h"

#include "base/base64.h"
#include "base/mem.h"

#define ENDPOINT "http://h/keys.json"

static EVP_PKEY *pair;
static struct key_store *store;
static const char *endpoint = ENDPOINT;

static int set_up(void **state)
{
    pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return pair ? 0 : -1;
}

static int tear_down(void **state)
{
    EVP_PKEY_free(pair);
    return 0;
}

static void with_key_set(struct policy_deployment *d)
{
    d->token.jwks_public_endpoint = mem_copy(slice_from_cstr(endpoint));
}

static struct rig *start(void)
{
    struct rig *r = rig_new(1, with_key_set);
    store = r->shared.keys = key_store_new(&r->office, engine_deliver_keys);
    return r;
}

static void end(struct rig *r)
{
    rig_free(r);
    key_store_free(store);
}

/* A token under the key of that kid; memory of a ring of four. */
static const char *token_of(const char *kid, const char *claims)
{
    static char ring[4][1024];
    static unsigned next;
    char header[128], *out = ring[next++ % 4];
    uint8_t signature[64];
    size_t signature_len = sizeof signature;
    snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"kid\":\"%s\"}", kid);
    size_t len = base64url_encode(slice_from_cstr(header), out);
    out[len++] = '.';
    len += base64url_encode(slice_from_cstr(claims), out + len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, pair), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &signature_len, (unsigned char *)out, len), 1);
    EVP_MD_CTX_free(ctx);
    out[len++] = '.';
    len += base64url_encode(slice_of(signature, signature_len), out + len);
    out[len] = '\0';
    return out;
}

/* What is due is fetched: a set with that kid, or nothing when kid is NULL. */
static void fetch_only(struct rig *r, const char *kid)
{
    struct key_fetch *f = NULL;
    struct auth_jwks set;
    const char *why;
    char text[512], x[64];
    uint8_t point[32];
    size_t len = sizeof point;
    assert_int_equal(EVP_PKEY_get_raw_public_key(pair, point, &len), 1);
    x[base64url_encode(slice_of(point, len), x)] = '\0';
    snprintf(text, sizeof text,
             "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\",\"kid\":\"%s\",\"x\":\"%s\"}]}",
             kid ? kid : "", x);
    assert_true(key_store_next(store, r->now_ms, &f));
    assert_int_equal(auth_jwks_parse(slice_from_cstr(text), &set, &why), STATUS_OK);
    if (!kid) auth_jwks_deinit(&set);
    key_store_done(store, f, kid ? &set : NULL, r->now_ms);
}

static void fetch(struct rig *r, const char *kid)
{
    fetch_only(r, kid);
    rig_run(r);
}

static bool nothing_is_due(struct rig *r)
{
    struct key_fetch *f;
    return !key_store_next(store, r->now_ms + KEY_FETCH_INTERVAL_MS, &f);
}

static void a_connect_waits_for_its_key_set_and_all_behind_it_wait_too(void **state)
{
    struct rig *r = start();
    struct rig_client *c = rig_open(r, 0);
    rig_say(r, c,
            "{\"id\":1,\"connect\":{\"token\":\"%s\"}}\n{\"id\":2,\"subscribe\":{\"channel\":\"plain:a\"}}\n"
            "{\"id\":3,\"publish\":{\"channel\":\"plain:a\",\"data\":1}}",
            token_of("k", "{\"sub\":\"ann\"}"));
    rig_say(r, c, "{\"id\":4,\"unsubscribe\":{\"channel\":\"plain:a\"}}");
    rig_expect(r, c, "");
    fetch(r, "k");
    rig_expect(r, c,
               "{\"id\":1,\"connect\":{\"client\":\"C0\",\"version\":\"0.1.0 OSS\",\"ping\":25,\"pong\":true}}\n"
               "{\"id\":2,\"subscribe\":{}}\n"
               "{\"id\":3,\"publish\":{}}\n{\"id\":4,\"unsubscribe\":{}}");
    struct rig_client *next = rig_open(r, 0);
    rig_say(r, next, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token_of("k", "{\"sub\":\"bob\"}"));
    rig_expect_part(r, next, "\"connect\":{\"client\"");
    assert_true(nothing_is_due(r));
    end(r);
}

static void every_command_with_a_token_waits(void **state)
{
    static const struct {
        const char *command, *claims, *good; /* good: a part of the answer */
        uint32_t close;                      /* when there is no such key; 0 = the answer below */
        const char *bad;
    } rows[] = {
        { "{\"id\":2,\"subscribe\":{\"channel\":\"closed:a\",\"token\":\"%s\"}}",
          "{\"sub\":\"ann\",\"channel\":\"closed:a\"}", "{\"id\":2,\"subscribe\":{}}", 0,
          "{\"id\":2,\"error\":{\"code\":103,\"message\":\"permission denied\"}}" },
        { "{\"id\":2,\"subscribe\":{\"channel\":\"map_rec:a\",\"type\":1,\"phase\":2,\"token\":\"%s\"}}",
          "{\"sub\":\"ann\",\"channel\":\"map_rec:a\"}", "\"recoverable\":true,", 0,
          "{\"id\":2,\"error\":{\"code\":103,\"message\":\"permission denied\"}}" },
        { "{\"id\":2,\"refresh\":{\"token\":\"%s\"}}", "{\"sub\":\"ann\",\"exp\":1800000100}",
          "\"expires\":true,\"ttl\":99", 3500, NULL },
        { "{\"id\":2,\"sub_refresh\":{\"channel\":\"plain:a\",\"token\":\"%s\"}}",
          "{\"sub\":\"ann\",\"channel\":\"plain:a\",\"exp\":1800000100}",
          "{\"id\":2,\"sub_refresh\":{\"expires\":true,\"ttl\":99}}", 3500, NULL },
    };
    for (size_t i = 0; i < 2 * ARRAY_COUNT(rows); i++) {
        const bool is_good = i % 2 == 0;
        struct rig *r = start();
        struct rig_client *c = rig_open(r, 0);
        rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}\n{\"id\":9,\"subscribe\":{\"channel\":\"plain:a\"}}",
                token_of("k", "{\"sub\":\"ann\"}"));
        fetch(r, "k");
        rig_forget(r, c);
        rig_pass(r, KEY_FETCH_INTERVAL_MS);
        char command[2048];
        const char *token = token_of("new", rows[i / 2].claims);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(command, sizeof command, rows[i / 2].command, token);
#pragma GCC diagnostic pop
        rig_say(r, c, "%s", command);
        rig_expect(r, c, "");
        fetch(r, is_good ? "new" : "other");
        if (is_good)
            rig_expect_part(r, c, rows[i / 2].good);
        else if (rows[i / 2].close)
            rig_expect_closed(r, c, rows[i / 2].close);
        else
            rig_expect(r, c, rows[i / 2].bad);
        end(r);
    }
}

static void a_set_that_cannot_be_fetched_refuses_its_tokens(void **state)
{
    struct rig *r = start();
    struct rig_client *c = rig_open(r, 0);
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token_of("k", "{\"sub\":\"ann\"}"));
    fetch(r, NULL);
    rig_expect_closed(r, c, 3500);
    end(r);
}

static void who_goes_away_meanwhile_is_not_found(void **state)
{
    struct rig *r = start();
    struct rig_client *gone = rig_open(r, 0), *stale = rig_open(r, 0);
    rig_say(r, gone, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token_of("k", "{\"sub\":\"ann\"}"));
    rig_say(r, stale, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token_of("k", "{\"sub\":\"ann\"}"));
    rig_hang_up(r, gone);
    rig_pass(r, 10000);
    rig_expect_closed(r, stale, 3502);
    fetch(r, "k");
    end(r);
}

static void when_too_many_wait_the_next_is_to_try_again(void **state)
{
    struct rig *r = start();
    for (uint32_t i = 0; i < KEY_WAITS_MAX; i++)
        assert_int_equal(key_store_wait(store, SLICE(ENDPOINT), (struct handle){ .generation = 1 }, i, r->now_ms),
                         STATUS_OK);
    struct rig_client *c = rig_open(r, 0);
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token_of("k", "{\"sub\":\"ann\"}"));
    rig_expect(r, c, "{\"id\":1,\"error\":{\"code\":100,\"message\":\"internal server error\",\"temporary\":true}}");
    fetch(r, "k");
    end(r);
}

static void another_endpoint_meanwhile_is_asked_as_well(void **state)
{
    struct rig *r = start();
    struct rig_client *c = rig_open(r, 0);
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token_of("k", "{\"sub\":\"ann\"}"));
    endpoint = "http://h/other.json";
    engine_set_policy(&r->workers[0].engine, rig_policy(2, with_key_set, false, false), NULL);
    endpoint = ENDPOINT;
    rig_run(r);
    fetch(r, NULL);
    rig_expect(r, c, "");
    fetch(r, "k");
    rig_expect_part(r, c, "\"connect\":{\"client\"");
    end(r);
}

/* Before the set is there, or after. */
static bool fails_at(size_t n, bool after)
{
    struct rig *r = start();
    struct rig_client *c = rig_open(r, 0);
    const char *token = token_of("k", "{\"sub\":\"ann\"}");
    if (!after) mem_fail_after(n);
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token);
    bool failed = !after && !mem_fail_pending();
    mem_fail_after(0);
    if (!failed) {
        fetch_only(r, "k");
        if (after) mem_fail_after(n);
        rig_run(r);
        failed = after && !mem_fail_pending();
        mem_fail_after(0);
    }
    const char *got = rig_received(r, c);
    assert_true(c->ended || strstr(got, "\"connect\":{\"client\"") || (failed && strstr(got, "\"code\":100")));
    end(r);
    return failed;
}

static void memory_may_run_out_before_and_after_the_key_set_has_come(void **state)
{
    for (int after = 0; after < 2; after++) {
        size_t n = 1;
        while (fails_at(n, after)) n++;
        assert_true(n > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connect_waits_for_its_key_set_and_all_behind_it_wait_too),
        cmocka_unit_test(every_command_with_a_token_waits),
        cmocka_unit_test(a_set_that_cannot_be_fetched_refuses_its_tokens),
        cmocka_unit_test(who_goes_away_meanwhile_is_not_found),
        cmocka_unit_test(when_too_many_wait_the_next_is_to_try_again),
        cmocka_unit_test(another_endpoint_meanwhile_is_asked_as_well),
        cmocka_unit_test(memory_may_run_out_before_and_after_the_key_set_has_come),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
