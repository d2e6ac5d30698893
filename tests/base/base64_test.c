#include "base/support/cm.h"
#include "base/support/random.h"

#include "base/base64.h"
#include "base/check.h"

static const struct {
    struct slice plain, standard, url;
} vectors[] = {
    /* RFC 4648 section 10 */
    { SLICE(""), SLICE(""), SLICE("") },
    { SLICE("f"), SLICE("Zg=="), SLICE("Zg") },
    { SLICE("fo"), SLICE("Zm8="), SLICE("Zm8") },
    { SLICE("foo"), SLICE("Zm9v"), SLICE("Zm9v") },
    { SLICE("foob"), SLICE("Zm9vYg=="), SLICE("Zm9vYg") },
    { SLICE("fooba"), SLICE("Zm9vYmE="), SLICE("Zm9vYmE") },
    { SLICE("foobar"), SLICE("Zm9vYmFy"), SLICE("Zm9vYmFy") },
    /* the letters that differ */
    { SLICE("\xfb\xff\xbf"), SLICE("+/+/"), SLICE("-_-_") },
    { SLICE("\xff\xff"), SLICE("//8="), SLICE("__8") },
    { SLICE("\0\0\0\0"), SLICE("AAAAAA=="), SLICE("AAAAAA") },
};

static void the_vectors_of_rfc_4648_encode(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        char out[64];
        size_t len = base64_encode(vectors[i].plain, out);
        assert_int_equal(len, BASE64_ENCODED_LEN(vectors[i].plain.len));
        assert_true(slice_eq(slice_of(out, len), vectors[i].standard));
        len = base64url_encode(vectors[i].plain, out);
        assert_true(slice_eq(slice_of(out, len), vectors[i].url));
    }
}

static void the_vectors_of_rfc_4648_decode(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        uint8_t out[64];
        ptrdiff_t len = base64_decode(vectors[i].standard, out);
        assert_true(len >= 0);
        assert_true(slice_eq(slice_of(out, (size_t)len), vectors[i].plain));
        len = base64url_decode(vectors[i].url, out);
        assert_true(len >= 0);
        assert_true(slice_eq(slice_of(out, (size_t)len), vectors[i].plain));
    }
}

static void malformed_text_is_refused(void **state)
{
    static const struct slice standard[] = {
        SLICE("Z"),       SLICE("Zg"),       SLICE("Zg="),      SLICE("Zm8"),     SLICE("Z==="), SLICE("===="),
        SLICE("="),       SLICE("Zg==\n"),   SLICE("Zm9v\r\n"), SLICE(" Zm9"),    SLICE("Zm 9"), SLICE("Zg==Zg=="),
        SLICE("Zg=a"),    SLICE("Zm9v===="), SLICE("-_-_"),     SLICE("Zh=="),    SLICE("Zm9="), SLICE("Zm9\0"),
        SLICE("Zm9\xc3"), SLICE("Zm9v="),    SLICE("Zm9v=="),   SLICE("Zm9v==="), SLICE("Z=9v"),
    };
    static const struct slice url[] = {
        SLICE("Z"),     SLICE("Zg=="), SLICE("Zm8="), SLICE("="),    SLICE("+/+/"),   SLICE("Zh"),    SLICE("Zm9"),
        SLICE("Zm9vZ"), SLICE("Zg "),  SLICE("Z.g"),  SLICE("Zm\n"), SLICE("Zm\xff"), SLICE("Zm9v="),
    };
    uint8_t out[64];
    for (size_t i = 0; i < ARRAY_COUNT(standard); i++)
        if (base64_decode(standard[i], out) != -1) fail_msg("standard %.*s", SLICE_ARG(standard[i]));
    for (size_t i = 0; i < ARRAY_COUNT(url); i++)
        if (base64url_decode(url[i], out) != -1) fail_msg("url %.*s", SLICE_ARG(url[i]));
}

static void only_the_alphabet_is_accepted(void **state)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (unsigned c = 0; c < 256; c++) {
        char text[4] = { 'A', (char)c, 'A', 'A' };
        uint8_t out[BASE64_DECODED_MAX(4)];
        bool letter = c && strchr(letters, (int)c);
        assert_int_equal(base64_decode(slice_of(text, 4), out), letter || c == '+' || c == '/' ? 3 : -1);
        assert_int_equal(base64url_decode(slice_of(text, 4), out), letter || c == '-' || c == '_' ? 3 : -1);
    }
}

static void any_bytes_come_back(void **state)
{
    struct random random = { 11 };
    for (size_t len = 0; len < 300; len++) {
        uint8_t plain[300], back[BASE64_DECODED_MAX(BASE64_ENCODED_LEN(300))];
        char text[BASE64_ENCODED_LEN(300)];
        for (size_t i = 0; i < len; i++) plain[i] = (uint8_t)random_next(&random);
        size_t text_len = base64_encode(slice_of(plain, len), text);
        assert_int_equal(base64_decode(slice_of(text, text_len), back), len);
        assert_memory_equal(back, plain, len);
        text_len = base64url_encode(slice_of(plain, len), text);
        assert_int_equal(base64url_decode(slice_of(text, text_len), back), len);
        assert_memory_equal(back, plain, len);
    }
}

static void hex_is_lower_case(void **state)
{
    static const uint8_t in[] = { 0x00, 0x0f, 0xf0, 0xab, 0xff };
    char out[10];
    hex_encode(in, sizeof in, out);
    assert_memory_equal(out, "000ff0abff", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_encode),
        cmocka_unit_test(the_vectors_of_rfc_4648_decode),
        cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(only_the_alphabet_is_accepted),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(hex_is_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
