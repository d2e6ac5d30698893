/* The store of key sets on a clock that a test moves: who waits, when a set is fetched, and how long a key counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "auth/support/key_sets.h"
#include "base/check.h"
#include "base/mem.h"
#include "keys/key_store.h"

#define URL SLICE("http://h/keys.json")

static struct mailbox box;
static struct post_office office;
static struct key_store *store;
static uint64_t now_ms;
static uint32_t answers[64]; /* operations that got their mail */
static size_t answer_count, woken;

static void deliver(struct mail *mail, void *owner)
{
    struct key_wait *wait = container_of(mail, struct key_wait, mail);
    if (answer_count < ARRAY_COUNT(answers)) answers[answer_count] = wait->operation;
    answer_count++;
    mem_free(wait);
}

static void wake(void *context)
{
    woken++;
}

static int set_up(void **state)
{
    assert_true(mailbox_init(&box, NULL, MAILBOX_LIMITS_DEFAULT));
    office = (struct post_office){ .boxes = { &box }, .count = 1 };
    store = key_store_new(&office, deliver);
    key_store_set_waker(store, wake, NULL);
    now_ms = 1000000;
    answer_count = woken = 0;
    return 0;
}

static int tear_down(void **state)
{
    while (mailbox_drain(&box, 1000)) {
    }
    key_store_free(store);
    mailbox_deinit(&box);
    return 0;
}

static enum status wait_for(struct slice url, uint32_t operation)
{
    return key_store_wait(store, url, (struct handle){ .slot = 1, .generation = 1 }, operation, now_ms);
}

static enum auth_key_answer find(const char *kid, bool asked)
{
    struct auth_jwk *key = NULL;
    enum auth_key_answer answer = key_store_find(store, URL, slice_from_cstr(kid), now_ms, asked, &key);
    assert_true((answer == AUTH_KEY_FOUND) == (key != NULL));
    auth_jwk_unref(key);
    return answer;
}

/* The fetch that is due, answered with a set of these kids (NULL = it failed), and the mail. */
static void fetch(const char *kid, const char *other)
{
    char text[512];
    const char *why;
    struct auth_jwks set;
    struct key_fetch *f = NULL;
    assert_true(key_store_next(store, now_ms, &f));
    assert_true(slice_eq(key_fetch_url(f), URL));
    snprintf(text, sizeof text,
             "{\"keys\":[{\"kid\":\"%s\",\"use\":\"sig\"," RFC_ED25519_NUMBERS
             "},{\"kid\":\"%s\",\"use\":\"sig\"," RFC_P256_NUMBERS "}]}",
             kid ? kid : "", other ? other : "");
    assert_int_equal(auth_jwks_parse(slice_from_cstr(text), &set, &why), STATUS_OK);
    if (!kid) auth_jwks_deinit(&set);
    key_store_done(store, f, kid ? &set : NULL, now_ms);
    (void)mailbox_drain(&box, 10000);
}

static void one_fetch_serves_all_who_wait_for_it(void **state)
{
    struct key_fetch *f = NULL;
    assert_int_equal(find("a", false), AUTH_KEY_WAIT);
    assert_int_equal(key_store_due(store), UINT64_MAX);
    assert_int_equal(wait_for(URL, 1), STATUS_OK);
    assert_int_equal(woken, 1);
    assert_int_equal(key_store_due(store), now_ms);
    assert_int_equal(wait_for(URL, 2), STATUS_OK);
    assert_true(key_store_next(store, now_ms, &f));
    struct key_fetch *second = NULL;
    assert_int_equal(wait_for(URL, 3), STATUS_OK);
    assert_false(key_store_next(store, now_ms, &second));
    key_store_done(store, f, NULL, now_ms);
    (void)mailbox_drain(&box, 100);
    assert_int_equal(answer_count, 3);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(answers[i], i + 1);
    assert_int_equal(key_store_due(store), UINT64_MAX);
}

static void who_has_asked_is_told_what_there_is(void **state)
{
    assert_int_equal(wait_for(URL, 1), STATUS_OK);
    fetch("a", NULL);
    assert_int_equal(find("a", false), AUTH_KEY_FOUND);
    assert_int_equal(find("a", true), AUTH_KEY_FOUND);
    assert_int_equal(find("b", false), AUTH_KEY_WAIT);
    assert_int_equal(find("b", true), AUTH_KEY_NONE);
    struct auth_jwk *key = NULL;
    assert_int_equal(key_store_find(store, SLICE("http://h/other"), SLICE("a"), now_ms, true, &key), AUTH_KEY_WAIT);
}

