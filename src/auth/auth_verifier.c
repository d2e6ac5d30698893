#include "auth/auth_verifier.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/mem.h"
#include "crypto/crypto_hmac.h"
#include "crypto/crypto_signature.h"

enum key_slot { KEY_CURRENT, KEY_PREVIOUS, KEY_COUNT };

/* One context per secret and algorithm; NULL where the options allow none. */
struct key_table {
    struct crypto_hmac *macs[KEY_COUNT][AUTH_ALGORITHM_COUNT];
};

/* Public keys are parsed once, and shared by all threads as they are. */
struct public_keys {
    struct crypto_public_key *rsa, *ecdsa; /* owned; NULL without such a key */
    /* borrows one of the two; NULL where the options allow none or the curve is another */
    const struct crypto_public_key *by_algorithm[AUTH_ALGORITHM_COUNT];
};

struct auth_verifier {
    atomic_uint refs;
    uint64_t id;           /* never reused, unlike an address: what a scratch remembers */
    struct key_table keys; /* never worked with, only duplicated: shared by all threads */
    struct public_keys public_keys;
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
        struct crypto_signature *signatures[AUTH_ALGORITHM_COUNT]; /* NULL until needed */
    } by_kind[AUTH_SUBSCRIPTION + 1];
};

static const enum crypto_digest digest_of[AUTH_ALGORITHM_COUNT] = {
    [AUTH_HS256] = CRYPTO_SHA256,
    [AUTH_HS384] = CRYPTO_SHA384,
    [AUTH_HS512] = CRYPTO_SHA512,
};

static const enum crypto_scheme scheme_of[AUTH_ALGORITHM_COUNT] = {
    [AUTH_RS256] = CRYPTO_RS256, [AUTH_RS384] = CRYPTO_RS384, [AUTH_RS512] = CRYPTO_RS512,
    [AUTH_ES256] = CRYPTO_ES256, [AUTH_ES384] = CRYPTO_ES384, [AUTH_ES512] = CRYPTO_ES512,
};

static void key_table_deinit(struct key_table *keys)
{
    for (int slot = 0; slot < KEY_COUNT; slot++)
        for (int algorithm = 0; algorithm < AUTH_ALGORITHM_COUNT; algorithm++)
            crypto_hmac_free(keys->macs[slot][algorithm]);
    *keys = (struct key_table){ 0 };
}

static void working_keys_deinit(struct working_keys *working)
{
    key_table_deinit(&working->keys);
    for (int algorithm = 0; algorithm < AUTH_ALGORITHM_COUNT; algorithm++)
        crypto_signature_free(working->signatures[algorithm]);
    *working = (struct working_keys){ 0 };
}

/* algorithms as in the options. */
static bool is_wanted(unsigned algorithms, enum auth_algorithm algorithm)
{
    return algorithms == 0 || (algorithms & 1u << algorithm) != 0;
}

static bool add_key(struct auth_verifier *v, enum key_slot slot, struct slice key, unsigned algorithms)
{
    if (key.len == 0) return true;
    for (enum auth_algorithm algorithm = 0; algorithm < AUTH_ALGORITHM_COUNT; algorithm++) {
        if (!auth_algorithm_is_hmac(algorithm) || !is_wanted(algorithms, algorithm)) continue;
        v->keys.macs[slot][algorithm] = crypto_hmac_new(digest_of[algorithm], key);
        if (!v->keys.macs[slot][algorithm]) return false;
    }
    return true;
}

