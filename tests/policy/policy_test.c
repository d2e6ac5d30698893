#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/policy.h"

#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

static char *copy(const char *text)
{
    char *c = mem_copy(slice_from_cstr(text));
    assert_non_null(c);
    return c;
}

static struct policy_deployment *deployment_of(const char *const *names, size_t count)
{
    struct policy_deployment *d = policy_deployment_new();
    d->private_prefix = copy("$");
    d->namespace_boundary = copy(":");
    d->namespaces = mem_must_alloc_zero((count + 1) * sizeof *d->namespaces);
    d->namespace_count = count;
    for (size_t i = 0; i < count; i++) {
        char error[64];
        d->namespaces[i].name = copy(names[i]);
        d->namespaces[i].options.history_size = (uint32_t)i + 1;
        d->namespaces[i].options.channel_regex = policy_regex_new(SLICE("^a"), error, sizeof error);
        assert_non_null(d->namespaces[i].options.channel_regex);
    }
    d->without_namespace.options.history_size = 1000;
    policy_deployment_seal(d);
    return d;
}

static struct policy *small_policy(void)
{
    static const char *const names[] = { "public", "chat", "private", "a.b", "x-y" };
    return policy_new(1, deployment_of(names, ARRAY_COUNT(names)), NULL, 0, NULL, 0);
}

static void a_channel_finds_its_namespace(void **state)
{
    static const struct {
        const char *channel;
        uint32_t history_size; /* tells which options; 0 = unknown namespace */
        bool is_private;
        const char *rest;
    } rows[] = {
        { "public:room_1", 1, false, "room_1" },
        { "chat:", 2, false, "" },
        { "private:a:b", 3, false, "a:b" },
        { "a.b:c", 4, false, "c" },
        { "x-y:c", 5, false, "c" },
        { "$public:room", 1, true, "room" },
        { "news", 1000, false, "news" },
        { "$news", 1000, true, "$news" },
        { "", 1000, false, "" },
        { "$", 1000, true, "$" },
        { ":x", 1000, false, "x" },
        { "$:x", 1000, true, "x" },
        { "nobody:x", 0, false, NULL },
        { "PUBLIC:x", 0, false, NULL },
        { "$$public:x", 0, true, NULL },
        { "publi:x", 0, false, NULL },
        { "publicc:x", 0, false, NULL },
    };
    (void)state;
    struct policy *p = small_policy();
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        bool is_private = false;
        struct slice rest = { 0 };
        const struct policy_channel_options *o =
            policy_channel_resolve(p, 0, slice_from_cstr(rows[i].channel), &is_private, &rest);
        assert_int_equal(o ? o->history_size : 0, rows[i].history_size);
        if (!o) continue;
        assert_int_equal(is_private, rows[i].is_private);
        if (!slice_eq(rest, slice_from_cstr(rows[i].rest))) fail_msg("rest of \"%s\"", rows[i].channel);
        assert_ptr_equal(policy_channel_resolve(p, 0, slice_from_cstr(rows[i].channel), NULL, NULL), o);
    }
    policy_unref(p);
}

static void empty_prefix_and_boundary_are_switched_off(void **state)
{
    (void)state;
    struct policy_deployment *d = policy_deployment_new();
    d->private_prefix = copy("");
    struct policy *p = policy_new(1, d, NULL, 0, NULL, 0);
    bool is_private = true;
    struct slice rest;
    assert_ptr_equal(policy_channel_resolve(p, 0, SLICE("$a:b"), &is_private, &rest), &d->without_namespace.options);
    assert_false(is_private);
    assert_true(slice_eq(rest, SLICE("$a:b")));
    policy_unref(p);
}

static void longer_boundaries_and_prefixes_work_too(void **state)
{
    static const char *const names[] = { "ns" };
    (void)state;
    struct policy_deployment *d = deployment_of(names, 1);
    mem_free(d->namespace_boundary);
    mem_free(d->private_prefix);
    d->namespace_boundary = copy("::");
    d->private_prefix = copy("priv-");
    struct policy *p = policy_new(1, d, NULL, 0, NULL, 0);
    bool is_private = false;
    struct slice rest;
    assert_ptr_equal(policy_channel_resolve(p, 0, SLICE("priv-ns::a:b"), &is_private, &rest),
                     &d->namespaces[0].options);
    assert_true(is_private);
    assert_true(slice_eq(rest, SLICE("a:b")));
    assert_ptr_equal(policy_channel_resolve(p, 0, SLICE(":"), &is_private, &rest), &d->without_namespace.options);
    policy_unref(p);
}

enum { PROJECTS = 300, KEYS = 700 };

static struct policy *big_policy(void)
{
    struct policy_project *projects = mem_must_alloc_zero(PROJECTS * sizeof *projects);
    struct policy_key *keys = mem_must_alloc_zero(KEYS * sizeof *keys);
    for (uint32_t i = 0; i < PROJECTS; i++) {
        (void)snprintf(projects[i].id, sizeof projects[i].id, "proj_%u", i);
        projects[i].space = (PROJECTS - i) * 3; /* neither sorted nor dense */
        projects[i].allowed_origins.items = mem_must_alloc(sizeof(char *));
        projects[i].allowed_origins.items[0] = copy("https://example.com");
        projects[i].allowed_origins.count = 1;
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        memset(keys[i].hash, (int)(i % 251), POLICY_KEY_HASH_LEN);
        keys[i].hash[31] = (uint8_t)(i / 251);
        keys[i].project = i % PROJECTS;
        keys[i].revoked = i % 2;
    }
    return policy_new(7, policy_deployment_new(), projects, PROJECTS, keys, KEYS);
}

static void projects_and_keys_are_found_and_others_are_not(void **state)
{
    (void)state;
    struct policy *p = big_policy();
    for (uint32_t i = 0; i < PROJECTS; i++) {
        assert_ptr_equal(policy_project_by_id(p, slice_from_cstr(p->projects[i].id)), &p->projects[i]);
        assert_ptr_equal(policy_project_by_space(p, p->projects[i].space), &p->projects[i]);
        assert_null(policy_project_by_space(p, p->projects[i].space + 1));
    }
    for (uint32_t i = 0; i < KEYS; i++) assert_ptr_equal(policy_key_by_hash(p, p->keys[i].hash), &p->keys[i]);
    uint8_t unknown[POLICY_KEY_HASH_LEN] = { 9, 9, 8 };
    assert_null(policy_key_by_hash(p, unknown));
    assert_null(policy_project_by_id(p, SLICE("proj_")));
    assert_null(policy_project_by_id(p, SLICE("")));
    assert_null(policy_project_by_space(p, 0));
    policy_unref(p);
}

static void a_policy_lives_until_its_last_reference_goes(void **state)
{
    (void)state;
    struct policy *p = big_policy();
    struct policy_deployment *d = policy_deployment_ref(p->deployment);
    assert_ptr_equal(policy_ref(p), p);
    policy_unref(p);
    assert_int_equal(p->version, 7);
    policy_unref(p);
    assert_null(d->namespaces);
    policy_deployment_unref(d);
    policy_unref(NULL);
    policy_deployment_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_finds_its_namespace),
        cmocka_unit_test(empty_prefix_and_boundary_are_switched_off),
        cmocka_unit_test(longer_boundaries_and_prefixes_work_too),
        cmocka_unit_test(projects_and_keys_are_found_and_others_are_not),
        cmocka_unit_test(a_policy_lives_until_its_last_reference_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