static void the_next_fetch_keeps_its_distance(void **state)
{
    struct key_fetch *f = NULL;
    assert_int_equal(wait_for(URL, 1), STATUS_OK);
    fetch("a", NULL);
    assert_int_equal(wait_for(URL, 2), STATUS_OK);
    assert_int_equal(key_store_due(store), now_ms + KEY_FETCH_INTERVAL_MS);
    assert_false(key_store_next(store, now_ms, &f));
    now_ms += KEY_FETCH_INTERVAL_MS - 1;
    assert_false(key_store_next(store, now_ms, &f));
    now_ms += 1;
    fetch("b", NULL);
    assert_int_equal(find("a", false), AUTH_KEY_FOUND); /* of the set before */
    assert_int_equal(find("b", false), AUTH_KEY_FOUND);
    now_ms += 10 * KEY_FETCH_INTERVAL_MS;
    assert_int_equal(wait_for(URL, 3), STATUS_OK);
    assert_int_equal(key_store_due(store), now_ms);
}

static void a_key_counts_for_an_hour_after_the_last_set_that_had_it(void **state)
{
    assert_int_equal(wait_for(URL, 1), STATUS_OK);
    fetch("a", "b");
    now_ms += KEY_TTL_MS / 2;
    assert_int_equal(wait_for(URL, 2), STATUS_OK);
    fetch("a", "c");
    now_ms += KEY_TTL_MS / 2 - 1;
    assert_int_equal(find("b", false), AUTH_KEY_FOUND);
    now_ms += 1;
    assert_int_equal(find("b", false), AUTH_KEY_WAIT);
    assert_int_equal(find("a", false), AUTH_KEY_FOUND);
    assert_int_equal(wait_for(URL, 3), STATUS_OK);
    fetch("a", "c");
    assert_int_equal(find("b", true), AUTH_KEY_NONE); /* withdrawn, and its hour is over */
}

static void while_the_server_does_not_answer_a_key_counts_for_one_more_hour(void **state)
{
    assert_int_equal(wait_for(URL, 1), STATUS_OK);
    fetch("a", NULL);
    now_ms += KEY_TTL_MS;
    assert_int_equal(find("a", false), AUTH_KEY_WAIT); /* asks first */
    assert_int_equal(find("a", true), AUTH_KEY_NONE);
    assert_int_equal(wait_for(URL, 2), STATUS_OK);
    fetch(NULL, NULL);
    assert_int_equal(find("a", false), AUTH_KEY_WAIT);
    assert_int_equal(find("a", true), AUTH_KEY_FOUND);
    assert_int_equal(find("b", true), AUTH_KEY_NONE);
    now_ms += KEY_STALE_MS;
    assert_int_equal(find("a", true), AUTH_KEY_NONE);
}

static void waits_addresses_and_keys_are_bounded(void **state)
{
    char text[64];
    for (uint32_t i = 0; i < KEY_WAITS_MAX; i++) assert_int_equal(wait_for(URL, i), STATUS_OK);
    assert_int_equal(wait_for(URL, 0), STATUS_OVERLOADED);
    fetch("a", NULL);
    assert_int_equal(answer_count, KEY_WAITS_MAX);
    for (uint32_t i = 0; i < KEY_ENDPOINTS_MAX; i++) {
        snprintf(text, sizeof text, "http://h/%u", i);
        assert_int_equal(wait_for(slice_from_cstr(text), i), STATUS_OK); /* the last one takes URL's place */
    }
    assert_int_equal(wait_for(SLICE("http://h/more"), 0), STATUS_OVERLOADED);
    assert_int_equal(find("a", true), AUTH_KEY_WAIT);
}

static void rotated_keys_do_not_pile_up(void **state)
{
    char kid[16];
    for (unsigned i = 0; i < KEY_ENTRIES_MAX + 40; i++) {
        now_ms += KEY_FETCH_INTERVAL_MS;
        assert_int_equal(wait_for(URL, i), STATUS_OK);
        snprintf(kid, sizeof kid, "k%u", i);
        fetch(kid, NULL);
    }
    assert_int_equal(find("k39", false), AUTH_KEY_WAIT);
    assert_int_equal(find("k40", false), AUTH_KEY_FOUND);
}

static void memory_may_run_out(void **state)
{
    for (size_t n = 1; n <= 2; n++) {
        mem_fail_after(n);
        assert_int_equal(wait_for(URL, 1), STATUS_NO_MEMORY);
        mem_fail_after(0);
    }
    assert_int_equal(wait_for(URL, 1), STATUS_OK);
    struct key_fetch *f = NULL;
    struct auth_jwks set;
    const char *why;
    assert_true(key_store_next(store, now_ms, &f));
    assert_int_equal(
        auth_jwks_parse(SLICE("{\"keys\":[{\"kid\":\"a\",\"use\":\"sig\"," RFC_ED25519_NUMBERS "}]}"), &set, &why),
        STATUS_OK);
    mem_fail_after(1);
    key_store_done(store, f, &set, now_ms);
    mem_fail_after(0);
    (void)mailbox_drain(&box, 100);
    assert_int_equal(answer_count, 1);
    assert_int_equal(find("a", true), AUTH_KEY_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_fetch_serves_all_who_wait_for_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_asked_is_told_what_there_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_fetch_keeps_its_distance, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_counts_for_an_hour_after_the_last_set_that_had_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(while_the_server_does_not_answer_a_key_counts_for_one_more_hour, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(waits_addresses_and_keys_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rotated_keys_do_not_pile_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_may_run_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
