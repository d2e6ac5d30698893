#include <stdio.h>

#include "account/account_change.h"
#include "base/mem.h"

bool account_setup_needed(const struct account_service *a, bool *needed, struct account_error *error)
{
    uint64_t count;
    if (!account_stored(a, store_account_count(a->store, &count), "counting accounts", error)) return false;
    *needed = count == 0;
    return true;
}

static bool insert(const struct account_service *a, const struct store_invite *invite, const char *who,
                   struct account_error *error)
{
    return account_stored(a, store_invite_insert(a->store, invite), "keeping an invite", error) &&
           account_audit(a, who, invite->project, error, "invite %s as %s",
                         invite->email[0] ? invite->email : "by link", account_role_name(invite->role));
}

bool account_setup_link(const struct account_service *a, struct account_secret *out, struct account_error *error)
{
    struct store_invite invite = { .role = STORE_ROLE_OWNER,
                                   .created_at_s = a->now_s,
                                   .valid_until_s = a->now_s + ACCOUNT_INVITE_DEFAULT_S };
    account_id_make("inv", invite.id);
    account_secret_make(ACCOUNT_SECRET_INVITE, out, invite.hash);
    if (!account_change_begin(a, error)) return false;
    const bool good =
        account_stored(a, store_invite_remove_old(a->store, a->now_s, true), "removing old invites", error) &&
        insert(a, &invite, "server", error);
    return account_change_end(a, good, error);
}

static bool may_invite(const struct account_service *a, const struct account_who *who, struct slice project,
                       enum store_role role, struct account_error *error)
{
    enum store_role own;
    if (project.len == 0)
        return who->account.instance_owner ||
               account_refuse(error, ACCOUNT_ERROR_FORBIDDEN, NULL, "only an owner of the instance may do this");
    if (!account_role(a, who, project, &own, error)) return false;
    if (own >= STORE_ROLE_ADMIN && role <= own) return true;
    return account_refuse(error, ACCOUNT_ERROR_FORBIDDEN, "role",
                          "you are %s here: only admins and owners invite, with their own role at most",
                          own ? account_role_name(own) : "no member");
}

static bool has_room(const struct account_service *a, struct slice project, struct account_error *error)
{
    struct store_invite *all = NULL;
    size_t count = 0;
    if (!account_stored(a, store_invite_remove_old(a->store, a->now_s, false), "removing old invites", error) ||
        !account_invite_list(a, project, &all, &count, error))
        return false;
    mem_free(all);
    if (count < ACCOUNT_INVITES_MAX) return true;
    return account_refuse(error, ACCOUNT_ERROR_CONFLICT, NULL,
                          "there are %zu open invites, and no more than %d are allowed: withdraw one first", count,
                          ACCOUNT_INVITES_MAX);
}

bool account_invite_create(const struct account_service *a, const struct account_who *who, struct slice project,
                           enum store_role role, struct slice email, uint64_t expires_in_s,
                           struct account_secret *secret, struct store_invite *out, struct account_error *error)
{
    *out = (struct store_invite){ .role = role, .created_at_s = a->now_s };
    if (expires_in_s == 0) expires_in_s = ACCOUNT_INVITE_DEFAULT_S;
    if (expires_in_s > ACCOUNT_INVITE_MAX_S)
        return account_refuse(error, ACCOUNT_ERROR_INVALID_VALUE, "expires_in_seconds",
                              "expires_in_seconds is %llu: at most %d (30 days) is allowed",
                              (unsigned long long)expires_in_s, ACCOUNT_INVITE_MAX_S);
    if (!may_invite(a, who, project, role, error) || (email.len && !account_take_email(email, out->email, error)))
        return false;
    out->valid_until_s = a->now_s + (int64_t)expires_in_s;
    account_id_make("inv", out->id);
    snprintf(out->project, sizeof out->project, "%.*s", SLICE_ARG(project));
    snprintf(out->invited_by, sizeof out->invited_by, "%s", who->account.id);
    account_secret_make(ACCOUNT_SECRET_INVITE, secret, out->hash);
    if (!account_change_begin(a, error)) return false;
    return account_change_end(a, has_room(a, project, error) && insert(a, out, who->account.email, error), error);
}

static bool no_such_link(struct account_error *error)
{
    return account_refuse(error, ACCOUNT_ERROR_NOT_FOUND, "token",
                          "this link is used, withdrawn or at its end: ask for a new one");
}

