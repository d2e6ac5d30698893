#include "support/api_harness.h"

#include <stdio.h>

#include "base/mem.h"

/* What is refused at the head, before a byte of the body is kept. That api_start()
 * refuses it in the same bytes is checked by the harness with every request of every
 * test. */

#define KEY_AND_TYPE SERVER_KEY "Content-Type: application/json\n"

static const struct row {
    enum api_family family;
    const char *name, *method, *headers;
    uint64_t content_length;
    int status; /* 0: goes on */
} rows[] = {
    { API_ENGINE, "publish", "POST", ENGINE_KEY, 100, 0 },
    { API_ENGINE, "publish", "POST", ENGINE_KEY, 0, 0 },
    { API_ENGINE, "publish", "POST", ENGINE_KEY, (16 << 20), 0 },
    { API_ENGINE, "publish", "POST", ENGINE_KEY, (16 << 20) + 1, 413 },
    { API_ENGINE, "publish", "POST", ENGINE_KEY, UINT64_MAX, 413 },
    { API_ENGINE, "publish", "POST", "", (16 << 20) + 1, 401 },
    { API_ENGINE, "publish", "POST", "X-API-Key: wrong\n", 100, 401 },
    { API_ENGINE, "publish", "GET", "", 0, 405 },
    { API_ENGINE, "nothing", "POST", ENGINE_KEY, 100, 404 },
    { API_ENGINE, "nothing", "OPTIONS", "", 0, 404 },
    { API_ENGINE, "publish", "OPTIONS", "", 0, 204 },
    { API_ENGINE, "publish", "POST", ENGINE_KEY "X-Xshathra-Project: proj_shop\n", 100, 0 },
    { API_ENGINE, "publish", "POST", ENGINE_KEY "X-Xshathra-Project: nobody\n", 100, 404 },
    { API_PROJECT, "token", "POST", KEY_AND_TYPE, 65536, 0 },
    { API_PROJECT, "token", "POST", KEY_AND_TYPE, 65537, 413 },
    { API_PROJECT, "subscription-token", "POST", SERVER_KEY, 65537, 413 },
    { API_PROJECT, "publish", "POST", SERVER_KEY, 65537, 0 },
    { API_PROJECT, "publish", "POST", SERVER_KEY, (4 << 20), 0 },
    { API_PROJECT, "publish", "POST", SERVER_KEY, (4 << 20) + 1, 413 },
    { API_PROJECT, "publish", "POST", SERVER_KEY, UINT64_MAX, 413 },
    { API_PROJECT, "publish", "POST", "", UINT64_MAX, 401 },
    { API_PROJECT, "publish", "POST", "Authorization: apikey sk_nobody\n", 10, 401 },
    { API_PROJECT, "publish", "POST", "Authorization: apikey sk_revoked\n", 10, 403 },
    { API_PROJECT, "publish", "POST", SERVER_KEY "Content-Type: text/plain\n", 10, 415 },
    { API_PROJECT, "token", "PUT", SERVER_KEY, 10, 405 },
    { API_PROJECT, "token", "OPTIONS", "", 0, 204 },
    { API_PROJECT, "token", "OPTIONS", "Authorization: apikey sk_revoked\n", 10, 204 },
    { API_PROJECT, "tokens", "OPTIONS", "", 0, 404 },
    { API_PROJECT, "tokens", "POST", SERVER_KEY, 10, 404 },
};

static void the_head_alone_decides(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        bool refused = harness_refuse(h, r->family, r->name, r->method, r->headers, r->content_length);
        if (refused != (r->status != 0) || (refused && h->call.status != r->status))
            fail_msg("row %zu: %d %d %s", i, refused, h->call.status, harness_body(h));
    }
    harness_free(h);
}

static void options_tells_the_methods_without_a_key(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (int family = API_ENGINE; family <= API_PROJECT; family++) {
        harness_ask_with(h, (enum api_family)family, "publish", "OPTIONS", NULL, "", SLICE(""));
        harness_expect(h, 204, "");
        assert_true(slice_eq(harness_header(h, "Allow"), SLICE("POST, OPTIONS")));
        assert_int_equal(h->call.header_count, 1);
        assert_int_equal(h->call.content_type.len, 0);
        /* nothing of it is left for the next answer */
        harness_ask(h, API_ENGINE, "info", ENGINE_KEY, "{}");
        assert_int_equal(h->call.status, 200);
        assert_int_equal(h->call.header_count, 0);
    }
    harness_free(h);
}

static void an_announced_length_is_named_in_full(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    assert_true(harness_refuse(h, API_PROJECT, "token", "POST", SERVER_KEY, UINT64_MAX));
    harness_expect(h, 413,
                   "{\"error\":{\"code\":\"body_too_large\",\"message\":\"The body has 18446744073709551615 bytes; "
                   "at most 65536 are allowed.\"}}");
    harness_free(h);
}

/* Chunks: the length shows only at the end. */
static void a_body_whose_length_was_not_announced_is_measured_at_the_end(void **state)
{
    static const struct {
        enum api_family family;
        const char *name, *key;
        size_t len_max;
    } bodies[] = { { API_ENGINE, "publish", ENGINE_KEY, 16 << 20 }, { API_PROJECT, "token", SERVER_KEY, 65536 } };
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    char *body = test_malloc((16 << 20) + 2);
    (void)state;
    for (size_t i = 0; i < 2 * sizeof bodies / sizeof *bodies; i++) {
        const size_t over = i % 2, len = bodies[i / 2].len_max + over;
        memset(body, ' ', len);
        body[len] = '\0';
        assert_false(harness_refuse(h, bodies[i / 2].family, bodies[i / 2].name, "POST", bodies[i / 2].key, 0));
        harness_start(h, bodies[i / 2].family, bodies[i / 2].name, bodies[i / 2].key, body);
        assert_int_equal(h->call.status, over ? 413 : 400);
    }
    test_free(body);
    harness_free(h);
}

