/* The chains of rows CH-03 to CH-06 and CH-13 to CH-19 as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "engine/rules.h"

static char *owned(const char *text)
{
    char *c = mem_copy(slice_from_cstr(text));
    assert_non_null(c);
    return c;
}

static struct policy *policy_with(struct policy_channel_options options, bool insecure)
{
    struct policy_deployment *d = policy_deployment_new();
    d->private_prefix = owned("$");
    d->namespace_boundary = owned(":");
    d->user_boundary = owned("#");
    d->user_separator = owned(",");
    d->insecure = insecure;
    d->namespaces = mem_must_alloc_zero(sizeof *d->namespaces);
    d->namespace_count = 1;
    d->namespaces[0].name = owned("ns");
    d->namespaces[0].options = options;
    d->without_namespace.options = options;
    policy_deployment_seal(d);
    struct policy_project *projects = mem_must_alloc_zero(sizeof *projects);
    memcpy(projects[0].id, "p", 2);
    return policy_new(1, d, projects, 1, mem_must_alloc_zero(sizeof(struct policy_key)), 0);
}

static void a_name_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *name, *rest;
        uint32_t error;
        bool is_private, limited;
    } rows[] = {
        { "a", "a", 0, false, false },
        { "ns:a", "a", 0, false, false },
        { "ns:a:b", "a:b", 0, false, false },
        { "ns:", "", 0, false, false },
        { "$a", NULL, 0, true, false },
        { "$ns:a", "a", 0, true, false },
        { ":a", NULL, 0, false, false }, /* an empty namespace is none, as in the reference */
        { "n:a", NULL, CLIENT_ERROR_UNKNOWN_CHANNEL, false, false },
        { "nss:a", NULL, CLIENT_ERROR_UNKNOWN_CHANNEL, false, false },
        { "$n:a", NULL, CLIENT_ERROR_UNKNOWN_CHANNEL, false, false },
        { "ns:a#u", "a#u", 0, false, true },
        { "a#", NULL, 0, false, true },
        { "#", NULL, 0, false, true },
        { "$ns:a#u", NULL, 0, true, true },
        { "ns:\xc3\xa4", NULL, CLIENT_ERROR_BAD_REQUEST, false, false },
        { "ns:\x7f", "\x7f", 0, false, false },
    };
    struct policy *p = policy_with((struct policy_channel_options){ .allow_user_limited_channels = true }, false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rules_channel c;
        print_message("  %s\n", rows[i].name);
        assert_int_equal(rules_resolve(p, 0, slice_from_cstr(rows[i].name), true, &c), rows[i].error);
        if (rows[i].error) continue;
        assert_int_equal(c.is_private, rows[i].is_private);
        assert_int_equal(c.is_user_limited, rows[i].limited);
        if (rows[i].rest) assert_true(slice_eq(c.rest, slice_from_cstr(rows[i].rest)));
    }
    struct rules_channel c;
    assert_int_equal(rules_resolve(p, 0, SLICE("ns:\xc3\xa4"), false, &c), 0); /* a backend may */
    policy_unref(p);
}

static void a_regex_replaces_the_check_for_ascii(void **state)
{
    (void)state;
    char error[128];
    struct policy_regex *regex = policy_regex_new(SLICE("^\xc3\xa4|b$"), error, sizeof error);
    assert_non_null(regex);
    struct policy *p = policy_with((struct policy_channel_options){ .channel_regex = NULL }, false);
    p->deployment->namespaces[0].options.channel_regex = regex;
    struct rules_channel c;
    assert_int_equal(rules_resolve(p, 0, SLICE("ns:\xc3\xa4x"), true, &c), 0);
    assert_int_equal(rules_resolve(p, 0, SLICE("ns:ab"), true, &c), 0);
    assert_int_equal(rules_resolve(p, 0, SLICE("ns:a"), true, &c), CLIENT_ERROR_BAD_REQUEST);
    assert_int_equal(rules_resolve(p, 0, SLICE("ns:a"), false, &c), 0);
    policy_unref(p);
}

