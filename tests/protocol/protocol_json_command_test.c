#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/protocol_json_command.h"

#define SCRATCH_MAX              (4 << 20)
#define assert_slice(s, literal) assert_true(slice_eq((s), SLICE(literal)))

/* A walk over one message; its bytes are copied without one to spare. */
struct walk {
    struct protocol_batch batch;
    struct arena scratch;
    struct command command;
    char *bytes;
};

static void walk_begin(struct walk *w, struct slice message)
{
    w->bytes = malloc(message.len ? message.len : 1);
    assert_non_null(w->bytes);
    memcpy(w->bytes, message.ptr, message.len);
    arena_init(&w->scratch, SCRATCH_MAX);
    protocol_batch_init(&w->batch, slice_of(w->bytes, message.len));
}

static enum protocol_result walk_next(struct walk *w)
{
    return protocol_json_next(&w->batch, &w->scratch, &w->command);
}

static void walk_end(struct walk *w)
{
    arena_deinit(&w->scratch);
    free(w->bytes);
}

/* The message holds exactly one command, which is left in w. */
static const struct command *take_one(struct walk *w, struct slice message)
{
    struct command first;
    walk_begin(w, message);
    assert_int_equal(walk_next(w), PROTOCOL_COMMAND);
    first = w->command;
    assert_int_equal(walk_next(w), PROTOCOL_END);
    w->command = first;
    return &w->command;
}

/* Commands before the end; *result says how it ended. */
static size_t count_commands(struct slice message, enum protocol_result *result)
{
    struct walk w;
    size_t count = 0;
    walk_begin(&w, message);
    while ((*result = walk_next(&w)) == PROTOCOL_COMMAND) count++;
    assert_int_equal(walk_next(&w), *result); /* the end stays the end */
    walk_end(&w);
    return count;
}

static bool is_broken(struct slice message)
{
    enum protocol_result result;
    count_commands(message, &result);
    return result == PROTOCOL_BROKEN;
}

/* ----------------------------------------------------------- every field */

static void a_connect_command_is_read_whole(void **state)
{
    struct walk w;
    const struct command *c = take_one(
        &w, SLICE("{\"id\":1,\"connect\":{\"token\":\"eyJ.x.y\",\"data\":{\"a\": [1]},\"subs\":{"
                  "\"news\":{\"recover\":true,\"epoch\":\"xyz\",\"offset\":18446744073709551615},\"b\":{}},"
                  "\"name\":\"js\",\"version\":\"5.0\",\"headers\":{\"X-Key\":\"v\\u0031\",\"b\":\"\"},\"flag\":-3}}"));
    assert_int_equal(c->id, 1);
    assert_int_equal(c->kind, COMMAND_CONNECT);
    assert_slice(c->connect->token, "eyJ.x.y");
    assert_slice(c->connect->data, "{\"a\": [1]}");
    assert_slice(c->connect->name, "js");
    assert_slice(c->connect->version, "5.0");
    assert_int_equal(c->connect->flag, -3);
    assert_int_equal(c->connect->sub_count, 2);
    assert_slice(c->connect->subs[0].channel, "news");
    assert_true(c->connect->subs[0].request.recover);
    assert_slice(c->connect->subs[0].request.epoch, "xyz");
    assert_true(c->connect->subs[0].request.offset == UINT64_MAX);
    assert_slice(c->connect->subs[1].channel, "b");
    assert_int_equal(c->connect->header_count, 2);
    assert_slice(c->connect->headers[0].key, "X-Key");
    assert_slice(c->connect->headers[0].value, "v1");
    assert_slice(c->connect->headers[1].value, "");
    walk_end(&w);
}

