/* Maps whose broker has not answered yet: the client, the catch-up or the subscription goes meanwhile, or memory does.
 */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/check.h"
#include "base/mem.h"

static const enum held_mode modes[] = { HELD_CALLS, HELD_ANSWERS };
static const char *const channels[] = { "map_rec:m", "map:m" };
static const char ANN[] = "{\"sub\":\"ann\"}";

static struct rig *start(const char *channel, struct rig_client **c, enum held_mode mode)
{
    struct rig *r = rig_new(1, NULL);
    for (int i = 1; i <= 3; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        rig_map_publish(r, 0, channel, key, "1", NULL);
    }
    *c = rig_connected(r, 0, ANN);
    held_map_broker_set(r->maps, mode);
    return r;
}

static void page(struct rig *r, struct rig_client *c, const char *channel, const char *cursor)
{
    rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2,\"cursor\":\"%s\"}}", channel,
            cursor);
}

/* How many calls a whole catch-up makes: each is a place where it can be interrupted. */
static bool release_one(struct rig *r)
{
    if (held_map_broker_count(r->maps) == 0) return false;
    held_calls_release(held_map_calls(r->maps), 0);
    rig_run(r);
    return true;
}

static void finish(struct rig *r)
{
    held_map_broker_release_all(r->maps);
    rig_run(r);
    held_map_broker_set(r->maps, HELD_NOTHING);
}

static void answers_come_in_the_order_of_the_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(channels) * ARRAY_COUNT(modes); i++) {
        struct rig_client *c;
        const char *channel = channels[i % 2];
        struct rig *r = start(channel, &c, modes[i / 2]);
        page(r, c, channel, "");
        rig_say(r, c, "{\"id\":3,\"publish\":{\"channel\":\"%s\",\"type\":1,\"key\":\"k2\",\"data\":22}}", channel);
        page(r, c, channel, "k2");
        rig_expect(r, c, "");
        while (release_one(r)) {
        }
        const char *got = rig_received(r, c);
        const char *first = strstr(got, "\"phase\":2"), *written = strstr(got, "{\"id\":3,\"publish\":{}}");
        const char *live = strstr(got, "\"key\":\"k3\"");
        assert_true(first && written && live && first < written && written < live);
        assert_non_null(strstr(written, "\"data\":22"));
        assert_int_equal(rig_map_subscribers(r, 0, channel), 1);
        finish(r);
        rig_free(r);
    }
}

enum interruption { HANG_UP, UNSUBSCRIBE_BY_SERVER, TOO_LATE, INTERRUPTIONS };

/* Goes through a catch-up and interrupts it when `at` calls were answered. False: it had come to its end before. */
static bool interrupted(const char *channel, enum held_mode mode, enum interruption how, int at)
{
    struct rig_client *c;
    struct rig *r = start(channel, &c, mode);
    const struct effect_request effect = { .kind = EFFECT_UNSUBSCRIBE,
                                           .user = SLICE("ann"),
                                           .channel = slice_from_cstr(channel) };
    bool reached = true;
    page(r, c, channel, "");
    page(r, c, channel, "k2");
    for (int i = 0; i < at && reached; i++) reached = release_one(r);
    reached = reached && held_map_broker_count(r->maps) > 0;
    switch (how) {
    case HANG_UP: rig_hang_up(r, c); break;
    case UNSUBSCRIBE_BY_SERVER: (void)rig_effect(r, 0, &effect); break;
    case TOO_LATE: rig_pass(r, 6000); break;
    case INTERRUPTIONS: break;
    }
    rig_run(r);
    finish(r);
    rig_run(r);
    if (how != TOO_LATE || strcmp(channel, "map:m") == 0)
        assert_true(rig_map_subscribers(r, 0, channel) == 0 || !reached);
    rig_free(r); /* looks whether anything was left behind */
    return reached;
}

static void a_catch_up_may_be_interrupted_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(channels) * ARRAY_COUNT(modes); i++) {
        for (int how = 0; how < INTERRUPTIONS; how++) {
            int at = 0;
            while (interrupted(channels[i % 2], modes[i / 2], (enum interruption)how, at)) at++;
            assert_int_equal(at, 3); /* register or nothing, page, page, and with a stream going live */
        }
    }
}

