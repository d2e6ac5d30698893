#include "crypto/crypto_random.h"

#include <openssl/rand.h>

#include "base/base64.h"
#include "base/check.h"
#include "crypto/crypto_secret.h"

/* RAND_bytes takes an int. */
#define CHUNK_MAX ((size_t)1 << 30)

/* Identifiers are taken from a supply of the calling thread: a call of the generator costs
 * about a microsecond and a system call, whatever its length (measured: 4 percent of the
 * CPU of a connect). What was handed out is wiped. The process never forks on. */
#define SUPPLY_LEN   512
#define SUPPLIED_MAX 16

static _Thread_local struct {
    unsigned char bytes[SUPPLY_LEN];
    size_t left;
} supply;

static void take_supplied(void *out, size_t len)
{
    if (supply.left < len) {
        CHECK(RAND_bytes(supply.bytes, SUPPLY_LEN) == 1);
        supply.left = SUPPLY_LEN;
    }
    supply.left -= len;
    memcpy(out, supply.bytes + supply.left, len);
    crypto_wipe(supply.bytes + supply.left, len);
}

void crypto_random(void *out, size_t len)
{
    if (len <= SUPPLIED_MAX) { /* keys are longer and come straight from the generator */
        take_supplied(out, len);
        return;
    }
    unsigned char *at = out;
    while (len > 0) {
        size_t chunk = len < CHUNK_MAX ? len : CHUNK_MAX;
        CHECK(RAND_bytes(at, (int)chunk) == 1);
        at += chunk;
        len -= chunk;
    }
}

void crypto_random_letters(char *out, size_t letters)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567"; /* 32: no bias */
    for (size_t i = 0; i < letters; i++) {
        uint8_t byte;
        crypto_random(&byte, 1);
        out[i] = alphabet[byte & 31];
    }
    out[letters] = '\0';
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
