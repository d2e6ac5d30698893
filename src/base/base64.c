#include "base/base64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode(struct slice in, char *out, const char *alphabet)
{
    size_t at = 0;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        uint32_t group = (uint32_t)(unsigned char)in.ptr[i] << 16;
        if (left > 1) group |= (uint32_t)(unsigned char)in.ptr[i + 1] << 8;
        if (left > 2) group |= (unsigned char)in.ptr[i + 2];
        out[at++] = alphabet[group >> 18];
        out[at++] = alphabet[group >> 12 & 63];
        if (left > 1) out[at++] = alphabet[group >> 6 & 63];
        if (left > 2) out[at++] = alphabet[group & 63];
    }
    return at;
}

size_t base64_encode(struct slice in, char *out)
{
    size_t at = encode(in, out, standard);
    while (at % 4) out[at++] = '=';
    return at;
}

size_t base64url_encode(struct slice in, char *out)
{
    return encode(in, out, url_safe);
}

/* 0 to 63, or -1. c62 and c63 are the two letters that the alphabets differ in. */
static int value_of(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == c62) return 62;
    return c == c63 ? 63 : -1;
}

static ptrdiff_t decode(struct slice in, uint8_t *out, char c62, char c63)
{
    if (in.len % 4 == 1) return -1;
    uint32_t bits = 0;
    int bit_count = 0;
    ptrdiff_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        int value = value_of(in.ptr[i], c62, c63);
        if (value < 0) return -1;
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count < 8) continue;
        bit_count -= 8;
        out[len++] = (uint8_t)(bits >> bit_count);
        bits &= (1u << bit_count) - 1;
    }
    return bits == 0 ? len : -1; /* left over bits must be zero: one text per value */
}

ptrdiff_t base64_decode(struct slice in, uint8_t *out)
{
    if (in.len % 4 != 0) return -1;
    for (int padding = 0; padding < 2 && in.len && in.ptr[in.len - 1] == '='; padding++) in.len--;
    return decode(in, out, '+', '/');
}

ptrdiff_t base64url_decode(struct slice in, uint8_t *out)
{
    return decode(in, out, '-', '_');
}

void hex_encode(const uint8_t *in, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
}
