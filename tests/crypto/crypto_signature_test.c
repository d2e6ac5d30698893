#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "crypto/support/key_pair.h"

enum { RSA_2048, RSA_1024, P256, P384, P521, PAIR_COUNT };
#define SCHEME_COUNT (CRYPTO_ES512 + 1)

static EVP_PKEY *pairs[PAIR_COUNT];
static struct crypto_public_key *keys[PAIR_COUNT];
static struct buf signature;

/* Which schemes each key serves; RSA keys serve the first three. */
static const bool fits[PAIR_COUNT][SCHEME_COUNT] = {
    { 1, 1, 1, 0, 0, 0 }, { 1, 1, 1, 0, 0, 0 }, { 0, 0, 0, 1, 0, 0 }, { 0, 0, 0, 0, 1, 0 }, { 0, 0, 0, 0, 0, 1 },
};

static struct crypto_public_key *public_half(EVP_PKEY *pair)
{
    struct crypto_public_key *key = NULL;
    struct buf pem;
    const char *why;
    buf_init(&pem, BUF_NO_LIMIT);
    key_pair_public_pem(pair, &pem);
    const enum crypto_key_type type = EVP_PKEY_is_a(pair, "RSA") ? CRYPTO_KEY_RSA : CRYPTO_KEY_EC;
    CHECK(crypto_public_key_from_pem(buf_slice(&pem), type, &key, &why) == STATUS_OK);
    buf_deinit(&pem);
    return key;
}

static int set_up(void **state)
{
    pairs[RSA_2048] = key_pair_rsa(2048);
    pairs[RSA_1024] = key_pair_rsa(1024);
    pairs[P256] = key_pair_ec("P-256");
    pairs[P384] = key_pair_ec("P-384");
    pairs[P521] = key_pair_ec("P-521");
    for (int i = 0; i < PAIR_COUNT; i++) keys[i] = public_half(pairs[i]);
    buf_init(&signature, BUF_NO_LIMIT);
    return 0;
}

static int tear_down(void **state)
{
    for (int i = 0; i < PAIR_COUNT; i++) {
        EVP_PKEY_free(pairs[i]);
        crypto_public_key_free(keys[i]);
    }
    buf_deinit(&signature);
    return 0;
}

static struct crypto_signature *check_new(enum crypto_scheme scheme, int pair)
{
    struct crypto_signature *check = crypto_signature_new(scheme, keys[pair]);
    assert_non_null(check);
    return check;
}

static bool verify(struct crypto_signature *check, struct slice message, struct slice tag)
{
    const bool good = crypto_signature_verify(check, message, tag);
    assert_int_equal(ERR_peek_error(), 0);
    return good;
}

/* Lengths of r and s vary: often enough to see leading zeros in both. */
static void signatures_of_every_scheme_are_good_again_and_again(void **state)
{
    for (int pair = 0; pair < PAIR_COUNT; pair++) {
        for (enum crypto_scheme scheme = CRYPTO_RS256; scheme <= CRYPTO_ES512; scheme++) {
            assert_int_equal(crypto_signature_fits(scheme, keys[pair]), fits[pair][scheme]);
            if (!fits[pair][scheme]) continue;
            struct crypto_signature *check = check_new(scheme, pair);
            for (int round = 0; round < (pair == P256 ? 600 : 40); round++) {
                struct slice message = slice_head(SLICE("a message of any length"), (size_t)round % 24);
                key_pair_sign(pairs[pair], scheme, message, &signature);
                assert_true(verify(check, message, buf_slice(&signature)));
                assert_false(verify(check, SLICE("another message"), buf_slice(&signature)));
            }
            crypto_signature_free(check);
        }
    }
}

static void every_flipped_bit_and_every_other_length_is_refused(void **state)
{
    static const struct {
        int pair;
        enum crypto_scheme scheme;
    } cases[] = { { RSA_1024, CRYPTO_RS256 }, { P256, CRYPTO_ES256 }, { P521, CRYPTO_ES512 } };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct crypto_signature *check = check_new(cases[i].scheme, cases[i].pair);
        uint8_t bytes[200] = { 0 };
        key_pair_sign(pairs[cases[i].pair], cases[i].scheme, SLICE("message"), &signature);
        const size_t len = buf_slice(&signature).len;
        memcpy(bytes, buf_slice(&signature).ptr, len);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(verify(check, SLICE("message"), slice_of(bytes, len)));
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t other = 0; other <= len + 1; other++)
            assert_int_equal(verify(check, SLICE("message"), slice_of(bytes, other)), other == len);
        crypto_signature_free(check);
    }
}

static void a_signature_counts_under_its_own_key_and_scheme_only(void **state)
{
    for (int signer = 0; signer < PAIR_COUNT; signer++) {
        for (enum crypto_scheme by = CRYPTO_RS256; by <= CRYPTO_ES512; by++) {
            if (!fits[signer][by]) continue;
            key_pair_sign(pairs[signer], by, SLICE("message"), &signature);
            for (int pair = 0; pair < PAIR_COUNT; pair++) {
                for (enum crypto_scheme scheme = CRYPTO_RS256; scheme <= CRYPTO_ES512; scheme++) {
                    if (!fits[pair][scheme]) continue;
                    struct crypto_signature *check = check_new(scheme, pair);
                    assert_int_equal(verify(check, SLICE("message"), buf_slice(&signature)),
                                     pair == signer && scheme == by);
                    crypto_signature_free(check);
                }
            }
        }
    }
}

