/* The OpenAPI document has each route of the console's API and the project API, with the fields
 * of its body, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "api/api_family.h"
#include "console/console_openapi.h"
#include "console/console_route.h"
#include "json/json_reader.h"

#define DEPTH 32

/* The raw value of a member; ptr NULL = none. */
static struct slice member(struct slice object, struct slice name)
{
    struct json_reader r;
    struct json_string key;
    struct slice value, found = { 0 };
    if (!object.ptr) return found;
    json_reader_init(&r, object, DEPTH);
    if (!json_object_begin(&r)) return found;
    while (json_object_next(&r, &key) && json_raw(&r, &value))
        if (json_string_eq(key, name)) found = value;
    return found;
}

static unsigned member_count(struct slice object)
{
    struct json_reader r;
    struct json_string key;
    unsigned count = 0;
    json_reader_init(&r, object, DEPTH);
    if (json_object_begin(&r))
        while (json_object_next(&r, &key) && json_skip(&r)) count++;
    return count;
}

/* "/projects/{project}/keys" is "/projects/STAR/keys". */
static bool path_fits(struct slice path, const char *prefix, const char *pattern)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%s%s", prefix, pattern);
    const char *want = text;
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] == '{') {
            if (*want++ != '*') return false;
            while (path.ptr[i] != '}') i++;
        } else if (*want++ != path.ptr[i]) {
            return false;
        }
    }
    return *want == '\0';
}

static struct slice paths(void)
{
    const struct slice found = member(console_openapi(), SLICE("paths"));
    assert_non_null(found.ptr);
    return found;
}

/* What the document says of a path and a method; ptr NULL = nothing. */
static struct slice operation(const char *prefix, const char *pattern, struct slice method)
{
    struct json_reader r;
    struct json_string key;
    struct slice value, found = { 0 };
    json_reader_init(&r, paths(), DEPTH);
    assert_true(json_object_begin(&r));
    while (json_object_next(&r, &key) && json_raw(&r, &value))
        if (path_fits(key.raw, prefix, pattern) && member(value, method).ptr) found = member(value, method);
    return found;
}

static struct slice method_name(enum http_method method)
{
    switch (method) {
    case HTTP_METHOD_GET: return SLICE("get");
    case HTTP_METHOD_POST: return SLICE("post");
    case HTTP_METHOD_PUT: return SLICE("put");
    case HTTP_METHOD_PATCH: return SLICE("patch");
    case HTTP_METHOD_DELETE: return SLICE("delete");
    default: fail_msg("a route with another method"); return SLICE("");
    }
}

static struct slice body_fields(struct slice op)
{
    struct slice at = member(op, SLICE("requestBody"));
    static const char *const way[] = { "content", "application/json", "schema", "properties" };
    for (size_t i = 0; i < ARRAY_COUNT(way); i++) at = member(at, slice_from_cstr(way[i]));
    return at;
}

static void check_route(const struct console_route *route)
{
    const struct slice op = operation(CONSOLE_PREFIX, route->path, method_name(route->method));
    if (!op.ptr) fail_msg("%.*s %s is not in docs/openapi.json", SLICE_ARG(method_name(route->method)), route->path);
    if (!route->fields) return;
    const struct slice fields = body_fields(op);
    for (size_t i = 0; i < route->field_count; i++)
        if (!member(fields, route->fields[i].name).ptr)
            fail_msg("%s: the field %s is not in docs/openapi.json", route->path, route->fields[i].name.ptr);
    if (member_count(fields) != route->field_count)
        fail_msg("%s: docs/openapi.json has %u fields, the table %zu", route->path, member_count(fields),
                 route->field_count);
}

static void each_route_is_in_the_document_with_its_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < console_family_count; i++)
        for (size_t j = 0; j < console_families[i]->count; j++) check_route(&console_families[i]->items[j]);
    char pattern[64];
    for (size_t i = 0; api_project_name(i).ptr; i++) {
        (void)snprintf(pattern, sizeof pattern, "/%.*s", SLICE_ARG(api_project_name(i)));
        if (!operation("/api/realtime", pattern, SLICE("post")).ptr)
            fail_msg("POST /api/realtime%s is not in docs/openapi.json", pattern);
    }
}

static bool is_known(struct slice path, struct slice method)
{
    char pattern[64];
    for (size_t i = 0; i < console_family_count; i++)
        for (size_t j = 0; j < console_families[i]->count; j++) {
            const struct console_route *route = &console_families[i]->items[j];
            if (path_fits(path, CONSOLE_PREFIX, route->path) && slice_eq(method_name(route->method), method))
                return true;
        }
    for (size_t i = 0; api_project_name(i).ptr; i++) {
        (void)snprintf(pattern, sizeof pattern, "/%.*s", SLICE_ARG(api_project_name(i)));
        if (path_fits(path, "/api/realtime", pattern) && slice_eq(method, SLICE("post"))) return true;
    }
    return false;
}

static void the_document_has_nothing_that_is_not_there(void **state)
{
    (void)state;
    struct json_reader r, methods;
    struct json_string path, method;
    struct slice value;
    unsigned count = 0;
    assert_true(json_valid(console_openapi(), DEPTH));
    json_reader_init(&r, paths(), DEPTH);
    assert_true(json_object_begin(&r));
    while (json_object_next(&r, &path) && json_raw(&r, &value)) {
        json_reader_init(&methods, value, DEPTH);
        assert_true(json_object_begin(&methods));
        while (json_object_next(&methods, &method) && json_skip(&methods)) {
            if (!is_known(path.raw, method.raw))
                fail_msg("nothing answers %.*s %.*s", SLICE_ARG(method.raw), SLICE_ARG(path.raw));
            count++;
        }
    }
    assert_true(count > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_route_is_in_the_document_with_its_fields),
        cmocka_unit_test(the_document_has_nothing_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
