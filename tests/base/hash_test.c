#include "base/support/cm.h"

#include "base/check.h"
#include "base/hash.h"

static const uint8_t zero_key[16];

static uint64_t le64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

/* SipHash-1-3 of the first len bytes of 00 01 02 ...: the salt is the message's head. */
static uint64_t hash_of_counting_bytes(size_t len)
{
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)i;
    return hash_bytes(slice_of(bytes + 8, len - 8), le64(bytes));
}

/* From an independent implementation of SipHash-1-3: CPython's, whose key is zero when hash
 * randomisation is off. */
static void known_values_of_siphash_1_3_come_out(void **state)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {
        { 8, 0xead411e67ebe2eea },  { 9, 0x75927f9d95124362 },  { 15, 0xf30eb725bb91c9ea }, { 16, 0x8972188433a5c5b7 },
        { 17, 0x4883c49a2c009c1d }, { 23, 0x37332b1389daa4ff }, { 24, 0x31185a47af932f3a }, { 63, 0x385d3e39e5f37359 },
    };
    hash_seed(zero_key);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) assert_int_equal(hash_of_counting_bytes(rows[i].len), rows[i].hash);
}

static void one_bit_of_key_salt_or_input_changes_the_hash(void **state)
{
    uint64_t plain = hash_bytes(SLICE("news"), 1);
    assert_int_equal(plain, hash_bytes(SLICE("news"), 1));
    assert_true(plain != hash_bytes(SLICE("news"), 2));
    assert_true(plain != hash_bytes(SLICE("newr"), 1));
    assert_true(plain != hash_bytes(SLICE("news\0"), 1));
    uint8_t key[16] = { 0 };
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = 1;
        hash_seed(key);
        assert_true(plain != hash_bytes(SLICE("news"), 1));
        key[i] = 0;
    }
    hash_seed(zero_key);
    assert_int_equal(plain, hash_bytes(SLICE("news"), 1));
}

static void an_empty_input_without_pointer_is_hashed(void **state)
{
    assert_int_equal(hash_bytes((struct slice){ 0 }, 7), hash_bytes(SLICE(""), 7));
}

static void unaligned_input_gives_the_same_hash(void **state)
{
    char room[64];
    struct slice text = SLICE("a channel name of some length");
    uint64_t expected = hash_bytes(text, 3);
    for (size_t shift = 0; shift < 16; shift++) {
        memcpy(room + shift, text.ptr, text.len);
        assert_int_equal(hash_bytes(slice_of(room + shift, text.len), 3), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values_of_siphash_1_3_come_out),
        cmocka_unit_test(one_bit_of_key_salt_or_input_changes_the_hash),
        cmocka_unit_test(an_empty_input_without_pointer_is_hashed),
        cmocka_unit_test(unaligned_input_gives_the_same_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
