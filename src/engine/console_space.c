#include "engine/console_space.h"

#include <stdio.h>

#include "auth/auth_sign.h"
#include "engine/client_parts.h"

enum status console_token_sign(const uint8_t secret[static CONSOLE_SECRET_LEN], struct slice account,
                               struct slice project, int64_t now_s, struct buf *out)
{
    char info[POLICY_PROJECT_ID_MAX + 3];
    const int len = snprintf(info, sizeof info, "\"%.*s\"", SLICE_ARG(project));
    if (len < 0 || (size_t)len >= sizeof info) return STATUS_TOO_LARGE;
    const struct auth_minted minted = { .kind = AUTH_CONNECTION,
                                        .user = account,
                                        .iat_s = now_s,
                                        .exp_s = now_s + CONSOLE_TOKEN_TTL_S,
                                        .info = slice_of(info, (size_t)len) };
    struct crypto_hmac *mac = crypto_hmac_new(CRYPTO_SHA256, slice_of(secret, CONSOLE_SECRET_LEN));
    if (!mac) return STATUS_NO_MEMORY;
    buf_append(out, SLICE(CONSOLE_TOKEN_PREFIX));
    const enum status status = buf_ok(out) ? auth_sign(mac, &minted, out) : out->failed;
    crypto_hmac_free(mac);
    return status;
}

enum auth_result console_token_verify(struct engine *e, struct slice token, struct claims *out, const char **why)
{
    if (!e->console_verifier) {
        *why = "this server makes no tokens for the console";
        return AUTH_INVALID;
    }
    return auth_verify(e->console_verifier, e->auth_scratch, slice_from(token, sizeof CONSOLE_TOKEN_PREFIX - 1),
                       e->wall_ms / 1000, AUTH_CONNECTION, &e->arena, out, why);
}

/* Without its quotes: a project's id has nothing to escape. */
static struct slice project_of(struct slice info)
{
    return info.len > 2 ? slice_of(info.ptr + 1, info.len - 2) : (struct slice){ 0 };
}

static struct slice own_project(const struct client *c)
{
    return project_of(held_bytes_slice(c->extra ? c->extra->conn_info : NULL));
}

/* False: it is neither. */
static bool split(struct slice channel, enum events_kind *kind, struct slice *project)
{
    const struct slice prefixes[] = {
        [EVENTS_OF_PROJECT] = SLICE(EVENTS_PREFIX), [OVERVIEW_OF_PROJECT] = SLICE(OVERVIEW_PREFIX)
    };
    for (enum events_kind i = EVENTS_OF_PROJECT; i <= OVERVIEW_OF_PROJECT; i++) {
        if (!slice_starts_with(channel, prefixes[i])) continue;
        *kind = i;
        *project = slice_from(channel, prefixes[i].len);
        return true;
    }
    return false;
}

bool console_space_allows(const struct client *c, struct slice channel)
{
    enum events_kind kind;
    struct slice project;
    const struct slice own = own_project(c);
    return own.len > 0 && split(channel, &kind, &project) && slice_eq(project, own);
}

bool console_space_same(const struct client *c, const struct claims *claims)
{
    return slice_eq(project_of(claims->info), own_project(c));
}

void console_space_joined(struct client *c, struct subscription *sub)
{
    enum events_kind kind;
    struct slice project;
    if (split(hub_channel_name(sub->channel), &kind, &project) &&
        events_listen(&c->engine->shared->events, kind, project))
        sub->flags |= SUB_LISTENS;
}

void console_space_left(struct client *c, struct subscription *sub)
{
    enum events_kind kind;
    struct slice project;
    if (!(sub->flags & SUB_LISTENS) || !split(hub_channel_name(sub->channel), &kind, &project)) return;
    events_unlisten(&c->engine->shared->events, kind, project);
}
