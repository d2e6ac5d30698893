/* Delta compression of maps, row HI-43. The bytes are those of Centrifugo 6.9.1 for the same conversation. */
#include <stdio.h>

#include "engine/support/engine_rig.h"

#include "base/check.h"

#define LONG    "a long text that is the same every time"
#define TEXT(n) "\"" LONG ", " #n "\""
/* The same as a JSON string, as clients with deltas in JSON get it. */
#define FULL(n) "\"\\\"" LONG ", " #n "\\\"\""

static const char ANN[] = "{\"sub\":\"ann\"}";

static void with_deltas(struct policy_deployment *d)
{
    for (size_t i = 0; i < d->namespace_count; i++) {
        d->namespaces[i].options.allow_delta_fossil = true;
        d->namespaces[i].options.delta_publish = true;
    }
}

static void ask(struct rig *r, struct rig_client *c, const char *members)
{
    rig_say(r, c, "{\"id\":2,\"subscribe\":{%s}}", members);
}

static void a_change_is_the_delta_from_the_value_of_its_key(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, with_deltas);
    struct rig_client *c = rig_connected(r, 0, ANN);
    rig_map_publish(r, 0, "map_rec:m", "a", TEXT(1), NULL);
    rig_map_publish(r, 0, "map_rec:m", "b", TEXT(2), NULL);
    ask(r, c, "\"channel\":\"map_rec:m\",\"type\":1,\"phase\":2,\"limit\":9,\"delta\":\"fossil\"");
    rig_expect(r, c,
               "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"offset\":2,\"delta\":true,\"type\":1,"
               "\"state\":[{\"data\":" FULL(1) ",\"offset\":1,\"key\":\"a\"},{\"data\":" FULL(2) ",\"offset\":2,"
                                                                                                 "\"key\":\"b\"}]}}");
    rig_map_publish(r, 0, "map_rec:m", "a", TEXT(3), NULL);
    rig_map_publish(r, 0, "map_rec:m", "b", TEXT(4), NULL);
    rig_map_publish(r, 0, "map_rec:m", "new", TEXT(5), NULL);
    rig_map_publish(r, 0, "map_rec:m", "a", NULL, NULL);
    rig_map_publish(r, 0, "map_rec:m", "a", TEXT(3), NULL);
    rig_run(r);
    const char *got = rig_received(r, c);
    static const char *const parts[] = {
        "\"offset\":3,\"delta\":true,\"key\":\"a\"",
        "\"offset\":4,\"delta\":true,\"key\":\"b\"",
        "\"pub\":{\"data\":" FULL(5) ",\"offset\":5,\"key\":\"new\"}",
        "\"pub\":{\"data\":\"\",\"offset\":6,\"key\":\"a\",\"removed\":true}",
        "\"pub\":{\"data\":" FULL(3) ",\"offset\":7,\"key\":\"a\"}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        if (!strstr(got, parts[i])) fail_msg("no %s in %s", parts[i], got);
    rig_free(r);
}

