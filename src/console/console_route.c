#include "console/console_route.h"

#include "base/check.h"
#include "http/http_uri.h"

const struct console_routes *const console_families[] = {
    &console_login_routes,     &console_account_routes, &console_project_routes, &console_key_routes,
    &console_member_routes,    &console_audit_routes,   &console_engine_routes,  &console_live_routes,
    &console_namespace_routes, &console_openapi_routes,
};

const size_t console_family_count = ARRAY_COUNT(console_families);

/* The next part of a path, without its '/'; false at the end. */
static bool next_part(struct slice *path, struct slice *part)
{
    if (path->len == 0 || path->ptr[0] != '/') return false;
    const struct slice rest = slice_from(*path, 1);
    const ptrdiff_t end = slice_index(rest, '/');
    *part = end < 0 ? rest : slice_head(rest, (size_t)end);
    *path = slice_from(rest, part->len);
    return true;
}

static bool fits(const char *pattern, struct slice path, struct slice params[CONSOLE_PARAMS_MAX])
{
    struct slice left = slice_from_cstr(pattern), want, part;
    size_t count = 0;
    while (next_part(&left, &want)) {
        if (!next_part(&path, &part)) return false;
        if (!slice_eq(want, SLICE("*"))) {
            if (!slice_eq(want, part)) return false;
        } else {
            CHECK(count < CONSOLE_PARAMS_MAX);
            if (part.len == 0) return false;
            params[count++] = part;
        }
    }
    return path.len == 0;
}

static bool decode_params(struct console_call *call)
{
    struct buf decoded;
    bool good = true;
    buf_init(&decoded, CONSOLE_BODY_BYTES_MAX);
    for (size_t i = 0; i < CONSOLE_PARAMS_MAX && good; i++) {
        if (call->params[i].len == 0) continue;
        buf_clear(&decoded);
        good = http_percent_decode(call->params[i], HTTP_PLUS_IS_PLUS, &decoded) == STATUS_OK;
        if (good) call->params[i] = arena_copy(&call->arena, buf_slice(&decoded));
        good = good && call->params[i].ptr;
    }
    buf_deinit(&decoded);
    return good;
}

const struct console_route *console_route_find(struct console_call *call, bool *path_known)
{
    *path_known = false;
    for (size_t i = 0; i < console_family_count; i++) {
        for (size_t j = 0; j < console_families[i]->count; j++) {
            const struct console_route *route = &console_families[i]->items[j];
            struct slice params[CONSOLE_PARAMS_MAX] = { 0 };
            if (!fits(route->path, call->path, params)) continue;
            *path_known = true;
            if (route->method != call->method) continue;
            memcpy(call->params, params, sizeof params);
            return decode_params(call) ? route : NULL;
        }
    }
    return NULL;
}
