/* held_bytes: what clients and operations keep of infos and data: any bytes, with the
 * word whether clients of JSON can have them. Private to the engine.
 *
 * Use: struct held_bytes *h = held_bytes_copy(claims.info); … held_bytes_free(h);
 * NULL holds nothing, which every encoding can leave out. One thread at a time. */
#ifndef XSHATHRA_ENGINE_HELD_BYTES_H
#define XSHATHRA_ENGINE_HELD_BYTES_H

#include "base/slice.h"
#include "base/status.h"

struct held_bytes {
    uint32_t len;
    bool is_json; /* one JSON value */
    char bytes[];
};

/* Owned, freed with held_bytes_free(); NULL when memory is out, or s is empty. */
MUST_CHECK struct held_bytes *held_bytes_copy(struct slice s);
void held_bytes_free(struct held_bytes *h); /* accepts NULL */
/* What held_bytes_copy(s) gave: was memory out? */
static inline bool held_bytes_failed(const struct held_bytes *h, struct slice s)
{
    return !h && s.len > 0;
}

static inline struct slice held_bytes_slice(const struct held_bytes *h)
{
    return h ? slice_of(h->bytes, h->len) : (struct slice){ 0 };
}

static inline bool held_bytes_fit_json(const struct held_bytes *h)
{
    return !h || h->is_json;
}

#endif