static void numbers_at_the_edges_of_ecdsa_are_refused(void **state)
{
    static const size_t lens[] = { [P256] = 32, [P384] = 48, [P521] = 66 };
    for (int pair = P256; pair <= P521; pair++) {
        struct crypto_signature *check = check_new(CRYPTO_ES256 + (enum crypto_scheme)(pair - P256), pair);
        uint8_t bytes[2 * 66];
        const size_t len = 2 * lens[pair];
        for (int r = 0; r < 4; r++) {
            for (int s = 0; s < 4; s++) {
                memset(bytes, r == 3 ? 0xff : 0, len / 2);
                memset(bytes + len / 2, s == 3 ? 0xff : 0, len / 2);
                if (r == 1 || r == 2) bytes[len / 2 - 1] = (uint8_t)(r == 1 ? 1 : 0x80);
                if (s == 1 || s == 2) bytes[len - 1] = (uint8_t)(s == 1 ? 1 : 0x80);
                assert_false(verify(check, SLICE("message"), slice_of(bytes, len)));
            }
        }
        crypto_signature_free(check);
    }
}

/* Such a number is no residue: the library refuses it, and says nothing. */
static void an_rsa_signature_as_large_as_the_modulus_is_refused(void **state)
{
    struct crypto_signature *check = check_new(CRYPTO_RS256, RSA_1024);
    uint8_t bytes[128];
    memset(bytes, 0xff, sizeof bytes);
    assert_false(verify(check, SLICE("message"), slice_of(bytes, sizeof bytes)));
    memset(bytes, 0, sizeof bytes);
    assert_false(verify(check, SLICE("message"), slice_of(bytes, sizeof bytes)));
    crypto_signature_free(check);
}

static void a_check_outlives_its_key(void **state)
{
    struct crypto_public_key *key = public_half(pairs[P256]);
    struct crypto_signature *check = crypto_signature_new(CRYPTO_ES256, key);
    crypto_public_key_free(key);
    assert_non_null(check);
    key_pair_sign(pairs[P256], CRYPTO_ES256, SLICE("message"), &signature);
    assert_true(verify(check, SLICE("message"), buf_slice(&signature)));
    crypto_signature_free(check);
    crypto_signature_free(NULL);
}

static void an_error_of_somebody_else_stays_in_the_queue(void **state)
{
    struct crypto_signature *check = check_new(CRYPTO_RS256, RSA_1024);
    uint8_t bytes[128];
    memset(bytes, 0xff, sizeof bytes);
    ERR_raise(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT);
    assert_false(crypto_signature_verify(check, SLICE("message"), slice_of(bytes, sizeof bytes)));
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), ERR_R_PASSED_INVALID_ARGUMENT);
    assert_int_equal(ERR_get_error(), 0);
    crypto_signature_free(check);
}

static void *verify_on_a_thread(void *context)
{
    uintptr_t good = 0;
    const struct slice *tags = context;
    for (int round = 0; round < 20; round++) {
        struct crypto_signature *one = crypto_signature_new(CRYPTO_RS256, keys[RSA_2048]);
        struct crypto_signature *two = crypto_signature_new(CRYPTO_ES256, keys[P256]);
        for (int i = 0; i < 5; i++) {
            good += one && crypto_signature_verify(one, SLICE("message"), tags[0]);
            good += two && crypto_signature_verify(two, SLICE("message"), tags[1]);
        }
        crypto_signature_free(one);
        crypto_signature_free(two);
    }
    return (void *)good; /* NOLINT: a count, not an address */
}

static void threads_work_under_a_shared_key_at_once(void **state)
{
    struct buf other;
    buf_init(&other, BUF_NO_LIMIT);
    key_pair_sign(pairs[RSA_2048], CRYPTO_RS256, SLICE("message"), &signature);
    key_pair_sign(pairs[P256], CRYPTO_ES256, SLICE("message"), &other);
    struct slice tags[] = { buf_slice(&signature), buf_slice(&other) };
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_on_a_thread, tags), 0);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        void *good = NULL;
        pthread_join(threads[i], &good);
        assert_int_equal((uintptr_t)good, 20 * 5 * 2);
    }
    buf_deinit(&other);
}

static void failed_allocation_gives_null_and_leaks_nothing(void **state)
{
    mem_fail_after(1);
    assert_null(crypto_signature_new(CRYPTO_RS256, keys[RSA_2048]));
    mem_fail_after(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_of_every_scheme_are_good_again_and_again),
        cmocka_unit_test(every_flipped_bit_and_every_other_length_is_refused),
        cmocka_unit_test(a_signature_counts_under_its_own_key_and_scheme_only),
        cmocka_unit_test(numbers_at_the_edges_of_ecdsa_are_refused),
        cmocka_unit_test(an_rsa_signature_as_large_as_the_modulus_is_refused),
        cmocka_unit_test(a_check_outlives_its_key),
        cmocka_unit_test(an_error_of_somebody_else_stays_in_the_queue),
        cmocka_unit_test(threads_work_under_a_shared_key_at_once),
        cmocka_unit_test(failed_allocation_gives_null_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
