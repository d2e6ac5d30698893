#include <stdio.h>

#include "account/account_change.h"
#include "account/account_totp.h"

/* One change of the account itself; who keeps what was stored only. */
static bool update(const struct account_service *a, struct account_who *who, const struct store_account *changed,
                   const char *what, struct account_error *error)
{
    return account_stored(a, store_account_update(a->store, changed), what, error) &&
           account_audit(a, who->account.email, "", error, "%s", what);
}

static bool change(const struct account_service *a, struct account_who *who, const struct store_account *changed,
                   const char *what, struct account_error *error)
{
    if (!account_change_begin(a, error)) return false;
    if (!account_change_end(a, update(a, who, changed, what, error), error)) return false;
    who->account = *changed;
    return true;
}

bool account_refresh(const struct account_service *a, struct account_who *who, struct account_error *error)
{
    struct store_account now;
    struct store_login login;
    enum status status = store_account_get(a->store, slice_from_cstr(who->account.id), &now);
    if (status == STATUS_OK && strcmp(now.password, who->account.password) != 0) status = STATUS_NOT_FOUND;
    if (status == STATUS_OK && who->session[0])
        status = store_login_get(a->store, slice_from_cstr(who->session), &login);
    if (status == STATUS_NOT_FOUND)
        return account_refuse(error, ACCOUNT_ERROR_NOT_SIGNED_IN, NULL, "this session has ended meanwhile: sign in");
    if (!account_stored(a, status, "looking who asks", error)) return false;
    who->account = now;
    return true;
}

bool account_rename(const struct account_service *a, struct account_who *who, struct slice name,
                    struct account_error *error)
{
    struct store_account changed = who->account;
    return account_take_text(name, "name", changed.name, sizeof changed.name - 1, error) &&
           change(a, who, &changed, "change own name", error);
}

bool account_set_password(const struct account_service *a, struct account_who *who, const char *hash,
                          struct account_error *error)
{
    if (!account_refresh(a, who, error)) return false;
    struct store_account changed = who->account;
    uint64_t closed, ended;
    snprintf(changed.password, sizeof changed.password, "%s", hash);
    if (!account_change_begin(a, error)) return false;
    const bool good =
        update(a, who, &changed, "change own password", error) &&
        account_stored(
            a, store_login_remove_others(a->store, slice_from_cstr(changed.id), slice_from_cstr(who->session), &closed),
            "ending sessions", error) &&
        account_stored(a, store_access_token_remove_all(a->store, slice_from_cstr(changed.id), &ended),
                       "ending access tokens", error) &&
        account_audit(a, changed.email, "", error, "end %llu sessions and %llu access tokens",
                      (unsigned long long)closed, (unsigned long long)ended);
    if (!account_change_end(a, good, error)) return false;
    who->account = changed;
    return true;
}

bool account_totp_begin(const struct account_service *a, struct account_who *who, struct account_error *error)
{
    struct store_account changed = who->account;
    if (changed.has_totp)
        return account_refuse(error, ACCOUNT_ERROR_CONFLICT, NULL,
                              "this account has an authenticator app already: remove that one first");
    changed.has_totp_pending = true;
    account_totp_make(changed.totp_pending);
    return change(a, who, &changed, "begin to set up an authenticator app", error);
}

static bool store_codes(const struct account_service *a, const struct account_who *who,
                        struct account_secret recovery[static ACCOUNT_RECOVERY_CODES], struct account_error *error)
{
    uint8_t hashes[ACCOUNT_RECOVERY_CODES][STORE_SECRET_HASH_LEN];
    for (int i = 0; i < ACCOUNT_RECOVERY_CODES; i++) account_recovery_code_make(&recovery[i], hashes[i]);
    return account_stored(
        a, store_account_set_recovery_codes(a->store, slice_from_cstr(who->account.id), hashes, ACCOUNT_RECOVERY_CODES),
        "keeping recovery codes", error);
}

bool account_totp_confirm(const struct account_service *a, struct account_who *who, struct slice code,
                          struct account_secret recovery[static ACCOUNT_RECOVERY_CODES], struct account_error *error)
{
    struct store_account changed = who->account;
    if (!changed.has_totp_pending)
        return account_refuse(error, ACCOUNT_ERROR_CONFLICT, NULL, "no authenticator app is being set up");
    changed.totp_step = account_totp_check(changed.totp_pending, code, a->now_s, 0);
    if (changed.totp_step == 0)
        return account_refuse(error, ACCOUNT_ERROR_BAD_TOTP, "code",
                              "the code does not fit: is the clock of the phone right?");
    memcpy(changed.totp_secret, changed.totp_pending, sizeof changed.totp_secret);
    memset(changed.totp_pending, 0, sizeof changed.totp_pending);
    changed.has_totp = true;
    changed.has_totp_pending = false;
    if (!account_change_begin(a, error)) return false;
    const bool good =
        update(a, who, &changed, "set up an authenticator app", error) && store_codes(a, who, recovery, error);
    if (!account_change_end(a, good, error)) return false;
    who->account = changed;
    return true;
}

bool account_totp_disable(const struct account_service *a, struct account_who *who, struct account_error *error)
{
    if (!account_refresh(a, who, error)) return false;
    struct store_account changed = who->account;
    changed.has_totp = changed.has_totp_pending = false;
    memset(changed.totp_secret, 0, sizeof changed.totp_secret);
    memset(changed.totp_pending, 0, sizeof changed.totp_pending);
    changed.totp_step = 0;
    if (!account_change_begin(a, error)) return false;
    const bool good =
        update(a, who, &changed, "remove the authenticator app", error) &&
        account_stored(a, store_account_set_recovery_codes(a->store, slice_from_cstr(changed.id), NULL, 0),
                       "removing recovery codes", error);
    if (!account_change_end(a, good, error)) return false;
    who->account = changed;
    return true;
}
