/* store_member: who may do what in which project, and the invites to it. See store.h for
 * threads and failures. */
#ifndef XSHATHRA_STORE_STORE_MEMBER_H
#define XSHATHRA_STORE_STORE_MEMBER_H

#include "store/store_account.h"
#include "store/store_project.h"

/* Each may what those before it may. The numbers are in the database. */
enum store_role { STORE_ROLE_NONE, STORE_ROLE_VIEWER, STORE_ROLE_DEVELOPER, STORE_ROLE_ADMIN, STORE_ROLE_OWNER };

struct store_member {
    char project[STORE_PROJECT_ID_MAX];
    char account[STORE_ACCOUNT_ID_MAX];
    char email[STORE_ACCOUNT_EMAIL_MAX]; /* of the account; not read by set */
    char name[STORE_ACCOUNT_NAME_MAX];   /* the same */
    enum store_role role;
    int64_t created_at_s;
};

/* Adds or changes. EXISTS: there is no such project or account. */
MUST_CHECK enum status store_member_set(struct store *s, const struct store_member *m);
/* NOT_FOUND. */
MUST_CHECK enum status store_member_remove(struct store *s, struct slice project, struct slice account);
/* STORE_ROLE_NONE for those who are no member. */
MUST_CHECK enum status store_member_role(struct store *s, struct slice project, struct slice account,
                                         enum store_role *out);
/* Those of a project, or of an account (the other is empty), oldest first; mem_free(*out). */
MUST_CHECK enum status store_member_list(struct store *s, struct slice project, struct slice account,
                                         struct store_member **out, size_t *count);

#define STORE_INVITE_ID_MAX 24 /* with NUL */

struct store_invite {
    char id[STORE_INVITE_ID_MAX];
    uint8_t hash[STORE_SECRET_HASH_LEN]; /* of the secret in the link */
    char project[STORE_PROJECT_ID_MAX];  /* "" = the whole instance */
    enum store_role role;
    char email[STORE_ACCOUNT_EMAIL_MAX];   /* for whom; "" = whoever has the link */
    char invited_by[STORE_ACCOUNT_ID_MAX]; /* "" = the server itself */
    int64_t created_at_s, valid_until_s;
};

MUST_CHECK enum status store_invite_insert(struct store *s, const struct store_invite *invite);
/* NOT_FOUND. */
MUST_CHECK enum status store_invite_get_by_hash(struct store *s, const uint8_t hash[static STORE_SECRET_HASH_LEN],
                                                struct store_invite *out);
/* Those of a project; mem_free(*out). */
MUST_CHECK enum status store_invite_list(struct store *s, struct slice project, struct store_invite **out,
                                         size_t *count);
/* NOT_FOUND. project: the one it must belong to. */
MUST_CHECK enum status store_invite_remove(struct store *s, struct slice project, struct slice id);
/* Those to a project that an account has made, for roles above this one. */
MUST_CHECK enum status store_invite_remove_by(struct store *s, struct slice project, struct slice account,
                                              enum store_role above);
/* Those that ended before now_s, and all of the instance when whole_instance: there is one
 * set-up link at a time. */
MUST_CHECK enum status store_invite_remove_old(struct store *s, int64_t now_s, bool whole_instance);

#endif
