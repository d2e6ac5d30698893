/* One's own account: name, password, authenticator app, sessions, access tokens. */
#include <stdio.h>

#include "account/account_totp.h"
#include "base/check.h"
#include "base/mem.h"
#include "console/console_route.h"
#include "console/console_shapes.h"
#include "crypto/crypto_secret.h"

static void answer_account(struct console_call *call)
{
    console_write_account(console_begin(call, 200), &call->who.account);
    console_done(call);
}

/* ---- name and password ---- */

static void finish_patch(struct console_call *call)
{
    struct account_error error;
    if (call->fields.has_name && !account_rename(&call->accounts, &call->who, call->fields.name, &error))
        console_refuse_account(call, &error);
    else
        answer_account(call);
}

static void after_new_hash(struct control_job *job)
{
    struct console_call *call = (struct console_call *)job;
    struct account_error error;
    if (!call->password_fits)
        console_refuse(call, 503, "unavailable", NULL, "the server has no memory for a password hash; try again later");
    else if (!account_set_password(&call->accounts, &call->who, call->password_hash, &error))
        console_refuse_account(call, &error);
    else
        finish_patch(call);
}

static void verify_current(struct control_job *job)
{
    struct console_call *call = (struct console_call *)job;
    call->password_fits = crypto_password_verify(call->who.account.password, call->fields.current);
}

