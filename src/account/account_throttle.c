#include "account/account_throttle.h"

#include "base/mem.h"
#include "crypto/crypto_hash.h"

#define NONE UINT32_MAX

/* Keys are kept as a part of their SHA-256: of one size, and nobody can make two meet. */
struct entry {
    uint64_t key[2];                      /* all 0 = free */
    int64_t failed_at_s, failed_before_s; /* the last two */
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

/* What goes when there is no room: who has failed least, then longest ago. So a crowd of keys
 * that failed once does not wash out the one that is being guessed at. */
static bool goes_before(const struct entry *a, const struct entry *b, int64_t now_s)
{
    const uint32_t of_a = now_s - a->failed_at_s > ACCOUNT_THROTTLE_FORGET ? 0 : a->failures;
    const uint32_t of_b = now_s - b->failed_at_s > ACCOUNT_THROTTLE_FORGET ? 0 : b->failures;
    return of_a != of_b ? of_a < of_b : a->failed_at_s < b->failed_at_s;
}

static uint32_t least(const struct account_throttle *t, int64_t now_s)
{
    uint32_t found = 0;
    for (uint32_t i = 1; i < ACCOUNT_THROTTLE_KEYS; i++)
        if (goes_before(&t->entries[i], &t->entries[found], now_s)) found = i;
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
        i = least(t, now_s);
        t->entries[i] = (struct entry){ .key = { hash[0], hash[1] } };
    }
    struct entry *e = &t->entries[i];
    if (now_s - e->failed_at_s > ACCOUNT_THROTTLE_FORGET) e->failures = 0;
    e->failures++;
    e->failed_before_s = e->failed_at_s;
    e->failed_at_s = now_s;
}

uint32_t account_throttle_succeeded(struct account_throttle *t, struct slice key)
{
    uint64_t hash[2];
    digest(key, hash);
    const uint32_t i = find(t, hash);
    const uint32_t failures = i == NONE ? 0 : t->entries[i].failures;
    if (i != NONE) t->entries[i] = (struct entry){ 0 };
    return failures;
}

void account_throttle_forgive(struct account_throttle *t, struct slice key, uint32_t failures)
{
    uint64_t hash[2];
    digest(key, hash);
    const uint32_t i = find(t, hash);
    if (i == NONE) return;
    struct entry *e = &t->entries[i];
    if (e->failures <= failures) {
        *e = (struct entry){ 0 };
        return;
    }
    e->failures -= failures;
    e->failed_at_s = e->failed_before_s;
}
