/* Who takes part in a project, the invites to it, and what was done there. */
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "console/console_route.h"
#include "crypto/crypto_secret.h"

static void list_members(struct console_call *call)
{
    struct account_error error;
    struct store_member *all = NULL;
    size_t count = 0;
    if (!account_members(&call->accounts, call->params[0], &all, &count, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    struct json_writer *w = console_begin(call, 200);
    json_write_name(w, SLICE("members"));
    json_write_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(w);
        console_write_text(w, "id", all[i].account);
        console_write_text(w, "email", all[i].email);
        console_write_text(w, "name", all[i].name);
        console_write_text(w, "role", account_role_name(all[i].role));
        console_write_i64(w, "created_at", all[i].created_at_s);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    console_done(call);
    mem_free(all);
}

static void set_role(struct console_call *call)
{
    struct account_error error;
    enum store_role role;
    const bool good =
        account_role_read(call->fields.role, &role, &error) &&
        account_member_set_role(&call->accounts, &call->who, call->params[0], call->params[1], role, &error);
    console_answer_empty(call, good, &error);
}

static void remove_member(struct console_call *call)
{
    struct account_error error;
    const bool good = account_member_remove(&call->accounts, &call->who, call->params[0], call->params[1], &error);
    console_answer_empty(call, good, &error);
}

static void write_invite(struct json_writer *w, const struct store_invite *invite)
{
    console_write_text(w, "id", invite->id);
    console_write_text(w, "role", account_role_name(invite->role));
    console_write_text(w, "email", invite->email);
    console_write_i64(w, "created_at", invite->created_at_s);
    console_write_i64(w, "expires_at", invite->valid_until_s);
}

static void list_invites(struct console_call *call)
{
    struct account_error error;
    struct store_invite *all = NULL;
    size_t count = 0;
    if (!account_invite_list(&call->accounts, call->params[0], &all, &count, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    struct json_writer *w = console_begin(call, 200);
    json_write_name(w, SLICE("invites"));
    json_write_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(w);
        write_invite(w, &all[i]);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    console_done(call);
    mem_free(all);
}

static void create_invite(struct console_call *call)
{
    struct account_error error;
    struct account_secret secret;
    struct store_invite invite;
    enum store_role role;
    if (!account_role_read(call->fields.role, &role, &error) ||
        !account_invite_create(&call->accounts, &call->who, call->params[0], role, call->fields.email,
                               call->fields.expires_in_seconds, &secret, &invite, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    struct json_writer *w = console_begin(call, 201);
    write_invite(w, &invite);
    console_write_text(w, "token", secret.text);
    console_done(call);
    crypto_wipe(&secret, sizeof secret);
}

static void remove_invite(struct console_call *call)
{
    struct account_error error;
    const bool good = account_invite_remove(&call->accounts, &call->who, call->params[0], call->params[1], &error);
    console_answer_empty(call, good, &error);
}

static const struct api_field role_fields[] = {
    { SLICE_INIT("role"), API_TEXT, offsetof(struct console_fields, role), 0, "a string", NULL, 0 },
};
static const struct api_field invite_fields[] = {
    { SLICE_INIT("role"), API_TEXT, offsetof(struct console_fields, role), 0, "a string", NULL, 0 },
    { SLICE_INIT("email"), API_TEXT, offsetof(struct console_fields, email), 0, "a string", NULL, 0 },
    { SLICE_INIT("expires_in_seconds"), API_U64, offsetof(struct console_fields, expires_in_seconds), 0,
      "a whole number of seconds", NULL, 0 },
};

static const struct console_route routes[] = {
    { HTTP_METHOD_GET, "/projects/*/members", CONSOLE_VIEWER, list_members, NULL, 0 },
    { HTTP_METHOD_PATCH, "/projects/*/members/*", CONSOLE_ADMIN, set_role, role_fields, ARRAY_COUNT(role_fields) },
    { HTTP_METHOD_DELETE, "/projects/*/members/*", CONSOLE_ADMIN, remove_member, NULL, 0 },
    { HTTP_METHOD_GET, "/projects/*/invites", CONSOLE_ADMIN, list_invites, NULL, 0 },
    { HTTP_METHOD_POST, "/projects/*/invites", CONSOLE_ADMIN, create_invite, invite_fields,
      ARRAY_COUNT(invite_fields) },
    { HTTP_METHOD_DELETE, "/projects/*/invites/*", CONSOLE_ADMIN, remove_invite, NULL, 0 },
};

const struct console_routes console_member_routes = { routes, ARRAY_COUNT(routes) };
