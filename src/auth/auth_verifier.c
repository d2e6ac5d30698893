#include "auth/auth_verifier.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto_hmac.h"

enum key_slot { KEY_CURRENT, KEY_PREVIOUS, KEY_COUNT };

/* One context per key and algorithm; NULL where the options allow none. */
struct key_table {
    struct crypto_hmac *macs[KEY_COUNT][AUTH_ALGORITHM_COUNT];
};

struct auth_verifier {
    atomic_uint refs;
    uint64_t id;           /* never reused, unlike an address: what a scratch remembers */
    struct key_table keys; /* never worked with, only duplicated: shared by all threads */
    int64_t previous_valid_until_s;
    char *audience, *issuer, *user_id_claim; /* owned; "" when unset */
    struct auth_matcher audience_matcher, issuer_matcher;
    bool insecure_skip_signature;
};

/* A verifier per kind in use at a time, so that two with different keys do not push
 * each other's contexts out. */
struct auth_scratch {
    struct working_keys {
        uint64_t verifier_id; /* 0 = none yet */
        struct key_table keys;
    } by_kind[AUTH_SUBSCRIPTION + 1];
};

static const enum crypto_digest digest_of[AUTH_ALGORITHM_COUNT] = {
    [AUTH_HS256] = CRYPTO_SHA256,
    [AUTH_HS384] = CRYPTO_SHA384,
    [AUTH_HS512] = CRYPTO_SHA512,
};

static void key_table_deinit(struct key_table *keys)
{
    for (int slot = 0; slot < KEY_COUNT; slot++)
        for (int algorithm = 0; algorithm < AUTH_ALGORITHM_COUNT; algorithm++)
            crypto_hmac_free(keys->macs[slot][algorithm]);
    *keys = (struct key_table){ 0 };
}

static bool add_key(struct auth_verifier *v, enum key_slot slot, struct slice key, unsigned algorithms)
{
    if (key.len == 0) return true;
    for (unsigned algorithm = 0; algorithm < AUTH_ALGORITHM_COUNT; algorithm++) {
        if (algorithms != 0 && !(algorithms & 1u << algorithm)) continue;
        v->keys.macs[slot][algorithm] = crypto_hmac_new(digest_of[algorithm], key);
        if (!v->keys.macs[slot][algorithm]) return false;
    }
    return true;
}

static bool copy_options(struct auth_verifier *v, const struct auth_options *options)
{
    v->audience = mem_copy(options->audience);
    v->issuer = mem_copy(options->issuer);
    v->user_id_claim = mem_copy(options->user_id_claim);
    v->audience_matcher = options->audience_matcher;
    v->issuer_matcher = options->issuer_matcher;
    v->previous_valid_until_s = options->hmac_previous_valid_until_s;
    v->insecure_skip_signature = options->insecure_skip_signature;
    return v->audience && v->issuer && v->user_id_claim &&
           add_key(v, KEY_CURRENT, options->hmac_key, options->algorithms) &&
           add_key(v, KEY_PREVIOUS, options->hmac_previous_key, options->algorithms);
}

struct auth_verifier *auth_verifier_new(const struct auth_options *options)
{
    static atomic_uint_fast64_t last_id;
    struct auth_verifier *v = mem_alloc_zero(sizeof *v);
    if (!v) return NULL;
    atomic_init(&v->refs, 1);
    /* relaxed: only uniqueness matters, the verifier itself travels by other means */
    v->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    if (!copy_options(v, options)) {
        auth_verifier_unref(v);
        return NULL;
    }
    return v;
}

struct auth_verifier *auth_verifier_ref(struct auth_verifier *v)
{
    /* relaxed: the caller has a reference already, nothing is published by one more */
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    return v;
}

void auth_verifier_unref(struct auth_verifier *v)
{
    /* release our reads before the count falls, acquire everybody's before freeing */
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1) return;
    key_table_deinit(&v->keys);
    mem_free(v->audience);
    mem_free(v->issuer);
    mem_free(v->user_id_claim);
    mem_free(v);
}

struct auth_scratch *auth_scratch_new(void)
{
    return mem_alloc_zero(sizeof(struct auth_scratch));
}

void auth_scratch_free(struct auth_scratch *scratch)
{
    if (!scratch) return;
    for (size_t kind = 0; kind < ARRAY_COUNT(scratch->by_kind); kind++) key_table_deinit(&scratch->by_kind[kind].keys);
    mem_free(scratch);
}

/* The thread's working copies for this verifier; contexts are made on first need. */
static struct key_table *working_keys(struct auth_scratch *scratch, const struct auth_verifier *v, enum auth_kind kind)
{
    struct working_keys *working = &scratch->by_kind[kind];
    if (working->verifier_id != v->id) {
        key_table_deinit(&working->keys);
        working->verifier_id = v->id;
    }
    return &working->keys;
}

/* AUTH_INVALID without a *why: the key is not there or does not fit. */
static enum auth_result try_key(const struct auth_verifier *v, struct key_table *working, enum key_slot slot,
                                const struct auth_token *token, const char **why)
{
    const struct crypto_hmac *shared = v->keys.macs[slot][token->algorithm];
    if (!shared) return AUTH_INVALID;
    struct crypto_hmac **mine = &working->macs[slot][token->algorithm];
    if (!*mine) *mine = crypto_hmac_dup(shared);
    if (!*mine) {
        *why = "memory was out for the token's key";
        return AUTH_ERROR;
    }
    return crypto_hmac_verify(*mine, token->signed_part, token->signature) ? AUTH_OK : AUTH_INVALID;
}

