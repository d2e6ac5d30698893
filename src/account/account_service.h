/* account_service: the rules for people: who may sign in, what they may do where, and how
 * others join. The control thread uses it.
 *
 * Use: struct account_service service = { store, throttle, now_s, address, agent };
 *      if (!account_login_begin(&service, email, &attempt, &error)) … error.text
 *      fits = crypto_password_verify(attempt.password, password);   on a thread nobody waits for
 *      if (!account_login_end(&service, &attempt, fits, totp, &account, &error)) …
 *      account_session_open(&service, &account, &secret, &error)
 *
 * Each call that changes something is one transaction with its line in the audit, and false
 * leaves everything as it was. Secrets come out once; whoever holds one wipes it. The thread
 * of the store; blocks on the disk, hashes no password. */
#ifndef XSHATHRA_ACCOUNT_ACCOUNT_SERVICE_H
#define XSHATHRA_ACCOUNT_ACCOUNT_SERVICE_H

#include "account/account_error.h"
#include "account/account_secret.h"
#include "account/account_throttle.h"
#include "store/store_login.h"
#include "store/store_member.h"

#define ACCOUNT_PASSWORD_MIN     10 /* bytes */
#define ACCOUNT_PASSWORD_MAX     1024
#define ACCOUNT_SESSION_IDLE_S   (14 * 24 * 60 * 60)
#define ACCOUNT_SESSION_MAX_S    (90 * 24 * 60 * 60)
#define ACCOUNT_SESSION_TOUCH_S  60 /* last use is written down no finer */
#define ACCOUNT_INVITE_DEFAULT_S (7 * 24 * 60 * 60)
#define ACCOUNT_INVITE_MAX_S     (30 * 24 * 60 * 60)
#define ACCOUNT_SESSIONS_MAX     100 /* of one account; the oldest makes room */
#define ACCOUNT_TOKENS_MAX       100 /* of one account */
#define ACCOUNT_INVITES_MAX      200 /* open ones of one project */
#define ACCOUNT_TOKEN_LIFE_MAX_S (10LL * 365 * 24 * 60 * 60)

struct account_service {
    struct store *store;               /* borrowed */
    struct account_throttle *throttle; /* borrowed */
    int64_t now_s;                     /* Unix time of the call */
    struct slice address, agent;       /* of who asks; borrowed */
};

/* Who asks. */
struct account_who {
    struct store_account account;
    char session[STORE_LOGIN_ID_MAX]; /* "" = by an access token */
};

/* ---- the way in ---- */

/* "owner", "admin", "developer", "viewer"; "" for none. */
const char *account_role_name(enum store_role role);
MUST_CHECK bool account_role_read(struct slice text, enum store_role *out, struct account_error *error);

/* 422 texts; field is "password". */
MUST_CHECK bool account_check_password(struct slice password, struct account_error *error);

/* Nobody has an account yet. */
MUST_CHECK bool account_setup_needed(const struct account_service *a, bool *needed, struct account_error *error);
/* A new link for the first owner; one made before is worth nothing any more. */
MUST_CHECK bool account_setup_link(const struct account_service *a, struct account_secret *out,
                                   struct account_error *error);

#define ACCOUNT_ADDRESS_KEY_MAX 56

struct account_login_attempt {
    struct store_account account;
    bool known;                                /* there is such an account */
    char password[STORE_ACCOUNT_PASSWORD_MAX]; /* to verify against; one that nobody has when not known */
    char throttle_key[STORE_ACCOUNT_EMAIL_MAX + 8];
    char address_key[ACCOUNT_ADDRESS_KEY_MAX];
    uint32_t failed_before; /* tries, once it has succeeded */
};
/* THROTTLED. The try counts as a failed one until it has ended well. */
MUST_CHECK bool account_login_begin(const struct account_service *a, struct slice email,
                                    struct account_login_attempt *out, struct account_error *error);
/* totp: a code or a recovery code; empty = none was given. BAD_CREDENTIALS says the same for a
 * wrong address and a wrong password. */
MUST_CHECK bool account_login_end(const struct account_service *a, struct account_login_attempt *attempt,
                                  bool password_fits, struct slice totp, struct account_error *error);
/* It was not tried at all. */
void account_login_cancel(const struct account_service *a, const struct account_login_attempt *attempt);
/* The password alone was asked for, and is right. */
void account_login_passed(const struct account_service *a, struct account_login_attempt *attempt);

/* ---- sessions and access tokens ---- */

MUST_CHECK bool account_session_open(const struct account_service *a, const struct store_account *account,
                                     struct account_secret *out, char id[static STORE_LOGIN_ID_MAX],
                                     struct account_error *error);
/* NOT_SIGNED_IN. secret: the cookie's value, or a bearer token. */
MUST_CHECK bool account_session_find(const struct account_service *a, struct slice secret, struct account_who *out,
                                     struct account_error *error);
