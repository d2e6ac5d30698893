#include <stdio.h>

#include "account/account_change.h"
#include "base/check.h"
#include "base/mem.h"

static const char *const role_names[] = { [STORE_ROLE_NONE] = "",
                                          [STORE_ROLE_VIEWER] = "viewer",
                                          [STORE_ROLE_DEVELOPER] = "developer",
                                          [STORE_ROLE_ADMIN] = "admin",
                                          [STORE_ROLE_OWNER] = "owner" };

const char *account_role_name(enum store_role role)
{
    return role_names[role];
}

bool account_role_read(struct slice text, enum store_role *out, struct account_error *error)
{
    for (enum store_role role = STORE_ROLE_VIEWER; role <= STORE_ROLE_OWNER; role++) {
        if (!slice_eq(text, slice_from_cstr(role_names[role]))) continue;
        *out = role;
        return true;
    }
    return account_refuse(error, ACCOUNT_ERROR_INVALID_VALUE, "role",
                          "role is none: \"viewer\", \"developer\", \"admin\" or \"owner\" is allowed");
}

bool account_role(const struct account_service *a, const struct account_who *who, struct slice project,
                  enum store_role *out, struct account_error *error)
{
    if (who->account.instance_owner) {
        *out = STORE_ROLE_OWNER;
        return true;
    }
    return account_stored(a, store_member_role(a->store, project, slice_from_cstr(who->account.id), out),
                          "looking for a role", error);
}

bool account_members(const struct account_service *a, struct slice project, struct store_member **out, size_t *count,
                     struct account_error *error)
{
    return account_stored(a, store_member_list(a->store, project, SLICE(""), out, count), "listing members", error);
}

static bool fill_member(struct store_member *m, struct slice project, struct slice account, enum store_role role,
                        int64_t now_s)
{
    if (project.len >= sizeof m->project || account.len >= sizeof m->account) return false;
    *m = (struct store_member){ .role = role, .created_at_s = now_s };
    if (project.len) memcpy(m->project, project.ptr, project.len);
    if (account.len) memcpy(m->account, account.ptr, account.len);
    return true;
}

bool account_own_project(const struct account_service *a, const struct account_who *who, struct slice project,
                         struct account_error *error)
{
    struct store_member m;
    CHECK(fill_member(&m, project, slice_from_cstr(who->account.id), STORE_ROLE_OWNER, a->now_s));
    return account_stored(a, store_member_set(a->store, &m), "adding an owner", error);
}

static bool no_such_member(struct account_error *error)
{
    return account_refuse(error, ACCOUNT_ERROR_NOT_FOUND, NULL, "the project has no such member");
}

/* The member is one, who may change them, and an owner stays. */
static bool may_change(const struct account_service *a, const struct account_who *who, struct slice project,
                       struct slice account, enum store_role new_role, struct account_error *error)
{
    struct store_member *all = NULL;
    size_t count = 0, owners = 0;
    enum store_role present = STORE_ROLE_NONE, own;
    if (!account_role(a, who, project, &own, error) || !account_members(a, project, &all, &count, error)) return false;
    for (size_t i = 0; i < count; i++) {
        owners += all[i].role == STORE_ROLE_OWNER;
        if (slice_eq(account, slice_from_cstr(all[i].account))) present = all[i].role;
    }
    mem_free(all);
    if (present == STORE_ROLE_NONE) return no_such_member(error);
    if (present > own || new_role > own)
        return account_refuse(error, ACCOUNT_ERROR_FORBIDDEN, "role", "only an owner of the project may do this");
    if (present == STORE_ROLE_OWNER && new_role != STORE_ROLE_OWNER && owners == 1)
        return account_refuse(error, ACCOUNT_ERROR_CONFLICT, "role",
                              "this is the project's last owner: make somebody else one first");
    return true;
}

/* Who may invite no more, or only so far, has no open invites beyond that: a link kept aside
 * would be a way back. */
static bool withdraw_invites(const struct account_service *a, struct slice project, struct slice account,
                             enum store_role role, struct account_error *error)
{
    const enum store_role above = role >= STORE_ROLE_ADMIN ? role : STORE_ROLE_NONE;
    return account_stored(a, store_invite_remove_by(a->store, project, account, above), "withdrawing invites", error);
}

bool account_member_set_role(const struct account_service *a, const struct account_who *who, struct slice project,
                             struct slice account, enum store_role role, struct account_error *error)
{
    struct store_member m;
    if (!fill_member(&m, project, account, role, a->now_s)) return no_such_member(error);
    if (!account_change_begin(a, error)) return false;
    const bool good =
        may_change(a, who, project, account, role, error) &&
        account_stored(a, store_member_set(a->store, &m), "changing a role", error) &&
        withdraw_invites(a, project, account, role, error) &&
        account_audit(a, who->account.email, m.project, error, "make %s %s", m.account, account_role_name(role));
    return account_change_end(a, good, error);
}

bool account_member_remove(const struct account_service *a, const struct account_who *who, struct slice project,
                           struct slice account, struct account_error *error)
{
    struct store_member m;
    if (!fill_member(&m, project, account, STORE_ROLE_NONE, 0)) return no_such_member(error);
    if (!account_change_begin(a, error)) return false;
    const bool good = may_change(a, who, project, account, STORE_ROLE_NONE, error) &&
                      account_stored(a, store_member_remove(a->store, project, account), "removing a member", error) &&
                      withdraw_invites(a, project, account, STORE_ROLE_NONE, error) &&
                      account_audit(a, who->account.email, m.project, error, "remove member %s", m.account);
    return account_change_end(a, good, error);
}
