/* client.token.rsa_public_key and ecdsa_public_key: PEM text, checked before the start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/support/config_try.h"

#include "base/check.h"

/* As they stand in JSON: RFC 7515 appendices A.2 and A.3, and others. */
#define RSA_2048                                                                                                       \
    "-----BEGIN PUBLIC KEY-----\\n"                                                                                    \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\\n"                                              \
    "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\\n"                                              \
    "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\\n"                                              \
    "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\\n"                                              \
    "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\\n"                                              \
    "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\\n"                                              \
    "oQIDAQAB\\n"                                                                                                      \
    "-----END PUBLIC KEY-----\\n"
#define RSA_1024                                                                                                       \
    "-----BEGIN PUBLIC KEY-----\\n"                                                                                    \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDsSOeOxBcICQGVEAm3M67RWD4K\\n"                                              \
    "RBTimFqt9bbF12mwmMQQupZFOv34T+e/qxYK3+euKNu3YmUfQrNS+Hp8GRUL0XwC\\n"                                              \
    "RD9a2S5cdem1B3SuoikxL9HN8tZiGWxrv/tehb4y5DluY8BRhCkzyEjRTT1/a8PQ\\n"                                              \
    "yeOYVmxTrwuNMa2RUwIDAQAB\\n"                                                                                      \
    "-----END PUBLIC KEY-----\\n"
#define P256                                                                                                           \
    "-----BEGIN PUBLIC KEY-----\\n"                                                                                    \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\\n"                                              \
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\\n"                                                  \
    "-----END PUBLIC KEY-----\\n"
#define SECP256K1                                                                                                      \
    "-----BEGIN PUBLIC KEY-----\\n"                                                                                    \
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAETzqJ595oAONknXK0cjF72DTwc0gZwPq6\\n"                                              \
    "HEqXi3xsBuJA+2lUC0VDhX+68lQBhUUncQR+/RQH9Du4doMutQ5e7g==\\n"                                                      \
    "-----END PUBLIC KEY-----\\n"
#define PRIVATE "-----BEGIN EC PRIVATE KEY-----\\naHVzaA==\\n-----END EC PRIVATE KEY-----\\n"

#define TOKEN(option, value) "{\"client\":{\"token\":{\"" option "\":\"" value "\"}}}"
#define SUBSCRIPTION(enabled, option, value)                                                                           \
    "{\"client\":{\"subscription_token\":{\"enabled\":" enabled ",\"" option "\":\"" value "\"}}}"

static void good_keys_reach_the_deployment_as_they_are(void **state)
{
    struct config_try t;
    (void)state;
    config_try_load(&t,
                    "{\"client\":{\"token\":{\"rsa_public_key\":\"" RSA_2048 "\",\"ecdsa_public_key\":\"" P256 "\"},"
                    "\"subscription_token\":{\"enabled\":true,\"ecdsa_public_key\":\"" P256 "\"}}}",
                    NULL);
    assert_non_null(t.config);
    assert_int_equal(t.report.count, 0);
    const struct policy_deployment *d = t.config->deployment;
    const char *head = "-----BEGIN PUBLIC KEY-----\nM";
    assert_memory_equal(d->token.rsa_public_key, head, strlen(head));
    assert_memory_equal(d->token.ecdsa_public_key, head, strlen(head));
    assert_string_not_equal(d->token.rsa_public_key, d->token.ecdsa_public_key);
    assert_string_equal(d->subscription_token.ecdsa_public_key, d->token.ecdsa_public_key);
    assert_string_equal(d->subscription_token.rsa_public_key, "");
    config_try_end(&t);
}

static void the_environment_may_hold_a_key_with_its_line_ends(void **state)
{
    char variable[] = "CENTRIFUGO_CLIENT_TOKEN_ECDSA_PUBLIC_KEY=-----BEGIN PUBLIC KEY-----\n"
                      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                      "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                      "-----END PUBLIC KEY-----";
    char *const variables[] = { variable, NULL };
    struct config_try t;
    (void)state;
    config_try_load(&t, "{}", variables);
    assert_non_null(t.config);
    assert_string_equal(t.config->deployment->token.ecdsa_public_key, strchr(variable, '=') + 1);
    config_try_end(&t);
}

static void a_bad_key_stops_with_a_sentence_that_does_not_show_it(void **state)
{
    static const struct {
        const char *json, *sentence;
    } rows[] = {
        { TOKEN("rsa_public_key", "hush"), "option \"client.token.rsa_public_key\" is not PEM text" },
        { TOKEN("ecdsa_public_key", "/etc/hush.pem"), "option \"client.token.ecdsa_public_key\" is not PEM text" },
        { TOKEN("rsa_public_key", P256), "is a key, but not an RSA key" },
        { TOKEN("ecdsa_public_key", RSA_2048), "is a key, but not an ECDSA key" },
        { TOKEN("ecdsa_public_key", SECP256K1), "is a key on another curve, allowed are P-256 (ES256)" },
        { TOKEN("ecdsa_public_key", PRIVATE), "is a private key, which must stay with whoever signs" },
        { "{\"client\":{\"token\":{\"rsa_public_key\":[\"hush\"]}}}", "\"client.token.rsa_public_key\" is a list" },
        { TOKEN("rsa_public_key", "hush\\u0000"), "\"client.token.rsa_public_key\" is \"(hidden)\"" },
        { TOKEN("ecdsa_public_key", "hush\\u0000"), "\"client.token.ecdsa_public_key\" is \"(hidden)\"" },
        { SUBSCRIPTION("true", "rsa_public_key", "hush"), "\"client.subscription_token.rsa_public_key\" is not PEM" },
        { SUBSCRIPTION("true", "ecdsa_public_key", "hush"),
          "\"client.subscription_token.ecdsa_public_key\" is not PEM" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct config_try t;
        config_try_load(&t, rows[i].json, NULL);
        assert_null(t.config);
        if (!config_try_says(&t, rows[i].sentence)) fail_msg("%s, not %s", t.text.ptr, rows[i].sentence);
        if (config_try_says(&t, "hush") || config_try_says(&t, "aHVz")) fail_msg("%s", t.text.ptr);
        config_try_end(&t);
    }
}

static void a_short_rsa_key_only_warns(void **state)
{
    struct config_try t;
    (void)state;
    config_try_load(&t, TOKEN("rsa_public_key", RSA_1024), NULL);
    assert_non_null(t.config);
    assert_int_equal(t.report.count, 1);
    assert_true(config_try_says(&t, "warning: option \"client.token.rsa_public_key\" is an RSA key of 1024 bits"));
    config_try_end(&t);
}

static void a_key_for_subscriptions_that_are_off_is_not_looked_at(void **state)
{
    struct config_try t;
    (void)state;
    config_try_load(&t, SUBSCRIPTION("false", "rsa_public_key", "hush"), NULL);
    assert_non_null(t.config);
    assert_int_equal(t.report.count, 0);
    config_try_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_keys_reach_the_deployment_as_they_are),
        cmocka_unit_test(the_environment_may_hold_a_key_with_its_line_ends),
        cmocka_unit_test(a_bad_key_stops_with_a_sentence_that_does_not_show_it),
        cmocka_unit_test(a_short_rsa_key_only_warns),
        cmocka_unit_test(a_key_for_subscriptions_that_are_off_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
