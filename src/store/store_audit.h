/* store_audit: who changed what, and when. Rows are only added. Never a secret in
 * them. See store.h for threads and failures. */
#ifndef XSHATHRA_STORE_STORE_AUDIT_H
#define XSHATHRA_STORE_STORE_AUDIT_H

#include "store/store.h"

#define STORE_AUDIT_WHO_MAX  64  /* with NUL */
#define STORE_AUDIT_WHAT_MAX 256 /* with NUL */

struct store_audit {
    int64_t at_s;
    char who[STORE_AUDIT_WHO_MAX];
    char what[STORE_AUDIT_WHAT_MAX];
};

/* Both texts are cut to what fits. */
MUST_CHECK enum status store_audit_add(struct store *s, int64_t at_s, struct slice who, struct slice what);
/* The last ones, newest first, at most room; their number in *count. */
MUST_CHECK enum status store_audit_last(struct store *s, struct store_audit *out, size_t room, size_t *count);

#endif
