/* The way in: the set-up link, invites, sign-in and sign-out, and what a page asks first. */
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "console/console_route.h"
#include "console/console_shapes.h"
#include "crypto/crypto_secret.h"

/* ---- the session object that several answers are ---- */

static void write_place(struct json_writer *w, const struct store_project *project, enum store_role role)
{
    console_write_text(w, "id", project->id);
    console_write_text(w, "name", project->name);
    console_write_text(w, "role", account_role_name(role));
    console_write_i64(w, "archived_at", project->archived_at_s);
}

void console_write_account(struct json_writer *w, const struct store_account *account)
{
    json_write_name(w, SLICE("account"));
    json_write_object_begin(w);
    console_write_text(w, "id", account->id);
    console_write_text(w, "email", account->email);
    console_write_text(w, "name", account->name);
    console_write_bool(w, "totp", account->has_totp);
    console_write_bool(w, "instance_owner", account->instance_owner);
    console_write_i64(w, "created_at", account->created_at_s);
    json_write_object_end(w);
}

static void answer_session(struct console_call *call, struct slice secret)
{
    struct account_error error;
    char csrf[CONSOLE_CSRF_MAX];
    struct json_writer *w = console_begin(call, 200);
    console_write_account(w, &call->who.account);
    if (secret.ptr) {
        console_csrf(secret, csrf);
        console_write_text(w, "csrf", csrf);
    }
    if (console_write_projects(call, write_place, &error))
        console_done(call);
    else
        console_refuse_account(call, &error);
}

