#include "base/hash.h"

static uint64_t seed[2];

static uint64_t load_le64(const void *ptr)
{
    uint64_t value;
    memcpy(&value, ptr, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

/* The last 0 to 7 bytes, with the length in the top byte. */
static uint64_t load_tail(const char *ptr, size_t len, size_t total)
{
    uint64_t value = (uint64_t)total << 56;
    for (size_t i = 0; i < len; i++) value |= (uint64_t)(unsigned char)ptr[i] << (8 * i);
    return value;
}

void hash_seed(const uint8_t key[static 16])
{
    seed[0] = load_le64(key);
    seed[1] = load_le64(key + 8);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1, s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0, s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1, s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2, s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* The salt is the first eight bytes of the message. */
uint64_t hash_bytes(struct slice s, uint64_t salt)
{
    struct sip sip = {
        .v0 = seed[0] ^ 0x736f6d6570736575u,
        .v1 = seed[1] ^ 0x646f72616e646f6du,
        .v2 = seed[0] ^ 0x6c7967656e657261u,
        .v3 = seed[1] ^ 0x7465646279746573u,
    };
    sip_word(&sip, salt);
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) sip_word(&sip, load_le64(s.ptr + i));
    sip_word(&sip, load_tail(s.len ? s.ptr + i : NULL, s.len - i, s.len + 8));
    sip.v2 ^= 0xff;
    for (int round = 0; round < 3; round++) sip_round(&sip);
    return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}