static bool previous_key_counts(const struct auth_verifier *v, int64_t now_s)
{
    return v->previous_valid_until_s <= 0 || now_s <= v->previous_valid_until_s;
}

static bool has_any_key(const struct auth_verifier *v)
{
    for (int slot = 0; slot < KEY_COUNT; slot++)
        for (int algorithm = 0; algorithm < AUTH_ALGORITHM_COUNT; algorithm++)
            if (v->keys.macs[slot][algorithm]) return true;
    return false;
}

/* Is there a key for the algorithm that the token names? */
static bool algorithm_allowed(const struct auth_verifier *v, enum auth_algorithm algorithm, const char **why)
{
    if (!has_any_key(v)) {
        *why = "no token key is configured, so every token is refused";
        return false;
    }
    if (algorithm == AUTH_ALGORITHM_UNKNOWN ||
        (!v->keys.macs[KEY_CURRENT][algorithm] && !v->keys.macs[KEY_PREVIOUS][algorithm])) {
        *why = "no key is configured for the token's algorithm (alg)";
        return false;
    }
    return true;
}

static enum auth_result check_signature(const struct auth_verifier *v, struct key_table *working,
                                        const struct auth_token *token, int64_t now_s, const char **why)
{
    if (!algorithm_allowed(v, token->algorithm, why)) return AUTH_INVALID;
    enum auth_result result = try_key(v, working, KEY_CURRENT, token, why);
    if (result != AUTH_INVALID) return result;
    *why = "the signature does not fit the configured key";
    result = try_key(v, working, KEY_PREVIOUS, token, why);
    if (result != AUTH_OK || previous_key_counts(v, now_s)) return result;
    *why = "the token is signed with the previous key, whose time of validity has ended";
    return AUTH_INVALID;
}

static bool is_audience(const struct auth_verifier *v, struct slice value)
{
    struct slice wanted = slice_from_cstr(v->audience);
    return wanted.len > 0 ? slice_eq(wanted, value) : v->audience_matcher.matches(v->audience_matcher.context, value);
}

static bool audience_good(const struct auth_verifier *v, const struct claims *claims)
{
    if (v->audience[0] == '\0' && !v->audience_matcher.matches) return true;
    for (size_t i = 0; i < claims->aud_count; i++)
        if (is_audience(v, claims->aud[i])) return true;
    return false;
}

static bool issuer_good(const struct auth_verifier *v, const struct claims *claims)
{
    if (v->issuer[0] != '\0') return slice_eq(slice_from_cstr(v->issuer), claims->iss);
    return !v->issuer_matcher.matches || v->issuer_matcher.matches(v->issuer_matcher.context, claims->iss);
}

static enum auth_result refuse(enum auth_result result, const char *reason, const char **why)
{
    *why = reason;
    return result;
}

/* The order decides between "invalid" and "expired" where both are true; it is
 * Centrifugo's. */
static enum auth_result check_claims(const struct auth_verifier *v, const struct claims *claims, int64_t now_s,
                                     enum auth_kind kind, const char **why)
{
    if (!issuer_good(v, claims)) return refuse(AUTH_INVALID, "iss is not the configured issuer", why);
    if (!audience_good(v, claims)) return refuse(AUTH_INVALID, "aud does not hold the configured audience", why);
    if (kind == AUTH_CONNECTION && claims->channel.len > 0)
        return refuse(AUTH_INVALID, "the claim channel makes it a subscription token, which cannot connect", why);
    if (claims_time_reached(claims->exp, now_s)) return refuse(AUTH_EXPIRED, "exp has passed", why);
    if (claims->nbf.is_set && !claims_time_reached(claims->nbf, now_s))
        return refuse(AUTH_EXPIRED, "nbf is still to come", why);
    if (kind == AUTH_SUBSCRIPTION && claims->channel.len == 0)
        return refuse(AUTH_INVALID, "the claim channel is missing, which a subscription token must have", why);
    if (claims->info_is_broken)
        return refuse(kind == AUTH_CONNECTION ? AUTH_ERROR : AUTH_INVALID, "b64info is not base64", why);
    return AUTH_OK;
}

static enum auth_result result_of(enum status status)
{
    return status == STATUS_NO_MEMORY ? AUTH_ERROR : AUTH_INVALID;
}

enum auth_result auth_verify(const struct auth_verifier *v, struct auth_scratch *scratch, struct slice text,
                             int64_t now_s, enum auth_kind kind, struct arena *arena, struct claims *out,
                             const char **why)
{
    struct auth_token token;
    enum status status = auth_token_split(text, arena, &token, why);
    if (status != STATUS_OK) return result_of(status);
    if (!v->insecure_skip_signature) {
        enum auth_result result = check_signature(v, working_keys(scratch, v, kind), &token, now_s, why);
        if (result != AUTH_OK) return result;
    }

    struct claims claims;
    const struct claims_options options = { kind, slice_from_cstr(v->user_id_claim) };
    status = claims_parse(token.payload, &options, arena, &claims, why);
    if (status != STATUS_OK) return result_of(status);
    enum auth_result result = check_claims(v, &claims, now_s, kind, why);
    if (result != AUTH_OK) return result;

    if (!auth_algorithm_is_hmac(token.algorithm)) {
        claims.has_project_id = false;
        claims.project_id = (struct slice){ 0 };
    }
    *out = claims;
    *why = NULL;
    return AUTH_OK;
}
