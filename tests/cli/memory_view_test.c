#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/support/cm.h"

#include "base/check.h"
#include "cli/memory_view.h"

static const char metrics[] = "# HELP xshathra_memory_bytes Memory by part.\n"
                              "# TYPE xshathra_memory_bytes gauge\n"
                              "xshathra_memory_bytes{part=\"connections\"} 430000\n"
                              "xshathra_memory_bytes{part=\"history\"} 0\n"
                              "xshathra_memory_bytes{part=\"allocator_slack\"} 300000000\n"
                              "xshathra_memory_bytes{part=\"program\"} 12000000\n"
                              "xshathra_memory_objects{part=\"connections\"} 1000\n"
                              "xshathra_memory_objects{part=\"never_seen\"} 7\n"
                              "xshathra_memory_resident_bytes 320000000\n"
                              "centrifugo_node_num_clients 1000";

static void parts_are_read_the_largest_first(void **state)
{
    struct memory_view view;
    assert_true(memory_view_read(slice_from_cstr(metrics), &view));
    assert_int_equal(view.count, 4);
    assert_true(slice_eq(view.parts[0].name, SLICE("allocator_slack")));
    assert_true(slice_eq(view.parts[2].name, SLICE("connections")));
    assert_int_equal(view.parts[2].bytes, 430000);
    assert_true(view.parts[2].has_objects);
    assert_int_equal(view.parts[2].objects, 1000);
    assert_int_equal(view.sum, 312430000);
    assert_int_equal(view.resident, 320000000);
}

static void what_has_no_metrics_of_memory_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "xshathra_memory_resident_bytes 1\n",
        "xshathra_memory_bytes{part=\"a\"} 1\n",
        "xshathra_memory_bytes{part=\"a\n1\"} 1\nxshathra_memory_resident_bytes 1\n",
        "xshathra_memory_bytes{part=\"\"} 1\nxshathra_memory_resident_bytes 1\n",
        "xshathra_memory_bytes{part=\"a\"} x\nxshathra_memory_resident_bytes 1\n",
        "xshathra_memory_bytes{part=\"\033[2J\"} 1\nxshathra_memory_resident_bytes 1\n",
        "xshathra_memory_bytes{part=\"a\\\"} 1\nxshathra_memory_resident_bytes 1\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct memory_view view;
        if (memory_view_read(slice_from_cstr(texts[i]), &view)) fail_msg("taken: %s", texts[i]);
    }
}

static void more_parts_than_there_is_room_for_are_left_out(void **state)
{
    struct memory_view view;
    size_t len = 0;
    char *text = test_malloc(8192);
    for (int i = 0; i < 2 * MEMORY_VIEW_PARTS_MAX; i++)
        len += (size_t)snprintf(text + len, 8192 - len, "xshathra_memory_bytes{part=\"p\"} 1\n");
    len += (size_t)snprintf(text + len, 8192 - len, "xshathra_memory_resident_bytes 9\n");
    assert_true(memory_view_read(slice_of(text, len), &view));
    assert_int_equal(view.count, MEMORY_VIEW_PARTS_MAX);
    test_free(text);
}

static char *printed(struct slice text, void (*print)(const struct memory_view *, FILE *))
{
    struct memory_view view;
    char *out = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&out, &len);
    assert_non_null(file);
    assert_true(memory_view_read(text, &view));
    print(&view, file);
    fclose(file);
    return out;
}

static void the_table_says_what_to_do_only_where_the_allocator_keeps_much(void **state)
{
    char *much = printed(slice_from_cstr(metrics), memory_view_print);
    assert_non_null(strstr(much, "connections             419.9 KB    0.1 %         1000        430 B\n"));
    assert_null(strstr(much, "history"));
    assert_non_null(strstr(much, "MALLOC_TRIM_THRESHOLD_"));
    free(much);
    char *little = printed(SLICE("xshathra_memory_bytes{part=\"allocator_slack\"} 3000000\n"
                                 "xshathra_memory_resident_bytes 4000000\n"),
                           memory_view_print);
    assert_null(strstr(little, "MALLOC_TRIM_THRESHOLD_"));
    free(little);
}

static void json_has_each_part_with_what_is_known(void **state)
{
    char *text = printed(SLICE("xshathra_memory_bytes{part=\"users\"} 300\n"
                               "xshathra_memory_bytes{part=\"other\"} 100\n"
                               "xshathra_memory_objects{part=\"users\"} 2\n"
                               "xshathra_memory_resident_bytes 500\n"),
                         memory_view_print_json);
    assert_string_equal(text, "{\"resident\":500,\"sum\":400,\"parts\":["
                              "{\"part\":\"users\",\"bytes\":300,\"share\":0.6000,\"objects\":2,\"bytes_each\":150.0},"
                              "{\"part\":\"other\",\"bytes\":100,\"share\":0.2000}]}\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_read_the_largest_first),
        cmocka_unit_test(what_has_no_metrics_of_memory_is_refused),
        cmocka_unit_test(more_parts_than_there_is_room_for_are_left_out),
        cmocka_unit_test(the_table_says_what_to_do_only_where_the_allocator_keeps_much),
        cmocka_unit_test(json_has_each_part_with_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
