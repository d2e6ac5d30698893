#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "crypto/support/key_pair.h"

static EVP_PKEY *rsa, *p256;
static struct buf text, der;
static const char *why;

static int set_up(void **state)
{
    buf_init(&text, BUF_NO_LIMIT);
    buf_init(&der, BUF_NO_LIMIT);
    rsa = key_pair_rsa(2048);
    p256 = key_pair_ec("P-256");
    return 0;
}

static int tear_down(void **state)
{
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
    buf_deinit(&text);
    buf_deinit(&der);
    return 0;
}

/* The bits of the key in the text, 0 when it is refused. Nothing is left in the error queue. */
static unsigned read_bits(struct slice pem, enum crypto_key_type type)
{
    struct crypto_public_key *key = NULL;
    unsigned bits = 0;
    why = NULL;
    const enum status status = crypto_public_key_from_pem(pem, type, &key, &why);
    assert_int_equal(ERR_peek_error(), 0);
    assert_true(status == STATUS_OK || status == STATUS_MALFORMED);
    assert_true((status == STATUS_OK) == (why == NULL));
    if (status == STATUS_OK) {
        assert_int_equal(crypto_public_key_type(key), type);
        assert_non_null(crypto_public_key_native(key));
        bits = crypto_public_key_bits(key);
    }
    crypto_public_key_free(key);
    return bits;
}

static void expect_bits(EVP_PKEY *pair, enum crypto_key_type type, unsigned bits)
{
    buf_clear(&text);
    key_pair_public_pem(pair, &text);
    assert_int_equal(read_bits(buf_slice(&text), type), bits);
    buf_clear(&text);
    key_pair_certificate_pem(pair, &text);
    assert_int_equal(read_bits(buf_slice(&text), type), bits);
    EVP_PKEY_free(pair);
}

static void keys_and_certificates_of_every_good_kind_are_taken(void **state)
{
    expect_bits(key_pair_rsa(1024), CRYPTO_KEY_RSA, 1024);
    expect_bits(key_pair_rsa(1536), CRYPTO_KEY_RSA, 1536);
    expect_bits(key_pair_rsa(2048), CRYPTO_KEY_RSA, 2048);
    expect_bits(key_pair_ec("P-256"), CRYPTO_KEY_EC, 256);
    expect_bits(key_pair_ec("P-384"), CRYPTO_KEY_EC, 384);
    expect_bits(key_pair_ec("P-521"), CRYPTO_KEY_EC, 521);
}

static void expect_refused(EVP_PKEY *key, enum crypto_key_type type, const char *reason)
{
    buf_clear(&text);
    key_pair_public_pem(key, &text);
    assert_int_equal(read_bits(buf_slice(&text), type), 0);
    if (!strstr(why, reason)) fail_msg("said \"%s\", not \"%s\"", why, reason);
    EVP_PKEY_free(key);
}

static void keys_of_another_kind_are_refused_by_name(void **state)
{
    EVP_PKEY_up_ref(rsa);
    expect_refused(rsa, CRYPTO_KEY_EC, "not an ECDSA key");
    EVP_PKEY_up_ref(p256);
    expect_refused(p256, CRYPTO_KEY_RSA, "not an RSA key");
    expect_refused(key_pair_named("ED25519"), CRYPTO_KEY_RSA, "not an RSA key");
    expect_refused(key_pair_named("ED25519"), CRYPTO_KEY_EC, "not an ECDSA key");
    expect_refused(key_pair_named("RSA-PSS"), CRYPTO_KEY_RSA, "not an RSA key");
    expect_refused(key_pair_ec("P-224"), CRYPTO_KEY_EC, "another curve");
    expect_refused(key_pair_ec("secp256k1"), CRYPTO_KEY_EC, "another curve");
    expect_refused(key_pair_ec("brainpoolP256r1"), CRYPTO_KEY_EC, "another curve");
}

