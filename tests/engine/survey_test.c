/* Surveys: pages of what is on several workers, a worker after the other. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/mem.h"
#include "engine/survey.h"

#define ASKER 77

/* The answer; valid until the next call. */
static const char *survey(struct rig *r, uint32_t worker, const struct survey_request *request)
{
    static char text[1 << 16];
    bool failed;
    const struct handle handle = { .slot = RIG_CLIENTS, .generation = 1, .worker = worker };
    const uint32_t before = r->effects_done;
    struct survey *s = survey_start(&r->workers[worker].engine, request, handle, ASKER);
    assert_non_null(s);
    rig_run(r);
    assert_int_equal(r->effects_done, before + 1);
    const struct slice found = survey_result(s, &failed);
    assert_false(failed);
    (void)snprintf(text, sizeof text, "%.*s", SLICE_ARG(found));
    survey_release(s);
    return text;
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    while ((text = strstr(text, part)) != NULL) n++, text++;
    return n;
}

/* The value of "cursor"; false: null, which is the end. */
static bool next_place(const char *text, struct survey_place *out)
{
    const char *at = strstr(text, "\"cursor\":");
    assert_non_null(at);
    at += strlen("\"cursor\":");
    if (strncmp(at, "null", 4) == 0) return false;
    assert_true(survey_place_read(slice_of(at + 1, strcspn(at + 1, "\"")), out));
    return true;
}

static void say_hello(struct rig *r, struct rig_client *c, const char *claims, const char *sdk)
{
    rig_say(r, c, "{\"id\":1,\"connect\":{\"token\":\"%s\",%s}}", rig_token(claims), sdk);
    rig_forget(r, c);
}

static void pages_go_over_all_workers_and_show_each_connection_once(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    for (uint32_t i = 0; i < 7; i++) {
        char claims[64];
        (void)snprintf(claims, sizeof claims, "{\"sub\":\"u%u\"}", i);
        rig_connected(r, i % 2, claims);
    }
    for (uint32_t limit = 1; limit <= 8; limit++) {
        struct survey_request request = { .kind = SURVEY_CONNECTIONS, .limit = limit };
        unsigned seen[7] = { 0 }, pages = 0;
        bool more = true;
        while (more) {
            const char *text = survey(r, pages % 2, &request);
            assert_true(count(text, "\"client\":") <= limit);
            for (unsigned i = 0; i < 7; i++) {
                char user[16];
                (void)snprintf(user, sizeof user, "\"user\":\"u%u\"", i);
                seen[i] += count(text, user);
            }
            more = next_place(text, &request.from);
            assert_true(++pages < 20);
        }
        for (unsigned i = 0; i < 7; i++) assert_int_equal(seen[i], 1);
    }
    rig_free(r);
}

static void a_row_says_who_and_what_it_is(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *c = rig_open(r, 1);
    say_hello(r, c, "{\"sub\":\"a\\u003cnn\",\"info\":{\"n\":1},\"meta\":{\"secret\":1},\"exp\":1800000100}",
              "\"name\":\"js\",\"version\":\"5.1\"");
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"plain:a\"}}");
    struct survey_request request = { .kind = SURVEY_CONNECTIONS, .limit = 10 };
    const char *text = survey(r, 0, &request);
    assert_non_null(strstr(text, "\"user\":\"a\\u003cnn\""));
    assert_non_null(strstr(text, "\"sdk\":\"js 5.1\",\"sdk_name\":\"js\",\"sdk_version\":\"5.1\""));
    assert_non_null(strstr(text, "\"connected_at\":1800000000,\"subscriptions\":1}"));
    char id[CLIENT_ID_LEN + 1];
    client_id_text(&c->client, id);
    request = (struct survey_request){ .kind = SURVEY_CONNECTION, .client = slice_from_cstr(id) };
    text = survey(r, 0, &request);
    assert_non_null(strstr(text, "\"subscriptions\":[{\"channel\":\"plain:a\",\"server_side\":false"));
    assert_non_null(strstr(text, "\"claims\":{\"expires_at\":1800000100,\"info\":{\"n\":1},\"has_info\":true,"
                                 "\"has_meta\":true,\"client_key\":false}"));
    assert_null(strstr(text, "secret"));
    request.space = RIG_SHOP_SPACE; /* another project's people do not see it */
    assert_string_equal(survey(r, 0, &request), "");
    rig_free(r);
}

