#include <arpa/inet.h>
#include <stdio.h>

#include "account/account_change.h"
#include "account/account_totp.h"
#include "base/log.h"
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

/* One subscriber of the network has a /64 of IPv6 addresses, and may use all of them. */
static void make_address_key(struct slice address, char out[static ACCOUNT_ADDRESS_KEY_MAX])
{
    char text[INET6_ADDRSTRLEN];
    uint8_t ip[16];
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(slice_head(address, sizeof text - 1)));
    snprintf(out, ACCOUNT_ADDRESS_KEY_MAX, "from:%s", text);
    if (inet_pton(AF_INET6, text, ip) != 1) return;
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    if (memcmp(ip, mapped, sizeof mapped) == 0)
        snprintf(out, ACCOUNT_ADDRESS_KEY_MAX, "from:%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
    else
        snprintf(out, ACCOUNT_ADDRESS_KEY_MAX, "from:%02x%02x:%02x%02x:%02x%02x:%02x%02x", ip[0], ip[1], ip[2], ip[3],
                 ip[4], ip[5], ip[6], ip[7]);
}

static void make_keys(const struct account_service *a, struct slice email, struct account_login_attempt *out)
{
    const struct slice shown = slice_head(email, STORE_ACCOUNT_EMAIL_MAX - 1);
    const size_t len = (size_t)snprintf(out->throttle_key, sizeof out->throttle_key, "email:%.*s", SLICE_ARG(shown));
    for (size_t i = 0; i < len; i++)
        if (out->throttle_key[i] >= 'A' && out->throttle_key[i] <= 'Z') out->throttle_key[i] |= 32;
    make_address_key(a->address, out->address_key);
}

bool account_login_begin(const struct account_service *a, struct slice email, struct account_login_attempt *out,
                         struct account_error *error)
{
    *out = (struct account_login_attempt){ 0 };
    make_keys(a, email, out);
    const struct slice of_account = slice_from_cstr(out->throttle_key), of_address = slice_from_cstr(out->address_key);
    if (throttled(a, of_account, error) || throttled(a, of_address, error)) return false;
    const enum status status = store_account_get_by_email(a->store, email, &out->account);
    if (status != STATUS_NOT_FOUND && !account_stored(a, status, "signing in", error)) return false;
    out->known = status == STATUS_OK;
    snprintf(out->password, sizeof out->password, "%s", out->known ? out->account.password : nobodys_password);
    account_throttle_failed(a->throttle, of_account, a->now_s); /* until it is known to be right */
    account_throttle_failed(a->throttle, of_address, a->now_s);
    return true;
}

void account_login_cancel(const struct account_service *a, const struct account_login_attempt *attempt)
{
    account_throttle_forgive(a->throttle, slice_from_cstr(attempt->throttle_key), 1);
    account_throttle_forgive(a->throttle, slice_from_cstr(attempt->address_key), 1);
}

/* The address is forgiven only what it failed with this account: else who has one account could
 * guess at all the others in between. */
void account_login_passed(const struct account_service *a, struct account_login_attempt *attempt)
{
    const uint32_t failures = account_throttle_succeeded(a->throttle, slice_from_cstr(attempt->throttle_key));
    attempt->failed_before = failures > 0 ? failures - 1 : 0;
    account_throttle_forgive(a->throttle, slice_from_cstr(attempt->address_key), failures);
}

/* It was counted when it began. The log has it and not the audit: strangers may not fill the
 * database, and what they type as an address may be a password. */
static bool fail(const struct account_service *a, const struct account_login_attempt *attempt,
                 enum account_error_code code, const char *field, const char *text, struct account_error *error)
{
    LOG_WARN("sign-in failed", LOG_CSTR("account", attempt->known ? attempt->account.id : "unknown"),
             LOG_STR("addr", a->address), LOG_CSTR("reason", account_error_name(code)));
    return account_refuse(error, code, field, "%s", text);
}

/* The hash took its time: the account as it is now. *fits: with the password that was verified. */
static bool take_present(const struct account_service *a, struct account_login_attempt *attempt, bool *fits,
                         struct account_error *error)
{
    const enum status status = store_account_get(a->store, slice_from_cstr(attempt->account.id), &attempt->account);
    *fits = status == STATUS_OK && strcmp(attempt->account.password, attempt->password) == 0;
    return status == STATUS_NOT_FOUND || account_stored(a, status, "signing in", error);
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
        if (status == STATUS_OK && !account_audit(a, account->email, "", error, "use a recovery code")) return false;
    }
    *fits = status == STATUS_OK;
    return status == STATUS_NOT_FOUND || account_stored(a, status, "signing in", error);
}

static bool check_second(const struct account_service *a, struct account_login_attempt *attempt, struct slice totp,
                         struct account_error *error)
{
    bool fits;
    if (totp.len == 0) {
        account_login_cancel(a, attempt);
        return account_refuse(error, ACCOUNT_ERROR_TOTP_REQUIRED, "totp",
                              "this account also wants a code of its authenticator app, or a recovery code");
    }
    if (!take_code(a, &attempt->account, totp, &fits, error)) return false;
    return fits || fail(a, attempt, ACCOUNT_ERROR_BAD_TOTP, "totp",
                        "the code is wrong, used already, or of another time", error);
}

bool account_login_end(const struct account_service *a, struct account_login_attempt *attempt, bool password_fits,
                       struct slice totp, struct account_error *error)
{
    bool fits = attempt->known && password_fits;
    const bool read = !fits || take_present(a, attempt, &fits, error);
    crypto_wipe(attempt->password, sizeof attempt->password);
    if (!read) return false;
    if (!fits)
        return fail(a, attempt, ACCOUNT_ERROR_BAD_CREDENTIALS, NULL, "the e-mail address or the password is wrong",
                    error);
    if (attempt->account.has_totp && !check_second(a, attempt, totp, error)) return false;
    account_login_passed(a, attempt);
    return attempt->failed_before == 0 ||
           account_audit(a, attempt->account.email, "", error,
                         "%u failed tries to sign in before the next one went well", attempt->failed_before);
}
