/* What a project's people hear: only while they listen, of their project, and no more than so many. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/mem.h"
#include "engine/console_space.h"

static const uint8_t secret[CONSOLE_SECRET_LEN] = "a secret of this process's life";

/* A rig whose console has a secret, and a page that listens to the project. */
static struct rig *rig_with_console(rig_policy_fn *change)
{
    struct rig *r = rig_new(2, change);
    const struct auth_options options = { .hmac_key = slice_of(secret, sizeof secret) };
    for (uint32_t i = 0; i < 2; i++) r->workers[i].engine.console_verifier = auth_verifier_new(&options);
    return r;
}

static const char *page_token(const char *project, int64_t age_s)
{
    static char text[2048];
    struct buf token;
    buf_init(&token, sizeof text);
    assert_int_equal(console_token_sign(secret, SLICE("acc_ann"), slice_from_cstr(project), RIG_NOW_S - age_s, &token),
                     STATUS_OK);
    (void)snprintf(text, sizeof text, "%.*s", SLICE_ARG(buf_slice(&token)));
    buf_deinit(&token);
    return text;
}

static struct rig_client *page(struct rig *r, uint32_t worker, const char *project)
{
    struct rig_client *c = rig_open(r, worker);
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", page_token(project, 0));
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"" EVENTS_PREFIX "%s\"}}", project);
    rig_expect_part(r, c, "{\"id\":2,\"subscribe\":{}}");
    return c;
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    while ((text = strstr(text, part)) != NULL) n++, text++;
    return n;
}

static void who_listens_hears_its_project_and_no_other(void **state)
{
    (void)state;
    struct rig *r = rig_with_console(NULL);
    struct rig_client *own = page(r, 1, "proj_default"), *other = page(r, 0, RIG_SHOP);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"bob\"}");
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"plain:a\"}}");
    rig_say(r, c, "{\"id\":3,\"publish\":{\"channel\":\"plain:a\",\"data\":{\"n\":1}}}");
    rig_hang_up(r, c);
    const char *text = rig_received(r, own);
    assert_int_equal(count(text, "\"type\":\"connect\""), 1);
    assert_int_equal(count(text, "\"type\":\"subscribe\""), 1);
    assert_int_equal(count(text, "\"type\":\"publish\""), 1);
    assert_int_equal(count(text, "\"bytes\":7,\"data\":{\"n\":1}"), 1);
    assert_int_equal(count(text, "\"type\":\"disconnect\""), 1);
    assert_int_equal(count(text, "\"user\":\"bob\""), 4);
    assert_string_equal(rig_received(r, other), "");
    rig_free(r);
}

static void nothing_is_told_when_the_last_page_has_gone(void **state)
{
    (void)state;
    struct rig *r = rig_with_console(NULL);
    struct rig_client *first = page(r, 0, "proj_default"), *second = page(r, 1, "proj_default");
    assert_int_equal(atomic_load(&r->shared.events.listeners), 2);
    rig_hang_up(r, first);
    assert_int_equal(atomic_load(&r->shared.events.listeners), 1);
    rig_forget(r, second);
    rig_connected(r, 0, "{\"sub\":\"bob\"}");
    rig_expect_part(r, second, "\"type\":\"connect\"");
    rig_say(r, second, "{\"id\":3,\"unsubscribe\":{\"channel\":\"events:proj_default\"}}");
    assert_int_equal(atomic_load(&r->shared.events.listeners), 0);
    struct event ev;
    assert_false(event_begin(&ev, &r->workers[0].engine, 0, "x"));
    rig_free(r);
}

static void more_than_the_rate_is_dropped_and_counted(void **state)
{
    (void)state;
    struct rig *r = rig_with_console(NULL);
    struct rig_client *c = page(r, 0, "proj_default");
    struct event ev;
    unsigned sent = 0;
    for (unsigned i = 0; i < EVENTS_PER_SECOND + 50; i++) {
        if (!event_begin(&ev, &r->workers[0].engine, 0, "x")) continue;
        event_send(&ev);
        sent++;
    }
    assert_true(sent <= EVENTS_PER_SECOND && sent > EVENTS_PER_SECOND - 5);
    rig_run(r);
    rig_forget(r, c);
    rig_pass(r, 1000);
    assert_true(event_begin(&ev, &r->workers[1].engine, 0, "y"));
    event_send(&ev);
    rig_run(r);
    char part[64];
    (void)snprintf(part, sizeof part, "\"dropped\":%u", EVENTS_PER_SECOND + 50 - sent);
    rig_expect_part(r, c, part);
    rig_free(r);
}

static void everything_is_allowed(struct policy_deployment *d)
{
    d->insecure = true;
    d->personal_channel_enabled = true;
}

