#include <stdio.h>

#include "account/account_change.h"
#include "account/account_totp.h"
#include "base/utf8.h"
#include "crypto/crypto_secret.h"

/* A hash that no password is known for, with the costs of a real one: an unknown address
 * takes as long as a known one. */
static const char nobodys_password[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
                                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

bool account_check_password(struct slice password, struct account_error *error)
{
    if (password.len >= ACCOUNT_PASSWORD_MIN && password.len <= ACCOUNT_PASSWORD_MAX && utf8_valid(password))
        return true;
    return account_refuse(error, ACCOUNT_ERROR_INVALID_VALUE, "password",
                          "the password has %zu bytes: %d to %d bytes of UTF-8 are allowed", password.len,
                          ACCOUNT_PASSWORD_MIN, ACCOUNT_PASSWORD_MAX);
}

static bool throttled(const struct account_service *a, struct slice key, struct account_error *error)
{
    const uint32_t wait_s = account_throttle_wait(a->throttle, key, a->now_s);
    if (wait_s == 0) return false;
    account_refuse(error, ACCOUNT_ERROR_THROTTLED, NULL, "too many failed tries: the next one is allowed in %u seconds",
                   wait_s);
    error->retry_after_s = wait_s;
    return true;
}

bool account_login_begin(const struct account_service *a, struct slice email, struct account_login_attempt *out,
                         struct account_error *error)
{
    *out = (struct account_login_attempt){ 0 };
    const struct slice shown = slice_head(email, STORE_ACCOUNT_EMAIL_MAX - 1);
    size_t len = (size_t)snprintf(out->throttle_key, sizeof out->throttle_key, "email:%.*s", SLICE_ARG(shown));
    for (size_t i = 0; i < len; i++)
        if (out->throttle_key[i] >= 'A' && out->throttle_key[i] <= 'Z') out->throttle_key[i] |= 32;
    if (throttled(a, slice_from_cstr(out->throttle_key), error) || throttled(a, a->address, error)) return false;
    const enum status status = store_account_get_by_email(a->store, email, &out->account);
    if (status != STATUS_NOT_FOUND && !account_stored(a, status, "signing in", error)) return false;
    out->known = status == STATUS_OK;
    snprintf(out->password, sizeof out->password, "%s", out->known ? out->account.password : nobodys_password);
    return true;
}

static bool fail(const struct account_service *a, const struct account_login_attempt *attempt,
                 enum account_error_code code, const char *field, const char *text, struct account_error *error)
{
    account_throttle_failed(a->throttle, slice_from_cstr(attempt->throttle_key), a->now_s);
    account_throttle_failed(a->throttle, a->address, a->now_s);
    return account_refuse(error, code, field, "%s", text);
}

static bool take_code(const struct account_service *a, struct store_account *account, struct slice code, bool *fits,
                      struct account_error *error)
{
    uint8_t hash[STORE_SECRET_HASH_LEN];
    const int64_t step = account_totp_check(account->totp_secret, code, a->now_s, account->totp_step);
    enum status status = STATUS_NOT_FOUND;
    if (step > 0) {
        account->totp_step = step;
        status = store_account_update(a->store, account);
    } else if (account_recovery_code_hash(code, hash)) {
        status = store_account_take_recovery_code(a->store, slice_from_cstr(account->id), hash);
    }
    *fits = status == STATUS_OK;
    return status == STATUS_NOT_FOUND || account_stored(a, status, "signing in", error);
}

bool account_login_end(const struct account_service *a, struct account_login_attempt *attempt, bool password_fits,
                       struct slice totp, struct account_error *error)
{
    crypto_wipe(attempt->password, sizeof attempt->password);
    if (!attempt->known || !password_fits)
        return fail(a, attempt, ACCOUNT_ERROR_BAD_CREDENTIALS, NULL, "the e-mail address or the password is wrong",
                    error);
    if (attempt->account.has_totp) {
        bool fits;
        if (totp.len == 0)
            return account_refuse(error, ACCOUNT_ERROR_TOTP_REQUIRED, "totp",
                                  "this account also wants a code of its authenticator app, or a recovery code");
        if (!take_code(a, &attempt->account, totp, &fits, error)) return false;
        if (!fits)
            return fail(a, attempt, ACCOUNT_ERROR_BAD_TOTP, "totp",
                        "the code is wrong, used already, or of another time", error);
    }
    account_throttle_succeeded(a->throttle, slice_from_cstr(attempt->throttle_key));
    account_throttle_succeeded(a->throttle, a->address);
    return true;
}
