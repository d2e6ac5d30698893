#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto_hmac.h"

/* RFC 4231 sections 4.2 to 4.8, without the truncated case of 4.6. */
struct vector {
    char key_byte; /* repeated key_len times, or 0: key_text */
    size_t key_len;
    const char *key_text;
    char message_byte;
    size_t message_len;
    const char *message_text;
    const char *tags[3]; /* by enum crypto_digest */
};

static const struct vector vectors[] = {
    { 0x0b,
      20,
      NULL,
      0,
      0,
      "Hi There",
      { "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1"
        "70"
        "2e696c203a126854" } },
    { 0,
      0,
      "Jefe",
      0,
      0,
      "what do ya want for nothing?",
      { "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b"
        "4b"
        "636e070a38bce737" } },
    { (char)0xaa,
      20,
      NULL,
      (char)0xdd,
      50,
      NULL,
      { "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
        "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee894"
        "26"
        "74278859e13292fb" } },
    { (char)0xaa,
      131,
      NULL,
      0,
      0,
      "Test Using Larger Than Block-Size Key - Hash Key First",
      { "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0a"
        "ec"
        "8b915a985d786598" } },
};

static struct slice fill(char *room, char byte, size_t len, const char *text)
{
    if (text) return slice_from_cstr(text);
    memset(room, byte, len);
    return slice_of(room, len);
}

static void expect_tag(struct crypto_hmac *mac, struct slice message, const char *want)
{
    uint8_t tag[CRYPTO_HMAC_LEN_MAX];
    char hex[2 * CRYPTO_HMAC_LEN_MAX + 1] = { 0 };
    size_t len = crypto_hmac_sign(mac, message, tag);
    assert_int_equal(len, crypto_hmac_len(mac));
    hex_encode(tag, len, hex);
    assert_string_equal(hex, want);
    assert_true(crypto_hmac_verify(mac, message, slice_of(tag, len)));
}

static void tags_agree_with_rfc_4231(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        const struct vector *v = &vectors[i];
        char key_room[256], message_room[256];
        struct slice key = fill(key_room, v->key_byte, v->key_len, v->key_text);
        struct slice message = fill(message_room, v->message_byte, v->message_len, v->message_text);
        for (int digest = CRYPTO_SHA256; digest <= CRYPTO_SHA512; digest++) {
            struct crypto_hmac *mac = crypto_hmac_new((enum crypto_digest)digest, key);
            assert_non_null(mac);
            expect_tag(mac, message, v->tags[digest]);
            crypto_hmac_free(mac);
        }
    }
}

static void one_object_gives_the_same_tag_again_and_again(void **state)
{
    struct crypto_hmac *mac = crypto_hmac_new(CRYPTO_SHA256, SLICE("Jefe"));
    assert_non_null(mac);
    for (int i = 0; i < 5; i++) {
        expect_tag(mac, SLICE("what do ya want for nothing?"), vectors[1].tags[CRYPTO_SHA256]);
        assert_false(crypto_hmac_verify(mac, SLICE("something else"), SLICE("short")));
    }
    crypto_hmac_free(mac);
}

static void an_empty_key_is_a_key(void **state)
{
    struct crypto_hmac *mac = crypto_hmac_new(CRYPTO_SHA256, (struct slice){ 0 });
    assert_non_null(mac);
    expect_tag(mac, (struct slice){ 0 }, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    crypto_hmac_free(mac);
}

static void every_flipped_bit_and_every_other_length_is_refused(void **state)
{
    struct crypto_hmac *mac = crypto_hmac_new(CRYPTO_SHA384, SLICE("key"));
    assert_non_null(mac);
    uint8_t tag[CRYPTO_HMAC_LEN_MAX + 1] = { 0 };
    size_t len = crypto_hmac_sign(mac, SLICE("message"), tag);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(crypto_hmac_verify(mac, SLICE("message"), slice_of(tag, len)));
        tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t other = 0; other <= len + 1; other++)
        assert_int_equal(crypto_hmac_verify(mac, SLICE("message"), slice_of(tag, other)), other == len);
    crypto_hmac_free(mac);
}

static void a_duplicate_works_alone_after_the_first_is_freed(void **state)
{
    struct crypto_hmac *mac = crypto_hmac_new(CRYPTO_SHA256, SLICE("Jefe"));
    assert_non_null(mac);
    struct crypto_hmac *copy = crypto_hmac_dup(mac);
    assert_non_null(copy);
    crypto_hmac_free(mac);
    struct crypto_hmac *second = crypto_hmac_dup(copy);
    assert_non_null(second);
    expect_tag(copy, SLICE("what do ya want for nothing?"), vectors[1].tags[CRYPTO_SHA256]);
    expect_tag(second, SLICE("what do ya want for nothing?"), vectors[1].tags[CRYPTO_SHA256]);
    crypto_hmac_free(copy);
    crypto_hmac_free(second);
    crypto_hmac_free(NULL);
}

static void *verify_on_a_thread(void *context)
{
    uintptr_t good = 0;
    for (int round = 0; round < 50; round++) {
        struct crypto_hmac *mine = crypto_hmac_dup(context);
        uint8_t tag[CRYPTO_HMAC_LEN_MAX];
        for (int i = 0; i < 20; i++) {
            size_t len = crypto_hmac_sign(mine, SLICE("message"), tag);
            good += crypto_hmac_verify(mine, SLICE("message"), slice_of(tag, len));
        }
        crypto_hmac_free(mine);
    }
    return (void *)good; /* NOLINT: a count, not an address */
}

static void threads_duplicate_a_shared_object_at_once(void **state)
{
    struct crypto_hmac *shared = crypto_hmac_new(CRYPTO_SHA256, SLICE("key"));
    assert_non_null(shared);
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_on_a_thread, shared), 0);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        void *good = NULL;
        pthread_join(threads[i], &good);
        assert_int_equal((uintptr_t)good, 50 * 20);
    }
    crypto_hmac_free(shared);
}

static void failed_allocation_gives_null_and_leaks_nothing(void **state)
{
    mem_fail_after(1);
    assert_null(crypto_hmac_new(CRYPTO_SHA256, SLICE("key")));
    mem_fail_after(0);
    struct crypto_hmac *mac = crypto_hmac_new(CRYPTO_SHA256, SLICE("key"));
    assert_non_null(mac);
    mem_fail_after(1);
    assert_null(crypto_hmac_dup(mac));
    mem_fail_after(0);
    crypto_hmac_free(mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_agree_with_rfc_4231),
        cmocka_unit_test(one_object_gives_the_same_tag_again_and_again),
        cmocka_unit_test(an_empty_key_is_a_key),
        cmocka_unit_test(every_flipped_bit_and_every_other_length_is_refused),
        cmocka_unit_test(a_duplicate_works_alone_after_the_first_is_freed),
        cmocka_unit_test(threads_duplicate_a_shared_object_at_once),
        cmocka_unit_test(failed_allocation_gives_null_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