static void a_page_gets_in_with_the_consoles_token_only_and_does_nothing_but_listen(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "{\"id\":3,\"publish\":{\"channel\":\"events:proj_default\",\"data\":{}}}",
        "{\"id\":3,\"history\":{\"channel\":\"events:proj_default\"}}",
        "{\"id\":3,\"presence\":{\"channel\":\"events:proj_default\"}}",
        "{\"id\":3,\"presence_stats\":{\"channel\":\"events:proj_default\"}}",
        "{\"id\":3,\"sub_refresh\":{\"channel\":\"events:proj_default\",\"token\":\"x\"}}",
        "{\"id\":3,\"rpc\":{\"method\":\"ping\"}}",
    };
    struct rig *r = rig_with_console(everything_is_allowed);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        struct rig_client *c = page(r, i % 2, "proj_default");
        rig_say(r, c, "%s", commands[i]);
        rig_expect_closed(r, c, 3507);
    }
    static const char *const channels[] = { "events:" RIG_SHOP, "overview:" RIG_SHOP, "events:",
                                            "plain:a",          "#acc_ann",           "events:proj_default2" };
    struct rig_client *c = page(r, 0, "proj_default");
    for (size_t i = 0; i < ARRAY_COUNT(channels); i++) {
        rig_say(r, c, "{\"id\":4,\"subscribe\":{\"channel\":\"%s\"}}", channels[i]);
        rig_expect(r, c, "{\"id\":4,\"error\":{\"code\":103,\"message\":\"permission denied\"}}");
    }
    /* a token of the deployment's own is not one, also when it says so */
    struct rig_client *d = rig_open(r, 0);
    rig_say(r, d, "{\"id\":1,\"connect\":{\"token\":\"" CONSOLE_TOKEN_PREFIX "%s\"}}",
            rig_token("{\"sub\":\"ann\",\"info\":\"proj_default\",\"exp\":1800000030}"));
    rig_expect_closed(r, d, 3500);
    d = rig_open(r, 0);
    d->client.console_only = true;
    rig_say(r, d, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", rig_token("{\"sub\":\"ann\"}"));
    rig_expect_closed(r, d, 3500);
    rig_free(r);
}

static void a_page_stays_as_long_as_it_gets_tokens_of_the_same_project(void **state)
{
    (void)state;
    struct rig *r = rig_with_console(NULL);
    struct rig_client *c = page(r, 0, "proj_default");
    rig_say(r, c, "{\"id\":5,\"refresh\":{\"token\":\"%s\"}}", page_token("proj_default", 0));
    rig_expect_part(r, c, "\"refresh\":{\"expires\":true,\"ttl\":60}");
    rig_say(r, c, "{\"id\":6,\"refresh\":{\"token\":\"%s\"}}", page_token(RIG_SHOP, 0));
    rig_expect_closed(r, c, 3500);
    struct rig_client *old = rig_open(r, 0);
    rig_say(r, old, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", page_token("proj_default", 61));
    rig_expect_part(r, old, "\"code\":109");
    c = page(r, 0, "proj_default");
    assert_in_range(c->client.stale_or_expire_ms - r->now_ms, 60000, 60000 + 25000 + 1); /* it ends by itself */
    rig_free(r);
}

static void refusals_tell_the_check_the_value_and_what_was_expected(void **state)
{
    (void)state;
    struct rig *r = rig_with_console(NULL);
    struct rig_client *own = page(r, 1, "proj_default"), *shop = page(r, 1, RIG_SHOP);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"bob\"}");
    rig_forget(r, own);
    const struct {
        const char *channel, *part;
    } rows[] = {
        { "none:a", "\"code\":102,\"message\":\"unknown channel\",\"reason\":\"namespace\",\"check\":\"namespace\","
                    "\"value\":\"none:a\",\"expected\":\"a configured namespace before \\\":\\\"\"" },
        { "$plain:a", "\"check\":\"private channel\",\"value\":\"$plain:a\"" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\"}}", rows[i].channel);
        assert_null(strstr(rig_received(r, c), "expected")); /* the stranger learns nothing of it */
        rig_expect_part(r, own, rows[i].part);
    }
    struct rig_client *late = rig_open(r, 0);
    rig_say(r, late, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}",
            rig_token("{\"sub\":\"cid\",\"exp\":5,\"projectId\":\"" RIG_SHOP "\"}"));
    assert_null(strstr(rig_received(r, late), "expected"));
    rig_expect_part(r, shop, "\"claimed_user\":\"cid\"");
    assert_string_equal(rig_received(r, own), "");
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_listens_hears_its_project_and_no_other),
        cmocka_unit_test(nothing_is_told_when_the_last_page_has_gone),
        cmocka_unit_test(more_than_the_rate_is_dropped_and_counted),
        cmocka_unit_test(a_page_gets_in_with_the_consoles_token_only_and_does_nothing_but_listen),
        cmocka_unit_test(a_page_stays_as_long_as_it_gets_tokens_of_the_same_project),
        cmocka_unit_test(refusals_tell_the_check_the_value_and_what_was_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