MUST_CHECK bool account_session_close(const struct account_service *a, const struct account_who *who, struct slice id,
                                      struct account_error *error);
/* All but the one who asks. */
MUST_CHECK bool account_session_close_others(const struct account_service *a, const struct account_who *who,
                                             uint64_t *closed, struct account_error *error);
/* mem_free(*out) */
MUST_CHECK bool account_session_list(const struct account_service *a, const struct account_who *who,
                                     struct store_login **out, size_t *count, struct account_error *error);

/* expires_in_s 0 = no end. */
MUST_CHECK bool account_token_create(const struct account_service *a, const struct account_who *who, struct slice name,
                                     uint64_t expires_in_s, struct account_secret *secret,
                                     struct store_access_token *out, struct account_error *error);
MUST_CHECK bool account_token_remove(const struct account_service *a, const struct account_who *who, struct slice id,
                                     struct account_error *error);
/* mem_free(*out) */
MUST_CHECK bool account_token_list(const struct account_service *a, const struct account_who *who,
                                   struct store_access_token **out, size_t *count, struct account_error *error);

/* ---- one's own account ---- */

MUST_CHECK bool account_rename(const struct account_service *a, struct account_who *who, struct slice name,
                               struct account_error *error);
/* After verifying who->account.password, which takes a while: the account as it is now.
 * NOT_SIGNED_IN: the session has ended, or the password is another one. */
MUST_CHECK bool account_refresh(const struct account_service *a, struct account_who *who, struct account_error *error);
/* hash: of the new password; the current one was verified. All other sessions end, and all
 * access tokens: who changes a password wants everybody else out. */
MUST_CHECK bool account_set_password(const struct account_service *a, struct account_who *who, const char *hash,
                                     struct account_error *error);
/* A new secret, not in force until a code of it confirms it. CONFLICT: there is one in force. */
MUST_CHECK bool account_totp_begin(const struct account_service *a, struct account_who *who,
                                   struct account_error *error);
MUST_CHECK bool account_totp_confirm(const struct account_service *a, struct account_who *who, struct slice code,
                                     struct account_secret recovery[static ACCOUNT_RECOVERY_CODES],
                                     struct account_error *error);
MUST_CHECK bool account_totp_disable(const struct account_service *a, struct account_who *who,
                                     struct account_error *error);

/* ---- projects: roles and invites ---- */

/* What who may do in a project: owners of the instance are owners of each. */
MUST_CHECK bool account_role(const struct account_service *a, const struct account_who *who, struct slice project,
                             enum store_role *out, struct account_error *error);
/* The creator of a project becomes its owner. */
MUST_CHECK bool account_own_project(const struct account_service *a, const struct account_who *who,
                                    struct slice project, struct account_error *error);
/* mem_free(*out) */
MUST_CHECK bool account_members(const struct account_service *a, struct slice project, struct store_member **out,
                                size_t *count, struct account_error *error);
/* NOT_FOUND; CONFLICT: the last owner stays one. */
MUST_CHECK bool account_member_set_role(const struct account_service *a, const struct account_who *who,
                                        struct slice project, struct slice account, enum store_role role,
                                        struct account_error *error);
MUST_CHECK bool account_member_remove(const struct account_service *a, const struct account_who *who,
                                      struct slice project, struct slice account, struct account_error *error);

/* Invite to a project, with at most one's own role there. project "": to the instance, as one
 * of its owners. email may be empty: whoever has the link. */
MUST_CHECK bool account_invite_create(const struct account_service *a, const struct account_who *who,
                                      struct slice project, enum store_role role, struct slice email,
                                      uint64_t expires_in_s, struct account_secret *secret, struct store_invite *out,
                                      struct account_error *error);
/* NOT_FOUND: no such invite, or it is used, withdrawn or at its end. */
MUST_CHECK bool account_invite_find(const struct account_service *a, struct slice secret, struct store_invite *out,
                                    struct account_error *error);
/* mem_free(*out) */
MUST_CHECK bool account_invite_list(const struct account_service *a, struct slice project, struct store_invite **out,
                                    size_t *count, struct account_error *error);
MUST_CHECK bool account_invite_remove(const struct account_service *a, const struct account_who *who,
                                      struct slice project, struct slice id, struct account_error *error);
/* A new account by an invite. CONFLICT: the address has an account: sign in, then accept. */
MUST_CHECK bool account_join(const struct account_service *a, const struct store_invite *invite, struct slice email,
                             struct slice name, const char *password_hash, struct store_account *out,
                             struct account_error *error);
/* Who has an account takes part in one more project. */
MUST_CHECK bool account_accept(const struct account_service *a, const struct store_invite *invite,
                               struct account_who *who, struct account_error *error);

#endif
