#include "auth/auth_token.h"

#include "auth/member_reader.h"
#include "base/base64.h"
#include "base/check.h"

struct header {
    struct slice alg, kid;
    struct slice typ, cty; /* any text, but text */
};

static const struct member header_members[] = {
    { "alg", member_read_text, offsetof(struct header, alg), "alg in the token's header is not a string" },
    { "kid", member_read_text, offsetof(struct header, kid), "kid in the token's header is not a string" },
    { "typ", member_read_text, offsetof(struct header, typ), "typ in the token's header is not a string" },
    { "cty", member_read_text, offsetof(struct header, cty), "cty in the token's header is not a string" },
};

static enum status refuse(enum status status, const char *reason, const char **why)
{
    *why = reason;
    return status;
}

enum auth_algorithm auth_algorithm_named(struct slice name)
{
    static const struct slice names[] = {
#define ALGORITHM_NAME(id, text) [AUTH_##id] = { text, sizeof(text) - 1 },
        AUTH_ALGORITHM_LIST(ALGORITHM_NAME)
#undef ALGORITHM_NAME
    };
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (slice_eq(name, names[i])) return (enum auth_algorithm)i;
    return AUTH_ALGORITHM_UNKNOWN;
}

static enum status decode_part(struct slice part, struct arena *arena, struct slice *out, const char **why)
{
    uint8_t *bytes = arena_alloc(arena, BASE64_DECODED_MAX(part.len));
    if (!bytes) return refuse(STATUS_NO_MEMORY, "memory was out for the token's text", why);
    ptrdiff_t len = base64url_decode(part, bytes);
    if (len < 0) return refuse(STATUS_MALFORMED, "a part of the token is not base64url without padding", why);
    *out = slice_of(bytes, (size_t)len);
    return STATUS_OK;
}

static enum status read_header(struct slice text, struct arena *arena, struct auth_token *out, const char **why)
{
    struct header header = { 0 };
    struct member_reader m;
    member_reader_init(&m, text, AUTH_HEADER_DEPTH_MAX, arena);
    m.complaint = "the token's header is not a JSON object";
    member_reader_object(&m, header_members, ARRAY_COUNT(header_members), &header);
    enum status status = member_reader_finish(&m, "the token's header is not a JSON object", why);
    if (status != STATUS_OK) return status;
    out->algorithm = auth_algorithm_named(header.alg);
    out->key_id = header.kid;
    return STATUS_OK;
}

enum status auth_token_split(struct slice text, struct arena *arena, struct auth_token *out, const char **why)
{
    if (text.len > AUTH_TOKEN_LEN_MAX) return refuse(STATUS_TOO_LARGE, "the token is longer than 64 KB", why);
    ptrdiff_t first = slice_index(text, '.'), last = slice_last_index(text, '.');
    if (first == last) return refuse(STATUS_MALFORMED, "the token does not have three parts", why);

    struct auth_token token = { .signed_part = slice_head(text, (size_t)last) };
    struct slice header;
    enum status status = decode_part(slice_head(text, (size_t)first), arena, &header, why);
    if (status == STATUS_OK)
        status = decode_part(slice_from(token.signed_part, (size_t)first + 1), arena, &token.payload, why);
    if (status == STATUS_OK) status = decode_part(slice_from(text, (size_t)last + 1), arena, &token.signature, why);
    if (status == STATUS_OK) status = read_header(header, arena, &token, why);
    if (status == STATUS_OK) *out = token;
    return status;
}