bool account_invite_find(const struct account_service *a, struct slice secret, struct store_invite *out,
                         struct account_error *error)
{
    uint8_t hash[STORE_SECRET_HASH_LEN];
    enum status status = STATUS_NOT_FOUND;
    if (account_secret_hash(ACCOUNT_SECRET_INVITE, secret, hash))
        status = store_invite_get_by_hash(a->store, hash, out);
    if (status == STATUS_OK && out->valid_until_s > a->now_s) return true;
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) return no_such_link(error);
    return account_stored(a, status, "looking for an invite", error);
}

bool account_invite_list(const struct account_service *a, struct slice project, struct store_invite **out,
                         size_t *count, struct account_error *error)
{
    return account_stored(a, store_invite_list(a->store, project, out, count), "listing invites", error);
}

bool account_invite_remove(const struct account_service *a, const struct account_who *who, struct slice project,
                           struct slice id, struct account_error *error)
{
    char of[STORE_PROJECT_ID_MAX];
    snprintf(of, sizeof of, "%.*s", SLICE_ARG(project));
    if (!account_change_begin(a, error)) return false;
    const enum status status = store_invite_remove(a->store, project, id);
    const bool good = status == STATUS_NOT_FOUND
                          ? account_refuse(error, ACCOUNT_ERROR_NOT_FOUND, NULL, "there is no such invite")
                          : account_stored(a, status, "withdrawing an invite", error) &&
                                account_audit(a, who->account.email, of, error, "withdraw invite %.*s", SLICE_ARG(id));
    return account_change_end(a, good, error);
}

/* What an invite gives, and the end of it. */
static bool use(const struct account_service *a, const struct store_invite *invite, const struct store_account *account,
                struct account_error *error)
{
    struct store_member m = { .role = invite->role, .created_at_s = a->now_s };
    memcpy(m.project, invite->project, sizeof m.project);
    memcpy(m.account, account->id, sizeof m.account);
    const enum status status =
        store_invite_remove(a->store, slice_from_cstr(invite->project), slice_from_cstr(invite->id));
    if (status == STATUS_NOT_FOUND) return no_such_link(error); /* somebody was quicker */
    return account_stored(a, status, "using up an invite", error) &&
           (!invite->project[0] || account_stored(a, store_member_set(a->store, &m), "adding a member", error)) &&
           account_audit(a, account->email, invite->project, error, "join as %s", account_role_name(invite->role));
}

static bool is_for(const struct store_invite *invite, struct slice email, struct account_error *error)
{
    return !invite->email[0] || slice_eq_nocase(slice_from_cstr(invite->email), email) ||
           account_refuse(error, ACCOUNT_ERROR_FORBIDDEN, "email", "this invite is for another e-mail address");
}

bool account_join(const struct account_service *a, const struct store_invite *invite, struct slice email,
                  struct slice name, const char *password_hash, struct store_account *out, struct account_error *error)
{
    *out = (struct store_account){ .created_at_s = a->now_s, .instance_owner = !invite->project[0] };
    if (!account_take_email(email, out->email, error) || !is_for(invite, email, error) ||
        !account_take_text(name, "name", out->name, sizeof out->name - 1, error))
        return false;
    account_id_make("acc", out->id);
    snprintf(out->password, sizeof out->password, "%s", password_hash);
    if (!account_change_begin(a, error)) return false;
    const enum status status = store_account_insert(a->store, out);
    const bool good =
        status == STATUS_EXISTS
            ? account_refuse(error, ACCOUNT_ERROR_CONFLICT, "email",
                             "this e-mail address has an account already: sign in, then open the link again")
            : account_stored(a, status, "adding an account", error) && use(a, invite, out, error);
    return account_change_end(a, good, error);
}

bool account_accept(const struct account_service *a, const struct store_invite *invite, struct account_who *who,
                    struct account_error *error)
{
    enum store_role present = STORE_ROLE_NONE;
    if (!is_for(invite, slice_from_cstr(who->account.email), error)) return false;
    if (!invite->project[0])
        return account_refuse(error, ACCOUNT_ERROR_CONFLICT, NULL, "this link makes a new account: sign out first");
    if (!account_role(a, who, slice_from_cstr(invite->project), &present, error)) return false;
    struct store_invite at_least = *invite;
    if (present > at_least.role) at_least.role = present; /* an invite takes nothing away */
    if (!account_change_begin(a, error)) return false;
    return account_change_end(a, use(a, &at_least, &who->account, error), error);
}
