#include "auth/auth_jwks.h"

#include <stdatomic.h>

#include "auth/auth_scheme.h"
#include "auth/member_reader.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/mem_part.h"

/* Decoded numbers are shorter than their text, and the text is bounded. */
#define ARENA_BYTES_MAX (4 * AUTH_JWKS_BYTES_MAX)

struct auth_jwk {
    atomic_uint refs;
    unsigned algorithms; /* bits 1u << enum auth_algorithm */
    struct crypto_public_key *key;
    size_t id_len;
    char id[];
};

/* ---- text to members ---- */

/* One key as it is written. */
struct raw_key {
    struct slice kid, kty, alg, crv, use;
    struct slice x, y, n, e, d; /* still base64url */
};

struct raw_set {
    struct raw_key *keys; /* in the arena */
    size_t count;
};

#define TEXT(field) #field, member_read_text, offsetof(struct raw_key, field), #field " of a key is not a string"

static const struct member key_members[] = { { TEXT(kid) }, { TEXT(kty) }, { TEXT(alg) }, { TEXT(crv) }, { TEXT(use) },
                                             { TEXT(x) },   { TEXT(y) },   { TEXT(n) },   { TEXT(e) },   { TEXT(d) } };

static void read_keys(struct member_reader *m, void *target)
{
    struct raw_set set = { 0 };
    if (json_take_null(&m->json)) return;
    if (!member_reader_expect(m, JSON_ARRAY) || !json_array_begin(&m->json)) return;
    set.keys = member_reader_alloc(m, AUTH_JWKS_KEYS_MAX * sizeof *set.keys);
    while (set.keys && json_array_next(&m->json)) {
        if (set.count == AUTH_JWKS_KEYS_MAX) {
            member_reader_fail(m, STATUS_TOO_LARGE, "the key set has more than 256 keys");
            return;
        }
        struct raw_key *key = &set.keys[set.count++];
        *key = (struct raw_key){ 0 };
        m->complaint = "a member of keys is not an object";
        member_reader_object(m, key_members, ARRAY_COUNT(key_members), key);
    }
    *(struct raw_set *)target = set;
}

static const struct member set_members[] = { { "keys", read_keys, 0, "keys is not an array" } };

static enum status read_set(struct slice text, struct arena *arena, struct raw_set *set, const char **why)
{
    struct member_reader m;
    member_reader_init(&m, text, AUTH_JWKS_DEPTH_MAX, arena);
    m.complaint = "the key set is not a JSON object";
    member_reader_object(&m, set_members, ARRAY_COUNT(set_members), set);
    return member_reader_finish(&m, "the key set is not JSON", why);
}

/* ---- members to keys ---- */

static bool decode(struct slice *number, struct arena *arena)
{
    uint8_t *bytes = arena_alloc(arena, BASE64_DECODED_MAX(number->len));
    const ptrdiff_t len = bytes ? base64url_decode(*number, bytes) : -1;
    if (len <= 0) return false;
    *number = slice_of(bytes, (size_t)len);
    return true;
}

/* STATUS_MALFORMED for a key that is no use to us. */
static enum status make_public_key(struct raw_key *raw, struct arena *arena, struct crypto_public_key **out)
{
    const char *why;
    if (slice_eq(raw->kty, SLICE("RSA")) && decode(&raw->n, arena) && decode(&raw->e, arena))
        return crypto_public_key_from_rsa(raw->n, raw->e, out, &why);
    if (slice_eq(raw->kty, SLICE("EC")) && decode(&raw->x, arena) && decode(&raw->y, arena))
        return crypto_public_key_from_ec(raw->crv, raw->x, raw->y, out, &why);
    if (slice_eq(raw->kty, SLICE("OKP")) && slice_eq(raw->crv, SLICE("Ed25519")) && decode(&raw->x, arena))
        return crypto_public_key_from_ed25519(raw->x, out, &why);
    return STATUS_MALFORMED;
}

/* `alg` binds a key of RSA or a curve; the kind of a key binds always. A name that we
 * do not know leaves nothing. */
static unsigned algorithms_of(const struct raw_key *raw, const struct crypto_public_key *key)
{
    unsigned algorithms = 0;
    const bool is_bound = raw->alg.len > 0 && crypto_public_key_type(key) != CRYPTO_KEY_ED25519;
    const enum auth_algorithm bound = auth_algorithm_named(raw->alg);
    for (enum auth_algorithm algorithm = 0; algorithm < AUTH_ALGORITHM_COUNT; algorithm++) {
        if (auth_algorithm_is_hmac(algorithm) || (is_bound && algorithm != bound)) continue;
        if (crypto_signature_fits(auth_scheme_of(algorithm), key)) algorithms |= 1u << algorithm;
    }
    return algorithms;
}

