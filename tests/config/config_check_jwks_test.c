/* jwks_public_endpoint: addresses, and the patterns that may fill them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "config/support/config_try.h"

#include "base/check.h"

#define TOKEN(members)        "{\"client\":{\"token\":{" members "}}}"
#define SUBSCRIPTION(members) "{\"client\":{\"subscription_token\":{" members "}}}"
#define FILLED                "\"jwks_public_endpoint\":\"https://h/{{tenant}}/keys\""

/* complaint: part of what the report says; NULL = nothing, and the configuration is good. */
static void expect(const char *text, const char *complaint, bool starts)
{
    struct config_try t;
    config_try_load(&t, text, NULL);
    if ((t.config != NULL) != starts) fail_msg("%s", text);
    if ((t.report.count > 0) != (complaint != NULL)) fail_msg("%zu complaints: %s", t.report.count, text);
    if (complaint && !config_try_says(&t, complaint)) fail_msg("%s: %s", t.text.ptr, text);
    config_try_end(&t);
}

static void an_endpoint_that_is_no_address_stops_the_start(void **state)
{
    static const struct {
        const char *text, *complaint;
    } rows[] = {
        { TOKEN("\"jwks_public_endpoint\":\"x\""), "jwks_public_endpoint\" is no address that starts with http" },
        { TOKEN("\"jwks_public_endpoint\":\"https://\""), "without a host" },
        { TOKEN("\"jwks_public_endpoint\":\"https://{{a}}/x\""), "has a placeholder in its host" },
        { TOKEN("\"jwks_public_endpoint\":\"https://h/{{a\""), "has a {{ without its }}" },
        { SUBSCRIPTION("\"enabled\":true,\"jwks_public_endpoint\":\"x\""), "client.subscription_token.jwks" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) expect(rows[i].text, rows[i].complaint, false);
    expect(TOKEN("\"jwks_public_endpoint\":\"https://h/keys\""), NULL, true);
    expect(TOKEN("\"jwks_public_endpoint\":\"https://h/keys/\""), "every token is refused", true);
    expect(SUBSCRIPTION("\"jwks_public_endpoint\":\"x\""), NULL, true); /* not in use */
}

static void a_group_that_fills_the_address_is_a_list_of_fixed_words(void **state)
{
    static const struct {
        const char *group;
        bool is_list;
    } rows[] = {
        { "a", true },
        { "", true },
        { "one|two|three", true },
        { "host1\\\\.example\\\\.com|host2\\\\.example\\\\.com", true },
        { "fo|foo|", true },
        { "(one|two)-x|y", true },
        { "(?:a|b)c", true },
        { "(?P<inner>a|b)c", true },
        { "foo\\\\x41", true },
        { "a\\\\)b", true },
        { ".", false },
        { ".+", false },
        { "a*", false },
        { "a+", false },
        { "foo?", false },
        { "a{3}", false },
        { "foo|.", false },
        { "(a|b)+", false },
        { "a|(.)", false },
        { "(?i)a", false },
        { "(?=a)a", false },
        { "^a", false },
        { "\\\\bab", false },
        { "\\\\1", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[512];
        snprintf(text, sizeof text, TOKEN(FILLED ",\"issuer_regex\":\"^x-(?P<tenant>%s)$\""), rows[i].group);
        expect(text, rows[i].is_list ? NULL : "issuer_regex\" has a group in the address of the key set",
               rows[i].is_list);
        snprintf(text, sizeof text, TOKEN(FILLED ",\"audience_regex\":\"(?<tenant>%s)\""), rows[i].group);
        expect(text, rows[i].is_list ? NULL : "audience_regex\" has a group", rows[i].is_list);
        /* a group of another name does not fill it */
        snprintf(text, sizeof text, TOKEN(FILLED ",\"issuer_regex\":\"(?P<other>y%s)\""), rows[i].group);
        expect(text, NULL, true);
    }
}

static void a_class_of_characters_anywhere_stops_the_start_while_there_are_placeholders(void **state)
{
    static const char *const patterns[] = { "[a-z]+", "x\\\\d", "\\\\W", "\\\\pL", "(?P<other>[0-9])" };
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        char text[512];
        snprintf(text, sizeof text, TOKEN(FILLED ",\"issuer_regex\":\"%s\""), patterns[i]);
        expect(text, "has a class of characters", false);
        snprintf(text, sizeof text, TOKEN("\"jwks_public_endpoint\":\"https://h/k\",\"issuer_regex\":\"%s\""),
                 patterns[i]);
        expect(text, NULL, true);
    }
    expect(TOKEN(FILLED ",\"issuer_regex\":\"\\\\\\\\d\""), NULL, true); /* a backslash and a d */
}

static void the_check_can_be_skipped_with_a_warning(void **state)
{
    expect(TOKEN(FILLED ",\"issuer_regex\":\"(?P<tenant>.+)\",\"insecure_skip_jwks_endpoint_safety_check\":true"),
           "lets whoever writes a token choose the address", true);
}

static void the_endpoint_reaches_the_deployment(void **state)
{
    struct config_try t;
    config_try_load(&t, TOKEN("\"jwks_public_endpoint\":\"https://h/keys\""), NULL);
    assert_non_null(t.config);
    assert_string_equal(t.config->deployment->token.jwks_public_endpoint, "https://h/keys");
    assert_string_equal(t.config->deployment->subscription_token.jwks_public_endpoint, "");
    config_try_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_that_is_no_address_stops_the_start),
        cmocka_unit_test(a_group_that_fills_the_address_is_a_list_of_fixed_words),
        cmocka_unit_test(a_class_of_characters_anywhere_stops_the_start_while_there_are_placeholders),
        cmocka_unit_test(the_check_can_be_skipped_with_a_warning),
        cmocka_unit_test(the_endpoint_reaches_the_deployment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
