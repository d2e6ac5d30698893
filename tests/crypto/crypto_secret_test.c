#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/crypto_secret.h"

static void only_the_same_bytes_are_equal(void **state)
{
    assert_true(crypto_equal(SLICE("secret"), SLICE("secret")));
    assert_true(crypto_equal((struct slice){ 0 }, SLICE("")));
    assert_false(crypto_equal(SLICE("secret"), SLICE("secreT")));
    assert_false(crypto_equal(SLICE("Secret"), SLICE("secret")));
    assert_false(crypto_equal(SLICE("secret"), SLICE("secret ")));
    assert_false(crypto_equal(SLICE("secret"), (struct slice){ 0 }));
}

static void a_wiped_secret_is_gone(void **state)
{
    char secret[] = "secret!";
    crypto_wipe(secret, 6);
    assert_memory_equal(secret, "\0\0\0\0\0\0!", 8);
    crypto_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_same_bytes_are_equal),
        cmocka_unit_test(a_wiped_secret_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
