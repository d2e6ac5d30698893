/* claims_list reads the claims that are lists: aud, channels and subs, and what may be
 * attached to each subscription. Inner part of claims.c; functions of its tables. */
#ifndef XSHATHRA_AUTH_CLAIMS_LIST_H
#define XSHATHRA_AUTH_CLAIMS_LIST_H

#include "auth/claims.h"
#include "auth/member_reader.h"

/* info, data and override as they stand: in a subscription token, or in a member of subs. */
struct claims_attached {
    struct slice info, b64info, data, b64data;
    struct claims_override override;
};

struct claims_list {
    struct claims_sub *subs; /* in the arena; each channel once */
    size_t count;
};

/* Both to a struct claims_list, replacing what it held. */
void claims_list_read_channels(struct member_reader *m, void *target);
void claims_list_read_subs(struct member_reader *m, void *target);
/* To a struct claims_override; null empties it. */
void claims_override_read(struct member_reader *m, void *target);

/* What a null among strings does. */
enum claims_null { CLAIMS_NULL_REFUSED, CLAIMS_NULL_IS_EMPTY };

/* An array of strings; NULL and *count 0 on failure. */
struct slice *claims_list_read_texts(struct member_reader *m, enum claims_null null, size_t *count);

/* The bytes of base64 text if there is any, else the JSON text. False when the text is
 * not base64: *out is untouched. Running out of memory is the reader's failure. */
bool claims_choose_bytes(struct member_reader *m, struct slice json, struct slice base64, struct slice *out);

#endif
