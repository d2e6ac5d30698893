/* store_audit: who changed what, and when. Rows are only added. Never a secret in
 * them. See store.h for threads and failures. */
#ifndef XSHATHRA_STORE_STORE_AUDIT_H
#define XSHATHRA_STORE_STORE_AUDIT_H

#include "store/store_project.h"

#define STORE_AUDIT_WHO_MAX  64  /* with NUL */
#define STORE_AUDIT_WHAT_MAX 256 /* with NUL */

struct store_audit {
    int64_t number; /* counts up */
    int64_t at_s;
    char project[STORE_PROJECT_ID_MAX]; /* "" = of the whole instance */
    char who[STORE_AUDIT_WHO_MAX];
    char what[STORE_AUDIT_WHAT_MAX];
};

/* who and what are cut to what fits. */
MUST_CHECK enum status store_audit_add(struct store *s, int64_t at_s, struct slice project, struct slice who,
                                       struct slice what);

/* Which entries are wanted; empty slices and 0 mean any. */
struct store_audit_filter {
    struct slice project;
    struct slice who, what; /* a part of the text, in letters of any case */
    int64_t before;         /* only numbers below */
};
/* Newest first, at most room; how many in *count. */
MUST_CHECK enum status store_audit_list(struct store *s, const struct store_audit_filter *filter,
                                        struct store_audit *out, size_t room, size_t *count);

#endif
