/* store_project: the rows of projects. See store.h for threads and failures. */
#ifndef XSHATHRA_STORE_STORE_PROJECT_H
#define XSHATHRA_STORE_STORE_PROJECT_H

#include "store/store.h"

#define STORE_PROJECT_ID_MAX   40  /* with NUL */
#define STORE_PROJECT_NAME_MAX 101 /* with NUL */

struct store_project {
    char id[STORE_PROJECT_ID_MAX];
    uint32_t space; /* unique, never given twice */
    char name[STORE_PROJECT_NAME_MAX];
    int64_t created_at_s;
    int64_t archived_at_s;      /* 0 = not archived */
    char *allowed_origins_json; /* owned; an array of strings; NULL means "[]" on insert */
    char *namespaces_json;      /* owned; as channel.namespaces; not looked at on insert and update */
};

void store_project_deinit(struct store_project *p); /* accepts zeroed */
void store_project_list_free(struct store_project *list, size_t count);

/* A space that nobody has had; inside a transaction. TOO_LARGE after 2^32 - 1. */
MUST_CHECK enum status store_project_take_space(struct store *s, uint32_t *space);
/* EXISTS: id or space is taken. */
MUST_CHECK enum status store_project_insert(struct store *s, const struct store_project *p);
/* NOT_FOUND. The caller owns what *out owns. */
MUST_CHECK enum status store_project_get(struct store *s, struct slice id, struct store_project *out);
MUST_CHECK enum status store_project_get_by_space(struct store *s, uint32_t space, struct store_project *out);
/* All, archived ones too, in the order of their spaces. The caller owns *out. */
MUST_CHECK enum status store_project_list(struct store *s, struct store_project **out, size_t *count);
/* NOT_FOUND. */
MUST_CHECK enum status store_project_set_archived(struct store *s, struct slice id, int64_t at_s);
/* Its name and allowed origins. NOT_FOUND. */
MUST_CHECK enum status store_project_update(struct store *s, const struct store_project *p);
/* Its own namespaces, a JSON array. NOT_FOUND. */
MUST_CHECK enum status store_project_set_namespaces(struct store *s, struct slice id, struct slice json);
/* With its keys, members and invites; inside a transaction. NOT_FOUND. */
MUST_CHECK enum status store_project_remove(struct store *s, struct slice id);

#endif