static void a_subscribe_command_is_read_whole(void **state)
{
    struct walk w;
    const struct command *c = take_one(
        &w, SLICE("{\"id\":2,\"subscribe\":{\"channel\":\"ch\",\"token\":\"t\",\"recover\":true,\"epoch\":\"e\","
                  "\"offset\":7,\"data\":[],\"positioned\":true,\"recoverable\":true,\"join_leave\":true,"
                  "\"delta\":\"fossil\",\"tf\":{\"key\":\"a\",\"cmp\":\"eq\",\"val\":\"1\"},\"flag\":2,\"type\":1,"
                  "\"phase\":-2147483648,\"cursor\":\"cu\",\"limit\":2147483647,\"asc\":true}}"));
    const struct subscribe_request *s = c->subscribe;
    assert_int_equal(c->kind, COMMAND_SUBSCRIBE);
    assert_slice(s->channel, "ch");
    assert_slice(s->token, "t");
    assert_slice(s->epoch, "e");
    assert_slice(s->data, "[]");
    assert_slice(s->delta, "fossil");
    assert_slice(s->tf, "{\"key\":\"a\",\"cmp\":\"eq\",\"val\":\"1\"}");
    assert_slice(s->cursor, "cu");
    assert_int_equal(s->offset, 7);
    assert_int_equal(s->flag, SUBSCRIBE_FLAG_STRICT_RECOVERY);
    assert_int_equal(s->type, SUBSCRIPTION_MAP);
    assert_int_equal(s->phase, INT32_MIN);
    assert_int_equal(s->limit, INT32_MAX);
    assert_true(s->recover && s->positioned && s->recoverable && s->join_leave && s->asc);
    walk_end(&w);
}

static void the_other_commands_are_read_whole(void **state)
{
    struct walk w;
    const struct command *c = take_one(
        &w,
        SLICE("{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\":1.5e3,\"type\":1,\"key\":\"k\",\"removed\":true}}"));
    assert_int_equal(c->kind, COMMAND_PUBLISH);
    assert_slice(c->publish->channel, "c");
    assert_slice(c->publish->data, "1.5e3");
    assert_slice(c->publish->key, "k");
    assert_true(c->publish->type == 1 && c->publish->removed);
    walk_end(&w);

    c = take_one(&w, SLICE("{\"id\":4,\"history\":{\"channel\":\"c\",\"limit\":-1,\"since\":{\"offset\":5,"
                           "\"epoch\":\"e\"},\"reverse\":true}}"));
    assert_int_equal(c->kind, COMMAND_HISTORY);
    assert_slice(c->history->channel, "c");
    assert_int_equal(c->history->limit, -1);
    assert_int_equal(c->history->since->offset, 5);
    assert_slice(c->history->since->epoch, "e");
    assert_true(c->history->reverse);
    walk_end(&w);

    c = take_one(&w, SLICE("{\"id\":5,\"history\":{\"channel\":\"c\"}}"));
    assert_null(c->history->since);
    walk_end(&w);

    c = take_one(&w, SLICE("{\"id\":6,\"rpc\":{\"data\":null,\"method\":\"m\"}}"));
    assert_int_equal(c->kind, COMMAND_RPC);
    assert_slice(c->rpc->data, "null");
    assert_slice(c->rpc->method, "m");
    walk_end(&w);

    c = take_one(&w,
                 SLICE("{\"id\":7,\"sub_refresh\":{\"channel\":\"c\",\"token\":\"t\",\"type\":1,"
                       "\"track\":[{\"signature\":\"s\",\"items\":[{\"key\":\"a\",\"version\":1},{\"key\":\"b\"}]},{}],"
                       "\"untrack\":[\"x\",null,\"y\"]}}"));
    assert_int_equal(c->kind, COMMAND_SUB_REFRESH);
    assert_int_equal(c->sub_refresh->track_count, 2);
    assert_slice(c->sub_refresh->track[0].signature, "s");
    assert_int_equal(c->sub_refresh->track[0].item_count, 2);
    assert_int_equal(c->sub_refresh->track[0].items[0].version, 1);
    assert_slice(c->sub_refresh->track[0].items[1].key, "b");
    assert_int_equal(c->sub_refresh->track[1].item_count, 0);
    assert_int_equal(c->sub_refresh->untrack_count, 3);
    assert_slice(c->sub_refresh->untrack[1], "");
    assert_slice(c->sub_refresh->untrack[2], "y");
    walk_end(&w);
}

static void every_kind_is_recognised_and_named(void **state)
{
    for (int kind = COMMAND_NONE + 1; kind < COMMAND_KIND_COUNT; kind++) {
        struct walk w;
        char text[64];
        int len = snprintf(text, sizeof text, "{\"id\":9,\"%s\":{}}", command_kind_name(kind));
        const struct command *c = take_one(&w, slice_of(text, (size_t)len));
        assert_int_equal(c->kind, kind);
        assert_non_null(c->request);
        assert_int_equal(c->has_send, kind == COMMAND_SEND);
        assert_int_equal(c->len, len);
        walk_end(&w);
    }
    assert_string_equal(command_kind_name(COMMAND_NONE), "");
}