static void sizes_and_exponents_stop_at_their_limits(void **state)
{
    expect_refused(key_pair_rsa_odd(CRYPTO_RSA_BITS_MIN - 1, 65537), CRYPTO_KEY_RSA, "less than 1024 bits");
    expect_refused(key_pair_rsa_odd(CRYPTO_RSA_BITS_MAX + 1, 65537), CRYPTO_KEY_RSA, "more than 16384 bits");
    static const struct {
        unsigned bits;
        unsigned long exponent;
        bool good;
    } cases[] = {
        { CRYPTO_RSA_BITS_MIN, 65537, true },
        { CRYPTO_RSA_BITS_MAX, 65537, true },
        { 2048, 3, true },
        { 2048, 0x7fffffff, true },
        { 2048, 0x80000001, false },
        { 2048, 1, false },
        { 2048, 2, false },
        { 2048, 65536, false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        EVP_PKEY *key = key_pair_rsa_odd(cases[i].bits, cases[i].exponent);
        buf_clear(&text);
        key_pair_public_pem(key, &text);
        assert_int_equal(read_bits(buf_slice(&text), CRYPTO_KEY_RSA), cases[i].good ? cases[i].bits : 0);
        if (!cases[i].good) assert_non_null(strstr(why, "exponent"));
        EVP_PKEY_free(key);
    }
}

static void a_curve_that_is_spelt_out_is_refused(void **state)
{
    EVP_PKEY *pair = key_pair_ec("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(pair, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
    expect_refused(pair, CRYPTO_KEY_EC, "another curve");
}

/* der is the key of p256, whose last 65 bytes are the point; the length of what goes in is kept in its headers. */
static void expect_point_refused(struct slice point)
{
    struct slice all = buf_slice(&der);
    uint8_t bytes[256];
    const size_t head = all.len - 65;
    memcpy(bytes, all.ptr, head);
    memcpy(bytes + head, point.ptr, point.len);
    bytes[1] = (uint8_t)(head + point.len - 2);
    bytes[head - 2] = (uint8_t)(point.len + 1); /* before it: the number of unused bits */
    buf_clear(&text);
    key_pair_block("PUBLIC KEY", slice_of(bytes, head + point.len), &text);
    assert_int_equal(read_bits(buf_slice(&text), CRYPTO_KEY_EC), 0);
}

static void a_point_that_is_not_on_the_curve_is_refused(void **state)
{
    uint8_t point[65];
    buf_clear(&der);
    key_pair_public_der(p256, &der);
    memcpy(point, buf_slice(&der).ptr + buf_slice(&der).len - 65, 65);
    point[64] ^= 1;
    expect_point_refused(slice_of(point, 65));
    point[64] ^= 1;
    expect_point_refused(slice_of(point, 64));
    memset(point + 1, 0, 64);
    expect_point_refused(slice_of(point, 65));
    expect_point_refused(slice_of("\0", 1)); /* infinity */
}

static void private_keys_are_refused_as_such(void **state)
{
    EVP_PKEY *const pairs[] = { rsa, p256 };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        buf_clear(&text);
        key_pair_private_pem(pairs[i], &text);
        assert_int_equal(read_bits(buf_slice(&text), i ? CRYPTO_KEY_EC : CRYPTO_KEY_RSA), 0);
        assert_non_null(strstr(why, "is a private key"));
        buf_clear(&text);
        key_pair_pkcs1_pem(pairs[i], &text);
        assert_int_equal(read_bits(buf_slice(&text), i ? CRYPTO_KEY_EC : CRYPTO_KEY_RSA), 0);
        assert_non_null(strstr(why, "is a private key"));
    }
}

static void append(const char *cstr)
{
    buf_append(&text, slice_from_cstr(cstr));
}

/* The text of rsa with every line end replaced, between two other texts. */
static void write_with(const char *before, const char *line_end, const char *after)
{
    struct buf plain;
    buf_init(&plain, BUF_NO_LIMIT);
    key_pair_public_pem(rsa, &plain);
    buf_clear(&text);
    append(before);
    struct slice all = buf_slice(&plain);
    for (size_t i = 0; i < all.len; i++)
        if (all.ptr[i] == '\n')
            append(line_end);
        else
            buf_append(&text, slice_of(all.ptr + i, 1));
    append(after);
    buf_deinit(&plain);
}

static void what_stands_around_the_first_block_does_not_matter(void **state)
{
    static const struct {
        const char *before, *line_end, *after;
        bool good;
    } cases[] = {
        { "", "\n", "", true },
        { "", "\r\n", "", true },
        { "", " \n", "", true },
        { "the key of our login service\n\n", "\n", "", true },
        { "", "\n", "-----BEGIN NONSENSE-----\n", true },
        { "", "\\n", "", false },
        { "", " ", "", false },
        { "", "", "", false },
        { "x", "\n", "", false },
        { "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "\n", "", false },
        { "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "\n", "", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        write_with(cases[i].before, cases[i].line_end, cases[i].after);
        if (read_bits(buf_slice(&text), CRYPTO_KEY_RSA) != (cases[i].good ? 2048 : 0)) fail_msg("case %zu", i);
    }
}

/* As in Centrifugo, the content decides: a key in a block of any name, its base64 in lines of any length. */
static void the_name_of_the_block_and_its_line_length_do_not_matter(void **state)
{
    buf_clear(&der);
    buf_clear(&text);
    key_pair_public_der(rsa, &der);
    key_pair_block("RSA PUBLIC KEY", buf_slice(&der), &text);
    assert_int_equal(read_bits(buf_slice(&text), CRYPTO_KEY_RSA), 2048);

    struct buf folded;
    buf_init(&folded, BUF_NO_LIMIT);
    buf_append(&folded, buf_slice(&text));
    struct slice all = buf_slice(&folded);
    const ptrdiff_t first = slice_index(all, '\n'), last = slice_last_index(slice_head(all, all.len - 1), '\n');
    buf_clear(&text);
    for (size_t i = 0; i < all.len; i++)
        if (all.ptr[i] != '\n' || (ptrdiff_t)i == first || (ptrdiff_t)i >= last)
            buf_append(&text, slice_of(all.ptr + i, 1));
    assert_int_equal(read_bits(buf_slice(&text), CRYPTO_KEY_RSA), 2048);
    buf_deinit(&folded);
}

static void every_cut_is_refused(void **state)
{
    EVP_PKEY *const pairs[] = { rsa, p256 };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        const enum crypto_key_type type = i ? CRYPTO_KEY_EC : CRYPTO_KEY_RSA;
        buf_clear(&text);
        key_pair_public_pem(pairs[i], &text);
        struct slice all = buf_slice(&text);
        for (size_t len = 0; len + 1 < all.len; len++)
            if (read_bits(slice_head(all, len), type) != 0) fail_msg("cut at %zu of %zu", len, all.len);
        assert_true(read_bits(slice_head(all, all.len - 1), type) > 0); /* only the last line end is missing */

        buf_clear(&der);
        key_pair_public_der(pairs[i], &der);
        for (size_t len = 1; len < buf_slice(&der).len; len++) {
            buf_clear(&text);
            key_pair_block("PUBLIC KEY", slice_head(buf_slice(&der), len), &text);
            assert_int_equal(read_bits(buf_slice(&text), type), 0);
        }
        buf_append(&der, SLICE("\0"));
        buf_clear(&text);
        key_pair_block("PUBLIC KEY", buf_slice(&der), &text);
        assert_int_equal(read_bits(buf_slice(&text), type), 0);
        assert_non_null(strstr(why, "neither a public key"));
    }
}

static void text_may_be_as_long_as_the_limit_and_no_longer(void **state)
{
    write_with("", "\n", "");
    while (buf_slice(&text).len < CRYPTO_PEM_LEN_MAX) append("x");
    assert_int_equal(read_bits(buf_slice(&text), CRYPTO_KEY_RSA), 2048);
    append("x");
    assert_int_equal(read_bits(buf_slice(&text), CRYPTO_KEY_RSA), 0);
    assert_non_null(strstr(why, "longer than 64 KB"));
    assert_int_equal(read_bits((struct slice){ 0 }, CRYPTO_KEY_RSA), 0);
}

static void failed_allocation_is_told_and_leaks_nothing(void **state)
{
    struct crypto_public_key *key = NULL;
    write_with("", "\n", "");
    mem_fail_after(1);
    assert_int_equal(crypto_public_key_from_pem(buf_slice(&text), CRYPTO_KEY_RSA, &key, &why), STATUS_NO_MEMORY);
    mem_fail_after(0);
    assert_null(key);
    crypto_public_key_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_certificates_of_every_good_kind_are_taken),
        cmocka_unit_test(keys_of_another_kind_are_refused_by_name),
        cmocka_unit_test(sizes_and_exponents_stop_at_their_limits),
        cmocka_unit_test(a_curve_that_is_spelt_out_is_refused),
        cmocka_unit_test(a_point_that_is_not_on_the_curve_is_refused),
        cmocka_unit_test(private_keys_are_refused_as_such),
        cmocka_unit_test(what_stands_around_the_first_block_does_not_matter),
        cmocka_unit_test(the_name_of_the_block_and_its_line_length_do_not_matter),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(text_may_be_as_long_as_the_limit_and_no_longer),
        cmocka_unit_test(failed_allocation_is_told_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
