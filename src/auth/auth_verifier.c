#include "auth/auth_verifier.h"

#include <stdatomic.h>

#include "auth/auth_endpoint.h"
#include "auth/auth_scheme.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/mem_part.h"
#include "crypto/crypto_hmac.h"

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
    char *audience, *issuer, *user_id_claim, *jwks_endpoint; /* owned; "" when unset */
    struct auth_key_source key_source;
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
    struct slice wanted;
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
        if (crypto_signature_fits(auth_scheme_of(algorithm), *owner)) v->public_keys.by_algorithm[algorithm] = *owner;
    }
    return true;
}

static bool copy_options(struct auth_verifier *v, const struct auth_options *options)
{
    v->audience = mem_copy(options->audience);
    v->issuer = mem_copy(options->issuer);
    v->user_id_claim = mem_copy(options->user_id_claim);
    v->jwks_endpoint = mem_copy(options->jwks_endpoint);
    v->key_source = options->key_source;
    v->audience_matcher = options->audience_matcher;
    v->issuer_matcher = options->issuer_matcher;
    v->previous_valid_until_s = options->hmac_previous_valid_until_s;
    v->insecure_skip_signature = options->insecure_skip_signature;
    return v->audience && v->issuer && v->user_id_claim && v->jwks_endpoint &&
           add_key(v, KEY_CURRENT, options->hmac_key, options->algorithms) &&
           add_key(v, KEY_PREVIOUS, options->hmac_previous_key, options->algorithms) &&
           add_public_key(v, options->rsa_public_key, CRYPTO_KEY_RSA, &v->public_keys.rsa, options->algorithms) &&
           add_public_key(v, options->ecdsa_public_key, CRYPTO_KEY_EC, &v->public_keys.ecdsa, options->algorithms);
}

struct auth_verifier *auth_verifier_new(const struct auth_options *options)
{
    static atomic_uint_fast64_t last_id;
    struct auth_verifier *v = mem_part_alloc_zero(MEM_KEYS, sizeof *v);
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
    mem_free(v->jwks_endpoint);
    mem_part_free(MEM_KEYS, v);
}

struct auth_scratch *auth_scratch_new(void)
{
    return mem_part_alloc_zero(MEM_KEYS, sizeof(struct auth_scratch));
}

void auth_scratch_free(struct auth_scratch *scratch)
{
    if (!scratch) return;
    for (size_t kind = 0; kind < ARRAY_COUNT(scratch->by_kind); kind++) working_keys_deinit(&scratch->by_kind[kind]);
    mem_part_free(MEM_KEYS, scratch);
}

struct slice auth_scratch_wanted(const struct auth_scratch *scratch)
{
    return scratch->wanted;
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
    if (!*mine) *mine = crypto_signature_new(auth_scheme_of(token->algorithm), key);
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

static enum auth_result result_of(enum status status)
{
    return status == STATUS_NO_MEMORY ? AUTH_ERROR : AUTH_INVALID;
}

/* ---- key sets ---- */

struct variables {
    const struct auth_verifier *verifier;
    const struct claims *claims;
};

static bool group_of(const struct auth_matcher *matcher, struct slice value, struct slice name, struct slice *out)
{
    return matcher->group && matcher->group(matcher->context, value, name, out);
}

/* A group of the audience's pattern wins over one of the issuer's. */
static struct slice variable(void *context, struct slice name)
{
    const struct variables *v = context;
    const struct auth_matcher *audience = &v->verifier->audience_matcher;
    struct slice value = { 0 };
    for (size_t i = 0; audience->matches && i < v->claims->aud_count; i++) {
        if (!audience->matches(audience->context, v->claims->aud[i])) continue;
        if (group_of(audience, v->claims->aud[i], name, &value)) return value;
        break; /* the first that matches speaks */
    }
    (void)group_of(&v->verifier->issuer_matcher, v->claims->iss, name, &value);
    return value;
}

static enum auth_result check_under(const struct auth_jwk *key, const struct auth_token *token, const char **why)
{
    switch (auth_jwk_verify(key, token, why)) {
    case STATUS_OK: return AUTH_OK;
    case STATUS_NO_MEMORY: return AUTH_ERROR;
    default: return AUTH_INVALID;
    }
}

/* Nothing of the claims is believed yet, but they say where the key is to be had: so a
 * token of another issuer or audience is refused before anything is fetched. */
static enum auth_result check_by_key_set(const struct auth_verifier *v, struct auth_scratch *scratch,
                                         const struct auth_token *token, const struct claims *claims,
                                         struct arena *arena, const char **why)
{
    struct variables variables = { v, claims };
    struct slice url;
    struct auth_jwk *key = NULL;
    if (!issuer_good(v, claims)) return refuse(AUTH_INVALID, "iss is not the configured issuer", why);
    if (!audience_good(v, claims)) return refuse(AUTH_INVALID, "aud does not hold the configured audience", why);
    if (token->key_id.len == 0) return refuse(AUTH_INVALID, "the token's header has no kid", why);
    enum status status =
        auth_endpoint_resolve(slice_from_cstr(v->jwks_endpoint), variable, &variables, arena, &url, why);
    if (status != STATUS_OK) return result_of(status);
    switch (v->key_source.find(v->key_source.context, url, token->key_id, &key)) {
    case AUTH_KEY_WAIT: scratch->wanted = url; return AUTH_PENDING;
    case AUTH_KEY_NONE:
        return refuse(AUTH_INVALID, "the key set has no key of the token's kid, or is not to be had", why);
    case AUTH_KEY_FOUND: break;
    }
    enum auth_result result = check_under(key, token, why);
    auth_jwk_unref(key);
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

enum auth_result auth_verify(const struct auth_verifier *v, struct auth_scratch *scratch, struct slice text,
                             int64_t now_s, enum auth_kind kind, struct arena *arena, struct claims *out,
                             const char **why)
{
    struct auth_token token;
    enum status status = auth_token_split(text, arena, &token, why);
    if (status != STATUS_OK) return result_of(status);
    const bool by_key_set = v->jwks_endpoint[0] != '\0';
    if (!v->insecure_skip_signature && !by_key_set) {
        enum auth_result result = check_signature(v, working_keys(scratch, v, kind), &token, now_s, why);
        if (result != AUTH_OK) return result;
    }

    struct claims claims;
    const struct claims_options options = { kind, slice_from_cstr(v->user_id_claim) };
    status = claims_parse(token.payload, &options, arena, &claims, why);
    if (status != STATUS_OK) return result_of(status);
    enum auth_result result = AUTH_OK;
    if (!v->insecure_skip_signature && by_key_set) result = check_by_key_set(v, scratch, &token, &claims, arena, why);
    if (result == AUTH_OK) result = check_claims(v, &claims, now_s, kind, why);
    if (result != AUTH_OK) return result;

    if (!auth_algorithm_is_hmac(token.algorithm)) {
        claims.has_project_id = false;
        claims.project_id = (struct slice){ 0 };
    }
    *out = claims;
    *why = NULL;
    return AUTH_OK;
}