static void filters_keep_what_they_name(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *a = rig_open(r, 0), *b = rig_open(r, 1);
    say_hello(r, a, "{\"sub\":\"ann\"}", "\"name\":\"Dart\"");
    say_hello(r, b, "{\"sub\":\"bob\"}", "\"name\":\"js\"");
    rig_connected(r, 1, "{\"sub\":\"ann\",\"projectId\":\"" RIG_SHOP "\"}");
    rig_say(r, b, "{\"id\":2,\"subscribe\":{\"channel\":\"plain:b\"}}");
    const struct {
        struct survey_request request;
        unsigned found;
    } rows[] = {
        { { .limit = 9 }, 2 },
        { { .user = SLICE("ann"), .limit = 9 }, 1 },
        { { .user = SLICE("an"), .limit = 9 }, 0 },
        { { .user = SLICE("ann"), .space = RIG_SHOP_SPACE, .limit = 9 }, 1 },
        { { .sdk = SLICE("dart"), .limit = 9 }, 1 },
        { { .sdk = SLICE("dar"), .limit = 9 }, 1 },
        { { .sdk = SLICE("dartx"), .limit = 9 }, 0 },
        { { .channel = SLICE("plain:b"), .limit = 9 }, 1 },
        { { .channel = SLICE("plain:b"), .user = SLICE("ann"), .limit = 9 }, 0 },
        { { .address = SLICE("127.0.0.1"), .limit = 9 }, 0 },
        { { .from = { .worker = 1 }, .limit = 9 }, 1 },
        { { .from = { .worker = 9 }, .limit = 9 }, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(count(survey(r, 0, &rows[i].request), "\"client\":"), rows[i].found);
    rig_free(r);
}

static void with_many_channels(struct policy_deployment *d)
{
    d->limits.channel_limit = 100;
}

static void channels_come_in_pages_that_may_end_inside_a_slice_of_the_broker(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, with_many_channels);
    struct rig_client *c = rig_connected(r, 0, "{\"sub\":\"ann\"}");
    enum { CHANNELS = 40 };
    for (int i = 0; i < CHANNELS; i++) rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"plain:c%d\"}}", i);
    for (uint32_t limit = 1; limit < 50; limit += 7) {
        struct survey_request request = { .kind = SURVEY_CHANNELS, .limit = limit };
        unsigned seen[CHANNELS] = { 0 }, pages = 0;
        bool more = true;
        while (more) {
            const char *text = survey(r, 1, &request);
            assert_true(count(text, "\"name\":") <= limit);
            for (int i = 0; i < CHANNELS; i++) {
                char name[128];
                (void)snprintf(name, sizeof name,
                               "{\"name\":\"plain:c%d\",\"subscribers\":1,\"namespace\":\"plain\",\"map\":false}", i);
                seen[i] += count(text, name);
            }
            more = next_place(text, &request.from);
            assert_true(++pages < 100);
        }
        for (int i = 0; i < CHANNELS; i++) assert_int_equal(seen[i], 1);
    }
    struct survey_request request = { .kind = SURVEY_CHANNELS, .prefix = SLICE("plain:c1"), .limit = 50 };
    assert_int_equal(count(survey(r, 0, &request), "\"name\":"), 11);
    request.space = RIG_SHOP_SPACE;
    assert_int_equal(count(survey(r, 0, &request), "\"name\":"), 0);
    rig_free(r);
}