/* The current password is asked for again, and guessing at it is slowed like a sign-in. */
static void with_current(struct console_call *call, void (*after)(struct control_job *job))
{
    struct account_error error;
    if (!account_login_begin(&call->accounts, slice_from_cstr(call->who.account.email), &call->attempt, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    if (call->fields.current.len > ACCOUNT_PASSWORD_MAX) call->fields.current = SLICE("");
    console_verify(call, verify_current, after);
}

static bool current_fits(struct console_call *call)
{
    struct account_error error;
    if (call->password_fits) {
        account_login_passed(&call->accounts, &call->attempt);
        return true;
    }
    account_refuse(&error, ACCOUNT_ERROR_FORBIDDEN, "current_password", "the current password is wrong");
    console_refuse_account(call, &error);
    return false;
}

static void after_current(struct control_job *job)
{
    struct console_call *call = (struct console_call *)job;
    if (current_fits(call)) console_work(call, console_hash_password, after_new_hash);
}

static void patch_account(struct console_call *call)
{
    struct account_error error;
    if (!call->fields.has_password)
        finish_patch(call);
    else if (account_check_password(call->fields.password, &error))
        with_current(call, after_current);
    else
        console_refuse_account(call, &error);
}

/* ---- authenticator app ---- */

static void begin_totp(struct console_call *call)
{
    struct account_error error;
    char text[ACCOUNT_TOTP_SECRET_TEXT_MAX];
    struct buf uri;
    if (!account_totp_begin(&call->accounts, &call->who, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    buf_init(&uri, 2048);
    account_totp_text(call->who.account.totp_pending, text);
    account_totp_uri(call->who.account.totp_pending, slice_from_cstr(call->who.account.email), &uri);
    struct json_writer *w = console_begin(call, 200);
    console_write_text(w, "secret", text);
    json_write_name(w, SLICE("uri"));
    json_write_string(w, buf_slice(&uri));
    console_done(call);
    buf_deinit(&uri);
    crypto_wipe(text, sizeof text);
}

static void confirm_totp(struct console_call *call)
{
    struct account_error error;
    struct account_secret recovery[ACCOUNT_RECOVERY_CODES];
    if (!account_totp_confirm(&call->accounts, &call->who, call->fields.code, recovery, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    struct json_writer *w = console_begin(call, 200);
    json_write_name(w, SLICE("recovery_codes"));
    json_write_array_begin(w);
    for (int i = 0; i < ACCOUNT_RECOVERY_CODES; i++) json_write_string(w, slice_from_cstr(recovery[i].text));
    json_write_array_end(w);
    console_done(call);
    crypto_wipe(recovery, sizeof recovery);
}

static void after_current_for_totp(struct control_job *job)
{
    struct console_call *call = (struct console_call *)job;
    struct account_error error;
    if (!current_fits(call)) return;
    const bool good = account_totp_disable(&call->accounts, &call->who, &error);
    console_answer_empty(call, good, &error);
}

static void remove_totp(struct console_call *call)
{
    with_current(call, after_current_for_totp);
}

/* ---- sessions ---- */

static void list_sessions(struct console_call *call)
{
    struct account_error error;
    struct store_login *all = NULL;
    size_t count = 0;
    if (!account_session_list(&call->accounts, &call->who, &all, &count, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    struct json_writer *w = console_begin(call, 200);
    json_write_name(w, SLICE("sessions"));
    json_write_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(w);
        console_write_text(w, "id", all[i].id);
        console_write_i64(w, "created_at", all[i].created_at_s);
        console_write_i64(w, "last_used_at", all[i].last_used_at_s);
        console_write_text(w, "address", all[i].address);
        console_write_text(w, "agent", all[i].agent);
        console_write_bool(w, "current", strcmp(all[i].id, call->who.session) == 0);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    console_done(call);
    mem_free(all);
}

static void end_session(struct console_call *call)
{
    struct account_error error;
    const bool good = account_session_close(&call->accounts, &call->who, call->params[0], &error);
    console_answer_empty(call, good, &error);
}

static void end_other_sessions(struct console_call *call)
{
    struct account_error error;
    uint64_t closed;
    if (!account_session_close_others(&call->accounts, &call->who, &closed, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    console_write_i64(console_begin(call, 200), "ended", (int64_t)closed);
    console_done(call);
}

/* ---- access tokens ---- */

static void write_token(struct json_writer *w, const struct store_access_token *token)
{
    console_write_text(w, "id", token->id);
    console_write_text(w, "name", token->name);
    console_write_i64(w, "created_at", token->created_at_s);
    console_write_i64(w, "expires_at", token->valid_until_s);
    console_write_i64(w, "last_used_at", token->last_used_at_s);
}

static void list_tokens(struct console_call *call)
{
    struct account_error error;
    struct store_access_token *all = NULL;
    size_t count = 0;
    if (!account_token_list(&call->accounts, &call->who, &all, &count, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    struct json_writer *w = console_begin(call, 200);
    json_write_name(w, SLICE("access_tokens"));
    json_write_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(w);
        write_token(w, &all[i]);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    console_done(call);
    mem_free(all);
}

static void create_token(struct console_call *call)
{
    struct account_error error;
    struct account_secret secret;
    struct store_access_token token;
    if (!account_token_create(&call->accounts, &call->who, call->fields.name, call->fields.expires_in_seconds, &secret,
                              &token, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    struct json_writer *w = console_begin(call, 201);
    write_token(w, &token);
    console_write_text(w, "token", secret.text);
    console_done(call);
    crypto_wipe(&secret, sizeof secret);
}

static void remove_token(struct console_call *call)
{
    struct account_error error;
    const bool good = account_token_remove(&call->accounts, &call->who, call->params[0], &error);
    console_answer_empty(call, good, &error);
}

static const struct api_field account_fields[] = {
    { SLICE_INIT("name"), API_TEXT, offsetof(struct console_fields, name), offsetof(struct console_fields, has_name),
      "a string", NULL, 0 },
    { SLICE_INIT("password"), API_TEXT, offsetof(struct console_fields, password),
      offsetof(struct console_fields, has_password), "a string", NULL, 0 },
    { SLICE_INIT("current_password"), API_TEXT, offsetof(struct console_fields, current), 0, "a string", NULL, 0 },
};
static const struct api_field code_fields[] = {
    { SLICE_INIT("code"), API_TEXT, offsetof(struct console_fields, code), 0, "a string", NULL, 0 },
};
static const struct api_field current_fields[] = {
    { SLICE_INIT("current_password"), API_TEXT, offsetof(struct console_fields, current), 0, "a string", NULL, 0 },
};
static const struct api_field token_fields[] = {
    { SLICE_INIT("name"), API_TEXT, offsetof(struct console_fields, name), 0, "a string", NULL, 0 },
    { SLICE_INIT("expires_in_seconds"), API_U64, offsetof(struct console_fields, expires_in_seconds), 0,
      "a whole number of seconds", NULL, 0 },
};

static const struct console_route routes[] = {
    { HTTP_METHOD_PATCH, "/account", CONSOLE_SESSION, patch_account, account_fields, ARRAY_COUNT(account_fields) },
    { HTTP_METHOD_POST, "/account/totp", CONSOLE_SESSION, begin_totp, NULL, 0 },
    { HTTP_METHOD_POST, "/account/totp/confirm", CONSOLE_SESSION, confirm_totp, code_fields, ARRAY_COUNT(code_fields) },
    { HTTP_METHOD_DELETE, "/account/totp", CONSOLE_SESSION, remove_totp, current_fields, ARRAY_COUNT(current_fields) },
    { HTTP_METHOD_GET, "/sessions", CONSOLE_SESSION, list_sessions, NULL, 0 },
    { HTTP_METHOD_DELETE, "/sessions/*", CONSOLE_SESSION, end_session, NULL, 0 },
    { HTTP_METHOD_POST, "/sessions/sign-out-everywhere", CONSOLE_SESSION, end_other_sessions, NULL, 0 },
    { HTTP_METHOD_GET, "/access-tokens", CONSOLE_SESSION, list_tokens, NULL, 0 },
    { HTTP_METHOD_POST, "/access-tokens", CONSOLE_SESSION, create_token, token_fields, ARRAY_COUNT(token_fields) },
    { HTTP_METHOD_DELETE, "/access-tokens/*", CONSOLE_SESSION, remove_token, NULL, 0 },
};

const struct console_routes console_account_routes = { routes, ARRAY_COUNT(routes) };