static void a_broker_that_fails_is_error_100_and_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(channels); i++) {
        struct rig_client *c;
        struct rig *r = start(channels[i], &c, HELD_FAILING);
        page(r, c, channels[i], "");
        rig_expect_part(r, c, "\"error\":{\"code\":100");
        rig_say(r, c, "{\"id\":3,\"publish\":{\"channel\":\"%s\",\"type\":1,\"key\":\"k2\",\"data\":22}}", channels[i]);
        rig_expect_part(r, c, "\"error\":{\"code\":100");
        held_map_broker_set(r->maps, HELD_NOTHING);
        page(r, c, channels[i], "");
        rig_expect_part(r, c, "\"phase\":2");
        held_map_broker_set(r->maps, HELD_FAILING);
        page(r, c, channels[i], "k2");
        rig_expect_part(r, c, "\"error\":{\"code\":100");
        held_map_broker_set(r->maps, HELD_NOTHING);
        assert_int_equal(rig_map_subscribers(r, 0, channels[i]), 0);
        page(r, c, channels[i], "k2");
        rig_expect_part(r, c, "\"error\":{\"code\":103");
        rig_free(r);
    }
}

/* A whole life with maps. */
static void converse(struct rig *r, struct rig_client *c)
{
    static const char *const commands[] = {
        "{\"id\":2,\"subscribe\":{\"channel\":\"map_rec:m\",\"type\":1,\"phase\":2,\"tf\":{\"key\":\"a\",\"cmp\":"
        "\"nex\"}}}",
        "{\"id\":3,\"subscribe\":{\"channel\":\"map_rec:m\",\"type\":1,\"phase\":2,\"cursor\":\"k2\"}}",
        "{\"id\":4,\"subscribe\":{\"channel\":\"map:m\",\"type\":1,\"phase\":2}}",
        "{\"id\":5,\"publish\":{\"channel\":\"map:m\",\"type\":1,\"key\":\"k4\",\"data\":1}}",
        "{\"id\":6,\"subscribe\":{\"channel\":\"map:m\",\"type\":1,\"phase\":2,\"cursor\":\"k2\"}}",
        "{\"id\":7,\"publish\":{\"channel\":\"map_rec:m\",\"type\":1,\"key\":\"k1\",\"removed\":true}}",
        "{\"id\":8,\"subscribe\":{\"channel\":\"map_log:m\",\"type\":1,\"phase\":2}}",
        "{\"id\":9,\"subscribe\":{\"channel\":\"map_chat:m\"}}",
        "{\"id\":10,\"subscribe\":{\"channel\":\"map_cursor:m\",\"type\":1,\"phase\":2}}",
        "{\"id\":11,\"publish\":{\"channel\":\"map_cursor:m\",\"type\":1,\"data\":1}}",
        "{\"id\":12,\"unsubscribe\":{\"channel\":\"map_rec:m\"}}",
        "{\"id\":13,\"subscribe\":{\"channel\":\"map_rec:m\",\"type\":1,\"phase\":1,\"recover\":true,\"offset\":3}}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(commands) && !c->ended; i++) {
        rig_say(r, c, "%s", commands[i]);
        for (int j = 0; j < 20 && i % 6 == 5; j++) {
            held_map_broker_release_all(r->maps);
            rig_run(r);
        }
    }
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    static const enum held_mode all[] = { HELD_NOTHING, HELD_CALLS, HELD_ANSWERS };
    for (size_t m = 0; m < ARRAY_COUNT(all); m++) {
        size_t n = 1;
        for (bool failed = true; failed; n++) {
            struct rig_client *c;
            struct rig *r = start("map_rec:m", &c, HELD_NOTHING);
            for (int i = 1; i <= 3; i++)
                rig_map_publish(r, 0, "map:m", i == 1 ? "k1" : i == 2 ? "k2" : "k3", "1", NULL);
            held_map_broker_set(r->maps, all[m]);
            mem_fail_after(n);
            converse(r, c);
            failed = !mem_fail_pending();
            mem_fail_after(0);
            finish(r);
            rig_free(r);
        }
        print_message("  mode %zu: %zu allocations\n", m, n - 2);
        assert_true(n > 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_the_order_of_the_commands),
        cmocka_unit_test(a_catch_up_may_be_interrupted_anywhere),
        cmocka_unit_test(a_broker_that_fails_is_error_100_and_leaves_nothing),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
