#include "account/account_throttle.h"

#include "base/mem.h"
#include "crypto/crypto_hash.h"

#define NONE UINT32_MAX

/* Keys are kept as a part of their SHA-256: of one size, and nobody can make two meet. */
struct entry {
    uint64_t key[2]; /* all 0 = free */
    int64_t failed_at_s;
    uint32_t failures;
};

/* A failed try costs a password hash, so a walk through the array is nothing beside it. */
struct account_throttle {
    struct entry entries[ACCOUNT_THROTTLE_KEYS];
};

struct account_throttle *account_throttle_new(void)
{
    return mem_must_alloc_zero(sizeof(struct account_throttle));
}

void account_throttle_free(struct account_throttle *t)
{
    mem_free(t);
}

static void digest(struct slice key, uint64_t out[2])
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    crypto_sha256(key, hash);
    memcpy(out, hash, 2 * sizeof *out);
}

static uint32_t find(const struct account_throttle *t, const uint64_t key[2])
{
    for (uint32_t i = 0; i < ACCOUNT_THROTTLE_KEYS; i++)
        if (memcmp(t->entries[i].key, key, sizeof t->entries[i].key) == 0) return i;
    return NONE;
}

static uint32_t oldest(const struct account_throttle *t)
{
    uint32_t found = 0;
    for (uint32_t i = 1; i < ACCOUNT_THROTTLE_KEYS; i++)
        if (t->entries[i].failed_at_s < t->entries[found].failed_at_s) found = i;
    return found;
}

static int64_t pause_s(uint32_t failures)
{
    if (failures < ACCOUNT_THROTTLE_FREE) return 0;
    const uint32_t doublings = failures - ACCOUNT_THROTTLE_FREE;
    const int64_t pause = doublings < 16 ? (int64_t)1 << doublings : ACCOUNT_THROTTLE_MAX_S;
    return pause < ACCOUNT_THROTTLE_MAX_S ? pause : ACCOUNT_THROTTLE_MAX_S;
}

uint32_t account_throttle_wait(const struct account_throttle *t, struct slice key, int64_t now_s)
{
    uint64_t hash[2];
    digest(key, hash);
    const uint32_t i = find(t, hash);
    if (i == NONE) return 0;
    const int64_t until_s = t->entries[i].failed_at_s + pause_s(t->entries[i].failures);
    return until_s > now_s ? (uint32_t)(until_s - now_s) : 0;
}

void account_throttle_failed(struct account_throttle *t, struct slice key, int64_t now_s)
{
    uint64_t hash[2];
    digest(key, hash);
    uint32_t i = find(t, hash);
    if (i == NONE) {
        i = oldest(t);
        t->entries[i] = (struct entry){ .key = { hash[0], hash[1] } };
    }
    struct entry *e = &t->entries[i];
    if (now_s - e->failed_at_s > ACCOUNT_THROTTLE_FORGET) e->failures = 0;
    e->failures++;
    e->failed_at_s = now_s;
}

void account_throttle_succeeded(struct account_throttle *t, struct slice key)
{
    uint64_t hash[2];
    digest(key, hash);
    const uint32_t i = find(t, hash);
    if (i != NONE) t->entries[i] = (struct entry){ 0 };
}
