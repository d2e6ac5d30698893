/* The first byte chooses, the rest is hostile text:
 * bit 0: kind; bit 1: the rest is a payload, which the fuzzer cannot reach through a
 * signature or through base64; otherwise it is a whole token, with the signature skipped
 * when bit 2 is set. */
#include "auth/auth_verifier.h"
#include "base/check.h"
#include "base/hash.h"

/* Their private halves are gone; the seeds hold tokens that were signed with them. */
static const char rsa_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA6CxR6x7qw620MyDsAKhk\n"
                              "e7EBPkwxC7+tHcvO2kEROQC55v5pPtLzve0qSfiWdGRJiZlfzW9A9kJUgjtF+4nq\n"
                              "uVyL9ndUBST+pWgRbYaE2hJl8zVk+jncagW5PnTg2rJl3TDiejJwoWzcrHZKVJJk\n"
                              "n8SQWr2ble7nMNqNRqDRxgF+zKnZsJ/DJd8sBl9FpXhOqHXj4ebz0rfbcYypAy4k\n"
                              "cwo5y3WoFp0GQJnOeLggKueZpkHS2b3nhUP60JHzY4xnJj8Ox/RdwljQVqunjPlN\n"
                              "ylw1u11lSFoE60c7Dl35YZk5jLZ664TpMk3/iPVakCltePWsNEWFw4ik4euR2T6U\n"
                              "XwIDAQAB\n"
                              "-----END PUBLIC KEY-----\n";
static const char p256_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEImI0goPXzAZnLvhKTXIdLxvkFEpO\n"
                               "GQTccqUAScqioGVzbOlLem13y0rtFjHy538MoyduvO/+CNB1l66+RV9pDQ==\n"
                               "-----END PUBLIC KEY-----\n";

static struct auth_verifier *strict, *lax;
static struct auth_scratch *scratch;
static struct arena arena;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct auth_options options = { .hmac_key = SLICE("secret"),
                                          .rsa_public_key = SLICE(rsa_pem),
                                          .ecdsa_public_key = SLICE(p256_pem),
                                          .user_id_claim = SLICE("user") };
    const struct auth_options skip = { .insecure_skip_signature = true };
    strict = auth_verifier_new(&options);
    lax = auth_verifier_new(&skip);
    scratch = auth_scratch_new();
    CHECK(strict && lax && scratch);
    arena_init(&arena, 16 * 1024 * 1024);
    return 0;
}

static void touch(struct slice bytes)
{
    static volatile uint64_t seen;
    seen ^= hash_bytes(bytes, seen);
}

/* Read every byte that a caller may read. */
static void check_claims(const struct claims *claims)
{
    touch(claims->user);
    touch(claims->info);
    touch(claims->data);
    touch(claims->meta);
    for (size_t i = 0; i < claims->sub_count; i++) {
        touch(claims->subs[i].channel);
        touch(claims->subs[i].info);
        touch(claims->subs[i].data);
    }
    for (size_t i = 0; i < claims->aud_count; i++) touch(claims->aud[i]);
    CHECK(claims->sub_count <= CLAIMS_ENTRIES_MAX && claims->aud_count <= CLAIMS_ENTRIES_MAX);
    CHECK(claims_expire_at(claims) >= -CLAIMS_TIME_MAX && claims_expire_at(claims) <= CLAIMS_TIME_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct claims claims = { 0 };
    const char *why = NULL;
    if (size == 0) return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    enum auth_kind kind = data[0] & 1 ? AUTH_SUBSCRIPTION : AUTH_CONNECTION;
    arena_reset(&arena);
    if (data[0] & 2) {
        const struct claims_options options = { kind, data[0] & 4 ? SLICE("user") : SLICE("") };
        if (claims_parse(rest, &options, &arena, &claims, &why) == STATUS_OK)
            check_claims(&claims);
        else
            CHECK(why);
        return 0;
    }
    const struct auth_verifier *v = data[0] & 4 ? lax : strict;
    if (auth_verify(v, scratch, rest, 1700000000, kind, &arena, &claims, &why) == AUTH_OK)
        check_claims(&claims);
    else
        CHECK(why);
    return 0;
}