/* A start without any key in its head shows which checks are made again. */
static void a_head_that_was_let_pass_is_not_checked_again(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    assert_false(harness_refuse(h, API_PROJECT, "publish", "POST", SHOP_KEY, 10));
    harness_start(h, API_PROJECT, "publish", "", "{\"channel\":\"public:a\",\"data\":1}");
    harness_expect_part(h, 200, "\"offset\":1");
    assert_false(harness_refuse(h, API_ENGINE, "history", "POST", ENGINE_KEY "X-Xshathra-Project: proj_shop\n", 10));
    harness_start(h, API_ENGINE, "history", "", "{\"channel\":\"public:a\",\"limit\":-1}");
    harness_expect_part(h, 200, "\"offset\":1}");
    assert_false(
        harness_refuse(h, API_ENGINE, "presence", "POST", ENGINE_KEY "X-Centrifugo-Error-Mode: transport\n", 10));
    harness_start(h, API_ENGINE, "presence", "", "{}");
    harness_expect(h, 400, "{\"code\":107,\"message\":\"bad request\"}");
    harness_free(h);
}

static void a_head_that_was_let_pass_counts_for_one_request_only(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    for (int family = API_ENGINE; family <= API_PROJECT; family++) {
        const enum api_family f = (enum api_family)family, other = f == API_ENGINE ? API_PROJECT : API_ENGINE;
        const char *key = f == API_ENGINE ? ENGINE_KEY : SERVER_KEY, *name = f == API_ENGINE ? "info" : "token";
        const char *body = "{\"channel\":\"a\",\"data\":1}";
        assert_false(harness_refuse(h, f, "publish", "POST", key, 10));
        harness_start(h, f, "publish", "", body);
        assert_int_equal(h->call.status, 200);
        harness_start(h, f, "publish", "", body);
        assert_int_equal(h->call.status, 401);

        assert_false(harness_refuse(h, f, "publish", "POST", key, 10));
        harness_start(h, f, name, "", body);
        assert_int_equal(h->call.status, 401);

        assert_false(harness_refuse(h, f, "publish", "POST", key, 10));
        harness_start(h, other, "publish", "", body);
        assert_int_equal(h->call.status, 401);

        assert_false(harness_refuse(h, f, "publish", "POST", key, 10));
        h->generation++;
        harness_start(h, f, "publish", "", body);
        assert_int_equal(h->call.status, 401);

        assert_false(harness_refuse(h, f, "publish", "POST", key, 10));
        api_call_reset(&h->call);
        harness_start(h, f, "publish", "", body);
        assert_int_equal(h->call.status, 401);

        assert_false(harness_refuse(h, f, "publish", "POST", key, 10));
        assert_true(harness_refuse(h, f, "publish", "POST", "", 10));
        harness_start(h, f, "publish", "", body);
        assert_int_equal(h->call.status, 401);
    }
    harness_free(h);
}

/* The next version, in which the Default project's key is revoked. */
static void revoke(struct harness *h)
{
    const struct policy *old = h->workers[0].engine.policy;
    struct policy_project *projects = mem_must_alloc_zero(old->project_count * sizeof *projects);
    struct policy_key *keys = mem_must_alloc_zero(old->key_count * sizeof *keys);
    memcpy(projects, old->projects, old->project_count * sizeof *projects);
    memcpy(keys, old->keys, old->key_count * sizeof *keys);
    for (size_t i = 0; i < old->key_count; i++)
        if (strcmp(keys[i].id, "k_default") == 0) keys[i].revoked = true;
    engine_set_policy(&h->workers[0].engine,
                      policy_new(old->version + 1, policy_deployment_ref(old->deployment), projects, old->project_count,
                                 keys, old->key_count),
                      NULL);
}

static void a_key_revoked_while_the_body_comes_opens_nothing(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    assert_false(harness_refuse(h, API_PROJECT, "publish", "POST", SERVER_KEY, 10));
    revoke(h);
    harness_start(h, API_PROJECT, "publish", SERVER_KEY, "{\"channel\":\"a\",\"data\":1}");
    harness_expect_part(h, 403, "\"revoked_key\"");
    assert_false(harness_refuse(h, API_PROJECT, "publish", "POST", SHOP_KEY, 10));
    harness_start(h, API_PROJECT, "publish", SHOP_KEY, "{\"channel\":\"a\",\"data\":1}");
    assert_int_equal(h->call.status, 200);
    harness_free(h);
}

static void a_start_that_nobody_asked_before_checks_everything_itself(void **state)
{
    struct harness *h = harness_new(HARNESS_MEMORY, NULL);
    (void)state;
    h->without_refuse = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        if (r->content_length > 100) continue;
        harness_ask_with(h, r->family, r->name, r->method, NULL, r->headers, SLICE("{"));
        assert_int_equal(h->call.status, r->status ? r->status : 400);
    }
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_alone_decides),
        cmocka_unit_test(options_tells_the_methods_without_a_key),
        cmocka_unit_test(an_announced_length_is_named_in_full),
        cmocka_unit_test(a_body_whose_length_was_not_announced_is_measured_at_the_end),
        cmocka_unit_test(a_head_that_was_let_pass_is_not_checked_again),
        cmocka_unit_test(a_head_that_was_let_pass_counts_for_one_request_only),
        cmocka_unit_test(a_key_revoked_while_the_body_comes_opens_nothing),
        cmocka_unit_test(a_start_that_nobody_asked_before_checks_everything_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