static void of_several_requests_the_first_in_the_fixed_order_is_chosen(void **state)
{
    for (int a = COMMAND_NONE + 1; a < COMMAND_KIND_COUNT; a++) {
        for (int b = COMMAND_NONE + 1; b < COMMAND_KIND_COUNT; b++) {
            struct walk w;
            char text[128];
            snprintf(text, sizeof text, "{\"id\":1,\"%s\":{},\"%s\":{}}", command_kind_name(a), command_kind_name(b));
            assert_int_equal(take_one(&w, slice_from_cstr(text))->kind, a < b ? a : b);
            walk_end(&w);
        }
    }
}

static void a_pong_is_any_command_without_id_that_is_no_send(void **state)
{
    static const struct {
        const char *text;
        bool pong;
    } cases[] = {
        { "{}", true },
        { "null", true },
        { "{\"id\":0}", true },
        { "{\"unknown\":1}", true },
        { "{\"publish\":{}}", true },
        { "{\"id\":1}", false },
        { "{\"send\":{}}", false },
        { "{\"connect\":{},\"send\":{}}", false },
        { "{\"send\":null}", true },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct walk w;
        assert_int_equal(command_is_pong(take_one(&w, slice_from_cstr(cases[i].text))), cases[i].pong);
        walk_end(&w);
    }
}

/* ------------------------------------------------------------ tolerances */

static void member_names_match_in_any_letter_case_and_escaped(void **state)
{
    struct walk w;
    const struct command *c =
        take_one(&w, SLICE("{\"ID\":5,\"SubScribe\":{\"CHANNEL\":\"c\",\"Join_Leave\":true,\"\\u0065poch\":\"e\"}}"));
    assert_int_equal(c->id, 5);
    assert_slice(c->subscribe->channel, "c");
    assert_slice(c->subscribe->epoch, "e");
    assert_true(c->subscribe->join_leave);
    walk_end(&w);
}

static void repeated_objects_merge_and_null_takes_them_away(void **state)
{
    struct walk w;
    const struct command *c = take_one(
        &w,
        SLICE("{\"id\":1,\"connect\":{\"token\":\"a\",\"subs\":{\"x\":{\"epoch\":\"1\",\"recover\":true},\"y\":{}}},"
              "\"connect\":{\"name\":\"n\",\"subs\":{\"z\":{},\"x\":{\"epoch\":\"2\"}},\"headers\":{\"a\":\"1\"}},"
              "\"id\":2,\"connect\":{\"headers\":null,\"token\":null}}"));
    assert_int_equal(c->id, 2);
    assert_slice(c->connect->token, "a");
    assert_slice(c->connect->name, "n");
    assert_int_equal(c->connect->sub_count, 3);
    assert_slice(c->connect->subs[0].channel, "x");
    assert_slice(c->connect->subs[0].request.epoch, "2");
    assert_false(c->connect->subs[0].request.recover);
    assert_slice(c->connect->subs[2].channel, "z");
    assert_int_equal(c->connect->header_count, 0);
    walk_end(&w);

    c = take_one(&w, SLICE("{\"id\":1,\"rpc\":{\"method\":\"a\"},\"rpc\":null,\"rpc\":{\"data\":1}}"));
    assert_slice(c->rpc->method, "");
    assert_slice(c->rpc->data, "1");
    walk_end(&w);

    c = take_one(&w, SLICE("{\"id\":1,\"subscribe\":{},\"subscribe\":null,\"publish\":{}}"));
    assert_int_equal(c->kind, COMMAND_PUBLISH);
    walk_end(&w);
}

static void a_repeated_list_is_replaced(void **state)
{
    struct walk w;
    const struct command *c =
        take_one(&w, SLICE("{\"id\":1,\"sub_refresh\":{\"untrack\":[\"a\",\"b\"],\"untrack\":[\"c\"]}}"));
    assert_int_equal(c->sub_refresh->untrack_count, 1);
    assert_slice(c->sub_refresh->untrack[0], "c");
    walk_end(&w);
}

static void null_leaves_a_scalar_as_it_was(void **state)
{
    struct walk w;
    const struct command *c =
        take_one(&w, SLICE("{\"id\":3,\"id\":null,\"subscribe\":{\"channel\":\"c\",\"channel\":null,\"offset\":null,"
                           "\"recover\":true,\"recover\":null,\"tf\":{},\"tf\":null,\"data\":null}}"));
    assert_int_equal(c->id, 3);
    assert_slice(c->subscribe->channel, "c");
    assert_true(c->subscribe->recover);
    assert_int_equal(c->subscribe->tf.len, 0);
    assert_slice(c->subscribe->data, "null");
    walk_end(&w);
}

