#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "engine/tags_filter.h"

static const struct publication_tag tags[] = {
    { { "kind", 4 }, { "goal", 4 } },
    { { "minute", 6 }, { "45", 2 } },
    { { "price", 5 }, { "-10.50", 6 } },
    { { "empty", 5 }, { "", 0 } },
};

static struct slice text(const char *t)
{
    return slice_from_cstr(t);
}

static bool matches(const char *json)
{
    enum status status;
    struct tags_filter *f = tags_filter_new(text(json), &status);
    if (!f) fail_msg("%s was refused: %s", json, status_text(status));
    bool result = tags_filter_match(f, tags, ARRAY_COUNT(tags));
    tags_filter_free(f);
    return result;
}

static void each_comparison_decides_as_its_name_says(void **state)
{
    static const struct {
        const char *json;
        bool want;
    } rows[] = {
        { "{\"key\":\"kind\",\"cmp\":\"eq\",\"val\":\"goal\"}", true },
        { "{\"key\":\"kind\",\"cmp\":\"eq\",\"val\":\"foul\"}", false },
        { "{\"key\":\"none\",\"cmp\":\"eq\",\"val\":\"goal\"}", false },
        { "{\"key\":\"kind\",\"cmp\":\"neq\",\"val\":\"foul\"}", true },
        { "{\"key\":\"kind\",\"cmp\":\"neq\",\"val\":\"goal\"}", false },
        { "{\"key\":\"none\",\"cmp\":\"neq\",\"val\":\"goal\"}", true },
        { "{\"key\":\"kind\",\"cmp\":\"in\",\"vals\":[\"a\",\"goal\"]}", true },
        { "{\"key\":\"kind\",\"cmp\":\"in\",\"vals\":[\"a\"]}", false },
        { "{\"key\":\"none\",\"cmp\":\"in\",\"vals\":[\"a\"]}", false },
        { "{\"key\":\"none\",\"cmp\":\"in\",\"vals\":[\"\"]}", true },
        { "{\"key\":\"none\",\"cmp\":\"nin\",\"vals\":[\"a\"]}", true },
        { "{\"key\":\"none\",\"cmp\":\"nin\",\"vals\":[\"\"]}", false },
        { "{\"key\":\"kind\",\"cmp\":\"nin\",\"vals\":[\"goal\"]}", false },
        { "{\"key\":\"empty\",\"cmp\":\"ex\"}", true },
        { "{\"key\":\"none\",\"cmp\":\"ex\"}", false },
        { "{\"key\":\"none\",\"cmp\":\"nex\"}", true },
        { "{\"key\":\"kind\",\"cmp\":\"nex\"}", false },
        { "{\"key\":\"kind\",\"cmp\":\"sw\",\"val\":\"go\"}", true },
        { "{\"key\":\"kind\",\"cmp\":\"sw\",\"val\":\"goals\"}", false },
        { "{\"key\":\"none\",\"cmp\":\"sw\",\"val\":\"g\"}", false },
        { "{\"key\":\"kind\",\"cmp\":\"ew\",\"val\":\"al\"}", true },
        { "{\"key\":\"kind\",\"cmp\":\"ew\",\"val\":\"go\"}", false },
        { "{\"key\":\"kind\",\"cmp\":\"ct\",\"val\":\"oa\"}", true },
        { "{\"key\":\"kind\",\"cmp\":\"ct\",\"val\":\"ao\"}", false },
        { "{\"key\":\"minute\",\"cmp\":\"gt\",\"val\":\"9\"}", true },
        { "{\"key\":\"minute\",\"cmp\":\"gt\",\"val\":\"45.0\"}", false },
        { "{\"key\":\"minute\",\"cmp\":\"gte\",\"val\":\"045.00\"}", true },
        { "{\"key\":\"minute\",\"cmp\":\"lt\",\"val\":\"45.01\"}", true },
        { "{\"key\":\"minute\",\"cmp\":\"lte\",\"val\":\"44.99\"}", false },
        { "{\"key\":\"price\",\"cmp\":\"lt\",\"val\":\"-10.4\"}", true },
        { "{\"key\":\"price\",\"cmp\":\"gte\",\"val\":\"-10.5\"}", true },
        { "{\"key\":\"price\",\"cmp\":\"lt\",\"val\":\"0\"}", true },
        { "{\"key\":\"kind\",\"cmp\":\"gt\",\"val\":\"1\"}", false },
        { "{\"key\":\"minute\",\"cmp\":\"gt\",\"val\":\"x\"}", false },
        { "{\"key\":\"none\",\"cmp\":\"lt\",\"val\":\"1\"}", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (matches(rows[i].json) != rows[i].want) fail_msg("%s", rows[i].json);
    (void)state;
}

#define YES "{\"key\":\"kind\",\"cmp\":\"ex\"}"
#define NO  "{\"key\":\"none\",\"cmp\":\"ex\"}"

static void inner_nodes_join_their_children(void **state)
{
    (void)state;
    assert_true(matches("{\"op\":\"and\",\"nodes\":[" YES "," YES "]}"));
    assert_false(matches("{\"op\":\"and\",\"nodes\":[" YES "," NO "]}"));
    assert_true(matches("{\"op\":\"or\",\"nodes\":[" NO "," YES "]}"));
    assert_false(matches("{\"op\":\"or\",\"nodes\":[" NO "," NO "]}"));
    assert_true(matches("{\"op\":\"not\",\"nodes\":[" NO "]}"));
    assert_false(matches("{\"op\":\"not\",\"nodes\":[{\"op\":\"and\",\"nodes\":[" YES "]}]}"));
    assert_true(matches("{\"OP\":\"or\",\"Nodes\":[" YES "],\"more\":{\"x\":[1]}}"));
}

static void what_is_no_filter_is_refused(void **state)
{
    static const char *const rows[] = {
        "{}",
        "[]",
        "null",
        "{\"cmp\":\"eq\"}",
        "{\"key\":\"a\",\"cmp\":\"eq\"}",
        "{\"cmp\":\"eq\",\"val\":\"x\"}",
        "{\"key\":\"a\",\"cmp\":\"like\",\"val\":\"x\"}",
        "{\"op\":\"xor\",\"nodes\":[" YES "]}",
        "{\"op\":\"and\"}",
        "{\"op\":\"and\",\"nodes\":[]}",
        "{\"op\":\"not\",\"nodes\":[" YES "," YES "]}",
        "{\"key\":\"a\",\"cmp\":\"in\",\"val\":\"x\"}",
        "{\"key\":\"a\",\"cmp\":\"in\",\"vals\":[]}",
        "{\"key\":\"a\",\"cmp\":\"eq\",\"val\":\"x\",\"vals\":[\"y\"]}",
        "{\"key\":\"a\",\"cmp\":\"ex\",\"val\":\"x\"}",
        "{\"key\":1,\"cmp\":\"ex\"}",
        "{\"op\":\"and\",\"nodes\":[null]}",
        "{\"op\":\"and\",\"nodes\":[" YES,
        "",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        enum status status = STATUS_OK;
        struct tags_filter *f = tags_filter_new(text(rows[i]), &status);
        if (f || status != STATUS_MALFORMED) fail_msg("%s gave %s", rows[i], status_text(status));
    }
}

/* depth nodes inside each other, the innermost a leaf */
static enum status status_of_depth(unsigned depth)
{
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    for (unsigned i = 1; i < depth; i++) buf_append(&b, SLICE("{\"op\":\"not\",\"nodes\":["));
    buf_append(&b, SLICE(YES));
    for (unsigned i = 1; i < depth; i++) buf_append(&b, SLICE("]}"));
    enum status status;
    tags_filter_free(tags_filter_new(buf_slice(&b), &status));
    buf_deinit(&b);
    return status;
}

static enum status status_of_nodes(unsigned nodes)
{
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    buf_append(&b, SLICE("{\"op\":\"or\",\"nodes\":["));
    for (unsigned i = 1; i < nodes; i++) {
        if (i > 1) buf_append_char(&b, ',');
        buf_append(&b, SLICE(YES));
    }
    buf_append(&b, SLICE("]}"));
    enum status status;
    tags_filter_free(tags_filter_new(buf_slice(&b), &status));
    buf_deinit(&b);
    return status;
}

static void depth_nodes_and_bytes_have_a_limit(void **state)
{
    (void)state;
    assert_int_equal(status_of_depth(TAGS_FILTER_DEPTH_MAX), STATUS_OK);
    assert_int_equal(status_of_depth(TAGS_FILTER_DEPTH_MAX + 1), STATUS_TOO_LARGE);
    assert_int_equal(status_of_nodes(TAGS_FILTER_NODES_MAX), STATUS_OK);
    assert_int_equal(status_of_nodes(TAGS_FILTER_NODES_MAX + 1), STATUS_TOO_LARGE);
    static char big[TAGS_FILTER_BYTES_MAX + 1];
    memset(big, ' ', sizeof big);
    enum status status;
    assert_null(tags_filter_new(slice_of(big, sizeof big), &status));
    assert_int_equal(status, STATUS_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_comparison_decides_as_its_name_says),
        cmocka_unit_test(inner_nodes_join_their_children),
        cmocka_unit_test(what_is_no_filter_is_refused),
        cmocka_unit_test(depth_nodes_and_bytes_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
