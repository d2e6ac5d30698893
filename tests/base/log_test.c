#include "base/support/cm.h"

#include "base/check.h"
#include "base/log.h"

static struct {
    int lines;
    enum log_level level;
    const char *message;
    size_t field_count;
    struct log_field fields[8];
} last;

static void keep(enum log_level level, const char *message, const struct log_field *fields, size_t field_count,
                 void *context)
{
    assert_ptr_equal(context, &last);
    last.lines++;
    last.level = level;
    last.message = message;
    last.field_count = field_count;
    for (size_t i = 0; i < field_count && i < ARRAY_COUNT(last.fields); i++) last.fields[i] = fields[i];
}

static int set_up(void **state)
{
    memset(&last, 0, sizeof last);
    log_set_sink(keep, &last);
    log_set_level(LOG_LEVEL_INFO);
    return 0;
}

static void a_line_arrives_with_its_fields(void **state)
{
    LOG_WARN("client refused", LOG_CSTR("user", "ann"), LOG_U64("code", 3500), LOG_I64("age", -4), LOG_BOOL("ok", 1),
             LOG_STR("channel", SLICE("news")));
    assert_int_equal(last.lines, 1);
    assert_int_equal(last.level, LOG_LEVEL_WARN);
    assert_string_equal(last.message, "client refused");
    assert_int_equal(last.field_count, 5);
    assert_true(slice_eq(last.fields[0].str, SLICE("ann")));
    assert_int_equal(last.fields[1].number, 3500);
    assert_int_equal(last.fields[2].type, LOG_FIELD_I64);
    assert_true((int64_t)last.fields[2].number == -4);
    assert_int_equal(last.fields[3].number, 1);
    assert_string_equal(last.fields[4].key, "channel");
}

static void a_line_may_have_no_field(void **state)
{
    LOG_INFO("started");
    assert_int_equal(last.lines, 1);
    assert_int_equal(last.field_count, 0);
}

static int evaluated(int *times)
{
    return ++*times;
}

static void a_line_below_the_level_costs_nothing(void **state)
{
    int times = 0;
    LOG_DEBUG("hidden", LOG_I64("n", evaluated(&times)));
    assert_int_equal(last.lines, 0);
    assert_int_equal(times, 0);
    log_set_level(LOG_LEVEL_DEBUG);
    LOG_DEBUG("seen", LOG_I64("n", evaluated(&times)));
    assert_int_equal(last.lines, 1);
    log_set_level(LOG_LEVEL_NONE);
    LOG_ERROR("hidden");
    assert_int_equal(last.lines, 1);
}

static void without_a_sink_lines_go_nowhere(void **state)
{
    log_set_sink(NULL, NULL);
    LOG_ERROR("nobody listens");
    assert_int_equal(last.lines, 0);
}

static void level_names_are_read_in_any_case(void **state)
{
    static const struct {
        struct slice name;
        enum log_level level;
    } rows[] = {
        { SLICE("trace"), LOG_LEVEL_TRACE }, { SLICE("DEBUG"), LOG_LEVEL_DEBUG }, { SLICE("Info"), LOG_LEVEL_INFO },
        { SLICE("wArn"), LOG_LEVEL_WARN },   { SLICE("error"), LOG_LEVEL_ERROR }, { SLICE("fatal"), LOG_LEVEL_FATAL },
        { SLICE("none"), LOG_LEVEL_NONE },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        enum log_level level;
        assert_true(log_level_from_name(rows[i].name, &level));
        assert_int_equal(level, rows[i].level);
        assert_true(slice_eq_nocase(slice_from_cstr(log_level_name(level)), rows[i].name));
    }
    enum log_level level = LOG_LEVEL_FATAL;
    assert_false(log_level_from_name(SLICE("warning"), &level));
    assert_false(log_level_from_name(SLICE(""), &level));
    assert_int_equal(level, LOG_LEVEL_FATAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_arrives_with_its_fields, set_up),
        cmocka_unit_test_setup(a_line_may_have_no_field, set_up),
        cmocka_unit_test_setup(a_line_below_the_level_costs_nothing, set_up),
        cmocka_unit_test_setup(without_a_sink_lines_go_nowhere, set_up),
        cmocka_unit_test_setup(level_names_are_read_in_any_case, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
