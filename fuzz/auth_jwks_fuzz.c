/* What comes from a key server, and what a token makes of its address. The first byte chooses:
 * even: the rest is a key set, and tokens are checked under each key it gives;
 * odd: the rest is an endpoint, a zero byte, and the value of its placeholders. */
#include "auth/auth_endpoint.h"
#include "auth/auth_jwks.h"
#include "base/check.h"

#include "../tests/auth/support/key_sets.h"
#include "../tests/auth/support/public_keys.h"

static struct arena arena;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static void check_tokens(const struct auth_jwk *key)
{
    static const char *const texts[] = { RFC_RS256_TOKEN, RFC_ES256_TOKEN, RFC_EDDSA_JWS };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct auth_token token;
        const char *why = NULL;
        arena_reset(&arena);
        CHECK(auth_token_split(slice_from_cstr(texts[i]), &arena, &token, &why) == STATUS_OK);
        const enum status status = auth_jwk_verify(key, &token, &why);
        CHECK((status == STATUS_OK) == (why == NULL));
    }
}

static void try_set(struct slice text)
{
    struct auth_jwks set = { 0 };
    const char *why = NULL;
    if (auth_jwks_parse(text, &set, &why) != STATUS_OK) {
        CHECK(why && !set.keys);
        return;
    }
    CHECK(set.count <= AUTH_JWKS_KEYS_MAX);
    for (size_t i = 0; i < set.count; i++) {
        CHECK(auth_jwk_id(set.keys[i]).len > 0);
        for (size_t other = 0; other < i; other++)
            CHECK(!slice_eq(auth_jwk_id(set.keys[i]), auth_jwk_id(set.keys[other])));
        if (i < 4) check_tokens(set.keys[i]);
    }
    auth_jwks_deinit(&set);
}

static struct slice value_of(void *context, struct slice name)
{
    return *(struct slice *)context;
}

static void try_endpoint(struct slice rest)
{
    const ptrdiff_t end = slice_index(rest, '\0');
    struct slice text = end < 0 ? rest : slice_head(rest, (size_t)end), url;
    struct slice value = end < 0 ? (struct slice){ 0 } : slice_from(rest, (size_t)end + 1);
    const char *why = NULL;
    if (auth_endpoint_trouble(text)) return;
    arena_reset(&arena);
    if (auth_endpoint_resolve(text, value_of, &value, &arena, &url, &why) != STATUS_OK) {
        CHECK(why);
        return;
    }
    CHECK(url.len <= AUTH_ENDPOINT_LEN_MAX && auth_endpoint_path_is_clean(url));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const struct slice rest = slice_of(data + 1, size - 1);
    if (data[0] & 1)
        try_endpoint(rest);
    else
        try_set(rest);
    return 0;
}
