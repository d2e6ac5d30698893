/* Addresses of key sets: what may be configured, and what a token may make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/auth_endpoint.h"
#include "base/check.h"

static struct arena arena;

static int set_up(void **state)
{
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    arena_deinit(&arena);
    return 0;
}

static void an_endpoint_is_an_address_with_a_host_of_its_own(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        { "https://keys.example.com/jwks.json", true },
        { "HTTP://127.0.0.1:8080", true },
        { "http://h/{{a}}/{{b}}?x={{c}}", true },
        { "http://h/{{}}", true },
        { "http://h/a}}b", true },
        { "", false },
        { "x", false },
        { "ftp://h/x", false },
        { "http://", false },
        { "http:///x", false },
        { "http://{{a}}.h/x", false },
        { "http://h:{{a}}/x", false },
        { "http://h/{{a", false },
        { "http://h/{{a}}{{b", false },
        { "http://h/a b", false },
        { "http://h/a\nb", false },
        { "http://h/\xc3\xa4", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if ((auth_endpoint_trouble(slice_from_cstr(rows[i].text)) == NULL) != rows[i].is_good)
            fail_msg("%s", rows[i].text);
    char text[AUTH_ENDPOINT_LEN_MAX + 1];
    memset(text, 'x', sizeof text);
    memcpy(text, "http://h/", 9);
    assert_null(auth_endpoint_trouble(slice_of(text, AUTH_ENDPOINT_LEN_MAX)));
    assert_non_null(auth_endpoint_trouble(slice_of(text, AUTH_ENDPOINT_LEN_MAX + 1)));
}

static void a_path_is_clean_when_nothing_in_it_moves(void **state)
{
    static const struct {
        const char *url;
        bool is_clean;
    } rows[] = {
        { "http://h", true },
        { "http://h/", true },
        { "http://h/a/b", true },
        { "http://h/a/...", true },
        { "http://h/.well-known/x", true },
        { "http://h/a%2db", true },
        { "http://h?x=/../", true },
        { "http://h/a#../..", true },
        { "http://h/a/", false },
        { "http://h//a", false },
        { "http://h/a//b", false },
        { "http://h/.", false },
        { "http://h/..", false },
        { "http://h/a/../b", false },
        { "http://h/a/./b", false },
        { "http://h/%2e%2E", false },
        { "http://h/a%2f..%2Fb", false },
        { "http://h/a/%2e", false },
        { "http://h/%", false },
        { "http://h/%2", false },
        { "http://h/%zz", false },
        { "http://h/a/..?x", false },
        { "http://h/%2f", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (auth_endpoint_path_is_clean(slice_from_cstr(rows[i].url)) != rows[i].is_clean) fail_msg("%s", rows[i].url);
}

static struct slice value_of(void *context, struct slice name)
{
    return slice_eq(name, SLICE("a")) ? slice_from_cstr(context) : (struct slice){ 0 };
}

static void values_are_put_in_unless_they_climb_out(void **state)
{
    static const struct {
        const char *text, *value, *want; /* NULL = refused */
    } rows[] = {
        { "http://h/{{a}}/k", "one", "http://h/one/k" },
        { "http://h/x-{{a}}-{{a}}", "1", "http://h/x-1-1" },
        { "http://h/k?t={{a}}", "..", "http://h/k?t=.." },
        { "http://h/x{{other}}", "1", "http://h/x" },
        { "http://h/k", "..", "http://h/k" },
        { "http://h/{{a}}/k", "", NULL },
        { "http://h/{{a}}/k", "..", NULL },
        { "http://h/{{a}}/k", "%2e%2e", NULL },
        { "http://h/{{a}}/k", "a b", NULL },
        { "http://h/{{a}}/k", "a\r\nb", NULL },
        { "http://h/{{a}}/k", "{{a}}", "http://h/{{a}}/k" }, /* not read again */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct slice url = { 0 };
        const char *why = NULL;
        char value[64];
        strcpy(value, rows[i].value);
        arena_reset(&arena);
        enum status status = auth_endpoint_resolve(slice_from_cstr(rows[i].text), value_of, value, &arena, &url, &why);
        if ((status == STATUS_OK) != (rows[i].want != NULL)) fail_msg("row %zu", i);
        if (rows[i].want && !slice_eq(url, slice_from_cstr(rows[i].want))) fail_msg("row %zu: %.*s", i, SLICE_ARG(url));
        assert_true((why == NULL) == (status == STATUS_OK));
    }
}

static void an_address_is_bounded(void **state)
{
    char value[AUTH_ENDPOINT_LEN_MAX];
    struct slice url;
    const char *why;
    memset(value, 'x', sizeof value);
    value[sizeof value - 10] = '\0'; /* "http://h/" has nine */
    assert_int_equal(auth_endpoint_resolve(SLICE("http://h/{{a}}"), value_of, value, &arena, &url, &why), STATUS_OK);
    assert_int_equal(auth_endpoint_resolve(SLICE("http://h/{{a}}xx"), value_of, value, &arena, &url, &why),
                     STATUS_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_is_an_address_with_a_host_of_its_own),
        cmocka_unit_test(a_path_is_clean_when_nothing_in_it_moves),
        cmocka_unit_test(values_are_put_in_unless_they_climb_out),
        cmocka_unit_test(an_address_is_bounded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