static void unknown_members_are_skipped_at_every_level(void **state)
{
    struct walk w;
    const struct command *c = take_one(
        &w, SLICE("{\"x\":{\"id\":9},\"id\":1,\"history\":{\"use\":[{}],\"since\":{\"offset\":1,\"y\":null}},\"\":0}"));
    assert_int_equal(c->id, 1);
    assert_int_equal(c->history->since->offset, 1);
    walk_end(&w);
}

static void an_escaped_lone_surrogate_becomes_the_replacement_character(void **state)
{
    struct walk w;
    const struct command *c =
        take_one(&w, SLICE("{\"id\":1,\"publish\":{\"channel\":\"\\ud800x\",\"data\":\"\\ud800\"}}"));
    assert_slice(c->publish->channel, "\xef\xbf\xbdx");
    assert_slice(c->publish->data, "\"\\ud800\"");
    walk_end(&w);
}

/* --------------------------------------------------------------- batches */

static void commands_are_parted_by_single_newlines(void **state)
{
    static const struct {
        const char *text;
        size_t count;
        enum protocol_result end;
    } cases[] = {
        { "", 0, PROTOCOL_BROKEN },          { "\n", 0, PROTOCOL_BROKEN },
        { " ", 0, PROTOCOL_BROKEN },         { "{}", 1, PROTOCOL_END },
        { "{}\n", 1, PROTOCOL_END },         { "{}\r\n", 1, PROTOCOL_END },
        { "{}\n\n", 1, PROTOCOL_BROKEN },    { "\n{}", 0, PROTOCOL_BROKEN },
        { "{}\n{}", 2, PROTOCOL_END },       { "{}\n{}\n", 2, PROTOCOL_END },
        { "{}\r\n{}\r\n", 2, PROTOCOL_END }, { "{}\n\n{}", 1, PROTOCOL_BROKEN },
        { "{}\n \n{}", 1, PROTOCOL_BROKEN }, { "{}\n{}\n{}\n{}", 4, PROTOCOL_END },
        { "{}{}", 1, PROTOCOL_END },         { "{} trailing } text\n{}", 2, PROTOCOL_END },
        { "{}\nx", 1, PROTOCOL_BROKEN },     { " \t{}", 1, PROTOCOL_END },
        { "null\nnull", 2, PROTOCOL_END },   { "nullx", 1, PROTOCOL_END },
        { "[]", 0, PROTOCOL_BROKEN },        { "1", 0, PROTOCOL_BROKEN },
        { "\"x\"", 0, PROTOCOL_BROKEN },     { "{\"id\":1,\n\"ping\":{}}", 0, PROTOCOL_BROKEN },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        enum protocol_result end;
        assert_int_equal(count_commands(slice_from_cstr(cases[i].text), &end), cases[i].count);
        assert_int_equal(end, cases[i].end);
    }
}

static void a_batch_gives_its_commands_in_order_with_their_lengths(void **state)
{
    struct walk w;
    walk_begin(&w, SLICE("{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"\\u0061\"}}\r\n{}"));
    assert_int_equal(walk_next(&w), PROTOCOL_COMMAND);
    assert_int_equal(w.command.id, 1);
    assert_int_equal(w.command.len, 22);
    assert_int_equal(walk_next(&w), PROTOCOL_COMMAND);
    assert_int_equal(w.command.id, 2);
    assert_slice(w.command.subscribe->channel, "a");
    assert_int_equal(walk_next(&w), PROTOCOL_COMMAND);
    assert_true(command_is_pong(&w.command));
    assert_int_equal(w.command.len, 2);
    assert_int_equal(walk_next(&w), PROTOCOL_END);
    walk_end(&w);
}

static void the_broken_byte_is_named_in_the_whole_message(void **state)
{
    struct walk w;
    walk_begin(&w, SLICE("{\"id\":1}\n{\"id\":x}"));
    assert_int_equal(walk_next(&w), PROTOCOL_COMMAND);
    assert_int_equal(walk_next(&w), PROTOCOL_BROKEN);
    assert_string_equal(w.batch.error_text, "number expected");
    assert_int_equal(w.batch.error_position, 15);
    walk_end(&w);
}