static void numbers_are_of_one_space_and_go_back_to_nothing(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    struct rig_client *all[3];
    for (uint32_t i = 0; i < 3; i++) all[i] = rig_connected(r, i % 2, i ? "{\"sub\":\"ann\"}" : "{\"sub\":\"bob\"}");
    rig_connected(r, 0, "{\"sub\":\"cid\",\"projectId\":\"" RIG_SHOP "\"}");
    for (uint32_t i = 0; i < 3; i++) rig_say(r, all[i], "{\"id\":2,\"subscribe\":{\"channel\":\"plain:a\"}}");
    rig_publish(r, 0, "plain:a", "{}");
    rig_run(r);
    struct survey_request request = { .kind = SURVEY_OVERVIEW };
    const char *text = survey(r, 0, &request);
    assert_non_null(strstr(text, "\"connections\":3,\"users\":2,\"channels\":1,\"subscriptions\":3,"));
    assert_non_null(strstr(text, "\"deliveries\":3,"));
    for (uint32_t i = 3; i-- > 0;) rig_hang_up(r, all[i]);
    rig_run(r);
    assert_non_null(
        strstr(survey(r, 1, &request), "\"connections\":0,\"users\":0,\"channels\":0,\"subscriptions\":0,"));
    request.space = RIG_SHOP_SPACE;
    assert_non_null(strstr(survey(r, 1, &request), "\"connections\":1,\"users\":1,"));
    rig_free(r);
}

static void who_does_not_wait_any_more_gets_nothing(void **state)
{
    (void)state;
    struct rig *r = rig_new(2, NULL);
    rig_connected(r, 1, "{\"sub\":\"ann\"}");
    const struct survey_request request = { .kind = SURVEY_CONNECTIONS, .limit = 5 };
    const struct handle handle = { .slot = RIG_CLIENTS, .generation = 1 };
    struct survey *s = survey_start(&r->workers[0].engine, &request, handle, ASKER);
    survey_release(s);
    rig_run(r);
    assert_int_equal(r->effects_done, 0);
    rig_free(r);
}

static void only_what_a_page_gave_is_a_place(void **state)
{
    (void)state;
    const struct {
        struct slice text;
        bool good;
    } rows[] = {
        { SLICE("0.0.0"), true },   { SLICE("64.18446744073709551615.7"), true },
        { SLICE(""), false },       { SLICE("1"), false },
        { SLICE("1.2"), false },    { SLICE("1.2.3.4"), false },
        { SLICE("65.0.0"), false }, { SLICE("-1.0.0"), false },
        { SLICE("a.b.c"), false },  { SLICE("1.2.4294967296"), false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct survey_place place;
        assert_int_equal(survey_place_read(rows[i].text, &place), rows[i].good);
    }
}

static void names_of_sdks_are_kept_once_and_no_more_than_so_many(void **state)
{
    (void)state;
    struct sdk_names names;
    sdk_names_init(&names);
    assert_int_equal(sdk_names_take(&names, SLICE(""), SLICE("")), SDK_NONE);
    const uint8_t js = sdk_names_take(&names, SLICE("js"), SLICE("5"));
    assert_int_equal(sdk_names_take(&names, SLICE("js"), SLICE("5")), js);
    assert_int_not_equal(sdk_names_take(&names, SLICE("js"), SLICE("6")), js);
    uint8_t last = 0;
    for (int i = 0; i < 300; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "n%d", i);
        last = sdk_names_take(&names, slice_from_cstr(name), SLICE(""));
    }
    assert_int_equal(last, SDK_OTHER);
    assert_true(slice_eq(sdk_names_name(&names, last), SLICE("other")));
    sdk_names_drop(&names, js);
    assert_true(slice_eq(sdk_names_name(&names, js), SLICE("js")));
    sdk_names_drop(&names, js); /* the last of them: its place is free */
    static char text[100];
    memset(text, 'x', sizeof text);
    const uint8_t cut = sdk_names_take(&names, slice_of(text, sizeof text), SLICE(""));
    assert_int_equal(cut, js);
    assert_int_equal(sdk_names_name(&names, cut).len, SDK_TEXT_MAX);
    sdk_names_deinit(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_go_over_all_workers_and_show_each_connection_once),
        cmocka_unit_test(a_row_says_who_and_what_it_is),
        cmocka_unit_test(filters_keep_what_they_name),
        cmocka_unit_test(channels_come_in_pages_that_may_end_inside_a_slice_of_the_broker),
        cmocka_unit_test(numbers_are_of_one_space_and_go_back_to_nothing),
        cmocka_unit_test(who_does_not_wait_any_more_gets_nothing),
        cmocka_unit_test(only_what_a_page_gave_is_a_place),
        cmocka_unit_test(names_of_sdks_are_kept_once_and_no_more_than_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
