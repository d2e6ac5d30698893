#include "crypto/crypto_random.h"

#include <openssl/rand.h>

#include "base/base64.h"
#include "base/check.h"

/* RAND_bytes takes an int. */
#define CHUNK_MAX ((size_t)1 << 30)

void crypto_random(void *out, size_t len)
{
    unsigned char *at = out;
    while (len > 0) {
        size_t chunk = len < CHUNK_MAX ? len : CHUNK_MAX;
        CHECK(RAND_bytes(at, (int)chunk) == 1);
        at += chunk;
        len -= chunk;
    }
}

void crypto_uuid4(char out[static CRYPTO_UUID_LEN + 1])
{
    uint8_t bytes[16];
    char hex[32];
    crypto_random(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80); /* variant 10 */
    hex_encode(bytes, sizeof bytes, hex);

    static const uint8_t group_lens[] = { 8, 4, 4, 4, 12 };
    const char *from = hex;
    for (size_t i = 0; i < ARRAY_COUNT(group_lens); i++) {
        if (i > 0) *out++ = '-';
        memcpy(out, from, group_lens[i]);
        from += group_lens[i];
        out += group_lens[i];
    }
    *out = '\0';
}