static void every_prefix_of_a_command_is_broken(void **state)
{
    struct slice text =
        SLICE("{\"id\":1,\"connect\":{\"token\":\"a\\u0041\",\"subs\":{\"c\":{\"offset\":12}},\"data\":[1]}}");
    for (size_t len = 0; len < text.len; len++) assert_true(is_broken(slice_head(text, len)));
    assert_false(is_broken(text));
}

/* --------------------------------------------------------------- hostile */

static void wrong_types_and_ranges_are_broken(void **state)
{
    static const char *const texts[] = {
        "{\"id\":-1}",
        "{\"id\":1.0}",
        "{\"id\":1e1}",
        "{\"id\":4294967296}",
        "{\"id\":\"1\"}",
        "{\"id\":99999999999999999999999999}",
        "{\"id\":1,\"connect\":[]}",
        "{\"id\":1,\"connect\":1}",
        "{\"id\":1,\"connect\":{\"token\":1}}",
        "{\"id\":1,\"connect\":{\"subs\":[]}}",
        "{\"id\":1,\"connect\":{\"subs\":{\"a\":null}}}",
        "{\"id\":1,\"connect\":{\"subs\":{\"a\":1}}}",
        "{\"id\":1,\"connect\":{\"headers\":{\"a\":1}}}",
        "{\"id\":1,\"connect\":{\"flag\":9223372036854775808}}",
        "{\"id\":1,\"subscribe\":{\"channel\":{}}}",
        "{\"id\":1,\"subscribe\":{\"recover\":1}}",
        "{\"id\":1,\"subscribe\":{\"offset\":-1}}",
        "{\"id\":1,\"subscribe\":{\"offset\":18446744073709551616}}",
        "{\"id\":1,\"subscribe\":{\"type\":2147483648}}",
        "{\"id\":1,\"subscribe\":{\"tf\":[]}}",
        "{\"id\":1,\"subscribe\":{\"data\":}}",
        "{\"id\":1,\"subscribe\":{\"data\":{\"a\":01}}}",
        "{\"id\":1,\"sub_refresh\":{\"track\":[null]}}",
        "{\"id\":1,\"sub_refresh\":{\"track\":{}}}",
        "{\"id\":1,\"sub_refresh\":{\"untrack\":[1]}}",
        "{\"id\":1,\"ping\":0}",
        "{\"id\":1,\"unknown\":[}",
        "{\"id\":1,\"publish\":{\"channel\":\"\xff\"}}",
        "{\"id\":1,\"publish\":{\"data\":\"\xed\xa0\x80\"}}",
        "{\"id\":1,\"publish\":{\"data\":\"\x01\"}}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) assert_true(is_broken(slice_from_cstr(texts[i])));
}

static void embedded_data_may_nest_up_to_the_limit(void **state)
{
    static char text[2 * PROTOCOL_JSON_DEPTH_MAX + 64];
    for (size_t extra = 0; extra < 2; extra++) {
        size_t depth = PROTOCOL_JSON_DEPTH_MAX - 2 + extra; /* the command and the request are two */
        size_t len = (size_t)sprintf(text, "{\"id\":1,\"publish\":{\"data\":");
        memset(text + len, '[', depth);
        memset(text + len + depth, ']', depth);
        len += 2 * depth;
        len += (size_t)sprintf(text + len, "}}");
        assert_int_equal(is_broken(slice_of(text, len)), extra == 1);
    }
}

/* {"id":1,"connect":{"subs":{"c0":{},…}}} */
static struct slice many_subs(char *room, size_t count)
{
    size_t len = (size_t)sprintf(room, "{\"id\":1,\"connect\":{\"subs\":{");
    for (size_t i = 0; i < count; i++) len += (size_t)sprintf(room + len, "%s\"c%zu\":{}", i ? "," : "", i);
    len += (size_t)sprintf(room + len, "}}}");
    return slice_of(room, len);
}

static void maps_hold_up_to_the_limit_of_entries(void **state)
{
    char *room = malloc((PROTOCOL_ENTRIES_MAX + 1) * 16 + 64);
    assert_non_null(room);
    struct walk w;
    const struct command *c = take_one(&w, many_subs(room, PROTOCOL_ENTRIES_MAX));
    assert_int_equal(c->connect->sub_count, PROTOCOL_ENTRIES_MAX);
    assert_slice(c->connect->subs[0].channel, "c0");
    assert_slice(c->connect->subs[4095].channel, "c4095");
    walk_end(&w);
    assert_true(is_broken(many_subs(room, PROTOCOL_ENTRIES_MAX + 1)));
    free(room);
}

static void repeating_a_key_costs_no_entry(void **state)
{
    static char text[3 * PROTOCOL_ENTRIES_MAX * 8];
    size_t len = (size_t)sprintf(text, "{\"id\":1,\"connect\":{\"headers\":{\"b\":\"x\"");
    for (size_t i = 0; i < 2 * PROTOCOL_ENTRIES_MAX; i++) len += (size_t)sprintf(text + len, ",\"a\":\"%zu\"", i % 10);
    len += (size_t)sprintf(text + len, "}}}");
    struct walk w;
    const struct command *c = take_one(&w, slice_of(text, len));
    assert_int_equal(c->connect->header_count, 2);
    assert_slice(c->connect->headers[1].value, "1");
    walk_end(&w);
}

static void lists_hold_up_to_the_limit_of_entries(void **state)
{
    static char text[PROTOCOL_ENTRIES_MAX * 4 + 128];
    for (size_t extra = 0; extra < 2; extra++) {
        size_t len = (size_t)sprintf(text, "{\"id\":1,\"sub_refresh\":{\"untrack\":[\"\"");
        for (size_t i = 1; i < PROTOCOL_ENTRIES_MAX + extra; i++) len += (size_t)sprintf(text + len, ",\"\"");
        len += (size_t)sprintf(text + len, "]}}");
        assert_int_equal(is_broken(slice_of(text, len)), extra == 1);
    }
}

static void a_full_arena_and_every_failed_allocation_break_the_message(void **state)
{
    struct slice text =
        SLICE("{\"id\":1,\"connect\":{\"token\":\"\\u0041\",\"subs\":{\"a\":{},\"b\":{},\"c\":{},\"d\":{},"
              "\"e\":{}},\"headers\":{\"a\":\"b\"}}}");
    bool broke = true;
    for (size_t max = 0; broke; max += 16) {
        struct arena scratch;
        struct protocol_batch b;
        struct command c;
        arena_init(&scratch, max);
        protocol_batch_init(&b, text);
        broke = protocol_json_next(&b, &scratch, &c) == PROTOCOL_BROKEN;
        if (broke) assert_string_equal(b.error_text, "command takes too much memory");
        arena_deinit(&scratch);
    }
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        struct arena scratch;
        struct protocol_batch b;
        struct command c;
        arena_init(&scratch, SCRATCH_MAX);
        protocol_batch_init(&b, text);
        mem_fail_after(n);
        enum protocol_result result = protocol_json_next(&b, &scratch, &c);
        failed = !mem_fail_pending();
        mem_fail_after(0);
        assert_int_equal(result, failed ? PROTOCOL_BROKEN : PROTOCOL_COMMAND);
        arena_deinit(&scratch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connect_command_is_read_whole),
        cmocka_unit_test(a_subscribe_command_is_read_whole),
        cmocka_unit_test(the_other_commands_are_read_whole),
        cmocka_unit_test(every_kind_is_recognised_and_named),
        cmocka_unit_test(of_several_requests_the_first_in_the_fixed_order_is_chosen),
        cmocka_unit_test(a_pong_is_any_command_without_id_that_is_no_send),
        cmocka_unit_test(member_names_match_in_any_letter_case_and_escaped),
        cmocka_unit_test(repeated_objects_merge_and_null_takes_them_away),
        cmocka_unit_test(a_repeated_list_is_replaced),
        cmocka_unit_test(null_leaves_a_scalar_as_it_was),
        cmocka_unit_test(unknown_members_are_skipped_at_every_level),
        cmocka_unit_test(an_escaped_lone_surrogate_becomes_the_replacement_character),
        cmocka_unit_test(commands_are_parted_by_single_newlines),
        cmocka_unit_test(a_batch_gives_its_commands_in_order_with_their_lengths),
        cmocka_unit_test(the_broken_byte_is_named_in_the_whole_message),
        cmocka_unit_test(every_prefix_of_a_command_is_broken),
        cmocka_unit_test(wrong_types_and_ranges_are_broken),
        cmocka_unit_test(embedded_data_may_nest_up_to_the_limit),
        cmocka_unit_test(maps_hold_up_to_the_limit_of_entries),
        cmocka_unit_test(repeating_a_key_costs_no_entry),
        cmocka_unit_test(lists_hold_up_to_the_limit_of_entries),
        cmocka_unit_test(a_full_arena_and_every_failed_allocation_break_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
