#include <stdarg.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/log.h"
#include "console/console_call.h"
#include "control/project_service.h"
#include "crypto/crypto_hash.h"
#include "crypto/crypto_secret.h"

struct json_writer *console_begin(struct console_call *call, int status)
{
    call->status = status;
    buf_clear(&call->answer);
    call->json = json_writer_to(&call->answer);
    json_write_object_begin(&call->json);
    return &call->json;
}

void console_done(struct console_call *call)
{
    json_write_object_end(&call->json);
    if (!buf_ok(&call->answer)) {
        call->status = 500;
        buf_clear(&call->answer);
        buf_append(&call->answer,
                   SLICE("{\"error\":{\"code\":\"too_large\",\"message\":\"the answer is too large\"}}"));
    }
    control_job_finish(&call->job);
}

static void after_change(struct control_job *job)
{
    struct console_call *call = (struct console_call *)job;
    console_write_bool(&call->json, "effective", job->in_force);
    console_done(call);
}

void console_done_in_force(struct console_call *call)
{
    control_job_change(&call->job, after_change);
}

void console_answer_empty(struct console_call *call, bool good, const struct account_error *error)
{
    if (!good) {
        console_refuse_account(call, error);
        return;
    }
    console_begin(call, 200);
    console_done(call);
}

static struct json_writer *begin_error(struct console_call *call, int status, const char *code, const char *field,
                                       const char *text)
{
    struct json_writer *w = console_begin(call, status);
    json_write_name(w, SLICE("error"));
    json_write_object_begin(w);
    console_write_text(w, "code", code);
    console_write_text(w, "message", text);
    if (field) console_write_text(w, "field", field);
    return w;
}

void console_refuse(struct console_call *call, int status, const char *code, const char *field, const char *format, ...)
{
    char text[ACCOUNT_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_write_object_end(begin_error(call, status, code, field, text));
    console_done(call);
}

static void refuse_busy(struct console_call *call)
{
    console_refuse(call, 503, "unavailable", NULL, "too many passwords are being checked: try again in a few seconds");
}

void console_work(struct console_call *call, void (*work)(struct control_job *job),
                  void (*after)(struct control_job *job))
{
    if (!control_job_work(&call->job, work, after)) refuse_busy(call);
}

void console_verify(struct console_call *call, void (*work)(struct control_job *job),
                    void (*after)(struct control_job *job))
{
    if (control_job_work(&call->job, work, after)) return;
    account_login_cancel(&call->accounts, &call->attempt);
    refuse_busy(call);
}

/* What the database says is for the log: strangers get this answer too. */
static void refuse_storage(struct console_call *call, const char *reason)
{
    LOG_ERROR("console call failed in the database", LOG_CSTR("reason", reason));
    console_refuse(call, 503, "storage_failed", NULL, "the database failed; the server's log says why");
}

void console_refuse_account(struct console_call *call, const struct account_error *error)
{
    static const int statuses[] = {
        [ACCOUNT_ERROR_INVALID_VALUE] = 422,   [ACCOUNT_ERROR_NOT_SIGNED_IN] = 401,
        [ACCOUNT_ERROR_BAD_CREDENTIALS] = 401, [ACCOUNT_ERROR_TOTP_REQUIRED] = 401,
        [ACCOUNT_ERROR_BAD_TOTP] = 401,        [ACCOUNT_ERROR_FORBIDDEN] = 403,
        [ACCOUNT_ERROR_NOT_FOUND] = 404,       [ACCOUNT_ERROR_CONFLICT] = 409,
        [ACCOUNT_ERROR_THROTTLED] = 429,       [ACCOUNT_ERROR_STORAGE_FAILED] = 503,
    };
    if (error->code == ACCOUNT_ERROR_STORAGE_FAILED) {
        refuse_storage(call, error->text);
        return;
    }
    struct json_writer *w =
        begin_error(call, statuses[error->code], account_error_name(error->code), error->field, error->text);
    if (error->code == ACCOUNT_ERROR_THROTTLED) console_write_i64(w, "retry_after_seconds", error->retry_after_s);
    json_write_object_end(w);
    console_done(call);
}

void console_refuse_project(struct console_call *call, const struct project_error *error)
{
    static const struct {
        int status;
        const char *field;
    } rows[] = {
        [PROJECT_ERROR_BAD_REQUEST] = { 400, NULL },
        [PROJECT_ERROR_BUSY] = { 503, NULL },
        [PROJECT_ERROR_INVALID_NAME] = { 422, "name" },
        [PROJECT_ERROR_INVALID_GRACE] = { 422, "grace_seconds" },
        [PROJECT_ERROR_INVALID_ORIGINS] = { 422, "allowed_origins" },
        [PROJECT_ERROR_INVALID_KEY_ID] = { 422, NULL },
        [PROJECT_ERROR_PROJECT_NOT_FOUND] = { 404, NULL },
        [PROJECT_ERROR_KEY_NOT_FOUND] = { 404, NULL },
        [PROJECT_ERROR_PROJECT_ARCHIVED] = { 409, NULL },
        [PROJECT_ERROR_DEFAULT_PROJECT] = { 409, NULL },
        [PROJECT_ERROR_NOT_EFFECTIVE_YET] = { 503, NULL },
        [PROJECT_ERROR_STORAGE_FAILED] = { 503, NULL },
    };
    if (error->code == PROJECT_ERROR_STORAGE_FAILED) {
        refuse_storage(call, error->text);
        return;
    }
    console_refuse(call, rows[error->code].status, project_error_name(error->code), rows[error->code].field, "%s",
                   error->text);
}

void console_write_text(struct json_writer *w, const char *name, const char *text)
{
    json_write_name(w, slice_from_cstr(name));
    json_write_string(w, slice_from_cstr(text));
}

void console_write_i64(struct json_writer *w, const char *name, int64_t value)
{
    json_write_name(w, slice_from_cstr(name));
    json_write_i64(w, value);
}

void console_write_bool(struct json_writer *w, const char *name, bool value)
{
    json_write_name(w, slice_from_cstr(name));
    json_write_bool(w, value);
}

void console_set_cookie(struct console_call *call, const char *secret)
{
    snprintf(call->cookie, sizeof call->cookie, CONSOLE_COOKIE "=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%d%s",
             secret, secret[0] ? ACCOUNT_SESSION_MAX_S : 0, call->secure ? "; Secure" : "");
}

/* Who can read it has the session already; who only makes a browser send the cookie has not. */
void console_csrf(struct slice session, char out[static CONSOLE_CSRF_MAX])
{
    char text[16 + ACCOUNT_SECRET_TEXT_MAX];
    uint8_t hash[CRYPTO_SHA256_LEN];
    const int len = snprintf(text, sizeof text, "csrf:%.*s", SLICE_ARG(session));
    crypto_sha256(slice_of(text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1), hash);
    out[base64url_encode(slice_of(hash, sizeof hash), out)] = '\0';
    crypto_wipe(text, sizeof text);
}

struct project_service console_project_service(const struct console_call *call)
{
    return (struct project_service){ .store = call->accounts.store,
                                     .now_s = call->accounts.now_s,
                                     .who = call->who.account.email };
}
