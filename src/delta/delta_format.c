#include "delta/delta_format.h"

#include <endian.h>

#define FOUR_BYTES 4

const char delta_digits[64] = { '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
                                'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V',
                                'W', 'X', 'Y', 'Z', '_', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k',
                                'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '~' };

unsigned delta_digit_count(size_t value)
{
    unsigned count = 1;
    while (value >>= DELTA_DIGIT_BITS) count++;
    return count;
}

static uint32_t word_at(const char *at, size_t len)
{
    uint32_t word = 0;
    memcpy(&word, at, len);
    return be32toh(word);
}

uint32_t delta_checksum(struct slice bytes)
{
    uint32_t sum = 0;
    size_t at = 0;
    for (; bytes.len - at >= FOUR_BYTES; at += FOUR_BYTES) sum += word_at(bytes.ptr + at, FOUR_BYTES);
    return at < bytes.len ? sum + word_at(bytes.ptr + at, bytes.len - at) : sum;
}
