/* The keys of a project. */
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "console/console_route.h"
#include "console/console_shapes.h"
#include "control/project_answer.h"
#include "crypto/crypto_secret.h"

#define KEY_LIFE_MAX_S (10LL * 365 * 24 * 60 * 60)

/* In the order of the bits of enum store_key_scope. */
static const char *const scope_names[] = { "publish", "tokens", "read" };

static void write_key(struct json_writer *w, const struct store_key *key, int64_t now_s)
{
    console_write_text(w, "key_id", key->id);
    console_write_text(w, "kind", store_key_kind_name(key->kind));
    console_write_text(w, "name", key->name);
    console_write_text(w, "state", project_answer_key_state(key, now_s));
    console_write_i64(w, "created_at", key->created_at_s);
    console_write_i64(w, "valid_until", key->valid_until_s);
    console_write_i64(w, "revoked_at", key->revoked_at_s);
    console_write_i64(w, "last_used_at", key->last_used_at_s);
    console_write_text(w, "channel_prefix", key->channel_prefix);
    json_write_name(w, SLICE("scopes"));
    json_write_array_begin(w);
    for (size_t i = 0; i < ARRAY_COUNT(scope_names); i++)
        if (key->scopes & 1u << i) json_write_string(w, slice_from_cstr(scope_names[i]));
    json_write_array_end(w);
}

static void list(struct console_call *call)
{
    struct store_key *keys = NULL;
    struct project_error refused;
    size_t count = 0;
    const struct project_service service = console_project_service(call);
    if (!project_service_keys(&service, call->params[0], &keys, &count, &refused)) {
        console_refuse_project(call, &refused);
        return;
    }
    struct json_writer *w = console_begin(call, 200);
    json_write_name(w, SLICE("keys"));
    json_write_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(w);
        write_key(w, &keys[i], service.now_s);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    console_done(call);
    mem_free(keys);
}

static bool read_kind(struct console_call *call, struct slice text, enum store_key_kind *out)
{
    for (enum store_key_kind kind = STORE_KEY_SERVER; kind <= STORE_KEY_CLIENT; kind++) {
        if (!slice_eq(text, slice_from_cstr(store_key_kind_name(kind)))) continue;
        *out = kind;
        return true;
    }
    console_refuse(call, 422, "invalid_value", "kind", "kind is \"%.*s\": \"server\" or \"client\" is allowed",
                   SLICE_ARG(slice_head(text, 40)));
    return false;
}

static bool read_scope(struct console_call *call, struct slice text, uint32_t *scopes)
{
    for (size_t i = 0; i < ARRAY_COUNT(scope_names); i++) {
        if (!slice_eq(text, slice_from_cstr(scope_names[i]))) continue;
        *scopes |= 1u << i;
        return true;
    }
    console_refuse(call, 422, "invalid_value", "scopes",
                   "scopes has \"%.*s\": \"publish\", \"tokens\" and \"read\" are allowed",
                   SLICE_ARG(slice_head(text, 40)));
    return false;
}

/* What the key may do; false: refused. */
static bool read_limits(struct console_call *call, enum store_key_kind kind, struct project_key_wish *wish)
{
    const struct console_fields *f = &call->fields;
    for (uint32_t i = 0; i < f->scopes.count; i++)
        if (!read_scope(call, f->scopes.items[i], &wish->scopes)) return false;
    wish->channel_prefix = f->channel_prefix;
    if (wish->channel_prefix.len >= STORE_KEY_PREFIX_MAX || !utf8_valid(wish->channel_prefix) ||
        slice_index(wish->channel_prefix, '\0') >= 0) {
        console_refuse(call, 422, "invalid_value", "channel_prefix",
                       "channel_prefix has %zu bytes: at most %d of UTF-8 are allowed", wish->channel_prefix.len,
                       STORE_KEY_PREFIX_MAX - 1);
        return false;
    }
    if (kind == STORE_KEY_SERVER || (wish->scopes == 0 && wish->channel_prefix.len == 0)) return true;
    console_refuse(call, 422, "invalid_value", wish->scopes ? "scopes" : "channel_prefix",
                   "scopes and channel_prefix are for server keys: what a client key lets in may do, namespaces say");
    return false;
}

