#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto_hash.h"

static void expect_hex(const uint8_t *digest, size_t len, const char *want)
{
    char hex[2 * CRYPTO_DIGEST_MAX + 1] = { 0 };
    hex_encode(digest, len, hex);
    assert_string_equal(hex, want);
}

static void sha1_agrees_with_its_standard(void **state)
{
    /* FIPS 180-2 appendix A.1 and A.2, the empty message, and the key of RFC 6455 section 1.3 */
    static const struct {
        const char *message, *digest;
    } cases[] = {
        { "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
        { "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11", "b37a4f2cc0624f1690f64606cf385945b2bec4ea" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint8_t digest[CRYPTO_SHA1_LEN];
        crypto_sha1(slice_from_cstr(cases[i].message), digest);
        expect_hex(digest, sizeof digest, cases[i].digest);
    }
}

static void sha256_agrees_with_its_standard(void **state)
{
    static const struct {
        const char *message, *digest;
    } cases[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint8_t digest[CRYPTO_SHA256_LEN];
        crypto_sha256(slice_from_cstr(cases[i].message), digest);
        expect_hex(digest, sizeof digest, cases[i].digest);
    }
}

static void a_million_letters_hash_as_published(void **state)
{
    char *message = mem_must_alloc(1000000);
    memset(message, 'a', 1000000);
    uint8_t digest[CRYPTO_SHA256_LEN];
    crypto_sha256(slice_of(message, 1000000), digest);
    mem_free(message);
    expect_hex(digest, sizeof digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_agrees_with_its_standard),
        cmocka_unit_test(sha256_agrees_with_its_standard),
        cmocka_unit_test(a_million_letters_hash_as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
