#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/crypto_random.h"

#define SAMPLES 2000

static int compare_uuids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_uuid4(const char *s)
{
    if (strlen(s) != CRYPTO_UUID_LEN || s[14] != '4' || !strchr("89ab", s[19])) return false;
    for (int i = 0; i < CRYPTO_UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !strchr("0123456789abcdef", s[i])) return false;
    }
    return true;
}

static void uuids_are_version_4_and_never_meet(void **state)
{
    static char uuids[SAMPLES][CRYPTO_UUID_LEN + 1];
    for (int i = 0; i < SAMPLES; i++) {
        crypto_uuid4(uuids[i]);
        assert_true(is_uuid4(uuids[i]));
    }
    qsort(uuids, SAMPLES, sizeof uuids[0], compare_uuids);
    for (int i = 1; i < SAMPLES; i++) assert_string_not_equal(uuids[i - 1], uuids[i]);
}

static void exactly_the_asked_bytes_are_written(void **state)
{
    for (size_t len = 0; len <= 64; len++) {
        uint8_t seen[64] = { 0 };
        for (int round = 0; round < 64; round++) {
            uint8_t room[66] = { 0 };
            crypto_random(room + 1, len);
            assert_int_equal(room[0], 0);
            assert_int_equal(room[1 + len], 0);
            for (size_t i = 0; i < len; i++) seen[i] |= room[1 + i];
        }
        /* 64 rounds leave a byte at zero with probability 2^-512 */
        for (size_t i = 0; i < len; i++) assert_int_not_equal(seen[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uuids_are_version_4_and_never_meet),
        cmocka_unit_test(exactly_the_asked_bytes_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