/* call->who.account has proved who it is: a session of a new name for it. */
static void sign_in(struct console_call *call)
{
    struct account_error error;
    struct account_secret secret;
    if (!account_session_open(&call->accounts, &call->who.account, &secret, call->who.session, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    console_set_cookie(call, secret.text);
    answer_session(call, slice_from_cstr(secret.text));
    crypto_wipe(&secret, sizeof secret);
}

static void get_session(struct console_call *call)
{
    answer_session(call, call->bearer.ptr ? (struct slice){ 0 } : call->session);
}

/* ---- sign-in ---- */

static void verify_password(struct control_job *job)
{
    struct console_call *call = (struct console_call *)job;
    call->password_fits = crypto_password_verify(call->attempt.password, call->fields.password);
}

static void after_verify(struct control_job *job)
{
    struct console_call *call = (struct console_call *)job;
    struct account_error error;
    if (!account_login_end(&call->accounts, &call->attempt, call->password_fits, call->fields.totp, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    call->who.account = call->attempt.account;
    sign_in(call);
}

static void login(struct console_call *call)
{
    struct account_error error;
    if (call->fields.password.len > ACCOUNT_PASSWORD_MAX) call->fields.password = SLICE(""); /* nobody's */
    if (account_login_begin(&call->accounts, call->fields.email, &call->attempt, &error))
        console_verify(call, verify_password, after_verify);
    else
        console_refuse_account(call, &error);
}

static void logout(struct console_call *call)
{
    struct account_error error;
    if (!account_session_close(&call->accounts, &call->who, slice_from_cstr(call->who.session), &error)) {
        console_refuse_account(call, &error);
        return;
    }
    console_set_cookie(call, "");
    console_begin(call, 200);
    console_done(call);
}

/* ---- links: the set-up of a new instance, and invites ---- */

static void get_setup(struct console_call *call)
{
    struct account_error error;
    bool needed;
    if (!account_setup_needed(&call->accounts, &needed, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    console_write_bool(console_begin(call, 200), "needed", needed);
    console_done(call);
}

void console_hash_password(struct control_job *job)
{
    struct console_call *call = (struct console_call *)job;
    call->password_fits = crypto_password_hash(call->fields.password, call->password_hash) == STATUS_OK;
}

static void after_hash(struct control_job *job)
{
    struct console_call *call = (struct console_call *)job;
    struct account_error error;
    if (!call->password_fits) {
        console_refuse(call, 503, "unavailable", NULL, "the server has no memory for a password hash; try again later");
        return;
    }
    if (account_join(&call->accounts, &call->invite, call->fields.email, call->fields.name, call->password_hash,
                     &call->who.account, &error))
        sign_in(call);
    else
        console_refuse_account(call, &error);
}

static void join(struct console_call *call, struct slice secret)
{
    struct account_error error;
    if (account_invite_find(&call->accounts, secret, &call->invite, &error) &&
        account_check_password(call->fields.password, &error))
        console_work(call, console_hash_password, after_hash);
    else
        console_refuse_account(call, &error);
}

static void setup(struct console_call *call)
{
    join(call, call->fields.token);
}

static void get_invite(struct console_call *call)
{
    struct account_error error;
    struct store_project project;
    if (!account_invite_find(&call->accounts, call->params[0], &call->invite, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    struct json_writer *w = console_begin(call, 200);
    json_write_name(w, SLICE("project"));
    const enum status status = store_project_get(call->accounts.store, slice_from_cstr(call->invite.project), &project);
    if (status == STATUS_OK) {
        json_write_object_begin(w);
        console_write_text(w, "id", project.id);
        console_write_text(w, "name", project.name);
        json_write_object_end(w);
        store_project_deinit(&project);
    } else {
        json_write_null(w);
    }
    console_write_text(w, "role", account_role_name(call->invite.role));
    console_write_text(w, "email", call->invite.email);
    console_done(call);
}

/* Who is signed in takes part in one more project; anybody else makes an account. */
static void accept_invite(struct console_call *call)
{
    struct account_error error;
    if (!call->who.account.id[0]) {
        join(call, call->params[0]);
        return;
    }
    if (!call->bearer.ptr && !console_check_csrf(call)) return;
    if (!account_invite_find(&call->accounts, call->params[0], &call->invite, &error) ||
        !account_accept(&call->accounts, &call->invite, &call->who, &error)) {
        console_refuse_account(call, &error);
        return;
    }
    get_session(call);
}

static const struct api_field login_fields[] = {
    { SLICE_INIT("email"), API_TEXT, offsetof(struct console_fields, email), 0, "a string", NULL, 0 },
    { SLICE_INIT("password"), API_TEXT, offsetof(struct console_fields, password), 0, "a string", NULL, 0 },
    { SLICE_INIT("totp"), API_TEXT, offsetof(struct console_fields, totp), 0, "a string", NULL, 0 },
};
static const struct api_field join_fields[] = {
    { SLICE_INIT("token"), API_TEXT, offsetof(struct console_fields, token), 0, "a string", NULL, 0 },
    { SLICE_INIT("email"), API_TEXT, offsetof(struct console_fields, email), 0, "a string", NULL, 0 },
    { SLICE_INIT("name"), API_TEXT, offsetof(struct console_fields, name), 0, "a string", NULL, 0 },
    { SLICE_INIT("password"), API_TEXT, offsetof(struct console_fields, password), 0, "a string", NULL, 0 },
};

static const struct console_route routes[] = {
    { HTTP_METHOD_GET, "/setup", CONSOLE_ANYBODY, get_setup, NULL, 0 },
    { HTTP_METHOD_POST, "/setup", CONSOLE_ANYBODY, setup, join_fields, ARRAY_COUNT(join_fields) },
    { HTTP_METHOD_POST, "/login", CONSOLE_ANYBODY, login, login_fields, ARRAY_COUNT(login_fields) },
    { HTTP_METHOD_POST, "/logout", CONSOLE_SESSION, logout, NULL, 0 },
    { HTTP_METHOD_GET, "/session", CONSOLE_ACCOUNT, get_session, NULL, 0 },
    { HTTP_METHOD_GET, "/invites/*", CONSOLE_ANYBODY, get_invite, NULL, 0 },
    { HTTP_METHOD_POST, "/invites/*/accept", CONSOLE_ANYBODY, accept_invite, join_fields, ARRAY_COUNT(join_fields) },
};

const struct console_routes console_login_routes = { routes, ARRAY_COUNT(routes) };