static void pages_are_full_and_the_answer_that_goes_live_has_deltas_within_itself(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, with_deltas);
    struct rig_client *c = rig_connected(r, 0, ANN), *recovers = rig_connected(r, 0, ANN);
    rig_map_publish(r, 0, "map_rec:m", "a", TEXT(1), NULL);
    rig_map_publish(r, 0, "map_rec:m", "b", TEXT(2), NULL);
    rig_map_publish(r, 0, "map_rec:m", "c", TEXT(3), NULL);
    ask(r, c, "\"channel\":\"map_rec:m\",\"type\":1,\"phase\":2,\"delta\":\"fossil\"");
    rig_expect(
        r, c,
        "{\"id\":2,\"subscribe\":{\"epoch\":\"E0\",\"offset\":3,\"type\":1,\"phase\":2,\"cursor\":\"b\",\"state\":"
        "[{\"data\":" FULL(1) ",\"offset\":1,\"key\":\"a\"},{\"data\":" FULL(2) ",\"offset\":2,\"key\":\"b\"}]"
                                                                                "}}");
    rig_map_publish(r, 0, "map_rec:m", "a", TEXT(4), NULL); /* its base is no part of the answer */
    rig_map_publish(r, 0, "map_rec:m", "a", TEXT(5), NULL);
    ask(r, c,
        "\"channel\":\"map_rec:m\",\"type\":1,\"phase\":2,\"cursor\":\"b\",\"offset\":3,\"epoch\":\"$E0\",\"delta\":"
        "\"fossil\"");
    const char *got = rig_received(r, c);
    assert_non_null(strstr(got, "{\"data\":" FULL(4) ",\"offset\":4,\"key\":\"a\"}"));
    assert_non_null(strstr(got, "\"offset\":5,\"delta\":true,\"key\":\"a\"}"));
    assert_non_null(strstr(got, "\"delta\":true,\"type\":1,\"state\":[{\"data\":" FULL(3)));
    rig_map_publish(r, 0, "map_rec:m", "a", NULL, NULL);
    ask(r, recovers,
        "\"channel\":\"map_rec:m\",\"type\":1,\"phase\":1,\"limit\":9,\"recover\":true,\"offset\":4,\"epoch\":\"$E0\","
        "\"delta\":\"fossil\"");
    rig_expect(r, recovers,
               "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"E0\",\"publications\":[{\"data\":" FULL(
                   5) ","
                      "\"offset\":5,\"key\":\"a\"},{\"offset\":6,\"key\":\"a\",\"removed\":true}],\"recovered\":true,"
                      "\"offset\":6,\"was_recovering\":true,\"delta\":true,\"type\":1}}");
    rig_free(r);
}

static void without_its_base_for_certain_a_subscriber_gets_no_delta(void **state)
{
    static const struct {
        const char *channel, *members;
    } rows[] = {
        { "map:m", "\"delta\":\"fossil\"" }, /* without a stream */
        { "map_rec:m", "\"delta\":\"fossil\",\"tf\":{\"key\":\"t\",\"cmp\":\"nex\"}" },
        { "map_rec:m", "\"data\":1" },                 /* did not ask */
        { "map_rec:m", "\"delta\":\"another kind\"" }, /* asks for what there is not */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct rig *r = rig_new(1, with_deltas);
        struct rig_client *c = rig_connected(r, 0, ANN);
        rig_map_publish(r, 0, rows[i].channel, "a", TEXT(1), NULL);
        rig_say(r, c, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\",\"type\":1,\"phase\":2,%s}}", rows[i].channel,
                rows[i].members);
        rig_forget(r, c);
        rig_map_publish(r, 0, rows[i].channel, "a", TEXT(2), NULL);
        rig_run(r);
        const char *got = rig_received(r, c);
        assert_non_null(strstr(got, i < 2 ? "\"data\":" FULL(2) : "\"data\":" TEXT(2)));
        assert_null(strstr(got, "\"delta\""));
        rig_free(r);
    }
}

static void where_deltas_are_not_allowed_the_wish_counts_for_nothing(void **state)
{
    (void)state;
    struct rig *r = rig_new(1, NULL);
    struct rig_client *c = rig_connected(r, 0, ANN);
    rig_map_publish(r, 0, "map_rec:m", "a", TEXT(1), NULL);
    ask(r, c, "\"channel\":\"map_rec:m\",\"type\":1,\"phase\":2,\"delta\":\"fossil\"");
    rig_expect_part(r, c, "\"offset\":1,\"type\":1,\"state\":[{\"data\":" TEXT(1));
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_the_delta_from_the_value_of_its_key),
        cmocka_unit_test(pages_are_full_and_the_answer_that_goes_live_has_deltas_within_itself),
        cmocka_unit_test(without_its_base_for_certain_a_subscriber_gets_no_delta),
        cmocka_unit_test(where_deltas_are_not_allowed_the_wish_counts_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
