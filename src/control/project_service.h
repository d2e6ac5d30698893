/* project_service: the rules for projects and their keys over a store. The control
 * thread uses it, and so does the command line when no server runs.
 *
 * Use: struct project_service service = { .store = s, .now_s = time(NULL), .who = "uid 0" };
 *      if (!project_service_create(&service, name, &keys, &error)) … error.text
 *
 * Each call that changes something is one transaction with its line in the audit,
 * and false leaves everything as it was. Secrets come out once, in struct
 * project_new_keys; whoever holds it wipes it. Source: docs/backend.md.
 * The thread of the store; blocks on the disk. */
#ifndef XSHATHRA_CONTROL_PROJECT_SERVICE_H
#define XSHATHRA_CONTROL_PROJECT_SERVICE_H

#include "control/project_error.h"
#include "control/project_key.h"
#include "store/store_key.h"
#include "store/store_project.h"

#define PROJECT_DEFAULT_NAME    "Default"
#define PROJECT_NAME_LEN_MAX    100 /* bytes: it is shown in tables and logs */
#define PROJECT_GRACE_DEFAULT_S (24 * 60 * 60)
#define PROJECT_GRACE_MAX_S     (90 * 24 * 60 * 60) /* longer is no rotation, but a forgotten key */

struct project_service {
    struct store *store; /* borrowed */
    int64_t now_s;       /* Unix time of the call */
    const char *who;     /* for the audit; borrowed */
};

/* What a further key is to be; zeroed: as a project's first. */
struct project_key_wish {
    struct slice name;     /* for people; at most PROJECT_NAME_LEN_MAX bytes */
    int64_t valid_until_s; /* 0 = no end */
    uint32_t scopes;       /* bits of enum store_key_scope; 0 = everything. Of server keys only */
    struct slice channel_prefix;
};

struct project_new_keys {
    char id[STORE_PROJECT_ID_MAX]; /* the project */
    char name[STORE_PROJECT_NAME_MAX];
    struct project_key server, client; /* .text is "" where no new key was made */
};

/* A project with the next space and two keys. name: 1 to PROJECT_NAME_LEN_MAX bytes of
 * UTF-8 without control characters; names need not differ. INVALID_NAME. */
MUST_CHECK bool project_service_create(const struct project_service *p, struct slice name, struct project_new_keys *out,
                                       struct project_error *error);
/* Make sure that space 0 has its project. *made tells whether this call made it, and
 * only then is *out filled. */
MUST_CHECK bool project_service_ensure_default(const struct project_service *p, bool *made,
                                               struct project_new_keys *out, struct project_error *error);
/* The caller owns *out: store_project_list_free(). */
MUST_CHECK bool project_service_list(const struct project_service *p, struct store_project **out, size_t *count,
                                     struct project_error *error);
/* PROJECT_NOT_FOUND. The caller owns *out: store_project_deinit(). */
MUST_CHECK bool project_service_find(const struct project_service *p, struct slice id, struct store_project *out,
                                     struct project_error *error);
/* The keys of a project, oldest first; mem_free(*out). */
MUST_CHECK bool project_service_keys(const struct project_service *p, struct slice id, struct store_key **out,
                                     size_t *count, struct project_error *error);
/* A new key of one kind. The present ones of that kind end after grace_s (sooner if
 * they were to end sooner); with grace_s 0 they are revoked. PROJECT_NOT_FOUND,
 * PROJECT_ARCHIVED, INVALID_GRACE. */
MUST_CHECK bool project_service_rotate(const struct project_service *p, struct slice id, enum store_key_kind which,
                                       uint64_t grace_s, struct project_new_keys *out, struct project_error *error);
/* Revoking a revoked key, and archiving an archived project, succeeds and changes
 * nothing: who got no answer the first time may ask again. INVALID_KEY_ID,
 * PROJECT_NOT_FOUND, KEY_NOT_FOUND. */
MUST_CHECK bool project_service_revoke(const struct project_service *p, struct slice id, struct slice key_id,
                                       struct project_error *error);
/* PROJECT_NOT_FOUND, DEFAULT_PROJECT. */
MUST_CHECK bool project_service_archive(const struct project_service *p, struct slice id, struct project_error *error);
/* In use again, with the keys it had. */
MUST_CHECK bool project_service_restore(const struct project_service *p, struct slice id, struct project_error *error);
/* The project, its keys and members are gone; its space is never given again. PROJECT_NOT_FOUND,
 * DEFAULT_PROJECT. */
MUST_CHECK bool project_service_remove(const struct project_service *p, struct slice id, struct project_error *error);
/* name empty: it stays. allowed_origins_json: a JSON array of strings, or empty: they stay.
 * INVALID_NAME, INVALID_ORIGINS. */
MUST_CHECK bool project_service_update(const struct project_service *p, struct slice id, struct slice name,
                                       struct slice allowed_origins_json, struct project_error *error);
/* json: an array that config_namespaces_read() has taken. PROJECT_NOT_FOUND. */
MUST_CHECK bool project_service_set_namespaces(const struct project_service *p, struct slice id, struct slice json,
                                               struct project_error *error);
/* One more key beside those there are. PROJECT_ARCHIVED, INVALID_NAME. */
MUST_CHECK bool project_service_add_key(const struct project_service *p, struct slice id, enum store_key_kind which,
                                        const struct project_key_wish *wish, struct project_new_keys *out,
                                        struct project_error *error);

#endif