static struct auth_jwk *jwk_new(const struct raw_key *raw, struct crypto_public_key *key)
{
    struct auth_jwk *jwk = mem_part_alloc(MEM_KEYS, sizeof *jwk + raw->kid.len);
    if (!jwk) return NULL;
    *jwk = (struct auth_jwk){ .key = key, .algorithms = algorithms_of(raw, key), .id_len = raw->kid.len };
    atomic_init(&jwk->refs, 1);
    memcpy(jwk->id, raw->kid.ptr, raw->kid.len);
    return jwk;
}

/* Everybody can sign under a key whose private half was published. */
static bool is_wanted(const struct raw_key *raw)
{
    return slice_eq(raw->use, SLICE("sig")) && raw->kid.len > 0 && raw->d.len == 0;
}

static void put(struct auth_jwks *set, struct auth_jwk *jwk)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!slice_eq(auth_jwk_id(set->keys[i]), auth_jwk_id(jwk))) continue;
        auth_jwk_unref(set->keys[i]);
        set->keys[i] = jwk;
        return;
    }
    set->keys[set->count++] = jwk;
}

static enum status add(struct auth_jwks *set, struct raw_key *raw, struct arena *arena)
{
    struct crypto_public_key *key = NULL;
    if (!is_wanted(raw)) return STATUS_OK;
    const enum status status = make_public_key(raw, arena, &key);
    if (status == STATUS_MALFORMED) return STATUS_OK;
    if (status != STATUS_OK) return status;
    struct auth_jwk *jwk = jwk_new(raw, key);
    if (jwk) {
        put(set, jwk);
        return STATUS_OK;
    }
    crypto_public_key_free(key);
    return STATUS_NO_MEMORY;
}

static enum status make_set(struct raw_set *raw, struct arena *arena, struct auth_jwks *out)
{
    struct auth_jwks set = { .keys = mem_part_alloc(MEM_KEYS, (raw->count + 1) * sizeof *set.keys) };
    enum status status = set.keys ? STATUS_OK : STATUS_NO_MEMORY;
    for (size_t i = 0; status == STATUS_OK && i < raw->count; i++) status = add(&set, &raw->keys[i], arena);
    if (status == STATUS_OK)
        *out = set;
    else
        auth_jwks_deinit(&set);
    return status;
}

enum status auth_jwks_parse(struct slice text, struct auth_jwks *out, const char **why)
{
    if (text.len > AUTH_JWKS_BYTES_MAX) {
        *why = "the key set is longer than 512 KB";
        return STATUS_TOO_LARGE;
    }
    struct arena arena;
    struct raw_set raw = { 0 };
    arena_init(&arena, ARENA_BYTES_MAX);
    enum status status = read_set(text, &arena, &raw, why);
    if (status == STATUS_OK) {
        *why = "memory was out for the key set";
        status = make_set(&raw, &arena, out);
    }
    arena_deinit(&arena);
    return status;
}

void auth_jwks_deinit(struct auth_jwks *set)
{
    for (size_t i = 0; i < set->count; i++) auth_jwk_unref(set->keys[i]);
    mem_part_free(MEM_KEYS, set->keys);
    *set = (struct auth_jwks){ 0 };
}

/* ---- one key ---- */

struct auth_jwk *auth_jwk_ref(struct auth_jwk *key)
{
    /* relaxed: the caller has a reference already, nothing is published by one more */
    atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void auth_jwk_unref(struct auth_jwk *key)
{
    /* release our reads before the count falls, acquire everybody's before freeing */
    if (!key || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1) return;
    crypto_public_key_free(key->key);
    mem_part_free(MEM_KEYS, key);
}

struct slice auth_jwk_id(const struct auth_jwk *key)
{
    return slice_of(key->id, key->id_len);
}

enum status auth_jwk_verify(const struct auth_jwk *key, const struct auth_token *token, const char **why)
{
    if (token->algorithm == AUTH_ALGORITHM_UNKNOWN || !(key->algorithms & 1u << token->algorithm)) {
        *why = "the key of the token's kid is not for the token's algorithm (alg)";
        return STATUS_DENIED;
    }
    struct crypto_signature *check = crypto_signature_new(auth_scheme_of(token->algorithm), key->key);
    if (!check) {
        *why = "memory was out for the token's key";
        return STATUS_NO_MEMORY;
    }
    const bool good = crypto_signature_verify(check, token->signed_part, token->signature);
    crypto_signature_free(check);
    *why = good ? NULL : "the signature does not fit the key of the token's kid";
    return good ? STATUS_OK : STATUS_DENIED;
}
