#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ws/ws_frame.h"

#define ALIGN_MAX 16
#define LEN_MAX   80

static void a_mask_is_right_at_every_alignment_and_length(void **state)
{
    static const uint8_t key[WS_MASK_LEN] = { 0x01, 0x80, 0xff, 0x5a };
    for (size_t align = 0; align < ALIGN_MAX; align++) {
        for (size_t len = 0; len < LEN_MAX; len++) {
            uint8_t *block = malloc(align + len + 1);
            for (size_t i = 0; i < align + len + 1; i++) block[i] = (uint8_t)(i * 7 + len);
            ws_mask((char *)block + align, len, key);
            for (size_t i = 0; i < align + len + 1; i++) {
                const uint8_t plain = (uint8_t)(i * 7 + len);
                const int is_inside = i >= align && i < align + len;
                assert_int_equal(block[i], is_inside ? plain ^ key[(i - align) % WS_MASK_LEN] : plain);
            }
            free(block);
        }
    }
}

static void masking_twice_gives_the_bytes_back(void **state)
{
    static const uint8_t key[WS_MASK_LEN] = { 9, 8, 7, 6 };
    char bytes[] = "thirty-three bytes of plain text.";
    ws_mask(bytes, sizeof(bytes) - 1, key);
    assert_int_not_equal(bytes[0], 't');
    ws_mask(bytes, sizeof(bytes) - 1, key);
    assert_string_equal(bytes, "thirty-three bytes of plain text.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mask_is_right_at_every_alignment_and_length),
        cmocka_unit_test(masking_twice_gives_the_bytes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