static void answer_keys(struct console_call *call, bool good, struct project_new_keys *keys,
                        const struct project_error *refused)
{
    if (good) {
        console_write_new_keys(console_begin(call, 201), keys);
        console_done_in_force(call);
        crypto_wipe(keys, sizeof *keys);
    } else {
        console_refuse_project(call, refused);
    }
}

static void create(struct console_call *call)
{
    struct project_new_keys keys;
    struct project_error refused;
    enum store_key_kind kind;
    const uint64_t life_s = call->fields.expires_in_seconds;
    const struct project_service service = console_project_service(call);
    struct project_key_wish wish = { .name = call->fields.name };
    if (!read_kind(call, call->fields.kind, &kind) || !read_limits(call, kind, &wish)) return;
    if (life_s > KEY_LIFE_MAX_S) {
        console_refuse(call, 422, "invalid_value", "expires_in_seconds",
                       "expires_in_seconds is %llu: 0 (no end) to %lld (ten years) is allowed",
                       (unsigned long long)life_s, KEY_LIFE_MAX_S);
        return;
    }
    if (life_s > 0) wish.valid_until_s = service.now_s + (int64_t)life_s;
    const bool good = project_service_add_key(&service, call->params[0], kind, &wish, &keys, &refused);
    answer_keys(call, good, &keys, &refused);
}

/* The kind of the key in the path is rotated, as the command line does. */
static void rotate(struct console_call *call)
{
    struct project_new_keys keys;
    struct project_error refused;
    enum store_key_kind kind;
    const struct project_service service = console_project_service(call);
    const uint64_t grace_s = call->fields.has_grace ? call->fields.grace_seconds : PROJECT_GRACE_DEFAULT_S;
    if (!read_kind(call, call->fields.kind, &kind)) return;
    const bool good = project_service_rotate(&service, call->params[0], kind, grace_s, &keys, &refused);
    answer_keys(call, good, &keys, &refused);
}

static void revoke_key(struct console_call *call)
{
    struct project_error refused;
    const struct project_service service = console_project_service(call);
    if (!project_service_revoke(&service, call->params[0], call->params[1], &refused)) {
        console_refuse_project(call, &refused);
        return;
    }
    console_begin(call, 200);
    console_done_in_force(call);
}

static const struct api_field create_fields[] = {
    { SLICE_INIT("kind"), API_TEXT, offsetof(struct console_fields, kind), 0, "a string", NULL, 0 },
    { SLICE_INIT("name"), API_TEXT, offsetof(struct console_fields, name), 0, "a string", NULL, 0 },
    { SLICE_INIT("expires_in_seconds"), API_U64, offsetof(struct console_fields, expires_in_seconds), 0,
      "a whole number of seconds", NULL, 0 },
    { SLICE_INIT("scopes"), API_TEXTS, offsetof(struct console_fields, scopes), 0, "an array of strings", NULL, 0 },
    { SLICE_INIT("channel_prefix"), API_TEXT, offsetof(struct console_fields, channel_prefix), 0, "a string", NULL, 0 },
};
static const struct api_field rotate_fields[] = {
    { SLICE_INIT("kind"), API_TEXT, offsetof(struct console_fields, kind), 0, "a string", NULL, 0 },
    { SLICE_INIT("grace_seconds"), API_U64, offsetof(struct console_fields, grace_seconds),
      offsetof(struct console_fields, has_grace), "a whole number of seconds", NULL, 0 },
};

static const struct console_route routes[] = {
    { HTTP_METHOD_GET, "/projects/*/keys", CONSOLE_VIEWER, list, NULL, 0 },
    { HTTP_METHOD_POST, "/projects/*/keys", CONSOLE_ADMIN, create, create_fields, ARRAY_COUNT(create_fields) },
    { HTTP_METHOD_POST, "/projects/*/keys/rotate", CONSOLE_ADMIN, rotate, rotate_fields, ARRAY_COUNT(rotate_fields) },
    { HTTP_METHOD_DELETE, "/projects/*/keys/*", CONSOLE_ADMIN, revoke_key, NULL, 0 },
};

const struct console_routes console_key_routes = { routes, ARRAY_COUNT(routes) };
