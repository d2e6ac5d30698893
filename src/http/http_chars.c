#include "http/http_chars.h"

#define T HTTP_CHAR_TOKEN
#define U HTTP_CHAR_TARGET
#define H HTTP_CHAR_HOST
#define Q HTTP_CHAR_QUOTED

const uint8_t HTTP_CHARS[256] = {
    ['\t'] = Q,
    [' '] = Q,
    ['!'] = T | U | H | Q,
    ['"'] = U,
    ['#'] = T | Q,
    ['$'] = T | U | H | Q,
    ['%'] = T | U | H | Q,
    ['&'] = T | U | H | Q,
    ['\''] = T | U | H | Q,
    ['('] = U | H | Q,
    [')'] = U | H | Q,
    ['*'] = T | U | H | Q,
    ['+'] = T | U | H | Q,
    [','] = U | Q,
    ['-'] = T | U | H | Q,
    ['.'] = T | U | H | Q,
    ['/'] = U | Q,
    ['0' ... '9'] = T | U | H | Q,
    [':'] = U | Q,
    [';'] = U | H | Q,
    ['<'] = U | Q,
    ['='] = U | H | Q,
    ['>'] = U | Q,
    ['?'] = U | Q,
    ['@'] = U | Q,
    ['A' ... 'Z'] = T | U | H | Q,
    ['['] = U | Q,
    ['\\'] = U,
    [']'] = U | Q,
    ['^'] = T | U | Q,
    ['_'] = T | U | H | Q,
    ['`'] = T | U | Q,
    ['a' ... 'z'] = T | U | H | Q,
    ['{'] = U | Q,
    ['|'] = T | U | Q,
    ['}'] = U | Q,
    ['~'] = T | U | H | Q,
    [0x80 ... 0xff] = Q,
};

#define EACH_BYTE(b) (0x0101010101010101u * (uint64_t)(b))

/* True when any of the eight bytes is below 0x20 or is 0x7f (HTAB included). */
static inline bool has_control(uint64_t eight)
{
    uint64_t low = (eight - EACH_BYTE(0x20)) & ~eight;
    uint64_t del = eight ^ EACH_BYTE(0x7f);
    return ((low | ((del - EACH_BYTE(0x01)) & ~del)) & EACH_BYTE(0x80)) != 0;
}

static inline bool is_bad(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

bool http_value_valid(struct slice value)
{
    size_t i = 0;
    while (i < value.len) {
        uint64_t eight;
        if (value.len - i >= sizeof eight) {
            memcpy(&eight, value.ptr + i, sizeof eight);
            if (!has_control(eight)) {
                i += sizeof eight;
                continue;
            }
        }
        if (is_bad((uint8_t)value.ptr[i])) return false;
        i++;
    }
    return true;
}