static bool add_public_key(struct auth_verifier *v, struct slice pem, enum crypto_key_type type,
                           struct crypto_public_key **owner, unsigned algorithms)
{
    const char *why;
    if (pem.len == 0) return true;
    if (crypto_public_key_from_pem(pem, type, owner, &why) != STATUS_OK) return false;
    for (enum auth_algorithm algorithm = 0; algorithm < AUTH_ALGORITHM_COUNT; algorithm++) {
        if (auth_algorithm_is_hmac(algorithm) || !is_wanted(algorithms, algorithm)) continue;
        if (crypto_signature_fits(scheme_of[algorithm], *owner)) v->public_keys.by_algorithm[algorithm] = *owner;
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
           add_key(v, KEY_PREVIOUS, options->hmac_previous_key, options->algorithms) &&
           add_public_key(v, options->rsa_public_key, CRYPTO_KEY_RSA, &v->public_keys.rsa, options->algorithms) &&
           add_public_key(v, options->ecdsa_public_key, CRYPTO_KEY_EC, &v->public_keys.ecdsa, options->algorithms);
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
    crypto_public_key_free(v->public_keys.rsa);
    crypto_public_key_free(v->public_keys.ecdsa);
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
    for (size_t kind = 0; kind < ARRAY_COUNT(scratch->by_kind); kind++) working_keys_deinit(&scratch->by_kind[kind]);
    mem_free(scratch);
}

/* The thread's working copies for this verifier; contexts are made on first need. */
static struct working_keys *working_keys(struct auth_scratch *scratch, const struct auth_verifier *v,
                                         enum auth_kind kind)
{
    struct working_keys *working = &scratch->by_kind[kind];
    if (working->verifier_id != v->id) {
        working_keys_deinit(working);
        working->verifier_id = v->id;
    }
    return working;
}

static enum auth_result out_of_memory(const char **why)
{
    *why = "memory was out for the token's key";
    return AUTH_ERROR;
}

/* AUTH_INVALID without a *why: the key is not there or does not fit. */
static enum auth_result try_key(const struct auth_verifier *v, struct key_table *working, enum key_slot slot,
                                const struct auth_token *token, const char **why)
{
    const struct crypto_hmac *shared = v->keys.macs[slot][token->algorithm];
    if (!shared) return AUTH_INVALID;
    struct crypto_hmac **mine = &working->macs[slot][token->algorithm];
    if (!*mine) *mine = crypto_hmac_dup(shared);
    if (!*mine) return out_of_memory(why);
    return crypto_hmac_verify(*mine, token->signed_part, token->signature) ? AUTH_OK : AUTH_INVALID;
}

static bool previous_key_counts(const struct auth_verifier *v, int64_t now_s)
{
    return v->previous_valid_until_s <= 0 || now_s <= v->previous_valid_until_s;
}

static bool has_key_for(const struct auth_verifier *v, enum auth_algorithm algorithm)
{
    return v->keys.macs[KEY_CURRENT][algorithm] || v->keys.macs[KEY_PREVIOUS][algorithm] ||
           v->public_keys.by_algorithm[algorithm];
}

static bool has_any_key(const struct auth_verifier *v)
{
    for (enum auth_algorithm algorithm = 0; algorithm < AUTH_ALGORITHM_COUNT; algorithm++)
        if (has_key_for(v, algorithm)) return true;
    return false;
}

/* Is there a key for the algorithm that the token names? */
static bool algorithm_allowed(const struct auth_verifier *v, enum auth_algorithm algorithm, const char **why)
{
    if (!has_any_key(v)) {
        *why = "no token key is configured, so every token is refused";
        return false;
    }
    if (algorithm == AUTH_ALGORITHM_UNKNOWN || !has_key_for(v, algorithm)) {
        *why = "no key is configured for the token's algorithm (alg)";
        return false;
    }
    return true;
}

static enum auth_result check_mac(const struct auth_verifier *v, struct key_table *working,
                                  const struct auth_token *token, int64_t now_s, const char **why)
{
    enum auth_result result = try_key(v, working, KEY_CURRENT, token, why);
    if (result != AUTH_INVALID) return result;
    *why = "the signature does not fit the configured key";
    result = try_key(v, working, KEY_PREVIOUS, token, why);
    if (result != AUTH_OK || previous_key_counts(v, now_s)) return result;
    *why = "the token is signed with the previous key, whose time of validity has ended";
    return AUTH_INVALID;
}

static enum auth_result check_public(const struct crypto_public_key *key, struct crypto_signature **mine,
                                     const struct auth_token *token, const char **why)
{
    if (!*mine) *mine = crypto_signature_new(scheme_of[token->algorithm], key);
    if (!*mine) return out_of_memory(why);
    if (crypto_signature_verify(*mine, token->signed_part, token->signature)) return AUTH_OK;
    *why = "the signature does not fit the configured public key";
    return AUTH_INVALID;
}

/* The algorithm leads to keys of its own kind only: a public key is never a secret. */
static enum auth_result check_signature(const struct auth_verifier *v, struct working_keys *working,
                                        const struct auth_token *token, int64_t now_s, const char **why)
{
    const enum auth_algorithm algorithm = token->algorithm;
    if (!algorithm_allowed(v, algorithm, why)) return AUTH_INVALID;
    if (auth_algorithm_is_hmac(algorithm)) return check_mac(v, &working->keys, token, now_s, why);
    return check_public(v->public_keys.by_algorithm[algorithm], &working->signatures[algorithm], token, why);
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
