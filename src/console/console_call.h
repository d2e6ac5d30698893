/* console_call: one call of the console's API on its way: a copy of what was asked, who asks,
 * and the answer. Inside src/console only.
 *
 * It belongs to the worker until it is posted, to the control thread until it is finished,
 * and then to the worker again. */
#ifndef XSHATHRA_CONSOLE_CONSOLE_CALL_H
#define XSHATHRA_CONSOLE_CONSOLE_CALL_H

#include "account/account_service.h"
#include "api/api_fields.h"
#include "base/arena.h"
#include "console/console.h"
#include "control/control_job.h"
#include "control/project_service.h"
#include "crypto/crypto_password.h"
#include "json/json_writer.h"

#define CONSOLE_COOKIE     "xshathra_session"
#define CONSOLE_COOKIE_MAX 256
#define CONSOLE_PARAMS_MAX 2
#define CONSOLE_ANSWER_MAX ((size_t)16 << 20)
#define CONSOLE_CSRF_MAX   48 /* with NUL */

struct console_route;

/* Every member that a body may have; a route's table says which it takes. */
struct console_fields {
    struct slice token, email, name, password, totp, code, current, role, confirm, kind, allowed_origins,
        channel_prefix, namespaces;
    struct api_texts scopes;
    uint64_t expires_in_seconds, grace_seconds;
    bool has_name, has_password, has_origins, has_grace;
};

struct console_call {
    struct control_job job; /* first */
    struct console_exchange *exchange;
    const struct console_host *home; /* what does not change of it */
    struct arena arena;

    /* what is asked; in the arena */
    enum http_method method;
    struct slice path; /* decoded by route: params */
    struct slice query, body, session, bearer, csrf, origin, host, address, agent;
    bool secure, is_json; /* is_json: the body says that it is */

    /* the control thread's */
    const struct console_route *route; /* NULL = none */
    struct slice params[CONSOLE_PARAMS_MAX];
    struct console_fields fields;
    struct account_service accounts;
    struct account_who who;
    enum store_role role; /* in the project of params[0], where the route has one */
    uint32_t space;       /* of that project */
    struct account_login_attempt attempt;
    struct store_invite invite;
    char password_hash[CRYPTO_PASSWORD_TEXT_MAX];
    bool password_fits;

    /* the answer, or what another API is to do for it */
    struct console_errand errand;
    int status;
    struct buf answer;
    struct json_writer json;         /* of answer */
    char cookie[CONSOLE_COOKIE_MAX]; /* value of Set-Cookie; "" = none */
};

/* ---- answers: each leaves the call ready for control_job_finish() ---- */

/* Begin an answer: the object that call->json is to fill and console_done() ends. */
struct json_writer *console_begin(struct console_call *call, int status);
/* End the object, and go home. */
void console_done(struct console_call *call);
/* The same once every worker has taken up what was changed, with the member "effective": false
 * when that took too long. */
void console_done_in_force(struct console_call *call);
/* {}, or the refusal. */
void console_answer_empty(struct console_call *call, bool good, const struct account_error *error);
/* {"error":{"code","message","field"?}}, and go home. */
void console_refuse(struct console_call *call, int status, const char *code, const char *field, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* control_job_work() for a password hash, or 503 when too many wait already. */
void console_work(struct console_call *call, void (*work)(struct control_job *job),
                  void (*after)(struct control_job *job));
/* The same to verify call->attempt, which then counts as not tried. */
void console_verify(struct console_call *call, void (*work)(struct control_job *job),
                    void (*after)(struct control_job *job));
void console_refuse_account(struct console_call *call, const struct account_error *error);
void console_refuse_project(struct console_call *call, const struct project_error *error);

void console_write_text(struct json_writer *w, const char *name, const char *text);
void console_write_i64(struct json_writer *w, const char *name, int64_t value);
void console_write_bool(struct json_writer *w, const char *name, bool value);

/* Set-Cookie for a session; "" ends it. */
void console_set_cookie(struct console_call *call, const char *secret);
/* The call carries the CSRF token of its cookie; else it is refused. */
MUST_CHECK bool console_check_csrf(struct console_call *call);
/* What X-Xshathra-CSRF must be for this session secret. */
void console_csrf(struct slice session, char out[static CONSOLE_CSRF_MAX]);

/* Who asks, as project_service wants it. */
struct project_service console_project_service(const struct console_call *call);

/* The job's run(). */
void console_run(struct control_job *job);

#endif