/* Every combination against the chain written as one expression. */
static void subscribing_without_a_token_follows_its_chain(void **state)
{
    (void)state;
    static const char *const names[] = { "ns:a", "$ns:a", "ns:a#ann", "ns:a#bob", "ns:a#", "ns:a#bob,ann" };
    for (unsigned bits = 0; bits < 32; bits++) {
        struct policy_channel_options o = { .subscribe = { .client = bits & 1, .anonymous = bits & 2 },
                                            .allow_user_limited_channels = bits & 4 };
        bool insecure = bits & 8;
        struct rules_identity who = { .user = bits & 16 ? SLICE("ann") : SLICE("") };
        struct policy *p = policy_with(o, insecure);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            struct rules_channel c;
            assert_int_equal(rules_resolve(p, 0, slice_from_cstr(names[i]), true, &c), 0);
            bool listed = i == 2 || i == 5 ? who.user.len > 0 : i == 4 ? who.user.len == 0 : false;
            bool limited = o.allow_user_limited_channels && i >= 2;
            bool open = o.subscribe.client && (who.user.len > 0 || o.subscribe.anonymous);
            bool allowed = i != 1 && ((limited ? listed : open) || insecure);
            assert_int_equal(rules_subscribe(p, &c, slice_from_cstr(names[i]), &who),
                             allowed ? 0 : CLIENT_ERROR_PERMISSION_DENIED);
        }
        policy_unref(p);
    }
}

static void operations_follow_their_chains(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 128; bits++) {
        struct policy_permission permission = { .client = bits & 1, .subscriber = bits & 2, .anonymous = bits & 4 };
        bool insecure = bits & 8, on = bits & 16;
        struct rules_identity who = { .user = bits & 32 ? SLICE("ann") : SLICE(""), .subscribed = bits & 64 };
        struct policy_channel_options o = { .publish = permission,
                                            .history_access = permission,
                                            .presence_access = permission,
                                            .presence = on,
                                            .history_size = on,
                                            .history_ttl_ms = on };
        struct policy *p = policy_with(o, insecure);
        struct rules_channel c;
        assert_int_equal(rules_resolve(p, 0, SLICE("ns:a"), true, &c), 0);
        bool may = insecure || ((who.user.len > 0 || permission.anonymous) &&
                                (permission.client || (permission.subscriber && who.subscribed)));
        uint32_t wanted = may ? 0 : CLIENT_ERROR_PERMISSION_DENIED;
        assert_int_equal(rules_allow(p, &c, RULES_PUBLISH, &who), wanted);
        assert_int_equal(rules_allow(p, &c, RULES_HISTORY, &who), on ? wanted : CLIENT_ERROR_NOT_AVAILABLE);
        assert_int_equal(rules_allow(p, &c, RULES_PRESENCE, &who), on ? wanted : CLIENT_ERROR_NOT_AVAILABLE);
        policy_unref(p);
    }
}

static void data_has_the_format_of_its_namespace(void **state)
{
    (void)state;
    static const struct {
        enum policy_data_format format;
        const char *data;
        bool is_json, fits;
    } rows[] = {
        { POLICY_FORMAT_NOT_EMPTY, "", true, false },
        { POLICY_FORMAT_NOT_EMPTY, "x", false, true },
        { POLICY_FORMAT_JSON, "1", true, true },
        { POLICY_FORMAT_JSON, "x", false, false },
        { POLICY_FORMAT_JSON, "", true, false },
        { POLICY_FORMAT_JSON_OBJECT, "{}", true, true },
        { POLICY_FORMAT_JSON_OBJECT, " \t\r\n{}", true, true },
        { POLICY_FORMAT_JSON_OBJECT, "[{}]", true, false },
        { POLICY_FORMAT_JSON_OBJECT, "{", false, false },
        { POLICY_FORMAT_JSON_OBJECT, " ", true, false },
        { POLICY_FORMAT_BINARY, "", false, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy_channel_options o = { .data_format = rows[i].format };
        assert_int_equal(rules_data_fits(&o, slice_from_cstr(rows[i].data), rows[i].is_json), rows[i].fits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_taken_apart),
        cmocka_unit_test(a_regex_replaces_the_check_for_ascii),
        cmocka_unit_test(subscribing_without_a_token_follows_its_chain),
        cmocka_unit_test(operations_follow_their_chains),
        cmocka_unit_test(data_has_the_format_of_its_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
