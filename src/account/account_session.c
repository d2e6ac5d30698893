#include <stdio.h>

#include "account/account_change.h"
#include "base/mem.h"
#include "base/utf8.h"

static bool not_signed_in(struct account_error *error)
{
    return account_refuse(error, ACCOUNT_ERROR_NOT_SIGNED_IN, NULL,
                          "this needs a signed-in session, or an access token as \"Authorization: Bearer pat_...\"");
}

/* Strangers' text: what is no UTF-8 is left out, and the rest is cut between characters. */
static void take_agent(struct slice agent, char *out, size_t room)
{
    struct slice head = slice_head(agent, room - 1);
    for (int i = 0; i < 3 && !utf8_valid(head) && head.len > 0; i++) head.len--;
    if (!utf8_valid(head)) head.len = 0;
    snprintf(out, room, "%.*s", SLICE_ARG(head));
}

/* The oldest sessions make room for a new one. */
static bool make_room(const struct account_service *a, struct slice account, struct account_error *error)
{
    struct store_login *all = NULL;
    size_t count = 0;
    enum status status = store_login_list(a->store, account, &all, &count);
    for (size_t i = ACCOUNT_SESSIONS_MAX - 1; i < count && status == STATUS_OK; i++)
        status = store_login_remove(a->store, account, slice_from_cstr(all[i].id));
    mem_free(all);
    return account_stored(a, status, "signing in", error);
}

static bool insert(const struct account_service *a, const struct store_login *login,
                   const struct store_account *account, struct account_error *error)
{
    return make_room(a, slice_from_cstr(account->id), error) &&
           account_stored(
               a, store_login_remove_old(a->store, a->now_s - ACCOUNT_SESSION_MAX_S, a->now_s - ACCOUNT_SESSION_IDLE_S),
               "signing in", error) &&
           account_stored(a, store_login_insert(a->store, login), "signing in", error) &&
           account_audit(a, account->email, "", error, "sign in from %s", login->address);
}

bool account_session_open(const struct account_service *a, const struct store_account *account,
                          struct account_secret *out, char id[static STORE_LOGIN_ID_MAX], struct account_error *error)
{
    struct store_login login = { .created_at_s = a->now_s, .last_used_at_s = a->now_s };
    account_id_make("ses", login.id);
    account_secret_make(ACCOUNT_SECRET_SESSION, out, login.hash);
    snprintf(login.account, sizeof login.account, "%s", account->id);
    snprintf(login.address, sizeof login.address, "%.*s", SLICE_ARG(slice_head(a->address, sizeof login.address - 1)));
    take_agent(a->agent, login.agent, sizeof login.agent);
    memcpy(id, login.id, sizeof login.id);
    return account_change_begin(a, error) && account_change_end(a, insert(a, &login, account, error), error);
}

static bool is_over(const struct account_service *a, const struct store_login *login)
{
    return a->now_s - login->created_at_s > ACCOUNT_SESSION_MAX_S ||
           a->now_s - login->last_used_at_s > ACCOUNT_SESSION_IDLE_S;
}

static enum status by_session(const struct account_service *a, const uint8_t hash[STORE_SECRET_HASH_LEN],
                              struct account_who *out)
{
    struct store_login login;
    enum status status = store_login_get_by_hash(a->store, hash, &login);
    if (status == STATUS_OK && is_over(a, &login)) return STATUS_NOT_FOUND;
    if (status == STATUS_OK && a->now_s - login.last_used_at_s >= ACCOUNT_SESSION_TOUCH_S)
        status = store_login_touch(a->store, slice_from_cstr(login.id), a->now_s);
    if (status != STATUS_OK) return status;
    memcpy(out->session, login.id, sizeof out->session);
    return store_account_get(a->store, slice_from_cstr(login.account), &out->account);
}

static enum status by_token(const struct account_service *a, const uint8_t hash[STORE_SECRET_HASH_LEN],
                            struct account_who *out)
{
    struct store_access_token token;
    enum status status = store_access_token_get_by_hash(a->store, hash, &token);
    if (status == STATUS_OK && token.valid_until_s != 0 && token.valid_until_s <= a->now_s) return STATUS_NOT_FOUND;
    if (status == STATUS_OK && a->now_s - token.last_used_at_s >= ACCOUNT_SESSION_TOUCH_S)
        status = store_access_token_touch(a->store, slice_from_cstr(token.id), a->now_s);
    if (status != STATUS_OK) return status;
    return store_account_get(a->store, slice_from_cstr(token.account), &out->account);
}

