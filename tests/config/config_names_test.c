#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/config_names.h"

#include "base/check.h"
#include "config/config_value.h"

static struct arena memory;

static int begin(void **state)
{
    arena_init(&memory, 1 << 24);
    *state = config_names_new(&memory, config_table_top());
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_deinit(&memory);
    return 0;
}

static void names_are_sorted_unique_and_lower_case(void **state)
{
    const struct config_names *n = *state;
    assert_true(n->count > 300);
    for (size_t i = 0; i < n->count; i++) {
        const struct slice path = n->items[i].path;
        for (size_t c = 0; c < path.len; c++)
            assert_true(path.ptr[c] == '.' || path.ptr[c] == '_' || (path.ptr[c] >= 'a' && path.ptr[c] <= 'z') ||
                        (path.ptr[c] >= '0' && path.ptr[c] <= '9'));
        if (i && slice_compare(n->items[i - 1].path, path) >= 0) fail_msg("\"%s\" twice", path.ptr);
        for (size_t j = 0; j < i; j++)
            if (slice_eq(n->items[j].env, n->items[i].env)) fail_msg("\"%s\" twice", n->items[i].env.ptr);
    }
}

static void every_default_is_a_value_of_its_option(void **state)
{
    const struct config_names *n = *state;
    for (size_t i = 0; i < n->count; i++) {
        const struct config_option *o = n->items[i].option;
        assert_true(config_value_default(o).is_default);
        assert_true(o->min <= o->max);
        assert_true(o->type != CONFIG_BLOCK);
        assert_int_equal(o->type == CONFIG_ITEMS, o->table != NULL);
    }
}

static void each_name_is_found_by_path_and_by_variable(void **state)
{
    const struct config_names *n = *state;
    for (size_t i = 0; i < n->count; i++) {
        assert_ptr_equal(config_names_find(n, n->items[i].path), &n->items[i]);
        assert_ptr_equal(config_names_find_env(n, n->items[i].env), &n->items[i]);
    }
    assert_null(config_names_find(n, SLICE("")));
    assert_null(config_names_find(n, SLICE("client")));
    assert_null(config_names_find(n, SLICE("client.ping_interval.x")));
    assert_null(config_names_find_env(n, SLICE("CLIENT_PING_INTERVALS")));
}

static void a_section_is_what_options_are_below(void **state)
{
    const struct config_names *n = *state;
    assert_true(config_names_is_section(n, SLICE("client")));
    assert_true(config_names_is_section(n, SLICE("client.token")));
    assert_true(config_names_is_section(n, SLICE("engine.redis.tls")));
    assert_true(config_names_is_section(n, SLICE("channel.without_namespace.map")));
    assert_false(config_names_is_section(n, SLICE("clien")));
    assert_false(config_names_is_section(n, SLICE("pid_file")));
    assert_false(config_names_is_section(n, SLICE("zz")));
}

static void what_a_block_around_makes_idle_is_idle(void **state)
{
    const struct config_names *n = *state;
    assert_int_equal(config_names_find(n, SLICE("http_server.tls_autocert.enabled"))->state, CONFIG_REFUSE);
    assert_int_equal(config_names_find(n, SLICE("engine.redis.tls.enabled"))->state, CONFIG_PART);
    assert_int_equal(config_names_find(n, SLICE("client.proxy.connect.enabled"))->state, CONFIG_REFUSE);
    assert_int_equal(config_names_find(n, SLICE("client.proxy.connect.endpoint"))->state, CONFIG_PART);
    assert_int_equal(config_names_find(n, SLICE("client.token.hmac_secret_key"))->state, CONFIG_BUILT);
}

static void a_slip_of_the_pen_gets_a_guess(void **state)
{
    static const struct {
        const char *wrong, *right;
    } rows[] = {
        { "client.chanel_limit", "client.channel_limit" },
        { "http_server.prot", "http_server.port" },
        { "allowed_origins", "client.allowed_origins" },
        { "token_hmac_secret_key", "client.token.hmac_secret_key" },
        { "api_key", "http_api.key" },
        { "admin_password", "admin.password" },
        { "namespaces", "channel.namespaces" },
        { "client.allowedorigins", "client.allowed_origins" },
        { "xyzzy", NULL },
        { "", NULL },
    };
    const struct config_names *n = *state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct config_name *near = config_names_nearest(n, slice_from_cstr(rows[i].wrong));
        if (!rows[i].right) {
            assert_null(near);
            continue;
        }
        if (!near || !slice_eq(near->path, slice_from_cstr(rows[i].right)))
            fail_msg("\"%s\": \"%s\"", rows[i].wrong, near ? near->path.ptr : "");
    }
    char far[400];
    memset(far, 'a', sizeof far);
    assert_null(config_names_nearest(n, slice_of(far, sizeof far)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_sorted_unique_and_lower_case),
        cmocka_unit_test(every_default_is_a_value_of_its_option),
        cmocka_unit_test(each_name_is_found_by_path_and_by_variable),
        cmocka_unit_test(a_section_is_what_options_are_below),
        cmocka_unit_test(what_a_block_around_makes_idle_is_idle),
        cmocka_unit_test(a_slip_of_the_pen_gets_a_guess),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