bool account_session_find(const struct account_service *a, struct slice secret, struct account_who *out,
                          struct account_error *error)
{
    uint8_t hash[STORE_SECRET_HASH_LEN];
    enum status status = STATUS_NOT_FOUND;
    *out = (struct account_who){ 0 };
    if (account_secret_hash(ACCOUNT_SECRET_SESSION, secret, hash))
        status = by_session(a, hash, out);
    else if (account_secret_hash(ACCOUNT_SECRET_ACCESS_TOKEN, secret, hash))
        status = by_token(a, hash, out);
    return status == STATUS_NOT_FOUND ? not_signed_in(error) : account_stored(a, status, "looking who asks", error);
}

bool account_session_close(const struct account_service *a, const struct account_who *who, struct slice id,
                           struct account_error *error)
{
    if (!account_change_begin(a, error)) return false;
    const enum status status = store_login_remove(a->store, slice_from_cstr(who->account.id), id);
    const bool good = status == STATUS_NOT_FOUND
                          ? account_refuse(error, ACCOUNT_ERROR_NOT_FOUND, NULL, "there is no such session")
                          : account_stored(a, status, "ending a session", error) &&
                                account_audit(a, who->account.email, "", error, "end session %.*s", SLICE_ARG(id));
    return account_change_end(a, good, error);
}

bool account_session_close_others(const struct account_service *a, const struct account_who *who, uint64_t *closed,
                                  struct account_error *error)
{
    if (!account_change_begin(a, error)) return false;
    const bool good = account_stored(a,
                                     store_login_remove_others(a->store, slice_from_cstr(who->account.id),
                                                               slice_from_cstr(who->session), closed),
                                     "ending sessions", error) &&
                      account_audit(a, who->account.email, "", error, "sign out everywhere: %llu sessions",
                                    (unsigned long long)*closed);
    return account_change_end(a, good, error);
}

bool account_session_list(const struct account_service *a, const struct account_who *who, struct store_login **out,
                          size_t *count, struct account_error *error)
{
    return account_stored(a, store_login_list(a->store, slice_from_cstr(who->account.id), out, count),
                          "listing sessions", error);
}

/* ---- access tokens ---- */

static bool has_room(const struct account_service *a, const struct account_who *who, struct account_error *error)
{
    struct store_access_token *all = NULL;
    size_t count = 0;
    if (!account_token_list(a, who, &all, &count, error)) return false;
    mem_free(all);
    if (count < ACCOUNT_TOKENS_MAX) return true;
    return account_refuse(error, ACCOUNT_ERROR_CONFLICT, NULL,
                          "there are %zu access tokens, and no more than %d are allowed: remove one first", count,
                          ACCOUNT_TOKENS_MAX);
}

bool account_token_create(const struct account_service *a, const struct account_who *who, struct slice name,
                          uint64_t expires_in_s, struct account_secret *secret, struct store_access_token *out,
                          struct account_error *error)
{
    *out = (struct store_access_token){ .created_at_s = a->now_s };
    if (!account_take_text(name, "name", out->name, sizeof out->name - 1, error) || !has_room(a, who, error))
        return false;
    if (expires_in_s > ACCOUNT_TOKEN_LIFE_MAX_S)
        return account_refuse(error, ACCOUNT_ERROR_INVALID_VALUE, "expires_in_seconds",
                              "expires_in_seconds is %llu: 0 (no end) to %lld (ten years) is allowed",
                              (unsigned long long)expires_in_s, ACCOUNT_TOKEN_LIFE_MAX_S);
    account_id_make("pat", out->id);
    snprintf(out->account, sizeof out->account, "%s", who->account.id);
    if (expires_in_s > 0) out->valid_until_s = a->now_s + (int64_t)expires_in_s;
    account_secret_make(ACCOUNT_SECRET_ACCESS_TOKEN, secret, out->hash);
    if (!account_change_begin(a, error)) return false;
    const bool good = account_stored(a, store_access_token_insert(a->store, out), "adding an access token", error) &&
                      account_audit(a, who->account.email, "", error, "create access token %s", out->id);
    return account_change_end(a, good, error);
}

bool account_token_remove(const struct account_service *a, const struct account_who *who, struct slice id,
                          struct account_error *error)
{
    if (!account_change_begin(a, error)) return false;
    const enum status status = store_access_token_remove(a->store, slice_from_cstr(who->account.id), id);
    const bool good =
        status == STATUS_NOT_FOUND
            ? account_refuse(error, ACCOUNT_ERROR_NOT_FOUND, NULL, "there is no such access token")
            : account_stored(a, status, "removing an access token", error) &&
                  account_audit(a, who->account.email, "", error, "remove access token %.*s", SLICE_ARG(id));
    return account_change_end(a, good, error);
}

bool account_token_list(const struct account_service *a, const struct account_who *who, struct store_access_token **out,
                        size_t *count, struct account_error *error)
{
    return account_stored(a, store_access_token_list(a->store, slice_from_cstr(who->account.id), out, count),
                          "listing access tokens", error);
}
